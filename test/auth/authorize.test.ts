import { EMPTY, NEVER, of, Subject, throwError, type Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { authorize, bearer, type Attach } from '../../src/auth/authorize.js'
import type { Token, TokenSource } from '../../src/auth/token.js'
import { TokenSubject } from '../../src/auth/token-subject.js'
import {
  ConfigurationError,
  httpError,
  isHttpError,
  NetworkError,
  TokenError,
  type CloudError,
  type HttpError,
} from '../../src/errors.js'
import type {
  AnyOperation,
  Cancel,
  HttpRequest,
  HttpResponse,
  ResponseHandler,
} from '../../src/http/types.js'

const operation: AnyOperation = {
  id: 'stackit.test.get',
  method: 'GET',
  path: '/',
  success: [200],
  encode: () => ({ path: '/' }),
  decode: () => undefined,
}
const request: HttpRequest = {
  cloud: 'stackit',
  operation,
  method: 'GET',
  origin: 'https://api.example.org',
  path: '/',
  headers: { accept: 'application/json' },
  body: undefined,
  sink: undefined,
  idempotent: true,
  options: {},
  secrets: undefined,
}
const ok: HttpResponse = { status: 200, headers: {}, body: new Uint8Array() }

function refusal(status: number): HttpError {
  return httpError({ status, method: 'GET', url: 'https://api.example.org/', operation: operation.id })
}

/** A transport that keeps what it is given until the test answers. */
function wire() {
  const sent: { request: HttpRequest; handler: ResponseHandler; cancelled: boolean }[] = []
  const transport = (sentRequest: HttpRequest, handler: ResponseHandler): Cancel => {
    const entry = { request: sentRequest, handler, cancelled: false }
    sent.push(entry)
    return () => {
      entry.cancelled = true
    }
  }
  return { sent, transport }
}

function outcome() {
  const results: (HttpResponse | CloudError)[] = []
  const handler: ResponseHandler = {
    next: (response) => results.push(response),
    error: (error) => results.push(error),
  }
  return { results, handler }
}

/** Tokens 1, 2, 3 … each given when `acquired` says so, or at once. */
function numbered(acquired?: Subject<void>) {
  let acquisitions = 0
  const tokens = new TokenSubject({
    acquire: (): Observable<Token> => {
      const token = { value: `token-${String(++acquisitions)}`, obtainedAt: 0 }
      if (acquired === undefined) return of(token)
      const answer = new Subject<Token>()
      acquired.subscribe(() => {
        answer.next(token)
      })
      return answer
    },
  })
  return { tokens, acquisitions: () => acquisitions }
}

const authorizationOf = (entry: { request: HttpRequest } | undefined) =>
  entry?.request.headers['authorization']

describe('a request', () => {
  it('goes straight on with the current token, whose value is known as a secret', () => {
    const { tokens } = numbered()
    tokens.token().subscribe()
    const { sent, transport } = wire()
    const { results, handler } = outcome()
    authorize(tokens, bearer)(transport)({ ...request, secrets: ['other'] }, handler)
    expect(sent).toHaveLength(1)
    expect(sent[0]?.request).toMatchObject({
      headers: { accept: 'application/json', authorization: 'Bearer token-1' },
      secrets: ['other', 'token-1'],
    })
    expect(request.headers).toEqual({ accept: 'application/json' })
    sent[0]?.handler.next(ok)
    expect(results).toEqual([ok])
  })

  it('keeps an authorization that the call brings along', () => {
    const { tokens } = numbered()
    const { sent, transport } = wire()
    const { handler } = outcome()
    authorize(tokens, bearer)(transport)({ ...request, headers: { authorization: 'Basic mine' } }, handler)
    expect(authorizationOf(sent[0])).toBe('Basic mine')
  })

  it('waits for a token where there is none, together with all others', () => {
    const acquired = new Subject<void>()
    const { tokens, acquisitions } = numbered(acquired)
    const { sent, transport } = wire()
    const send = authorize(tokens, bearer)(transport)
    for (let caller = 0; caller < 1_000; caller++) send(request, outcome().handler)
    expect(sent).toHaveLength(0)
    acquired.next()
    expect(sent).toHaveLength(1_000)
    expect(new Set(sent.map(authorizationOf))).toEqual(new Set(['Bearer token-1']))
    expect(sent[999]?.request.secrets).toEqual(['token-1'])
    expect(acquisitions()).toBe(1)
  })

  it('fails with the error of the acquisition', () => {
    const outage = new NetworkError('out of reach', { retryable: true })
    const tokens = new TokenSubject({ acquire: () => throwError(() => outage) })
    const { sent, transport } = wire()
    const { results, handler } = outcome()
    authorize(tokens, bearer)(transport)(request, handler)
    expect(results).toEqual([outage])
    expect(sent).toHaveLength(0)
  })

  it('gets what attach makes of it, and an error if that throws', () => {
    const { tokens } = numbered()
    const moved: Attach = (token, original) => ({ ...original, origin: `https://${token.value}.example.org` })
    const missing = new ConfigurationError('no such service')
    const { sent, transport } = wire()
    const { results, handler } = outcome()
    authorize(tokens, moved)(transport)(request, handler)
    expect(sent[0]?.request.origin).toBe('https://token-1.example.org')
    const failing = (error: unknown): Attach => {
      return () => {
        throw error
      }
    }
    authorize(tokens, failing(missing))(transport)(request, handler)
    authorize(tokens, failing(new RangeError('surprise')))(transport)(request, handler)
    expect(results[0]).toBe(missing)
    expect(results[1]).toMatchObject({
      code: 'SKY_TOKEN',
      message: `${operation.id}: the token could not be attached`,
    })
    expect(sent).toHaveLength(1)
  })
})

describe('a 401', () => {
  it('is answered by one replay with a new token', () => {
    const { tokens, acquisitions } = numbered()
    const { sent, transport } = wire()
    const { results, handler } = outcome()
    authorize(tokens, bearer)(transport)(request, handler)
    sent[0]?.handler.error(refusal(401))
    expect(sent.map(authorizationOf)).toEqual(['Bearer token-1', 'Bearer token-2'])
    sent[1]?.handler.next(ok)
    expect(results).toEqual([ok])
    expect(acquisitions()).toBe(2)
  })

  it('is final the second time, and the new token stays', () => {
    const { tokens, acquisitions } = numbered()
    const { sent, transport } = wire()
    const { results, handler } = outcome()
    authorize(tokens, bearer)(transport)(request, handler)
    sent[0]?.handler.error(refusal(401))
    const second = refusal(401)
    sent[1]?.handler.error(second)
    expect(results).toEqual([second])
    expect(sent).toHaveLength(2)
    expect(acquisitions()).toBe(2)
    expect(tokens.current()?.value).toBe('token-2')
  })

  it('costs one renewal for a storm of 1,000', () => {
    const acquired = new Subject<void>()
    const { tokens, acquisitions } = numbered(acquired)
    const { sent, transport } = wire()
    const send = authorize(tokens, bearer)(transport)
    const outcomes = Array.from({ length: 1_000 }, outcome)
    for (const { handler } of outcomes) send(request, handler)
    acquired.next()
    const [late, ...storm] = sent.splice(0)
    for (const { handler } of storm) handler.error(refusal(401))
    expect(acquisitions()).toBe(2)
    acquired.next()
    expect(sent).toHaveLength(999)
    late?.handler.error(refusal(401))
    expect(sent.map(authorizationOf)).toEqual(Array.from({ length: 1_000 }, () => 'Bearer token-2'))
    for (const { handler } of sent) handler.next(ok)
    expect(outcomes.map(({ results }) => results)).toEqual(Array.from({ length: 1_000 }, () => [ok]))
    expect(acquisitions()).toBe(2)
  })

  it.each([403, 400, 500])('is what counts, not a %i', (status) => {
    const { tokens, acquisitions } = numbered()
    const { sent, transport } = wire()
    const { results, handler } = outcome()
    authorize(tokens, bearer)(transport)(request, handler)
    const error = refusal(status)
    sent[0]?.handler.error(error)
    expect(results).toEqual([error])
    expect(acquisitions()).toBe(1)
    expect(tokens.current()?.value).toBe('token-1')
  })

  it('is replayed by a transport that answers before it returns, too', () => {
    const { tokens } = numbered()
    const cancelled: string[] = []
    const { results, handler } = outcome()
    const seen: (string | undefined)[] = []
    const cancel = authorize(
      tokens,
      bearer,
    )((attempt, given) => {
      seen.push(attempt.headers['authorization'])
      const name = `attempt ${String(seen.length)}`
      if (seen.length === 1) given.error(refusal(401))
      return () => cancelled.push(name)
    })(request, handler)
    expect(seen).toEqual(['Bearer token-1', 'Bearer token-2'])
    cancel()
    expect(cancelled).toEqual(['attempt 2'])
    expect(results).toEqual([])
  })

  describe('without a new token', () => {
    function renewalFails(error: unknown) {
      let acquisitions = 0
      const tokens = new TokenSubject({
        acquire: () =>
          ++acquisitions === 1 ? of({ value: 'only', obtainedAt: 0 }) : throwError(() => error),
      })
      const { sent, transport } = wire()
      const { results, handler } = outcome()
      authorize(tokens, bearer)(transport)(request, handler)
      const first = refusal(401)
      sent[0]?.handler.error(first)
      return { results, first, tokens, sent }
    }

    it('gives the error of the renewal, which says why', () => {
      const outage = new NetworkError('out of reach')
      const { results, sent } = renewalFails(outage)
      expect(results).toEqual([outage])
      expect(sent).toHaveLength(1)
    })

    it('gives a TokenError that has no cause the 401 as its cause', () => {
      const { results, first } = renewalFails(new TokenError('no way to renew it', { cloud: 'stackit' }))
      expect(results).toHaveLength(1)
      expect(results[0]).toMatchObject({
        code: 'SKY_TOKEN',
        message: 'no way to renew it',
        operation: operation.id,
        cause: first,
      })
    })

    it('gives a TokenError that has a cause as it is', () => {
      const renewal = new TokenError('refused, too', { cause: refusal(401) })
      expect(renewalFails(renewal).results).toEqual([renewal])
    })

    it('gives the 401 if a token source of the user ends without a word', () => {
      const token = { value: 'mine', obtainedAt: 0 }
      const { tokens } = numbered()
      const silent = Object.assign(Object.create(tokens) as TokenSource, {
        current: () => token,
        invalidate: () => undefined,
        token: () => EMPTY,
      })
      const { sent, transport } = wire()
      const { results, handler } = outcome()
      authorize(silent, bearer)(transport)(request, handler)
      const first = refusal(401)
      sent[0]?.handler.error(first)
      expect(results).toEqual([first])
    })
  })
})

describe('what may be a refusal', () => {
  const mayBeRefusal = (error: CloudError) => isHttpError(error, 403)

  /** A request that was refused with the first token, which stays while it is renewed. */
  function suspected(acquired?: Subject<void>, now?: () => number) {
    const { tokens, acquisitions } = numbered(acquired)
    const { sent, transport } = wire()
    const send = authorize(tokens, bearer, { mayBeRefusal, ...(now === undefined ? {} : { now }) })(transport)
    const { results, handler } = outcome()
    send(request, handler)
    acquired?.next()
    const first = refusal(403)
    sent[0]?.handler.error(first)
    return { tokens, acquisitions, sent, send, results, first }
  }

  it('is answered by one replay with a new token, and the old one serves meanwhile', () => {
    const acquired = new Subject<void>()
    const { tokens, acquisitions, sent, send, results } = suspected(acquired)
    expect(tokens.current()?.value).toBe('token-1')
    send(request, outcome().handler)
    expect(sent.map(authorizationOf)).toEqual(['Bearer token-1', 'Bearer token-1'])
    acquired.next()
    expect(authorizationOf(sent[2])).toBe('Bearer token-2')
    sent[2]?.handler.next(ok)
    expect(results).toEqual([ok])
    expect(acquisitions()).toBe(2)
  })

  it('was none if the new token is refused as well: the caller gets the first answer, and no other renewal comes of it', () => {
    const { tokens, acquisitions, sent, send, results, first } = suspected()
    sent[1]?.handler.error(refusal(403))
    expect(results).toEqual([first])
    expect(results[0]).toBe(first)
    expect(tokens.current()?.value).toBe('token-2')
    const later = outcome()
    send(request, later.handler)
    const forbidden = refusal(403)
    sent[2]?.handler.error(forbidden)
    expect(later.results[0]).toBe(forbidden)
    expect(sent).toHaveLength(3)
    expect(acquisitions()).toBe(2)
  })

  it('is suspected again of the next token', () => {
    const { tokens, acquisitions, sent, send } = suspected()
    sent[1]?.handler.error(refusal(403))
    tokens.next({ kind: 'valid', token: { value: 'token of another', obtainedAt: 0 } })
    send(request, outcome().handler)
    sent[2]?.handler.error(refusal(403))
    expect(authorizationOf(sent[3])).toBe('Bearer token-3')
    expect(acquisitions()).toBe(3)
  })

  it('is suspected again of the same token when five minutes have passed: servers lose sessions', () => {
    let now = 1_000
    const { acquisitions, sent, send } = suspected(undefined, () => now)
    sent[1]?.handler.error(refusal(403))
    now += 299_999
    send(request, outcome().handler)
    sent[2]?.handler.error(refusal(403))
    expect([sent.length, acquisitions()]).toEqual([3, 2])
    now += 1
    send(request, outcome().handler)
    sent[3]?.handler.error(refusal(403))
    expect(authorizationOf(sent[4])).toBe('Bearer token-3')
    expect(acquisitions()).toBe(3)
  })

  it.each([401, 404, 500])('gives way to a second answer of %i', (status) => {
    const { sent, results, acquisitions } = suspected()
    const second = refusal(status)
    sent[1]?.handler.error(second)
    expect(results[0]).toBe(second)
    expect(sent).toHaveLength(2)
    expect(acquisitions()).toBe(2)
  })

  it('is the answer if the renewal fails, and the token stays', () => {
    let acquisitions = 0
    const tokens = new TokenSubject({
      acquire: () =>
        ++acquisitions === 1
          ? of({ value: 'only', obtainedAt: 0 })
          : throwError(() => new NetworkError('out of reach')),
    })
    const { sent, transport } = wire()
    const { results, handler } = outcome()
    const send = authorize(tokens, bearer, { mayBeRefusal })(transport)
    send(request, handler)
    const first = refusal(403)
    sent[0]?.handler.error(first)
    expect(results).toEqual([first])
    expect(tokens.current()?.value).toBe('only')
    send(request, handler)
    sent[1]?.handler.error(refusal(403))
    expect(acquisitions).toBe(3)
  })

  it('of many at once costs one renewal, also for those that come late', () => {
    const acquired = new Subject<void>()
    const { tokens, acquisitions } = numbered(acquired)
    const { sent, transport } = wire()
    const send = authorize(tokens, bearer, { mayBeRefusal })(transport)
    const outcomes = Array.from({ length: 100 }, outcome)
    for (const { handler } of outcomes) send(request, handler)
    acquired.next()
    const [late, ...storm] = sent.splice(0)
    for (const { handler } of storm) handler.error(refusal(403))
    acquired.next()
    late?.handler.error(refusal(403))
    expect(acquisitions()).toBe(2)
    expect(sent.map(authorizationOf)).toEqual(Array.from({ length: 100 }, () => 'Bearer token-2'))
    for (const { handler } of sent) handler.next(ok)
    expect(outcomes.map(({ results }) => results)).toEqual(Array.from({ length: 100 }, () => [ok]))
  })

  it('does not disturb what a 401 means', () => {
    const { tokens, acquisitions } = numbered()
    const { sent, transport } = wire()
    const { results, handler } = outcome()
    authorize(tokens, bearer, { mayBeRefusal })(transport)(request, handler)
    sent[0]?.handler.error(refusal(401))
    expect(authorizationOf(sent[1])).toBe('Bearer token-2')
    const second = refusal(403)
    sent[1]?.handler.error(second)
    expect(results[0]).toBe(second)
    expect(acquisitions()).toBe(2)
  })

  it('is waited for no longer when the request is cancelled', () => {
    const acquired = new Subject<void>()
    const { tokens } = numbered(acquired)
    const { sent, transport } = wire()
    const { results, handler } = outcome()
    const cancel = authorize(tokens, bearer, { mayBeRefusal })(transport)(request, handler)
    acquired.next()
    sent[0]?.handler.error(refusal(403))
    cancel()
    acquired.next()
    expect(sent).toHaveLength(1)
    expect(results).toEqual([])
  })
})

describe('cancelling', () => {
  it('ends the wait for a token, not the acquisition that others share', () => {
    const acquired = new Subject<void>()
    const { tokens, acquisitions } = numbered(acquired)
    const { sent, transport } = wire()
    const { results, handler } = outcome()
    const send = authorize(tokens, bearer)(transport)
    send(request, handler)()
    send(request, handler)
    acquired.next()
    expect(sent).toHaveLength(1)
    expect(acquisitions()).toBe(1)
    expect(results).toEqual([])
  })

  it('ends the request, the wait for its replay, and the replay', () => {
    for (const phase of ['request', 'wait', 'replay']) {
      const acquired = new Subject<void>()
      const { tokens } = numbered(acquired)
      const { sent, transport } = wire()
      const { results, handler } = outcome()
      const cancel = authorize(tokens, bearer)(transport)(request, handler)
      acquired.next()
      if (phase !== 'request') sent[0]?.handler.error(refusal(401))
      if (phase === 'replay') acquired.next()
      cancel()
      if (phase === 'wait') acquired.next()
      expect(sent.map(({ cancelled }) => cancelled)).toEqual(
        { request: [true], wait: [false], replay: [false, true] }[phase],
      )
      sent.at(-1)?.handler.next(ok)
      sent.at(-1)?.handler.error(refusal(401))
      expect(results).toEqual([])
    }
  })

  it('holds even if an observer of the token cancels while the replay is being made', () => {
    const { tokens } = numbered()
    const { sent, transport } = wire()
    const { results, handler } = outcome()
    const cancel = authorize(tokens, bearer)(transport)(request, handler)
    tokens.subscribe((state) => {
      if (state.kind === 'refreshing') cancel()
    })
    sent[0]?.handler.error(refusal(401))
    expect(sent).toHaveLength(1)
    expect(results).toEqual([])
  })
})

it('does nothing while a source never gives a token', () => {
  const tokens = new TokenSubject({ acquire: () => NEVER })
  const { sent, transport } = wire()
  const { results, handler } = outcome()
  authorize(tokens, bearer)(transport)(request, handler)
  expect([sent, results]).toEqual([[], []])
  tokens.close()
  expect(results).toMatchObject([{ code: 'SKY_TOKEN', message: 'no token: the client is closed' }])
})
