import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ConfigurationError, ResponseFormatError, type CloudError } from '../../../src/errors.js'
import { createSynnefo, type SynnefoConfig } from '../../../src/clients/synnefo/index.js'
import {
  attachSynnefo,
  authenticate,
  endpointIn,
  type SynnefoToken,
} from '../../../src/clients/synnefo/identity.js'
import type { DecodeContext } from '../../../src/http/types.js'
import { marbles } from '../../../src/testing/marbles.js'
import { operationOf, requestOf, responseOf } from '../../http/requests.js'
import { access, AUTHENTICATE, CATALOG, clientOf, TOKEN, USER } from './answers.js'

const at = Date.parse('2026-11-21T10:00:00Z')
const context: DecodeContext = {
  operation: authenticate,
  cloud: 'synnefo',
  watched: false,
  now: () => at,
  drift: () => undefined,
}
const tokenOf = (body: object, headers = {}): SynnefoToken =>
  authenticate.decode(responseOf(200, body, headers), context)

describe('authenticate', () => {
  it('sends the token in a body that has a length', () => {
    expect(authenticate.encode({ token: TOKEN })).toMatchObject({
      path: '/tokens',
      headers: { 'content-type': 'application/json' },
      body: `{"auth":{"token":{"id":"${TOKEN}"}}}`,
      secrets: [TOKEN],
    })
  })

  it('reads token, user, default project, catalogue and expiry', () => {
    const token = tokenOf(access(TOKEN, '2026-12-21T10:00:00.481134+00:00'))
    expect(token.value).toBe(TOKEN)
    expect(token).toMatchObject({
      obtainedAt: at,
      expiresAt: Date.parse('2026-12-21T10:00:00.481Z'),
      user: { id: USER, name: 'Ada Example', projects: ['project-1'] },
      project: 'project-1',
      catalog: CATALOG,
    })
    expect(inspect(token, { depth: 9 }) + JSON.stringify(token)).not.toContain(TOKEN)
  })

  it("corrects the expiry by the difference of the clocks, by the answer's Date", () => {
    const token = tokenOf(access(TOKEN, '2026-11-21T12:00:00+00:00'), {
      date: 'Sat, 21 Nov 2026 11:00:00 GMT',
    })
    expect(token.expiresAt).toBeGreaterThan(at + 3_599_000)
    expect(token.expiresAt).toBeLessThanOrEqual(at + 3_600_000)
  })

  it('lives without an expiry, a project or projects that can be read', () => {
    const body = access(TOKEN, 'some day').access
    const { tenant: _tenant, ...token } = body.token
    const { projects: _projects, ...user } = body.user
    const read = tokenOf({ access: { ...body, token, user } })
    expect(read.expiresAt).toBeUndefined()
    expect(read.project).toBe(USER)
    expect(read.user.projects).toBeUndefined()
  })

  it('notices the public form, in which a wrong token goes unnoticed, and shows no token', () => {
    const decode = (body: object) => () => tokenOf(body)
    expect(decode({ access: { serviceCatalog: CATALOG } })).toThrow(ResponseFormatError)
    expect(decode({ access: { serviceCatalog: CATALOG } })).toThrow(/access\.token: /)
    const { user: _user, ...rest } = access().access
    try {
      tokenOf({ access: rest })
    } catch (error) {
      expect(inspect(error, { depth: 9 })).toContain('access.user')
      expect(inspect(error, { depth: 9 })).not.toContain(TOKEN)
      return
    }
    throw new Error('expected an error')
  })
})

describe('endpointIn', () => {
  const urlOf = (service: string, overrides = {}): string => {
    const { origin, prefix } = endpointIn(CATALOG, service, overrides)
    return origin + prefix
  }

  it.each([
    ['compute', 'https://cloud.test/compute/v2.0'],
    ['network', 'https://cloud.test/network/v2.0'],
    ['image', 'https://cloud.test/image/v1.0'],
    ['object-store', 'https://store.test/pithos/v1'],
    ['identity', 'https://cloud.test/identity/v2.0'],
    ['account', 'https://cloud.test/account/v1.0'],
  ])('of %s is %s', (service, url) => {
    expect(urlOf(service)).toBe(url)
  })

  it.each([
    ['https://mine.test', 'https://mine.test/v2.0'],
    ['https://mine.test/', 'https://mine.test/v2.0'],
    ['https://mine.test/c/v3', 'https://mine.test/c/v3'],
    ['https://mine.test/c/v2./', 'https://mine.test/c/v2.'],
    ['https://mine.test/v2.0/c', 'https://mine.test/v2.0/c/v2.0'],
    ['https://mine.test/c/v2.0x', 'https://mine.test/c/v2.0x/v2.0'],
  ])('the version rule holds for an address of the user: %s', (given, url) => {
    expect(urlOf('compute', { compute: given })).toBe(url)
  })

  it('takes the first endpoint of the first entry of the very type', () => {
    const entries = [
      { name: 'a', type: 'Compute', endpoints: [{ publicURL: 'https://a.test/v2.0' }] },
      {
        name: 'b',
        type: 'compute',
        endpoints: [{ publicURL: 'https://b.test/v2.0' }, { publicURL: 'https://c.test/v2.0' }],
      },
      { name: 'd', type: 'compute', endpoints: [{ publicURL: 'https://d.test/v2.0' }] },
    ]
    expect(endpointIn(entries, 'compute').origin).toBe('https://b.test')
  })

  it('names what there is when there is no such service', () => {
    expect(() => urlOf('volume')).toThrow(ConfigurationError)
    expect(() => urlOf('volume')).toThrow(
      "service type 'volume': the catalogue has no such service; it has: account, compute, identity, image, network, object-store",
    )
    expect(() => endpointIn([], 'volume')).toThrow('it has: nothing')
  })
})

