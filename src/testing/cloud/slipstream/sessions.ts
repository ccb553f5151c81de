import type { Exchange } from '../service.js'
import { created, statusBody, type Answer, type Collection, type Identity } from './cimi/collections.js'
import { CimiFailure, forbidden, invalidSchema, notFound } from './cimi/failure.js'
import { isFields, type Fields } from './cimi/json.js'
import type { DocumentStore } from './cimi/store.js'
import { digestOf } from './api-secrets.js'
import { cookieDate, cookieOf, revokingCookie, SESSION_COOKIE } from './cookies.js'
import { aclOf, ADMIN } from './dialect.js'
import { SIGN_IN_FIELDS } from './session-templates.js'
import type { SessionTokens } from './session-tokens.js'
import type { Accounts, Caller } from './tools.js'

export interface Sessions {
  readonly collection: Collection
  readonly callerOf: (exchange: Exchange) => Caller | undefined
  readonly identityOf: (exchange: Exchange) => Identity
  /** Signs a user in by his password; undefined if it is the wrong one. */
  readonly signIn: (exchange: Exchange, username: string, password: string) => Promise<SignedIn | undefined>
}

export interface SignedIn {
  /** Id of the session. */
  readonly session: string
  /** The value of `Set-Cookie`. */
  readonly cookie: string
}

/** Whom a session is for. */
interface Subject {
  readonly username: string
  readonly roles: readonly string[]
}

const ANYBODY = aclOf(ADMIN, ['ANON', 'ROLE', 'ALL'], ['USER', 'ROLE', 'ALL'])
const FORM_OUTSIDE: readonly string[] = [
  'sessionTemplate',
  'name',
  'description',
  'properties',
  'resourceURI',
]

