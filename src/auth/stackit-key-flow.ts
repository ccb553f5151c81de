import { randomUUID, type KeyObject } from 'node:crypto'
import {
  catchError,
  concatMap,
  defer,
  from,
  identity,
  throwError,
  type MonoTypeOperatorFunction,
  type Observable,
} from 'rxjs'
import { z } from 'zod'
import { isCloudError, isHttpError, TokenError } from '../errors.js'
import { call, type Api } from '../http/api.js'
import { formBody, header, json } from '../http/codecs.js'
import type { CallOptions, HttpResponse, DecodeContext, Middleware, Operation } from '../http/types.js'
import { retryWithBackoff, type RetryOptions } from '../operators/retry-with-backoff.js'
import { expiry } from './expiry.js'
import { jwtExpiry } from './jwt.js'
import type { ServiceAccountIdentity } from './stackit-key.js'
import type { Acquire } from './token-subject.js'
import { sealToken, type Token } from './token.js'

/** An access token of STACKIT. */
export interface StackitToken extends Token {
  /** End of the refresh token, in milliseconds since the epoch, local clock; absent if it has none or is not known. */
  readonly refreshExpiresAt?: number
}

// --- wire (stackit dossier 4.2) -----------------------------------------------------------------------------

interface Granted {
  readonly access_token: string
  readonly refresh_token?: unknown
  readonly expires_in?: unknown
}
const readGranted = json<Granted>(z.looseObject({ access_token: z.string().min(1) }))

function readToken(response: HttpResponse, context: DecodeContext): StackitToken {
  const granted = readGranted(response, context)
  const receivedAt = context.now()
  const date = header(response, 'date')
  const { access_token: value, expires_in: expiresIn, refresh_token: refreshToken } = granted
  const refresh = typeof refreshToken === 'string' && refreshToken !== '' ? refreshToken : undefined
  const life = expiry({
    absolute: jwtExpiry(value),
    expiresIn: typeof expiresIn === 'number' ? expiresIn : undefined,
    date,
    receivedAt,
  })
  return sealToken({
    value,
    obtainedAt: receivedAt,
    ...life,
    ...(refresh === undefined ? {} : { refreshToken: refresh, ...refreshLife(refresh, receivedAt, date) }),
  })
}

function refreshLife(
  refreshToken: string,
  receivedAt: number,
  date: string | undefined,
): Pick<StackitToken, 'refreshExpiresAt'> {
  const { expiresAt } = expiry({ absolute: jwtExpiry(refreshToken), date, receivedAt })
  return expiresAt === undefined ? {} : { refreshExpiresAt: expiresAt }
}

const grant = {
  method: 'POST',
  path: '/token',
  success: [200],
  // Nothing is made but a token: one more does no harm.
  idempotent: true,
  decode: readToken,
} as const

/** Exchanges a signed assertion for a token. `path` is that of the token endpoint. */
export const grantByAssertion: Operation<
  { readonly path: string; readonly assertion: string },
  StackitToken
> = {
  ...grant,
  id: 'stackit.tokens.grantByAssertion',
  encode: ({ path, assertion }) => ({
    path,
    ...formBody({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }),
  }),
}

/** Exchanges a refresh token for a new token. `path` is that of the token endpoint. */
export const grantByRefreshToken: Operation<
  { readonly path: string; readonly refreshToken: string },
  StackitToken
> = {
  ...grant,
  id: 'stackit.tokens.grantByRefreshToken',
  encode: ({ path, refreshToken }) => ({
    path,
    ...formBody({ grant_type: 'refresh_token', refresh_token: refreshToken }),
  }),
}

/** Makes the secrets in the form of a grant known, so that no error repeats what a server echoes of them. */
export const concealGrant: Middleware = (next) => (request, handler) => {
  if (typeof request.body !== 'string') return next(request, handler)
  const form = new URLSearchParams(request.body)
  const secrets = [form.get('assertion'), form.get('refresh_token')].filter((secret) => secret !== null)
  return next({ ...request, secrets: [...(request.secrets ?? []), ...secrets] }, handler)
}

// --- the flow -----------------------------------------------------------------------------------------------

export interface StackitKeyFlowOptions {
  /** Reaches the token endpoint, without authorization. */
  readonly api: Api
  /** Path of the token endpoint, with its query if it has one. */
  readonly path: string
  readonly identity: ServiceAccountIdentity
  readonly privateKey: KeyObject
  /** How a server in trouble or a network is tried again, twice at most; `false` for not at all. */
  readonly retry?: RetryOptions | false | undefined
}

const ASSERTION_LIFE_SECONDS = 600
/** Three attempts in all (stackit dossier 13). */
const MAX_RETRIES = 2
/** A refresh token is refused with any of these; the key may still be good (stackit dossier 4.3). */
const refusals = [400, 401, 403]
/** The attempts are counted here, so that each of them has an assertion of its own: a used one may be refused. */
const once: CallOptions = { retry: false }

/**
 * Acquires tokens with a service account key. A live refresh token is tried first; if it is refused, or there is none, a
 * signed assertion is exchanged. Servers in trouble and networks are tried up to three times each way.
 */
export function stackitKeyFlow(options: StackitKeyFlowOptions): Acquire<StackitToken> {
  const { api, path } = options
  const { scheduler } = api.runtime
  const byAssertion = defer(() => from(signAssertion(options, scheduler.now()))).pipe(
    concatMap((assertion) => call(api, grantByAssertion, { path, assertion }, once)),
    retried(options, grantByAssertion.id),
    catchError((error: unknown) => throwError(() => explain(error, options))),
  )
  return (previous) => {
    const refreshToken = liveRefreshToken(previous, scheduler.now())
    if (refreshToken === undefined) return byAssertion
    return call(api, grantByRefreshToken, { path, refreshToken }, once).pipe(
      retried(options, grantByRefreshToken.id),
      catchError((error: unknown): Observable<StackitToken> => {
        const refused = isHttpError(error) && refusals.includes(error.status)
        return refused ? byAssertion : throwError(() => error)
      }),
    )
  }
}

function retried(
  { api, retry = {} }: StackitKeyFlowOptions,
  operation: string,
): MonoTypeOperatorFunction<StackitToken> {
  if (retry === false) return identity
  const { runtime, traffic } = api
  return retryWithBackoff({
    random: runtime.random,
    scheduler: runtime.scheduler,
    ...retry,
    maxRetries: Math.min(MAX_RETRIES, retry.maxRetries ?? MAX_RETRIES),
    onRetry: (attempt) => {
      retry.onRetry?.(attempt)
      const { error } = attempt
      if (traffic.observed && isCloudError(error)) {
        traffic.emit({ kind: 'retry', operation, attempt: attempt.attempt, delayMs: attempt.delayMs, error })
      }
    },
  })
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

function explain(error: unknown, { api, path, identity: account }: StackitKeyFlowOptions): unknown {
  if (!isHttpError(error) || error.status >= 500) return error
  const words =
    typeof error.body === 'string' ? error.body : (JSON.stringify(error.body) as string | undefined)
  if (words === undefined || !/Key with kid .* was not found/i.test(words)) return error
  const address = `${api.endpoint?.origin ?? ''}${path}`
  return new TokenError(
    `the token endpoint ${address} does not know the service account key ${account.keyId}: ` +
      'check that the key was not deleted, and that the endpoint belongs to the same environment as the key',
    { cloud: 'stackit', operation: error.operation, cause: error },
  )
}
