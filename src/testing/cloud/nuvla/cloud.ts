import type { Chance } from '../chance.js'
import type { SiteOptions } from '../server.js'
import type { Clock, Exchange, Service } from '../service.js'
import { statusBody } from '../slipstream/cimi/collections.js'
import { createDocuments, type Documents } from '../slipstream/cimi/documents.js'
import { asciiJson } from '../slipstream/cimi/json.js'
import { createCimi } from '../slipstream/cimi/service.js'
import { createDocumentStore } from '../slipstream/cimi/store.js'
import type { Login } from '../slipstream/accounts.js'
import { cookieOf } from '../slipstream/cookies.js'
import { createSessionTokens } from '../slipstream/session-tokens.js'
import { createEvents, readOnlyCollections, seedInfrastructure, type Infrastructure } from './catalogue.js'
import { createNuvlaCredentials } from './credentials.js'
import { createDeployments } from './deployments.js'
import { NUVLA_DIALECT, ownedBy } from './dialect.js'
import { createJobs, type JobTimes } from './jobs.js'
import { createModules } from './modules.js'
import { createSessionTemplates } from './session-templates.js'
import { createNuvlaSessions, NUVLA_COOKIE } from './sessions.js'
import { createUsers, GROUP, type NuvlaUser } from './users.js'

/** Knobs of the Nuvla server. */
export interface NuvlaOptions extends Partial<JobTimes> {
  /** Life of a session, ms of wall time; rounded up to whole seconds. Default 7 days (slipstream dossier, Appendix N). */
  readonly tokenLifetimeMs?: number
  /** Whether the session's cookie says `Secure`, as on the real server. Default false, for plain HTTP. */
  readonly secureCookie?: boolean
}

/** A running Nuvla server: where it is, who may use it, and the hands of its operator. */
export interface NuvlaCloud extends Infrastructure {
  /** The endpoint. */
  readonly url: string
  readonly user: Login & { readonly id: string }
  /** Is asked for `code` after the password. */
  readonly twoFactorUser: Login & { readonly id: string; readonly code: string }
  /** Has not paid: nothing of his starts. */
  readonly unsubscribedUser: Login & { readonly id: string }
  readonly privilegedUser: Login & { readonly id: string }
  /** An API key of the user. */
  readonly apiKey: { readonly key: string; readonly secret: string }
  /** Id of the group that the user may switch to. */
  readonly group: string
  /** Ids of what can be deployed. */
  readonly modules: { readonly application: string; readonly component: string }
  /** Makes all sessions worthless at once, whatever their cookies say. */
  expireSessions(): void
  /** The next job that is submitted fails half-way, with this message; again for the one after it. */
  failNext(message: string): void
  readonly documents: Documents
}

export interface NuvlaParts {
  readonly services: readonly Service[]
  readonly site: Pick<SiteOptions, 'jsonType' | 'headers' | 'unknown' | 'crashed' | 'revokeTokenOf'>
  readonly face: (origin: string) => NuvlaCloud
}

const WEEK_MS = 7 * 86_400_000

/** Everything of a Nuvla server but the socket. */
export function createNuvlaParts(
  options: NuvlaOptions,
  tools: { readonly clock: Clock; readonly wallNow: () => number; readonly chance: Chance },
): NuvlaParts {
  const { chance, clock, wallNow } = tools
  const store = createDocumentStore({
    chance,
    wallNow,
    typed: (collection) => ({ 'resource-type': collection }),
  })
  const tokens = createSessionTokens({ wallNow, lifetimeMs: options.tokenLifetimeMs ?? WEEK_MS })
  const users = createUsers(store, chance)
  const templates = createSessionTemplates(store)
  const sessions = createNuvlaSessions({
    store,
    tokens,
    users,
    wallNow,
    uuid: () => chance.uuid(),
    secureCookie: options.secureCookie ?? false,
  })
  const credentials = createNuvlaCredentials({ store, wallNow, chance })
  const infrastructure = seedInfrastructure(store, chance, users)
  const modules = createModules(store, chance)
  const { jobQueueMs = 2_000, jobRunMs = 20_000, jobPullMs = 10_000 } = options
  const jobs = createJobs({ store, clock, wallNow, times: { jobQueueMs, jobRunMs, jobPullMs } })
  const events = createEvents(store, wallNow)
  const { recordEvent } = events
  const apiKey = credentials.generateKeyOf(users.user)
  const cimi = createCimi({
    dialect: NUVLA_DIALECT,
    store,
    identityOf: sessions.identityOf,
    collections: [
      ...sessions.collections,
      templates,
      ...credentials.collections,
      modules.collection,
      ...createDeployments({ store, jobs, modules, users, recordEvent, wallNow }),
      jobs.collection,
      events.collection,
      ...readOnlyCollections(store),
    ],
  })
  const refuse = (exchange: Exchange, status: number, message: string): void => {
    const type = { 'Content-Type': 'application/json' }
    exchange.send(status, type, asciiJson(statusBody(status, message)))
  }
  return {
    services: [cimi],
    site: {
      jsonType: 'application/json',
      headers: () => ({}),
      unknown(exchange) {
        refuse(exchange, 404, 'unknown resource')
      },
      crashed(exchange, error) {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
        refuse(exchange, 500, `Unexpected exception thrown: ${text}`)
      },
      revokeTokenOf(exchange) {
        tokens.revoke(cookieOf(exchange, NUVLA_COOKIE) ?? '')
      },
    },
    face: (url) => ({
      url,
      user: loginOf(users.user),
      twoFactorUser: { ...loginOf(users.twoFactorUser), code: users.twoFactorUser.code },
      unsubscribedUser: loginOf(users.unsubscribedUser),
      privilegedUser: loginOf(users.privilegedUser),
      apiKey: { key: apiKey.id, secret: apiKey.secret },
      group: GROUP,
      modules: { application: modules.application.id, component: modules.component.id },
      ...infrastructure,
      expireSessions: tokens.revokeAll,
      failNext: jobs.failNext,
      documents: createDocuments(store, ownedBy(users.user.id)),
    }),
  }
}

function loginOf({ id, username, password }: NuvlaUser): Login & { readonly id: string } {
  return { id, username, password }
}
