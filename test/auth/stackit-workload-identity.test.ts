import { inspect } from 'node:util'
import { UnsecuredJWT } from 'jose'
import { EMPTY, catchError, firstValueFrom, of, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { concealGrant } from '../../src/auth/stackit-grants.js'
import {
  federatedTokenFile,
  stackitWorkloadIdentity,
  type FederatedTokenSource,
} from '../../src/auth/stackit-workload-identity.js'
import { stackitErrors } from '../../src/clients/stackit/errors.js'
import type { CloudError } from '../../src/errors.js'
import { createApi, createCore } from '../../src/http/client.js'
import { constant } from '../../src/operators/backoff.js'
import { defaultRuntime, type Runtime } from '../../src/runtime.js'
import { fakeTransport, type FakeAnswer } from '../../src/testing/fake-transport.js'
import { marbles } from '../../src/testing/marbles.js'

const federated = `${new UnsecuredJWT({ sub: 'workload' }).encode()}hush`
const granted: FakeAnswer = {
  json: { access_token: 'access', refresh_token: 'refresh', expires_in: 600, token_type: 'Bearer' },
}

function flow(
  federatedToken: FederatedTokenSource,
  answers: FakeAnswer | FakeAnswer[],
  runtime: Runtime = defaultRuntime,
) {
  const transport = fakeTransport({ 'POST /oauth/v2/token': answers })
  const api = createApi(createCore({ transport, runtime }), {
    cloud: 'stackit',
    errors: stackitErrors,
    endpoint: 'https://accounts.example.org',
    authorize: concealGrant,
  })
  const acquire = stackitWorkloadIdentity({
    api,
    path: '/oauth/v2/token',
    clientId: 'robot@sa.stackit.cloud',
    federatedToken,
    retry: { backoff: constant(1_000) },
  })
  return { acquire, requests: transport.requests }
}

async function failureOf(action: Promise<unknown>): Promise<CloudError> {
  return action.then(
    () => {
      throw new Error('it succeeded')
    },
    (error: unknown) => error as CloudError,
  )
}

describe('a federated token', () => {
  it.each<[string, FederatedTokenSource]>([
    ['a text', () => ` ${federated}\n`],
    ['a promise', () => Promise.resolve(federated)],
    ['a stream', () => of(federated, 'another')],
  ])('given as %s is exchanged, by a form without authorization', async (_, source) => {
    const { acquire, requests } = flow(source, granted)
    const token = await firstValueFrom(acquire())
    expect(token).toMatchObject({ value: 'access' })
    expect(token.expiresAt).toBeGreaterThan(token.obtainedAt)
    expect(requests[0]).toMatchObject({ origin: 'https://accounts.example.org', method: 'POST' })
    expect(requests[0]?.headers).not.toHaveProperty('authorization')
    expect(requests[0]?.body).toBe(
      'grant_type=client_credentials' +
        '&client_assertion_type=urn%3Aschwarz%3Aparams%3Aoauth%3Aclient-assertion-type%3Aworkload-jwt' +
        `&client_assertion=${federated}&client_id=robot%40sa.stackit.cloud`,
    )
  })

  it('is fetched anew for each exchange: there is no refresh', async () => {
    let asked = 0
    const { acquire, requests } = flow(() => `token-${String(++asked)}`, granted)
    const first = await firstValueFrom(acquire())
    await firstValueFrom(acquire(first))
    expect(requests.map(({ body }) => new URLSearchParams(body as string).get('client_assertion'))).toEqual([
      'token-1',
      'token-2',
    ])
  })

  it.each<[string, FederatedTokenSource, RegExp]>([
    ['nothing', () => EMPTY, /gave none$/],
    ['an empty text', () => '  ', /gave an empty one$/],
    ['no text', () => of(7 as unknown as string), /gave an empty one$/],
    ['an error', () => throwError(() => new Error('down')), /could not be fetched$/],
    [
      'an exception',
      () => {
        throw new Error('broken')
      },
      /could not be fetched$/,
    ],
  ])('that is %s is a typed error', async (_, source, message) => {
    const { acquire, requests } = flow(source, granted)
    const error = await failureOf(firstValueFrom(acquire()))
    expect(error.code).toBe('SKY_TOKEN')
    expect(error.message).toMatch(message)
    expect(requests).toEqual([])
  })

  it('is not shown, though the server repeats it', async () => {
    const { acquire, requests } = flow(
      () => federated,
      (request) => ({
        status: 400,
        json: { error: 'invalid_client', error_description: String(request.body) },
      }),
    )
    const error = await failureOf(firstValueFrom(acquire()))
    expect(error).toMatchObject({ status: 400, operation: 'stackit.tokens.grantByFederatedToken' })
    expect(requests).toHaveLength(1)
    expect(inspect(error, { depth: 9 })).not.toContain('hush')
  })
})

describe('a file with a federated token', () => {
  const read = (content: string | Error): Promise<string> => {
    const readFile = (): Promise<string> =>
      content instanceof Error ? Promise.reject(content) : Promise.resolve(content)
    return Promise.resolve(federatedTokenFile('/run/token', readFile)() as Promise<string>)
  }

  it('holds a JWT', async () => {
    expect(await read(federated)).toBe(federated)
  })

  it.each<[string | Error, RegExp]>([
    ['hush', /^federated token file \/run\/token holds no JWT$/],
    ['', /holds no JWT$/],
    [Object.assign(new Error('x'), { code: 'ENOENT' }), /^federated token file \/run\/token does not exist$/],
    [Object.assign(new Error('x'), { code: 'EACCES' }), /may not be read$/],
  ])('or is an error of configuration: %s', async (content, message) => {
    const error = await failureOf(read(content))
    expect(error.code).toBe('SKY_CONFIGURATION')
    expect(error.message).toMatch(message)
  })
})

describe('an identity provider in trouble', () => {
  it(
    'is asked three times',
    marbles(({ runtime, cold, expectObservable, flush }) => {
      const { acquire, requests } = flow(() => federated, cold('5s (a|)', { a: { status: 503 } }), runtime)
      expectObservable(acquire().pipe(catchError((error: CloudError) => of(error.code)))).toBe('17s (e|)', {
        e: 'SKY_HTTP_SERVER',
      })
      flush()
      expect(requests).toHaveLength(3)
    }),
  )

  it(
    'that does not answer is given 20 s each time',
    marbles(({ runtime, cold, expectObservable, flush }) => {
      const { acquire, requests } = flow(() => federated, cold('-'), runtime)
      expectObservable(acquire().pipe(catchError((error: CloudError) => of(error.code)))).toBe('62s (e|)', {
        e: 'SKY_NETWORK_TIMEOUT',
      })
      flush()
      expect(requests).toHaveLength(3)
    }),
  )
})
