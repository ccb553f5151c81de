import type { Chance } from '../chance.js'
import type { Exchange, Service } from '../service.js'
import { SwiftFailure } from './swift/failure.js'
import { reply, replyFailure } from './swift/reply.js'
import type { Principal } from './swift/state.js'
import { createTokenBook } from './tokens.js'

/** `account:user` and its key. */
export interface TempAuthUser {
  readonly user: string
  readonly key: string
}

export interface TempAuth extends Service {
  readonly principalOf: (token: string) => Principal | 'refused' | undefined
  readonly revoke: (token: string) => void
  /** Every token dies now. */
  readonly revokeAll: () => void
}

const PREFIX = 'AUTH_'
const TOKEN_PREFIX = `${PREFIX}tk`

/** Swift's own simple login (pithos dossier 14.1). */
export function createTempAuth(options: {
  readonly users: readonly TempAuthUser[]
  readonly chance: Chance
  readonly wallNow: () => number
  readonly lifetimeMs: number
  readonly ids: () => Readonly<Record<string, string>>
}): TempAuth {
  const { users, chance, wallNow, lifetimeMs, ids } = options
  const book = createTokenBook<TempAuthUser>(wallNow)
  const current = new Map<TempAuthUser, { readonly token: string; readonly expires: number }>()

  const signIn = (user: TempAuthUser): { readonly token: string; readonly expires: number } => {
    const known = current.get(user)
    if (known !== undefined && known.expires > wallNow() && book.get(known.token) !== undefined) return known
    const made = { token: `${TOKEN_PREFIX}${chance.hex(32)}`, expires: wallNow() + lifetimeMs }
    book.add(made.token, user, made.expires)
    current.set(user, made)
    return made
  }
  const serve = (exchange: Exchange): void => {
    const [, , version = '', account, action] = exchange.path.split('/')
    if (version === '') throw new SwiftFailure(412, 'Bad URL')
    const short = version === 'v1.0'
    const long = version === 'v1' && action === 'auth'
    if (!short && !long) throw new SwiftFailure(400)
    if (exchange.method !== 'GET') throw new SwiftFailure(405)
    const given = (...names: readonly string[]): string =>
      names.map((name) => exchange.headers[name]).find((value) => typeof value === 'string') ?? ''
    const name = given('x-auth-user', 'x-storage-user')
    const key = given('x-auth-key', 'x-storage-pass')
    const user = users.find((one) => one.user === name)
    const fits = long || account === undefined || account === ''
    if (user?.key !== key || !fits) {
      // Who is known learns no more than that.
      const realm = user === undefined && name.includes(':') ? name.split(':', 1).join('') : 'unknown'
      throw new SwiftFailure(401, undefined, { 'Www-Authenticate': `Swift realm="${realm}"` })
    }
    const { token, expires } = signIn(user)
    reply(exchange, 200, {
      'X-Auth-Token': token,
      'X-Storage-Token': token,
      'X-Auth-Token-Expires': Math.floor((expires - wallNow()) / 1000),
      'X-Storage-Url': `${exchange.origin}/v1/${PREFIX}${accountOf(user)}`,
      ...ids(),
    })
  }
  return {
    prefix: '/auth',
    handle(exchange) {
      try {
        serve(exchange)
      } catch (error) {
        if (!(error instanceof SwiftFailure)) throw error
        replyFailure(exchange, new SwiftFailure(error.status, error.text, { ...error.headers, ...ids() }))
      }
    },
    principalOf(token) {
      const user = book.get(token)
      if (user === undefined) return token.startsWith(TOKEN_PREFIX) ? 'refused' : undefined
      const account = accountOf(user)
      return {
        owns: `${PREFIX}${account}`,
        matches: (entry) => entry === user.user || entry === account,
      }
    },
    revoke: book.revoke,
    revokeAll: book.revokeAll,
  }
}

function accountOf({ user }: TempAuthUser): string {
  return user.split(':', 1).join('')
}
