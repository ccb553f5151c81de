import { inspect } from 'node:util'
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import type { KeystoneToken } from '../../../src/auth/keystone.js'
import { sealToken } from '../../../src/auth/token.js'
import {
  createSwift,
  type SwiftClient,
  type SwiftConfig,
  type TempAuthToken,
} from '../../../src/clients/synnefo/swift.js'
import {
  attachSwift,
  serviceEndpoint,
  type SwiftToken,
} from '../../../src/clients/synnefo/swift/catalogue.js'
import { openstackErrors } from '../../../src/clients/synnefo/swift/errors.js'
import { ConfigurationError, type CloudError } from '../../../src/errors.js'
import { call } from '../../../src/http/api.js'
import type { TrafficEvent } from '../../../src/http/types.js'
import { operationOf, requestOf } from '../../http/requests.js'
import { serveOpenstack, USER, type OpenstackServer } from './openstack-server.js'

const nothingElse = {
  env: {},
  home: '/none',
  folder: '/none',
  readFile: (path: string) => Promise.reject(Object.assign(new Error(path), { code: 'ENOENT' })),
}
const password = { username: 'ada', password: 'hush-hush', projectName: 'demo' }
const tester = { user: 'test:tester', key: 'testing' }

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

async function serve(regions?: readonly string[]): Promise<OpenstackServer> {
  const server = await serveOpenstack(regions)
  opened.push(server)
  return server
}

function client(config: SwiftConfig): SwiftClient {
  const swift = createSwift({ retry: false, credentialSources: nothingElse, ...config })
  opened.push(swift)
  return swift
}

async function failureOf(action: Promise<unknown>): Promise<CloudError> {
  return action.then(
    () => {
      throw new Error('it succeeded')
    },
    (error: unknown) => error as CloudError,
  )
}

const storeOperation = operationOf({ id: 'openstack.test.get', service: 'object-store', success: [200, 204] })
const get = (swift: SwiftClient, path: string) => firstValueFrom(call(swift.api, storeOperation, { path }))

// --- addresses --------------------------------------------------------------------------------------------------

const endpoint = (kind: string, region: string | null, url: string) => ({
  interface: kind,
  region_id: region,
  url,
})
const keystoneToken = (more: Partial<KeystoneToken> = {}): KeystoneToken =>
  sealToken<KeystoneToken>({
    kind: 'keystone',
    value: 'the-token',
    obtainedAt: 0,
    authUrl: 'https://keystone.test/v3',
    user: USER,
    roles: [],
    catalog: [
      {
        type: 'object-store',
        endpoints: [
          endpoint('internal', 'R1', 'http://10.0.0.1/v1/AUTH_p1'),
          endpoint('public', 'R1', 'https://r1.test/v1/AUTH_p1'),
          endpoint('public', 'R2', 'https://r2.test/v1/AUTH_p1/'),
        ],
      },
      { type: 'compute', endpoints: [endpoint('public', null, 'https://nova.test/v2.1')] },
    ],
    choice: { interface: 'public' },
    ...more,
  })
const tempAuthToken = (storageUrl = 'https://swift.test/v1/AUTH_test'): TempAuthToken =>
  sealToken<TempAuthToken>({ kind: 'temp-auth', value: 'the-token', obtainedAt: 0, storageUrl })

