import { Cookie } from 'tough-cookie'
import { header } from '../http/codecs.js'
import type { HttpRequest, HttpResponse, Middleware } from '../http/types.js'
import { expiry } from './expiry.js'
import { jwtClaims, jwtExpiry } from './jwt.js'
import { sealToken, type Token, type TokenState } from './token.js'
import type { TokenSubject } from './token-subject.js'

/** A session that a cookie stands for. `value` is the whole value of the cookie. */
export interface SessionToken extends Token {
  /** Name of the cookie. */
  readonly cookie: string
  /** Id of the session, if the cookie says it. */
  readonly session?: string
  /** Whose it is, if the cookie says it. */
  readonly username?: string
}

/** What is known of a session's cookie. Times are milliseconds since the epoch. */
export interface SessionCookie {
  readonly name: string
  readonly value: string
  /** When it was read, by the local clock. */
  readonly receivedAt: number
  /** Its end by the clock of whoever wrote it. */
  readonly expires?: number | undefined
  /** Seconds it lives from its receipt on. */
  readonly maxAge?: number | undefined
  /** The `Date` of the answer that it came with. */
  readonly date?: string | undefined
}

/**
 * The token that is in a cookie. Its end is the earliest that the cookie, or the JSON Web Token in it, says (slipstream dossier
 * 2.1).
 */
export function sessionToken({
  name,
  value,
  receivedAt,
  expires,
  maxAge,
  date,
}: SessionCookie): SessionToken {
  const jwt = jwtIn(value)
  const { session, username } = jwtClaims(jwt)
  const ends = [
    expiry({ absolute: expires, date, receivedAt }),
    expiry({ absolute: jwtExpiry(jwt), date, receivedAt }),
    expiry({ expiresIn: maxAge, receivedAt }),
  ].flatMap(({ expiresAt }) => (expiresAt === undefined ? [] : [expiresAt]))
  return sealToken({
    value,
    obtainedAt: receivedAt,
    ...(ends.length === 0 ? {} : { expiresAt: Math.min(...ends) }),
    cookie: name,
    ...(typeof session === 'string' ? { session } : {}),
    ...(typeof username === 'string' ? { username } : {}),
  })
}

/** SlipStream writes `token=` in front of it, Nuvla nothing. */
function jwtIn(value: string): string {
  return value.replace(/^token=/, '')
}

/** What an answer says of the cookie of this name: a new one, or that it is over; nothing, if undefined. */
export function receivedSession(
  response: Pick<HttpResponse, 'headers'>,
  name: string,
  receivedAt: number,
): SessionToken | 'over' | undefined {
  const lines = response.headers['set-cookie']
  if (lines === undefined) return undefined
  const cookie = [lines]
    .flat()
    .map((line) => Cookie.parse(line))
    .findLast((parsed) => parsed?.key === name)
  if (cookie === undefined) return undefined
  const { value, expires, maxAge } = cookie
  const token = sessionToken({
    name,
    value,
    receivedAt,
    expires: expires instanceof Date ? expires.getTime() : undefined,
    maxAge: typeof maxAge === 'number' ? maxAge : undefined,
    date: header(response, 'date'),
  })
  const over = value === '' || value === 'INVALID' || (token.expiresAt ?? Infinity) <= receivedAt
  return over ? 'over' : token
}

/** Sends the session's cookie, beside those that the call brings along. */
export function attachCookie({ cookie, value }: SessionToken, request: HttpRequest): HttpRequest {
  const { cookie: own, ...headers } = request.headers
  const pair = `${cookie}=${value}`
  return {
    ...request,
    headers: { ...headers, cookie: own === undefined ? pair : `${own}; ${pair}` },
    // A server may repeat the token without what stands in front of it.
    secrets: [...(request.secrets ?? []), jwtIn(value)],
  }
}

/** Sends the cookie if there is one, and never asks for one. */
export function attachIfPresent(
  tokens: Pick<TokenSubject<SessionToken>, 'value'>,
  now: () => number,
): Middleware {
  return (next) => (request, handler) => {
    const token = tokenIn(tokens.value)
    const present = token !== undefined && now() < (token.expiresAt ?? Infinity)
    return next(present ? attachCookie(token, request) : request, handler)
  }
}

export interface RenewedCookieOptions {
  readonly tokens: TokenSubject<SessionToken>
  /** Name of the cookie. */
  readonly name: string
  /** Whose answers count. */
  readonly origin: string
  readonly now: () => number
  /** Told of a token that came with an answer, and, without one, of a session that is over. */
  readonly onChange: (token: SessionToken | undefined) => void
}

/**
 * Takes a new cookie of the session from whatever answer brings one, and drops the session that an answer says is over; but only
 * if it is still the one that was there when the request was sent. Belongs next to the wire, where redirects are followed already.
 */
export function renewFromAnswers(options: RenewedCookieOptions): Middleware {
  const { tokens, name, origin, now, onChange } = options
  const take = (response: HttpResponse, sent: SessionToken | undefined): void => {
    const received = receivedSession(response, name, now())
    if (received === undefined || tokenIn(tokens.value)?.value !== sent?.value) return
    if (received !== 'over') {
      tokens.next({ kind: 'valid', token: received })
      onChange(received)
    } else if (sent !== undefined) {
      tokens.invalidate(sent)
      onChange(undefined)
    }
  }
  return (next) => (request, handler) => {
    if (request.origin !== origin) return next(request, handler)
    const sent = tokenIn(tokens.value)
    return next(request, {
      next: (response) => {
        take(response, sent)
        handler.next(response)
      },
      error: (error) => {
        handler.error(error)
      },
    })
  }
}

function tokenIn(state: TokenState<SessionToken>): SessionToken | undefined {
  return 'token' in state ? state.token : undefined
}
