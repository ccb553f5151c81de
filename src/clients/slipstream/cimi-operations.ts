import { header, json, jsonBody, query, segment, unfit } from '../../http/codecs.js'
import type { DecodeContext, HttpResponse, Operation, RequestParts } from '../../http/types.js'
import {
  steeringCollection,
  steeringObject,
  steeringResource,
  type CimiCollection,
  type CimiLink,
  type CimiQuery,
  type CimiResource,
  type CimiResult,
  type CloudEntryPoint,
} from './cimi-schemas.js'
import type { Dialect } from './dialect.js'
import { filter, raw } from './filter.js'

// Slipstream dossier 3.1. Everything is below /api/, whatever the server says of itself.

/** A path below the API as the server wrote it: relative, and nowhere else than below. */
const wellFormedPath =
  /^(?!\.{1,2}(?:\/|$))[\w.~!$&'()*+,;=:@%-]+(?:\/(?!\.{1,2}(?:\/|$))[\w.~!$&'()*+,;=:@%-]+)*$/

export interface PathArgs {
  /** Encoded, without a slash in front. */
  readonly path: string
}

export interface CimiOperations {
  readonly entryPoint: Operation<void, CloudEntryPoint>
  readonly get: Operation<PathArgs & { readonly select?: readonly string[] | undefined }, CimiResource>
  readonly add: Operation<PathArgs & { readonly data: object }, CimiResult>
  /** Emits the document, or undefined where the server only says that it did it. */
  readonly edit: Operation<
    PathArgs & { readonly changes: object; readonly select?: readonly string[] | undefined },
    CimiResource | undefined
  >
  readonly remove: Operation<PathArgs, CimiResult>
  readonly operate: Operation<PathArgs & { readonly data?: object | undefined }, CimiResult>
  search(collection: string): Operation<PathArgs & { readonly query: CimiQuery }, CimiCollection>
}

export function cimiOperations(dialect: Dialect): CimiOperations {
  const { cloud, queryPrefix, secretField } = dialect
  const selected = (select: readonly string[] | undefined): Pick<RequestParts, 'query'> =>
    select === undefined ? {} : { query: query({ [`${queryPrefix}select`]: select.join(',') }) }
  return {
    entryPoint: {
      id: `${cloud}.cimi.entryPoint`,
      method: 'GET',
      path: '/api/cloud-entry-point',
      success: [200],
      encode: () => ({ path: '/api/cloud-entry-point' }),
      decode: (response, context) => {
        const entry = dialect.readEntryPoint(readObject(response, context))
        if (Object.keys(entry.collections).length > 0) return entry
        throw unfit(response, context, ['no collection is named'])
      },
    },
    get: {
      id: `${cloud}.cimi.get`,
      method: 'GET',
      path: '/api/{id}',
      success: [200],
      encode: ({ path, select }) => ({ path: `/api/${path}`, ...selected(select) }),
      decode: readResource,
    },
    add: {
      id: `${cloud}.cimi.add`,
      method: 'POST',
      path: '/api/{collection}',
      success: [200, 201, 202],
      secret: [secretField],
      encode: ({ path, data }) => ({ path: `/api/${path}`, ...jsonBody(data) }),
      decode: readResult,
    },
    edit: {
      id: `${cloud}.cimi.edit`,
      method: 'PUT',
      path: '/api/{id}',
      success: [200],
      encode: ({ path, changes, select }) => ({
        path: `/api/${path}`,
        ...selected(select),
        ...jsonBody(changes),
      }),
      decode: (response, context) => {
        const body = readObject(response, context)
        return typeof body['id'] === 'string' ? readResource(response, context) : undefined
      },
    },
    remove: {
      id: `${cloud}.cimi.remove`,
      method: 'DELETE',
      path: '/api/{id}',
      success: [200, 202, 204],
      // A second removal finds nothing.
      idempotent: false,
      encode: ({ path }) => ({ path: `/api/${path}` }),
      decode: readResult,
    },
    operate: {
      id: `${cloud}.cimi.operate`,
      method: 'POST',
      path: '/api/{id}/{operation}',
      success: [200, 201, 202, 204],
      secret: [secretField],
      encode: ({ path, data }) => ({ path: `/api/${path}`, ...(data === undefined ? {} : jsonBody(data)) }),
      decode: readResult,
    },
    search: (collection) => ({
      id: `${cloud}.cimi.search`,
      // With the query in the body: a filter may be longer than an address.
      method: 'PUT',
      path: '/api/{collection}',
      success: [200],
      idempotent: true,
      encode: ({ path, query: wanted }) => ({ path: `/api/${path}`, ...searchForm(wanted, queryPrefix) }),
      decode: readCollection(dialect.resourcesField(collection)),
    }),
  }
}