describe('the address of a service', () => {
  const urlOf = (token: SwiftToken, service: string, overrides = {}): string => {
    const { origin, prefix } = serviceEndpoint(token, service, overrides)
    return origin + prefix
  }

  it.each([
    [{ interface: 'public', region: 'R1' }, 'https://r1.test/v1/AUTH_p1'],
    [{ interface: 'public', region: 'R2' }, 'https://r2.test/v1/AUTH_p1'],
    [{ interface: 'internal' }, 'http://10.0.0.1/v1/AUTH_p1'],
  ] as const)('is chosen by %j', (choice, url) => {
    expect(urlOf(keystoneToken({ choice }), 'object-store')).toBe(url)
  })

  it('needs no region where there is only one, of whatever name or none', () => {
    expect(urlOf(keystoneToken(), 'compute')).toBe('https://nova.test/v2.1')
    const old = { interface: 'public', region: 'R9', url: 'https://old.test' }
    const catalog = [{ type: 'volume', endpoints: [old] }]
    expect(urlOf(keystoneToken({ catalog, choice: { interface: 'public', region: 'R9' } }), 'volume')).toBe(
      'https://old.test',
    )
  })

  it('of Keystone is where the client signed in, unless the user says otherwise', () => {
    expect(urlOf(keystoneToken(), 'identity')).toBe('https://keystone.test/v3')
    expect(urlOf(keystoneToken(), 'identity', { identity: 'https://mine.test' })).toBe('https://mine.test/v3')
    expect(urlOf(tempAuthToken(), 'object-store', { 'object-store': 'https://mine.test/v1/A' })).toBe(
      'https://mine.test/v1/A',
    )
  })

  it('of the object store comes with the token of TempAuth', () => {
    expect(urlOf(tempAuthToken(), 'object-store')).toBe('https://swift.test/v1/AUTH_test')
  })

  it.each([
    [
      keystoneToken(),
      'object-store',
      /no region is chosen by option, clouds.yaml or OS_REGION_NAME; there are: R1, R2/,
    ],
    [
      keystoneToken({ choice: { interface: 'public', region: 'r1' } }),
      'object-store',
      /it is not in the region 'r1'; there are: R1, R2/,
    ],
    [
      keystoneToken({ choice: { interface: 'admin' } }),
      'object-store',
      /no endpoint has the interface 'admin'; there are: internal, public/,
    ],
    [keystoneToken(), 'image', /the catalogue has no such service; there are: compute, object-store/],
    [keystoneToken({ catalog: [] }), 'image', /the catalogue has no such service; there is nothing/],
    [tempAuthToken(), 'compute', /TempAuth knows of the object store only/],
    [tempAuthToken('swift.test/v1'), 'object-store', /^X-Storage-Url: expected/],
    [
      keystoneToken({ catalog: [{ type: 'image', endpoints: [endpoint('public', 'R1', 'nowhere')] }] }),
      'image',
      /^address of service type 'image': expected/,
    ],
  ])('that there is not is an error that says what there is', (token, service, message) => {
    const find = (): unknown => serviceEndpoint(token, service)
    expect(find).toThrow(ConfigurationError)
    expect(find).toThrow(message)
    expect(find).toThrow(expect.objectContaining({ cloud: 'openstack' }))
  })
})

describe('attachSwift', () => {
  const request = (path: string, headers = {}) =>
    requestOf({ cloud: 'openstack', operation: operationOf({ service: 'object-store' }), path, headers })

  it.each([
    ['/v1/AUTH_test', '/{account}', '/v1/AUTH_test'],
    ['/v1/AUTH_test', '/{account}?format=json', '/v1/AUTH_test?format=json'],
    ['/v1/AUTH_test', '/{account}/c/..//o%20%7Baccount%7D', '/v1/AUTH_test/c/..//o%20%7Baccount%7D'],
    ['/v1/AUTH_test', '/AUTH_other/c/o', '/v1/AUTH_other/c/o'],
    ['/v1/AUTH_test', '/AUTH_other?format=json', '/v1/AUTH_other?format=json'],
    ['/v1/AUTH_test', '/{store}/info', '/info'],
    ['/store/v1.0/AUTH_test/', '/{store}/info', '/store/info'],
    ['/swift/v1', '/{account}/c', '/swift/v1/c'],
    ['/swift/v1', '/AUTH_other/c', '/swift/v1/AUTH_other/c'],
    ['/swift/v1', '/{store}/info', '/swift/info'],
    ['/AUTH_test', '/AUTH_other/c', '/AUTH_other/c'],
    ['', '/{account}', '/'],
    ['', '/{account}?format=json', '/?format=json'],
    ['', '/{account}/c', '/c'],
    ['', '/AUTH_other/c', '/AUTH_other/c'],
  ])('below %s, %s is %s', (prefix, path, expected) => {
    const attached = attachSwift()(tempAuthToken(`https://swift.test${prefix}`), request(path))
    expect(attached).toMatchObject({ origin: 'https://swift.test', path: expected })
  })

  it('leaves paths of other services as they are', () => {
    const compute = { ...request('/{account}'), operation: operationOf({ service: 'compute' }) }
    expect(attachSwift()(keystoneToken(), compute)).toMatchObject({
      origin: 'https://nova.test',
      path: '/v2.1/{account}',
    })
  })

  it('puts the token into its header, and where it is the subject', () => {
    const attach = attachSwift()
    expect(attach(tempAuthToken(), request('/{account}', { accept: '*/*' })).headers).toEqual({
      'x-auth-token': 'the-token',
      accept: '*/*',
    })
    expect(attach(tempAuthToken(), request('/{account}', { 'x-subject-token': '{token}' })).headers).toEqual({
      'x-auth-token': 'the-token',
      'x-subject-token': 'the-token',
    })
    const own = { 'x-auth-token': 'other', 'x-subject-token': 'third' }
    expect(attach(tempAuthToken(), request('/{account}', own)).headers).toEqual(own)
  })
})

