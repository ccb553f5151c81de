import type { Clock } from '../service.js'
import { isGoing, type Walk } from './lifecycles.js'
import type { Resource } from './store.js'

/** How the next walk goes wrong. */
export interface WalkFailure {
  /** State that it ends in. Default: the one that clients of the reference take for a failure. */
  readonly state?: string
  /** Text for fields such as `errorMessage`. */
  readonly message?: string
  /** HTTP status that its path is answered with from then on, instead of a state. Default where there is no such state: 500. */
  readonly status?: number
}

export interface WalkOrder {
  readonly service: string
  readonly operationId: string
  readonly resource: Resource
  /** By dots. */
  readonly field?: string | undefined
  readonly walk: Walk
  readonly ms: number
  /** What else comes with the good end. */
  readonly done?: () => void
  readonly failed?: (message: string) => void
  /** Takes it away. */
  readonly vanish?: () => void
}

/** Moves resources from state to state in cloud time. */
export interface Walks {
  start(order: WalkOrder): void
  failNext(service: string, operationId: string | undefined, failure: WalkFailure): void
  /** No walk of this service, or that this operation began, ends until the returned function is called. */
  stall(service: string, operationId?: string): () => void
}

interface Wanted {
  readonly service: string
  readonly operationId: string | undefined
}

export function createWalks(clock: Clock): Walks {
  let failures: (Wanted & { readonly failure: WalkFailure })[] = []
  let stalls: (Wanted & { readonly waiting: Set<() => void> })[] = []
  const isFor = (wanted: Wanted, order: WalkOrder): boolean =>
    wanted.service === order.service &&
    (wanted.operationId === undefined || wanted.operationId === order.operationId)

  const takeFailure = (order: WalkOrder): WalkFailure | undefined => {
    const entry = failures.find((one) => isFor(one, order))
    failures = failures.filter((one) => one !== entry)
    return entry?.failure
  }
  const finish = (order: WalkOrder, failure: WalkFailure | undefined): void => {
    const { resource, walk, field } = order
    delete resource.stop
    delete resource.isLate
    if (failure !== undefined) {
      fail(order, failure)
      return
    }
    if (walk.to !== undefined && field !== undefined) setField(resource.fields, field, walk.to)
    order.done?.()
    if (isGoing(walk)) order.vanish?.()
  }
  return {
    start(order) {
      const { resource, walk, field } = order
      resource.stop?.()
      resource.looks = 0
      const failure = takeFailure(order)
      if (walk.through !== undefined && field !== undefined) setField(resource.fields, field, walk.through)
      if (walk.appears === true) resource.isLate = true
      const end = (): void => {
        finish(order, failure)
      }
      const due = (): void => {
        if (walk.isSeen === true && failure === undefined && resource.looks === 0) {
          resource.stop = clock.after(Math.max(order.ms, 1), due)
          return
        }
        const stall = stalls.find((one) => isFor(one, order))
        if (stall === undefined) {
          end()
          return
        }
        stall.waiting.add(due)
        resource.stop = () => stall.waiting.delete(due)
      }
      resource.stop = clock.after(order.ms, due)
    },
    failNext(service, operationId, failure) {
      failures.push({ service, operationId, failure })
    },
    stall(service, operationId) {
      const stall = { service, operationId, waiting: new Set<() => void>() }
      stalls.push(stall)
      return () => {
        stalls = stalls.filter((one) => one !== stall)
        for (const due of stall.waiting) due()
        stall.waiting.clear()
      }
    },
  }
}

function fail(order: WalkOrder, failure: WalkFailure): void {
  const { resource, walk, field } = order
  const message = failure.message ?? 'The embedded cloud was told to fail here'
  const state = failure.state ?? (failure.status === undefined ? walk.failed : undefined)
  if (state !== undefined && field !== undefined) {
    setField(resource.fields, field, state)
    for (const name of [
      'errorMessage',
      'error_message',
      'failure_message',
      'statusMessage',
      'state_error',
      'error',
    ])
      resource.fields[name] = message
  } else {
    resource.refused = { status: failure.status ?? 500, message }
  }
  order.failed?.(message)
}

export function setField(fields: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('.')
  const last = names.pop() ?? path
  let target = fields
  for (const name of names) {
    const inner = target[name]
    const copy: Record<string, unknown> =
      typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? { ...inner } : {}
    target[name] = copy
    target = copy
  }
  target[last] = value
}

export function fieldAt(fields: Readonly<Record<string, unknown>>, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined,
      fields,
    )
}
