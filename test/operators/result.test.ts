import { EMPTY, EmptyError, lastValueFrom, NEVER, of, type Observable } from 'rxjs'
import { describe, expect, expectTypeOf, it, vi } from 'vitest'
import { result } from '../../src/operators/index.js'
import type { OperationEvent, TransferEvent } from '../../src/streams/events.js'
import { marbles } from '../../src/testing/marbles.js'
import { diagramOf, runExample } from './doc-comment.js'

type Event = { readonly kind: 'progress' } | { readonly kind: 'done'; readonly result: string }
const events: Record<string, Event> = {
  s: { kind: 'progress' },
  p: { kind: 'progress' },
  d: { kind: 'done', result: 'r' },
  e: { kind: 'done', result: 'q' },
}

describe('result', () => {
  it(
    'is as drawn',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const line = diagramOf('operators/result')
      const source = cold(line('events'), events)
      expectObservable(source.pipe(result())).toBe(line('result'))
      expectSubscriptions(source.subscriptions).toBe('^-------!')
    }),
  )

  it(
    'is that of the last `done` event',
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-d-p-e|', events).pipe(result())).toBe('------(q|)')
    }),
  )

  it(
    'passes an error, also after a `done` event',
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-p-#', events).pipe(result())).toBe('---#')
      expectObservable(cold('-d-#', events).pipe(result())).toBe('---#')
    }),
  )

  it('may be undefined', () => {
    const next = vi.fn()
    of({ kind: 'done' as const, result: undefined })
      .pipe(result())
      .subscribe(next)
    expect(next.mock.calls).toEqual([[undefined]])
  })

  it.each([
    ['no event', EMPTY],
    ['no `done` event', of<Event>({ kind: 'progress' })],
  ])('is an EmptyError when there was %s', (_name, source: Observable<Event>) => {
    const error = vi.fn()
    source.pipe(result()).subscribe({ error })
    expect(error.mock.calls[0]?.[0]).toBeInstanceOf(EmptyError)
  })

  it(
    'unsubscribes from the events',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-p-p-d|', events)
      expectObservable(source.pipe(result()), '---!').toBe('-')
      expectSubscriptions(source.subscriptions).toBe('^--!')
    }),
  )

  it('has the type of the result', () => {
    interface Server {
      readonly id: number
    }
    const operation: Observable<OperationEvent<Server>> = NEVER
    const removal: Observable<OperationEvent<Server, void>> = NEVER
    const transfer: Observable<TransferEvent<'etag'>> = NEVER
    expectTypeOf(operation.pipe(result())).toEqualTypeOf<Observable<Server>>()
    expectTypeOf(removal.pipe(result())).toEqualTypeOf<Observable<void>>()
    expectTypeOf(transfer.pipe(result())).toEqualTypeOf<Observable<'etag'>>()
    // @ts-expect-error these are not events
    of(1).pipe(result())
  })

  it('has an example that runs', async () => {
    const log = vi.fn()
    const build = (): Observable<unknown> => of({ kind: 'done', result: { id: 42 } })
    const logged = runExample('operators/result', {
      cloud: { servers: { build } },
      console: { log },
      lastValueFrom,
      result,
      spec: {},
    })
    await logged
    expect(log.mock.calls).toEqual([[42]])
  })
})