// --- the client ---------------------------------------------------------------------------------------------------

describe('with Keystone', () => {
  it('signs in once, with the first call, and finds the store in the catalogue', async () => {
    const server = await serve()
    const swift = client({ authUrl: server.keystone, ...password })
    expect(swift.tokens.value).toEqual({ kind: 'idle' })
    expect(server.requests).toEqual([])
    await Promise.all([get(swift, '/{account}'), get(swift, '/{account}/c')])
    expect(server.requests.map(({ line }) => line)).toEqual([
      'POST /identity/v3/auth/tokens',
      'GET /v1/AUTH_p1',
      'GET /v1/AUTH_p1/c',
    ])
  })

  it('takes the region and the interface that it is told', async () => {
    const server = await serve(['R1', 'R2'])
    const swift = client({ authUrl: server.keystone, ...password, region: 'R2', interface: 'internal' })
    await get(swift, '/{account}/c')
    expect(server.seen.at(-1)).toBe('GET /R2/internal/v1/AUTH_p1/c')
    const undecided = client({ authUrl: server.keystone, ...password })
    const error = await failureOf(get(undecided, '/{account}/c'))
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error.message).toContain('there are: R1, R2')
    expect(error.cloud).toBe('openstack')
  })

  it('finds its cloud in clouds.yaml when the first call is made, and looks again after a failure', async () => {
    const server = await serve(['R1', 'R2'])
    const clouds = `clouds: { mine: { region_name: R1, auth: { auth_url: '${server.keystone}', username: ada, password: p } } }`
    const files = new Map<string, string>()
    let reads = 0
    const swift = client({
      cloud: 'mine',
      credentialSources: {
        ...nothingElse,
        readFile: async (path) => {
          reads++
          return files.get(path) ?? nothingElse.readFile(path)
        },
      },
    })
    expect(reads).toBe(0)
    const error = await failureOf(get(swift, '/{account}/c'))
    expect(error.message).toContain("there is no cloud 'mine'")
    expect(swift.tokens.value.kind).toBe('failed')
    files.set('/none/clouds.yaml', clouds)
    await get(swift, '/{account}/c')
    expect(server.seen.at(-1)).toBe('GET /R1/v1/AUTH_p1/c')
    const before = reads
    server.forget()
    await get(swift, '/{account}/c')
    expect(reads).toBe(before)
  })

  it('signs in anew when a token is refused, and the call does not fail', async () => {
    const server = await serve()
    const swift = client({ authUrl: server.keystone, ...password })
    await get(swift, '/{account}')
    server.forget()
    await get(swift, '/{account}')
    expect(server.requests.slice(2).map(({ line, token }) => `${line} ${token ?? ''}`)).toEqual([
      'GET /v1/AUTH_p1 token-1',
      'POST /identity/v3/auth/tokens ',
      'GET /v1/AUTH_p1 token-2',
    ])
  })

  it('tells who it is, by what Keystone says, without the token', async () => {
    const server = await serve()
    const swift = client({ authUrl: server.keystone, ...password })
    const session = await firstValueFrom(swift.identity.validate())
    expect(session).toMatchObject({ user: USER, project: { id: 'p1' }, roles: [{ name: 'member' }] })
    expect(session.catalog?.map(({ type }) => type)).toEqual(['object-store', 'identity'])
    expect(JSON.stringify(session)).not.toContain('token-')
    expect(server.requests.at(-1)).toEqual({
      line: 'GET /identity/v3/auth/tokens',
      token: 'token-1',
      subject: 'token-1',
    })
  })

  it('asks about the new token after a 401, in both headers', async () => {
    const server = await serve()
    const swift = client({ authUrl: server.keystone, ...password })
    const validate = swift.identity.validate()
    await firstValueFrom(validate)
    server.forget()
    expect(await firstValueFrom(validate)).toMatchObject({ user: USER })
    expect(server.requests.slice(-3)).toMatchObject([
      { token: 'token-1', subject: 'token-1' },
      { line: 'POST /identity/v3/auth/tokens' },
      { token: 'token-2', subject: 'token-2' },
    ])
  })

  it('asks once more when the token ended between the two looks at it', async () => {
    const server = await serve()
    const swift = client({ authUrl: server.keystone, ...password })
    server.mislay(1)
    expect(await firstValueFrom(swift.identity.validate())).toMatchObject({ user: USER })
    server.mislay(2)
    expect(await failureOf(firstValueFrom(swift.identity.validate()))).toMatchObject({
      code: 'SKY_HTTP_NOT_FOUND',
      reason: 'Failed to validate token',
    })
  })

  it('reads the catalogue, and says where a service is', async () => {
    const server = await serve()
    const swift = client({ authUrl: server.keystone, ...password })
    const catalog = await firstValueFrom(swift.identity.catalog())
    expect(catalog.map(({ type }) => type)).toEqual(['object-store', 'identity'])
    expect(server.seen.at(-1)).toBe('GET /identity/v3/auth/catalog')
    expect(await firstValueFrom(swift.identity.endpoint('object-store'))).toBe(`${server.origin}/v1/AUTH_p1`)
    expect(await firstValueFrom(swift.identity.endpoint('identity'))).toBe(`${server.keystone}/v3`)
    const error = await failureOf(firstValueFrom(swift.identity.endpoint('compute')))
    expect(error).toBeInstanceOf(ConfigurationError)
  })

  it('ends its token, and signs in anew with the next call', async () => {
    const server = await serve()
    const swift = client({ authUrl: server.keystone, ...password })
    const revoked = () => lastValueFrom(swift.identity.revoke().pipe(toArray()))
    expect(await revoked()).toEqual([undefined])
    expect(server.requests).toEqual([])
    await get(swift, '/{account}')
    expect(await revoked()).toEqual([undefined])
    expect(server.requests.at(-1)).toEqual({
      line: 'DELETE /identity/v3/auth/tokens',
      token: 'token-1',
      subject: 'token-1',
    })
    expect(swift.tokens.value).toEqual({ kind: 'idle' })
    await get(swift, '/{account}')
    expect(server.requests.at(-1)).toMatchObject({ token: 'token-2' })
  })

  it('ends a token that is over already without signing in for that', async () => {
    const server = await serve()
    const swift = client({ authUrl: server.keystone, ...password })
    await get(swift, '/{account}')
    server.forget()
    await lastValueFrom(swift.identity.revoke())
    expect(swift.tokens.value).toEqual({ kind: 'idle' })
    expect(server.seen.filter((line) => line.startsWith('POST'))).toHaveLength(1)
  })

  it('does not hide why a token could not be ended', async () => {
    const server = await serve()
    const swift = client({ authUrl: server.keystone, ...password })
    await get(swift, '/{account}')
    await server.close()
    const error = await failureOf(lastValueFrom(swift.identity.revoke()))
    expect(error).toMatchObject({ cloud: 'openstack', code: 'SKY_NETWORK' })
    expect(swift.tokens.value.kind).toBe('valid')
  })

  it('shows neither password nor token, in traffic or in itself', async () => {
    const server = await serve()
    const swift = client({ authUrl: server.keystone, ...password })
    const events: TrafficEvent[] = []
    swift.traffic.subscribe((event) => events.push(event))
    await firstValueFrom(swift.identity.validate())
    expect(events.map(({ kind }) => kind)).toContain('request')
    const prints = [swift, events, swift.tokens.value].map((what) => inspect(what, { depth: 9 }))
    expect(prints.join('') + JSON.stringify(events)).not.toMatch(/hush|token-1/)
  })
})

