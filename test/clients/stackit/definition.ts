import type { Observable } from 'rxjs'
import type { ServiceDefinition } from '../../../src/clients/stackit/index.js'
import { createStackit, type StackitClient, type StackitConfig } from '../../../src/clients/stackit/index.js'
import type { CallOptions } from '../../../src/http/types.js'
import { constant } from '../../../src/operators/backoff.js'
import { fakeTransport, type FakeAnswer, type FakeTransport } from '../../../src/testing/fake-transport.js'

type Method = (args?: Readonly<Record<string, unknown>>, options?: CallOptions) => Observable<unknown>

/** A service that never was: every way in which an operation of STACKIT may look, once. */
export type Zoo = Readonly<Record<string, Method>>

const schemas = {
  string: { type: 'string' },
  short: { type: 'string', minLength: 2, maxLength: 5 },
  code: { type: 'string', pattern: '^[a-z]+$' },
  integer: { type: 'integer', minimum: 1, maximum: 100 },
  boolean: { type: 'boolean' },
  strings: { type: 'array', items: { type: 'string' } },
  labels: { type: 'object', additionalProperties: { type: 'string' } },
  direction: { type: 'string', enum: ['in', 'out'] },
  Animal: {
    type: 'object',
    properties: {
      name: { type: 'string', minLength: 1, maxLength: 8, pattern: '^[a-z]+$' },
      kind: { type: 'string', enum: ['cat', 'dog'] },
      legs: { type: 'integer', minimum: 0 },
      friends: { type: 'array', items: { $ref: '#/definitions/Friend' }, maxItems: 2 },
      label: { type: 'string', nullable: true },
      diet: { $ref: '#/definitions/Diet' },
      home: { anyOf: [{ $ref: '#/definitions/Cage' }, { $ref: '#/definitions/Lake' }] },
      credentials: { type: 'object', properties: { password: { type: 'string' }, user: { type: 'string' } } },
    },
    required: ['name', 'kind'],
    additionalProperties: false,
  },
  Friend: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
  Cage: { type: 'object', properties: { bars: { type: 'integer' } }, required: ['bars'] },
  Lake: {
    type: 'object',
    properties: { depth: { type: 'number' }, name: { type: 'string' } },
    required: ['depth', 'name'],
  },
  Diet: {
    anyOf: [{ $ref: '#/definitions/Meat' }, { $ref: '#/definitions/Grass' }],
    discriminator: {
      propertyName: 'type',
      mapping: { meat: '#/definitions/Meat', 'gr.ss': '#/definitions/Grass' },
    },
  },
  Meat: {
    type: 'object',
    properties: { type: { type: 'string' }, kilos: { type: 'number' } },
    required: ['type', 'kilos'],
  },
  Grass: { type: 'object', properties: { type: { type: 'string' } }, required: ['type'] },
  Animals: {
    type: 'object',
    properties: { items: { type: 'array', items: { $ref: '#/definitions/Animal' } } },
    required: ['items'],
  },
  Grant: { type: 'object', properties: { grant_type: { type: 'string' } } },
}

const path = {
  projectId: { in: 'path', required: true, schema: 'string' },
  region: { in: 'path', required: true, schema: 'string' },
} as const

