import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCloud, type EmbeddedCloud } from '../../../src/testing/cloud/index.js'
import { call, type Answer, text } from './calls.js'

let cloud: EmbeddedCloud
beforeAll(async () => {
  cloud = await startCloud({ clouds: ['synnefo'], clock: { manual: true } })
})
afterAll(() => cloud.close())

const tokens = (json: unknown): Promise<Answer> => call('POST', `${cloud.synnefo.authUrl}/tokens`, { json })
const fault = (name: string, code: number, message: string) => ({ [name]: { code, message, details: '' } })

describe('POST tokens', () => {
  it('answers the token form with token, user and catalogue', async () => {
    const { token, user, url } = cloud.synnefo
    const answer = await tokens({ auth: { token: { id: token }, tenantName: user.id }, extra: 1 })
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('application/json; charset=UTF-8')
    expect(answer.headers['cache-control']).toBe('no-cache, no-store, must-revalidate, max-age=0')
    const { access } = answer.json()
    expect(user.id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    expect(access?.['token']).toMatchObject({ id: token, tenant: user })
    expect(text(access?.['token']?.['expires'])).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00$/)
    expect(access?.['user']).toEqual({
      id: user.id,
      name: user.name,
      roles: [{ id: '1', name: 'default' }],
      roles_links: [],
      projects: [user.id, cloud.synnefo.sharedProjectId],
    })
    const endpoints = [...(access?.['serviceCatalog'] ?? [])].map((entry) => [
      entry['type'],
      entry['name'],
      entry['endpoints']?.[0]?.['versionId'],
      entry['endpoints']?.[0]?.['publicURL'],
    ])
    expect(endpoints).toContainEqual(['account', 'astakos_account', 'v1.0', `${url}/account/v1.0`])
    expect(endpoints).toContainEqual(['identity', 'astakos_identity', 'v2.0', `${url}/identity/v2.0`])
    expect(endpoints).toContainEqual(['compute', 'cyclades_compute', 'v2.0', `${url}/compute/v2.0`])
    expect(endpoints).toContainEqual([
      'object-store',
      'pithos_object-store',
      'v1',
      `${url}/pithos/object-store/v1`,
    ])
  })

  it('takes the token as a password, with the user id as name', async () => {
    const { token, user } = cloud.synnefo
    const answer = await tokens({ auth: { passwordCredentials: { username: user.id, password: token } } })
    expect(answer.status).toBe(200)
    expect(answer.json()['access']?.['user']?.['id']).toBe(user.id)
  })

  it.each([
    ['without a body', undefined],
    ['with an empty one', ''],
  ])('gives everybody the catalogue %s, even with a wrong token', async (_, body) => {
    const answer = await call('POST', `${cloud.synnefo.authUrl}/tokens`, {
      token: 'wrong',
      ...(body === undefined ? {} : { body }),
    })
    expect(answer.status).toBe(200)
    expect(Object.keys(answer.json()['access'] ?? {})).toEqual(['serviceCatalog'])
  })

  it('takes a chunked request for the public form, so a wrong token goes unnoticed', async () => {
    const body = JSON.stringify({ auth: { token: { id: 'wrong' } } })
    const answer = await call('POST', `${cloud.synnefo.authUrl}/tokens`, {
      headers: { 'content-type': 'application/json' },
      body: (async function* () {
        await Promise.resolve()
        yield body
      })() as unknown as Buffer,
    })
    expect(answer.status).toBe(200)
    expect(Object.keys(answer.json()['access'] ?? {})).toEqual(['serviceCatalog'])
  })

  it('refuses in the words of Astakos', async () => {
    const { token, other } = cloud.synnefo
    const cases: [unknown, Record<string, unknown>][] = [
      [{ auth: { token: { id: 'wrong' } } }, fault('unauthorized', 401, 'Invalid token')],
      [
        { auth: { passwordCredentials: { username: other.user.id, password: token } } },
        fault('unauthorized', 401, 'Invalid credentials'),
      ],
      [
        { auth: { token: { id: token }, tenantName: other.user.id } },
        fault('badRequest', 400, 'Not conforming tenantName'),
      ],
      [{ auth: {} }, fault('badRequest', 400, 'Malformed request: missing credentials')],
      [{}, fault('badRequest', 400, 'Malformed request: missing credentials')],
      [{ auth: { token: { id: null } } }, fault('badRequest', 400, 'Malformed request: missing token')],
    ]
    for (const [request, body] of cases) {
      const answer = await tokens(request)
      expect(answer.json()).toEqual(body)
      expect(answer.status).toBe(Object.values(answer.json())[0]?.['code'])
    }
  })

  it('insists on JSON', async () => {
    const url = `${cloud.synnefo.authUrl}/tokens`
    const type = (value: string): Record<string, string> => ({ 'content-type': value })
    expect((await call('POST', url, { body: '{}' })).json()).toEqual(
      fault('badRequest', 400, 'Missing Content-Type header field'),
    )
    expect((await call('POST', url, { body: '{}', headers: type('text/plain') })).json()).toEqual(
      fault('badRequest', 400, "Unsupported Content-type: 'text/plain'"),
    )
    expect((await call('POST', url, { body: '{', headers: type('application/json') })).json()).toEqual(
      fault('badRequest', 400, 'Could not decode request body as JSON'),
    )
  })

  it('is a POST, with or without a slash', async () => {
    const { authUrl } = cloud.synnefo
    const answer = await call('GET', `${authUrl}/tokens/`)
    expect(answer.status).toBe(405)
    expect(answer.json()).toEqual(fault('notAllowed', 405, 'Method not allowed'))
    expect(answer.headers.allow).toBe('POST')
    expect((await call('POST', `${authUrl}/tokens/`)).status).toBe(200)
  })
})

