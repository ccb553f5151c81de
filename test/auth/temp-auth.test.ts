import { inspect } from 'node:util'
import { firstValueFrom, mergeMap, take, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { authorize } from '../../src/auth/authorize.js'
import { tempAuth, type TempAuthToken } from '../../src/auth/temp-auth.js'
import { TokenSubject } from '../../src/auth/token-subject.js'
import { openstackErrors } from '../../src/clients/synnefo/swift/errors.js'
import type { CloudError } from '../../src/errors.js'
import { call } from '../../src/http/api.js'
import { createApi, createCore } from '../../src/http/client.js'
import { defaultRuntime, type Runtime } from '../../src/runtime.js'
import { fakeTransport, type FakeAnswer } from '../../src/testing/fake-transport.js'
import { marbles } from '../../src/testing/marbles.js'
import { operationOf } from '../http/requests.js'
import { serveHttp } from '../http/loopback.js'

const KEY = 'hush-hush'
const login = { user: 'test:tester', key: KEY }
const granted = (headers: Record<string, string> = {}): FakeAnswer => ({
  headers: {
    'x-auth-token': 'AUTH_tk1',
    'x-storage-token': 'AUTH_tk1',
    'x-storage-url': 'https://swift.test/v1/AUTH_test',
    'x-auth-token-expires': '86399',
    ...headers,
  },
})

function flow(answers: FakeAnswer | readonly FakeAnswer[], runtime: Runtime = defaultRuntime) {
  const transport = fakeTransport({ 'GET /auth/v1.0': answers })
  const core = createCore({ transport, runtime, retry: false })
  const endpoint = 'https://swift.test/auth/v1.0'
  const api = createApi(core, { cloud: 'openstack', errors: openstackErrors, endpoint })
  return { acquire: tempAuth({ api, ...login }), core, requests: transport.requests }
}

async function failureOf(answer: FakeAnswer): Promise<CloudError> {
  return firstValueFrom(flow(answer).acquire()).then(
    () => {
      throw new Error('it succeeded')
    },
    (error: unknown) => error as CloudError,
  )
}

describe('signing in', () => {
  it('is headers, both ways (pithos dossier 14.1)', async () => {
    const { acquire, requests } = flow(granted())
    const token = await firstValueFrom(acquire())
    expect(requests).toHaveLength(1)
    expect(requests[0]).toMatchObject({
      origin: 'https://swift.test',
      path: '/auth/v1.0',
      headers: { 'x-auth-user': 'test:tester', 'x-auth-key': KEY },
    })
    expect(token.value).toBe('AUTH_tk1')
    expect(token).toMatchObject({ kind: 'temp-auth', storageUrl: 'https://swift.test/v1/AUTH_test' })
    expect((token.expiresAt ?? 0) - token.obtainedAt).toBe(86_399_000)
    expect(inspect(token) + JSON.stringify(token)).not.toContain('AUTH_tk1')
  })

  it.each([
    ['204', { status: 204 }],
    ['no X-Auth-Token but X-Storage-Token', { headers: { 'x-auth-token': '' } }],
  ])(
    'may be answered with %s',
    async (_, { status = 200, headers = {} }: { status?: number; headers?: object }) => {
      const all = { 'x-storage-token': 'other', 'x-storage-url': 'https://rgw.test/swift/v1', ...headers }
      const token = await firstValueFrom(
        flow({
          status,
          headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '')),
        }).acquire(),
      )
      expect(token.value).toBe('other')
      expect(token.expiresAt).toBeUndefined()
    },
  )

  it('goes over the wire in UTF-8, to an address without a path as well', async () => {
    const seen: [string | undefined, unknown][] = []
    const server = await serveHttp((request, response) => {
      seen.push([request.url, Buffer.from(String(request.headers['x-auth-key']), 'latin1').toString('utf8')])
      response.writeHead(200, { 'x-auth-token': 't', 'x-storage-url': 'http://127.0.0.1/v1/AUTH_a' }).end()
    })
    const core = createCore({})
    try {
      const api = createApi(core, { cloud: 'openstack', errors: openstackErrors, endpoint: server.origin })
      await firstValueFrom(tempAuth({ api, user: 'ä:b', key: 'schlüssel-鍵' })())
      expect(seen).toEqual([['/', 'schlüssel-鍵']])
    } finally {
      core.close()
      await server.close()
    }
  })

  it('that is refused is an error in the words of the page', async () => {
    const body = '<html><h1>Unauthorized</h1><p>This server could not verify that.</p></html>'
    expect(await failureOf({ status: 401, headers: { 'x-trans-id': 'tx1' }, body })).toMatchObject({
      code: 'SKY_HTTP_AUTHENTICATION',
      cloud: 'openstack',
      reason: 'Unauthorized: This server could not verify that.',
      requestId: 'tx1',
    })
  })

  it('shows no key, though the server repeats it', async () => {
    const error = await failureOf(({ headers }) => ({
      status: 403,
      body: `no ${headers['x-auth-key'] ?? ''}`,
    }))
    expect(error.code).toBe('SKY_HTTP_PERMISSION')
    expect(inspect(error) + JSON.stringify(error)).not.toContain(KEY)
  })

  it.each(['x-auth-token', 'x-storage-url'])('with an answer without %s is a typed error', async (name) => {
    const headers: Record<string, string> = { 'x-auth-token': 't', 'x-storage-url': 'https://a.test/v1/A' }
    const { [name]: _, ...rest } = headers
    const error = await failureOf({ headers: rest })
    expect(error).toMatchObject({ code: 'SKY_RESPONSE_FORMAT', cloud: 'openstack' })
    expect(error.message.toLowerCase()).toContain(`the header ${name} is missing`)
  })
})

