import {
  concat,
  concatMap,
  defer,
  EMPTY,
  finalize,
  lastValueFrom,
  map,
  NEVER,
  of,
  range,
  tap,
  throwError,
  timer,
  toArray,
  type Observable,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  ConfigurationError,
  httpError,
  isCloudError,
  NetworkError,
  TokenError,
  TransferError,
  type CloudError,
} from '../../src/errors.js'
import { result } from '../../src/operators/result.js'
import { defaultRuntime, type Runtime } from '../../src/runtime.js'
import type { TransferEvent } from '../../src/streams/events.js'
import type { Feed } from '../../src/streams/feed.js'
import type { TransferManyEvent } from '../../src/streams/many-events.js'
import {
  transferMany,
  type Afterwards,
  type ManyJob,
  type Move,
  type MoveEvent,
  type TransferManyOptions,
  type Work,
} from '../../src/streams/transfer-many.js'
import { marbles } from '../../src/testing/marbles.js'

const label = { what: 'upload of f to c', cloud: 'synnefo', operation: 'synnefo.pithos.uploadMany' } as const
type Event = TransferManyEvent<string>

function progress(bytes: number, totalBytes: number, reusedBytes = 0): TransferEvent<string> {
  return { kind: 'progress', bytes, totalBytes, parts: 0, totalParts: 1, reusedBytes, bytesPerSecond: 0 }
}
function done(bytes: number, { reusedBytes = 0, unverifiedBytes = 0 } = {}): TransferEvent<string> {
  return { kind: 'done', result: 'info', bytes, reusedBytes, unverifiedBytes, elapsedMs: 0 }
}
function moving(path: string, bytes: number, move: Move<string>['move']): Work<string> {
  return { kind: 'move', path, bytes, action: 'uploaded', move }
}
/** Takes its time, and is done. */
function slow(path: string, bytes: number, ms: number): Work<string> {
  return moving(path, bytes, () => timer(ms).pipe(map(() => done(bytes))))
}
function failing(path: string, error: CloudError, ms = 1): Work<string> {
  return moving(path, 1, () => timer(ms).pipe(concatMap(() => throwError(() => error))))
}
function feedOf<T>(...batches: readonly T[][]): Feed<T> {
  let next = 0
  return () => {
    const batch = batches[next]
    next += 1
    return batch === undefined ? EMPTY : of(batch)
  }
}
function run(
  runtime: Runtime,
  job: Partial<ManyJob<string>> & { readonly feed: Feed<Work<string>> },
  options: TransferManyOptions = {},
): Observable<Event> {
  return transferMany<string>(runtime, options, label, () => job)
}
/** Everything that was told, its error as the last. */
function record(events: Observable<Event>): (Event | { readonly kind: 'error'; readonly error: unknown })[] {
  const told: (Event | { readonly kind: 'error'; readonly error: unknown })[] = []
  events.subscribe({
    next: (event) => told.push(event),
    error: (error: unknown) => told.push({ kind: 'error', error }),
  })
  return told
}
function ofKind<K extends Event['kind']>(
  events: readonly { kind: string }[],
  kind: K,
): Extract<Event, { kind: K }>[] {
  return events.filter((event) => event.kind === kind) as Extract<Event, { kind: K }>[]
}
/** Runs in virtual time until nothing is left to do, and gives what was told. */
function virtually(events: (runtime: Runtime) => Observable<Event>): ReturnType<typeof record> {
  let told: ReturnType<typeof record> = []
  marbles(({ runtime, flush }) => {
    told = record(events(runtime))
    flush()
  })()
  return told
}

