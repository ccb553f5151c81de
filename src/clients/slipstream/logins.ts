import { catchError, concatMap, defer, map, of, Subscription, tap, throwError, type Observable } from 'rxjs'
import { sessionToken, type SessionToken } from '../../auth/cookie-session.js'
import type { CookieStore } from '../../auth/netscape-cookie-store.js'
import { ConfigurationError, isCloudError, TokenError } from '../../errors.js'
import type { Api } from '../../http/api.js'
import type { CallOptions } from '../../http/types.js'
import type { Dialect } from './dialect.js'
import { requestSession, templateOf, type SlipstreamLogin } from './session-operations.js'

/** What a client knows to log in with, and where it keeps its sessions. */
export interface Logins {
  readonly known: SlipstreamLogin | undefined
  /** The session of an earlier run, if it is this user's. */
  readonly initial: SessionToken | undefined
  /** Obtains a session with what is known. */
  acquire(): Observable<SessionToken>
  /** Obtains a session with something new, and knows that from then on. */
  logIn(login: SlipstreamLogin, options?: CallOptions): Observable<SessionToken>
  /** Takes down a session that came otherwise, or without one, that it is over. */
  noteChange(token: SessionToken | undefined): void
  /** Knows nothing any more; the session that is kept goes as well. */
  forget(): Observable<void>
}

export interface LoginsOptions {
  /** Reaches the cloud without a session. */
  readonly api: Api
  readonly dialect: Dialect
  readonly login: SlipstreamLogin | undefined
  readonly lookedAt: readonly string[]
  readonly store: CookieStore | undefined
  /** Whether sessions are put into the store; else what is there is used, and that is all. */
  readonly keep: boolean
}

/** @throws ConfigurationError if sessions are to be kept in a file that cannot be read */
export function createLogins({ api, dialect, login, lookedAt, store, keep }: LoginsOptions): Logins {
  const { cloud, cookie } = dialect
  const { scheduler } = api.runtime
  const places = [...lookedAt]
  /** What is being written while nobody waits for it. */
  const notes = new Subscription()
  let known = login

  const report = (error: unknown): void => {
    const what = 'the cookie file could not be written'
    const reported = isCloudError(error) ? error : new ConfigurationError(what, { cloud, cause: error })
    // A session that is not kept is still a session: nobody's call fails for it.
    if (api.traffic.observed) {
      api.traffic.emit({ kind: 'failure', operation: `${cloud}.session.keep`, error: reported, elapsedMs: 0 })
    }
  }
  const tried = (change: Observable<void> | undefined): Observable<void> =>
    change === undefined
      ? of(undefined)
      : change.pipe(
          catchError((error: unknown) => {
            report(error)
            return of(undefined)
          }),
        )
  const kept = (token: SessionToken): Observable<SessionToken> =>
    tried(keep ? store?.save(token) : undefined).pipe(map(() => token))

  const read = (): SessionToken | undefined => {
    if (store === undefined) return undefined
    const place = `cookie file ${store.path}`
    try {
      const found = store.load()
      if (found === undefined) {
        places.push(`${place}: no session of this cloud`)
        return undefined
      }
      const receivedAt = scheduler.now()
      const token = sessionToken({ name: cookie, value: found.value, receivedAt, expires: found.expiresAt })
      const stranger = isAnothers(token, known, dialect)
      places.push(`${place}: a session${stranger ? ' of another user' : ''}`)
      return stranger ? undefined : token
    } catch (error) {
      if (keep || !isCloudError(error)) throw error
      // Nobody asked for this file.
      places.push(error.message)
      return undefined
    }
  }

  return {
    get known() {
      return known
    },
    initial: read(),
    acquire: () =>
      defer(() => {
        const used = known
        if (used === undefined) return throwError(() => nothingKnown(cloud, places))
        return requestSession(api, dialect, used).pipe(
          tap(() => {
            if (known === used) return
            throw new TokenError('the client logged out, or in as another, while it renewed its session', {
              cloud,
            })
          }),
          concatMap(kept),
        )
      }),
    logIn: (given, options) =>
      requestSession(api, dialect, given, options).pipe(
        tap(() => {
          known = given
        }),
        concatMap(kept),
      ),
    noteChange: (token) => {
      if (keep)
        notes.add(
          tried(token === undefined ? store?.clear() : store?.save(token)).subscribe({ error: report }),
        )
    },
    forget: () =>
      defer(() => {
        known = undefined
        places.length = 0
        return tried(store?.clear())
      }),
  }
}

/** Without a place that was looked at, everything was forgotten. */
function nothingKnown(cloud: Dialect['cloud'], lookedAt: readonly string[]): ConfigurationError {
  const why =
    lookedAt.length === 0
      ? 'the client logged out; session.login begins another'
      : 'nothing was found to log in with; looked at:'
  return new ConfigurationError(`this call needs a session, and ${why}`, { cloud, lookedAt })
}

/** The name one logs in with, if it is a name. */
export function usernameOf(login: SlipstreamLogin | undefined, dialect: Dialect): string | undefined {
  if (login === undefined) return undefined
  const { username } = templateOf(login, dialect)
  return typeof username === 'string' ? username : undefined
}

/** As far as it can be told. */
function isAnothers(
  { username }: SessionToken,
  login: SlipstreamLogin | undefined,
  dialect: Dialect,
): boolean {
  const own = usernameOf(login, dialect)
  return own !== undefined && username !== undefined && own !== username
}
