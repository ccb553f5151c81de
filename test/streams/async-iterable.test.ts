import { concat, EMPTY, NEVER, Observable, of, range, Subject, throwError } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { OverflowError } from '../../src/errors.js'
import { toAsyncIterable, type IterationOptions } from '../../src/streams/async-iterable.js'

const failure = new Error('broken')

async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = []
  for await (const value of iterable) values.push(value)
  return values
}

function iterator<T>(iterable: AsyncIterable<T>): Required<AsyncIterator<T, undefined>> {
  return iterable[Symbol.asyncIterator]() as Required<AsyncIterator<T, undefined>>
}

const END = { done: true, value: undefined }
function value<T>(content: T): { done: false; value: T } {
  return { done: false, value: content }
}

describe('toAsyncIterable', () => {
  it('gives every value and ends', async () => {
    expect(await collect(toAsyncIterable(range(0, 1000)))).toEqual(Array.from({ length: 1000 }, (_, i) => i))
    expect(await collect(toAsyncIterable(EMPTY))).toEqual([])
  })

  it('subscribes at the first next, and anew for each iterator', async () => {
    let subscriptions = 0
    const source = new Observable<number>((subscriber) => {
      subscriptions += 1
      subscriber.next(subscriptions)
      subscriber.complete()
    })
    const iterable = toAsyncIterable(source)
    const first = iterator(iterable)
    expect(subscriptions).toBe(0)
    expect(await first.next()).toEqual(value(1))
    expect(await iterator(iterable).next()).toEqual(value(2))
  })

  it('gives what waits before the error, and the error once', async () => {
    const values = iterator(
      toAsyncIterable(
        concat(
          of(1, 2),
          throwError(() => failure),
        ),
      ),
    )
    expect(await values.next()).toEqual(value(1))
    expect(await values.next()).toEqual(value(2))
    await expect(values.next()).rejects.toBe(failure)
    expect(await values.next()).toEqual(END)
  })

  it('answers several next calls in their order, and all of them at the end', async () => {
    const source = new Subject<number>()
    const values = iterator(toAsyncIterable(source))
    const pending = [values.next(), values.next(), values.next()]
    source.next(1)
    source.next(2)
    source.complete()
    expect(await Promise.all(pending)).toEqual([value(1), value(2), END])
    expect(source.observed).toBe(false)
  })

  it('settles a pending next when return is called, and unsubscribes at once', async () => {
    const source = new Subject<number>()
    const values = iterator(toAsyncIterable(source))
    const pending = values.next()
    expect(source.observed).toBe(true)
    const returned = values.return()
    expect(source.observed).toBe(false)
    expect(await pending).toEqual(END)
    expect(await returned).toEqual(END)
    expect(await values.next()).toEqual(END)
  })

  it('does not subscribe at all after a return', async () => {
    const source = new Subject<number>()
    const values = iterator(toAsyncIterable(source))
    await values.return()
    expect(await values.next()).toEqual(END)
    expect(source.observed).toBe(false)
  })

  it('rejects throw with its error and unsubscribes', async () => {
    const source = new Subject<number>()
    const values = iterator(toAsyncIterable(source))
    const pending = values.next()
    await expect(values.throw(failure)).rejects.toBe(failure)
    expect(await pending).toEqual(END)
    expect(source.observed).toBe(false)
  })

  it('unsubscribes on break', async () => {
    const source = new Observable<number>((subscriber) => {
      subscriber.next(1)
      return () => (left = true)
    })
    let left = false
    for await (const one of toAsyncIterable(source)) {
      expect(one).toBe(1)
      break
    }
    expect(left).toBe(true)
  })

  describe('signal', () => {
    it('rejects the pending next with its reason and unsubscribes', async () => {
      const source = new Subject<number>()
      const controller = new AbortController()
      const values = iterator(toAsyncIterable(source, { signal: controller.signal }))
      const pending = values.next()
      controller.abort(failure)
      expect(source.observed).toBe(false)
      await expect(pending).rejects.toBe(failure)
      expect(await values.next()).toEqual(END)
    })

    it('ends a loop whose body is at work, whatever waits', async () => {
      const source = new Subject<number>()
      const controller = new AbortController()
      const values = iterator(toAsyncIterable(source, { signal: controller.signal }))
      const first = values.next()
      source.next(1)
      source.next(2)
      await first
      controller.abort(failure)
      await expect(values.next()).rejects.toBe(failure)
    })

    it('keeps from subscribing if it was aborted before', async () => {
      const values = toAsyncIterable(NEVER, { signal: AbortSignal.abort(failure) })
      await expect(iterator(values).next()).rejects.toBe(failure)
    })

    it('is let go of at the end', async () => {
      const controller = new AbortController()
      const removed: string[] = []
      controller.signal.removeEventListener = (type: string) => void removed.push(type)
      await collect(toAsyncIterable(of(1), { signal: controller.signal }))
      expect(removed).toEqual(['abort'])
    })
  })

  describe('strategies', () => {
    /** Emits while the body is at work: 1, then 2, 3 and 4, and completes. */
    async function bodies<T>(options: IterationOptions): Promise<T[]> {
      const source = new Subject<number>()
      const values = iterator(toAsyncIterable(source, options as object) as AsyncIterable<T>)
      const first = values.next()
      source.next(1)
      const seen = [(await first).value as T]
      for (const one of [2, 3, 4]) source.next(one)
      source.complete()
      for (let next = await values.next(); next.done !== true; next = await values.next())
        seen.push(next.value)
      return seen
    }

    it('all', async () => {
      expect(await bodies({ strategy: 'all' })).toEqual([1, 2, 3, 4])
    })
    it('batch', async () => {
      expect(await bodies({ strategy: 'batch' })).toEqual([[1], [2, 3, 4]])
    })
    it('latest never loses the last value', async () => {
      expect(await bodies({ strategy: 'latest' })).toEqual([1, 4])
    })
    it('types', () => {
      expectTypeOf(toAsyncIterable(of(1))).toEqualTypeOf<AsyncIterable<number>>()
      expectTypeOf(toAsyncIterable(of(1), { strategy: 'latest' })).toEqualTypeOf<AsyncIterable<number>>()
      expectTypeOf(toAsyncIterable(of(1), { strategy: 'batch' })).toEqualTypeOf<AsyncIterable<number[]>>()
    })
  })

  describe('overflow', () => {
    it('error: leaves an endless source, gives what waits, then fails', async () => {
      const values = iterator(toAsyncIterable(range(0, Infinity), { limit: 3 }))
      expect(await values.next()).toEqual(value(0))
      expect(await values.next()).toEqual(value(1))
      expect(await values.next()).toEqual(value(2))
      expect(await values.next()).toEqual(value(3))
      await expect(values.next()).rejects.toBeInstanceOf(OverflowError)
    })

    it('dropOldest keeps the newest', async () => {
      const source = new Subject<number>()
      const values = iterator(toAsyncIterable(source, { limit: 2, overflow: 'dropOldest' }))
      const first = values.next()
      for (const one of [0, 1, 2, 3, 4]) source.next(one)
      source.complete()
      expect(await first).toEqual(value(0))
      expect(await values.next()).toEqual(value(3))
      expect(await values.next()).toEqual(value(4))
      expect(await values.next()).toEqual(END)
    })

    it('dropNewest keeps the oldest, and the last of all', async () => {
      const source = new Subject<number>()
      const values = iterator(toAsyncIterable(source, { limit: 2, overflow: 'dropNewest' }))
      const first = values.next()
      for (const one of [0, 1, 2, 3, 4]) source.next(one)
      source.complete()
      expect(await first).toEqual(value(0))
      expect(await values.next()).toEqual(value(1))
      expect(await values.next()).toEqual(value(2))
      expect(await values.next()).toEqual(value(4))
      expect(await values.next()).toEqual(END)
    })

    it('takes only whole positive limits', () => {
      for (const limit of [0, -1, 1.5, Number.NaN]) {
        expect(() => toAsyncIterable(of(1), { limit })).toThrow(/options\.limit/)
      }
    })
  })

  it('does not slow down with the number of values that wait', async () => {
    const source = new Subject<number>()
    const values = iterator(toAsyncIterable(source, { limit: Infinity }))
    const first = values.next()
    const count = 200_000
    for (let index = 0; index < count; index += 1) source.next(index)
    source.complete()
    await first
    let last = 0
    for (let next = await values.next(); next.done !== true; next = await values.next()) last = next.value
    expect(last).toBe(count - 1)
  })
})
