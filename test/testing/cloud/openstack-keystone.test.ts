import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startCloud, type EmbeddedCloud, type OpenstackCloud } from '../../../src/testing/cloud/index.js'
import { text, type Json } from './calls.js'
import { createCaller, type Answer, type Caller } from './openstack-store.js'

let cloud: EmbeddedCloud
let caller: Caller
let keystone: OpenstackCloud['keystone']
beforeAll(async () => {
  cloud = await startCloud({ clouds: ['openstack'] })
  keystone = cloud.openstack.keystone
  caller = createCaller(cloud.openstack.origin)
})
afterAll(async () => {
  caller.close()
  await cloud.close()
})

const TOKENS = '/v3/auth/tokens'

function signIn(auth: unknown, path = TOKENS): Promise<Answer> {
  const headers = { 'Content-Type': 'application/json' }
  return caller.ask('POST', path, { headers, body: JSON.stringify({ auth }) })
}

const domain = { name: 'Default' }
const user = () => ({ name: keystone.username, domain, password: keystone.password })
const project = (name = keystone.projectName) => ({ project: { name, domain: { id: 'default' } } })
const byPassword = (scope: unknown = project(), who: unknown = user()) => ({
  identity: { methods: ['password'], password: { user: who } },
  ...(scope === null ? {} : { scope }),
})
const byToken = (id: string, scope?: unknown) => ({
  identity: { methods: ['token'], token: { id } },
  ...(scope === undefined ? {} : { scope }),
})
const byCredential = (given: unknown, scope?: unknown) => ({
  identity: { methods: ['application_credential'], application_credential: given },
  ...(scope === undefined ? {} : { scope }),
})

async function tokenBy(auth: unknown): Promise<string> {
  const answer = await signIn(auth)
  if (answer.status !== 201) throw new Error(answer.text)
  return String(answer.headers['x-subject-token'])
}

function about(method: string, auth: string, subject = auth): Promise<Answer> {
  return caller.ask(method, TOKENS, { headers: { 'X-Auth-Token': auth, 'X-Subject-Token': subject } })
}

function fieldOf(name: string, list: Iterable<Json> | undefined): unknown[] {
  return [...(list ?? [])].map((item) => item[name])
}

