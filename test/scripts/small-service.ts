import type { OpenApiDocument } from '../../scripts/generate/open-api-document.js'
import type { Service } from '../../scripts/generate/model.js'
import type { IndexRow } from '../../scripts/generate-stackit/documents.js'
import { readService } from '../../scripts/generate-stackit/service.js'

/** A small service with a bit of everything. */
export const document: OpenApiDocument = {
  openapi: '3.0.4',
  paths: {
    '/v1/projects/{projectId}/regions/{region}/things': {
      parameters: [
        {
          name: 'projectId',
          in: 'path',
          required: true,
          schema: { type: 'string', format: 'uuid', minLength: 36 },
        },
        { name: 'region', in: 'path', required: true, schema: { type: 'string' } },
      ],
      get: {
        operationId: 'ListThings',
        parameters: [
          { name: 'pageToken', in: 'query', schema: { type: 'string' } },
          { name: 'sort[by]', in: 'query', schema: { type: 'string', enum: ['name'] } },
          { name: 'order[by]', in: 'query', schema: { type: 'string', enum: ['name'] } },
          {
            name: 'tag',
            in: 'query',
            style: 'form',
            explode: false,
            schema: { type: 'array', items: { type: 'string' } },
          },
        ],
        responses: {
          '200': {
            content: {
              'application/json': {
                schema: {
                  type: 'object',
                  properties: {
                    items: { type: 'array', items: { $ref: '#/components/schemas/Thing' } },
                    nextPageToken: { type: 'string' },
                  },
                },
              },
            },
          },
        },
        'x-stackit-authorization': { actions: ['thing.list', 'thing.read'] },
      },
      post: {
        operationId: 'CreateThing',
        requestBody: {
          required: true,
          content: { 'application/json': { schema: { $ref: '#/components/schemas/CreateThingPayload' } } },
        },
        responses: {
          '200': { content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } } },
          '202': {},
          '400': { content: { 'application/json': { schema: { $ref: '#/components/schemas/error' } } } },
        },
        deprecated: true,
      },
    },
    '/v1/things/{thingId}/export': {
      get: {
        operationId: 'export-thing',
        parameters: [{ name: 'thingId', in: 'path', required: true, schema: { type: 'string' } }],
        responses: {
          '200': {
            content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
          },
        },
      },
      delete: {
        operationId: 'DeleteThing',
        parameters: [{ name: 'thingId', in: 'path', required: true, schema: { type: 'string' } }],
        responses: { '204': {} },
      },
    },
    '/v1/ranges': {
      get: { operationId: 'ListRanges', responses: { '200': { content: { 'text/csv': {} } } }, security: [] },
    },
  },
  components: {
    schemas: {
      CreateThingPayload: {
        properties: {
          name: { type: 'string', pattern: '^`\\d${1}$' },
          secretAccessKey: { type: 'string' },
          status: { type: 'string', readOnly: true },
        },
        required: ['name', 'status'],
      },
      Thing: {
        properties: { id: { type: 'string' }, state: { type: 'string' } },
        required: ['id'],
        deprecated: true,
      },
      State: { type: 'string', nullable: true },
      error: { properties: { message: { type: 'string' } } },
    },
  },
}

export const row: IndexRow = {
  service: 'small-things',
  version: 'v1',
  file: 'small-things/v1.json',
  default: true,
  deprecated: false,
  baseUrl: 'https://things.api.{region}stackit.cloud',
  regionInHost: true,
  regions: ['eu01'],
}

export function smallService(changes: Partial<IndexRow> = {}): Service {
  return readService({ ...row, ...changes }, document, { 'Thing.state': ['READY'] })
}
