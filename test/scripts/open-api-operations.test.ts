import { describe, expect, it } from 'vitest'
import type { NamedSchema, Operation } from '../../scripts/generate/model.js'
import { Names } from '../../scripts/generate/names.js'
import type {
  OpenApiDocument,
  OpenApiOperation,
  OpenApiPath,
} from '../../scripts/generate/open-api-document.js'
import { readOperations } from '../../scripts/generate/open-api-operations.js'
import { schemaReader } from '../../scripts/generate/open-api-schemas.js'

const zone = { $ref: '#/components/schemas/Zone' }
const components: OpenApiDocument['components'] = {
  schemas: {
    Zone: { properties: { id: { type: 'string' } } },
    Labels: { type: 'array', items: { type: 'string' } },
  },
  parameters: { Region: { name: 'region', in: 'path', required: true, schema: { type: 'string' } } },
  responses: { Gone: { content: { 'application/json': { schema: zone } } } },
}

function readPath(
  path: string,
  item: OpenApiPath,
): { operations: readonly Operation[]; inline: readonly NamedSchema[] } {
  const document: OpenApiDocument = {
    openapi: '3.0.4',
    paths: { [path]: item },
    components: components ?? {},
  }
  const names = new Names()
  const schemas = schemaReader(document, {
    names,
    reserved: new Map(),
    values: () => undefined,
    secret: () => false,
  })
  return readOperations(document, schemas, names)
}

function read(operation: Partial<OpenApiOperation>, item: OpenApiPath = {}): Operation {
  const whole = { operationId: 'Test', responses: { '200': {} }, ...operation }
  const [found] = readPath('/things', { ...item, post: whole }).operations
  if (found === undefined) throw new Error('there is no operation')
  return found
}

const json = (
  schema: object,
): { readonly content: { readonly 'application/json': { readonly schema: object } } } => ({
  content: { 'application/json': { schema } },
})

describe('operations', () => {
  it('have names for methods and types, whatever the style of the document', () => {
    expect(read({ operationId: 'create-or-update-folder-telemetry-link' })).toMatchObject({
      id: 'create-or-update-folder-telemetry-link',
      name: 'createOrUpdateFolderTelemetryLink',
      typeName: 'CreateOrUpdateFolderTelemetryLink',
      method: 'POST',
      path: '/things',
    })
    expect(read({ operationId: 'CreateZone' }).name).toBe('createZone')
  })

  it('come in the order of the document, each method of a path on its own', () => {
    const responses = { '200': {} }
    const { operations } = readPath('/things', {
      get: { operationId: 'ListThings', responses },
      delete: { operationId: 'DeleteThings', responses },
    })

    expect(operations.map(({ method, name }) => `${method} ${name}`)).toEqual([
      'GET listThings',
      'DELETE deleteThings',
    ])
  })

  it('say whether they are deprecated, open, and what they need', () => {
    expect(read({})).toMatchObject({ permissions: [] })
    expect(read({})).not.toHaveProperty('open')
    expect(
      read({ deprecated: true, security: [], 'x-stackit-authorization': { actions: ['dns.zone.create'] } }),
    ).toMatchObject({ deprecated: true, open: true, permissions: ['dns.zone.create'] })
    expect(read({ security: [{ BearerAuth: [] }] })).not.toHaveProperty('open')
  })
})

