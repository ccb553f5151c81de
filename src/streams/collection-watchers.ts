import type { Subscriber } from 'rxjs'
import type { Backoff } from '../operators/index.js'
import { clampDelay, MAX_DELAY_MS, type Runtime } from '../runtime.js'
import { CollectionState, type Change, type ItemRules } from './collection-state.js'
import type { CollectionEvent } from './events.js'
import { checkWatchOptions, intervalOf, type WatchOptions } from './operation.js'

/** How a user wants to watch. Times in milliseconds. */
export interface CollectionWatchOptions<T> extends Pick<
  WatchOptions,
  'interval' | 'maxConsecutiveErrors' | 'signal'
> {
  /** Only these. Default: all. */
  readonly ids?: readonly string[]
  /**
   * Completes the stream when it is true of the watcher's items: asked after the snapshot, and when changes have been told -
   * those of a poll together.
   */
  readonly until?: (items: readonly T[]) => boolean
}

/** @throws TypeError naming the option that is wrong */
export function checkCollectionOptions<T>(options: CollectionWatchOptions<T>): void {
  checkWatchOptions(options)
  const { ids, until } = options
  if (ids !== undefined && !(Array.isArray(ids) && ids.every((id) => typeof id === 'string' && id !== ''))) {
    throw new TypeError('ids: expected a list of ids, none of them empty')
  }
  if (until !== undefined && typeof until !== 'function') throw new TypeError('until: expected a function')
}

/** One subscription to a watched collection. */
export interface Watcher<T> {
  readonly subscriber: Subscriber<CollectionEvent<T>>
  readonly ids: readonly string[] | undefined
  readonly until: ((items: readonly T[]) => boolean) | undefined
  readonly interval: Backoff<{ readonly unchanged: number }>
  readonly maxConsecutiveErrors: number
  readonly since: number
  /** It has its snapshot. */
  ready: boolean
  /** Something was told since the last complete poll. */
  touched: boolean
  /** Polls since that. */
  unchanged: number
  /** Failing polls in a row. */
  misses: number
}

/** All who watch a collection at the same time, and what they are told of. */
export class CollectionWatchers<T> {
  readonly state: CollectionState<T>
  readonly #runtime: Runtime
  readonly #all = new Set<Watcher<T>>()
  readonly #ofAll = new Set<Watcher<T>>()
  readonly #byId = new Map<string, Set<Watcher<T>>>()
  readonly #waiting = new Set<Watcher<T>>()
  #changed = false
  /** Polls since anything changed; before the first poll there was none. */
  #unchanged = -1

  constructor(rules: ItemRules<T>, runtime: Runtime) {
    this.#runtime = runtime
    this.state = new CollectionState(rules, (id) => this.#byId.has(id))
  }

  get size(): number {
    return this.#all.size
  }
  /** Those who have no snapshot yet. */
  get waiting(): ReadonlySet<Watcher<T>> {
    return this.#waiting
  }
  all(): readonly Watcher<T>[] {
    return [...this.#all]
  }

  add(subscriber: Subscriber<CollectionEvent<T>>, options: CollectionWatchOptions<T>): Watcher<T> {
    const { ids, until, interval, maxConsecutiveErrors = 5 } = options
    const watcher: Watcher<T> = {
      subscriber,
      ids: ids === undefined ? undefined : [...new Set(ids)],
      until,
      interval: intervalOf(interval),
      maxConsecutiveErrors,
      since: this.#runtime.scheduler.now(),
      ready: false,
      touched: false,
      unchanged: this.#unchanged,
      misses: 0,
    }
    this.#all.add(watcher)
    this.#waiting.add(watcher)
    if (watcher.ids === undefined) this.#ofAll.add(watcher)
    for (const id of watcher.ids ?? []) {
      const watchers = this.#byId.get(id)
      if (watchers === undefined) this.#byId.set(id, new Set([watcher]))
      else watchers.add(watcher)
    }
    return watcher
  }

  /** Whether it was there. */
  remove(watcher: Watcher<T>): boolean {
    if (!this.#all.delete(watcher)) return false
    this.#waiting.delete(watcher)
    this.#ofAll.delete(watcher)
    for (const id of watcher.ids ?? []) {
      const watchers = this.#byId.get(id)
      watchers?.delete(watcher)
      if (watchers?.size !== 0) continue
      this.#byId.delete(id)
      this.state.forget(id)
    }
    return true
  }

  /** What those who wait for their snapshot want and nobody knows. */
  unknown(): string[] {
    const ids = [...this.#waiting].flatMap((watcher) => watcher.ids ?? [])
    return [...new Set(ids)].filter((id) => !this.state.knows(id))
  }

  /** Their snapshot to all who wait for it. */
  serve(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const watcher of waiting) {
      watcher.ready = true
      watcher.subscriber.next({ kind: 'snapshot', items: this.#itemsOf(watcher.ids) })
      this.#judge(watcher)
    }
  }

  tell(changes: readonly Change<T>[]): void {
    if (changes.length > 0) this.#changed = true
    const told = new Set<Watcher<T>>()
    for (const { id, kind, item, audience } of changes) {
      const event = { kind, item }
      if (audience !== 'ids') tellThose(this.#ofAll, event, told)
      if (audience !== 'all') tellThose(this.#byId.get(id) ?? [], event, told)
    }
    for (const watcher of told) this.#judge(watcher)
  }

  /** A poll is complete. */
  rest(): void {
    this.#unchanged = this.#changed ? 0 : this.#unchanged + 1
    this.#changed = false
    for (const watcher of this.#all) {
      watcher.unchanged = watcher.touched ? 0 : watcher.unchanged + 1
      watcher.touched = false
      watcher.misses = 0
    }
  }

  /** Milliseconds until the most eager one wants the next poll. */
  shortestPause(polls: number, watchers: Iterable<Watcher<T>> = this.#all): number {
    let shortest = MAX_DELAY_MS
    for (const watcher of watchers) shortest = Math.min(shortest, this.pauseFor(watcher, polls))
    return shortest
  }

  /** At least a millisecond. A watcher whose interval is no time at all gets an error. */
  pauseFor({ interval, since, subscriber, unchanged }: Watcher<T>, polls: number): number {
    const { scheduler, random } = this.#runtime
    try {
      const pauseMs = interval({
        attempt: polls,
        elapsedMs: Math.max(0, scheduler.now() - since),
        input: { unchanged: Math.max(0, unchanged) },
        random,
      })
      if (pauseMs >= 0) return Math.max(1, Math.ceil(clampDelay(pauseMs)))
      throw new TypeError(`interval must return milliseconds, but returned ${String(pauseMs)}`)
    } catch (thrown) {
      subscriber.error(thrown)
      return MAX_DELAY_MS
    }
  }

  #judge({ until, subscriber, ids }: Watcher<T>): void {
    if (until === undefined || subscriber.closed) return
    try {
      if (until(this.#itemsOf(ids))) subscriber.complete()
    } catch (thrown) {
      subscriber.error(thrown)
    }
  }

  #itemsOf(ids: Watcher<T>['ids']): readonly T[] {
    if (ids === undefined) return this.state.items()
    return ids.map((id) => this.state.get(id)).filter((item) => item !== undefined)
  }
}

function tellThose<T>(
  watchers: Iterable<Watcher<T>>,
  event: CollectionEvent<T>,
  told: Set<Watcher<T>>,
): void {
  for (const watcher of watchers) {
    if (!watcher.ready) continue
    watcher.touched = true
    watcher.subscriber.next(event)
    told.add(watcher)
  }
}
