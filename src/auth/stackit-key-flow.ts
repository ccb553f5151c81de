import { randomUUID, type KeyObject } from 'node:crypto'
import { catchError, concatMap, defer, from, throwError, type Observable } from 'rxjs'
import { isHttpError, TokenError } from '../errors.js'
import { call } from '../http/api.js'
import { jwtExpiry } from './jwt.js'
import type { ServerClock } from './server-clock.js'
import {
  attempt,
  grantByAssertion,
  grantByRefreshToken,
  retried,
  type GrantRetry,
  type StackitToken,
} from './stackit-grants.js'
import type { ServiceAccountIdentity } from './stackit-key.js'
import type { Acquire } from './token-subject.js'

export interface StackitKeyFlowOptions extends GrantRetry {
  /** Path of the token endpoint, with its query if it has one. `api` reaches it, without authorization. */
  readonly path: string
  readonly identity: ServiceAccountIdentity
  readonly privateKey: KeyObject
  /** The clock of the token endpoint. Default: as ours. */
  readonly clock?: Pick<ServerClock, 'offset'> | undefined
}

const ASSERTION_LIFE_SECONDS = 600
/** What a clock may be wrong by without an assertion being refused for it. */
const TOLERATED_SKEW_MS = 60_000
/** A refresh token is refused with any of these; the key may still be good (stackit dossier 4.3). */
const refusals = [400, 401, 403]

/**
 * Acquires tokens with a service account key. A live refresh token is tried first; if it is refused, or there is none, a
 * signed assertion is exchanged. Servers in trouble and networks are tried up to three times each way. If an assertion is
 * refused by a server whose clock differs from ours, another one is signed by that clock.
 */
export function stackitKeyFlow(options: StackitKeyFlowOptions): Acquire<StackitToken> {
  const { api, path, clock } = options
  const { scheduler } = api.runtime
  const skew = (): number => {
    const offset = clock?.offset() ?? 0
    return Math.abs(offset) > TOLERATED_SKEW_MS ? offset : 0
  }
  const byAssertionAt = (offset: number): Observable<StackitToken> =>
    defer(() => from(signAssertion(options, scheduler.now() + offset))).pipe(
      concatMap((assertion) => call(api, grantByAssertion, { path, assertion }, attempt)),
      retried(options, grantByAssertion.id),
    )
  const byAssertion = defer(() => {
    const offset = skew()
    return byAssertionAt(offset).pipe(
      catchError((error: unknown) => {
        const learned = skew()
        const misjudged = Math.abs(learned - offset) > TOLERATED_SKEW_MS
        return isRefusal(error) && misjudged ? byAssertionAt(learned) : throwError(() => error)
      }),
    )
  }).pipe(catchError((error: unknown) => throwError(() => explain(error, options))))
  return (previous) => {
    const refreshToken = liveRefreshToken(previous, scheduler.now())
    if (refreshToken === undefined) return byAssertion
    return call(api, grantByRefreshToken, { path, refreshToken }, attempt).pipe(
      retried(options, grantByRefreshToken.id),
      catchError((error: unknown) => (isRefusal(error) ? byAssertion : throwError(() => error))),
    )
  }
}

function isRefusal(error: unknown): boolean {
  return isHttpError(error) && refusals.includes(error.status)
}

/** The refresh token, if it says of itself that it is not over. */
function liveRefreshToken(token: StackitToken | undefined, now: number): string | undefined {
  if (token?.refreshToken === undefined) return undefined
  const end = token.refreshExpiresAt ?? jwtExpiry(token.refreshToken)
  return end !== undefined && now < end ? token.refreshToken : undefined
}

async function signAssertion(
  { identity: account, privateKey }: StackitKeyFlowOptions,
  now: number,
): Promise<string> {
  const { SignJWT } = await import('jose')
  const seconds = Math.floor(now / 1000)
  return new SignJWT()
    .setProtectedHeader({ alg: 'RS512', typ: 'JWT', kid: account.keyId })
    .setIssuer(account.issuer)
    .setSubject(account.subject)
    .setAudience(account.audience)
    .setJti(randomUUID())
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + ASSERTION_LIFE_SECONDS)
    .sign(privateKey)
}

/** Says what may be wrong with the key, where that can be told. */
function explain(error: unknown, { api, path, identity: account }: StackitKeyFlowOptions): unknown {
  if (!isHttpError(error) || !isRefusal(error)) return error
  const { keyId, validUntil, inactive } = account
  const failure = (message: string): TokenError =>
    new TokenError(message, { cloud: 'stackit', operation: error.operation, cause: error })
  const address = `${api.endpoint?.origin ?? ''}${path}`
  const words =
    typeof error.body === 'string' ? error.body : (JSON.stringify(error.body) as string | undefined)
  if (words !== undefined && /Key with kid .* was not found/i.test(words)) {
    return failure(
      `the token endpoint ${address} does not know the service account key ${keyId}: ` +
        'check that the key was not deleted, and that the endpoint belongs to the same environment as the key',
    )
  }
  if (validUntil !== undefined && Date.parse(validUntil) <= api.runtime.scheduler.now()) {
    return failure(`the service account key ${keyId} is refused: it was valid until ${validUntil}`)
  }
  if (inactive === true) {
    return failure(`the service account key ${keyId} is refused: it says of itself that it is not active`)
  }
  return error
}
