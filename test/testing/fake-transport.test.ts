import { Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { NetworkError } from '../../src/errors.js'
import { fakeTransport, type FakeAnswer } from '../../src/testing/fake-transport.js'
import { marbles } from '../../src/testing/marbles.js'
import { toObservable } from '../../src/http/observable.js'
import type { HttpRequest, HttpResponse } from '../../src/http/types.js'
import { operationOf, recorder, requestOf } from '../http/requests.js'

function ask(
  routes: Readonly<Record<string, FakeAnswer | readonly FakeAnswer[]>>,
  ...requests: readonly Partial<HttpRequest>[]
) {
  const transport = fakeTransport(routes)
  const handler = recorder()
  for (const request of requests) transport(requestOf(request), handler)
  return { transport, calls: handler.calls }
}
const textOf = (call: unknown): string => Buffer.from((call as HttpResponse).body).toString()

describe('fakeTransport', () => {
  it('answers with status, headers and a body of text, bytes or JSON', () => {
    const { calls } = ask(
      {
        'GET /empty': {},
        'GET /text': { status: 404, body: 'no', headers: { 'x-a': 'b' } },
        'GET /bytes': { body: new Uint8Array([104, 105]) },
        'GET /json': { json: { a: 1 }, body: 'not this' },
      },
      { path: '/empty' },
      { path: '/text' },
      { path: '/bytes' },
      { path: '/json' },
    )
    expect(calls).toMatchObject([
      { status: 200, headers: {} },
      { status: 404, headers: { 'x-a': 'b' } },
      { status: 200 },
      { status: 200 },
    ])
    expect(calls.map(textOf)).toEqual(['', 'no', 'hi', '{"a":1}'])
  })

  it('finds the first route of method and path; a query matters if the route has one, a star stands for any rest', () => {
    const routes = {
      'POST /a': { body: 'post' },
      'GET /a?x=1': { body: 'x' },
      'GET /a': { body: 'a' },
      'GET /b/*': { body: 'rest' },
    }
    const { calls, transport } = ask(
      routes,
      { path: '/a', method: 'POST' },
      { path: '/a?x=1' },
      { path: '/a?y=2' },
      { path: '/b/c/d?e' },
    )
    expect(calls.map(textOf)).toEqual(['post', 'x', 'a', 'rest'])
    expect(transport.requests.map(({ path }) => path)).toEqual(['/a', '/a?x=1', '/a?y=2', '/b/c/d?e'])
  })

  it('gives several answers in turn, the last one again and again', () => {
    const { calls } = ask(
      { 'GET /a': [{ body: '1' }, { body: '2' }] },
      { path: '/a' },
      { path: '/a' },
      { path: '/a' },
    )
    expect(calls.map(textOf)).toEqual(['1', '2', '2'])
  })

  it('gives an error, or what a function makes of the request', () => {
    const cut = new NetworkError('cut')
    const { calls } = ask(
      {
        'GET /cut': cut,
        'GET /echo/*': ({ path }: HttpRequest) => (path.endsWith('cut') ? cut : { body: path }),
      },
      { path: '/cut' },
      { path: '/echo/x' },
      { path: '/echo/cut' },
    )
    expect([calls[0], textOf(calls[1]), calls[2]]).toEqual([cut, '/echo/x', cut])
  })

  it('names its routes to a request that has none, and remembers it', () => {
    const { calls, transport } = ask({ 'GET /a': {}, 'POST /b': {} }, { path: '/c', method: 'PUT' })
    expect(calls[0]).toBeInstanceOf(NetworkError)
    expect(calls[0]).toMatchObject({ retryable: false })
    expect((calls[0] as NetworkError).message).toBe(
      'test.things.do: the fake transport has no route for PUT /c; it has:\n  GET /a\n  POST /b',
    )
    expect(transport.requests).toHaveLength(1)
  })

  it('pours a successful body into the sink, and no other', () => {
    const log: unknown[] = []
    const sink = {
      begin: (status: number) => log.push(status),
      write: (chunk: Uint8Array) => log.push(Buffer.from(chunk).toString()) > 0,
    }
    const { calls } = ask(
      { 'GET /a': [{ body: 'data' }, {}, { status: 404, body: 'no' }] },
      { path: '/a', sink },
      { path: '/a', sink },
      { path: '/a', sink, operation: operationOf() },
    )
    expect(log).toEqual([200, 'data', 200])
    expect(calls.map(textOf)).toEqual(['', '', 'no'])
  })

  it(
    'answers in time, and is cancelled',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const answer = cold('--a|', { a: { status: 201 } })
      const send = toObservable(fakeTransport({ 'GET /things': answer }))
      const a = { status: 201, headers: {}, body: Buffer.alloc(0) }
      expectObservable(send(requestOf())).toBe('--(a|)', { a })
      expectObservable(send(requestOf()), '^!').toBe('--')
      expectSubscriptions(answer.subscriptions).toBe(['^-!', '^!'])
    }),
  )

  it('an answer that ends without a value is an error', () => {
    const { calls } = ask({ 'GET /a': new Observable((subscriber) => subscriber.complete()) }, { path: '/a' })
    expect(calls[0]).toBeInstanceOf(NetworkError)
  })
})
