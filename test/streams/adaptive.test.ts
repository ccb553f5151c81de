import { describe, expect, it } from 'vitest'
import { adaptive } from '../../src/streams/adaptive.js'

const pause = (interval: ReturnType<typeof adaptive>, unchanged: number, random = 0): number =>
  interval({ attempt: unchanged + 1, elapsedMs: 0, input: { unchanged }, random: () => random })

describe('adaptive', () => {
  it('is short after a change and grows while nothing moves', () => {
    const interval = adaptive()
    expect([0, 1, 2, 3, 4, 5].map((unchanged) => pause(interval, unchanged))).toEqual([
      1_000, 1_500, 2_250, 3_375, 5_000, 5_000,
    ])
    expect(pause(interval, 100_000)).toBe(5_000)
  })

  it('is up to a tenth shorter by chance', () => {
    expect(pause(adaptive(), 0, 0.5)).toBe(950)
    expect(pause(adaptive(), 100, 0.999_999)).toBeCloseTo(4_500, 0)
  })

  it('takes other bounds', () => {
    const interval = adaptive({ min: 10, max: 40, factor: 2 })
    expect([0, 1, 2, 3].map((unchanged) => pause(interval, unchanged))).toEqual([10, 20, 40, 40])
  })

  it.each([
    [{ min: 0 }, 'min'],
    [{ min: Number.NaN }, 'min'],
    [{ min: 10, max: 9 }, 'max'],
    [{ max: Number.NaN }, 'max'],
    [{ factor: 0.9 }, 'factor'],
    [{ factor: Number.NaN }, 'factor'],
  ])('refuses %j by name', (options, name) => {
    expect(() => adaptive(options)).toThrow(TypeError)
    expect(() => adaptive(options)).toThrow(`adaptive: ${name}: `)
  })
})
