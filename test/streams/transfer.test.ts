import { concat, defer, map, merge, NEVER, of, tap, throwError, timer, toArray, type Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  ConfigurationError,
  httpError,
  NetworkError,
  TokenError,
  TransferError,
  type Checkpoint,
} from '../../src/errors.js'
import { createBlockBuffers } from '../../src/streams/block-buffers.js'
import { conflateProgress } from '../../src/streams/conflate-progress.js'
import type { TransferEvent } from '../../src/streams/events.js'
import {
  concurrencyOf,
  interrupted,
  requestOptions,
  transfer,
  type TransferReport,
} from '../../src/streams/transfer.js'
import { marbles } from '../../src/testing/marbles.js'
import { diagramOf } from '../operators/doc-comment.js'

const checkpoint: Checkpoint = {
  version: 1,
  direction: 'upload',
  object: 'c/o',
  size: 0,
  blockSize: 1,
  blockHash: 'sha256',
  hashes: [],
}

describe('conflateProgress', () => {
  const events = {
    p: { kind: 'progress', at: 1 },
    q: { kind: 'progress', at: 2 },
    r: { kind: 'progress', at: 3 },
    h: { kind: 'hashing', at: 1 },
    i: { kind: 'hashing', at: 2 },
    s: { kind: 'retrying', at: 1 },
    d: { kind: 'done', at: 1 },
  }

  it(
    'is as its diagram says',
    marbles(({ hot, expectObservable, runtime: { scheduler } }) => {
      const line = diagramOf('streams/conflate-progress')
      const values = { p: events.p, d: events.d }
      const source = hot<(typeof events)['p']>(line('source'), values)
      expectObservable(source.pipe(conflateProgress(4, scheduler))).toBe(line('result'), values)
    }),
  )

  it(
    'lets the newest pass once in an interval, and all before the end',
    marbles(({ hot, expectObservable, expectSubscriptions, runtime: { scheduler } }) => {
      const source = hot('ppqr---q--r|', events)
      expectObservable(source.pipe(conflateProgress(4, scheduler))).toBe('p---r---q--(r|)', events)
      expectSubscriptions(source.subscriptions).toBe('^----------!')
    }),
  )

  it(
    'tells what waits before completion and before an error',
    marbles(({ hot, expectObservable, runtime: { scheduler } }) => {
      expectObservable(hot('pq|', events).pipe(conflateProgress(9, scheduler))).toBe('p-(q|)', events)
      expectObservable(hot('pq#', events).pipe(conflateProgress(9, scheduler))).toBe('p-(q#)', events)
    }),
  )

  it(
    'tells what waits before an event of another kind, which is not delayed',
    marbles(({ hot, expectObservable, runtime: { scheduler } }) => {
      expectObservable(hot('pq--s---|', events).pipe(conflateProgress(9, scheduler))).toBe(
        'p---(qs)|',
        events,
      )
      expectObservable(hot('hi-p---|', events).pipe(conflateProgress(5, scheduler))).toBe('h--p-i-|', events)
      expectObservable(hot('hip-qs----|', events).pipe(conflateProgress(9, scheduler))).toBe(
        'h-p--(iqs)|',
        events,
      )
      expectObservable(hot('s-s-d--|', events).pipe(conflateProgress(9, scheduler))).toBe('s-s-d--|', events)
    }),
  )

  it(
    'takes its timer down with the subscription',
    marbles(({ hot, expectObservable, expectSubscriptions, runtime: { scheduler } }) => {
      const source = hot('     pq-----', events)
      const unsubscribe = '    --!'
      expectObservable(source.pipe(conflateProgress(4, scheduler)), unsubscribe).toBe('p--', events)
      expectSubscriptions(source.subscriptions).toBe('^-!')
    }),
  )
})

