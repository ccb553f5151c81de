import {
  Observable,
  type MonoTypeOperatorFunction,
  type Observer,
  type SchedulerLike,
  type Subscriber,
} from 'rxjs'
import { PollFailedError, PollTimeoutError } from '../errors.js'
import { clampDelay, defaultRuntime, MAX_DELAY_MS } from '../runtime.js'
import { alarm, type SetAlarm } from './alarm.js'
import type { Backoff } from './backoff.js'
import { countOption, numberOption } from './option-values.js'
import { ownedBy } from './owned-by.js'
import { stateHistory, type StateHistory } from './state-history.js'

const DEFAULT_INTERVAL_MS = 5_000

/** What `pollUntil` knows of a wait beside its end; `I` is what the interval sees, the values that are not the end. */
export interface PollOptions<T, I = T> {
  /** Whether a value can never become the one waited for: any truthy answer. An `Error` is raised as it is. */
  readonly failWhen?: ((value: NoInfer<T>) => unknown) | undefined
  /**
   * Milliseconds from the completion of a poll to the start of the next one, at least 1; or a backoff whose input
   * is the last value (`undefined` as long as no poll emitted one). Default 5 000.
   */
  readonly interval?: number | Backoff<NoInfer<I>> | undefined
  /** Milliseconds before the first poll; not waited for if it leaves no room within `timeout`. Default 0. */
  readonly initialDelay?: number | undefined
  /** Milliseconds for everything: the first delay, pauses and polls, also one that hangs. Default: no limit. */
  readonly timeout?: number | undefined
  /** Default: no limit. */
  readonly maxPolls?: number | undefined
  /** Names the state of a value for the `history` of an error. */
  readonly stateOf?: ((value: NoInfer<T>) => string) | undefined
  readonly scheduler?: SchedulerLike | undefined
  /** Uniform in [0, 1); for the jitter of a backoff. */
  readonly random?: (() => number) | undefined
}

export interface PollUntilOptions<T> extends PollOptions<T> {
  /** Whether this is the value waited for. */
  readonly until: (value: T) => boolean
}

/**
 * Subscribes to a source again and again until it emits the value waited for.
 *
 * ```text
 * polls     -a|     -b|     -r
 * requests  ^-!     ^-!     ^!
 * result    -a-------b-------(r|)
 * ```
 *
 * - First emission: the source is subscribed to at once, or after `initialDelay`. Every value is emitted. A poll
 *   may emit several values, or none: then it is simply repeated.
 * - Completion: right after the first value that satisfies `until`; a source that has not completed by then is
 *   unsubscribed from.
 * - Error: errors of the source pass (to tolerate them, put `retryWithBackoff` before this operator). A value for
 *   which `failWhen` is truthy - asked before `until` - is emitted, then follows the `Error` that `failWhen` returned,
 *   or a `PollFailedError` with `value` and `history`. `PollTimeoutError` with the last value and `history` after
 *   `timeout` or `maxPolls`. What an option's function throws is an error of the result.
 * - Timing: the next poll starts `interval` after the one before has completed, so polls never overlap. A pause
 *   that leaves no room within `timeout` for a poll as long as the one before is shortened, if possible to twice its
 *   room, and is the last one; when no poll fits any more it fails at once.
 * - Teardown: unsubscribing ends the poll or the pause, whichever is under way; no timer stays.
 *
 * The values are not narrowed, since those before the last are of the wider type: append `filter(isReady)`. With
 * a type guard as `until`, an `interval` sees only what the guard excludes.
 *
 * @throws TypeError when called with an option that is wrong, naming it; an interval of 0 is wrong
 * @example
 * cloud.servers.get(42, { retry: false }).pipe(
 *   pollUntil({
 *     until: (server) => server.status === 'ACTIVE',
 *     failWhen: (server) => server.status === 'ERROR',
 *     stateOf: (server) => server.status,
 *     interval: 2_000,
 *     timeout: 600_000,
 *   }),
 * )
 */
export function pollUntil<T, S extends T>(
  options: PollOptions<T, Exclude<T, S>> & { readonly until: (value: T) => value is S },
): MonoTypeOperatorFunction<T>
export function pollUntil<T>(options: PollUntilOptions<T>): MonoTypeOperatorFunction<T>
export function pollUntil<T>(
  options: PollOptions<T, never> & { readonly until: (value: T) => boolean },
): MonoTypeOperatorFunction<T> {
  const settings = settingsOf(options)
  return (source) =>
    new Observable<T>((subscriber) => {
      new Wait(source, subscriber, settings).begin()
    })
}

interface Settings<T> {
  readonly until: (value: T) => boolean
  readonly failWhen: ((value: T) => unknown) | undefined
  readonly stateOf: ((value: T) => string) | undefined
  readonly interval: Backoff<never>
  readonly initialDelay: number
  readonly timeout: number
  readonly maxPolls: number
  readonly scheduler: SchedulerLike
  readonly random: () => number
}