describe('a token that is given until it is over', () => {
  it(
    'is waited out in its last second',
    marbles(({ runtime, expectObservable }) => {
      const { acquire } = flow(
        [granted({ 'x-auth-token-expires': '0' }), granted({ 'x-auth-token': 'new' })],
        runtime,
      )
      expectObservable(acquire().pipe(mergeMap(({ value }) => [value]))).toBe('1s (n|)', { n: 'new' })
    }),
  )

  it(
    'is waited for once, not for ever',
    marbles(({ runtime, expectObservable }) => {
      const { acquire } = flow(granted({ 'x-auth-token-expires': '0' }), runtime)
      expectObservable(acquire().pipe(mergeMap(({ value }) => [value]))).toBe('1s (t|)', { t: 'AUTH_tk1' })
    }),
  )

  /** A day of calls against a server that forgets its token `earlyMs` before the end it told of. */
  function run(lifeMs: number, everyMs: number, earlyMs: number) {
    const log = { failures: [] as unknown[], statuses: [] as number[], signIns: 0, tokens: 0 }
    marbles(({ runtime, flush }) => {
      const { scheduler } = runtime
      let end = -1
      const { acquire, core } = flow(() => {
        log.signIns++
        if (scheduler.now() >= end - earlyMs) {
          log.tokens++
          end = scheduler.now() + lifeMs
        }
        const seconds = Math.floor((end - scheduler.now() - 1) / 1000)
        return granted({
          'x-auth-token': `token-${String(log.tokens)}`,
          'x-auth-token-expires': String(seconds),
        })
      }, runtime)
      const tokens = new TokenSubject<TempAuthToken>({ acquire, runtime, cloud: 'openstack' })
      const store = fakeTransport({
        'GET /things': ({ headers }) => {
          const good =
            headers['x-auth-token'] === `token-${String(log.tokens)}` && scheduler.now() < end - earlyMs
          log.statuses.push(good ? 200 : 401)
          return { status: good ? 200 : 401 }
        },
      })
      const api = createApi(
        { ...core, transport: store },
        {
          cloud: 'openstack',
          errors: openstackErrors,
          endpoint: 'https://swift.test',
          authorize: authorize(tokens, ({ value }, request) => ({
            ...request,
            headers: { ...request.headers, 'x-auth-token': value },
          })),
        },
      )
      timer(0, everyMs, scheduler)
        .pipe(
          take(Math.ceil((2.5 * lifeMs) / everyMs)),
          mergeMap(() => call(api, operationOf(), { path: '/things' })),
        )
        .subscribe({
          error: (error: unknown) => log.failures.push(error),
          complete: () => {
            tokens.close()
          },
        })
      flush()
    })()
    return log
  }

  it.each([
    ['a day', 86_400_000, 60_000],
    ['8 seconds', 8_000, 250],
  ])('for %s is renewed without a refusal, and asked for a few times only', (_, lifeMs, everyMs) => {
    const { failures, statuses, signIns, tokens } = run(lifeMs, everyMs, 0)
    expect(failures).toEqual([])
    expect(statuses).toEqual(statuses.map(() => 200))
    expect(tokens).toBe(3)
    expect(signIns).toBeLessThanOrEqual(tokens * 8)
  })

  it('and forgotten before its end is replaced at the 401, and no call fails', () => {
    const { failures, statuses, signIns, tokens } = run(8_000, 250, 900)
    expect(failures).toEqual([])
    expect(statuses.filter((status) => status === 200)).toHaveLength(80)
    expect(tokens).toBe(3)
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(2)
    expect(signIns).toBeLessThanOrEqual(tokens * 8)
  })
})
