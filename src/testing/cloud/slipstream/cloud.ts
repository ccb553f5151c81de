import type { Chance } from '../chance.js'
import type { SiteOptions } from '../server.js'
import type { Clock, Service } from '../service.js'
import { CLOUD_NAMES, createAccounts, LOGINS, type Login } from './accounts.js'
import { readOnlyCollections, seedCatalogue, showUser } from './catalogue.js'
import { statusBody } from './cimi/collections.js'
import { createDocuments, type Documents } from './cimi/documents.js'
import { asciiJson } from './cimi/json.js'
import { createCimi } from './cimi/service.js'
import { createDocumentStore } from './cimi/store.js'
import { cookieOf, SESSION_COOKIE } from './cookies.js'
import { createCredentials } from './credentials.js'
import { createSlipstreamDialect, ownedBy } from './dialect.js'
import { createEvents } from './events.js'
import { createExternalObjects } from './external-objects.js'
import type { LegacyFace } from './legacy/face.js'
import type { LegacyOptions } from './legacy/options.js'
import { createLegacySide } from './legacy/side.js'
import { createOldLogin } from './old-login.js'
import { createSessionTemplates } from './session-templates.js'
import { createSessionTokens } from './session-tokens.js'
import { createSessions } from './sessions.js'
import type { SlipstreamTools } from './tools.js'

/** Knobs of the SlipStream server. */
export interface SlipstreamOptions extends LegacyOptions {
  /** Life of a session, ms of wall time; rounded up to whole seconds. Default 24 hours (slipstream dossier 2.1). */
  readonly tokenLifetimeMs?: number
  /**
   * Whether the session's cookie says `Secure`, as on the real server. Default false: over plain HTTP strict
   * cookie jars would drop it.
   */
  readonly secureCookie?: boolean
  /** What answers an edit: the document, or a message with its id; both are real. Default `document`. */
  readonly editAnswer?: 'document' | 'message'
}

/** A running SlipStream server: where it is, who may use it, and the hands of its operator. */
export interface SlipstreamCloud extends LegacyFace {
  /** The endpoint. */
  readonly url: string
  readonly user: Login
  readonly otherUser: Login
  readonly privilegedUser: Login
  /** An API key of the user. */
  readonly apiKey: { readonly key: string; readonly secret: string }
  /** Makes all sessions worthless at once, whatever their cookies say. */
  expireSessions(): void
  readonly documents: Documents
}

export interface SlipstreamParts {
  readonly services: readonly Service[]
  readonly site: Pick<SiteOptions, 'jsonType' | 'headers' | 'unknown' | 'crashed' | 'revokeTokenOf'>
  readonly face: (origin: string) => SlipstreamCloud
}

const DAY_MS = 86_400_000

/** Everything of a SlipStream server but the socket. */
export function createSlipstreamParts(
  options: SlipstreamOptions,
  given: { readonly clock: Clock; readonly wallNow: () => number; readonly chance: Chance },
): SlipstreamParts {
  const { chance, wallNow } = given
  const clouds = options.clouds ?? CLOUD_NAMES
  const dialect = createSlipstreamDialect(options.editAnswer ?? 'document')
  const store = createDocumentStore({
    chance,
    wallNow,
    typed: (collection) => ({ resourceURI: dialect.typeOf(collection) }),
  })
  const tokens = createSessionTokens({ wallNow, lifetimeMs: options.tokenLifetimeMs ?? DAY_MS })
  const accounts = createAccounts(wallNow(), clouds)
  const templates = createSessionTemplates(store)
  const sessions = createSessions({
    store,
    tokens,
    accounts,
    wallNow,
    uuid: () => chance.uuid(),
    secureCookie: options.secureCookie ?? false,
  })
  const events = createEvents(store, wallNow)
  const credentials = createCredentials({ store, wallNow, chance, clouds })
  const objects = createExternalObjects(store, chance, clouds[0] ?? '')
  seedCatalogue(store, { chance, accounts: accounts.list(), clouds })
  const apiKey = credentials.generateKey({ username: LOGINS.user.username, privileged: false })
  const tools: SlipstreamTools = {
    ...given,
    accounts: {
      ...accounts,
      put(account) {
        accounts.put(account)
        showUser(store, account)
      },
    },
    callerOf: sessions.callerOf,
    recordEvent: events.recordEvent,
  }
  const legacy = createLegacySide(tools, { ...options, clouds })
  const cimi = createCimi({
    dialect,
    store,
    identityOf: sessions.identityOf,
    collections: [
      sessions.collection,
      templates,
      ...credentials.collections,
      events.collection,
      objects.collection,
      ...readOnlyCollections(),
    ],
  })
  const sendJson = (exchange: Parameters<Service['handle']>[0], status: number, message: string): void => {
    const type = { 'Content-Type': 'application/json' }
    exchange.send(status, type, asciiJson(statusBody(status, message)))
  }
  return {
    services: [
      cimi,
      createOldLogin(sessions, wallNow),
      objects.service,
      { prefix: '', handle: legacy.handle },
    ],
    site: {
      jsonType: 'application/json',
      headers: () => ({}),
      unknown(exchange) {
        sendJson(exchange, 404, 'unknown resource')
      },
      crashed(exchange, error) {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
        sendJson(exchange, 500, `Unexpected exception thrown: ${text}`)
      },
      revokeTokenOf(exchange) {
        const value = cookieOf(exchange, SESSION_COOKIE)
        if (value !== undefined) tokens.revoke(value.replace(/^token=/, ''))
      },
    },
    face: (url) => ({
      ...legacy.face,
      url,
      user: LOGINS.user,
      otherUser: LOGINS.other,
      privilegedUser: LOGINS.privileged,
      apiKey: { key: apiKey.id, secret: apiKey.secret },
      expireSessions: tokens.revokeAll,
      documents: createDocuments(store, ownedBy(LOGINS.user.username)),
    }),
  }
}