describe('with TempAuth', () => {
  it('finds the store by the header that comes with the token', async () => {
    const server = await serve()
    const swift = client({ authUrl: server.tempAuth, ...tester })
    await get(swift, '/{account}/c')
    await get(swift, '/AUTH_other/c')
    expect(server.seen).toEqual(['GET /auth/v1.0', 'GET /v1/AUTH_test/c', 'GET /v1/AUTH_other/c'])
    expect(await firstValueFrom(swift.identity.endpoint('object-store'))).toBe(
      `${server.origin}/v1/AUTH_test`,
    )
  })

  it('signs in anew when the token is refused', async () => {
    const server = await serve()
    const swift = client({ authUrl: server.tempAuth, ...tester })
    await get(swift, '/{account}')
    server.forget()
    await get(swift, '/{account}')
    expect(server.requests.map(({ token }) => token)).toEqual([
      undefined,
      'token-1',
      'token-1',
      undefined,
      'token-2',
    ])
  })

  it('has nothing else of identity, and does not sign in to say so', async () => {
    const server = await serve()
    const swift = client({ authUrl: server.tempAuth, ...tester })
    const { validate, catalog, revoke } = swift.identity
    for (const action of [validate(), catalog(), revoke()]) {
      const error = await failureOf(lastValueFrom<unknown>(action))
      expect(error).toBeInstanceOf(ConfigurationError)
      expect(error).toMatchObject({ cloud: 'openstack' })
      expect(error.message).toMatch(/^identity\.\w+: TempAuth has nothing of the kind/)
    }
    expect(server.requests).toEqual([])
  })

  it('is refused with the error of the page', async () => {
    const server = await serve()
    const swift = client({ authUrl: server.tempAuth, user: 'test:tester', key: 'wrong-key' })
    const error = await failureOf(get(swift, '/{account}'))
    expect(error).toMatchObject({
      code: 'SKY_HTTP_AUTHENTICATION',
      cloud: 'openstack',
      reason: 'Unauthorized',
    })
    expect(inspect(error, { depth: 9 })).not.toContain('wrong-key')
    expect(server.requests).toHaveLength(1)
  })
})

