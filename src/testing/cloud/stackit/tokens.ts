import { generateKeyPairSync } from 'node:crypto'
import { decodeJwt, errors, jwtVerify, SignJWT } from 'jose'
import type { Chance } from '../chance.js'
import type { Keys, ServiceAccount } from './keys.js'

export interface TokensOptions {
  readonly chance: Chance
  readonly wallNow: () => number
  readonly accessLifetimeMs: number
  readonly refreshLifetimeMs: number
}

export type Bearer =
  | { readonly kind: 'good'; readonly account: ServiceAccount }
  | { readonly kind: 'malformed' | 'expired' | 'revoked' }

/** Issues and checks the cloud's own tokens: JWTs with `exp`, opaque to clients apart from that. */
export interface Tokens {
  issueAccess(account: ServiceAccount): Promise<string>
  issueRefresh(account: ServiceAccount): Promise<string>
  check(token: string): Promise<Bearer>
  /** Takes the refresh token once; says why not if it does not. */
  redeem(token: string): Promise<{ readonly account: ServiceAccount } | { readonly refused: string }>
  revokeAll(which: 'access' | 'refresh' | 'all'): void
  revoke(token: string): void
}

type Use = 'access' | 'refresh'

export function createTokens(keys: Keys, options: TokensOptions): Tokens {
  const { chance, wallNow } = options
  const signing = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const generation: Record<Use, number> = { access: 0, refresh: 0 }
  // Ids with the time from which on they need not be kept: the token has expired by then.
  const spent = new Map<string, number>()

  const issue = (account: ServiceAccount, use: Use, lifetimeMs: number): Promise<string> => {
    const now = wallNow()
    // Rounded up: a token of a few seconds must not die early.
    const expiry = Math.ceil((now + lifetimeMs) / 1000)
    return new SignJWT({ email: account.email, use, generation: generation[use] })
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT' })
      .setIssuer('stackit/serviceaccount')
      .setSubject(account.id)
      .setJti(chance.uuid())
      .setIssuedAt(Math.floor(now / 1000))
      .setExpirationTime(expiry)
      .sign(signing.privateKey)
  }
  const spend = (id: string, until: number): void => {
    const now = wallNow()
    if (spent.size > 1000) for (const [old, time] of spent) if (time < now) spent.delete(old)
    spent.set(id, until)
  }
  const read = async (token: string, use: Use): Promise<Bearer & { id?: string; until?: number }> => {
    try {
      const { payload } = await jwtVerify(token, signing.publicKey, {
        algorithms: ['ES256'],
        currentDate: new Date(wallNow()),
      })
      const account = keys.accounts.find(({ id }) => id === payload.sub)
      if (account === undefined || payload['use'] !== use) return { kind: 'malformed' }
      const id = payload.jti ?? ''
      if (payload['generation'] !== generation[use] || spent.has(id)) return { kind: 'revoked' }
      return { kind: 'good', account, id, until: (payload.exp ?? 0) * 1000 }
    } catch (error) {
      return { kind: error instanceof errors.JWTExpired ? 'expired' : 'malformed' }
    }
  }
  return {
    issueAccess: (account) => issue(account, 'access', options.accessLifetimeMs),
    issueRefresh: (account) => issue(account, 'refresh', options.refreshLifetimeMs),
    check: (token) => read(token, 'access'),
    async redeem(token) {
      const found = await read(token, 'refresh')
      if (found.kind === 'good') {
        spend(found.id ?? '', found.until ?? 0)
        return { account: found.account }
      }
      const reasons = {
        malformed: 'The refresh token is not valid',
        expired: 'The refresh token has expired',
        revoked: 'The refresh token was used or revoked before',
      }
      return { refused: reasons[found.kind] }
    },
    revokeAll(which) {
      if (which !== 'refresh') generation.access += 1
      if (which !== 'access') generation.refresh += 1
    },
    revoke(token) {
      try {
        const { jti, exp } = decodeJwt(token)
        if (jti !== undefined) spend(jti, (exp ?? 0) * 1000)
      } catch {
        // What is no token cannot be revoked, and is refused as it is.
      }
    },
  }
}
