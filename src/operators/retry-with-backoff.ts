import {
  Observable,
  type MonoTypeOperatorFunction,
  type Observer,
  type SchedulerLike,
  type Subscriber,
} from 'rxjs'
import { defaultRuntime } from '../runtime.js'
import { alarm, type SetAlarm } from './alarm.js'
import { ownedBy } from './owned-by.js'
import type { RetryBudget } from './retry-budget.js'
import {
  recordAttempts,
  resolveRetryPolicy,
  retryDecision,
  type RetryPolicy,
  type RetryPolicyOptions,
} from './retry-decision.js'

/** A failure that will be followed by another attempt. */
export interface RetryAttempt {
  /** 1 for the first retry. */
  readonly attempt: number
  /** Milliseconds until the source is subscribed to again. */
  readonly delayMs: number
  readonly error: unknown
}

export interface RetryOptions extends RetryPolicyOptions {
  /** Shared by all whose retries together must not become a storm. */
  readonly budget?: RetryBudget | undefined
  /** Told of each retry before its pause. What it throws is an error of the stream. */
  readonly onRetry?: ((retry: RetryAttempt) => void) | undefined
  /** Whether a value makes the earlier failures count no more. Right where values prove progress. Default false. */
  readonly resetOnSuccess?: boolean | undefined
  readonly scheduler?: SchedulerLike | undefined
}

/**
 * Subscribes again to a source that failed, after a pause that grows.
 *
 * ```text
 * attempts  -a-#  -b-#    -c-|
 * requests  ^--!  ^--!    ^--!
 * result    -a-----b-------c-|
 * ```
 *
 * - First emission: the source is subscribed to at once; its values pass as they come, also those of attempts
 *   that fail later.
 * - Error: the source's own error, the same object, with `attempts` and `totalDelayMs` on it if it is a
 *   `CloudError`: when `when` refuses it, after `maxRetries` retries, when the server asks for a longer pause
 *   than `maxHintMs`, or when the budget is empty. What `when`, `hint`, `backoff` or `onRetry` throw is an error of
 *   the result.
 * - Completion: with the source.
 * - Timing: the pause is the longer one of `backoff` and `hint`, never shorter than the server asked, and starts
 *   when the source has failed.
 * - Teardown: unsubscribing ends the source or the pause, whichever is under way; no timer stays.
 *
 * @throws TypeError when called with an option that is wrong, naming it
 * @example
 * cloud.servers.get(42, { retry: false }).pipe(
 *   retryWithBackoff({ maxRetries: 5, backoff: exponential({ base: 500 }) }),
 * )
 */
export function retryWithBackoff<T>(options: RetryOptions = {}): MonoTypeOperatorFunction<T> {
  const { budget, onRetry, resetOnSuccess = false, scheduler = defaultRuntime.scheduler } = options
  const settings = { policy: resolveRetryPolicy(options), budget, onRetry, resetOnSuccess, scheduler }
  return (source) =>
    new Observable<T>((subscriber) => {
      new Attempts(source, subscriber, settings).subscribe()
    })
}

interface Settings {
  readonly policy: RetryPolicy
  readonly budget: RetryBudget | undefined
  readonly onRetry: ((retry: RetryAttempt) => void) | undefined
  readonly resetOnSuccess: boolean
  readonly scheduler: SchedulerLike
}

/** One subscription to the result, with all the subscriptions to the source that it takes. */
class Attempts<T> implements Observer<T> {
  readonly #source: Observable<T>
  readonly #subscriber: Subscriber<T>
  readonly #settings: Settings
  readonly #startedAt: number
  #wait: SetAlarm | undefined
  #failures = 0
  #totalDelayMs = 0
  /** What a success of this attempt gives back to the budget; 0 when it has. */
  #refund = 1

  constructor(source: Observable<T>, subscriber: Subscriber<T>, settings: Settings) {
    this.#source = ownedBy(source, subscriber)
    this.#subscriber = subscriber
    this.#settings = settings
    this.#startedAt = settings.scheduler.now()
  }

  subscribe(): void {
    this.#subscriber.add(this.#source.subscribe(this))
  }

  next(value: T): void {
    this.#succeed()
    this.#subscriber.next(value)
  }

  complete(): void {
    this.#succeed()
    this.#subscriber.complete()
  }

  error(error: unknown): void {
    this.#failures += 1
    try {
      this.#fail(error)
    } catch (thrown) {
      this.#subscriber.error(thrown)
    }
  }

  #succeed(): void {
    if (this.#refund > 0) this.#settings.budget?.refund(this.#refund)
    this.#refund = 0
    if (!this.#settings.resetOnSuccess) return
    this.#failures = 0
    this.#totalDelayMs = 0
  }

  #fail(error: unknown): void {
    const { policy, budget, onRetry, scheduler } = this.#settings
    const attempt = this.#failures
    const elapsedMs = scheduler.now() - this.#startedAt
    const decision = retryDecision({ error, attempt, elapsedMs }, policy, budget)
    if (decision.kind === 'give-up') {
      this.#subscriber.error(recordAttempts(error, attempt, this.#totalDelayMs))
      return
    }
    const { delayMs, cost } = decision
    onRetry?.({ attempt, delayMs, error })
    this.#refund = cost
    this.#totalDelayMs += delayMs
    this.#wait ??= alarm(scheduler, this.#subscriber, () => {
      this.subscribe()
    })
    this.#wait(delayMs)
  }
}
