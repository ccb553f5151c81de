import { catchError, throwError, type Observable } from 'rxjs'
import { receivedSession, type SessionToken } from '../../auth/cookie-session.js'
import { AuthenticationError, isHttpError, TokenError, type HttpError } from '../../errors.js'
import { call, type Api } from '../../http/api.js'
import { jsonBody, parseJson, unfit } from '../../http/codecs.js'
import type { CallOptions, Operation } from '../../http/types.js'
import type { Dialect } from './dialect.js'

/** Who logs in: by password, by API key, or as any template of the cloud wants it. */
export type SlipstreamLogin =
  | { readonly username: string; readonly password: string }
  /** The key may be `credential/<uuid>` or the bare uuid. */
  | { readonly key: string; readonly secret: string }
  | { readonly template: SessionTemplateParameters }

/** `{ href: 'session-template/…' }` and the parameters of that template. */
export interface SessionTemplateParameters {
  readonly href: string
  readonly [parameter: string]: unknown
}

/** `POST session`: the token is the cookie of the answer (slipstream dossier 2.1). */
export function loginOperation({
  cloud,
  cookie,
  templateField,
}: Dialect): Operation<SessionTemplateParameters, SessionToken> {
  const id = `${cloud}.session.login`
  return {
    id,
    method: 'POST',
    path: '/api/session',
    success: [200, 201],
    // Nothing is made but a session: one more does no harm.
    idempotent: true,
    encode: (template) => ({
      path: '/api/session',
      ...jsonBody({ [templateField]: template }),
      secrets: secretsOf(template),
    }),
    decode: (response, context) => {
      const token = receivedSession(response, cookie, context.now())
      if (token !== undefined && token !== 'over') return token
      // Appendix N; a page of a proxy is none of the cloud's words.
      if (response.status === 200 && isObject(parseJson(response, context))) {
        throw new TokenError(
          `${id}: the cloud wants a second factor for this user, so a program cannot log in by password; use an API key`,
          { cloud, operation: id },
        )
      }
      throw unfit(response, context, [`no cookie ${cookie}${token === 'over' ? ' that is good' : ''}`])
    },
  }
}

export function templateOf(login: SlipstreamLogin, dialect: Dialect): SessionTemplateParameters {
  if ('template' in login) return login.template
  if ('key' in login) return { href: 'session-template/api-key', key: login.key, secret: login.secret }
  const { username, password } = login
  return { href: dialect.passwordTemplate, username, password }
}

/** Logs in. Wrong credentials, which the cloud calls forbidden, are an `AuthenticationError`. */
export function requestSession(
  api: Api,
  dialect: Dialect,
  login: SlipstreamLogin,
  options?: CallOptions,
): Observable<SessionToken> {
  return call(api, loginOperation(dialect), templateOf(login, dialect), options).pipe(
    catchError((error: unknown) => throwError(() => (isHttpError(error, 403) ? refusalOf(error) : error))),
  )
}

function refusalOf(error: HttpError): AuthenticationError {
  const { status, method, url, requestId, body, reason, faultDetails: details, cloud, operation } = error
  return new AuthenticationError({ status, method, url, requestId, body, reason, details, cloud, operation })
}

/** What of a template may be seen in an error. */
const open = ['href', 'username', 'key']

/** Every other text in the template, how it stands in JSON, and how it stands there where an error quotes that JSON. */
function secretsOf(template: SessionTemplateParameters): readonly string[] {
  const secrets = Object.entries(template).flatMap(([name, value]) =>
    typeof value === 'string' && !open.includes(name) ? [value] : [],
  )
  return [...new Set(secrets.flatMap((secret) => [secret, escaped(secret), escaped(escaped(secret))]))]
}

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
