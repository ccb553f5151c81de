import {
  decodeProtectedHeader,
  errors,
  jwtVerify,
  type JWTPayload,
  type ProtectedHeaderParameters,
} from 'jose'
import type { Exchange } from '../service.js'
import { sendError, sendForbidden } from './answers.js'
import type { Keys, RegisteredKey, ServiceAccount } from './keys.js'
import type { Tokens } from './tokens.js'

export interface TokenServiceOptions {
  readonly keys: Keys
  readonly tokens: Tokens
  readonly wallNow: () => number
  readonly audience: (exchange: Exchange) => string
  readonly lifetimeMs: number
  readonly refreshTokens: boolean
}

const ASSERTION_GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

type Outcome =
  | { readonly kind: 'granted'; readonly account: ServiceAccount }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'forbidden' }

const refused = (message: string): Outcome => ({ kind: 'refused', message })

/** `POST /token` (stackit dossier 4.2). */
export function createTokenService(options: TokenServiceOptions): (exchange: Exchange) => Promise<void> {
  const { keys, tokens, wallNow } = options
  const seenAssertions = new Map<string, number>()

  const isReplay = (id: string, until: number): boolean => {
    const now = wallNow()
    if (seenAssertions.size > 1000) {
      for (const [old, time] of seenAssertions) if (time < now) seenAssertions.delete(old)
    }
    if (seenAssertions.has(id)) return true
    seenAssertions.set(id, until)
    return false
  }

  const byAssertion = async (assertion: string | null, audience: string): Promise<Outcome> => {
    if (assertion === null || assertion === '') return refused('The parameter assertion is missing')
    const header = headerOf(assertion)
    if (header === undefined) return refused('The assertion is not a JWT')
    if (header.alg !== 'RS512') return refused('The assertion must be signed with RS512')
    const key = keys.byKid(header.kid ?? '')
    if (key === undefined) return refused(`Key with kid ${header.kid ?? ''} was not found`)
    const claims = await verify(assertion, key, audience, wallNow())
    if (typeof claims === 'string') return refused(claims)
    if (!keys.isUsable(key)) return { kind: 'forbidden' }
    const { jti, exp } = claims
    if (jti === undefined || jti === '') return refused('The assertion has no jti')
    if (isReplay(`${key.kid} ${jti}`, (exp ?? 0) * 1000)) return refused('The assertion was used before')
    return { kind: 'granted', account: key.account }
  }
  const byRefreshToken = async (token: string | null): Promise<Outcome> => {
    if (token === null || token === '') return refused('The parameter refresh_token is missing')
    const found = await tokens.redeem(token)
    if ('refused' in found) return refused(found.refused)
    return keys.of(found.account).some(keys.isUsable)
      ? { kind: 'granted', account: found.account }
      : { kind: 'forbidden' }
  }

  return async (exchange) => {
    const contentType = exchange.headers['content-type'] ?? ''
    const body = await exchange.body()
    if (contentType.split(';', 1)[0]?.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
      sendError(exchange, wallNow(), 400, `Content type '${contentType}' is not supported`)
      return
    }
    const form = new URLSearchParams(body.toString('utf8'))
    const grant = form.get('grant_type')
    const outcome =
      grant === ASSERTION_GRANT
        ? await byAssertion(form.get('assertion'), options.audience(exchange))
        : grant === 'refresh_token'
          ? await byRefreshToken(form.get('refresh_token'))
          : refused(
              grant === null ? 'The parameter grant_type is missing' : 'The grant_type is not supported',
            )
    if (outcome.kind === 'forbidden') sendForbidden(exchange)
    else if (outcome.kind === 'refused') sendError(exchange, wallNow(), 400, outcome.message)
    else {
      exchange.json(200, {
        access_token: await tokens.issueAccess(outcome.account),
        ...(options.refreshTokens ? { refresh_token: await tokens.issueRefresh(outcome.account) } : {}),
        expires_in: Math.ceil(options.lifetimeMs / 1000),
        scope: '',
        token_type: 'Bearer',
      })
    }
  }
}

function headerOf(assertion: string): ProtectedHeaderParameters | undefined {
  try {
    return decodeProtectedHeader(assertion)
  } catch {
    return undefined
  }
}

/** The claims of a good assertion, or what is wrong with it. */
async function verify(
  assertion: string,
  key: RegisteredKey,
  audience: string,
  now: number,
): Promise<JWTPayload | string> {
  try {
    const { payload } = await jwtVerify(assertion, key.publicKey, {
      algorithms: ['RS512'],
      audience,
      issuer: key.account.email,
      subject: key.account.id,
      requiredClaims: ['exp', 'iat'],
      currentDate: new Date(now),
    })
    return payload
  } catch (error) {
    if (error instanceof errors.JWTExpired) return 'The assertion has expired'
    if (error instanceof errors.JWTClaimValidationFailed) return `The claim ${error.claim} is not valid`
    if (error instanceof errors.JWSSignatureVerificationFailed)
      return 'The signature of the assertion is not valid'
    return 'The assertion is not valid'
  }
}
