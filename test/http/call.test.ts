import { AsyncLocalStorage } from 'node:async_hooks'
import { inspect } from 'node:util'
import { firstValueFrom, Subscription } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import {
  ConfigurationError,
  NetworkError,
  RequestTimeoutError,
  ResponseFormatError,
  type CloudError,
} from '../../src/errors.js'
import { call, endpointOf, type Api } from '../../src/http/api.js'
import { createApi, createCore } from '../../src/http/client.js'
import { json } from '../../src/http/codecs.js'
import { createTraffic } from '../../src/http/traffic.js'
import type { CallOptions, Operation, TrafficEvent, Transport } from '../../src/http/types.js'
import { defaultRuntime, MAX_DELAY_MS } from '../../src/runtime.js'
import { marbles } from '../../src/testing/marbles.js'
import { serveHttp } from './loopback.js'
import { operationOf, responseOf, script } from './requests.js'

function apiOf(transport: Transport, overrides: Partial<Api> = {}): Api {
  return {
    cloud: 'synnefo',
    transport,
    endpoint: { origin: 'https://cloud.test', prefix: '/api/v1' },
    runtime: defaultRuntime,
    traffic: createTraffic(),
    strict: false,
    ...overrides,
  }
}

interface Thing {
  readonly id: string
  readonly password?: string | undefined
}
const getThing: Operation<{ readonly id: string }, Thing> = {
  id: 'test.things.get',
  method: 'GET',
  path: '/things/{id}',
  success: [200],
  secret: ['password'],
  encode: ({ id }) => ({ path: `/things/${id}` }),
  decode: json<Thing>(
    z.looseObject({ id: z.string() }),
    z.looseObject({ id: z.string(), size: z.number(), password: z.string().optional() }),
  ),
}

describe('endpointOf', () => {
  it.each([
    ['https://cloud.test', 'https://cloud.test', ''],
    ['https://cloud.test/', 'https://cloud.test', ''],
    ['https://cloud.test:8443/a//b/v1//', 'https://cloud.test:8443', '/a//b/v1'],
    ['HTTPS://Cloud.Test/Path', 'https://cloud.test', '/Path'],
    ['http://[::1]:80/x', 'http://[::1]:80', '/x'],
  ])('splits %s', (url, origin, prefix) => {
    expect(endpointOf(url, 'authUrl')).toEqual({ origin, prefix })
  })

  it.each([
    '',
    'cloud.test',
    'ftp://cloud.test',
    'https://user@cloud.test',
    'https://c/?q',
    'https://c/#f',
    'https:// c',
  ])('refuses %j by the name of the argument', (url) => {
    expect(() => endpointOf(url, 'authUrl')).toThrow(ConfigurationError)
    expect(() => endpointOf(url, 'authUrl')).toThrow(/^authUrl: /)
  })
})

