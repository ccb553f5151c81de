import { isCloudError, isTransient, retryAfterMs } from '../errors.js'
import { clampDelay, defaultRuntime, MAX_DELAY_MS } from '../runtime.js'
import { exponential, type Backoff } from './backoff.js'
import { countOption, numberOption } from './option-values.js'
import type { RetryBudget } from './retry-budget.js'

export interface RetryPolicyOptions {
  /** How often a failure is tried again; 0 for never. Default 3. */
  readonly maxRetries?: number | undefined
  /** Pause before the retry; its input is the error. Default `exponential()`. */
  readonly backoff?: Backoff | undefined
  /** Whether this error is worth another attempt; `attempt` is 1 for the first failure. Default `isTransient`. */
  readonly when?: ((error: unknown, attempt: number) => boolean) | undefined
  /** Milliseconds that the server asked to wait; the pause is never shorter. Default `retryAfterMs`. */
  readonly hint?: ((error: unknown) => number | undefined) | undefined
  /** A server that asks for more milliseconds than this is not waited for. Default 60 000. */
  readonly maxHintMs?: number | undefined
  /** Source of the jitter, uniform in [0, 1). */
  readonly random?: (() => number) | undefined
}

/** When a failure is tried again, and after which pause. */
export interface RetryPolicy {
  readonly maxRetries: number
  readonly backoff: Backoff
  readonly when: (error: unknown, attempt: number) => boolean
  readonly hint: (error: unknown) => number | undefined
  readonly maxHintMs: number
  readonly random: () => number
}

/** An attempt that failed. */
export interface Failure {
  readonly error: unknown
  /** How many attempts have failed by now, this one included. */
  readonly attempt: number
  /** Milliseconds since the first attempt began. */
  readonly elapsedMs: number
}

export type RetryDecision =
  | {
      readonly kind: 'retry'
      /** Whole milliseconds, from 0 to `MAX_DELAY_MS`. */
      readonly delayMs: number
      /** What was taken from the budget; give it back when this retry succeeds. */
      readonly cost: number
    }
  | { readonly kind: 'give-up' }

/**
 * The options with every default filled in.
 *
 * @throws TypeError naming the option that is wrong
 */
export function resolveRetryPolicy(options: RetryPolicyOptions = {}): RetryPolicy {
  return {
    maxRetries: countOption('maxRetries', options.maxRetries ?? 3, 0),
    backoff: options.backoff ?? exponential(),
    when: options.when ?? isTransient,
    hint: options.hint ?? retryAfterMs,
    maxHintMs: numberOption('maxHintMs', options.maxHintMs ?? 60_000, 0, Infinity),
    random: options.random ?? defaultRuntime.random,
  }
}

const GIVE_UP: RetryDecision = { kind: 'give-up' }

/** Whether a failure is tried again, and when: the one rule for the retries of operators and of HTTP calls. */
export function retryDecision(failure: Failure, policy: RetryPolicy, budget?: RetryBudget): RetryDecision {
  const { error, attempt, elapsedMs } = failure
  if (attempt > policy.maxRetries || !policy.when(error, attempt)) return GIVE_UP

  const hintMs = usableHint(policy.hint(error))
  if (hintMs > Math.min(policy.maxHintMs, MAX_DELAY_MS)) return GIVE_UP

  const backoffMs = policy.backoff({ attempt, elapsedMs, input: error, random: policy.random })
  const cost = budget === undefined ? 0 : budget.take(error)
  if (cost === undefined) return GIVE_UP
  return { kind: 'retry', delayMs: Math.ceil(Math.max(clampDelay(backoffMs), hintMs)), cost }
}

function usableHint(hintMs: number | undefined): number {
  return hintMs !== undefined && hintMs > 0 ? hintMs : 0
}

/** Writes on an error of ours how often it was tried and how long was waited; the same object is returned. */
export function recordAttempts<E>(error: E, attempts: number, totalDelayMs: number): E {
  if (isCloudError(error)) {
    // Raised only: an error that went through an inner retry knows more attempts than the outer one.
    error.attempts = Math.max(error.attempts, attempts)
    error.totalDelayMs = Math.max(error.totalDelayMs, totalDelayMs)
  }
  return error
}