describe('parameters', () => {
  it('are those of the path and of the operation, which wins', () => {
    const { parameters } = read(
      {
        parameters: [
          { name: 'limit', in: 'query', required: true, schema: { type: 'integer' } },
          { name: 'X-Request-ID', in: 'header', deprecated: true, schema: { type: 'string' } },
        ],
      },
      {
        parameters: [
          { $ref: '#/components/parameters/Region' },
          { name: 'limit', in: 'query', schema: { type: 'string' } },
        ],
      },
    )

    expect(parameters).toEqual([
      { name: 'region', in: 'path', required: true, schema: { kind: 'string' } },
      { name: 'limit', in: 'query', required: true, schema: { kind: 'integer' } },
      { name: 'X-Request-ID', in: 'header', required: false, schema: { kind: 'string' }, deprecated: true },
    ])
  })

  it.each([
    ['repeated', { explode: true, schema: { type: 'array', items: { type: 'string' } } }, undefined],
    ['repeated by default', { schema: { type: 'array', items: { type: 'string' } } }, undefined],
    [
      'commas',
      { style: 'form', explode: false, schema: { type: 'array', items: { type: 'string' } } },
      'comma',
    ],
    ['commas of a named list', { explode: false, schema: { $ref: '#/components/schemas/Labels' } }, 'comma'],
    ['a text has no style', { style: 'form', explode: false, schema: { type: 'string' } }, undefined],
    ['deep', { style: 'deepObject', schema: { $ref: '#/components/schemas/Zone' } }, 'deep'],
  ])('in the query: %s', (_, said, style) => {
    const { parameters } = read({ parameters: [{ name: 'label[eq]', in: 'query', ...said }] })

    expect(parameters).toHaveLength(1)
    expect(parameters[0]?.style).toBe(style)
  })

  it('are no cookies', () => {
    expect(() => read({ parameters: [{ name: 'session', in: 'cookie' }] })).toThrow(
      'session: no cookie is a parameter',
    )
  })
})

describe('bodies', () => {
  it('may be left out unless the document says otherwise', () => {
    expect(read({ requestBody: json(zone) }).body).toEqual({
      required: false,
      types: ['application/json'],
      schema: { kind: 'reference', name: 'Zone' },
    })
    expect(read({ requestBody: { required: true, ...json(zone) } }).body?.required).toBe(true)
    expect(read({}).body).toBeUndefined()
  })

  it('get a type from their operation when they have none', () => {
    const responses = { '200': {} }
    const bulk = { type: 'array', items: zone }
    const { operations, inline } = readPath('/things', {
      patch: { operationId: 'PatchThing', requestBody: json(bulk), responses },
    })

    expect(operations[0]?.body?.schema).toEqual({ kind: 'reference', name: 'PatchThingBody' })
    expect(inline).toEqual([
      { name: 'PatchThingBody', schema: { kind: 'array', items: { kind: 'reference', name: 'Zone' } } },
    ])
  })

  it('take JSON first and other texts beside it', () => {
    const content = {
      'text/csv': { schema: { type: 'string' } },
      'application/json': { schema: zone },
      'text/plain': {},
    }

    expect(read({ requestBody: { content } }).body).toEqual({
      required: false,
      types: ['application/json', 'text/csv', 'text/plain'],
      schema: { kind: 'reference', name: 'Zone' },
    })
  })

  it.each(['application/x-www-form-urlencoded', 'application/json-patch+json'])(
    'have a schema as %s',
    (type) => {
      expect(read({ requestBody: { content: { [type]: { schema: zone } } } }).body).toMatchObject({
        types: [type],
        schema: { kind: 'reference', name: 'Zone' },
      })
    },
  )
})

describe('answers', () => {
  it('are by status, with or without content, of success only', () => {
    const responses = {
      '200': json(zone),
      '202': {},
      '307': json(zone),
      '404': json(zone),
      default: json(zone),
    }

    expect(read({ responses }).answers).toEqual([
      { status: 200, types: ['application/json'], schema: { kind: 'reference', name: 'Zone' } },
      { status: 202, types: [] },
    ])
  })

  it('lead elsewhere where there is no other success', () => {
    expect(read({ responses: { '302': json(zone), '404': {} } }).answers).toMatchObject([{ status: 302 }])
  })

  it('may be shared', () => {
    expect(read({ responses: { '200': { $ref: '#/components/responses/Gone' } } }).answers).toEqual([
      { status: 200, types: ['application/json'], schema: { kind: 'reference', name: 'Zone' } },
    ])
    expect(() => read({ responses: { '200': { $ref: '#/components/responses/Nobody' } } })).toThrow(
      'leads nowhere',
    )
  })

  it('are bytes or texts without a schema', () => {
    const content = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } }

    expect(read({ responses: { '200': { content } } }).answers).toEqual([
      { status: 200, types: ['application/octet-stream'] },
    ])
  })
})