// --- requests -------------------------------------------------------------------------------------------------

/** @throws TypeError naming the argument that cannot be */
function searchForm(wanted: CimiQuery, prefix: string): Pick<RequestParts, 'headers' | 'body'> {
  const fields = Object.entries({
    first: wanted.first,
    last: wanted.last,
    filter: wanted.filter === undefined ? undefined : filterText(wanted.filter),
    select: wanted.select === undefined ? undefined : withId(wanted.select).join(','),
    expand: wanted.expand?.join(','),
    orderby: listText(wanted.orderBy),
    aggregation: listText(wanted.aggregation),
  }).filter((field): field is [string, string | number] => field[1] !== undefined)
  if (fields.length === 0) return {}
  const form = new URLSearchParams(
    fields.map(([name, value]): [string, string] => [prefix + name, String(value)]),
  )
  return { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form.toString() }
}

/** The text of a filter in either form. */
export function filterText(given: NonNullable<CimiQuery['filter']>): string {
  return filter(typeof given === 'string' ? raw(given) : given)
}

function listText(list: string | readonly string[] | undefined): string | undefined {
  return typeof list === 'object' ? list.join(',') : list
}

/** A document without its id is of no use to anybody. */
export function withId(select: readonly string[]): readonly string[] {
  return select.includes('id') || select.includes('*') ? select : ['id', ...select]
}

/** @throws TypeError naming the argument, if it is no id */
export function pathOf(id: string, argument: string): string {
  if (typeof id !== 'string' || id === '') {
    throw new TypeError(`${argument}: expected a text such as 'session/4d9b…'`)
  }
  try {
    return id.split('/').map(segment).join('/')
  } catch {
    throw new TypeError(`${argument}: '${id}' cannot be an id`)
  }
}

/** The path of an operation as the server wrote it; undefined if it leads elsewhere. */
export function linkPath({ href }: CimiLink): string | undefined {
  return wellFormedPath.test(href) ? href : undefined
}

// --- answers ----------------------------------------------------------------------------------------------------

const readObject = json<Readonly<Record<string, unknown>>>(steeringObject)
const readResource = json<CimiResource>(steeringResource)

function readCollection(field: string): (response: HttpResponse, context: DecodeContext) => CimiCollection {
  const read = json<Readonly<Record<string, unknown>>>(steeringCollection(field))
  return (response, context) => {
    const body = read(response, context)
    const { count, operations = [], aggregations } = body
    return {
      count: count as number,
      resources: body[field] as readonly CimiResource[],
      operations: operations as readonly CimiLink[],
      ...(aggregations === undefined
        ? {}
        : { aggregations: aggregations as Readonly<Record<string, unknown>> }),
    }
  }
}

/** What an action answers is its own affair; status and message are there always. */
function readResult(response: HttpResponse, context: DecodeContext): CimiResult {
  const body = response.body.length === 0 ? {} : readObject(response, context)
  const { status, message } = body
  const location = body['location'] ?? header(response, 'location')
  return {
    ...body,
    status: typeof status === 'number' ? status : response.status,
    message: typeof message === 'string' ? message : '',
    ...(typeof location === 'string' ? { location } : {}),
  }
}