describe('createSwift', () => {
  it.each([
    [{}, /no credentials for OpenStack were found/],
    [{ authUrl: 'nowhere', ...password }, /^option authUrl: /],
    [
      { authUrl: 'https://k.test', ...password, endpoints: { compute: 'nowhere' } },
      /^endpoints\['compute'\]: /,
    ],
    [{ authUrl: 'https://k.test', ...password, endpoints: { identity: 'https://k.test/v2.0' } }, /version 2/],
    [{ cloud: 'mine', interface: 'top' as never }, /^option interface: /],
  ])('refuses %j at once', (config, message) => {
    const make = () => client(config)
    expect(make).toThrow(ConfigurationError)
    expect(make).toThrow(message)
    expect(make).toThrow(expect.objectContaining({ cloud: 'openstack' }))
  })

  it('fails the calls after close', async () => {
    const swift = client({ authUrl: 'https://keystone.test', ...password })
    swift.close()
    expect(await failureOf(get(swift, '/{account}'))).toMatchObject({ code: 'SKY_TOKEN', cloud: 'openstack' })
  })
})

describe('errors', () => {
  it.each([
    [{ error: { code: 403, message: 'You may not.', title: 'Forbidden' } }, 'You may not.'],
    [{ error: { code: 403, message: '', title: 'Forbidden' } }, 'Forbidden'],
    [{ error: 'odd' }, undefined],
    [
      '<html><h1>Not Found</h1><p>The resource could not be found.</p></html>',
      'Not Found: The resource could not be found.',
    ],
    [
      '<html><head><title>502</title><style>b{}</style></head>\n<body><h1>Bad \n Gateway</h1></body>',
      'Bad Gateway',
    ],
    ['Maximum limit is 10000', 'Maximum limit is 10000'],
    ['x'.repeat(1_000), 'x'.repeat(200)],
    [
      {
        Errors: [
          ['/seg/x', '404 Not Found'],
          ['/seg/y', 'Etag Mismatch'],
        ],
      },
      '/seg/x: 404 Not Found; /seg/y: Etag Mismatch',
    ],
    [{ Errors: [['a', 'b'], ['c', 'd'], ['e', 'f'], ['g', 'h'], 'i'] }, 'a: b; c: d; e: f; 2 more'],
    [['odd'], undefined],
    [7, undefined],
    [undefined, undefined],
  ])('of %j say %j', (body, reason) => {
    expect(openstackErrors.readFault(body).reason).toBe(reason)
  })
})
