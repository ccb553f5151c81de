import { identity, type MonoTypeOperatorFunction } from 'rxjs'
import { z } from 'zod'
import { isCloudError } from '../errors.js'
import type { Api } from '../http/api.js'
import { formBody, header, json } from '../http/codecs.js'
import type { CallOptions, DecodeContext, HttpResponse, Middleware, Operation } from '../http/types.js'
import { retryWithBackoff, type RetryOptions } from '../operators/retry-with-backoff.js'
import { expiry } from './expiry.js'
import { jwtExpiry } from './jwt.js'
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

/** Reads the answer of a token endpoint. */
export function readToken(response: HttpResponse, context: DecodeContext): StackitToken {
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

/** What all grants have in common. */
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

/** Exchanges the token of another identity provider for one of ours (stackit dossier 4.4). It cannot be refreshed. */
export const grantByFederatedToken: Operation<
  { readonly path: string; readonly clientId: string; readonly federatedToken: string },
  StackitToken
> = {
  ...grant,
  id: 'stackit.tokens.grantByFederatedToken',
  encode: ({ path, clientId, federatedToken }) => ({
    path,
    ...formBody({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:schwarz:params:oauth:client-assertion-type:workload-jwt',
      client_assertion: federatedToken,
      client_id: clientId,
    }),
  }),
}

/** Makes the secrets in the form of a grant known, so that no error repeats what a server echoes of them. */
export const concealGrant: Middleware = (next) => (request, handler) => {
  if (typeof request.body !== 'string') return next(request, handler)
  const form = new URLSearchParams(request.body)
  const secrets = ['assertion', 'refresh_token', 'client_assertion']
    .map((field) => form.get(field))
    .filter((secret) => secret !== null)
  return next({ ...request, secrets: [...(request.secrets ?? []), ...secrets] }, handler)
}

// --- trouble ------------------------------------------------------------------------------------------------

/** Three attempts in all (stackit dossier 13). */
const MAX_RETRIES = 2
/** Between those of the references, 10 to 60 s: callers wait for it. */
const ATTEMPT_TIMEOUT_MS = 20_000

/** One attempt: they are counted by `retried`, so that each of them has an assertion of its own; a used one may be refused. */
export const attempt: CallOptions = { retry: false, timeout: ATTEMPT_TIMEOUT_MS }

export interface GrantRetry {
  readonly api: Api
  /** How a server in trouble or a network is tried again, twice at most; `false` for not at all. */
  readonly retry?: RetryOptions | false | undefined
}

/** Tries again, and tells `traffic`. */
export function retried(
  { api, retry = {} }: GrantRetry,
  operation: string,
): MonoTypeOperatorFunction<StackitToken> {
  if (retry === false) return identity
  const { runtime, traffic } = api
  return retryWithBackoff({
    random: runtime.random,
    scheduler: runtime.scheduler,
    ...retry,
    maxRetries: Math.min(MAX_RETRIES, retry.maxRetries ?? MAX_RETRIES),
    onRetry: (step) => {
      retry.onRetry?.(step)
      const { error } = step
      if (traffic.observed && isCloudError(error)) {
        traffic.emit({ kind: 'retry', operation, attempt: step.attempt, delayMs: step.delayMs, error })
      }
    },
  })
}
