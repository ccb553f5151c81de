import type { Chance } from '../chance.js'
import type { Clock, Exchange } from '../service.js'
import { answerCall, createApi, createFinder } from './api.js'
import { behaviourOf } from './behaviours/index.js'
import type { Api, StackitTimes, World } from './call.js'
import { DOCUMENTS } from './documents.js'
import { failureReply, StackitFailure } from './failures.js'
import type { Keys } from './keys.js'
import { createProjects } from './projects.js'
import { sendReply } from './reply.js'
import { createWalks } from './walks.js'

/** All services behind the gateway. */
export interface Services {
  readonly world: World
  /** What a caller has to be let into for this path; nothing if there is no such operation. */
  find(method: string, path: string): FoundCall | undefined
  /** Methods that there are for a path. */
  methods(path: string): readonly string[]
  /** The versions of a service, the default first. */
  apis(service: string): readonly Api[]
}

export interface FoundCall {
  readonly service: string
  readonly given: Readonly<Record<string, string>>
  /** Whether nobody has to log in for it. */
  readonly open: boolean
  answer(exchange: Exchange, traceId: string): Promise<void>
}

export function createServices(options: {
  readonly chance: Chance
  readonly clock: Clock
  readonly wallNow: () => number
  readonly steps: StackitTimes
  readonly emptyLastPage: boolean
  readonly keys: Keys
}): Services {
  const { chance } = options
  const seeds = new Map<string, ((api: Api) => void)[]>()
  const opened = new Map<
    string,
    readonly { readonly api: Api; readonly finder: ReturnType<typeof createFinder> }[]
  >()
  const open = (service: string) => {
    const known = opened.get(service)
    if (known !== undefined) return known
    const behaviour = behaviourOf(service)
    const made = DOCUMENTS.of(service).map((document) => {
      const api = createApi(document, world, behaviour)
      return { api, finder: createFinder(api) }
    })
    opened.set(service, made)
    const [first] = made
    if (first !== undefined) for (const seed of seeds.get(service) ?? []) seed(first.api)
    return made
  }
  const world: World = {
    ...options,
    seed: chance.hex(16),
    limits: new Map(),
    walks: createWalks(options.clock),
    projects: createProjects(),
    api(service) {
      const [first] = open(service)
      if (first === undefined) throw new TypeError(`There is no service ${service}`)
      return first.api
    },
    onOpen(service, seed) {
      seeds.set(service, [...(seeds.get(service) ?? []), seed])
    },
  }
  const split = (path: string): { service: string; segments: readonly string[] } => {
    const [service = '', ...segments] = path.split('/').slice(1).map(decoded)
    return { service, segments }
  }
  return {
    world,
    apis: (service) => open(service).map(({ api }) => api),
    methods(path) {
      const { service, segments } = split(path)
      return open(service).flatMap(({ finder }) => finder.methods(segments))
    },
    find(method, path) {
      const { service, segments } = split(path)
      for (const { api, finder } of open(service)) {
        const found = finder.find(method, segments)
        if (found === undefined) continue
        return {
          service,
          given: found.given,
          open: found.plan.operation.open === true,
          async answer(exchange, traceId) {
            try {
              sendReply(exchange, await answerCall(api, found, exchange))
            } catch (error) {
              if (!(error instanceof StackitFailure)) throw error
              const facts = { time: options.wallNow(), path: exchange.path, traceId }
              const reply = failureReply(api.model, found.plan.operation, error, facts)
              sendReply(exchange, { ...reply, headers: { 'x-trace-id': traceId } })
            }
          },
        }
      }
      return undefined
    },
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