describe('call', () => {
  it('is cold: sends nothing before the subscription, and one request for each', () => {
    const transport = script(responseOf(200, { id: 'a', size: 1 }))
    const things = call(apiOf(transport), getThing, { id: 'a' })
    expect(transport.requests).toEqual([])
    const got: Thing[] = []
    let completed = 0
    for (let count = 0; count < 2; count++) {
      things.subscribe({ next: (thing) => got.push(thing), complete: () => (completed += 1) })
    }
    expect(got).toEqual([
      { id: 'a', size: 1 },
      { id: 'a', size: 1 },
    ])
    expect([completed, transport.requests.length]).toEqual([2, 2])
  })

  it('makes the request of endpoint, operation, arguments and options', () => {
    const transport = script('never')
    const operation = operationOf({ method: 'POST', id: 'test.things.create' })
    const options: CallOptions = { headers: { 'X-Trace': '1', Accept: 'text/plain' } }
    const parts = { path: '/things', query: 'a=1', headers: { 'content-type': 'text/plain' }, body: 'x' }
    call(apiOf(transport), operation, { ...parts, secrets: ['hunter2'] }, options).subscribe()
    const [request] = transport.requests
    expect(request).toMatchObject({
      cloud: 'synnefo',
      operation,
      method: 'POST',
      origin: 'https://cloud.test',
      path: '/api/v1/things?a=1',
      headers: { accept: 'text/plain', 'content-type': 'text/plain', 'x-trace': '1' },
      body: 'x',
      idempotent: false,
      options,
      secrets: ['hunter2'],
    })
    expect(request?.headers['user-agent']).toMatch(/^skystream\/\d+\.\d+\.\d+ node\/\d+/)
  })

  it.each([
    ['GET', undefined, true],
    ['PUT', undefined, true],
    ['DELETE', undefined, true],
    ['DELETE', false, false],
    ['POST', undefined, false],
    ['PATCH', undefined, false],
    ['POST', true, true],
  ] as const)('knows whether %s (declared: %s) may be sent twice', (method, idempotent, expected) => {
    const transport = script('never')
    const declared = idempotent === undefined ? {} : { idempotent }
    call(apiOf(transport), operationOf({ method, ...declared }), { path: '/' }).subscribe()
    expect(transport.requests[0]?.idempotent).toBe(expected)
  })

  it('leaves the address open where a catalogue says it', () => {
    const transport = script('never')
    call(apiOf(transport, { endpoint: undefined }), operationOf(), { path: '/things', query: '' }).subscribe()
    expect(transport.requests[0]).toMatchObject({ origin: '', path: '/things' })
  })

  it.each([
    [{ retry: -1 }, /^options\.retry: /],
    [{ retry: 1.5 }, /^options\.retry: /],
    [{ retry: Number.NaN }, /^options\.retry: /],
    [{ timeout: 0 }, /^options\.timeout: /],
    [{ timeout: Number.NaN }, /^options\.timeout: /],
    [{ signal: 'stop' }, /^options\.signal: /],
    [{ onRetry: 'often' }, /^options\.onRetry: /],
  ])('throws at once for the options %j', (options, message) => {
    const transport = script('never')
    const make = () => call(apiOf(transport), getThing, { id: 'a' }, options as unknown as CallOptions)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
    expect(transport.requests).toEqual([])
  })

  it('throws at once what encoding the arguments throws', () => {
    const thrown = new TypeError('id: expected a string')
    const encode = () => {
      throw thrown
    }
    expect(() => call(apiOf(script('never')), operationOf({ encode }), { path: '/' })).toThrow(thrown)
  })

  it('passes the error of the transport, and what the chain throws', () => {
    const failed = new NetworkError('cut')
    const errors: unknown[] = []
    call(apiOf(script(failed)), getThing, { id: 'a' }).subscribe({ error: (error) => errors.push(error) })
    const thrown = new Error('broken middleware')
    const broken: Transport = () => {
      throw thrown
    }
    call(apiOf(broken), getThing, { id: 'a' }).subscribe({ error: (error) => errors.push(error) })
    expect(errors).toEqual([failed, thrown])
  })

  it('cancels on the wire when unsubscribed', () => {
    const transport = script('never')
    const subscription = call(apiOf(transport), getThing, { id: 'a' }).subscribe()
    expect(transport.cancelled).toHaveLength(0)
    subscription.unsubscribe()
    expect(transport.cancelled).toHaveLength(1)
  })
})

describe('decoding', () => {
  const decodeError = (body: string | object): CloudError => {
    const errors: CloudError[] = []
    call(apiOf(script(responseOf(200, body))), getThing, { id: 'a' }).subscribe({
      error: (error: CloudError) => errors.push(error),
    })
    expect(errors).toHaveLength(1)
    return errors[0]!
  }

  it.each([
    ['', 'body is empty'],
    ['<html>', 'body is not JSON'],
    [{ id: 1, password: 'hunter2' }, 'id: Invalid input: expected string, received number'],
    [[], 'body: Invalid input: expected object, received array'],
  ])('names operation and fault of %j, and no secret', (body, issue) => {
    const error = decodeError(body)
    expect(error).toBeInstanceOf(ResponseFormatError)
    expect(error).toMatchObject({ operation: 'test.things.get', cloud: 'synnefo', retryable: false })
    expect(error).toMatchObject({ issues: [issue] })
    expect(error.message).toContain(`test.things.get: the answer (status 200) is not what the protocol says`)
    expect(inspect(error)).not.toContain('hunter2')
  })

  it('shows nothing of a broken body that may hold the secret of the operation', () => {
    const error = decodeError('{"id":"a","password":"hunter2"')
    expect(inspect(error)).not.toContain('hunter2')
    expect(error).toMatchObject({ excerpt: '30 bytes that may hold a secret' })
  })

  it('wraps what a decoder throws', () => {
    const cause = new RangeError('too deep')
    const decode = () => {
      throw cause
    }
    const errors: unknown[] = []
    call(apiOf(script(responseOf(200))), operationOf({ decode }), { path: '/' }).subscribe({
      error: (error) => errors.push(error),
    })
    expect(errors[0]).toBeInstanceOf(ResponseFormatError)
    expect(errors[0]).toMatchObject({ operation: 'test.things.do', cause })
  })

  it('keeps a secret readable, but out of JSON, inspect and copies', async () => {
    const body = { id: 'a', size: 1, password: 'hunter2' }
    const thing = await firstValueFrom(call(apiOf(script(responseOf(200, body))), getThing, { id: 'a' }))
    expect(thing.password).toBe('hunter2')
    expect(JSON.stringify(thing)).toBe('{"id":"a","size":1}')
    expect(inspect(thing, { depth: 9 })).not.toContain('hunter2')
    expect({ ...thing }).toEqual({ id: 'a', size: 1 })
  })
})