export const zoo: ServiceDefinition<Zoo> = {
  service: 'big-zoo',
  version: 'v2',
  url: 'https://big-zoo.api.stackit.cloud',
  schemas: JSON.stringify(schemas),
  operations: {
    getAnimal: {
      method: 'GET',
      path: '/v2/projects/{projectId}/regions/{region}/animals/{animalId}',
      parameters: { ...path, animalId: { in: 'path', required: true, schema: 'string' } },
      success: { 200: { schema: 'Animal' } },
      secret: ['password'],
    },
    addAnimal: {
      method: 'POST',
      path: '/v2/projects/{projectId}/animals',
      parameters: { projectId: path.projectId, 'X-Request-ID': { in: 'header', schema: 'string' } },
      body: { schema: 'Animal', required: true },
      success: { 201: { schema: 'Animal' }, 202: {} },
      secret: ['password'],
    },
    feed: {
      method: 'POST',
      path: '/v2/organizations/{organizationId}/{keeper}:feed/{times}',
      parameters: {
        organizationId: { in: 'path', required: true, schema: 'string' },
        keeper: { in: 'path', required: true, schema: 'string' },
        times: { in: 'path', required: true, schema: 'integer' },
      },
      body: { schema: 'Animal' },
      success: { 204: {} },
    },
    search: {
      method: 'GET',
      path: '/v2/search',
      parameters: {
        'name[eq]': { in: 'query', schema: 'string' },
        ids: { in: 'query', schema: 'strings' },
        'key[eq]': { in: 'query', style: 'comma', schema: 'strings' },
        label_selector: { in: 'query', style: 'deep', schema: 'labels' },
        filters: { in: 'query', schema: 'labels' },
        details: { in: 'query', schema: 'boolean' },
        limit: { in: 'query', schema: 'integer' },
        code: { in: 'query', schema: 'code' },
        short: { in: 'query', schema: 'short' },
        direction: { in: 'query', schema: 'direction' },
        must: { in: 'query', required: true, schema: 'string' },
      },
      success: { 200: {} },
    },
    backup: { method: 'GET', path: '/v2/backup', success: { 200: { types: ['application/octet-stream'] } } },
    report: {
      method: 'GET',
      path: '/v2/report',
      parameters: { Accept: { in: 'header', schema: 'string' } },
      success: { 200: { schema: 'Animals', types: ['application/json', 'text/csv'] } },
    },
    log: { method: 'GET', path: '/v2/log', success: { 200: { types: ['text/csv', 'text/plain'] } } },
    importAnimals: {
      method: 'POST',
      path: '/v2/import',
      body: { schema: 'Animals', required: true, types: ['application/json', 'text/csv', 'text/plain'] },
      success: { 200: {} },
    },
    patchAnimal: {
      method: 'PATCH',
      path: '/v2/animal',
      body: { schema: 'Animal', types: ['application/json', 'application/json-patch+json'] },
      success: { 200: { schema: 'Animal' }, 202: {} },
    },
    grant: {
      method: 'POST',
      path: '/token',
      body: { schema: 'Grant', types: ['application/x-www-form-urlencoded'] },
      success: { 200: {} },
      open: true,
    },
    findKeeper: { method: 'GET', path: '/v2/keeper', success: { 302: { schema: 'Friend' } } },
    removeKeeper: { method: 'DELETE', path: '/v2/keeper', success: { 200: {} } },
  },
}

export const oldZoo: ServiceDefinition<Zoo> = {
  ...zoo,
  version: 'v1',
  url: 'https://zoo.api.{region}.stackit.cloud',
  regions: ['eu01', 'eu02'],
}

export const nowhere = {
  env: {},
  home: '/home/bob',
  readFile: (path: string) => Promise.reject(Object.assign(new Error(path), { code: 'ENOENT' })),
}

interface Services {
  readonly zoo: typeof zoo
  readonly oldZoo: typeof oldZoo
}

/** A client of the zoo for which there is nothing in the environment and on the disk. */
export function zooClient(
  routes: Readonly<Record<string, FakeAnswer | readonly FakeAnswer[]>> = {},
  config: Omit<StackitConfig, 'services'> = {},
): { readonly cloud: StackitClient<Services>; readonly requests: FakeTransport['requests'] } {
  const transport = fakeTransport(routes)
  const cloud = createStackit({
    token: 'the-token',
    projectId: 'p1',
    region: 'eu01',
    retry: { backoff: constant(1) },
    credentialSources: nowhere,
    ...config,
    transport,
    services: { zoo, oldZoo },
  })
  return { cloud, requests: transport.requests }
}
