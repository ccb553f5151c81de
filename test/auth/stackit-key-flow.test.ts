import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { decodeJwt, decodeProtectedHeader, jwtVerify, SignJWT, UnsecuredJWT } from 'jose'
import { asyncScheduler, catchError, firstValueFrom, of } from 'rxjs'
import { beforeEach, describe, expect, it } from 'vitest'
import { jwtExpiry } from '../../src/auth/jwt.js'
import { concealGrant, type StackitToken } from '../../src/auth/stackit-grants.js'
import { serverClock } from '../../src/auth/server-clock.js'
import { stackitKeyFlow } from '../../src/auth/stackit-key-flow.js'
import { NetworkError, type CloudError } from '../../src/errors.js'
import { createApi, createCore } from '../../src/http/client.js'
import type { HttpRequest, TrafficEvent } from '../../src/http/types.js'
import { constant } from '../../src/operators/backoff.js'
import { fakeTransport, type FakeAnswer, type FakeResponse } from '../../src/testing/fake-transport.js'
import { marbles } from '../../src/testing/marbles.js'
import { defaultRuntime } from '../../src/runtime.js'
import { stackitErrors } from '../../src/clients/stackit/errors.js'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const identity = {
  keyId: 'key-1',
  issuer: 'robot@sa.stackit.cloud',
  subject: 'a3f1c2d4-0000-4000-8000-000000000002',
  audience: 'https://audience.example.org',
}

const seconds = (): number => Math.floor(asyncScheduler.now() / 1000)
function jwt(expiresIn: number | undefined, name = 'token'): string {
  const token = new UnsecuredJWT({ name })
  if (expiresIn !== undefined) token.setExpirationTime(seconds() + expiresIn)
  return `${token.encode()}signature`
}

const granted = (more: object = {}): FakeResponse => ({
  json: { access_token: jwt(600), expires_in: 600, scope: '', token_type: 'Bearer', ...more },
})
const status = (code: number, message = 'no'): FakeResponse => ({
  status: code,
  json: { timeStamp: '2026-01-01', path: '/token', status: code, error: 'Error', message },
})

function flow(...answers: FakeAnswer[]) {
  const transport = fakeTransport({ 'POST /token': answers })
  const clock = serverClock(defaultRuntime)
  const core = createCore({ transport: clock.watch(transport) })
  const api = createApi(core, {
    cloud: 'stackit',
    errors: stackitErrors,
    endpoint: 'https://tokens.example.org',
    authorize: concealGrant,
  })
  const acquire = stackitKeyFlow({
    api,
    path: '/token',
    identity,
    privateKey,
    clock,
    retry: { backoff: constant(1) },
  })
  return { acquire, api, clock, traffic: core.traffic, requests: transport.requests }
}

const formOf = (request: HttpRequest | undefined): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(request?.body as string))

async function failureOf(action: Promise<unknown>): Promise<CloudError> {
  return action.then(
    () => {
      throw new Error('it succeeded')
    },
    (error: unknown) => error as CloudError,
  )
}

function held(refreshToken: string | undefined, refreshExpiresAt?: number): StackitToken {
  return {
    value: 'old',
    obtainedAt: 0,
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(refreshExpiresAt === undefined ? {} : { refreshExpiresAt }),
  }
}

