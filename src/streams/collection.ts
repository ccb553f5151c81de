import {
  defaultIfEmpty,
  defer,
  EMPTY,
  map,
  mergeMap,
  Observable,
  range,
  Subscription,
  take,
  type Subscriber,
} from 'rxjs'
import { isCloudError, isTransient, retryAfterMs, type CloudError } from '../errors.js'
import { alarm, type SetAlarm } from '../operators/alarm.js'
import { abortable } from '../operators/index.js'
import { ownedBy } from '../operators/owned-by.js'
import { clampDelay, type Runtime } from '../runtime.js'
import {
  checkCollectionOptions,
  CollectionWatchers,
  type CollectionWatchOptions,
  type Watcher,
} from './collection-watchers.js'
import type { CollectionEvent } from './events.js'

export type { CollectionWatchOptions } from './collection-watchers.js'
export type { CollectionEvent } from './events.js'

/** Where the items of a watched collection come from. */
export interface CollectionSource<T> {
  /** One look at the whole collection: the items of all pages, then completion. Makes its calls without retry. */
  poll(): Observable<T>
  idOf(item: T): string
  /** What tells a change: the same text is the same state. */
  version(item: T): string
  /**
   * Asked for an item that was known or is wanted and that the poll did not hold: emits its present state, or completes
   * without if it is gone for good. An item that it emits and that is not `final` counts as one of the collection still: it
   * only slipped between two pages. Without this method, what a poll does not hold is gone.
   */
  missing?(id: string): Observable<T>
  /** Nothing will change here any more: once such an item has left the collection it is not asked for again. */
  final?(item: T): boolean
}

/**
 * A way to watch a collection for which all watchers together cost one poll.
 *
 * ```text
 * polls     -(ab|)     -(aB|)     -(B|)
 * requests  ^!         ^!         ^!
 * all       -s----------c----------r
 * only b    ------t-----c-----------
 * ```
 *
 * - First emission: one `snapshot`, as soon as it is known - from the last poll if that is no older than the present interval,
 *   else from the next one. The first watcher starts the poll at once.
 * - Then the changes of the watcher's items: of all, or of its `ids`. A wanted item that leaves in a final state stays as it is.
 * - Timing: the next poll starts when the shortest interval of all watchers has passed since the one before was complete;
 *   polls never overlap.
 * - Completion: by `until` only.
 * - Error: failing polls are told as `retrying`; a watcher who has seen `maxConsecutiveErrors` of them in a row gets the error.
 *   What no waiting mends is everybody's error at once. The next subscription starts anew.
 * - Teardown: the last watcher who leaves closes the request under way and the timer, and nothing is remembered.
 *
 * The function that is returned throws a `TypeError` naming the option that is wrong.
 */
export function createCollectionWatch<T>(
  source: CollectionSource<T>,
  runtime: Runtime,
): (options?: CollectionWatchOptions<T>) => Observable<CollectionEvent<T>> {
  let current: SharedPoll<T> | undefined
  const forget = (): void => {
    current = undefined
  }
  return (options = {}) => {
    checkCollectionOptions(options)
    const { signal } = options
    const events = new Observable<CollectionEvent<T>>((subscriber) => {
      current ??= new SharedPoll(source, runtime, forget)
      current.join(subscriber, options)
    })
    return signal === undefined ? events : events.pipe(abortable(signal))
  }
}

/** Questions for missing items at the same time. */
const ASKED_AT_ONCE = 4

/** The poll of all watchers that there are at the same time. When the last one is gone it is never used again. */
class SharedPoll<T> {
  readonly #source: CollectionSource<T>
  readonly #runtime: Runtime
  readonly #watchers: CollectionWatchers<T>
  /** Of requests and of the timer. */
  readonly #life: Subscription
  readonly #setAlarm: SetAlarm
  #phase: 'new' | 'working' | 'pausing' | 'recovering' = 'new'
  /** The last poll has brought all its items, and questions about it may still be open. */
  #isListed = false
  #polls = 0
  #completedAt = 0
  #pauseMs = 0

