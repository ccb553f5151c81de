import { describe, expect, it } from 'vitest'
import { NetworkError, ServerError, type CloudError } from '../../src/errors.js'
import { call } from '../../src/http/api.js'
import { createApi, createCore, type ClientOptions } from '../../src/http/client.js'
import type { Middleware, TrafficEvent } from '../../src/http/types.js'
import { constant, RetryBudget } from '../../src/operators/index.js'
import { fakeTransport } from '../../src/testing/fake-transport.js'
import { marbles } from '../../src/testing/marbles.js'
import { operationOf, script } from './requests.js'

const errors = { cloud: 'synnefo', readFault: () => ({}) } as const
const init = { cloud: 'synnefo', errors, endpoint: 'https://cloud.test/api' } as const
const things = operationOf()
const busy = { status: 503 }
const retry = { backoff: constant(10), random: () => 0 }

/** All that a call tells, in virtual time. */
function outcomeOf(options: ClientOptions, authorize?: Middleware): unknown[] {
  const log: unknown[] = []
  marbles(({ runtime, flush }) => {
    const api = createApi(createCore({ runtime, ...options }), {
      ...init,
      ...(authorize === undefined ? {} : { authorize }),
    })
    call(api, things, { path: '/things' }).subscribe({
      next: ({ status }) => log.push(status),
      error: (error: CloudError) => log.push(error),
    })
    flush()
  })()
  return log
}

describe('createApi', () => {
  it('puts hooks around everything, retry around authorization, errors by status inside both', () => {
    const log: string[] = []
    const spy =
      (name: string): Middleware =>
      (next) =>
      (request, handler) => {
        log.push(name)
        return next(request, {
          next: (response) => {
            log.push(`${name} ${String(response.status)}`)
            handler.next(response)
          },
          error: (error) => {
            log.push(`${name} ${error.code}`)
            handler.error(error)
          },
        })
      }
    const transport = fakeTransport({ 'GET /api/things': [busy, { status: 200 }] })
    const hooks = {
      request: <T>(request: T): T => {
        log.push('hook')
        return request
      },
      response: () => log.push('hook 200'),
    }
    const outcome = outcomeOf({ transport, hooks, retry, middleware: [spy('mine')] }, spy('authorize'))
    expect(outcome).toEqual([200])
    expect(log).toEqual([
      'hook',
      'mine',
      'authorize',
      'authorize SKY_HTTP_SERVER',
      'authorize',
      'authorize 200',
      'mine 200',
      'hook 200',
    ])
  })

  it('retries by default, and not when told so', () => {
    const transport = fakeTransport({ 'GET /api/things': busy })
    const [error] = outcomeOf({ transport, retry })
    expect(error).toBeInstanceOf(ServerError)
    expect(error).toMatchObject({ attempts: 4, totalDelayMs: 30 })
    expect(transport.requests).toHaveLength(4)
    const once = fakeTransport({ 'GET /api/things': busy })
    outcomeOf({ transport: once, retry: false })
    expect(once.requests).toHaveLength(1)
  })

  it('spends the budget that the user gave', () => {
    const transport = fakeTransport({ 'GET /api/things': busy })
    outcomeOf({ transport, retry: { ...retry, budget: new RetryBudget({ capacity: 5 }) } })
    expect(transport.requests).toHaveLength(2)
  })

  it('draws its jitter from the runtime', () => {
    const times: number[] = []
    marbles(({ runtime, flush }) => {
      const transport = fakeTransport({
        'GET /api/things': () => {
          times.push(runtime.scheduler.now())
          return busy
        },
      })
      const core = createCore({ transport, runtime: { ...runtime, random: () => 0.5 } })
      call(createApi(core, init), things, { path: '/things' }).subscribe({ error: () => undefined })
      flush()
    })()
    expect(times).toEqual([0, 100, 300, 700])
  })

  it('follows redirects, and shows each hop on the traffic', () => {
    const events: TrafficEvent[] = []
    marbles(({ runtime, flush }) => {
      const transport = fakeTransport({
        'GET /api/things': { status: 302, headers: { location: '/api/moved' } },
        'GET /api/moved': { status: 200 },
      })
      const core = createCore({ transport, runtime })
      core.traffic.events.subscribe((event) => events.push(event))
      call(createApi(core, init), things, { path: '/things' }).subscribe()
      flush()
    })()
    expect(events.map(({ kind }) => kind)).toEqual(['request', 'response', 'request', 'response'])
    expect(events).toMatchObject([
      { url: 'https://cloud.test/api/things' },
      { status: 302 },
      { url: 'https://cloud.test/api/moved' },
      { status: 200 },
    ])
  })

  it.each([
    [false, 0],
    [true, 1],
  ])('plain http to another machine, allowed: %s', (allowInsecure, count) => {
    const transport = script('never')
    const core = createCore({ transport, allowInsecure })
    const log: CloudError[] = []
    const api = createApi(core, { ...init, endpoint: 'http://cloud.test' })
    call(api, things, { path: '/things' }).subscribe({ error: (error: CloudError) => log.push(error) })
    expect(transport.requests).toHaveLength(count)
    expect(log.map(({ code }) => code)).toEqual(allowInsecure ? [] : ['SKY_CONFIGURATION'])
  })

  it('does not follow a redirect to plain http on another machine', () => {
    const location = 'http://cloud.test/things'
    const transport = fakeTransport({ 'GET /things': { status: 302, headers: { location } } })
    const api = createApi(createCore({ transport, retry: false }), {
      ...init,
      endpoint: 'http://127.0.0.1:1',
    })
    const log: CloudError[] = []
    call(api, things, { path: '/things' }).subscribe({ error: (error: CloudError) => log.push(error) })
    expect(log.map(({ code }) => code)).toEqual(['SKY_CONFIGURATION'])
    expect(transport.requests).toHaveLength(1)
  })

  it('names a wrong endpoint', () => {
    const core = createCore({ transport: script('never') })
    expect(() => createApi(core, { ...init, endpoint: 'cloud.test' })).toThrow(/^endpoint: /)
  })
})

describe('createCore', () => {
  it('checks connection and retry at once', () => {
    expect(() => createCore({ connection: { connections: 0 } })).toThrow(/connections/)
    expect(() => createCore({ retry: { maxRetries: -1 } })).toThrow(/maxRetries/)
  })

  it('closes its traffic and its connections', () => {
    const core = createCore({ connection: { proxy: false }, retry: false })
    let completed = false
    core.traffic.events.subscribe({ complete: () => (completed = true) })
    core.close()
    core.close()
    expect(completed).toBe(true)
    const log: CloudError[] = []
    call(createApi(core, init), things, { path: '/' }).subscribe({
      error: (error: CloudError) => log.push(error),
    })
    expect(log[0]).toBeInstanceOf(NetworkError)
    expect(log[0]?.message).toContain('the client is closed')
  })
})
