import type { Observable } from 'rxjs'
import { ConfigurationError } from '../../errors.js'
import { call, type Api, type Endpoint } from '../../http/api.js'
import type { CallOptions, HttpHeaders, Operation } from '../../http/types.js'
import { decodeAnswer } from './answers.js'
import { serviceEndpoint, type EndpointOverrides } from './endpoints.js'
import { listAll } from './paging.js'
import { ambientParameters, checkArguments, type Arguments } from './request-checks.js'
import { encodeRequest } from './requests.js'
import { schemasOf } from './schemas.js'
import type { OperationRow, ServiceDefinition } from './service-definition.js'

/** What the services of one client share. */
export interface ServiceContext {
  /** With the token. */
  readonly api: Api
  /** Without, for operations that need none. */
  readonly openApi: Api
  readonly endpoints: EndpointOverrides
  /** Values that a call may leave out, where its path has them. */
  readonly defaults: ServiceDefaults
}
export interface ServiceDefaults {
  readonly projectId?: string | undefined
  readonly organizationId?: string | undefined
  readonly region?: string | undefined
}

/** A result, and the headers of the answer that it came with. */
export interface Answered {
  readonly result: unknown
  readonly headers: HttpHeaders
}

/** A service as whatever is built on its operations sees it; operations go by their names in the table. */
export interface ServiceCalls {
  readonly definition: ServiceDefinition
  readonly api: Api
  /** `stackit.dns.createZone` */
  idOf(name: string): string
  /** The arguments with what the client's configuration adds. */
  complete(name: string, args?: Arguments): Arguments
  call(name: string, args?: Arguments, options?: CallOptions): Observable<unknown>
  /** As `call`, with the headers of the answer. */
  callForHeaders(name: string, args?: Arguments, options?: CallOptions): Observable<Answered>
}

export function serviceCalls(definition: ServiceDefinition, context: ServiceContext): ServiceCalls {
  const apiFor = apisOf(definition, context)
  const operations = new Map<string, Operation<Arguments, unknown>>()
  const operationOf = (name: string): Operation<Arguments, unknown> => {
    let operation = operations.get(name)
    if (operation === undefined) {
      operation = operationFrom(definition, name)
      operations.set(name, operation)
    }
    return operation
  }
  const complete = (name: string, args: Arguments = {}): Arguments =>
    withDefaults(rowOf(definition, name), args, context.defaults)
  return {
    definition,
    api: context.api,
    idOf: (name) => operationOf(name).id,
    complete,
    call: (name, args, options) => {
      const completed = complete(name, args)
      return call(apiFor(name, completed), operationOf(name), completed, options)
    },
    callForHeaders: (name, args, options) => {
      const completed = complete(name, args)
      return call(apiFor(name, completed), withHeaders(operationOf(name)), completed, options)
    },
  }
}

type Method = (args?: Arguments, options?: CallOptions) => Observable<unknown>

/** The methods of a service: one for each operation, and `…All` beside those that list in pages. */
export function serviceMethods(calls: ServiceCalls): Readonly<Record<string, Method>> {
  const methods: Record<string, Method> = {}
  for (const [name, { page }] of Object.entries(calls.definition.operations)) {
    const method: Method = (args, options) => calls.call(name, args, options)
    methods[name] = method
    if (page === undefined) continue
    methods[`${name}All`] = (args = {}, options) => {
      // Wrong arguments are to throw now, and not when the first page is fetched.
      const first = method(args, options)
      return listAll(page, calls.idOf(name), args, (at) => (at === args ? first : method(at, options)))
    }
  }
  return methods
}

// --- operations -------------------------------------------------------------------------------------------------

function rowOf({ service, operations }: ServiceDefinition, name: string): OperationRow {
  const row = operations[name]
  if (row === undefined) throw new TypeError(`${service} has no operation ${name}`)
  return row
}

function operationFrom(definition: ServiceDefinition, name: string): Operation<Arguments, unknown> {
  const row = rowOf(definition, name)
  const { service } = definition
  const schemas = schemasOf(definition)
  return {
    id: `stackit.${camelCase(service)}.${name}`,
    service,
    method: row.method,
    path: row.path,
    success: Object.keys(row.success).map(Number),
    ...(row.secret === undefined ? {} : { secret: row.secret }),
    encode: (args) => {
      checkArguments(row, args, schemas)
      return encodeRequest(row, args)
    },
    decode: (response, context) => decodeAnswer(row, schemas, response, context),
  }
}

function withHeaders(operation: Operation<Arguments, unknown>): Operation<Arguments, Answered> {
  return {
    ...operation,
    decode: (response, context) => ({
      result: operation.decode(response, context),
      headers: response.headers,
    }),
  }
}

function camelCase(service: string): string {
  return service.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}

// --- configuration ----------------------------------------------------------------------------------------------

const optionOf: Readonly<Record<string, keyof ServiceDefaults>> = {
  projectId: 'projectId',
  organizationId: 'organizationId',
  region: 'region',
  regionId: 'region',
}

function withDefaults(row: OperationRow, args: Arguments, defaults: ServiceDefaults): Arguments {
  const { parameters = {} } = row
  const added = ambientParameters
    .filter((name) => parameters[name]?.in === 'path' && args[name] === undefined)
    .map((name): [string, string] => [name, configured(defaults, name)])
  return added.length === 0 ? args : { ...args, ...Object.fromEntries(added) }
}

function configured(defaults: ServiceDefaults, name: string): string {
  const option = optionOf[name] ?? 'projectId'
  const value = defaults[option]
  if (value !== undefined && value.trim() !== '') return value
  throw new ConfigurationError(
    `args.${name}: is missing; give it to the call, or the option ${option} to createStackit`,
    {
      cloud: 'stackit',
      lookedAt: [
        `args.${name}: not set`,
        `option ${option}: not set`,
        ...(option === 'region' ? ['environment variable STACKIT_REGION: not set'] : []),
      ],
    },
  )
}

/** The way to a service: its host may depend on the region of a call, and some operations need no token. */
function apisOf(
  definition: ServiceDefinition,
  { api, openApi, endpoints, defaults }: ServiceContext,
): (name: string, args: Arguments) => Api {
  const ways = new Map<string, Api>()
  return (name, args) => {
    const { open } = rowOf(definition, name)
    const region = regionOf(args) ?? defaults.region ?? ''
    const key = `${open === true ? 'open' : ''} ${definition.url.includes('{region}') ? region : ''}`
    let way = ways.get(key)
    if (way === undefined) {
      const endpoint: Endpoint = serviceEndpoint(definition, endpoints, region)
      way = { ...(open === true ? openApi : api), endpoint }
      ways.set(key, way)
    }
    return way
  }
}

function regionOf(args: Arguments): string | undefined {
  const region = args['region'] ?? args['regionId']
  return typeof region === 'string' ? region : undefined
}
