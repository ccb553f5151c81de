import { deepStrictEqual } from 'node:assert/strict'
import { TestScheduler, type RunHelpers } from 'rxjs/testing'
import type { Runtime } from '../runtime.js'

/** The helpers of `TestScheduler.run`, and the clock and the chance to hand to what is tested. */
export interface MarbleHelpers extends RunHelpers {
  /** For clients and whatever else takes a runtime: all its time is virtual, its chance is `random`. */
  readonly runtime: Runtime
  /** Uniform in [0, 1), the same sequence in every run. */
  readonly random: () => number
}

export interface MarblesOptions {
  /** Another sequence of `random`. Default 1. */
  readonly seed?: number | undefined
}

/**
 * A test in virtual time, written as marbles: made to be the body of a test of any runner.
 *
 * What the test expects is compared when its function has returned; a difference throws an `AssertionError`.
 *
 * @param test - is run synchronously; promises do not resolve in virtual time
 * @example
 * it('polls every second', marbles(({ cold, expectObservable, runtime: { scheduler } }) => {
 *   const poll = cold('(a|)').pipe(pollUntil({ until: () => false, interval: 1_000, maxPolls: 2, scheduler }))
 *   expectObservable(poll.pipe(take(2))).toBe('a 999ms (a|)')
 * }))
 */
export function marbles(test: (helpers: MarbleHelpers) => void, options: MarblesOptions = {}): () => void {
  return () => {
    const scheduler = new TestScheduler((actual: unknown, expected: unknown) => {
      deepStrictEqual(actual, expected)
    })
    const random = randomSequence(options.seed ?? 1)
    const runtime: Runtime = { scheduler, background: scheduler, random }
    scheduler.run((helpers) => {
      test({ ...helpers, runtime, random })
    })
  }
}

/** A linear congruential generator of 32 bits: poor chance, but the same on every machine. */
function randomSequence(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
