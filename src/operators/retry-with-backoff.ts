import { Observable, takeWhile, type MonoTypeOperatorFunction, type SchedulerLike } from 'rxjs'
import { defaultRuntime } from '../runtime.js'
import { alarm } from './alarm.js'
import type { RetryBudget } from './retry-budget.js'
import {
  recordAttempts,
  resolveRetryPolicy,
  retryDecision,
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
  const policy = resolveRetryPolicy(options)
  const { budget, onRetry, resetOnSuccess = false, scheduler = defaultRuntime.scheduler } = options

  return (source) =>
    new Observable<T>((subscriber) => {
      const startedAt = scheduler.now()
      let failures = 0
      let totalDelayMs = 0
      let refund = 1

      const succeed = (): void => {
        if (refund > 0) budget?.refund(refund)
        refund = 0
        if (!resetOnSuccess) return
        failures = 0
        totalDelayMs = 0
      }

      const fail = (error: unknown): void => {
        failures += 1
        const failure = { error, attempt: failures, elapsedMs: scheduler.now() - startedAt }
        try {
          const decision = retryDecision(failure, policy, budget)
          if (decision.kind === 'give-up') {
            subscriber.error(recordAttempts(error, failures, totalDelayMs))
            return
          }
          const { delayMs, cost } = decision
          onRetry?.({ attempt: failures, delayMs, error })
          refund = cost
          totalDelayMs += delayMs
          if (!subscriber.closed) wait(delayMs)
        } catch (thrown) {
          subscriber.error(thrown)
        }
      }

      // takeWhile closes a source that is still emitting synchronously in the moment in which nobody listens any more.
      const attempt = source.pipe(
        takeWhile((value) => {
          succeed()
          subscriber.next(value)
          return !subscriber.closed
        }),
      )
      const subscribe = (): void => {
        subscriber.add(
          attempt.subscribe({
            error: fail,
            complete: () => {
              succeed()
              subscriber.complete()
            },
          }),
        )
      }
      const wait = alarm(scheduler, subscriber, subscribe)
      subscribe()
    })
}
