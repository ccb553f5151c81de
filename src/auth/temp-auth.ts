import { concatMap, of, timer, type Observable } from 'rxjs'
import { call, type Api } from '../http/api.js'
import { header, unfit } from '../http/codecs.js'
import type { Operation } from '../http/types.js'
import { expiry } from './expiry.js'
import { sealToken, type Token } from './token.js'

/** A token of the first version of OpenStack's authentication, which Swift's TempAuth and its likes speak. */
export interface TempAuthToken extends Token {
  readonly kind: 'temp-auth'
  /** The address of the user's account in the object store. */
  readonly storageUrl: string
}

export interface TempAuthLogin {
  /** `account:user` */
  readonly user: string
  readonly key: string
}

/** `GET` of the authentication address itself (pithos dossier 14.1). Everything is in headers, both ways. */
export const issueTempAuthToken: Operation<TempAuthLogin & { readonly path: string }, TempAuthToken> = {
  id: 'openstack.tokens.issueTempAuth',
  method: 'GET',
  path: '',
  // Swift answers 200, others that speak the same 204.
  success: [200, 204],
  encode: ({ path, user, key }) => ({
    path,
    headers: { 'x-auth-user': utf8(user), 'x-auth-key': utf8(key) },
    secrets: [...new Set([key, utf8(key)])],
  }),
  decode: (response, context) => {
    const value = header(response, 'x-auth-token') ?? header(response, 'x-storage-token') ?? ''
    const storageUrl = header(response, 'x-storage-url') ?? ''
    const missing = [
      ...(value === '' ? ['the header X-Auth-Token is missing'] : []),
      ...(storageUrl === '' ? ['the header X-Storage-Url is missing'] : []),
    ]
    if (missing.length > 0) throw unfit(response, context, missing)
    const receivedAt = context.now()
    const seconds = header(response, 'x-auth-token-expires') ?? ''
    return sealToken({
      kind: 'temp-auth',
      value,
      obtainedAt: receivedAt,
      ...expiry({ expiresIn: seconds === '' ? undefined : Number(seconds), receivedAt }),
      storageUrl,
    })
  },
}

/** How a text stands in a header whose bytes are written one by one. */
function utf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

export interface TempAuthOptions extends TempAuthLogin {
  /** Reaches the authentication address, without authorization. */
  readonly api: Api
}

/** What is left of a life is told in whole seconds, rounded down. */
const LAST_SECOND_MS = 1_000

/**
 * Acquires tokens from TempAuth. It gives the same token, with less and less life in it, until that token is over; one in its last
 * second is waited out, because nobody could use it, and the next one is new.
 */
export function tempAuth({ api, user, key }: TempAuthOptions): () => Observable<TempAuthToken> {
  const path = api.endpoint?.prefix === '' ? '/' : ''
  const issued = call(api, issueTempAuthToken, { path, user, key })
  const inAWhile = timer(LAST_SECOND_MS, api.runtime.scheduler).pipe(concatMap(() => issued))
  return () => issued.pipe(concatMap((token) => (isEnding(token) ? inAWhile : of(token))))
}

function isEnding({ expiresAt, obtainedAt }: Token): boolean {
  return expiresAt !== undefined && expiresAt - obtainedAt < LAST_SECOND_MS
}
