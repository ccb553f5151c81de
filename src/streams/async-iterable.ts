import { Subject, takeUntil, type Observable } from 'rxjs'
import { OverflowError } from '../errors.js'
import { countOption } from '../operators/option-values.js'

export { bufferedValuesFrom, eachValueFrom } from 'rxjs-for-await'

/** How an Observable is iterated. */
export interface IterationOptions {
  /**
   * `all`: every value, one by one. `batch`: all values since the last turn of the loop, as an array. `latest`: the
   * newest value since the last turn; those before it are skipped, the last one never is. Default `all`.
   */
  readonly strategy?: 'all' | 'batch' | 'latest'
  /** Values at most that wait for the loop. Default 1024; of no meaning for `latest`. */
  readonly limit?: number
  /**
   * What happens to a value that finds the buffer full. `error`: the source is left, and the loop fails with an
   * `OverflowError` after the values that wait. `dropOldest`: the value that waited longest goes. `dropNewest`: the
   * value itself goes, unless it is the last one of the stream. Default `error`.
   */
  readonly overflow?: 'error' | 'dropOldest' | 'dropNewest'
  /** Ends the loop with the signal's reason, at once, whatever waits. */
  readonly signal?: AbortSignal
}

const DEFAULT_LIMIT = 1024

/**
 * Iterates an Observable with `for await`.
 *
 * ```text
 * source   a-b-c-d|
 * loop     a-----b-----c-----d|     all
 * loop     [a]---[b,c,d]|           batch, with a body that takes six frames
 * loop     a-----d|                 latest, with the same body
 * ```
 *
 * - Subscribes at the first `next()`; each iterator has a subscription of its own.
 * - The end, or an error, comes after all values that wait. The last value of the source is never lost.
 * - `break`, `throw` and `return()` unsubscribe at once, also while a `next()` is pending; that one then ends.
 * - Several `next()` at a time are answered in their order.
 *
 * An Observable knows no back-pressure: a slow body makes values wait, `limit` of them at most.
 *
 * @example
 * for await (const event of toAsyncIterable(cloud.pithos.upload('a.iso', 'pithos/a.iso'), { strategy: 'latest' })) …
 */
export function toAsyncIterable<T>(
  source: Observable<T>,
  options: IterationOptions & { readonly strategy: 'batch' },
): AsyncIterable<T[]>
export function toAsyncIterable<T>(
  source: Observable<T>,
  options?: IterationOptions & { readonly strategy?: 'all' | 'latest' },
): AsyncIterable<T>
export function toAsyncIterable<T>(
  source: Observable<T>,
  options: IterationOptions = {},
): AsyncIterable<T | T[]> {
  const limit = countOption('options.limit', options.limit ?? DEFAULT_LIMIT, 1)
  return { [Symbol.asyncIterator]: () => iterate(source, options, limit) }
}

interface Waiting<V> {
  readonly resolve: (result: IteratorResult<V, undefined>) => void
  readonly reject: (error: unknown) => void
}

function iterate<T>(
  source: Observable<T>,
  { strategy = 'all', overflow = 'error', signal }: IterationOptions,
  limit: number,
): AsyncIterator<T | T[], undefined> {
  const buffer = createRing<T>()
  const waiting: Waiting<T | T[]>[] = []
  /** The newest value that was dropped: delivered after all if nothing follows it. */
  let dropped: { readonly value: T } | undefined
  const left = new Subject<void>()
  let state: 'new' | 'open' | 'ended' = 'new'
  let failure: { readonly error: unknown } | undefined

  const take = (): T | T[] => {
    if (strategy === 'batch') return buffer.shiftAll()
    return buffer.shift()
  }

  const leave = (): void => {
    state = 'ended'
    signal?.removeEventListener('abort', abort)
    left.next()
  }

  /** Answers those who wait as far as there is anything to tell them. */
  const settle = (): void => {
    while (waiting.length > 0 && buffer.size > 0) waiting.shift()?.resolve({ done: false, value: take() })
    if (state !== 'ended' || buffer.size > 0) return
    for (const { resolve, reject } of waiting.splice(0)) {
      const failed = failure
      failure = undefined
      if (failed === undefined) resolve({ done: true, value: undefined })
      else reject(failed.error)
    }
  }

  const end = (failed?: { readonly error: unknown }): void => {
    if (state === 'ended') return
    if (dropped !== undefined) buffer.push(dropped.value)
    dropped = undefined
    failure = failed
    leave()
    settle()
  }

  const discard = (failed?: { readonly error: unknown }): void => {
    buffer.clear()
    dropped = undefined
    failure = failed
    leave()
    settle()
  }

  const abort = (): void => {
    discard({ error: signal?.reason })
  }

  const receive = (value: T): void => {
    if (strategy === 'latest') buffer.clear()
    else if (buffer.size >= limit) {
      if (overflow === 'error') {
        end({
          error: new OverflowError(`the loop was overtaken: ${limit} values wait, and another one came`),
        })
        return
      }
      if (overflow === 'dropNewest') {
        dropped = { value }
        return
      }
      buffer.shift()
    }
    dropped = undefined
    buffer.push(value)
    settle()
  }

  const start = (): void => {
    if (signal?.aborted === true) {
      abort()
      return
    }
    state = 'open'
    signal?.addEventListener('abort', abort, { once: true })
    source.pipe(takeUntil(left)).subscribe({
      next: receive,
      error: (error: unknown) => {
        end({ error })
      },
      complete: () => {
        end()
      },
    })
  }

  return {
    next: () =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        if (state === 'new') start()
        settle()
      }),
    return: () => {
      discard()
      return Promise.resolve({ done: true, value: undefined })
    },
    throw: (error: unknown) => {
      discard()
      return Promise.reject(error)
    },
  }
}

/** A queue that takes no longer the more it holds. */
interface Ring<T> {
  readonly size: number
  push(value: T): void
  shift(): T
  shiftAll(): T[]
  clear(): void
}

function createRing<T>(): Ring<T> {
  let slots: (T | undefined)[] = new Array<T | undefined>(16)
  let first = 0
  let size = 0

  const at = (index: number): number => (first + index) & (slots.length - 1)
  const list = (): T[] => Array.from({ length: size }, (_, index) => slots[at(index)] as T)

  return {
    get size() {
      return size
    },
    push: (value) => {
      if (size === slots.length) {
        slots = [...list(), ...new Array<T | undefined>(size)]
        first = 0
      }
      slots[at(size)] = value
      size += 1
    },
    shift: () => {
      const value = slots[first] as T
      slots[first] = undefined
      first = at(1)
      size -= 1
      return value
    },
    shiftAll: () => {
      const all = list()
      slots = new Array<T | undefined>(16)
      first = 0
      size = 0
      return all
    },
    clear: () => {
      slots = new Array<T | undefined>(16)
      first = 0
      size = 0
    },
  }
}