it('has version documents, and 400 for every other path', async () => {
  const { url, authUrl } = cloud.synnefo
  expect((await call('GET', `${url}/identity/`)).json()['versions']?.['values']?.[0]?.['id']).toBe('v2.0')
  expect((await call('GET', authUrl)).json()['version']?.['id']).toBe('v2.0')
  expect((await call('GET', `${authUrl}/users`)).json()).toEqual(
    fault('badRequest', 400, 'API endpoint not found'),
  )
  expect((await call('GET', `${authUrl}/tokens/abc`)).status).toBe(404)
  const outside = await call('GET', `${url}/nowhere`)
  expect([outside.status, outside.headers['content-type']]).toEqual([404, 'text/html'])
})

describe('the account API', () => {
  const account = (path: string, token?: string): Promise<Answer> =>
    call('GET', `${cloud.synnefo.url}/account/v1.0/${path}`, token === undefined ? {} : { token })

  it('refuses in its own words', async () => {
    expect((await account('quotas')).json()).toEqual(
      fault('unauthorized', 401, 'Access denied. No authentication token'),
    )
    expect((await account('quotas', 'wrong')).json()).toEqual(
      fault('unauthorized', 401, 'Invalid X-Auth-Token'),
    )
  })

  it('reports quotas by project', async () => {
    const { token, user, sharedProjectId } = cloud.synnefo
    const quotas = (await account('quotas', token)).json()
    expect(Object.keys(quotas)).toEqual([user.id, sharedProjectId])
    expect(Object.keys(quotas[user.id] ?? {})).toEqual([
      'cyclades.vm',
      'cyclades.cpu',
      'cyclades.ram',
      'cyclades.disk',
      'cyclades.network.private',
      'cyclades.floating_ip',
      'pithos.diskspace',
    ])
    expect(Object.keys(quotas[user.id]?.['cyclades.vm'] ?? {}).sort()).toEqual([
      'limit',
      'pending',
      'project_limit',
      'project_pending',
      'project_usage',
      'usage',
    ])
  })

  it('lists resources for everybody', async () => {
    expect((await account('resources')).json()['cyclades.ram']).toMatchObject({
      unit: 'bytes',
      api_visible: true,
    })
  })

  it('translates between ids and names, and leaves out what it does not know', async () => {
    const { url, token, user, other } = cloud.synnefo
    const translate = (json: unknown): Promise<Answer> =>
      call('POST', `${url}/account/v1.0/user_catalogs`, { token, json })
    expect((await translate({ uuids: [other.user.id, 'nobody'] })).json()).toEqual({
      uuid_catalog: { [other.user.id]: other.user.name },
      displayname_catalog: {},
    })
    expect((await translate({ displaynames: [user.name.toUpperCase(), 'nobody'] })).json()).toEqual({
      uuid_catalog: {},
      displayname_catalog: { [user.name.toUpperCase()]: user.id },
    })
    expect((await translate({ uuids: [1] })).status).toBe(400)
    expect((await translate([])).status).toBe(400)
  })

  it('says honestly what it does not have', async () => {
    expect((await account('projects', cloud.synnefo.token)).json()['notImplemented']?.['code']).toBe(501)
  })
})

