import type { Exchange } from '../service.js'
import { digestOf } from '../slipstream/api-secrets.js'
import {
  created,
  statusBody,
  type Answer,
  type Call,
  type Collection,
  type Identity,
} from '../slipstream/cimi/collections.js'
import { forbidden, invalidSchema, notFound } from '../slipstream/cimi/failure.js'
import { isFields, type Fields } from '../slipstream/cimi/json.js'
import type { Document, DocumentStore } from '../slipstream/cimi/store.js'
import { cookieDate, cookieOf, revokingCookie } from '../slipstream/cookies.js'
import type { SessionTokens } from '../slipstream/session-tokens.js'
import { ADMINISTRATORS, ANYBODY, openTo, ownedBy, readableBy, USERS } from './dialect.js'
import { SIGN_IN_FIELDS } from './session-templates.js'
import { claimsOf, type NuvlaUser, type NuvlaUsers } from './users.js'

/** Doubled, as it is on the real server (slipstream dossier, Appendix N). */
export const NUVLA_COOKIE = 'com.com.sixsq.nuvla.cookie'

export interface NuvlaSessions {
  readonly collections: readonly Collection[]
  readonly identityOf: (exchange: Exchange) => Identity
}

/** Sessions of Nuvla: by password, by password and code, by API key. */
export function createNuvlaSessions(options: {
  readonly store: DocumentStore
  readonly tokens: SessionTokens
  readonly users: NuvlaUsers
  readonly wallNow: () => number
  readonly uuid: () => string
  readonly secureCookie: boolean
}): NuvlaSessions {
  const { store, tokens, users, wallNow } = options
  /** Who has given his password and not his code, by the id of the callback. */
  const awaitingCode = new Map<string, NuvlaUser>()

  const cookieFor = async (
    session: string,
    user: NuvlaUser,
    claims: readonly string[],
    active: string,
  ): Promise<{ readonly cookie: string; readonly expires: number; readonly roles: string }> => {
    const roles = [...claims, session].join(' ')
    const { token, expires } = await tokens.issue({
      'user-id': user.id,
      claims: roles,
      session,
      'active-claim': active,
    })
    const secure = options.secureCookie ? 'Secure;' : ''
    const cookie = `${NUVLA_COOKIE}=${token};${secure}Path=/;HttpOnly;Expires=${cookieDate(expires)}`
    return { cookie, expires, roles }
  }
  const open = async (user: NuvlaUser, claims: readonly string[], method: string): Promise<Answer> => {
    const session = `session/${options.uuid()}`
    const { cookie, expires, roles } = await cookieFor(session, user, claims, user.id)
    const now = new Date(wallNow()).toISOString()
    for (const { id, expiry } of store.list('session')) {
      if (typeof expiry === 'string' && expiry <= now) store.remove(id)
    }
    store.add('session', {
      id: session,
      method,
      template: { href: `session-template/${method}` },
      user: user.id,
      identifier: user.username,
      roles,
      expiry: new Date(expires).toISOString(),
      'client-ip': '127.0.0.1',
      'active-claim': user.id,
      acl: { owners: [ADMINISTRATORS], 'view-acl': [session], manage: [session], delete: [session] },
    })
    return created(session, {}, { 'Set-Cookie': cookie })
  }
  const byKey = (key: string, secret: string): { user: NuvlaUser; roles: readonly string[] } | undefined => {
    const document = store.get(key.startsWith('credential/') ? key : `credential/${key}`)
    if (document?.['subtype'] !== 'api-key' || document['digest'] !== digestOf(secret)) return undefined
    const { expiry, claims } = document
    if (typeof expiry === 'string' && Date.parse(expiry) <= wallNow()) return undefined
    if (!isFields(claims) || !Array.isArray(claims['roles'])) return undefined
    const user = users.byId(String(claims['identity']))
    return user === undefined ? undefined : { user, roles: claims['roles'].map(String) }
  }
  const add: NonNullable<Collection['add']> = async (_call, body) => {
    const { template } = body
    if (!isFields(template)) throw invalidSchema('template - missing or not an object')
    const { href, ...given } = template
    if (typeof href !== 'string') throw invalidSchema('template.href - missing required key')
    const method = store.get(href)?.['method']
    if (typeof method !== 'string' || !href.startsWith('session-template/')) throw notFound(href)
    const fields = SIGN_IN_FIELDS[method] ?? ['', '']
    const missing = fields.find((field) => typeof given[field] !== 'string' || given[field] === '')
    if (missing !== undefined) throw invalidSchema(`${missing} - missing required key`)
    const extra = Object.keys(given).find((key) => !fields.includes(key))
    if (extra !== undefined) throw invalidSchema(`${extra} - unknown key`)
    const [name = '', secret = ''] = fields.map((field) => String(given[field]))
    if (method === 'api-key') {
      const found = byKey(name, secret)
      if (found === undefined) throw forbidden(name)
      return open(found.user, found.roles, method)
    }
    const user = users.byName(name)
    if (user?.password !== secret) throw forbidden(name)
    return user.code === undefined ? open(user, claimsOf(user), method) : askForCode(user)
  }
  const askForCode = (user: NuvlaUser): Answer => {
    const { id } = store.add('callback', {
      action: 'session-2fa-creation',
      state: 'WAITING',
      'target-resource': { href: user.id },
      acl: readableBy(ANYBODY),
    })
    awaitingCode.set(id, user)
    return {
      status: 200,
      body: { ...statusBody(200, 'Authorization code requested'), location: id },
      headers: { Location: id },
    }
  }

  const callbacks: Collection = {
    name: 'callback',
    acl: ownedBy(ADMINISTRATORS),
    actions: {
      // unverified: by which call the code is given, and that the answer is that of a session.
      execute: {
        right: 'view',
        offered: ({ state }) => state === 'WAITING',
        async run(_call, { id }, { token }) {
          const user = awaitingCode.get(id)
          if (user === undefined || token !== user.code) throw forbidden(id)
          awaitingCode.delete(id)
          store.update(id, { state: 'SUCCEEDED' })
          return open(user, claimsOf(user), 'password')
        },
      },
    },
  }
  const userOf = (session: Document): NuvlaUser => {
    const user = users.byId(String(session['user']))
    if (user === undefined) throw forbidden(session.id)
    return user
  }
  const switchGroup = async (_call: Call, session: Document, body: Fields): Promise<Answer> => {
    const { claim, extended } = body
    const user = userOf(session)
    if (typeof claim !== 'string' || ![user.id, ...user.groups].includes(claim)) {
      throw forbidden(typeof claim === 'string' ? claim : session.id)
    }
    const shared = user.privileged ? [ADMINISTRATORS, USERS, ANYBODY] : [USERS, ANYBODY]
    const own = claim === user.id || extended === true ? [user.id, ...user.groups] : [claim]
    const { cookie, expires, roles } = await cookieFor(session.id, user, [...shared, ...own], claim)
    const expiry = new Date(expires).toISOString()
    const body200 = store.update(session.id, { roles, expiry, 'active-claim': claim })
    return { status: 200, body: body200, headers: { 'Set-Cookie': cookie } }
  }

  return {
    identityOf(exchange) {
      const claims = tokens.read(cookieOf(exchange, NUVLA_COOKIE) ?? '')
      if (claims === undefined)
        return { user: undefined, roles: [ANYBODY], privileged: false, session: undefined }
      const roles = String(claims['claims']).split(' ')
      const { session } = claims
      return {
        user: String(claims['active-claim']),
        roles,
        privileged: roles.includes(ADMINISTRATORS),
        session,
      }
    },
    collections: [
      {
        name: 'session',
        acl: openTo(ANYBODY, USERS),
        findable: ({ id }, { session }) => id === session,
        readForm: (form) => ({ template: Object.fromEntries(form) }),
        add,
        remove(_call, { id }) {
          store.remove(id)
          return {
            status: 200,
            body: statusBody(200, `${id} deleted`, id),
            headers: { 'Set-Cookie': revokingCookie(wallNow(), NUVLA_COOKIE) },
          }
        },
        actions: {
          'switch-group': {
            right: 'manage',
            offered: (session) => userOf(session).groups.length > 0,
            run: switchGroup,
          },
          'get-peers': {
            right: 'manage',
            run: (_call, session) => ({
              status: 200,
              body: Object.fromEntries(peersOf(userOf(session)).map(({ id, username }) => [id, username])),
            }),
          },
          'get-groups': {
            right: 'manage',
            run: (_call, session) => ({
              status: 200,
              body: userOf(session).groups.map((id) => ({ id, name: store.get(id)?.['name'] })),
            }),
          },
        },
      },
      callbacks,
    ],
  }

  function peersOf(user: NuvlaUser): readonly NuvlaUser[] {
    const ids = new Set(user.groups.flatMap((group) => store.get(group)?.['users'] ?? []))
    return [...ids].flatMap((id) => (typeof id === 'string' ? users.byId(id) : undefined) ?? [])
  }
}