describe('transfer', () => {
  const part = (report: TransferReport, bytes: number, reusedBytes = 0): void => {
    report.accepted({ bytes, parts: 1, reusedBytes, travelledBytes: bytes - reusedBytes })
  }
  /** Runs the steps one after the other, each after its milliseconds, and completes with a result. */
  function steps(all: readonly (readonly [number, () => void])[]): Observable<'result'> {
    return concat(
      ...all.map(([ms, step]) =>
        timer(ms).pipe(
          tap(step),
          map(() => undefined as never),
        ),
      ),
      of('result' as const),
    ).pipe(
      toArray(),
      map(() => 'result' as const),
    )
  }

  it(
    'counts what was accepted, smooths the rate, and ends with done',
    marbles(({ expectObservable, runtime }) => {
      const events = transfer(runtime, {}, (report) =>
        steps([
          [
            10,
            () => {
              report.planned(400, 4, checkpoint)
            },
          ],
          [
            10,
            () => {
              report.hashing(400, 400)
            },
          ],
          [
            10,
            () => {
              part(report, 100, 100)
            },
          ],
          [
            1000,
            () => {
              part(report, 100)
            },
          ],
          [
            1000,
            () => {
              part(report, 100)
            },
          ],
          [
            50,
            () => {
              part(report, 100)
            },
          ],
        ]),
      )
      const progress = { kind: 'progress', totalBytes: 400, totalParts: 4, reusedBytes: 100 } as const
      expectObservable(events).toBe('10ms a 9ms b 9ms c 999ms d 999ms e 49ms (fg|)', {
        a: { kind: 'planned', totalBytes: 400, totalParts: 4, checkpoint },
        b: { kind: 'hashing', bytes: 400, totalBytes: 400 },
        c: { ...progress, bytes: 100, parts: 1, bytesPerSecond: 0 },
        d: { ...progress, bytes: 200, parts: 2, bytesPerSecond: 100 },
        e: { ...progress, bytes: 300, parts: 3, bytesPerSecond: 100 },
        f: { ...progress, bytes: 400, parts: 4, bytesPerSecond: 155 },
        g: {
          kind: 'done',
          result: 'result',
          bytes: 400,
          reusedBytes: 100,
          unverifiedBytes: 0,
          elapsedMs: 2080,
        },
      })
    }),
  )

  it(
    'tells retries and doubts at once',
    marbles(({ expectObservable, runtime }) => {
      const error = new NetworkError('cut')
      const events = transfer(runtime, {}, (report) =>
        steps([
          [
            0,
            () => {
              report.retrying({ attempt: 1, delayMs: 5, error })
            },
          ],
          [
            0,
            () => {
              report.retrying({ attempt: 2, delayMs: 7, error }, 3)
            },
          ],
          [
            0,
            () => {
              report.unverified(4, 10)
            },
          ],
        ]),
      )
      expectObservable(events).toBe('(abcd|)', {
        a: { kind: 'retrying', attempt: 1, delayMs: 5, error },
        b: { kind: 'retrying', part: 3, attempt: 2, delayMs: 7, error },
        c: { kind: 'unverified', part: 4, bytes: 10 },
        d: { kind: 'done', result: 'result', bytes: 0, reusedBytes: 0, unverifiedBytes: 10, elapsedMs: 0 },
      })
    }),
  )

  it(
    'never tells less than before, also when the work is planned anew and smaller',
    marbles(({ flush, runtime }) => {
      const seen: TransferEvent<string>[] = []
      transfer(runtime, {}, (report) =>
        steps([
          [
            0,
            () => {
              report.planned(300, 3)
            },
          ],
          [
            0,
            () => {
              report.hashing(300, 300)
            },
          ],
          [
            200,
            () => {
              part(report, 200)
            },
          ],
          [
            200,
            () => {
              report.planned(150, 2)
            },
          ],
          [
            0,
            () => {
              report.hashing(50, 150)
            },
          ],
          [
            200,
            () => {
              part(report, 50)
            },
          ],
          [
            200,
            () => {
              part(report, 100)
            },
          ],
        ]),
      ).subscribe((event) => seen.push(event))
      flush()
      const progress = seen.filter((event) => event.kind === 'progress')
      expect(progress.map(({ bytes, totalBytes }) => [bytes, totalBytes])).toEqual([
        [200, 300],
        [200, 200],
        [200, 200],
      ])
      expect(seen.flatMap((event) => (event.kind === 'hashing' ? [event.bytes] : []))).toEqual([300, 300])
      expect(seen.at(-1)).toMatchObject({ kind: 'done', bytes: 150 })
    }),
  )

  it(
    'says that a total is not known until it is',
    marbles(({ expectObservable, runtime }) => {
      const events = transfer(runtime, {}, (report) =>
        steps([
          [
            0,
            () => {
              report.planned(Infinity, Infinity)
            },
          ],
          [
            0,
            () => {
              report.measured(10, 1)
            },
          ],
        ]),
      )
      expectObservable(
        events.pipe(map((event) => ('totalBytes' in event ? event.totalBytes : event.kind))),
      ).toBe('(abc|)', { a: Infinity, b: 10, c: 'done' })
    }),
  )

  it(
    'is stopped by the signal, with its reason',
    marbles(({ expectObservable, expectSubscriptions, cold, runtime }) => {
      const controller = new AbortController()
      const reason = new Error('enough')
      const work = cold<never>('----------')
      timer(5, runtime.scheduler).subscribe(() => {
        controller.abort(reason)
      })
      expectObservable(transfer(runtime, { signal: controller.signal }, () => work)).toBe(
        '-----#',
        {},
        reason,
      )
      expectSubscriptions(work.subscriptions).toBe('^----!')
    }),
  )

  it(
    'begins anew with each subscription',
    marbles(({ expectObservable, runtime }) => {
      let runs = 0
      const events = transfer(runtime, {}, () => defer(() => of((runs += 1)))).pipe(
        map((event) => (event.kind === 'done' ? event.result : 0)),
      )
      expectObservable(merge(events, events)).toBe('(ab|)', { a: 1, b: 2 })
    }),
  )

  it(
    'emits done only when the work has completed',
    marbles(({ expectObservable, runtime }) => {
      const events = transfer(runtime, {}, () =>
        concat(of('result'), timer(3), throwError(() => 'late') as never),
      )
      expectObservable(events).toBe('---#', {}, 'late')
      expectObservable(transfer(runtime, {}, () => concat(of('result'), NEVER))).toBe('---')
    }),
  )
})

