import { timer } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { backgroundScheduler, clampDelay, MAX_DELAY_MS } from '../src/runtime.js'

const DAY_MS = 86_400_000

describe('backgroundScheduler', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('waits longer than a timer can hold', () => {
    const work = vi.fn()
    backgroundScheduler.schedule(work, 60 * DAY_MS, 'state')
    vi.advanceTimersByTime(60 * DAY_MS - 1)
    expect(work).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(work.mock.calls).toEqual([['state']])
  })

  it('leaves no timer when its action is called off', () => {
    const work = vi.fn()
    backgroundScheduler.schedule(work, 1_000).unsubscribe()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(2_000)
    expect(work).not.toHaveBeenCalled()
  })

  it('lets an action schedule itself anew, in place of what it waited for', () => {
    let runs = 0
    backgroundScheduler.schedule(function () {
      runs += 1
      if (runs < 3) this.schedule(undefined, 10)
    }, 10)
    vi.advanceTimersByTime(30)
    expect(runs).toBe(3)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('serves the operators of RxJS', () => {
    const seen: number[] = []
    timer(5, backgroundScheduler).subscribe((value) => seen.push(value))
    vi.advanceTimersByTime(5)
    expect(seen).toEqual([0])
  })
})

describe('clampDelay', () => {
  it.each([
    [5, 5],
    [0, 0],
    [-1, 0],
    [Number.NaN, 0],
    [Infinity, MAX_DELAY_MS],
    [MAX_DELAY_MS + 1, MAX_DELAY_MS],
  ])('%d is %d', (ms, expected) => {
    expect(clampDelay(ms)).toBe(expected)
  })
})
