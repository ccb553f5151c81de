import { delay, map, NEVER, Observable, of, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { NetworkError } from '../../src/errors.js'
import { fromObservable, toObservable } from '../../src/http/observable.js'
import type { HttpResponse } from '../../src/http/types.js'
import { marbles } from '../../src/testing/marbles.js'
import { recorder, requestOf, responseOf, script } from './requests.js'

describe('toObservable', () => {
  it('is cold, emits the answer and completes', () => {
    const response = responseOf(200)
    const transport = script(response)
    const answers = toObservable(transport)(requestOf())
    expect(transport.requests).toEqual([])
    const log: unknown[] = []
    answers.subscribe({ next: (value) => log.push(value), complete: () => log.push('complete') })
    expect(log).toEqual([response, 'complete'])
  })

  it('passes the error; unsubscribing cancels', () => {
    const failed = new NetworkError('cut')
    const log: unknown[] = []
    toObservable(script(failed))(requestOf()).subscribe({ error: (error) => log.push(error) })
    expect(log).toEqual([failed])
    const transport = script('never')
    toObservable(transport)(requestOf()).subscribe().unsubscribe()
    expect(transport.cancelled).toHaveLength(1)
  })
})

describe('fromObservable', () => {
  const a = responseOf(200, 'a')

  it(
    'takes the first value and ends the source',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('--a--b--c', { a, b: a, c: a })
      const transport = fromObservable(() => source)
      expectObservable(toObservable(transport)(requestOf())).toBe('--(a|)', { a })
      expectSubscriptions(source.subscriptions).toBe('^-!')
    }),
  )

  it(
    'cancelling ends the source, and the handler hears no more',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-----a|', { a })
      const transport = fromObservable(() => source)
      expectObservable(toObservable(transport)(requestOf()), '^--!').toBe('----')
      expectSubscriptions(source.subscriptions).toBe('^--!')
    }),
  )

  it(
    'lets middleware be written with operators',
    marbles(({ runtime, expectObservable }) => {
      const inner = fromObservable(() => of(a))
      const slow = fromObservable((request) =>
        toObservable(inner)(request).pipe(
          delay(10, runtime.scheduler),
          map((response) => ({ ...response, status: 201 })),
        ),
      )
      expectObservable(toObservable(slow)(requestOf())).toBe('10ms (a|)', { a: { ...a, status: 201 } })
    }),
  )

  const errorOf = (source: Observable<HttpResponse>, method: 'GET' | 'POST' = 'GET'): unknown => {
    const handler = recorder()
    fromObservable(() => source)(requestOf({ method }), handler)
    expect(handler.calls).toHaveLength(1)
    return handler.calls[0]
  }

  it('passes errors of ours, and wraps others', () => {
    const failed = new NetworkError('cut')
    expect(errorOf(throwError(() => failed))).toBe(failed)
    const cause = new TypeError('fetch failed')
    const wrapped = errorOf(throwError(() => cause))
    expect(wrapped).toBeInstanceOf(NetworkError)
    expect(wrapped).toMatchObject({ cause, retryable: true, operation: 'test.things.do' })
    expect(
      errorOf(
        throwError(() => cause),
        'POST',
      ),
    ).toMatchObject({ retryable: false })
  })

  it('an end without an answer is an error', () => {
    const error = errorOf(new Observable((subscriber) => subscriber.complete()))
    expect(error).toBeInstanceOf(NetworkError)
    expect((error as Error).message).toContain('completed without a response')
  })

  it('a source that answers while it is subscribed to calls the handler once', () => {
    const handler = recorder()
    const cancel = fromObservable(() => of(a, a))(requestOf(), handler)
    cancel()
    expect(handler.calls).toEqual([a])
    const silent = recorder()
    fromObservable(() => NEVER)(requestOf(), silent)()
    expect(silent.calls).toEqual([])
  })
})