describe('options', () => {
  it('takes only whole positive concurrency', () => {
    expect(concurrencyOf({})).toBe(4)
    expect(concurrencyOf({ concurrency: 1 })).toBe(1)
    for (const concurrency of [0, 1.5, Infinity, Number.NaN]) {
      expect(() => concurrencyOf({ concurrency })).toThrow(/options\.concurrency/)
    }
  })

  it('gives each request its options, but not the signal of the whole', () => {
    const onRetry = (): void => undefined
    const signal = new AbortController().signal
    expect(requestOptions({ signal, concurrency: 2 }, onRetry)).toEqual({ onRetry })
    expect(requestOptions({ retry: 2, timeout: 5, headers: { a: 'b' } }, onRetry)).toEqual({
      retry: 2,
      timeout: 5,
      headers: { a: 'b' },
      onRetry,
    })
  })
})

describe('interrupted', () => {
  const what = { what: 'upload of c/o', cloud: 'synnefo', operation: 'synnefo.pithos.upload' } as const
  const cut = new NetworkError('cut', { retryable: true })

  it('wraps an error once, and adds what is known further out', () => {
    const inner = interrupted(cut, { ...what, part: 3 }) as TransferError
    expect(inner).toBeInstanceOf(TransferError)
    expect(inner).toMatchObject({
      message: 'upload of c/o stopped at part 3: cut',
      part: 3,
      cause: cut,
      retryable: true,
    })
    const outer = interrupted(inner, { ...what, checkpoint }) as TransferError
    expect(outer).toMatchObject({ message: inner.message, part: 3, cause: cut, retryable: true, checkpoint })
    expect(interrupted(outer, what)).toMatchObject({ message: inner.message, checkpoint })
  })

  it('says of which transfer an error of a source is', () => {
    const source = new TransferError('cannot read a.bin: permission denied', { cause: cut })
    expect(interrupted(source, { ...what, part: 1 })).toMatchObject({
      message: 'upload of c/o stopped at part 1: cannot read a.bin: permission denied',
      cause: cut,
      part: 1,
    })
  })

  it('leaves what refuses the whole as it is, but not what stops a part', () => {
    const refused = httpError({ status: 403, method: 'PUT', url: 'http://x/y' })
    for (const error of [refused, new ConfigurationError('wrong'), new TokenError('refused')]) {
      expect(interrupted(error, what)).toBe(error)
      expect(interrupted(error, { ...what, part: 0 })).toMatchObject({
        code: 'SKY_TRANSFER',
        part: 0,
        cause: error,
      })
    }
    const failed = httpError({ status: 500, method: 'PUT', url: 'http://x/y' })
    expect(interrupted(failed, what)).toMatchObject({ code: 'SKY_TRANSFER', cause: failed })
  })

  it('leaves what is not ours alone', () => {
    const reason = new DOMException('aborted', 'AbortError')
    expect(interrupted(reason, what)).toBe(reason)
  })

  it('keeps the checkpoint out of what is printed', () => {
    const error = interrupted(httpError({ status: 500, method: 'GET', url: 'http://x/y' }), {
      ...what,
      checkpoint,
    })
    expect(JSON.stringify(error)).not.toContain('sha256')
  })
})

describe('createBlockBuffers', () => {
  it('makes as many buffers as are in use at a time', () => {
    const buffers = createBlockBuffers(8)
    const used = new Set<Uint8Array>()
    const use = (): Observable<number> =>
      buffers.borrow((buffer) => {
        used.add(buffer)
        return of(buffer.length)
      })
    concat(use(), use(), use()).subscribe()
    expect(used.size).toBe(1)
    const held = [1, 2].map(() =>
      buffers
        .borrow((buffer) => {
          used.add(buffer)
          return NEVER
        })
        .subscribe(),
    )
    expect(used.size).toBe(2)
    held[0]?.unsubscribe()
    use().subscribe()
    expect(used.size).toBe(2)
  })
})
