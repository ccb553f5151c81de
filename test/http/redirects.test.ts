import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { NetworkError } from '../../src/errors.js'
import { followRedirects } from '../../src/http/redirects.js'
import type { HttpRequest, Transport } from '../../src/http/types.js'
import { operationOf, recorder, requestOf, responseOf, script } from './requests.js'

const to = (location: string, status = 302) => responseOf(status, '', { location })
const origin = 'https://cloud.test'
const headers = {
  accept: 'application/json',
  'user-agent': 'skystream',
  range: 'bytes=0-9',
  'x-auth-token': 'hunter2',
  authorization: 'Bearer hunter2',
  cookie: 'sid=hunter2',
  'x-custom': 'hunter2',
}

function follow(transport: Transport, overrides: Partial<HttpRequest> = {}) {
  const handler = recorder()
  const cancel = followRedirects()(transport)(
    requestOf({ origin, path: '/a/b', headers, ...overrides }),
    handler,
  )
  return { ...handler, cancel }
}

describe('followRedirects', () => {
  it.each([301, 302, 303, 307, 308])('follows %i on the same origin with all headers', (status) => {
    const end = responseOf(200, 'end')
    const transport = script(to('../c?x=1', status), end)
    expect(follow(transport).calls).toEqual([end])
    expect(transport.requests.map(({ path }) => path)).toEqual(['/a/b', '/c?x=1'])
    expect(transport.requests[1]).toMatchObject({ origin, headers })
  })

  it('knows its own origin in other letters and with the default port', () => {
    const transport = script(to('HTTPS://Cloud.Test:443/c'), responseOf(200))
    follow(transport)
    expect(transport.requests[1]?.headers).toEqual(headers)
  })

  it.each([
    'https://other.test/c',
    '//other.test/c',
    'https://cloud.test:8443/c',
    'https://user:pw@other.test/c',
  ])('tells nothing secret to %s', (location) => {
    const transport = script(to(location), responseOf(200))
    follow(transport)
    expect(transport.requests[1]?.path).toBe('/c')
    expect(transport.requests[1]?.origin).toBe(new URL(location, origin).origin)
    expect(transport.requests[1]?.headers).toEqual({
      accept: 'application/json',
      'user-agent': 'skystream',
      range: 'bytes=0-9',
    })
  })

  it('does not get its credentials back when it is sent home again', () => {
    const transport = script(to('https://other.test/c'), to(`${origin}/d`), responseOf(200))
    follow(transport)
    expect(transport.requests[2]).toMatchObject({ origin, path: '/d' })
    expect(transport.requests[2]?.headers).not.toHaveProperty('x-auth-token')
  })

  it.each([
    ['http://cloud.test/c', 'from https to http'],
    ['http://127.0.0.1/c', 'from https to http'],
    ['ftp://cloud.test/c', 'ftp: is not http'],
    ['javascript:alert(1)', 'javascript: is not http'],
    ['http://[', 'not an address'],
  ])('refuses %s', (location, why) => {
    const transport = script(to(location), responseOf(200))
    const [error] = follow(transport).calls
    expect(error).toBeInstanceOf(NetworkError)
    expect(error).toMatchObject({ operation: 'test.things.do', retryable: false })
    expect((error as NetworkError).message).toContain(`not followed: ${why}`)
    expect(transport.requests).toHaveLength(1)
  })

  it('gives up a circle, and hides its secrets', () => {
    const transport = script(to('/x?token=hunter2&y=tok-123456'))
    const [error] = follow(transport, { secrets: ['tok-123456'] }).calls
    expect((error as NetworkError).message).toContain('too many redirects')
    expect(inspect(error)).not.toMatch(/hunter2|tok-1/)
    expect(transport.requests).toHaveLength(6)
  })

  it('follows five', () => {
    const end = responseOf(200)
    const transport = script(to('/1'), to('/2'), to('/3'), to('/4'), to('/5'), end)
    expect(follow(transport).calls).toEqual([end])
  })

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'COPY'] as const)(
    'gives the redirect of a %s back',
    (method) => {
      const redirect = to('/c', 307)
      const transport = script(redirect, responseOf(200))
      expect(follow(transport, { method }).calls).toEqual([redirect])
      expect(transport.requests).toHaveLength(1)
    },
  )

  it('follows HEAD', () => {
    const transport = script(to('/c'), responseOf(200))
    follow(transport, { method: 'HEAD' })
    expect(transport.requests.map(({ method }) => method)).toEqual(['HEAD', 'HEAD'])
  })

  it('gives back a redirect that the operation asked for, one without a place, and what is none', () => {
    for (const [response, success] of [
      [to('/c'), [302]],
      [responseOf(302), [200]],
      [to('/c', 304), [200]],
      [to('/c', 201), [200]],
    ] as const) {
      const transport = script(response, responseOf(200))
      expect(follow(transport, { operation: operationOf({ success }) }).calls).toEqual([response])
    }
  })

  it('passes errors', () => {
    const error = new NetworkError('cut')
    expect(follow(script(error)).calls).toEqual([error])
    expect(follow(script(to('/c'), error)).calls).toEqual([error])
  })

  it('cancels whichever request is under way', () => {
    const first = script('never')
    follow(first).cancel()
    expect(first.cancelled).toHaveLength(1)
    const second = script(to('/c'), 'never')
    const { cancel, calls } = follow(second)
    cancel()
    expect(second.cancelled.map(({ path }) => path)).toContain('/c')
    expect(calls).toEqual([])
  })
})