describe('transferMany', () => {
  it('tells of each file, counts all of them, and ends with a summary', () => {
    const feed = feedOf<Work<string>>(
      [
        slow('a', 100, 10),
        { kind: 'skipped', path: 'b', reason: 'it is a pipe' },
        moving('c', 50, () => of({ kind: 'settled', action: 'unchanged' })),
      ],
      [moving('d', 60, () => timer(500).pipe(map(() => done(60, { reusedBytes: 20, unverifiedBytes: 5 }))))],
    )
    const told = virtually((runtime) => run(runtime, { feed }))
    expect(ofKind(told, 'planned')).toEqual([
      { kind: 'planned', totalFiles: 2, totalBytes: 150, complete: false },
      { kind: 'planned', totalFiles: 3, totalBytes: 210, complete: true },
    ])
    expect(ofKind(told, 'file')).toEqual([
      { kind: 'file', path: 'b', action: 'skipped', reason: 'it is a pipe' },
      { kind: 'file', path: 'c', action: 'unchanged' },
      { kind: 'file', path: 'a', action: 'uploaded', result: 'info' },
      { kind: 'file', path: 'd', action: 'uploaded', result: 'info' },
    ])
    expect(told.at(-1)).toEqual({
      kind: 'done',
      result: {
        uploaded: 2,
        downloaded: 0,
        unchanged: 1,
        removed: 0,
        skipped: 1,
        bytes: 210,
        reusedBytes: 70,
        unverifiedBytes: 5,
        elapsedMs: 500,
      },
    })
    expect(told.at(-2)).toMatchObject({ kind: 'progress', files: 3, bytes: 210, complete: true, active: [] })
  })

  it('ends when there is nothing to move', () => {
    const told = virtually((runtime) => run(runtime, { feed: feedOf() }))
    expect(told.map(({ kind }) => kind)).toEqual(['planned', 'done'])
  })

  it('gives its summary to result()', async () => {
    const events = run(defaultRuntime, { feed: feedOf([slow('a', 1, 0)]) })
    await expect(lastValueFrom(events.pipe(result()))).resolves.toMatchObject({ uploaded: 1, bytes: 1 })
  })

  it('tells progress at most ten times a second, with the files under way', () => {
    const file = (path: string): Work<string> =>
      moving(path, 1000, () =>
        concat(
          range(1, 999).pipe(concatMap((bytes) => timer(1).pipe(map(() => progress(bytes, 1000))))),
          of(done(1000)),
        ),
      )
    const feed = feedOf(['a', 'b', 'c'].map(file))
    const told = virtually((runtime) => run(runtime, { feed }, { concurrency: 2 }))
    const steps = ofKind(told, 'progress')
    expect(steps.length).toBeGreaterThan(15)
    expect(steps.length).toBeLessThanOrEqual(23)
    expect(steps.every(({ active }) => active.length <= 2)).toBe(true)
    expect(steps[5]).toMatchObject({
      files: 0,
      totalFiles: 3,
      totalBytes: 3000,
      active: [
        { path: 'a', totalBytes: 1000 },
        { path: 'b', totalBytes: 1000 },
      ],
    })
    expect(steps[5]?.bytesPerSecond).toBeGreaterThan(1_500)
    expect(steps[5]?.bytesPerSecond).toBeLessThan(2_500)
    const bytes = steps.map((step) => step.bytes)
    expect(bytes).toEqual(bytes.toSorted((a, b) => a - b))
  })

  it('never tells fewer bytes: a file begins anew, shrinks, grows or fails', () => {
    const steps = (...events: TransferEvent<string>[]): Observable<MoveEvent<string>> =>
      concat(...events.map((event) => timer(150).pipe(map(() => event))))
    const planned = (totalBytes: number): TransferEvent<string> => ({
      kind: 'planned',
      totalBytes,
      totalParts: 1,
    })
    const lost = new NetworkError('lost')
    const feed = feedOf([
      moving('a', 100, () =>
        steps(progress(80, 100), planned(100), progress(10, 100), progress(90, 100), done(100)),
      ),
      moving('b', 100, () => steps(progress(40, 100), planned(50), progress(50, 50), done(50))),
      moving('c', 10, () => steps(progress(10, 10), planned(30), progress(30, 30), done(30))),
      moving('d', 100, () =>
        concat(
          steps(progress(70, 100)),
          throwError(() => lost),
        ),
      ),
    ])
    const told = virtually((runtime) => run(runtime, { feed }))
    const all = ofKind(told, 'progress')
    const bytes = all.map((step) => step.bytes)
    expect(bytes).toEqual(bytes.toSorted((a, b) => a - b))
    expect(all.every((step) => step.bytes <= step.totalBytes)).toBe(true)
    expect(all.at(-1)).toMatchObject({ bytes: 250, totalBytes: 280, files: 3, failedFiles: 1 })
  })

  it('has no more files under way than it may, and no more large ones than their parts allow', () => {
    const mebibyte = 2 ** 20
    let parts = 0
    const seen: string[] = []
    const file = (path: string, bytes: number): Work<string> =>
      moving(path, bytes, (share) =>
        defer(() => {
          parts += share
          seen.push(`${path} ${String(share)} of ${String(parts)}`)
          return timer(10).pipe(map(() => done(bytes)))
        }).pipe(
          finalize(() => {
            parts -= share
          }),
        ),
      )
    const feed = feedOf([
      ...['a', 'b', 'c', 'd', 'e', 'f'].map((path) => file(path, 100 * mebibyte)),
      file('g', 6 * mebibyte),
      file('h', 0),
    ])
    virtually((runtime) => run(runtime, { feed }))
    expect(seen).toEqual([
      ...['a 4 of 4', 'b 4 of 8', 'c 4 of 8', 'd 4 of 8', 'e 4 of 8', 'f 4 of 8'],
      ...['g 2 of 6', 'h 1 of 7'],
    ])
  })

  it('gives a large file its parts, also if it is the only one at a time', () => {
    const shares: number[] = []
    const file = moving('a', 2 ** 30, (share) => {
      shares.push(share)
      return of(done(2 ** 30))
    })
    virtually((runtime) => run(runtime, { feed: feedOf([file, file]) }, { concurrency: 1 }))
    expect(shares).toEqual([4, 4])
  })

  it('moves small files eight at a time', () => {
    let active = 0
    let most = 0
    const file = moving('a', 1, () =>
      defer(() => {
        active += 1
        most = Math.max(most, active)
        return timer(10).pipe(map(() => done(1)))
      }).pipe(
        finalize(() => {
          active -= 1
        }),
      ),
    )
    const told = virtually((runtime) =>
      run(runtime, { feed: feedOf(Array.from({ length: 30 }, () => file)) }),
    )
    expect(most).toBe(8)
    expect(told.at(-1)).toMatchObject({ kind: 'done', result: { uploaded: 30, elapsedMs: 40 } })
  })

  it('looks ahead, but not without bound', () => {
    let asked = 0
    const feed: Feed<Work<string>> = () => {
      asked += 1
      return of(Array.from({ length: 1_000 }, (_, index) => moving(String(index), 1, () => NEVER)))
    }
    virtually((runtime) => run(runtime, { feed }))
    expect(asked).toBe(6)
  })

  it('neither grows the stack nor waits when all ends at once', () => {
    let batches = 0
    const feed: Feed<Work<string>> = () => {
      batches += 1
      const work = Array.from({ length: 1_000 }, (_, index) => moving(String(index), 1, () => of(done(1))))
      return batches > 50 ? EMPTY : of(work)
    }
    const told = virtually((runtime) => run(runtime, { feed }))
    expect(told.at(-1)).toMatchObject({ kind: 'done', result: { uploaded: 50_000, elapsedMs: 0 } })
  })

  it('passes on what is sent again, and what nothing proves', () => {
    const error = new NetworkError('lost')
    const feed = feedOf([
      moving('a', 1, () =>
        of<MoveEvent<string>[]>(
          { kind: 'retrying', part: 3, attempt: 1, delayMs: 5, error },
          { kind: 'unverified', part: 7, bytes: 1 },
          { kind: 'hashing', bytes: 1, totalBytes: 1 },
          done(1),
        ),
      ),
    ])
    const told = virtually((runtime) =>
      transferMany<string>(runtime, {}, label, (retrying) => ({
        feed: () => {
          retrying({ attempt: 2, delayMs: 9, error })
          return feed()
        },
      })),
    )
    expect(ofKind(told, 'retrying')).toEqual([
      { kind: 'retrying', attempt: 2, delayMs: 9, error },
      { kind: 'retrying', path: 'a', part: 3, attempt: 1, delayMs: 5, error },
      { kind: 'retrying', attempt: 2, delayMs: 9, error },
    ])
    expect(ofKind(told, 'unverified')).toEqual([{ kind: 'unverified', path: 'a', part: 7, bytes: 1 }])
  })

  describe('when files fail', () => {
    const lost = new NetworkError('lost', { retryable: true })

    it('moves all others, then errors with what failed, and does nothing afterwards', () => {
      let removed = false
      const afterwards = defer(() => {
        removed = true
        return EMPTY
      })
      const unreadable = new TransferError('cannot read e')
      const feed = feedOf<Work<string>>([
        ...['a', 'b', 'c', 'd'].map((path) => failing(path, lost)),
        { kind: 'failed', path: 'e', error: unreadable },
        slow('f', 1, 100),
      ])
      const told = virtually((runtime) => run(runtime, { feed, afterwards }))
      expect(ofKind(told, 'failed').map(({ path }) => path)).toEqual(['e', 'a', 'b', 'c', 'd'])
      expect(ofKind(told, 'file')).toMatchObject([{ path: 'f' }])
      expect(ofKind(told, 'progress').at(-1)).toMatchObject({ files: 1, failedFiles: 5, totalFiles: 5 })
      const last = told.at(-1)
      if (last?.kind !== 'error' || !(last.error instanceof TransferError))
        throw new Error('expected an error')
      expect(last.error).toMatchObject({ cloud: 'synnefo', operation: label.operation, retryable: true })
      expect(last.error.message).toBe(
        'upload of f to c: 5 failed: e: cannot read e; a: lost; b: lost; and 2 more',
      )
      expect((last.error.cause as AggregateError).errors).toEqual([unreadable, lost, lost, lost, lost])
      expect(removed).toBe(false)
      expect(ofKind(told, 'done')).toEqual([])
    })

    it('keeps no more than the first hundred errors', () => {
      const feed = feedOf(
        Array.from({ length: 250 }, (_, index) => failing(String(index), new NetworkError('lost'))),
      )
      const last = virtually((runtime) => run(runtime, { feed })).at(-1)
      if (last?.kind !== 'error' || !isCloudError(last.error)) throw new Error('expected an error')
      expect(last.error.message).toMatch(/: 250 failed: .*and 247 more$/)
      expect(last.error.retryable).toBe(false)
      expect((last.error.cause as AggregateError).errors).toHaveLength(100)
    })

    it('stops at the first where it should', () => {
      let left = 0
      const endless = moving('z', 1, () => NEVER.pipe(finalize(() => (left += 1))))
      const feed = feedOf([endless, failing('a', lost), failing('b', lost, 2)])
      const told = virtually((runtime) => run(runtime, { feed }, { onError: 'stop' }))
      expect(left).toBe(1)
      expect(ofKind(told, 'failed')).toEqual([{ kind: 'failed', path: 'a', error: lost }])
      expect(told.at(-1)).toMatchObject({ kind: 'error', error: { code: 'SKY_TRANSFER' } })
      expect(told.at(-1)).toMatchObject({ error: { message: 'upload of f to c: 1 failed: a: lost' } })
    })

    const http = (status: number): CloudError => httpError({ status, method: 'PUT', url: 'https://c/o' })
    const fatal: readonly (readonly [string, CloudError])[] = [
      ['no token', new TokenError('no token')],
      ['a wrong configuration', new ConfigurationError('no store')],
      ['a refused token', http(401)],
      ['a refused token of a part', new TransferError('part 3', { cause: http(401), part: 3 })],
      ['a quota', http(413)],
      [
        'a full disk',
        new TransferError('full', { cause: Object.assign(new Error('full'), { code: 'ENOSPC' }) }),
      ],
    ]
    it.each(fatal)('stops at once for what concerns all: %s', (_, error) => {
      let left = 0
      const endless = moving('z', 1, () => NEVER.pipe(finalize(() => (left += 1))))
      const told = virtually((runtime) => run(runtime, { feed: feedOf([endless, failing('a', error)]) }))
      expect(left).toBe(1)
      expect(ofKind(told, 'failed')).toEqual([{ kind: 'failed', path: 'a', error }])
      expect(told.at(-1)).toEqual({ kind: 'error', error })
    })

    it.each([403, 404, 409, 500])(
      'goes on after a %d of one file, if it is not said to concern all',
      (status) => {
        const feed = (): Feed<Work<string>> => feedOf([failing('a', http(status)), slow('b', 1, 50)])
        const goesOn = virtually((runtime) => run(runtime, { feed: feed() }))
        expect(ofKind(goesOn, 'file')).toHaveLength(1)
        const stops = virtually((runtime) =>
          run(runtime, { feed: feed(), isFatal: (error) => error.message.includes(String(status)) }),
        )
        expect(ofKind(stops, 'file')).toHaveLength(0)
        expect(stops.at(-1)).toMatchObject({ kind: 'error', error: { status } })
      },
    )

    it('makes an error of ours of what is none, and of a transfer without a result', () => {
      const feed = feedOf([
        moving('a', 1, () => {
          throw new TypeError('target: no text')
        }),
        moving('b', 1, () => EMPTY),
      ])
      const told = virtually((runtime) => run(runtime, { feed }))
      expect(ofKind(told, 'failed').map(({ path, error }) => [path, error.code, error.message])).toEqual([
        ['a', 'SKY_TRANSFER', 'target: no text'],
        ['b', 'SKY_TRANSFER', 'it ended without a result'],
      ])
    })
  })

  describe('when the feed fails', () => {
    it('stops at once, with its refusal as it is', () => {
      const refusal = httpError({ status: 404, method: 'GET', url: 'https://c' })
      let left = 0
      let asked = 0
      const feed: Feed<Work<string>> = () => {
        asked += 1
        const endless = moving('z', 1, () => NEVER.pipe(finalize(() => (left += 1))))
        return asked === 1 ? of([endless]) : timer(5).pipe(concatMap(() => throwError(() => refusal)))
      }
      const told = virtually((runtime) => run(runtime, { feed }))
      expect(left).toBe(1)
      expect(told.at(-1)).toEqual({ kind: 'error', error: refusal })
    })

    it('stops with a TransferError for all else, also what is thrown', () => {
      const lost = new NetworkError('lost', { retryable: true })
      const feed: Feed<Work<string>> = () => throwError(() => lost)
      expect(virtually((runtime) => run(runtime, { feed })).at(-1)).toMatchObject({
        error: {
          code: 'SKY_TRANSFER',
          message: 'upload of f to c stopped: lost',
          cause: lost,
          retryable: true,
        },
      })
      const throwing: Feed<Work<string>> = () => {
        throw lost
      }
      expect(virtually((runtime) => run(runtime, { feed: throwing })).at(-1)).toMatchObject({
        error: { code: 'SKY_TRANSFER' },
      })
    })
  })

  describe('afterwards', () => {
    it('comes when all is moved, and is told', () => {
      const order: string[] = []
      const feed = feedOf([
        moving('a', 1, () =>
          timer(50).pipe(
            tap(() => order.push('a')),
            map(() => done(1)),
          ),
        ),
      ])
      const afterwards = defer(() => {
        order.push('afterwards')
        return of({ kind: 'removed', path: 'x' } as const)
      })
      const told = virtually((runtime) => run(runtime, { feed, afterwards }))
      expect(order).toEqual(['a', 'afterwards'])
      expect(ofKind(told, 'file').at(-1)).toEqual({ kind: 'file', path: 'x', action: 'removed' })
      expect(told.at(-1)).toMatchObject({ kind: 'done', result: { uploaded: 1, removed: 1 } })
    })

    it('may fail: for one file, or as a whole', () => {
      const error = new TransferError('cannot remove x')
      const one = of<Afterwards[]>({ kind: 'failed', path: 'x', error }, { kind: 'removed', path: 'y' })
      const told = virtually((runtime) => run(runtime, { feed: feedOf(), afterwards: one }))
      expect(told.slice(-4)).toMatchObject([
        { kind: 'failed', path: 'x' },
        { kind: 'progress', failedFiles: 1 },
        { kind: 'file', path: 'y' },
        { kind: 'error', error: { message: 'upload of f to c: 1 failed: x: cannot remove x' } },
      ])
      const whole = virtually((runtime) =>
        run(runtime, { feed: feedOf(), afterwards: throwError(() => new NetworkError('lost')) }),
      )
      expect(whole.at(-1)).toMatchObject({ error: { message: 'upload of f to c stopped: lost' } })
    })
  })

  describe('cancellation', () => {
    it('leaves everything that is under way, and no timer', () => {
      marbles(({ runtime, cold, expectObservable, expectSubscriptions, flush }) => {
        const file = cold<MoveEvent<string>>('-p-p-p-p-p', { p: progress(1, 5) })
        const walk = cold<readonly Work<string>[]>('----')
        let asked = 0
        const feed: Feed<Work<string>> = () => {
          asked += 1
          return asked === 1 ? of([moving('a', 5, () => file)]) : walk
        }
        const events = run(runtime, { feed }).pipe(map(({ kind }) => kind))
        expectObservable(events, '---!').toBe('(pg)', { p: 'planned', g: 'progress' })
        flush()
        expectSubscriptions(file.subscriptions).toBe('^--!')
        expectSubscriptions(walk.subscriptions).toBe('^--!')
      })()
    })

    it('errors with the reason of the signal', () => {
      marbles(({ runtime, cold, flush }) => {
        const controller = new AbortController()
        const reason = new Error('enough')
        const told = record(
          run(runtime, { feed: feedOf([moving('a', 1, () => NEVER)]) }, { signal: controller.signal }),
        )
        cold('---a').subscribe(() => {
          controller.abort(reason)
        })
        flush()
        expect(told.at(-1)).toEqual({ kind: 'error', error: reason })
      })()
    })
  })

  it('is cold: each subscription is a transfer of its own', async () => {
    let started = 0
    const events = transferMany<string>(defaultRuntime, {}, label, () => {
      started += 1
      return { feed: feedOf([moving('a', 1, () => of(done(1)))]) }
    })
    expect(started).toBe(0)
    await lastValueFrom(events.pipe(toArray()))
    await lastValueFrom(events.pipe(toArray()))
    expect(started).toBe(2)
  })

  it('refuses wrong options before anything is subscribed to', () => {
    const wrong = (options: object): (() => void) => {
      return () => {
        run(defaultRuntime, { feed: feedOf() }, options)
      }
    }
    expect(wrong({ concurrency: 0 })).toThrow(/^options\.concurrency/)
    expect(wrong({ concurrency: 1.5 })).toThrow(/^options\.concurrency/)
    expect(wrong({ onError: 'explode' })).toThrow(/^options\.onError/)
  })
})