describe('drift', () => {
  const body = { id: 'a', size: 'large', extra: true }

  it('is an event when somebody watches, and the value comes as it is', () => {
    const traffic = createTraffic()
    const events: TrafficEvent[] = []
    traffic.events.subscribe((event) => events.push(event))
    const got: unknown[] = []
    call(apiOf(script(responseOf(200, body)), { traffic }), getThing, { id: 'a' }).subscribe((thing) =>
      got.push(thing),
    )
    expect(got).toEqual([body])
    expect(events).toEqual([
      {
        kind: 'drift',
        operation: 'test.things.get',
        issues: ['size: Invalid input: expected number, received string'],
      },
    ])
  })

  it('is an error where the client is strict', () => {
    const errors: unknown[] = []
    call(apiOf(script(responseOf(200, body)), { strict: true }), getThing, { id: 'a' }).subscribe({
      error: (error) => errors.push(error),
    })
    expect(errors[0]).toBeInstanceOf(ResponseFormatError)
    expect((errors[0] as ResponseFormatError).issues).toEqual([
      'size: Invalid input: expected number, received string',
    ])
  })

  it('is not even looked for when nobody watches', () => {
    const described = z.looseObject({ id: z.string(), size: z.number() })
    const looked = vi.spyOn(described, 'safeParse')
    const operation: Operation<{ readonly id: string }, unknown> = {
      ...getThing,
      decode: json(z.looseObject({ id: z.string() }), described),
    }
    const traffic = createTraffic()
    const get = call(apiOf(script(responseOf(200, body)), { traffic }), operation, { id: 'a' })
    get.subscribe()
    expect(looked).not.toHaveBeenCalled()
    const watching = traffic.events.subscribe()
    get.subscribe()
    expect(looked).toHaveBeenCalledTimes(1)
    watching.unsubscribe()
    get.subscribe()
    expect(looked).toHaveBeenCalledTimes(1)
  })
})