function settingsOf<T>(
  options: PollOptions<T, never> & { readonly until: (value: T) => boolean },
): Settings<T> {
  const { until, failWhen, stateOf } = options
  if (typeof until !== 'function') throw new TypeError(`until must be a function, but is ${String(until)}`)
  return {
    until,
    failWhen,
    stateOf,
    interval: intervalOption(options.interval ?? DEFAULT_INTERVAL_MS),
    initialDelay: numberOption('initialDelay', options.initialDelay ?? 0, 0, MAX_DELAY_MS),
    timeout: numberOption('timeout', options.timeout ?? Infinity, 1, Infinity),
    maxPolls: countOption('maxPolls', options.maxPolls ?? Infinity, 1),
    scheduler: options.scheduler ?? defaultRuntime.scheduler,
    random: options.random ?? defaultRuntime.random,
  }
}

/** One subscription to the result, with all the polls that it takes. */
class Wait<T> implements Observer<T> {
  readonly #source: Observable<T>
  readonly #subscriber: Subscriber<T>
  readonly #settings: Settings<T>
  readonly #startedAt: number
  readonly #setAlarm: SetAlarm
  readonly #history: StateHistory | undefined
  #polls = 0
  #pollStartedMs = 0
  #isPolling = false
  #isLastPoll = false
  #last: T | undefined

  constructor(source: Observable<T>, subscriber: Subscriber<T>, settings: Settings<T>) {
    this.#source = ownedBy(source, subscriber)
    this.#subscriber = subscriber
    this.#settings = settings
    this.#startedAt = settings.scheduler.now()
    this.#setAlarm = alarm(settings.scheduler, subscriber, () => {
      this.#ring()
    })
    this.#history = settings.stateOf === undefined ? undefined : stateHistory()
  }

  begin(): void {
    const { initialDelay, timeout } = this.#settings
    if (initialDelay > 0 && initialDelay < timeout) this.#setAlarm(initialDelay)
    else this.#poll()
  }

  next(value: T): void {
    this.#last = value
    this.#subscriber.next(value)
    if (this.#subscriber.closed) return
    try {
      this.#judge(value)
    } catch (thrown) {
      this.#subscriber.error(thrown)
    }
  }

  error(error: unknown): void {
    this.#subscriber.error(error)
  }

  /** A poll is over, and the value waited for was not in it. */
  complete(): void {
    this.#isPolling = false
    try {
      this.#pause()
    } catch (thrown) {
      this.#subscriber.error(thrown)
    }
  }

  #poll(): void {
    this.#polls += 1
    this.#isPolling = true
    this.#pollStartedMs = this.#elapsedMs()
    this.#subscriber.add(this.#source.subscribe(this))
    this.#watchTimeout()
  }

  #judge(value: T): void {
    const { until, failWhen, stateOf } = this.#settings
    if (stateOf !== undefined) this.#history?.see(stateOf(value), this.#elapsedMs(), this.#polls)
    const failure = failWhen?.(value)
    if (failure) this.#subscriber.error(failure instanceof Error ? failure : this.#failed(value))
    else if (until(value)) this.#subscriber.complete()
  }

  #pause(): void {
    const { interval, timeout, maxPolls, random } = this.#settings
    const elapsedMs = this.#elapsedMs()
    const pollMs = Math.max(0, elapsedMs - this.#pollStartedMs)
    const remainingMs = timeout - elapsedMs
    if (this.#isLastPoll || this.#polls >= maxPolls || remainingMs <= 0 || remainingMs < pollMs) {
      this.#subscriber.error(this.#timedOut())
      return
    }
    const input = this.#last as never
    const pauseMs = wholePause(interval({ attempt: this.#polls, elapsedMs, input, random }))
    this.#isLastPoll = pauseMs + pollMs > remainingMs
    this.#setAlarm(this.#isLastPoll ? Math.max(1, Math.min(pauseMs, remainingMs - 2 * pollMs)) : pauseMs)
  }

  /** The one alarm ends a pause, and during a poll the patience with it. */
  #ring(): void {
    if (!this.#isPolling) this.#poll()
    else if (this.#elapsedMs() < this.#settings.timeout) this.#watchTimeout()
    else this.#subscriber.error(this.#timedOut())
  }

  #watchTimeout(): void {
    const { timeout } = this.#settings
    if (this.#isPolling && timeout < Infinity) this.#setAlarm(clampDelay(timeout - this.#elapsedMs()))
  }

  #elapsedMs(): number {
    return Math.max(0, this.#settings.scheduler.now() - this.#startedAt)
  }

  #failed(value: T): PollFailedError<T> {
    const message = `the value of poll ${String(this.#polls)} can never become the one waited for`
    return new PollFailedError(message, { value, history: this.#history?.entries() ?? [] })
  }

  #timedOut(): PollTimeoutError<T> {
    const polls = this.#polls
    const elapsedMs = this.#elapsedMs()
    const message = `the value waited for did not come in ${String(polls)} polls and ${String(elapsedMs)} ms`
    const history = this.#history?.entries() ?? []
    return new PollTimeoutError(message, { last: this.#last, polls, elapsedMs, history })
  }
}

function intervalOption<T>(interval: number | Backoff<T>): Backoff<T> {
  if (typeof interval === 'function') return interval
  const pauseMs = numberOption('interval', interval, 1, MAX_DELAY_MS)
  return () => pauseMs
}

/** At least 1 ms, whatever a backoff draws: a wait must never become a hot loop. */
function wholePause(pauseMs: number): number {
  if (!(pauseMs >= 0)) {
    throw new TypeError(`interval must return milliseconds, but returned ${String(pauseMs)}`)
  }
  return Math.max(1, Math.ceil(clampDelay(pauseMs)))
}
