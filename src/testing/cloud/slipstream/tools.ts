import type { Chance } from '../chance.js'
import type { Clock, Exchange } from '../service.js'

/** Who sends a request, by the cookie of a session that is still good. */
export interface Caller {
  readonly username: string
  readonly privileged: boolean
  /** Id of the session, `session/<uuid>`. */
  readonly session: string
}

/** A user as the legacy side and the sessions know him (slipstream dossier 4.4). */
export interface Account {
  readonly name: string
  password: string
  email: string
  firstName: string
  lastName: string
  organization: string
  /** Comma-joined. */
  roles: string
  issuper: boolean
  state: 'NEW' | 'ACTIVE' | 'DELETED' | 'SUSPENDED'
  /** Values by full name: `General.keep-running`. */
  readonly parameters: Map<string, string>
  readonly creation: number
  lastOnline: number
}

export interface Accounts {
  get(name: string): Account | undefined
  list(): readonly Account[]
  /** Creates or overwrites. */
  put(account: Account): void
}

/** One line of the log of events (slipstream dossier 5, Events). */
export interface RecordedEvent {
  readonly type: 'state' | 'alarm' | 'action' | 'system'
  readonly severity: 'critical' | 'high' | 'medium' | 'low'
  /** `run/<uuid>` */
  readonly resource: string
  readonly state: string
  /** The user who owns the resource, and so sees the event. */
  readonly owner: string
}

/** What the CIMI side and the legacy side of a SlipStream server share. */
export interface SlipstreamTools {
  readonly clock: Clock
  readonly wallNow: () => number
  readonly chance: Chance
  readonly accounts: Accounts
  /** Undefined for a missing, broken, revoked or expired cookie. */
  readonly callerOf: (exchange: Exchange) => Caller | undefined
  readonly recordEvent: (event: RecordedEvent) => void
}

/** What the legacy side adds to the server: its service, and the hands of the operator. */
export interface LegacySide<Face> {
  /** Handles every path that is not below `/api` or `/auth`. */
  readonly handle: (exchange: Exchange) => void | Promise<void>
  readonly face: Face
}
