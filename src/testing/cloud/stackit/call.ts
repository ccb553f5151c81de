import type { Chance } from '../chance.js'
import type { Clock, Exchange } from '../service.js'
import type { Keys } from './keys.js'
import type { Lifecycle } from './lifecycles.js'
import type { Model, ModelHints, Plan } from './kinds.js'
import type { Projects } from './projects.js'
import type { Reply } from './reply.js'
import type { Fields } from './schemas.js'
import type { Resource, Store } from './store.js'
import type { Walks } from './walks.js'

/** Times of what takes time, ms of cloud time. */
export interface StackitTimes {
  readonly createMs: number
  readonly updateMs: number
  readonly deleteMs: number
  /** Until something is to be seen by its own path, where that lags behind. */
  readonly appearMs: number
}

/** What all services share. */
export interface World {
  readonly chance: Chance
  readonly clock: Clock
  readonly wallNow: () => number
  readonly walks: Walks
  readonly projects: Projects
  readonly steps: StackitTimes
  readonly emptyLastPage: boolean
  /** Of all samples. */
  readonly seed: string
  /** How many there may be, by service and name of the collection. */
  readonly limits: Map<string, number>
  /** The default version of a service. */
  api(service: string): Api
  /** What is to be there of a service from the beginning; called when it is first used. */
  onOpen(service: string, seed: (api: Api) => void): void
  readonly keys: Keys
}

/** One service in one version, with its resources. */
export interface Api {
  readonly world: World
  readonly model: Model
  readonly hints: ModelHints
  readonly behaviour: Behaviour
  readonly store: Store
  lifecycle(template: string): Lifecycle | undefined
}

/** One request to an operation, checked. */
export interface Call {
  readonly api: Api
  readonly plan: Plan
  readonly exchange: Exchange
  /** Parameters of the path, decoded. */
  readonly given: Readonly<Record<string, string>>
  /** The path with its aliases resolved, segments percent-encoded. */
  readonly path: string
  readonly query: Fields
  readonly body: unknown
}

/** What the documents do not tell of a service. By operationId: instead of the usual, or around it. */
export interface Behaviour {
  readonly hints?: ModelHints
  readonly operations?: Readonly<Record<string, (call: Call) => Reply | Promise<Reply>>>
  /** By ends of templates: `/gateways/{}`. */
  readonly lifecycles?: Readonly<Record<string, Lifecycle>>
  /** Status of what was never there. Default 404. */
  readonly missing?: number
  /** Called when a walk ended badly. */
  readonly failed?: (resource: Resource, message: string) => void
  /** Called when a resource was made by the usual way. */
  readonly made?: (call: Call, resource: Resource) => void
  /** Path with names turned into ids, for instance. */
  readonly locate?: (api: Api, path: string) => string
  /** What every answer to a call has besides. */
  readonly after?: (call: Call, reply: Reply) => Reply
}
