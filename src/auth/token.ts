import { inspect } from 'node:util'
import type { Observable } from 'rxjs'
import { REDACTED, type CloudError } from '../errors.js'

/** A credential that was granted, with what is known of its life. Times are milliseconds since the epoch, local clock. */
export interface Token {
  readonly value: string
  readonly obtainedAt: number
  /** Absent: it never expires. */
  readonly expiresAt?: number
  readonly refreshToken?: string
}

export type TokenState<T extends Token = Token> =
  | { readonly kind: 'idle' }
  | { readonly kind: 'refreshing'; readonly token?: T }
  | { readonly kind: 'valid'; readonly token: T }
  | { readonly kind: 'failed'; readonly error: CloudError; readonly token?: T }

/** What clients see of a token: its state now, its changes, and ways to ask for a usable one. */
export interface TokenSource<T extends Token = Token> extends Observable<TokenState<T>> {
  readonly value: TokenState<T>
  /** The token, if one is there that a request can still use. Synchronous, and counts as use. */
  current(): T | undefined
  /** Cold: emits a usable token and completes; synchronously if there is one, else after the refresh that all callers share. */
  token(): Observable<T>
  /** Cold: obtains a new token even if the present one is still good. Joins a refresh that is under way. */
  refresh(): Observable<T>
  /** Drops the token, if it is still the current one. */
  invalidate(rejected: T): void
  /** Stops the timer and completes. */
  close(): void
}

/** Gives a token the manners of a secret: `JSON.stringify`, `inspect` and template strings do not show it. */
export function sealToken<T extends Token>(token: T): T {
  const { value, refreshToken, ...rest } = token
  const shown = {
    value: REDACTED,
    ...(refreshToken === undefined ? {} : { refreshToken: REDACTED }),
    ...rest,
  }
  const sealed = { ...rest } as Record<PropertyKey, unknown>
  const secret = (field: PropertyKey, content: unknown): void => {
    Object.defineProperty(sealed, field, { value: content, enumerable: false })
  }
  secret('value', value)
  if (refreshToken !== undefined) secret('refreshToken', refreshToken)
  secret('toJSON', () => shown)
  secret(inspect.custom, () => shown)
  return Object.freeze(sealed) as unknown as T
}