/** Sessions: made by signing in, kept by a cookie (slipstream dossier 2). */
export function createSessions(options: {
  readonly store: DocumentStore
  readonly tokens: SessionTokens
  readonly accounts: Accounts
  readonly wallNow: () => number
  readonly uuid: () => string
  readonly secureCookie: boolean
}): Sessions {
  const { store, tokens, accounts, wallNow } = options

  const byPassword = (username: string, password: string): Subject | undefined => {
    const account = accounts.get(username)
    if (account?.password !== password || account.state !== 'ACTIVE') return undefined
    account.lastOnline = wallNow()
    return { username, roles: account.issuper ? ['ADMIN', 'USER', 'ANON'] : ['USER', 'ANON'] }
  }
  const byKey = (key: string, secret: string): Subject | undefined => {
    const document = store.get(key.startsWith('credential/') ? key : `credential/${key}`)
    if (document?.['type'] !== 'api-key' || document['digest'] !== digestOf(secret)) return undefined
    const { expiry, claims } = document
    if (typeof expiry === 'string' && Date.parse(expiry) <= wallNow()) return undefined
    if (!isFields(claims) || !Array.isArray(claims['roles'])) return undefined
    return { username: String(claims['identity']), roles: claims['roles'].map(String) }
  }
  const forgetExpired = (): void => {
    const now = new Date(wallNow()).toISOString()
    for (const { id, expiry } of store.list('session')) {
      if (typeof expiry === 'string' && expiry <= now) store.remove(id)
    }
  }
  const open = async (
    exchange: Exchange,
    subject: Subject,
    method: string,
    description: Fields,
  ): Promise<SignedIn> => {
    const session = `session/${options.uuid()}`
    const roles = [...subject.roles, session].join(' ')
    const origin = { server: new URL(exchange.origin).hostname, clientIP: '127.0.0.1' }
    const { token, expires } = await tokens.issue({ username: subject.username, roles, session, ...origin })
    forgetExpired()
    store.add('session', {
      ...description,
      id: session,
      method,
      sessionTemplate: { href: `session-template/${method}` },
      username: subject.username,
      roles,
      expiry: new Date(expires).toISOString(),
      ...origin,
      acl: aclOf({ principal: session, type: 'ROLE' }, ['ADMIN', 'ROLE', 'VIEW']),
    })
    const secure = options.secureCookie ? 'Secure;' : ''
    const cookie = `${SESSION_COOKIE}=token=${token};${secure}Path=/;Expires=${cookieDate(expires)}`
    return { session, cookie }
  }
  const add = async (exchange: Exchange, body: Fields): Promise<Answer> => {
    const { sessionTemplate: template, name, description, properties } = body
    const foreign = Object.keys(body).find((key) => !FORM_OUTSIDE.includes(key))
    if (foreign !== undefined) throw invalidSchema(`${foreign} - unknown key`)
    if (!isFields(template)) throw invalidSchema('sessionTemplate - missing or not an object')
    const { href, redirectURI, ...given } = template
    if (typeof href !== 'string') throw invalidSchema('sessionTemplate.href - missing required key')
    const method = store.get(href)?.['method']
    if (typeof method !== 'string' || !href.startsWith('session-template/')) throw notFound(href)
    const [nameField, secretField] = SIGN_IN_FIELDS[method] ?? ['', '']
    const fieldNames = [nameField, secretField]
    for (const field of fieldNames) {
      const value = given[field]
      if (typeof value !== 'string' || value === '') throw invalidSchema(`${field} - missing required key`)
    }
    const extra = Object.keys(given).find((key) => !fieldNames.includes(key))
    if (extra !== undefined) throw invalidSchema(`${extra} - unknown key`)
    if (redirectURI !== undefined && typeof redirectURI !== 'string')
      throw invalidSchema('redirectURI - not a string')

    const who = String(given[nameField])
    const subject = (method === 'internal' ? byPassword : byKey)(who, String(given[secretField]))
    if (subject === undefined) {
      const refusal = forbidden(who)
      if (redirectURI === undefined) throw refusal
      return redirect(withError(redirectURI, refusal))
    }
    const described = Object.fromEntries(
      Object.entries({ name, description, properties }).filter(([, value]) => value !== undefined),
    )
    const { session, cookie } = await open(exchange, subject, method, described)
    if (redirectURI === undefined) return created(session, {}, { 'Set-Cookie': cookie })
    return redirect(redirectURI, cookie)
  }

  const callerOf: Sessions['callerOf'] = (exchange) => {
    const value = cookieOf(exchange, SESSION_COOKIE)
    const claims =
      value?.startsWith('token=') === true ? tokens.read(value.slice('token='.length)) : undefined
    if (claims === undefined) return undefined
    const { username, roles, session } = claims
    return { username: String(username), privileged: String(roles).split(' ').includes('ADMIN'), session }
  }
  return {
    callerOf,
    identityOf(exchange) {
      const caller = callerOf(exchange)
      if (caller === undefined)
        return { user: undefined, roles: ['ANON'], privileged: false, session: undefined }
      const { username: user, privileged, session } = caller
      return { user, privileged, session, roles: [...(privileged ? ['ADMIN'] : []), 'USER', 'ANON', session] }
    },
    async signIn(exchange, username, password) {
      const subject = byPassword(username, password)
      return subject === undefined ? undefined : open(exchange, subject, 'internal', {})
    },
    collection: {
      name: 'session',
      acl: ANYBODY,
      findable: ({ id }, { session }) => id === session,
      readForm: (form) => ({ sessionTemplate: Object.fromEntries(form) }),
      add: ({ exchange }, body) => add(exchange, body),
      remove(_call, { id }) {
        store.remove(id)
        return {
          status: 200,
          body: statusBody(200, `${id} deleted`, id),
          headers: { 'Set-Cookie': revokingCookie(wallNow()) },
        }
      },
    },
  }
}

function redirect(uri: string, cookie?: string): Answer {
  return {
    status: 303,
    body: statusBody(303, `redirecting to ${uri}`),
    headers: { Location: uri, ...(cookie === undefined ? {} : { 'Set-Cookie': cookie }) },
  }
}

/** unverified: by which parameter the page learns what was wrong. */
function withError(uri: string, failure: CimiFailure): string {
  return `${uri}${uri.includes('?') ? '&' : '?'}error=${encodeURIComponent(failure.message)}`
}
