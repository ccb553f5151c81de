import { Observable, takeWhile, type MonoTypeOperatorFunction, type SchedulerLike } from 'rxjs'
import { PollFailedError, PollTimeoutError } from '../errors.js'
import { clampDelay, defaultRuntime, MAX_DELAY_MS } from '../runtime.js'
import { alarm } from './alarm.js'
import type { Backoff } from './backoff.js'
import { countOption, numberOption } from './option-values.js'
import { stateHistory } from './state-history.js'

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
  const { until, failWhen, stateOf, scheduler = defaultRuntime.scheduler } = options
  const { random = defaultRuntime.random } = options
  const interval = intervalOption(options.interval ?? DEFAULT_INTERVAL_MS)
  const initialDelay = numberOption('initialDelay', options.initialDelay ?? 0, 0, MAX_DELAY_MS)
  const timeout = numberOption('timeout', options.timeout ?? Infinity, 1, Infinity)
  const maxPolls = countOption('maxPolls', options.maxPolls ?? Infinity, 1)
  if (typeof until !== 'function') throw new TypeError(`until must be a function, but is ${String(until)}`)

  return (source) =>
    new Observable<T>((subscriber) => {
      const startedAt = scheduler.now()
      const elapsed = (): number => Math.max(0, scheduler.now() - startedAt)
      const history = stateOf === undefined ? undefined : stateHistory()
      let polls = 0
      let pollStartedMs = 0
      let polling = false
      let isLastPoll = false
      let last: T | undefined

      const poll = (): void => {
        polls += 1
        polling = true
        pollStartedMs = elapsed()
        subscriber.add(
          answers.subscribe({ error: (error: unknown) => subscriber.error(error), complete: pause }),
        )
        watchTimeout()
      }

      // takeWhile closes a source that is still emitting synchronously in the moment in which the wait ends.
      const answers = source.pipe(
        takeWhile((value) => {
          last = value
          subscriber.next(value)
          if (!subscriber.closed) judge(value)
          return !subscriber.closed
        }),
      )

      const judge = (value: T): void => {
        if (stateOf !== undefined) history?.see(stateOf(value), elapsed(), polls)
        const failure = failWhen?.(value)
        if (failure) {
          const message = `the value of poll ${String(polls)} can never become the one waited for`
          const context = { value, history: history?.entries() ?? [] }
          subscriber.error(failure instanceof Error ? failure : new PollFailedError(message, context))
        } else if (until(value)) {
          subscriber.complete()
        }
      }

      const pause = (): void => {
        polling = false
        if (subscriber.closed) return
        const elapsedMs = elapsed()
        const remainingMs = timeout - elapsedMs
        const pollMs = Math.max(0, elapsedMs - pollStartedMs)
        if (isLastPoll || polls >= maxPolls || remainingMs <= 0 || remainingMs < pollMs) {
          giveUp()
          return
        }
        try {
          const pauseMs = wholePause(interval({ attempt: polls, elapsedMs, input: last as never, random }))
          isLastPoll = pauseMs + pollMs > remainingMs
          setAlarm(isLastPoll ? Math.max(1, Math.min(pauseMs, remainingMs - 2 * pollMs)) : pauseMs)
        } catch (thrown) {
          subscriber.error(thrown)
        }
      }

      const watchTimeout = (): void => {
        if (polling && !subscriber.closed && timeout < Infinity) setAlarm(clampDelay(timeout - elapsed()))
      }

      const giveUp = (): void => {
        const elapsedMs = elapsed()
        const message = `the value waited for did not come in ${String(polls)} polls and ${String(elapsedMs)} ms`
        subscriber.error(
          new PollTimeoutError<T>(message, { last, polls, elapsedMs, history: history?.entries() ?? [] }),
        )
      }

      const setAlarm = alarm(scheduler, subscriber, () => {
        if (!polling) poll()
        else if (elapsed() < timeout) watchTimeout()
        else giveUp()
      })

      if (initialDelay > 0 && initialDelay < timeout) setAlarm(initialDelay)
      else poll()
    })
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
