import { catchError, concatMap, defer, identity, map, of, tap, throwError, type Observable } from 'rxjs'
import type { SessionToken } from '../../auth/cookie-session.js'
import type { TokenSubject } from '../../auth/token-subject.js'
import { isHttpError, ResponseFormatError, TokenError } from '../../errors.js'
import { call, type Api } from '../../http/api.js'
import type { CallOptions, Operation } from '../../http/types.js'
import { abortable } from '../../operators/abortable.js'
import { cimiOperations, pathOf, type PathArgs } from './cimi-operations.js'
import type { CimiResource, CimiResult } from './cimi-schemas.js'
import type { Cimi } from './cimi.js'
import { checkLogin } from './config.js'
import type { Dialect } from './dialect.js'
import { usernameOf, type Logins } from './logins.js'
import type { SlipstreamLogin } from './session-operations.js'

/** A session as the server keeps it (slipstream dossier 2.1). */
export interface Session extends CimiResource {
  readonly method?: string
  readonly username?: string
  /** Nuvla's name for the user. */
  readonly identifier?: string
  /** Separated by spaces. */
  readonly roles?: string
  /** ISO 8601. */
  readonly expiry?: string
}

/** A way to log in that the cloud offers. */
export interface SessionTemplate extends CimiResource {
  readonly method?: string
  readonly instance?: string
}

export interface ApiKeyOptions {
  /** Life in seconds. Default: for ever. */
  readonly ttl?: number
  readonly name?: string
  readonly description?: string
}

/** A key for programs: `createSlipstream({ key, secret })`. */
export interface ApiKey {
  readonly key: string
  /** The only copy there is. Not printed, nor copied with `{...}`: take it by its name. */
  readonly secret: string
}

/** The session of the client (slipstream dossier 2). All methods are cold. */
export interface SessionGroup {
  /** Emits the session that the server sees, or undefined for an anonymous client; does not log in. */
  current(options?: CallOptions): Observable<Session | undefined>
  /** Whether there is a current session. */
  isAuthenticated(options?: CallOptions): Observable<boolean>
  /** Logs in now, and from then on whenever the session has to be renewed. What was known before stays if that fails. */
  login(credentials: SlipstreamLogin, options?: CallOptions): Observable<SessionToken>
  /** Ends the session on the server, and forgets it, the credentials, and what the cookie file has of it. */
  logout(options?: CallOptions): Observable<void>
  /** Emits each way to log in. */
  templates(options?: CallOptions): Observable<SessionTemplate>
  /** Emits the name of the user; logs in if there is no other way to know it. */
  username(options?: CallOptions): Observable<string>
  /** Makes an API key. Subscribing twice makes two. */
  createApiKey(key?: ApiKeyOptions, options?: CallOptions): Observable<ApiKey>
}

export interface SessionParts {
  readonly dialect: Dialect
  /** Sends the session if there is one, and never logs in. */
  readonly open: Api
  /** By `open`. */
  readonly openCimi: Cimi
  readonly cimi: Cimi
  readonly logins: Logins
  readonly tokens: TokenSubject<SessionToken>
}

export function createSession({ dialect, open, openCimi, cimi, logins, tokens }: SessionParts): SessionGroup {
  const { cloud, collections, credentialField, secretField } = dialect
  const removal: Operation<PathArgs, CimiResult> = {
    ...cimiOperations(dialect).remove,
    id: `${cloud}.session.logout`,
  }

  const current: SessionGroup['current'] = (options) =>
    openCimi.page<Session>(collections.sessions, {}, options).pipe(map(({ resources }) => resources[0]))

  /** A session that is over, or that its own cookie cannot see any more, is none. */
  const end = ({ id }: Session, options: CallOptions | undefined): Observable<unknown> =>
    call(open, removal, { path: pathOf(id, 'id') }, options).pipe(
      catchError((error: unknown) =>
        isHttpError(error, 404) || isHttpError(error, 403) ? of(undefined) : throwError(() => error),
      ),
    )

  return {
    current,
    isAuthenticated: (options) => current(options).pipe(map((session) => session !== undefined)),
    login: (credentials, options) =>
      logins.logIn(checkLogin(credentials, cloud), options).pipe(
        tap((token) => {
          tokens.next({ kind: 'valid', token })
        }),
      ),
    logout: (options) =>
      current(options).pipe(
        concatMap((session) => (session === undefined ? of(undefined) : end(session, options))),
        concatMap(() => logins.forget()),
        tap(() => {
          tokens.next({ kind: 'idle' })
        }),
      ),
    templates: (options) => openCimi.search<SessionTemplate>(collections.sessionTemplates, {}, options),
    username: (options) => {
      const asked = current(options).pipe(map((session) => nameIn(session, cloud)))
      const token = options?.signal === undefined ? identity : abortable<SessionToken>(options.signal)
      return defer(() => {
        const name = usernameOf(logins.known, dialect)
        if (name !== undefined) return of(name)
        return tokens.token().pipe(
          token,
          concatMap(({ username }) => (username === undefined ? asked : of(username))),
        )
      })
    },
    createApiKey: (key = {}, options) => {
      const { ttl, name, description } = key
      if (ttl !== undefined && !(Number.isSafeInteger(ttl) && ttl >= 0)) {
        throw new TypeError('key.ttl: expected a whole number of seconds')
      }
      const template = { href: 'credential-template/generate-api-key', ttl }
      const data = { name, description, [credentialField]: template }
      return cimi
        .add(collections.credentials, data, options)
        .pipe(map((result) => apiKeyIn(result, secretField, cloud)))
    },
  }
}

function nameIn(session: Session | undefined, cloud: Dialect['cloud']): string {
  const name = session?.username ?? session?.identifier
  if (name !== undefined) return name
  throw new TokenError('the cloud does not say whose session it is', { cloud })
}

function apiKeyIn(result: CimiResult, secretField: string, cloud: Dialect['cloud']): ApiKey {
  const { 'resource-id': key, [secretField]: secret } = result
  if (typeof key !== 'string' || typeof secret !== 'string') {
    const operation = `${cloud}.session.createApiKey`
    throw new ResponseFormatError(`${operation}: no key, or no ${secretField}, in the answer`, {
      cloud,
      operation,
    })
  }
  return Object.defineProperty({ key, secret }, 'secret', { value: secret, enumerable: false })
}
