import { getEventListeners } from 'node:events'
import { NEVER, Observable, of, take, throwError } from 'rxjs'
import { describe, expect, expectTypeOf, it, vi } from 'vitest'
import { abortable } from '../../src/operators/index.js'
import { marbles } from '../../src/testing/marbles.js'
import { diagramOf, runExample, subscriptions } from './doc-comment.js'

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

describe('abortable', () => {
  it(
    'is as drawn',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const line = diagramOf('operators/abortable')
      const controller = new AbortController()
      const reason = new Error('changed my mind')
      const source = cold(line('source'))
      cold(line('abort')).subscribe(() => controller.abort(reason))
      expectObservable(source.pipe(abortable(controller.signal))).toBe(line('result'), undefined, reason)
      expectSubscriptions(source.subscriptions).toBe(subscriptions(line('request')))
    }),
  )

  it(
    'is the source while the signal is not aborted',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const { signal } = new AbortController()
      const [ending, failing] = [cold('-a-|'), cold('-a-#')]
      expectObservable(ending.pipe(abortable(signal))).toBe('-a-|')
      expectObservable(failing.pipe(abortable(signal))).toBe('-a-#')
      expectSubscriptions(ending.subscriptions).toBe('^--!')
      expectSubscriptions(failing.subscriptions).toBe('^--!')
    }),
  )

  it(
    'does not subscribe to the source when the signal is aborted already',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const reason = new Error('too late')
      const source = cold('a|')
      expectObservable(source.pipe(abortable(AbortSignal.abort(reason)))).toBe('#', undefined, reason)
      expectSubscriptions(source.subscriptions).toBe([])
    }),
  )

  it('looks at the signal when subscribed to', () => {
    const controller = new AbortController()
    const source = NEVER.pipe(abortable(controller.signal))
    controller.abort('reason')
    const error = vi.fn()
    source.subscribe({ error })
    expect(error.mock.calls).toEqual([['reason']])
  })

  it('has the default reason of a signal that gives none', () => {
    const controller = new AbortController()
    const error = vi.fn()
    NEVER.pipe(abortable(controller.signal)).subscribe({ error })
    controller.abort()
    expect(error.mock.calls[0]?.[0]).toBe(controller.signal.reason)
    expect(error.mock.calls[0]?.[0]).toMatchObject({ name: 'AbortError' })
  })

  it.each<[string, (signal: AbortSignal) => void]>([
    ['completes', (signal) => of('a').pipe(abortable(signal)).subscribe()],
    [
      'fails',
      (signal) =>
        throwError(() => 'x')
          .pipe(abortable(signal))
          .subscribe({ error: () => undefined }),
    ],
    ['is unsubscribed from', (signal) => NEVER.pipe(abortable(signal)).subscribe().unsubscribe()],
  ])('leaves no listener on a signal when it %s', (_name, run) => {
    const { signal } = new AbortController()
    run(signal)
    expect(listeners(signal)).toBe(0)
  })

  it('has one listener on the signal while it runs, and none after the abort', () => {
    const controller = new AbortController()
    const { signal } = controller
    NEVER.pipe(abortable(signal)).subscribe({ error: () => undefined })
    expect(listeners(signal)).toBe(1)
    controller.abort()
    expect(listeners(signal)).toBe(0)
  })

  it('closes a source that is aborted while it emits synchronously', () => {
    const controller = new AbortController()
    const made: number[] = []
    const endless = new Observable<number>((subscriber) => {
      for (let value = 1; !subscriber.closed; value += 1) {
        made.push(value)
        subscriber.next(value)
      }
    })
    const error = vi.fn()
    endless.pipe(abortable(controller.signal)).subscribe({
      next: (value) => {
        if (value === 3) controller.abort('enough')
      },
      error,
    })
    endless.pipe(abortable(new AbortController().signal), take(2)).subscribe()
    expect(made).toEqual([1, 2, 3, 1, 2])
    expect(error.mock.calls).toEqual([['enough']])
  })

  it('keeps the type of the source', () => {
    expectTypeOf(of(1).pipe(abortable(new AbortController().signal))).toEqualTypeOf<Observable<number>>()
  })

  it('has an example that runs', () => {
    const teardown = vi.fn()
    const build = vi.fn(() => new Observable(() => teardown))
    const observer = { error: vi.fn() }
    runExample('operators/abortable', {
      AbortController,
      abortable,
      observer,
      spec: { name: 'web' },
      cloud: { servers: { build } },
    })
    expect(build).toHaveBeenCalledWith({ name: 'web' })
    expect(teardown).toHaveBeenCalledOnce()
    expect(observer.error.mock.calls[0]?.[0]).toMatchObject({ name: 'AbortError' })
  })
})
