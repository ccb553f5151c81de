import { concatMap, map, type Observable } from 'rxjs'
import { z } from 'zod'
import { expiry } from '../../auth/expiry.js'
import { sealToken, type Token, type TokenSource } from '../../auth/token.js'
import { ConfigurationError } from '../../errors.js'
import { call, endpointOf, type Api, type Endpoint } from '../../http/api.js'
import { header, json, jsonBody } from '../../http/codecs.js'
import type { CallOptions, HttpRequest, Operation } from '../../http/types.js'

// --- wire (synnefo-compute dossier 2 and 4) -----------------------------------------------------------------

const catalogEntry = z.looseObject({
  name: z.string(),
  type: z.string(),
  endpoints: z.array(z.looseObject({ publicURL: z.string(), versionId: z.string().optional() })),
})
const publicAccess = z.looseObject({ access: z.looseObject({ serviceCatalog: z.array(catalogEntry) }) })
const fullAccess = z.looseObject({
  access: z.looseObject({
    token: z.looseObject({
      id: z.string(),
      expires: z.string(),
      tenant: z.looseObject({ id: z.string(), name: z.string().optional() }).optional(),
    }),
    user: z.looseObject({ id: z.string(), name: z.string(), projects: z.array(z.string()).optional() }),
    serviceCatalog: z.array(catalogEntry),
  }),
})

/** One service of the cloud and where it is. */
export type CatalogEntry = Readonly<z.infer<typeof catalogEntry>>

/** Who a token belongs to. */
export interface SynnefoUser {
  /** UUID; also the account of the object store. */
  readonly id: string
  readonly name: string
  readonly projects?: readonly string[] | undefined
}

/** A validated token with what Astakos says along with it. */
export interface SynnefoToken extends Token {
  readonly user: SynnefoUser
  /** The default project, which new resources are charged to. */
  readonly project: string
  readonly catalog: readonly CatalogEntry[]
}

/**
 * `POST tokens`: checks a token and reads its user, expiry and catalogue. The body is a string, so that it has a length: a
 * chunked one is taken for the public form, and a wrong token goes unnoticed (dossier, audit).
 */
export const authenticate: Operation<{ readonly token: string }, SynnefoToken> = {
  id: 'synnefo.identity.authenticate',
  method: 'POST',
  path: '/tokens',
  success: [200],
  idempotent: true,
  secret: ['token'],
  encode: ({ token }) => ({
    path: '/tokens',
    ...jsonBody({ auth: { token: { id: token } } }),
    secrets: [token],
  }),
  decode: (response, context) => {
    const { access } = readFullAccess(response, context)
    const { token, user, serviceCatalog } = access
    const receivedAt = context.now()
    const life = expiry({ absolute: Date.parse(token.expires), date: header(response, 'date'), receivedAt })
    return sealToken({
      value: token.id,
      obtainedAt: receivedAt,
      ...life,
      user: { id: user.id, name: user.name, projects: user.projects },
      project: token.tenant?.id ?? user.id,
      catalog: serviceCatalog,
    })
  },
}
const readFullAccess = json<z.infer<typeof fullAccess>>(fullAccess)

/** `POST tokens` without a body: the catalogue, for anybody (dossier 4.1, "public"). */
export const catalog: Operation<void, readonly CatalogEntry[]> = {
  id: 'synnefo.identity.catalog',
  method: 'POST',
  path: '/tokens',
  success: [200],
  idempotent: true,
  encode: () => ({ path: '/tokens' }),
  decode: (response, context) => readPublicAccess(response, context).access.serviceCatalog,
}
const readPublicAccess = json<z.infer<typeof publicAccess>>(publicAccess)

// --- endpoints ------------------------------------------------------------------------------------------------

/** Versions that are appended where the catalogue's address has none (dossier 2.1). */
const defaultVersions: Readonly<Record<string, string>> = {
  identity: '2.0',
  compute: '2.0',
  network: '2.0',
  volume: '2.0',
  image: '1.0',
  'object-store': '1',
}

/** Addresses that win over the catalogue's, by service type. */
export type EndpointOverrides = Readonly<Record<string, string>>

/** The address of a service; its version appended by the rule of the reference clients (dossier 2.1). */
export function endpointIn(
  entries: readonly CatalogEntry[],
  service: string,
  overrides: EndpointOverrides = {},
): Endpoint {
  const url = overrides[service] ?? entries.find(({ type }) => type === service)?.endpoints[0]?.publicURL
  if (url === undefined) {
    const known = [...new Set(entries.map(({ type }) => type))].sort().join(', ')
    throw new ConfigurationError(
      `service type '${service}': the catalogue has no such service; it has: ${known === '' ? 'nothing' : known}`,
      { cloud: 'synnefo' },
    )
  }
  const endpoint = endpointOf(url, `address of service type '${service}'`)
  const version = defaultVersions[service]
  if (version === undefined || /\/v\d+(?:\.\d*)?$/.test(endpoint.prefix)) return endpoint
  return { ...endpoint, prefix: `${endpoint.prefix}/v${version}` }
}

/** In an encoded path, the account of the token's user: braces never occur in one otherwise. */
export const OWN_ACCOUNT = '{account}'

/** Puts the token and, by the operation's service, the address into a request. */
export function attachSynnefo(
  overrides: EndpointOverrides,
): (token: SynnefoToken, request: HttpRequest) => HttpRequest {
  const endpoints = new WeakMap<SynnefoToken, Map<string, Endpoint>>()
  return (token, request) => {
    const service = request.operation.service ?? ''
    let known = endpoints.get(token)
    if (known === undefined) endpoints.set(token, (known = new Map<string, Endpoint>()))
    let endpoint = known.get(service)
    if (endpoint === undefined) known.set(service, (endpoint = endpointIn(token.catalog, service, overrides)))
    const { origin, prefix } = endpoint
    const path = service === 'object-store' ? request.path.replace(OWN_ACCOUNT, token.user.id) : request.path
    return {
      ...request,
      origin,
      path: prefix + path,
      // The new header first: behind the spread, it takes ten times as long.
      headers: { 'x-auth-token': token.value, ...request.headers },
    }
  }
}

// --- the group --------------------------------------------------------------------------------------------------

/** Users, tokens and where the services are. */
export interface Identity {
  /** Emits what the cloud says of the token now in use: user, project, expiry, catalogue. One request. */
  authenticate(options?: CallOptions): Observable<SynnefoToken>
  /** Emits the catalogue that anybody may see. One request, without a token. */
  catalog(options?: CallOptions): Observable<readonly CatalogEntry[]>
  /** Emits the address of a service, its version included; from the token's catalogue. `ConfigurationError` if there is none. */
  endpoint(service: string): Observable<string>
}

export function createIdentity(
  api: Api,
  tokens: TokenSource<SynnefoToken>,
  overrides: EndpointOverrides,
): Identity {
  return {
    authenticate: (options) =>
      tokens.token().pipe(concatMap(({ value }) => call(api, authenticate, { token: value }, options))),
    catalog: (options) => call(api, catalog, undefined, options),
    endpoint: (service) =>
      tokens.token().pipe(
        map((token) => {
          const { origin, prefix } = endpointIn(token.catalog, service, overrides)
          return origin + prefix
        }),
      ),
  }
}
