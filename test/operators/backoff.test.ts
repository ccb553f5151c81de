import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { constant, exponential, type Backoff, type ExponentialOptions } from '../../src/operators/index.js'
import { MAX_DELAY_MS } from '../../src/runtime.js'
import { runExample } from './doc-comment.js'

const pauses = (backoff: Backoff, random: number, attempts = 6): number[] =>
  Array.from({ length: attempts }, (_, index) =>
    backoff({ attempt: index + 1, elapsedMs: 0, input: undefined, random: () => random }),
  )

describe('the examples', () => {
  it('run', () => {
    const interval = vi.fn<(drawn: number[]) => void>()
    const backoff = vi.fn<(drawn: number[]) => void>()
    const pollUntil = (options: { interval: Backoff }): void => interval(pauses(options.interval, 0.5, 2))
    const retryWithBackoff = (options: { backoff: Backoff }): void => backoff(pauses(options.backoff, 0.5, 6))
    const names = { pollUntil, retryWithBackoff, constant, exponential, isSettled: () => true }
    runExample('operators/backoff', names, 0)
    expect(interval.mock.calls).toEqual([[[2_000, 2_000]]])
    runExample('operators/backoff', names, 1)
    expect(backoff.mock.calls).toEqual([[[375, 750, 1_500, 3_000, 6_000, 7_500]]])
  })
})

describe('constant', () => {
  it('is always the same pause', () => {
    expect(pauses(constant(250), 0.3, 3)).toEqual([250, 250, 250])
  })

  it.each([-1, NaN, Infinity, MAX_DELAY_MS + 1, '5' as unknown as number])('refuses %s', (ms) => {
    expect(() => constant(ms)).toThrow(TypeError)
    expect(() => constant(ms)).toThrow(/^ms must be a number from 0 to 2147483647/)
  })
})

describe('exponential', () => {
  it('starts at 200 ms, doubles, and ends at 20 s', () => {
    expect(pauses(exponential({ jitter: 'none' }), 0.5, 9)).toEqual([
      200, 400, 800, 1_600, 3_200, 6_400, 12_800, 20_000, 20_000,
    ])
  })

  it('takes base, factor and maximum', () => {
    expect(pauses(exponential({ base: 10, factor: 3, max: 100, jitter: 'none' }), 0, 4)).toEqual([
      10, 30, 90, 100,
    ])
  })

  it('draws from the whole pause by default', () => {
    expect(pauses(exponential(), 0, 2)).toEqual([0, 0])
    expect(pauses(exponential(), 0.25, 2)).toEqual([50, 100])
    expect(pauses(exponential({ jitter: 'full' }), 0.75, 2)).toEqual([150, 300])
  })

  it('draws from the upper half with equal jitter', () => {
    expect(pauses(exponential({ jitter: 'equal' }), 0, 2)).toEqual([100, 200])
    expect(pauses(exponential({ jitter: 'equal' }), 0.5, 2)).toEqual([150, 300])
  })

  it('does not draw without jitter', () => {
    const backoff = exponential({ jitter: 'none' })
    const random = (): number => {
      throw new Error('drawn')
    }
    expect(backoff({ attempt: 1, elapsedMs: 0, input: undefined, random })).toBe(200)
  })

  it.each<[string, ExponentialOptions]>([
    ['base', { base: -1 }],
    ['base', { base: NaN }],
    ['base', { base: Infinity }],
    ['factor', { factor: 0.5 }],
    ['factor', { factor: NaN }],
    ['factor', { factor: Infinity }],
    ['max', { max: -1 }],
    ['max', { max: Infinity }],
    ['max', { max: MAX_DELAY_MS + 1 }],
    ['jitter', { jitter: 'some' as 'full' }],
  ])('names the wrong option %s of %o', (name, options) => {
    expect(() => exponential(options)).toThrow(TypeError)
    expect(() => exponential(options)).toThrow(new RegExp(`^${name} must be`))
  })

  it('is a pause that a timer can hold, whatever the options and the attempt', () => {
    const options = fc.record(
      {
        base: fc.double({ min: 0, max: MAX_DELAY_MS, noNaN: true }),
        factor: fc.oneof(
          fc.double({ min: 1, max: 10, noNaN: true }),
          fc.double({ min: 1, max: Number.MAX_VALUE, noNaN: true }),
        ),
        max: fc.double({ min: 0, max: MAX_DELAY_MS, noNaN: true }),
        jitter: fc.constantFrom('full' as const, 'equal' as const, 'none' as const),
      },
      { requiredKeys: [] },
    )
    const attempts = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constantFrom(5_000, 2 ** 53 - 1))
    const draws = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(options, attempts, draws, (chosen, attempt, draw) => {
        const pause = exponential(chosen)({ attempt, elapsedMs: 0, input: undefined, random: () => draw })
        expect(pause).toBeGreaterThanOrEqual(0)
        expect(pause).toBeLessThanOrEqual(chosen.max ?? 20_000)
      }),
    )
  })
})