describe('attachSynnefo', () => {
  const token = tokenOf(access())
  const attach = attachSynnefo({})

  it('adds token and address, and looks the address up once for each token', () => {
    const operation = operationOf({ service: 'compute' })
    const request = requestOf({ operation, origin: '', path: '/servers?x=1', headers: { accept: 'a' } })
    expect(attach(token, request)).toEqual({
      ...request,
      origin: 'https://cloud.test',
      path: '/compute/v2.0/servers?x=1',
      headers: { accept: 'a', 'x-auth-token': TOKEN },
    })
    const renewed = tokenOf(access('another-token'))
    expect(attach(renewed, request).headers['x-auth-token']).toBe('another-token')
  })

  it('puts the account of the user into paths of the object store, and only there', () => {
    const path = '/{account}/pictures/%7Baccount%7D'
    const store = requestOf({ operation: operationOf({ service: 'object-store' }), path })
    expect(attach(token, store)).toMatchObject({
      origin: 'https://store.test',
      path: `/pithos/v1/${USER}/pictures/%7Baccount%7D`,
    })
    const compute = requestOf({ operation: operationOf({ service: 'compute' }), path: '/{account}' })
    expect(attach(token, compute).path).toBe('/compute/v2.0/{account}')
  })
})

describe('cloud.identity', () => {
  it(
    'asks the cloud about the token in use',
    marbles(({ runtime, flush }) => {
      const { cloud, transport } = clientOf({}, runtime)
      const log: string[] = []
      cloud.identity.authenticate().subscribe(({ user }) => log.push(user.name))
      cloud.identity.endpoint('network').subscribe((url) => log.push(url))
      cloud.close()
      flush()
      expect(log).toEqual(['Ada Example', 'https://cloud.test/network/v2.0'])
      expect(transport.requests).toHaveLength(2)
    }),
  )

  it(
    'reads the public catalogue without a token',
    marbles(({ runtime, expectObservable, flush }) => {
      const { cloud, transport } = clientOf(
        { [AUTHENTICATE]: { json: { access: { serviceCatalog: CATALOG } } } },
        runtime,
      )
      expectObservable(cloud.identity.catalog()).toBe('(a|)', { a: CATALOG })
      flush()
      expect(transport.requests).toHaveLength(1)
      expect(transport.requests[0]).toMatchObject({ body: undefined, path: '/identity/v2.0/tokens' })
      expect(transport.requests[0]?.headers).not.toHaveProperty('x-auth-token')
    }),
  )

  it(
    'an unknown service is an error that lists the known ones',
    marbles(({ runtime, flush }) => {
      const { cloud } = clientOf({}, runtime)
      const errors: CloudError[] = []
      cloud.identity.endpoint('volume').subscribe({ error: (error: CloudError) => errors.push(error) })
      cloud.close()
      flush()
      expect(errors[0]).toBeInstanceOf(ConfigurationError)
      expect(errors[0]?.message).toContain('it has: account, compute')
    }),
  )
})

describe('createSynnefo', () => {
  const good: SynnefoConfig = { authUrl: 'https://cloud.test/identity/v2.0', token: TOKEN }

  it.each([
    [{ authUrl: '' }, 'authUrl: '],
    [{ authUrl: undefined }, 'authUrl: '],
    [{ authUrl: 'cloud.test' }, 'authUrl: '],
    [{ authUrl: 'https://user:pw@cloud.test' }, 'authUrl: '],
    [{ token: '' }, 'token: '],
    [{ token: ' \n' }, 'token: '],
    [{ token: undefined }, 'token: '],
    [{ token: 'two words' }, 'token: '],
    [{ endpoints: { compute: 'nowhere' } }, "endpoints['compute']: "],
  ])('refuses %j at once, by name', (wrong, message) => {
    const make = () => createSynnefo({ ...good, ...(wrong as Partial<SynnefoConfig>) })
    expect(make).toThrow(ConfigurationError)
    expect(make).toThrow(message)
    expect(make).not.toThrow(/two words|:pw@/)
  })

  it(
    'sends nothing before the first subscription, then signs in once',
    marbles(({ runtime, flush }) => {
      const server = { json: { server: { id: 42, name: 'a', status: 'ACTIVE' } } }
      const { cloud, transport } = clientOf({ 'GET /compute/v2.0/servers/42': server }, runtime)
      const get = cloud.servers.get(42)
      expect(transport.requests).toEqual([])
      get.subscribe()
      get.subscribe()
      cloud.close()
      flush()
      expect(transport.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
        AUTHENTICATE,
        'GET /compute/v2.0/servers/42',
        'GET /compute/v2.0/servers/42',
      ])
    }),
  )

  it(
    'uses the addresses that the user gives',
    marbles(({ runtime, flush }) => {
      const { cloud, transport } = clientOf(
        { 'GET /mine/v2.0/flavors/detail': { json: { flavors: [] } } },
        runtime,
        {
          endpoints: { compute: 'https://mine.test/mine' },
        },
      )
      cloud.flavors.list().subscribe()
      cloud.close()
      flush()
      expect(transport.requests[1]).toMatchObject({
        origin: 'https://mine.test',
        path: '/mine/v2.0/flavors/detail',
      })
    }),
  )

  it('shows no secret', () => {
    const cloud = createSynnefo({ ...good, transport: () => () => undefined })
    expect(inspect(cloud, { depth: 9, showHidden: false })).not.toContain(TOKEN)
    expect(JSON.stringify(cloud)).not.toContain(TOKEN)
    cloud.close()
  })
})
