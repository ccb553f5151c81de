import type { Backoff } from '../operators/index.js'

/** Bounds of an interval that follows what is going on. Times in milliseconds. */
export interface AdaptiveOptions {
  /** After a change. Default 1,000. */
  readonly min?: number
  /** While nothing moves. Default 5,000. */
  readonly max?: number
  /** Growth for each poll without a change. Default 1.5. */
  readonly factor?: number
}

/**
 * An interval for polling: short after a change, longer while nothing moves, up to a tenth shorter by chance so that many
 * watchers do not ask in step.
 */
export function adaptive(options: AdaptiveOptions = {}): Backoff<{ readonly unchanged: number }> {
  const { min = 1_000, max = 5_000, factor = 1.5 } = options
  if (!(min > 0)) throw new TypeError('adaptive: min: expected a positive number of milliseconds')
  if (!(max >= min)) throw new TypeError('adaptive: max: expected a number of milliseconds not below min')
  if (!(factor >= 1)) throw new TypeError('adaptive: factor: expected a number of at least 1')
  return ({ input, random }) => Math.min(max, min * factor ** input.unchanged) * (1 - random() / 10)
}