describe('the life of a token', () => {
  const compute = (token: string): Promise<Answer> =>
    call('GET', `${cloud.synnefo.url}/compute/v2.0/flavors`, { token })

  it('ends with its renewal, at once and everywhere', async () => {
    const { synnefo } = cloud
    const old = synnefo.token
    const renewed = synnefo.renewToken()
    expect(renewed).toMatch(/^[\w-]{43}$/)
    expect(synnefo.token).toBe(renewed)
    expect((await compute(renewed)).status).toBe(200)
    const refused = await compute(old)
    expect(refused.status).toBe(401)
    expect(refused.json()).toEqual({
      fault: {
        code: 401,
        message: 'UNAUTHORIZED',
        details: JSON.stringify(fault('unauthorized', 401, 'Invalid token')),
      },
    })
    expect((await tokens({ auth: { token: { id: old } } })).status).toBe(401)
  })

  it('can be renewed by the web login', async () => {
    const { synnefo } = cloud
    const login = (query: string): Promise<Answer> => call('GET', `${synnefo.url}/weblogin/login?${query}`)
    const next = encodeURIComponent('http://localhost:1234/done?old=1')
    const before = synnefo.token
    const same = await login(`next=${next}`)
    expect(same.status).toBe(302)
    expect(same.headers.location).toBe(`http://localhost:1234/done?uuid=${synnefo.user.id}&token=${before}`)
    const renewed = await login(`next=${next}&renew=`)
    expect(renewed.headers.location).toContain(`token=${synnefo.token}`)
    expect(synnefo.token).not.toBe(before)
    expect((await login('renew=')).status).toBe(400)
    expect((await login(`next=${encodeURIComponent('javascript:alert(1)')}`)).status).toBe(403)
  })

  it('leaves the other account alone', async () => {
    const { synnefo } = cloud
    const others = synnefo.other.token
    synnefo.revokeToken(synnefo.token)
    expect((await compute(synnefo.token)).status).toBe(401)
    expect((await compute(others)).status).toBe(200)
    synnefo.renewToken()
  })

  it('ends with its lifetime', async () => {
    const short = await startCloud({ clouds: ['synnefo'], synnefo: { tokenLifetimeMs: 0 } })
    const { synnefo } = short
    const answer = await call('POST', `${synnefo.authUrl}/tokens`, {
      json: { auth: { token: { id: synnefo.token } } },
    })
    expect(answer.json()).toEqual(fault('unauthorized', 401, 'Authentication expired'))
    const refused = await call('GET', `${synnefo.url}/compute/v2.0/flavors`, { token: synnefo.token })
    expect(refused.json()['fault']?.['details']).toBe(
      JSON.stringify(fault('unauthorized', 401, 'Authentication expired')),
    )
    await short.close()
  })
})