describe('timeout and signal', () => {
  it(
    'a timeout ends the call and the request',
    marbles(({ runtime, expectObservable, flush }) => {
      const transport = script('never')
      const get = call(apiOf(transport, { runtime }), getThing, { id: 'a' }, { timeout: 50 })
      const expected = new RequestTimeoutError('test.things.get: no result within 50 ms', {
        cloud: 'synnefo',
        operation: 'test.things.get',
        retryable: true,
      })
      expectObservable(get).toBe('50ms #', undefined, expected)
      flush()
      expect(transport.cancelled).toHaveLength(1)
    }),
  )

  it('a timeout of a call that must not be sent twice says so', () => {
    const errors: unknown[] = []
    marbles(({ runtime, flush }) => {
      const post = operationOf({ method: 'POST' })
      call(apiOf(script('never'), { runtime }), post, { path: '/' }, { timeout: 5 }).subscribe({
        error: (error) => errors.push(error),
      })
      flush()
    })()
    expect(errors).toMatchObject([{ code: 'SKY_NETWORK_TIMEOUT', retryable: false }])
  })

  it('an answer in time leaves no timer, and a timeout longer than a timer holds is no timeout of 1 ms', () => {
    marbles(({ runtime, expectObservable, cold, flush }) => {
      const timers = new Set<Subscription>()
      const delays: number[] = []
      const counting = {
        now: () => runtime.scheduler.now(),
        schedule: ((work: never, delay: number, state: never) => {
          delays.push(delay)
          const timer = runtime.scheduler.schedule(work, delay, state)
          timers.add(timer)
          return timer
        }) as typeof runtime.scheduler.schedule,
      }
      const transport: Transport = (_request, handler) => {
        const subscription = cold('---a').subscribe(() => {
          handler.next(responseOf(200, { id: 'a' }))
        })
        return () => {
          subscription.unsubscribe()
        }
      }
      const api = apiOf(transport, { runtime: { ...runtime, scheduler: counting } })
      expectObservable(call(api, getThing, { id: 'a' }, { timeout: 10 })).toBe('---(a|)', { a: { id: 'a' } })
      expectObservable(call(api, getThing, { id: 'a' }, { timeout: Infinity })).toBe('---(a|)', {
        a: { id: 'a' },
      })
      flush()
      expect(delays).toEqual([10, MAX_DELAY_MS])
      expect([...timers].every((timer) => timer.closed)).toBe(true)
    })()
  })

  it('a signal that is aborted already: nothing is sent', () => {
    const transport = script('never')
    const reason = new Error('changed my mind')
    const errors: unknown[] = []
    const options = { signal: AbortSignal.abort(reason) }
    call(apiOf(transport), getThing, { id: 'a' }, options).subscribe({ error: (error) => errors.push(error) })
    expect(errors).toEqual([reason])
    expect(transport.requests).toEqual([])
  })

  it('aborting ends the call with the reason, and the request', () => {
    const transport = script('never')
    const controller = new AbortController()
    const errors: unknown[] = []
    call(apiOf(transport), getThing, { id: 'a' }, { signal: controller.signal }).subscribe({
      error: (error) => errors.push(error),
    })
    const reason = new Error('changed my mind')
    controller.abort(reason)
    expect(errors).toEqual([reason])
    expect(transport.cancelled).toHaveLength(1)
  })

  it('aborting from within the transport', () => {
    const controller = new AbortController()
    let cancelled = 0
    const errors: unknown[] = []
    const transport: Transport = () => {
      controller.abort('now')
      return () => (cancelled += 1)
    }
    call(apiOf(transport), getThing, { id: 'a' }, { signal: controller.signal }).subscribe({
      error: (error) => errors.push(error),
    })
    expect([errors, cancelled]).toEqual([['now'], 1])
  })

  it.each([
    ['an answer', script(responseOf(200, { id: 'a' }))],
    ['an error', script(new NetworkError('cut'))],
    ['nothing, until unsubscribed', script('never')],
    [
      'an exception',
      () => {
        throw new Error('broken')
      },
    ],
  ] as const)('no listener stays on the signal after %s', (_what, transport) => {
    const { signal } = new AbortController()
    const added = vi.spyOn(signal, 'addEventListener')
    const removed = vi.spyOn(signal, 'removeEventListener')
    call(apiOf(transport), getThing, { id: 'a' }, { signal })
      .subscribe({ error: () => undefined })
      .unsubscribe()
    expect(added).toHaveBeenCalledTimes(1)
    expect(removed).toHaveBeenCalledWith('abort', added.mock.calls[0]?.[1])
  })
})

describe('async context', () => {
  it("is the subscriber's in every callback, through undici, retries and aborts", async () => {
    const server = await serveHttp((request, response) => {
      if (request.url === '/hang') return
      if (server.seen.length === 1) response.writeHead(503)
      response.end('{"id":"a"}')
    })
    const storage = new AsyncLocalStorage<string>()
    const core = createCore({ retry: { backoff: () => 1 }, connection: { proxy: false } })
    const api = createApi(core, {
      cloud: 'synnefo',
      endpoint: server.origin,
      errors: { cloud: 'synnefo', readFault: () => ({}) },
    })
    const seen: unknown[] = []
    try {
      await new Promise<void>((resolve) => {
        storage.run('first', () => {
          call(api, getThing, { id: 'a' }).subscribe({
            next: () => seen.push(['next', storage.getStore()]),
            complete: () => {
              seen.push(['complete', storage.getStore()])
              resolve()
            },
          })
        })
      })
      const controller = new AbortController()
      await new Promise<void>((resolve) => {
        storage.run('second', () => {
          call(api, operationOf(), { path: '/hang' }, { signal: controller.signal }).subscribe({
            error: () => {
              seen.push(['error', storage.getStore()])
              resolve()
            },
          })
        })
        storage.run('another', () => {
          controller.abort()
        })
      })
    } finally {
      core.close()
      await server.close()
    }
    expect(server.seen.slice(0, 2)).toEqual(['GET /things/a', 'GET /things/a'])
    expect(seen).toEqual([
      ['next', 'first'],
      ['complete', 'first'],
      ['error', 'second'],
    ])
  })
})
