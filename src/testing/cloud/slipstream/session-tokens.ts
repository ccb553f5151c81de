import { generateKeyPair, sign, verify, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'

/** What a session's token says: a session, and whatever the cloud puts beside it. */
export interface SessionClaims {
  readonly session: string
  readonly [claim: string]: unknown
}

/** JWTs of sessions (slipstream dossier 2.1): nobody needs to look a session up to believe its token. */
export interface SessionTokens {
  /** `expires` is in ms since the epoch, a whole second. */
  issue(claims: SessionClaims): Promise<{ readonly token: string; readonly expires: number }>
  /** Undefined for what is forged, broken, expired or revoked. */
  read(token: string): SessionClaims | undefined
  revoke(token: string): void
  readonly revokeAll: () => void
}

export function createSessionTokens(options: {
  readonly wallNow: () => number
  readonly lifetimeMs: number
}): SessionTokens {
  const { wallNow, lifetimeMs } = options
  let keys: Promise<{ publicKey: KeyObject; privateKey: KeyObject }> | undefined
  let publicKey: KeyObject | undefined
  /** Sessions whose tokens are good, with the time from which on they need not be kept. */
  const live = new Map<string, number>()

  const forgetExpired = (): void => {
    const now = wallNow()
    for (const [session, until] of live) if (until <= now) live.delete(session)
  }
  const verified = (token: string): SessionClaims | undefined => {
    const [header, payload, signature, ...rest] = token.split('.')
    if (publicKey === undefined || header !== HEADER || payload === undefined || signature === undefined)
      return undefined
    if (rest.length > 0) return undefined
    const bytes = Buffer.from(signature, 'base64url')
    // One spelling only: the last letter of Base64 has bits to spare.
    if (bytes.toString('base64url') !== signature) return undefined
    const good = verify('sha256', Buffer.from(`${header}.${payload}`), publicKey, bytes)
    // Only this server signs, so the payload is what it wrote.
    return good ? (JSON.parse(Buffer.from(payload, 'base64url').toString()) as SessionClaims) : undefined
  }
  return {
    async issue(claims) {
      // Made at the first login: most clouds that are started never see one.
      const { privateKey } = await (keys ??= promisify(generateKeyPair)('rsa', { modulusLength: 2048 }).then(
        (made) => {
          publicKey = made.publicKey
          return made
        },
      ))
      // Rounded up: a session of a few seconds must not end early.
      const exp = Math.ceil((wallNow() + lifetimeMs) / 1000)
      const payload = Buffer.from(JSON.stringify({ ...claims, exp })).toString('base64url')
      const signature = sign('sha256', Buffer.from(`${HEADER}.${payload}`), privateKey).toString('base64url')
      if (live.size > 1000) forgetExpired()
      live.set(claims.session, Math.max(exp * 1000, live.get(claims.session) ?? 0))
      return { token: `${HEADER}.${payload}.${signature}`, expires: exp * 1000 }
    },
    read(token) {
      const claims = verified(token)
      if (claims === undefined || !live.has(claims.session)) return undefined
      return Number(claims['exp']) * 1000 > wallNow() ? claims : undefined
    },
    revoke(token) {
      const claims = verified(token)
      if (claims !== undefined) live.delete(claims.session)
    },
    revokeAll() {
      live.clear()
    },
  }
}

const HEADER = Buffer.from('{"alg":"RS256"}').toString('base64url')
