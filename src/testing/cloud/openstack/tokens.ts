/** What somebody is let in with, until it expires or is revoked. */
export interface TokenBook<T> {
  readonly add: (token: string, value: T, expires: number) => void
  readonly get: (token: string) => T | undefined
  readonly revoke: (token: string) => void
  readonly revokeAll: () => void
}

/** `wallNow` and `expires`: ms since the epoch. */
export function createTokenBook<T>(wallNow: () => number): TokenBook<T> {
  const tokens = new Map<string, { readonly value: T; readonly expires: number }>()
  let soonest = Infinity
  return {
    add(token, value, expires) {
      const now = wallNow()
      if (soonest <= now) {
        soonest = Infinity
        for (const [old, { expires: end }] of tokens) {
          if (end <= now) tokens.delete(old)
          else soonest = Math.min(soonest, end)
        }
      }
      soonest = Math.min(soonest, expires)
      tokens.set(token, { value, expires })
    },
    get(token) {
      const found = tokens.get(token)
      return found === undefined || found.expires <= wallNow() ? undefined : found.value
    },
    revoke(token) {
      tokens.delete(token)
    },
    revokeAll() {
      tokens.clear()
    },
  }
}