  constructor(source: CollectionSource<T>, runtime: Runtime, ended: () => void) {
    this.#source = source
    this.#runtime = runtime
    this.#watchers = new CollectionWatchers(source, runtime)
    this.#life = new Subscription(ended)
    this.#setAlarm = alarm(runtime.scheduler, this.#life, () => {
      // While questions between two polls are under way it is they who go on.
      if (this.#phase !== 'working') this.#poll()
    })
  }

  join(subscriber: Subscriber<CollectionEvent<T>>, options: CollectionWatchOptions<T>): void {
    const watcher = this.#watchers.add(subscriber, options)
    subscriber.add(() => {
      this.#leave(watcher)
    })
    if (this.#phase === 'new') this.#poll()
    else if (this.#phase === 'pausing') this.#admit(watcher)
  }

  #leave(watcher: Watcher<T>): void {
    if (this.#watchers.remove(watcher) && this.#watchers.size === 0) this.#life.unsubscribe()
  }

  /** Somebody comes between two polls. */
  #admit(watcher: Watcher<T>): void {
    const ageMs = this.#now() - this.#completedAt
    const pauseMs = this.#watchers.pauseFor(watcher, this.#polls)
    if (watcher.subscriber.closed) return
    if (ageMs > Math.min(pauseMs, this.#pauseMs)) {
      this.#poll()
      return
    }
    if (pauseMs < this.#pauseMs) {
      this.#pauseMs = pauseMs
      this.#resume()
    }
    this.#settle()
  }

  #poll(): void {
    this.#phase = 'working'
    this.#polls += 1
    const items: T[] = []
    this.#follow(
      defer(() => this.#source.poll()),
      (item) => items.push(item),
      () => {
        this.#list(items)
      },
    )
  }

  #list(items: readonly T[]): void {
    const { state } = this.#watchers
    this.#isListed = true
    this.#watchers.tell([...state.take(items), ...state.leave()])
    const absent = state.absent()
    if (this.#source.missing === undefined) {
      this.#watchers.tell(absent.flatMap((id) => state.answer(id, undefined)))
      this.#settle()
    } else {
      this.#ask(absent)
    }
  }

  #unknown(): readonly string[] {
    return this.#source.missing === undefined ? [] : this.#watchers.unknown()
  }

  #ask(ids: readonly string[]): void {
    this.#phase = 'working'
    const answers = range(0, ids.length).pipe(
      mergeMap((index) => this.#inquire(ids[index] ?? ''), ASKED_AT_ONCE),
    )
    this.#follow(
      answers,
      ({ id, item }) => {
        this.#watchers.tell(this.#watchers.state.answer(id, item))
      },
      () => {
        this.#settle()
      },
    )
  }

  #inquire(id: string): Observable<{ readonly id: string; readonly item: T | undefined }> {
    return defer(() => this.#source.missing?.(id) ?? EMPTY).pipe(
      take(1),
      defaultIfEmpty(undefined),
      map((item) => ({ id, item })),
    )
  }

  /** All that was wanted is known: who waits for a snapshot gets it, and then everybody waits for the next poll. */
  #settle(): void {
    while (this.#watchers.waiting.size > 0) {
      const unknown = this.#unknown()
      if (unknown.length > 0) {
        this.#ask(unknown)
        return
      }
      this.#watchers.serve()
    }
    if (this.#life.closed) return
    if (this.#isListed) this.#rest()
    else if (this.#phase === 'working') this.#resume()
  }

  /** After a complete poll. */
  #rest(): void {
    this.#isListed = false
    this.#completedAt = this.#now()
    this.#watchers.rest()
    this.#pauseMs = this.#watchers.shortestPause(this.#polls)
    this.#resume()
  }

  #resume(): void {
    this.#phase = 'pausing'
    const leftMs = this.#completedAt + this.#pauseMs - this.#now()
    if (!this.#life.closed) this.#setAlarm(Math.max(1, leftMs))
  }

  #miss(error: unknown): void {
    const all = this.#watchers.all()
    if (!isCloudError(error) || !isTransient(error)) {
      this.#dismiss(all, error)
      return
    }
    for (const watcher of all) watcher.misses += 1
    const patient = all.filter(({ misses, maxConsecutiveErrors }) => misses < maxConsecutiveErrors)
    const others = all.filter(({ misses, maxConsecutiveErrors }) => misses >= maxConsecutiveErrors)
    if (patient.length > 0) this.#recover(patient, error)
    this.#dismiss(others, error)
  }

  #recover(patient: readonly Watcher<T>[], error: CloudError): void {
    const pauseMs = this.#watchers.shortestPause(this.#polls, patient)
    if (this.#life.closed) return
    const delayMs = Math.ceil(clampDelay(Math.max(pauseMs, retryAfterMs(error) ?? 0)))
    this.#phase = 'recovering'
    this.#setAlarm(delayMs)
    for (const { subscriber, misses } of patient) {
      subscriber.next({ kind: 'retrying', attempt: misses, delayMs, error })
    }
  }

  /** They leave first: who comes again in answer to the error is not one of them. */
  #dismiss(watchers: readonly Watcher<T>[], error: unknown): void {
    for (const watcher of watchers) this.#leave(watcher)
    for (const { subscriber } of watchers) subscriber.error(error)
  }

  /** What the source's functions throw is an error of everybody, like that of a request. */
  #follow<V>(source: Observable<V>, next: (value: V) => void, complete: () => void): void {
    const guarded = <A extends readonly unknown[]>(work: (...args: A) => void) => {
      return (...args: A): void => {
        try {
          work(...args)
        } catch (thrown) {
          this.#dismiss(this.#watchers.all(), thrown)
        }
      }
    }
    this.#life.add(
      ownedBy(source, this.#life).subscribe({
        next: guarded(next),
        error: (error: unknown) => {
          this.#miss(error)
        },
        complete: guarded(complete),
      }),
    )
  }

  #now(): number {
    return this.#runtime.scheduler.now()
  }
}