describe('an assertion', () => {
  it('is signed with RS512, says who and to whom, lives 10 minutes, and is never the same', async () => {
    const { acquire, requests } = flow(granted())
    await firstValueFrom(acquire())
    await firstValueFrom(acquire())
    const [form, again] = requests.map(formOf)
    expect(form?.['grant_type']).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer')
    expect(requests[0]?.body).toMatch(
      /^grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=ey/,
    )
    const { payload, protectedHeader } = await jwtVerify(form?.['assertion'] ?? '', publicKey)
    expect(protectedHeader).toEqual({ alg: 'RS512', typ: 'JWT', kid: 'key-1' })
    expect(payload).toMatchObject({
      iss: identity.issuer,
      sub: identity.subject,
      aud: identity.audience,
    })
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(600)
    expect(Math.abs((payload.iat ?? 0) - seconds())).toBeLessThan(5)
    expect(payload.jti).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    const second = await jwtVerify(again?.['assertion'] ?? '', publicKey)
    expect(second.payload.jti).not.toBe(payload.jti)
  })

  it('goes to the token endpoint as a form, without authorization', async () => {
    const { acquire, requests } = flow(granted())
    await firstValueFrom(acquire())
    expect(requests[0]).toMatchObject({
      method: 'POST',
      origin: 'https://tokens.example.org',
      path: '/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(requests[0]?.headers).not.toHaveProperty('authorization')
  })

  it('is verified against another key in vain', async () => {
    const { acquire, requests } = flow(granted())
    await firstValueFrom(acquire())
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
    await expect(jwtVerify(formOf(requests[0])['assertion'] ?? '', other)).rejects.toThrow(/signature/)
    expect(decodeProtectedHeader(formOf(requests[0])['assertion'] ?? '').alg).toBe('RS512')
  })
})

describe('a granted token', () => {
  it('ends when its JWT says, corrected by the clock of the server', async () => {
    const ahead = 3_600
    const { acquire } = flow({
      headers: { date: new Date((seconds() + ahead) * 1000).toUTCString() },
      json: { access_token: jwt(ahead + 600), expires_in: 1, refresh_token: jwt(ahead + 1_000) },
    })
    const token = await firstValueFrom(acquire())
    expect(Math.abs((token.expiresAt ?? 0) - asyncScheduler.now() - 600_000)).toBeLessThan(3_000)
    expect(Math.abs((token.refreshExpiresAt ?? 0) - asyncScheduler.now() - 1_000_000)).toBeLessThan(3_000)
  })

  it.each([
    ['no JWT', 'opaque'],
    ['a JWT without an end', jwt(undefined)],
  ])('ends as the answer says where it is %s', async (_, accessToken) => {
    const { acquire } = flow(granted({ access_token: accessToken, expires_in: 3_600 }))
    const token = await firstValueFrom(acquire())
    expect(token.value).toBe(accessToken)
    expect((token.expiresAt ?? 0) - token.obtainedAt).toBe(3_600_000)
  })

  it('may come without a refresh token, and without a known end', async () => {
    const { acquire } = flow({ json: { access_token: 'opaque' } }, granted({ refresh_token: '' }))
    for (const token of [await firstValueFrom(acquire()), await firstValueFrom(acquire())]) {
      expect(token.refreshToken).toBeUndefined()
      expect(token.refreshExpiresAt).toBeUndefined()
    }
  })

  it('shows neither itself nor its refresh token', async () => {
    const [access, refresh] = [jwt(600, 'a'), jwt(600, 'r')]
    const { acquire } = flow(granted({ access_token: access, refresh_token: refresh }))
    const token = await firstValueFrom(acquire())
    expect([token.value, token.refreshToken]).toEqual([access, refresh])
    for (const print of [JSON.stringify(token), inspect(token), JSON.stringify({ ...token })]) {
      expect(print).not.toContain(access)
      expect(print).not.toContain(refresh)
    }
  })
})

describe('a refresh token', () => {
  it('is used while it lives', async () => {
    const refreshToken = jwt(600, 'refresh')
    const { acquire, requests } = flow(granted({ refresh_token: 'rotated' }))
    const token = await firstValueFrom(acquire(held(refreshToken)))
    expect(requests.map(formOf)).toEqual([{ grant_type: 'refresh_token', refresh_token: refreshToken }])
    expect(token.refreshToken).toBe('rotated')
  })

  it.each([
    ['over', held(jwt(-1))],
    ['over by our clock', held(jwt(600), 1)],
    ['no JWT', held('opaque')],
    ['without an end', held(jwt(undefined))],
    ['absent', held(undefined)],
  ])('is not used when it is %s', async (_, previous) => {
    const { acquire, requests } = flow(granted())
    await firstValueFrom(acquire(previous))
    expect(requests.map((request) => formOf(request)['grant_type'])).toEqual([
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
    ])
  })

  it.each([400, 401, 403])('that is refused with %i is followed by one assertion', async (code) => {
    const { acquire, requests } = flow(status(code), granted())
    await firstValueFrom(acquire(held(jwt(600))))
    expect(requests.map((request) => formOf(request)['grant_type'])).toEqual([
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
    ])
  })

  it('and an assertion that are both refused are no loop', async () => {
    const { acquire, requests } = flow(status(400))
    const error = await failureOf(firstValueFrom(acquire(held(jwt(600)))))
    expect(error).toMatchObject({ code: 'SKY_HTTP_VALIDATION', status: 400, reason: 'no' })
    expect(requests).toHaveLength(2)
  })
})

describe('trouble', () => {
  it('of the network, each time, is three requests and then an error (dossier 13)', async () => {
    const outage = new NetworkError('connection reset', { retryable: true })
    const { acquire, requests } = flow(outage)
    const error = await failureOf(firstValueFrom(acquire(held(jwt(600)))))
    expect(error).toBe(outage)
    expect(requests.map((request) => formOf(request)['grant_type'])).toEqual([
      'refresh_token',
      'refresh_token',
      'refresh_token',
    ])
  })

  it.each([500, 502, 503, 504, 429])('of the server passes: twice %i, then a token', async (code) => {
    const { acquire, requests, traffic } = flow(status(code), status(code), granted())
    const events: TrafficEvent[] = []
    const watching = traffic.events.subscribe((event) => events.push(event))
    await firstValueFrom(acquire())
    watching.unsubscribe()
    const assertions = new Set(requests.map((request) => formOf(request)['assertion']))
    expect(assertions.size).toBe(3)
    expect(events.filter(({ kind }) => kind === 'retry')).toMatchObject([
      { operation: 'stackit.tokens.grantByAssertion', attempt: 1, delayMs: 1, error: { status: code } },
      { operation: 'stackit.tokens.grantByAssertion', attempt: 2, delayMs: 1, error: { status: code } },
    ])
  })

  it('is not tried again where retries are off', async () => {
    const { api, requests } = flow(status(503))
    const acquire = stackitKeyFlow({ api, path: '/token', identity, privateKey, retry: false })
    expect(await failureOf(firstValueFrom(acquire()))).toMatchObject({ status: 503 })
    expect(requests).toHaveLength(1)
  })

  it.each([400, 401, 403, 404])('is not tried again with %i', async (code) => {
    const { acquire, requests } = flow(status(code))
    expect(await failureOf(firstValueFrom(acquire()))).toMatchObject({ status: code })
    expect(requests).toHaveLength(1)
  })

  it.each([201, 202, 204])('is every success but 200: %i', async (code) => {
    const { acquire } = flow({ status: code, json: { access_token: 'x' } })
    expect(await failureOf(firstValueFrom(acquire()))).toMatchObject({ status: code })
  })

  it('with an answer that is no token is typed and quotes no secret', async () => {
    for (const json of [{}, { access_token: '' }, { access_token: 7, refresh_token: 'hush' }, 'hush']) {
      const { acquire } = flow({ json })
      const error = await failureOf(firstValueFrom(acquire()))
      expect(error.code).toBe('SKY_RESPONSE_FORMAT')
      if (typeof json === 'object') expect(inspect(error)).not.toContain('hush')
    }
  })

  it.each([
    ['JSON', status(400, 'Key with kid key-1 was not found')],
    ['text', { status: 400, body: 'Key with kid key-1 was not found' }],
  ])('with a key that is not known says what to check: %s', async (_, answer) => {
    const { acquire } = flow(answer)
    const error = await failureOf(firstValueFrom(acquire()))
    expect(error.code).toBe('SKY_TOKEN')
    expect(error.message).toContain(
      'https://tokens.example.org/token does not know the service account key key-1',
    )
    expect(error.cause).toMatchObject({ status: 400 })
  })

  it('shows neither assertion nor refresh token, though the server repeats them', async () => {
    const { acquire, requests } = flow((request) => status(403, `refused: ${String(request.body)}`))
    const previous = held(jwt(600))
    const error = await failureOf(firstValueFrom(acquire(previous)))
    const { assertion = 'none' } = formOf(requests[1])
    for (const print of [inspect(error, { depth: 9 }), JSON.stringify(error), String(error)]) {
      expect(print).not.toContain(assertion)
      expect(print).not.toContain(previous.refreshToken)
    }
    expect(error.message).toContain('[redacted]')
  })
})

describe('a clock that is wrong', () => {
  const skews = [-600, 600]
  const dateAt = (skew: number): Record<string, string> => ({
    date: new Date(asyncScheduler.now() + skew * 1000).toUTCString(),
  })
  const issuedAt = (request: HttpRequest | undefined): number =>
    decodeJwt(formOf(request)['assertion'] ?? '').iat ?? 0
  /** Refuses assertions that are not of its own time, as a server does whose clock differs by so many seconds. */
  const serverAhead = (skew: number, seen: number[] = []): FakeAnswer => {
    return (request) => {
      const difference = issuedAt(request) - (seconds() + skew)
      seen.push(difference)
      return Math.abs(difference) < 60
        ? { ...granted(), headers: dateAt(skew) }
        : { ...status(400, 'assertion is not valid at this time'), headers: dateAt(skew) }
    }
  }

  it.each(skews)('by %i s is learnt from a refusal, and not forgotten', async (skew) => {
    const { acquire, clock, requests } = flow(serverAhead(skew))
    await firstValueFrom(acquire())
    expect(requests).toHaveLength(2)
    expect(Math.abs(clock.offset() - skew * 1000)).toBeLessThan(2_000)
    await firstValueFrom(acquire())
    expect(requests).toHaveLength(3)
  })

  it('is not the reason where it is right', async () => {
    const { acquire, requests } = flow({ ...status(400), headers: dateAt(20) })
    expect(await failureOf(firstValueFrom(acquire()))).toMatchObject({ status: 400 })
    expect(requests).toHaveLength(1)
  })

  it('does not make a loop of a refusal', async () => {
    const { acquire, requests } = flow({ ...status(403), headers: dateAt(7_200) })
    expect(await failureOf(firstValueFrom(acquire()))).toMatchObject({ status: 403 })
    expect(requests).toHaveLength(2)
  })
})

describe('a key that is refused', () => {
  const refused = async (more: object, answer: FakeAnswer = status(400, 'no')): Promise<CloudError> => {
    const { api } = flow(answer)
    const options = {
      api,
      path: '/token',
      identity: { ...identity, ...more },
      privateKey,
      retry: false,
    } as const
    return failureOf(firstValueFrom(stackitKeyFlow(options)()))
  }

  it('may be over: that is said', async () => {
    const error = await refused({ validUntil: '2020-01-01T00:00:00.000+00:00' })
    expect(error.code).toBe('SKY_TOKEN')
    expect(error.message).toBe(
      'the service account key key-1 is refused: it was valid until 2020-01-01T00:00:00.000+00:00',
    )
    expect(error.cause).toMatchObject({ status: 400 })
  })

  it('may be out of use: that is said', async () => {
    expect((await refused({ inactive: true })).message).toMatch(/key key-1 is refused: .* not active$/)
  })

  it.each<[object, FakeAnswer]>([
    [{ validUntil: '2999-01-01T00:00:00Z' }, status(400)],
    [{ validUntil: 'some day' }, status(403)],
    [{ validUntil: '2020-01-01T00:00:00Z' }, status(503)],
  ])('is not explained by what has nothing to do with it: %j', async (more, answer) => {
    expect((await refused(more, answer)).code).toMatch(/^SKY_HTTP/)
  })
})

describe('a token endpoint that does not answer', () => {
  it(
    'is asked three times, for 20 s each',
    marbles(({ runtime, cold, expectObservable, flush }) => {
      const transport = fakeTransport({ 'POST /token': cold<FakeResponse>('-') })
      const core = createCore({ transport, runtime })
      const api = createApi(core, {
        cloud: 'stackit',
        errors: stackitErrors,
        endpoint: 'https://tokens.example.org',
      })
      const acquire = stackitKeyFlow({
        api,
        path: '/token',
        identity,
        privateKey,
        retry: { backoff: constant(1_000) },
      })
      const previous: StackitToken = {
        value: 'old',
        obtainedAt: 0,
        refreshToken: 'r',
        refreshExpiresAt: 1e15,
      }
      expectObservable(acquire(previous).pipe(catchError((error: CloudError) => of(error.code)))).toBe(
        '62s (e|)',
        {
          e: 'SKY_NETWORK_TIMEOUT',
        },
      )
      flush()
      expect(transport.requests).toHaveLength(3)
    }),
  )
})

describe('the end of a JWT', () => {
  let signed: string
  beforeEach(async () => {
    signed = await new SignJWT({})
      .setProtectedHeader({ alg: 'RS512' })
      .setExpirationTime(1_800_000_000)
      .sign(privateKey)
  })

  it('is read without the key', () => {
    expect(jwtExpiry(signed)).toBe(1_800_000_000_000)
  })

  it.each([
    '',
    'opaque',
    'a.b',
    'a.%%%.c',
    `a.${Buffer.from('null').toString('base64url')}.c`,
    jwt(undefined),
  ])('is not known of %j', (text) => {
    expect(jwtExpiry(text)).toBeUndefined()
  })

  it('is not known if it is no number', () => {
    const payload = Buffer.from('{"exp":"soon"}').toString('base64url')
    expect(jwtExpiry(`a.${payload}.c`)).toBeUndefined()
  })
})
