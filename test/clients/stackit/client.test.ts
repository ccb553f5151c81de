import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { UnsecuredJWT } from 'jose'
import { firstValueFrom, lastValueFrom, of, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { TokenSubject } from '../../../src/auth/token-subject.js'
import { createStackit, type StackitConfig } from '../../../src/clients/stackit/index.js'
import { serviceAccount } from '../../../src/clients/stackit/services/service-account/index.js'
import { ConfigurationError, type CloudError } from '../../../src/errors.js'
import { call } from '../../../src/http/api.js'
import { nothing } from '../../../src/http/codecs.js'
import type { Operation, TrafficEvent } from '../../../src/http/types.js'
import { constant } from '../../../src/operators/backoff.js'
import { fakeTransport, type FakeAnswer } from '../../../src/testing/fake-transport.js'
import { marbles } from '../../../src/testing/marbles.js'

const account = { projectId: 'p1', serviceAccountEmail: 'robot@sa.stackit.cloud' }
const keysPath = '/v2/projects/p1/service-accounts/robot%40sa.stackit.cloud/keys'
const privateKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string
const serviceAccountKey = {
  credentials: { kid: 'k1', iss: 'robot@sa.stackit.cloud', sub: 's', aud: 'https://aud' },
}
const key = {
  id: 'k1',
  createdAt: '2026-01-01T00:00:00Z',
  keyType: 'USER_MANAGED',
  keyOrigin: 'GENERATED',
  keyAlgorithm: 'RSA_2048',
  active: true,
  credentials: serviceAccountKey.credentials,
}

/** A client for which there is nothing in the environment and on the disk. */
function client(
  routes: Record<string, FakeAnswer | readonly FakeAnswer[]>,
  config: Omit<StackitConfig, 'services'> = {},
) {
  const transport = fakeTransport(routes)
  const cloud = createStackit({
    transport,
    retry: { backoff: constant(1) },
    credentialSources: {
      env: {},
      home: '',
      readFile: (path) => Promise.reject(Object.assign(new Error(path), { code: 'ENOENT' })),
    },
    ...config,
    services: { serviceAccount },
  })
  return { cloud, requests: transport.requests }
}

async function failureOf(action: Promise<unknown>): Promise<CloudError> {
  return action.then(
    () => {
      throw new Error('it succeeded')
    },
    (error: unknown) => error as CloudError,
  )
}

describe('keys of a service account', () => {
  it('are listed by the service, with the token', async () => {
    const { cloud, requests } = client(
      { [`GET ${keysPath}`]: { json: { items: [key, { ...key, id: 'k2', futureField: 1 }] } } },
      { token: 'the-token' },
    )
    const { items } = await lastValueFrom(cloud.serviceAccount.listServiceAccountKeys(account))
    expect(items.map(({ id }) => id)).toEqual(['k1', 'k2'])
    expect(items[1]).toHaveProperty('futureField', 1)
    expect(requests[0]).toMatchObject({
      origin: 'https://service-account.api.stackit.cloud',
      headers: { authorization: 'Bearer the-token' },
    })
  })

  it('are got, made and removed; a private key can be read, and is shown nowhere', async () => {
    const { cloud, requests } = client(
      {
        [`GET ${keysPath}/k1`]: { json: key },
        [`POST ${keysPath}`]: {
          status: 201,
          json: { ...key, credentials: { ...key.credentials, privateKey: 'PRIVATE' } },
        },
        [`DELETE ${keysPath}/k1`]: {},
      },
      { token: 't', projectId: 'p1' },
    )
    const { serviceAccountEmail } = account
    const keys = cloud.serviceAccount
    const one = { serviceAccountEmail, keyId: 'k1' }
    expect(await firstValueFrom(keys.getServiceAccountKey(one))).toEqual(key)
    const body = { algorithm: 'RSA_2048' }
    const made = await firstValueFrom(keys.createServiceAccountKey({ serviceAccountEmail, body }))
    expect(made.credentials.privateKey).toBe('PRIVATE')
    for (const print of [JSON.stringify(made), inspect(made)]) expect(print).not.toContain('PRIVATE')
    await lastValueFrom(keys.createServiceAccountKey(account))
    const removed = keys.deleteServiceAccountKey(one).pipe(toArray())
    expect(await lastValueFrom(removed)).toEqual([undefined])
    expect(requests.map((request) => request.body)).toEqual([
      undefined,
      '{"algorithm":"RSA_2048"}',
      undefined,
      undefined,
    ])
  })

  it('are refused at once without an argument that the path needs', () => {
    const { cloud } = client({}, { token: 't' })
    const { serviceAccount: keys } = cloud
    expect(() => keys.getServiceAccountKey({ ...account, keyId: '' })).toThrow(
      /^args\.keyId: must not be empty/,
    )
    expect(() => keys.listServiceAccountKeys({ serviceAccountEmail: 'e' })).toThrow(
      /^args\.projectId: is missing/,
    )
  })
})

describe('the token', () => {
  it('is not asked for before the first call is subscribed to', () => {
    const { cloud, requests } = client({}, { serviceAccountKey, privateKey })
    const keys = cloud.serviceAccount.listServiceAccountKeys(account)
    expect(keys).toBeDefined()
    expect(cloud.tokens.value).toEqual({ kind: 'idle' })
    expect(requests).toEqual([])
  })

  it('comes from the key flow, and is the answer to a 401 once more', async () => {
    let grants = 0
    const { cloud, requests } = client(
      {
        'POST /token': () => ({
          json: { access_token: `access-${String(++grants)}`, expires_in: 600, token_type: 'Bearer' },
        }),
        [`GET ${keysPath}`]: [{ status: 401, body: 'Jwt is missing' }, { json: { items: [key] } }],
      },
      { serviceAccountKey, privateKey, tokenEndpoint: 'https://tokens.example.org/token' },
    )
    const { items } = await firstValueFrom(cloud.serviceAccount.listServiceAccountKeys(account))
    expect(items[0]?.id).toBe('k1')
    expect(requests.map(({ origin, headers }) => [origin, headers['authorization']])).toEqual([
      ['https://tokens.example.org', undefined],
      ['https://service-account.api.stackit.cloud', 'Bearer access-1'],
      ['https://tokens.example.org', undefined],
      ['https://service-account.api.stackit.cloud', 'Bearer access-2'],
    ])
    cloud.close()
  })

  it('that the user gave is not asked for again when it is refused', async () => {
    const { cloud, requests } = client(
      { [`GET ${keysPath}`]: { status: 401, json: { status: 401, message: 'Unauthenticated token' } } },
      { token: 'refused-token' },
    )
    const error = await failureOf(firstValueFrom(cloud.serviceAccount.listServiceAccountKeys(account)))
    expect(error).toMatchObject({
      code: 'SKY_TOKEN',
      operation: 'stackit.serviceAccount.listServiceAccountKeys',
    })
    expect(error.message).toMatch(/no way to renew/)
    expect(error.cause).toMatchObject({ status: 401, reason: 'Unauthenticated token' })
    expect(requests).toHaveLength(1)
    expect(cloud.tokens.value).toMatchObject({ kind: 'failed' })
  })

  it(
    'that the user can renew is renewed ahead of its end, which it tells itself',
    marbles(({ runtime }) => {
      const jwt = (name: string): string =>
        `${new UnsecuredJWT({ name }).setExpirationTime(runtime.scheduler.now() / 1000 + 100).encode()}x`
      const first = jwt('first')
      const values: (string | undefined)[] = []
      const { cloud, requests } = client(
        { [`GET ${keysPath}`]: { json: { items: [] } } },
        { runtime: { ...runtime, random: () => 0 }, token: first, renew: () => of(jwt('second')) },
      )
      cloud.serviceAccount.listServiceAccountKeys(account).subscribe()
      runtime.scheduler.schedule(() => {
        expect(cloud.tokens.value).toMatchObject({ kind: 'valid' })
        expect(cloud.tokens.current()?.value).not.toBe(first)
        cloud.serviceAccount.listServiceAccountKeys(account).subscribe()
        values.push(...requests.map(({ headers }) => headers['authorization']))
        expect(new Set(values).size).toBe(2)
        cloud.close()
      }, 80_001)
    }),
  )

  it('kept from an earlier run is used', async () => {
    const { cloud, requests } = client(
      { [`GET ${keysPath}`]: { json: { items: [key] } } },
      { serviceAccountKey, privateKey, initialToken: { value: 'kept', obtainedAt: 0 } },
    )
    await firstValueFrom(cloud.serviceAccount.listServiceAccountKeys(account))
    expect(requests.map(({ headers }) => headers['authorization'])).toEqual(['Bearer kept'])
  })

  it('may come from a source of the user, which stays open', async () => {
    const tokens = new TokenSubject({ acquire: () => of({ value: 'mine', obtainedAt: 0 }) })
    const { cloud, requests } = client({ [`GET ${keysPath}`]: { json: { items: [key] } } }, { tokens })
    await firstValueFrom(cloud.serviceAccount.listServiceAccountKeys(account))
    expect(cloud.tokens).toBe(tokens)
    expect(requests[0]?.headers).toMatchObject({ authorization: 'Bearer mine' })
    cloud.close()
    expect(tokens.current()?.value).toBe('mine')
  })

  it('is not sent by an anonymous client, which looks for no credentials', async () => {
    const { cloud, requests } = client(
      { [`GET ${keysPath}`]: { json: { items: [key] } } },
      { anonymous: true, serviceAccountKey: 'broken' },
    )
    await firstValueFrom(cloud.serviceAccount.listServiceAccountKeys(account))
    expect(requests[0]?.headers).not.toHaveProperty('authorization')
    expect(requests[0]?.origin).toBe('https://service-account.api.stackit.cloud')
    expect((await failureOf(firstValueFrom(cloud.tokens.token()))).message).toMatch(/anonymous/)
  })

  it('is told of in traffic by state only', async () => {
    const { cloud } = client({ [`GET ${keysPath}`]: { json: { items: [key] } } }, { token: 'hush-hush' })
    const events: TrafficEvent[] = []
    cloud.traffic.subscribe((event) => events.push(event))
    await firstValueFrom(cloud.serviceAccount.listServiceAccountKeys(account))
    expect(events.map(({ kind }) => kind)).toEqual(['token', 'token', 'request', 'response'])
    expect(inspect(events, { depth: 9 })).not.toContain('hush')
  })
})

describe('credentials', () => {
  it('that are wrong without a look at a file throw at once', () => {
    expect(() => client({}, { serviceAccountKey: '{' })).toThrow(ConfigurationError)
    expect(() => client({}, { token: 'two words' })).toThrow(ConfigurationError)
    expect(() => client({}, { serviceAccountKey, privateKey: 'x' })).toThrow(/not PEM/)
    expect(() => client({}, { endpoints: { 'service-account': 'no address' } })).toThrow(
      /^endpoints\.service-account: expected/,
    )
  })

  it('that need a file arrive as errors of calls and as a state, and are looked for again', async () => {
    const files: Record<string, string> = {}
    const { cloud, requests } = client(
      { [`GET ${keysPath}`]: { json: { items: [key] } } },
      {
        credentialSources: {
          env: {},
          home: '/home/bob',
          readFile: async (path) => {
            const content = files[path]
            if (content === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' })
            return content
          },
        },
      },
    )
    const error = await failureOf(firstValueFrom(cloud.serviceAccount.listServiceAccountKeys(account)))
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error).toHaveProperty('lookedAt.length', 11)
    expect(cloud.tokens.value).toMatchObject({ kind: 'failed', error })
    expect(requests).toEqual([])
    files['/home/bob/.stackit/credentials.json'] = '{"STACKIT_SERVICE_ACCOUNT_TOKEN":"from-file"}'
    await firstValueFrom(cloud.serviceAccount.listServiceAccountKeys(account))
    expect(requests[0]?.headers).toMatchObject({ authorization: 'Bearer from-file' })
  })
})

describe('an operation of the user', () => {
  const operation = (service?: string): Operation<undefined, void> => ({
    id: 'mine.things.get',
    method: 'GET',
    path: '/v1/things',
    success: [200],
    ...(service === undefined ? {} : { service }),
    encode: () => ({ path: '/v1/things' }),
    decode: nothing,
  })

  it('goes to its service', async () => {
    const { cloud, requests } = client({ 'GET /v1/things': {} }, { token: 't' })
    await lastValueFrom(call(cloud.api, operation('dns'), undefined))
    expect(requests[0]?.origin).toBe('https://dns.api.stackit.cloud')
  })

  it.each([undefined, 'evil.example.org/'])('fails without one: %s', async (service) => {
    const { cloud, requests } = client({}, { token: 't' })
    const error = await failureOf(lastValueFrom(call(cloud.api, operation(service), undefined)))
    expect(error.code).toBe('SKY_CONFIGURATION')
    const anonymous = client({}, { anonymous: true })
    const same = await failureOf(lastValueFrom(call(anonymous.cloud.api, operation(service), undefined)))
    expect(same.message).toBe(error.message)
    expect(requests).toEqual([])
  })
})

it('shows no secret, wherever one looks', async () => {
  const { cloud } = client(
    {
      'POST /token': { json: { access_token: 'hush-access', refresh_token: 'hush-refresh' } },
      [`GET ${keysPath}`]: { json: { items: [key] } },
    },
    { serviceAccountKey, privateKey },
  )
  await firstValueFrom(cloud.serviceAccount.listServiceAccountKeys(account))
  expect(cloud.tokens.current()?.value).toBe('hush-access')
  for (const thing of [cloud, cloud.api, cloud.tokens, cloud.tokens.value, cloud.tokens.current()]) {
    expect(inspect(thing, { depth: 20 })).not.toMatch(/hush|BEGIN|MII/)
  }
  expect(JSON.stringify([cloud.tokens, cloud.tokens.value, cloud.tokens.current()])).not.toMatch(/hush/)
  cloud.close()
})
