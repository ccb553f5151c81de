import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  ConfigurationError,
  httpError,
  isAbort,
  isCloudError,
  isHttpError,
  isNetworkError,
  isSecretName,
  isTransient,
  NetworkError,
  OperationFailedError,
  redactFields,
  redactText,
  redactUrl,
  RequestTimeoutError,
  retryAfterMs,
  TransferError,
  type CloudError,
} from '../src/errors.js'

const answer = (status: number) =>
  httpError({ status, method: 'GET', url: 'https://cloud.test/x', operation: 'test.get' })

describe('httpError', () => {
  it.each([
    [400, 'SKY_HTTP_VALIDATION', 'ValidationError'],
    [401, 'SKY_HTTP_AUTHENTICATION', 'AuthenticationError'],
    [403, 'SKY_HTTP_PERMISSION', 'PermissionError'],
    [404, 'SKY_HTTP_NOT_FOUND', 'NotFoundError'],
    [409, 'SKY_HTTP_CONFLICT', 'ConflictError'],
    [410, 'SKY_HTTP_NOT_FOUND', 'NotFoundError'],
    [412, 'SKY_HTTP_CONFLICT', 'ConflictError'],
    [413, 'SKY_HTTP', 'HttpError'],
    [422, 'SKY_HTTP_VALIDATION', 'ValidationError'],
    [429, 'SKY_HTTP_RATE_LIMIT', 'RateLimitError'],
    [500, 'SKY_HTTP_SERVER', 'ServerError'],
    [599, 'SKY_HTTP_SERVER', 'ServerError'],
  ])('%i is %s', (status, code, name) => {
    expect(answer(status)).toMatchObject({ status, code, name })
  })

  it('says operation, method, address, status and the reason of the cloud', () => {
    const error = httpError({
      status: 404,
      method: 'GET',
      url: 'https://ada:secret@cloud.test/x?token=t0psecret&page=2',
      operation: 'test.get',
      reason: 'itemNotFound: Server not found.',
    })
    expect(error.message).toBe(
      'test.get: GET https://cloud.test/x?token=[redacted]&page=2 answered 404: itemNotFound: Server not found.',
    )
  })
})

describe('guards', () => {
  /** What an error of another copy of the package looks like: the same code, another class. */
  const foreign = (code: string, rest: object = {}) => Object.assign(new Error('x'), { code, ...rest })

  it('look at the code and not at the class', () => {
    expect(isCloudError(foreign('SKY_TOKEN'))).toBe(true)
    expect(isHttpError(foreign('SKY_HTTP_NOT_FOUND', { status: 404 }), 404)).toBe(true)
    expect(isHttpError(foreign('SKY_HTTP_NOT_FOUND', { status: 404 }), 403)).toBe(false)
    expect(isNetworkError(foreign('SKY_NETWORK_TIMEOUT'))).toBe(true)
    expect(isNetworkError(foreign('SKY_HTTP'))).toBe(false)
    expect(isCloudError(foreign('ECONNRESET'))).toBe(false)
    expect(isCloudError({ code: 'SKY_TOKEN' })).toBe(false)
  })

  it('tell an abort from a failure', () => {
    expect(isAbort(AbortSignal.abort().reason)).toBe(true)
    expect(isAbort(new DOMException('late', 'TimeoutError'))).toBe(true)
    expect(isAbort(new RequestTimeoutError('late'))).toBe(false)
    expect(isAbort('AbortError')).toBe(false)
  })

  it('read what a retry goes by', () => {
    const busy = httpError({ status: 503, method: 'GET', url: 'x', retryable: true, retryAfterMs: 2_000 })
    expect([isTransient(busy), retryAfterMs(busy)]).toEqual([true, 2_000])
    const refused = new NetworkError('refused')
    expect([isTransient(refused), retryAfterMs(refused)]).toEqual([false, undefined])
  })
})

describe('errors as data', () => {
  it('are JSON without what is unknown, and name their cause', () => {
    const error = new NetworkError('reset', {
      operation: 'test.get',
      errno: 'ECONNRESET',
      cause: new Error('deep'),
    })
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'NetworkError',
      code: 'SKY_NETWORK',
      message: 'reset',
      operation: 'test.get',
      retryable: false,
      attempts: 1,
      totalDelayMs: 0,
      errno: 'ECONNRESET',
      cause: 'Error: deep',
    })
  })

  it('keep large and private fields readable, and out of every print', () => {
    const ref = { cloud: 'synnefo', operation: 'synnefo.servers.create', args: { id: 7 } } as const
    const failed = new OperationFailedError('failed', {
      ref,
      state: 'ERROR',
      snapshot: { adminPass: 'hunter2' },
    })
    const checkpoint = { version: 1, hashes: ['c0ffee'] } as never
    const stopped = new TransferError('stopped', { part: 3, checkpoint })
    expect(failed.snapshot).toEqual({ adminPass: 'hunter2' })
    expect(stopped.checkpoint).toBe(checkpoint)
    const printed = (error: CloudError): string =>
      inspect(error) + JSON.stringify(error) + JSON.stringify(Object.assign({}, error))
    expect(printed(failed)).not.toContain('hunter2')
    expect(printed(stopped)).not.toContain('c0ffee')
    expect(printed(failed)).toContain('"state":"ERROR"')
  })

  it('list every place that was looked at, in the message and as a field', () => {
    const error = new ConfigurationError('no key', {
      lookedAt: ['option serviceAccountKey: not set', '/home/ada/x: missing'],
    })
    expect(error.message).toBe('no key\n  - option serviceAccountKey: not set\n  - /home/ada/x: missing')
    expect(error.lookedAt).toHaveLength(2)
  })
})

describe('redaction', () => {
  it.each([
    'token',
    'access_token',
    'X-Auth-Token',
    'refreshToken',
    'adminPass',
    'private_key',
    'Set-Cookie',
    'temp_url_sig',
  ])('knows %s for a secret', (name) => {
    expect(isSecretName(name)).toBe(true)
  })
  it.each(['tokens', 'tokenEndpoint', 'keypair', 'passport', 'id', 'x-trace-id'])(
    'leaves %s alone',
    (name) => {
      expect(isSecretName(name)).toBe(false)
    },
  )

  it('goes through objects and lists, and keeps what only holds a secret', () => {
    const body = {
      access: { token: { id: 'a' }, password: 'b' },
      keys: [{ secret: 'c', name: 'd' }],
      mine: 'e',
    }
    expect(redactFields(body, ['mine'])).toEqual({
      access: { token: { id: 'a' }, password: '[redacted]' },
      keys: [{ secret: '[redacted]', name: 'd' }],
      mine: '[redacted]',
    })
  })

  it('takes given secrets out of texts, and those of an address', () => {
    expect(redactText('a t0ken, the t0ken', ['t0ken'])).toBe('a [redacted], the [redacted]')
    expect(redactUrl('https://u:p@h/x?X-Auth-Token=s&update')).toBe(
      'https://h/x?X-Auth-Token=[redacted]&update',
    )
    expect(redactUrl('http://h/a@b/c')).toBe('http://h/a@b/c')
  })
})
