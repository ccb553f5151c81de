import type { Chance } from '../chance.js'
import type { User, Users } from '../service.js'

/** Why Astakos refuses a token, in its own words (synnefo dossier 4.1). */
export type Refusal = 'Invalid token' | 'Authentication expired'

/** The accounts of the cloud and their tokens; a user has one token at a time. */
export interface Accounts extends Users {
  readonly users: readonly User[]
  byToken(token: string): { readonly user: User; readonly expiresAt: number } | { readonly refused: Refusal }
  byName(name: string): User | undefined
  tokenOf(userId: string): string
  /** Makes a new token and kills the old one at once. */
  renew(userId: string): string
  /** The token is unknown from now on. */
  revoke(token: string): void
}

export interface AccountsOptions {
  readonly names: readonly string[]
  readonly tokenLifetimeMs: number
  readonly chance: Chance
  readonly wallNow: () => number
}

interface Issued {
  readonly token: string
  readonly expiresAt: number
}

export function createAccounts(options: AccountsOptions): Accounts {
  const { chance, wallNow, tokenLifetimeMs } = options
  const users = options.names.map((name): User => ({ id: chance.uuid(), name }))
  const byId = new Map(users.map((user) => [user.id, user]))
  const current = new Map<string, Issued>()
  const owners = new Map<string, string>()

  const renew = (userId: string): string => {
    if (!byId.has(userId)) throw new TypeError(`There is no user ${userId}`)
    const old = current.get(userId)
    if (old !== undefined) owners.delete(old.token)
    // 32 random bytes, url-safe and without padding (synnefo dossier 4.3).
    const issued: Issued = {
      token: chance.bytes(32).toString('base64url'),
      expiresAt: wallNow() + tokenLifetimeMs,
    }
    current.set(userId, issued)
    owners.set(issued.token, userId)
    return issued.token
  }
  for (const user of users) renew(user.id)

  return {
    users,
    byToken(token) {
      const user = byId.get(owners.get(token) ?? '')
      const issued = user === undefined ? undefined : current.get(user.id)
      if (user === undefined || issued === undefined) return { refused: 'Invalid token' }
      if (issued.expiresAt <= wallNow()) return { refused: 'Authentication expired' }
      return { user, expiresAt: issued.expiresAt }
    },
    byId: (id) => byId.get(id),
    byName(name) {
      const wanted = name.toLowerCase()
      return users.find((user) => user.name.toLowerCase() === wanted)
    },
    tokenOf(userId) {
      const issued = current.get(userId)
      if (issued === undefined) throw new TypeError(`There is no user ${userId}`)
      return issued.token
    },
    renew,
    revoke(token) {
      owners.delete(token)
    },
  }
}
