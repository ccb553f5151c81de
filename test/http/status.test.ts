import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  AuthenticationError,
  ConflictError,
  HttpError,
  NetworkError,
  NotFoundError,
  PermissionError,
  RateLimitError,
  ServerError,
  ValidationError,
} from '../../src/errors.js'
import { parseRetryAfter, readErrors, type ErrorDialect } from '../../src/http/status.js'
import type { HttpRequest, HttpResponse } from '../../src/http/types.js'
import { operationOf, recorder, requestOf, responseOf, script } from './requests.js'

const now = Date.parse('2026-11-21T10:00:00Z')
const dialect: ErrorDialect = {
  cloud: 'synnefo',
  requestIdHeaders: ['x-request-id', 'x-trace-id'],
  readFault: (body) =>
    typeof body === 'object' && body !== null && 'message' in body
      ? { reason: String(body.message), details: body }
      : {},
}

function outcome(
  response: HttpResponse,
  overrides: Partial<HttpRequest> = {},
  other: Partial<ErrorDialect> = {},
): unknown {
  const handler = recorder()
  readErrors({ ...dialect, ...other }, () => now)(script(response))(requestOf(overrides), handler)
  expect(handler.calls).toHaveLength(1)
  return handler.calls[0]
}
const errorOf = (...args: Parameters<typeof outcome>): HttpError => outcome(...args) as HttpError

describe('readErrors', () => {
  it('lets through what the operation calls a success', () => {
    const response = responseOf(304)
    expect(outcome(response, { operation: operationOf({ success: [200, 304] }) })).toBe(response)
  })

  it('lets errors from below through', () => {
    const error = new NetworkError('cut')
    const handler = recorder()
    readErrors(dialect, () => now)(script(error))(requestOf(), handler)
    expect(handler.calls).toEqual([error])
  })

  it.each([
    [400, ValidationError],
    [401, AuthenticationError],
    [403, PermissionError],
    [404, NotFoundError],
    [409, ConflictError],
    [410, NotFoundError],
    [412, ConflictError],
    [413, HttpError],
    [422, ValidationError],
    [429, RateLimitError],
    [500, ServerError],
    [503, ServerError],
    [201, HttpError],
    [302, HttpError],
  ])('%i', (status, type) => {
    const error = errorOf(responseOf(status))
    expect(error).toBeInstanceOf(type)
    expect(error).toMatchObject({ status, operation: 'test.things.do', cloud: 'synnefo', method: 'GET' })
  })

  it("tells the cloud's own words, the request id and the address", () => {
    const body = { message: 'no such thing', code: 404 }
    const error = errorOf(responseOf(404, body, { 'x-trace-id': 'abc' }), {
      origin: 'https://cloud.test',
      path: '/things/1?token=hunter2&a=b',
    })
    expect(error).toMatchObject({ requestId: 'abc', reason: 'no such thing', body, faultDetails: body })
    expect(error.url).toBe('https://cloud.test/things/1?token=[redacted]&a=b')
    expect(error.message).toBe(
      'test.things.do: GET https://cloud.test/things/1?token=[redacted]&a=b answered 404: no such thing',
    )
  })

  it.each([
    ['fields of secret names', { password: 'hunter2', nested: [{ access_token: 'hunter2' }] }, undefined],
    ['the secrets of the operation', { adminPass: 'hunter2' }, undefined],
    ['the token of the request', { message: 'bad token tok-1234567' }, ['tok-1234567']],
    ['the token in text', '<html>tok-1234567</html>', ['tok-1234567']],
    ['a token where the excerpt ends', `${'x'.repeat(495)}tok-1234567`, ['tok-1234567']],
    ['assignments in text', 'token=hunter2 password: "hunter2"', undefined],
  ])('hides %s', (_what, body, secrets) => {
    const operation = operationOf(typeof body === 'string' ? {} : { secret: ['adminPass'] })
    const error = errorOf(responseOf(400, body), { operation, secrets })
    for (const shown of [inspect(error, { depth: 9 }), JSON.stringify(error), String(error)]) {
      expect(shown).not.toMatch(/hunter2|tok-1/)
    }
    expect(inspect(error)).toContain('[reda')
  })

  it('hides the token in the path', () => {
    const error = errorOf(responseOf(404), { path: '/tokens/tok-1234567', secrets: ['tok-1234567'] })
    expect(inspect(error)).not.toContain('tok-1234567')
  })

  it.each([
    ['GET', 503, true],
    ['GET', 500, true],
    ['GET', 502, true],
    ['GET', 504, true],
    ['GET', 408, true],
    ['GET', 425, true],
    ['GET', 429, true],
    ['GET', 501, false],
    ['GET', 404, false],
    ['POST', 503, false],
    ['POST', 429, false],
  ] as const)('%s %i: may be sent again: %s', (method, status, retryable) => {
    expect(errorOf(responseOf(status), { method }).retryable).toBe(retryable)
  })

  it('believes the dialect that nothing was processed', () => {
    const error = (status: number): HttpError =>
      errorOf(responseOf(status), { method: 'POST' }, { unprocessed: [429] })
    expect([error(429).retryable, error(503).retryable]).toEqual([true, false])
  })

  it('reads what the server asks to wait', () => {
    const date = 'Sat, 21 Nov 2026 12:00:00 GMT'
    const headers = { date, 'retry-after': 'Sat, 21 Nov 2026 12:00:30 GMT' }
    expect(errorOf(responseOf(503, '', headers)).retryAfterMs).toBe(30_000)
    expect(errorOf(responseOf(503, '', { 'retry-after': ['7', '9'] })).retryAfterMs).toBe(7_000)
    expect(errorOf(responseOf(503)).retryAfterMs).toBeUndefined()
  })
})

describe('parseRetryAfter', () => {
  const at = (seconds: number): string => new Date(now + seconds * 1_000).toUTCString()
  it.each([
    ['120', undefined, 120_000],
    [' 0 ', undefined, 0],
    ['12000', at(0), 12_000_000],
    [at(30), undefined, 30_000],
    [at(30), at(10), 20_000],
    [at(3_630), at(3_600), 30_000],
    [at(-30), undefined, 0],
    [at(30), 'nonsense', 30_000],
    [undefined, at(0), undefined],
    ['', undefined, undefined],
    ['soon', undefined, undefined],
    ['soon 5', undefined, undefined],
    ['1.5', undefined, undefined],
    ['-5', undefined, undefined],
  ])('%j, with Date %j, is %j', (value, date, expected) => {
    expect(parseRetryAfter(value, date, now)).toBe(expected)
  })
})
