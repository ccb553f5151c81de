import { clampDelay, MAX_DELAY_MS } from '../runtime.js'
import { numberOption } from './option-values.js'

/** What is known when the next pause is to be chosen. */
export interface BackoffStep<I = unknown> {
  /** 1 before the first retry or the second poll, then counting up. */
  readonly attempt: number
  /** Milliseconds since the subscription. */
  readonly elapsedMs: number
  /** The error that is retried, or the last value polled. */
  readonly input: I
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** Chooses the pause before the next attempt, in milliseconds. */
export type Backoff<I = unknown> = (step: BackoffStep<I>) => number

export type Jitter = 'full' | 'equal' | 'none'

export interface ExponentialOptions {
  /** Milliseconds before the first retry, without jitter. Default 200. */
  readonly base?: number | undefined
  /** By how much each pause is longer than the one before; at least 1. Default 2. */
  readonly factor?: number | undefined
  /** Longest pause in milliseconds. Default 20 000. */
  readonly max?: number | undefined
  /**
   * `full` (default) draws from the whole range below the pause, `equal` from its upper half, `none` does not
   * draw. Jitter keeps clients that failed together from coming back together.
   */
  readonly jitter?: Jitter | undefined
}

/**
 * Always the same pause.
 *
 * @param ms - milliseconds, from 0 to `MAX_DELAY_MS`
 * @throws TypeError for anything else
 * @example
 * pollUntil({ until: isSettled, interval: constant(2_000) })
 */
export function constant(ms: number): Backoff {
  const pause = numberOption('ms', ms, 0, MAX_DELAY_MS)
  return () => pause
}

/**
 * Pauses that grow by a factor up to a maximum: `min(max, base * factor ** (attempt - 1))`, then jitter.
 * Finite and from 0 to `MAX_DELAY_MS` for every attempt.
 *
 * @throws TypeError naming the option that is wrong
 * @example
 * retryWithBackoff({ backoff: exponential({ base: 500, max: 10_000, jitter: 'equal' }) })
 */
export function exponential(options: ExponentialOptions = {}): Backoff {
  const base = numberOption('base', options.base ?? 200, 0, MAX_DELAY_MS)
  const factor = numberOption('factor', options.factor ?? 2, 1, Number.MAX_VALUE)
  const max = numberOption('max', options.max ?? 20_000, 0, MAX_DELAY_MS)
  const steady = steadyShare(options.jitter ?? 'full')
  return ({ attempt, random }) => {
    // 0 * Infinity is not a number, and factor ** attempt is Infinity soon enough.
    const pause = base === 0 ? 0 : Math.min(max, base * factor ** (attempt - 1))
    return clampDelay(steady === 1 ? pause : pause * (steady + (1 - steady) * random()))
  }
}

function steadyShare(jitter: Jitter): number {
  switch (jitter) {
    case 'full':
      return 0
    case 'equal':
      return 0.5
    case 'none':
      return 1
    default:
      throw new TypeError(`jitter must be 'full', 'equal' or 'none', but is ${String(jitter)}`)
  }
}
