import { describe, expect, it } from 'vitest'
import { ConfigurationError, NetworkError } from '../../src/errors.js'
import { Cancellation, compose, hooks, isLoopback, requireSecure } from '../../src/http/middleware.js'
import type { Middleware } from '../../src/http/types.js'
import { recorder, requestOf, responseOf, script } from './requests.js'

describe('compose', () => {
  it('puts the first middleware outermost', () => {
    const log: string[] = []
    const named =
      (name: string): Middleware =>
      (next) =>
      (request, handler) => {
        log.push(`${name} in`)
        return next(request, {
          next: (response) => {
            log.push(`${name} out`)
            handler.next(response)
          },
          error: (error) => {
            handler.error(error)
          },
        })
      }
    const transport = compose(script(responseOf(200)), named('a'), named('b'))
    transport(requestOf(), recorder())
    expect(log).toEqual(['a in', 'b in', 'b out', 'a out'])
    const bare = script('never')
    expect(compose(bare)).toBe(bare)
  })
})

describe('hooks', () => {
  it('sees and changes the request, sees the answer before the caller', () => {
    const log: unknown[] = []
    const response = responseOf(200)
    const transport = script(response)
    const request = requestOf()
    const changed = { ...request, headers: { 'x-trace': '1' } }
    hooks({
      request: (given) => {
        log.push(['request', given])
        return changed
      },
      response: (...args) => log.push(['response', ...args]),
      error: (...args) => log.push(['error', ...args]),
    })(transport)(request, {
      next: (given) => log.push(['caller', given]),
      error: () => log.push('error'),
    })
    expect(transport.requests).toEqual([changed])
    expect(log).toEqual([
      ['request', request],
      ['response', response, changed],
      ['caller', response],
    ])
  })

  it('sees the error before the caller', () => {
    const failed = new NetworkError('cut')
    const log: unknown[] = []
    hooks({ error: (error) => log.push(['hook', error]) })(script(failed))(requestOf(), {
      next: () => log.push('next'),
      error: (error) => log.push(['caller', error]),
    })
    expect(log).toEqual([
      ['hook', failed],
      ['caller', failed],
    ])
  })

  it.each(['response', 'error'] as const)('what a hook throws at the %s is the error of the call', (name) => {
    const thrown = new Error('broken hook')
    const handler = recorder()
    const answer = name === 'response' ? responseOf(200) : new NetworkError('cut')
    const throwing = () => {
      throw thrown
    }
    hooks({ [name]: throwing })(script(answer))(requestOf(), handler)
    expect(handler.calls).toEqual([thrown])
  })

  it('passes cancellation', () => {
    const transport = script('never')
    hooks({})(transport)(requestOf(), recorder())()
    expect(transport.cancelled).toHaveLength(1)
  })
})

describe('requireSecure', () => {
  const sent = (origin: string) => {
    const transport = script(responseOf(200))
    const handler = recorder()
    const secured = requireSecure()(transport)
    secured(requestOf({ origin }), handler)
    secured(requestOf({ origin }), handler)
    return { count: transport.requests.length, calls: handler.calls }
  }

  it.each([
    'https://cloud.test',
    'https://10.0.0.1:8443',
    'http://localhost:8080',
    'http://LOCALHOST',
    'http://127.0.0.1',
    'http://127.255.0.3:80',
    'http://[::1]:80',
  ])('sends to %s', (origin) => {
    expect(sent(origin).count).toBe(2)
  })

  it.each([
    'http://cloud.test',
    'http://10.0.0.1',
    'http://localhost.evil.test',
    'http://127.0.0.1.evil.test',
    'http://127.0.0.1@evil.test',
    'http://[::2]',
    'ftp://localhost',
  ])('does not send to %s', (origin) => {
    const { count, calls } = sent(origin)
    expect(count).toBe(0)
    expect(calls).toHaveLength(2)
    expect(calls[0]).toBeInstanceOf(ConfigurationError)
    expect((calls[0] as Error).message).toContain(`${origin} is not https and not this machine`)
    expect((calls[0] as Error).message).toContain('allowInsecure')
  })

  it('says when no address is known', () => {
    const { count, calls } = sent('')
    expect(count).toBe(0)
    expect((calls[0] as Error).message).toBe('test.things.do: not sent, no address is known for it')
  })

  it('knows this machine', () => {
    expect(['https://localhost', 'http://127.0.0.1:1', 'https://cloud.test'].map(isLoopback)).toEqual([
      true,
      true,
      false,
    ])
  })
})

describe('Cancellation', () => {
  it('cancels the present step once, and every later one at once', () => {
    const log: string[] = []
    const cancellation = new Cancellation()
    cancellation.set(() => log.push('first'))
    cancellation.set(() => log.push('second'))
    expect([cancellation.cancelled, log]).toEqual([false, []])
    cancellation.cancel()
    cancellation.cancel()
    expect([cancellation.cancelled, log]).toEqual([true, ['second']])
    cancellation.set(() => log.push('third'))
    expect(log).toEqual(['second', 'third'])
  })
})