describe('signing in', () => {
  it('by password for a project brings the catalogue', async () => {
    const answer = await signIn(byPassword())
    expect(answer.status).toBe(201)
    expect(answer.headers['x-subject-token']).toMatch(/^gAAAAAB[\w-]{176}$/)
    expect(answer.headers).toMatchObject({ vary: 'X-Auth-Token' })
    expect(answer.headers['x-openstack-request-id']).toMatch(/^req-[0-9a-f-]{36}$/)
    const { token } = answer.json()
    expect(token).toMatchObject({
      methods: ['password'],
      user: { name: keystone.username, domain: { id: 'default', name: 'Default' } },
      project: { id: keystone.projectId, name: keystone.projectName },
      is_domain: false,
    })
    expect(token?.['expires_at']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    expect(Date.parse(text(token?.['expires_at'])) - Date.parse(text(token?.['issued_at']))).toBe(3_600_000)
    const catalog = [...(token?.['catalog'] ?? [])]
    const store = catalog.find((service) => text(service['type']) === 'object-store')
    const seen = [...(store?.['endpoints'] ?? [])].map((endpoint) => [
      endpoint['region'],
      endpoint['interface'],
      endpoint['url'],
    ])
    const at = (prefix: string): string => `${cloud.openstack.origin}${prefix}/v1/AUTH_${keystone.projectId}`
    expect(seen).toEqual([
      ['RegionOne', 'public', at('')],
      ['RegionOne', 'internal', at('/internal')],
      ['RegionOne', 'admin', at('/admin')],
      ['RegionTwo', 'public', at('/region-two')],
      ['RegionTwo', 'internal', at('/region-two/internal')],
      ['RegionTwo', 'admin', at('/region-two/admin')],
    ])
    expect(keystone.regions).toEqual(['RegionOne', 'RegionTwo'])
    expect(fieldOf('type', token?.['catalog'])).toContain('identity')
    expect((await signIn(byPassword(), `${TOKENS}?nocatalog`)).json()['token']).not.toHaveProperty('catalog')
  })

  it('by password for no project brings neither roles nor catalogue', async () => {
    const { token } = (await signIn(byPassword(null))).json()
    for (const field of ['project', 'roles', 'catalog']) expect(token).not.toHaveProperty(field)
    expect((await signIn(byPassword('unscoped'))).status).toBe(201)
  })

  it('by an application credential brings its project', async () => {
    const { id, secret } = keystone.applicationCredential
    const { token } = (await signIn(byCredential({ id, secret }))).json()
    expect(token).toMatchObject({
      methods: ['application_credential'],
      project: { id: keystone.projectId },
      application_credential: { id, restricted: true },
    })
    const named = { name: token?.['application_credential']?.['name'], secret, user: user() }
    expect((await signIn(byCredential(named))).status).toBe(201)
  })

  it('by a token changes the project, and keeps the end of that token', async () => {
    const unscoped = await signIn(byPassword(null))
    const id = String(unscoped.headers['x-subject-token'])
    const { token } = (await signIn(byToken(id, project(keystone.otherProjectName)))).json()
    expect(token).toMatchObject({
      methods: ['password', 'token'],
      project: { name: keystone.otherProjectName },
      expires_at: unscoped.json()['token']?.['expires_at'],
    })
    expect(token?.['audit_ids']?.[1]).toBe(unscoped.json()['token']?.['audit_ids']?.[0])
  })

  it.each([
    ['a wrong password', () => byPassword(project(), { ...user(), password: 'x' })],
    ['an unknown user', () => byPassword(project(), { ...user(), name: 'x' })],
    ['another domain', () => byPassword(project(), { ...user(), domain: { name: 'Other' } })],
    ['an unknown project', () => byPassword(project('x'))],
    ['the scope of a domain', () => byPassword({ domain: { id: 'default' } })],
    ['no method', () => ({ identity: { methods: [] } })],
    ['a wrong secret', () => byCredential({ id: keystone.applicationCredential.id, secret: 'x' })],
  ])('is refused for %s, in words that tell nothing', async (_, auth) => {
    const answer = await signIn(auth())
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe(`Keystone uri="${keystone.authUrl}"`)
    expect(answer.json()).toEqual({
      error: {
        code: 401,
        message: 'The request you have made requires authentication.',
        title: 'Unauthorized',
      },
    })
  })

  it.each([
    ['no identity', () => ({}), 400, "'identity' is a required property"],
    [
      'nothing to the method',
      () => ({ identity: { methods: ['password'] } }),
      400,
      'find password in identity',
    ],
    [
      'a user without a domain',
      () => byPassword(project(), { name: 'demo', password: 'x' }),
      400,
      'find domain in user',
    ],
    ['nobody', () => byPassword(project(), { password: 'x' }), 400, 'id or name must be present'],
    ['an unknown credential', () => byCredential({ id: 'nope' }), 404, 'find Application Credential: nope.'],
    [
      'a credential with a scope',
      () => byCredential({ ...keystone.applicationCredential }, project()),
      401,
      'Application credentials cannot request a scope.',
    ],
    ['a token that is none', () => byToken('bad', project()), 404, 'Could not recognize Fernet token'],
  ])('is refused for %s, and told why', async (_, auth, status, message) => {
    const { error } = (await signIn(auth())).json()
    expect(error?.['code']).toBe(status)
    expect(error?.['message']).toContain(message)
  })

  it('needs JSON', async () => {
    const post = (type: string, body: string): Promise<Answer> =>
      caller.ask('POST', TOKENS, { headers: { 'Content-Type': type }, body })
    expect((await post('application/json', '{no')).text).toContain('find valid JSON in request body')
    expect((await post('text/plain', '{}')).text).toContain('find application/json in Content-Type header')
    expect((await post('application/json', '{}')).text).toContain('find auth in request body')
  })

  it('a credential’s token makes no other tokens', async () => {
    const id = await tokenBy(byCredential(keystone.applicationCredential))
    expect((await signIn(byToken(id, project()))).status).toBe(403)
  })
})

describe('tokens', () => {
  let token: string
  beforeEach(async () => {
    token = await tokenBy(byPassword())
  })

  it('are validated and revoked', async () => {
    const other = await tokenBy(byPassword())
    const answer = await about('GET', token, other)
    expect([answer.status, answer.headers['x-subject-token']]).toEqual([200, other])
    expect(answer.json()['token']).toMatchObject({ project: { id: keystone.projectId } })
    expect((await about('HEAD', token, other)).status).toBe(200)
    expect((await about('DELETE', token, other)).status).toBe(204)
    const dead = await about('GET', token, other)
    expect([dead.status, dead.json()['error']?.['message']]).toEqual([404, 'Failed to validate token'])
    expect((await about('HEAD', token, other)).status).toBe(404)
    expect((await about('DELETE', token, other)).status).toBe(404)
    expect((await about('GET', other, token)).status).toBe(401)
  })

  it('are needed to validate', async () => {
    const headers = { 'X-Subject-Token': token }
    expect((await caller.ask('GET', TOKENS, { headers })).status).toBe(401)
    const alone = await caller.ask('GET', TOKENS, { headers: { 'X-Auth-Token': token } })
    expect([alone.status, alone.json()['error']?.['message']]).toEqual([404, 'No token in the request'])
  })

  it('show the catalogue and the projects', async () => {
    const get = (path: string, id: string): Promise<Answer> =>
      caller.ask('GET', path, { headers: { 'X-Auth-Token': id } })
    const { catalog, links } = (await get('/v3/auth/catalog', token)).json()
    expect(fieldOf('type', catalog)).toEqual(['identity', 'object-store'])
    expect(links?.['self']).toBe(`${keystone.authUrl}/auth/catalog`)
    const unscoped = await tokenBy(byPassword(null))
    expect((await get('/v3/auth/catalog', unscoped)).status).toBe(403)
    expect((await get('/v3/auth/catalog', 'bad')).status).toBe(401)
    const { projects } = (await get('/v3/auth/projects', unscoped)).json()
    expect(fieldOf('name', projects)).toEqual([keystone.projectName, keystone.otherProjectName])
  })

  it('all die when the operator says so', async () => {
    keystone.revoke()
    expect((await about('GET', token)).status).toBe(401)
    expect((await about('GET', await tokenBy(byPassword()), token)).status).toBe(404)
  })
})

it('tells where it is and what it speaks', async () => {
  const one = await caller.ask('GET', '/v3')
  const { version } = one.json()
  expect(version).toMatchObject({ status: 'stable', links: [{ rel: 'self', href: `${keystone.authUrl}/` }] })
  const all = await caller.ask('GET', '/')
  expect([all.status, all.json()]).toEqual([300, { versions: { values: [version] } }])
  const absent = await caller.ask('GET', '/v3/absent')
  expect([absent.status, absent.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8'])
  expect((await caller.ask('PUT', TOKENS, { body: '' })).status).toBe(405)
})

describe('the store of a project', () => {
  const store = (method: string, path: string, token: string, headers = {}): Promise<Answer> =>
    caller.ask(method, path, { headers: { 'X-Auth-Token': token, ...headers } })

  it('belongs to the tokens of that project', async () => {
    const token = await tokenBy(byPassword())
    const root = `/v1/AUTH_${keystone.projectId}`
    expect((await store('PUT', `${root}/c`, token)).status).toBe(201)
    expect((await store('HEAD', `/internal${root}/c`, token)).status).toBe(204)
    expect((await store('GET', `${root}/c`, await tokenBy(byPassword(null)))).status).toBe(403)
    const other = await tokenBy(byPassword(project(keystone.otherProjectName)))
    expect((await store('GET', `${root}/c`, other)).status).toBe(403)
    await store('POST', `${root}/c`, token, { 'X-Container-Read': '*:*' })
    expect((await store('GET', `${root}/c`, other)).status).toBe(204)
    keystone.revoke()
    const dead = await store('GET', `${root}/c`, token)
    expect([dead.status, dead.headers['www-authenticate']]).toEqual([
      401,
      `Keystone uri="${keystone.authUrl}"`,
    ])
  })

  it('is another one in each region', async () => {
    const token = await tokenBy(byPassword())
    const root = `/v1/AUTH_${keystone.projectId}`
    expect((await store('PUT', `/region-two${root}/there`, token)).status).toBe(201)
    expect((await store('HEAD', `/region-two/admin${root}/there`, token)).status).toBe(204)
    expect((await store('HEAD', `${root}/there`, token)).status).toBe(404)
  })
})
