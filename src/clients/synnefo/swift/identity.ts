import { catchError, concatMap, defer, map, of, tap, throwError, type Observable } from 'rxjs'
import { z } from 'zod'
import {
  keystoneCatalog,
  readSession,
  type KeystoneService,
  type KeystoneSession,
} from '../../../auth/keystone.js'
import type { OpenstackCredentials } from '../../../auth/openstack-credentials.js'
import { configurationError } from '../../../auth/openstack-settings.js'
import type { TokenSource } from '../../../auth/token.js'
import { isHttpError } from '../../../errors.js'
import { call, type Api } from '../../../http/api.js'
import { json, nothing } from '../../../http/codecs.js'
import type { CallOptions, Operation } from '../../../http/types.js'
import type { EndpointOverrides } from '../identity.js'
import { OWN_TOKEN, serviceEndpoint, type SwiftToken } from './catalogue.js'

// --- wire (Keystone dossier, "What it answers") ---------------------------------------------------------------

/** `GET auth/tokens` about the very token it is sent with. */
export const validateToken: Operation<void, KeystoneSession> = {
  id: 'openstack.tokens.validate',
  service: 'identity',
  method: 'GET',
  path: '/auth/tokens',
  success: [200],
  encode: () => ({ path: '/auth/tokens', headers: { 'x-subject-token': OWN_TOKEN } }),
  decode: (response, context) => readSession(response, context).token,
}

/** `DELETE auth/tokens` of the very token it is sent with. */
export const revokeToken: Operation<{ readonly token: string }, void> = {
  id: 'openstack.tokens.revoke',
  service: 'identity',
  method: 'DELETE',
  path: '/auth/tokens',
  success: [204],
  encode: ({ token }) => ({
    path: '/auth/tokens',
    headers: { 'x-auth-token': token, 'x-subject-token': token },
    secrets: [token],
  }),
  decode: nothing,
}

export const getCatalog: Operation<void, readonly KeystoneService[]> = {
  id: 'openstack.catalog.get',
  service: 'identity',
  method: 'GET',
  path: '/auth/catalog',
  success: [200],
  encode: () => ({ path: '/auth/catalog' }),
  decode: (response, context) => readCatalog(response, context).catalog,
}
const catalogAnswer = z.looseObject({ catalog: keystoneCatalog })
const readCatalog = json<z.infer<typeof catalogAnswer>>(catalogAnswer)

// --- the group ------------------------------------------------------------------------------------------------

/** The token in use, and where the services are. All but `endpoint` are Keystone's: with TempAuth, they are a `ConfigurationError`. */
export interface SwiftIdentity {
  /** Emits what Keystone says of the token in use: user, project, roles, end, catalogue; not the token. One request. */
  validate(options?: CallOptions): Observable<KeystoneSession>
  /**
   * Ends the token in use; the next call signs in anew. Emits once, also if the token is over already; without one nothing is
   * sent.
   */
  revoke(options?: CallOptions): Observable<void>
  /** Emits the services that the token in use may see. One request. */
  catalog(options?: CallOptions): Observable<readonly KeystoneService[]>
  /** Emits the address of a service type; for `object-store` that of the user's account. `ConfigurationError` if there is none. */
  endpoint(service: string): Observable<string>
}

/** What the group is made of. */
export interface IdentityParts {
  /** Authorized. */
  readonly api: Api
  /** Without authorization, at an address. */
  readonly apiAt: (url: string) => Api
  readonly tokens: TokenSource<SwiftToken>
  readonly credentials: Observable<OpenstackCredentials>
  readonly endpoints: EndpointOverrides
}

export function createIdentity({ api, apiAt, tokens, credentials, endpoints }: IdentityParts): SwiftIdentity {
  const withKeystone = <T>(what: string, request: Observable<T>): Observable<T> =>
    credentials.pipe(
      concatMap(({ kind }) =>
        kind === 'keystone'
          ? request
          : throwError(() => configurationError(`identity.${what}: TempAuth has nothing of the kind`)),
      ),
    )
  const endpointOf = (token: SwiftToken, service: string): string => {
    const { origin, prefix } = serviceEndpoint(token, service, endpoints)
    return origin + prefix
  }
  const revokeNow = (options: CallOptions | undefined): Observable<void> => {
    const { value: state } = tokens
    const token = 'token' in state ? state.token : undefined
    if (token === undefined) return of(undefined)
    return call(apiAt(endpointOf(token, 'identity')), revokeToken, { token: token.value }, options).pipe(
      catchError((error: unknown) => (isOver(error) ? of(undefined) : throwError(() => error))),
      tap(() => {
        tokens.invalidate(token)
      }),
    )
  }
  return {
    validate: (options) => {
      const validated = call(api, validateToken, undefined, options)
      return withKeystone('validate', validated.pipe(onceMore))
    },
    revoke: (options) =>
      withKeystone(
        'revoke',
        defer(() => revokeNow(options)),
      ),
    catalog: (options) => withKeystone('catalog', call(api, getCatalog, undefined, options)),
    endpoint: (service) => tokens.token().pipe(map((token) => endpointOf(token, service))),
  }
}

/**
 * A token may end between the two looks that Keystone takes at it, as the one that asks and as the one asked about; that is a 404.
 * The next time it is a 401, which is answered by a new token.
 */
function onceMore<T>(validated: Observable<T>): Observable<T> {
  return validated.pipe(
    catchError((error: unknown) => (isHttpError(error, 404) ? validated : throwError(() => error))),
  )
}

/** A token that is over may not be spoken of, or is not known. */
function isOver(error: unknown): boolean {
  return isHttpError(error, 401) || isHttpError(error, 404)
}
