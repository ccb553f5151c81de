import { AssertionError } from 'node:assert'
import { take, timer } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import { NetworkError } from '../../src/errors.js'
import { pollUntil } from '../../src/operators/index.js'
import { marbles } from '../../src/testing/marbles.js'
import { runExample } from '../operators/doc-comment.js'

describe('marbles', () => {
  it(
    'is the body of a test',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-|')
      expectObservable(source).toBe('-a-|')
      expectSubscriptions(source.subscriptions).toBe('^--!')
    }),
  )

  it('does nothing before it is run', () => {
    const test = vi.fn()
    const body = marbles(test)
    expect(test).not.toHaveBeenCalled()
    body()
    expect(test).toHaveBeenCalledOnce()
  })

  it.each([
    ['another value', 'a|', { a: { name: 'web' } }, { a: { name: 'db' } }],
    ['a missing field', 'a|', { a: { name: 'web' } }, { a: { name: 'web', id: 1 } }],
    ['a number for a string', 'a|', { a: 1 }, { a: '1' }],
  ])('fails for %s', (_name, diagram, actual, expected) => {
    const body = marbles(({ cold, expectObservable }) => {
      expectObservable(cold<unknown>(diagram, actual)).toBe(diagram, expected)
    })
    expect(body).toThrow(AssertionError)
  })

  it('fails for another time, and for another error', () => {
    expect(marbles(({ cold, expectObservable }) => expectObservable(cold('-a|')).toBe('a-|'))).toThrow(
      AssertionError,
    )
    const body = (message: string): (() => void) =>
      marbles(({ cold, expectObservable }) => {
        const source = cold('#', undefined, new NetworkError('refused'))
        expectObservable(source).toBe('#', undefined, new NetworkError(message))
      })
    expect(body('reset')).toThrow(AssertionError)
    expect(body('refused')).not.toThrow()
  })

  it('fails with what the test throws', () => {
    const error = new Error('a defect')
    expect(
      marbles(() => {
        throw error
      }),
    ).toThrow(error)
  })

  it(
    'has a runtime whose clocks are both virtual',
    marbles(({ expectObservable, runtime: { scheduler, background } }) => {
      expect([scheduler.now(), background.now()]).toEqual([0, 0])
      expectObservable(timer(86_400_000, scheduler)).toBe('86400s (a|)', { a: 0 })
      expectObservable(timer(2 ** 33, background)).toBe(`${String(2 ** 33)}ms (a|)`, { a: 0 })
    }),
  )

  describe('random', () => {
    const draw = (count: number, seed?: number): number[] => {
      const drawn: number[] = []
      marbles(
        ({ random, runtime }) => {
          expect(runtime.random).toBe(random)
          for (let index = 0; index < count; index += 1) drawn.push(random())
        },
        { seed },
      )()
      return drawn
    }

    it('is the same in every run', () => {
      expect(draw(5)).toEqual(draw(5))
      expect(draw(5)).toEqual(draw(5, 1))
      expect(draw(5)).not.toEqual(draw(5, 2))
    })

    it('is uniform in [0, 1)', () => {
      const drawn = draw(10_000)
      expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0)
      expect(Math.max(...drawn)).toBeLessThan(1)
      for (let tenth = 0; tenth < 10; tenth += 1) {
        const share = drawn.filter((value) => Math.floor(value * 10) === tenth).length
        expect(share).toBeGreaterThan(900)
        expect(share).toBeLessThan(1_100)
      }
    })
  })

  it('has an example that runs', () => {
    const named: string[] = []
    const run = (name: string, body: () => void): void => {
      named.push(name)
      body()
    }
    runExample('testing/marbles', { it: run, marbles, pollUntil, take })
    expect(named).toEqual(['polls every second'])
  })
})
