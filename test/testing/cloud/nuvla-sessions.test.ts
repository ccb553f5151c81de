import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCloud, type EmbeddedCloud, type NuvlaCloud } from '../../../src/testing/cloud/index.js'
import { call, text, type Answer } from './calls.js'
import { cimiCalls, claimsOf, cookieOf, relsOf, setCookieOf, type CimiCalls } from './cimi-calls.js'

let cloud: EmbeddedCloud
let nuvla: NuvlaCloud
let nobody: CimiCalls
beforeAll(async () => {
  cloud = await startCloud({ clouds: ['nuvla'] })
  nuvla = cloud.nuvla
  nobody = cimiCalls(nuvla.url)
})
afterAll(() => cloud.close())

type Login = Pick<NuvlaCloud['user'], 'username' | 'password'>
const byPassword = ({ username, password }: Login): unknown => ({
  template: { href: 'session-template/password', username, password },
})
const byKey = (key: string, secret: string): unknown => ({
  template: { href: 'session-template/api-key', key, secret },
})
const logIn = (user: Login = nuvla.user): Promise<Answer> => nobody.post('session', byPassword(user))
const loggedIn = async (user: Login = nuvla.user): Promise<CimiCalls> =>
  cimiCalls(nuvla.url, cookieOf(await logIn(user)))
const count = async (calls: CimiCalls): Promise<unknown> => (await calls.search('session')).json()['count']

it('has an entry point with its collections', async () => {
  const body = (await nobody.get('cloud-entry-point')).json()
  expect(body).toMatchObject({
    id: 'cloud-entry-point',
    'resource-type': 'cloud-entry-point',
    'base-uri': `${nuvla.url}/api/`,
    collections: { session: { href: 'session' }, deployment: { href: 'deployment' }, job: { href: 'job' } },
  })
  for (const collection of Object.keys(body['collections'] ?? {})) {
    expect([200, 403]).toContain((await nobody.get(collection)).status)
  }
})

describe('POST /api/session', () => {
  it('gives a cookie of its own kind for a password', async () => {
    const answer = await logIn()
    expect(answer.status).toBe(201)
    const id = text(answer.headers.location)
    expect(answer.json()).toEqual({ status: 201, message: `${id} created`, 'resource-id': id })
    const [, token = '', expires = ''] =
      /^com\.com\.sixsq\.nuvla\.cookie=([\w-]+\.[\w-]+\.[\w-]+);Path=\/;HttpOnly;Expires=(\w{3}, .* \+0000)$/.exec(
        setCookieOf(answer),
      ) ?? []
    const claims = claimsOf(token)
    const user = nuvla.user.id
    const roles = `group/nuvla-user group/nuvla-anon ${user} ${nuvla.group} ${id}`
    expect(claims).toMatchObject({ 'user-id': user, claims: roles, session: id, 'active-claim': user })
    const life = Number(claims['exp']) - Date.now() / 1000
    expect(life).toBeGreaterThan(7 * 86_400 - 10)
    expect(life).toBeLessThanOrEqual(7 * 86_400 + 1)
    expect(Date.parse(expires)).toBe(Number(claims['exp']) * 1000)

    const session = (await cimiCalls(nuvla.url, cookieOf(answer)).get(id)).json()
    expect(session).toMatchObject({
      id,
      'resource-type': 'session',
      method: 'password',
      template: { href: 'session-template/password' },
      user,
      identifier: nuvla.user.username,
      roles,
      expiry: new Date(Number(claims['exp']) * 1000).toISOString(),
      'client-ip': '127.0.0.1',
      'active-claim': user,
    })
    expect(relsOf(session)).toEqual(['delete', 'switch-group', 'get-peers', 'get-groups'])
  })

  it('takes an API key, and a form', async () => {
    const { key, secret } = nuvla.apiKey
    for (const name of [key, key.replace('credential/', '')]) {
      const answer = await nobody.post('session', byKey(name, secret))
      expect(answer.status).toBe(201)
      expect(claimsOf(cookieOf(answer))['user-id']).toBe(nuvla.user.id)
    }
    const { username, password } = nuvla.user
    const form = await call('POST', `${nuvla.url}/api/session`, {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ href: 'session-template/password', username, password }).toString(),
    })
    expect(form.status).toBe(201)
  })

  it('refuses what is wrong', async () => {
    const { username } = nuvla.user
    const cases: [unknown, number, RegExp][] = [
      [byPassword({ username, password: 'wrong' }), 403, /^invalid credentials for 'jane@example\.org'$/],
      [byKey(nuvla.apiKey.key, 'wrong'), 403, /^invalid credentials for 'credential\//],
      [{ sessionTemplate: { href: 'session-template/password' } }, 400, /template - missing/],
      [{ template: { href: 'session-template/password', username } }, 400, /password - missing/],
      [{ template: { href: 'session-template/password', ...nuvla.user } }, 400, /id - unknown/],
      [{ template: { href: 'session-template/internal' } }, 404, /^session-template\/internal not found$/],
      [{ template: {} }, 400, /template\.href - missing/],
    ]
    for (const [body, status, message] of cases) {
      const answer = await nobody.post('session', body)
      expect(answer.status).toBe(status)
      expect(answer.json()['message']).toMatch(message)
    }
  })

  it('asks some for a code', async () => {
    const { twoFactorUser } = nuvla
    const answer = await logIn(twoFactorUser)
    expect(answer.status).toBe(200)
    expect(answer.headers['set-cookie']).toBeUndefined()
    const callback = text(answer.headers.location)
    expect(answer.json()).toEqual({
      status: 200,
      message: 'Authorization code requested',
      location: callback,
    })
    expect((await nobody.get(callback)).json()['operations']).toEqual([
      { rel: 'execute', href: `${callback}/execute` },
    ])
    expect((await nobody.post(`${callback}/execute`, { token: '000000' })).status).toBe(403)
    expect((await nobody.post(`${callback}/execute`)).status).toBe(403)
    const done = await nobody.post(`${callback}/execute`, { token: twoFactorUser.code })
    expect(done.status).toBe(201)
    expect(claimsOf(cookieOf(done))['user-id']).toBe(twoFactorUser.id)
    const again = await nobody.post(`${callback}/execute`, { token: twoFactorUser.code })
    expect([again.status, again.json()['message']]).toEqual([
      409,
      `Action execute cannot be called on ${callback} in state SUCCEEDED!`,
    ])
    expect((await nobody.get('callback')).status).toBe(403)
  })
})

describe('the session', () => {
  it('is found by its cookie, and ends', async () => {
    const answer = await logIn()
    const id = text(answer.headers.location)
    const mine = cimiCalls(nuvla.url, cookieOf(answer))
    expect(await count(nobody)).toBe(0)
    expect(await count(mine)).toBe(1)
    expect((await (await loggedIn()).get(id)).status).toBe(403)
    const gone = await mine.remove(id)
    expect(gone.status).toBe(200)
    expect(setCookieOf(gone)).toMatch(/^com\.com\.sixsq\.nuvla\.cookie=INVALID;Path=\/;Max-Age=0;/)
    expect(await count(mine)).toBe(0)
  })

  it('is no good with the marker of SlipStream, or changed', async () => {
    const [name = '', token = ''] = cookieOf(await logIn()).split('=')
    const broken = `${token.slice(0, 40)}${token.charAt(40) === 'A' ? 'B' : 'A'}${token.slice(41)}`
    for (const value of [`token=${token}`, 'INVALID', broken]) {
      expect(await count(cimiCalls(nuvla.url, `${name}=${value}`))).toBe(0)
    }
    expect(await count(cimiCalls(nuvla.url, `${name}=${token}`))).toBe(1)
  })

  it('is over when the operator or a fault says so', async () => {
    const mine = await loggedIn()
    nuvla.expireSessions()
    expect(await count(mine)).toBe(0)
    expect((await mine.get('deployment')).json()).toEqual({ status: 403, message: 'credentials required' })
    const next = await loggedIn()
    cloud.faults.add({ cloud: 'nuvla', path: '/api/job', fault: { kind: 'token-revoked' } })
    expect((await next.get('job')).status).toBe(403)
    expect(await count(next)).toBe(0)
  })

  it('switches to a group, with a new cookie', async () => {
    const answer = await logIn()
    const id = text(answer.headers.location)
    const mine = cimiCalls(nuvla.url, cookieOf(answer))
    expect((await mine.post(`${id}/get-groups`)).json()).toEqual([{ id: nuvla.group, name: 'skystream' }])
    expect((await mine.post(`${id}/get-peers`)).json()).toEqual({
      [nuvla.user.id]: nuvla.user.username,
      [nuvla.twoFactorUser.id]: nuvla.twoFactorUser.username,
    })
    const switched = await mine.post(`${id}/switch-group`, { claim: nuvla.group })
    expect([switched.status, switched.json()['active-claim']]).toEqual([200, nuvla.group])
    const claims = claimsOf(cookieOf(switched))
    expect(claims).toMatchObject({ 'active-claim': nuvla.group, session: id, 'user-id': nuvla.user.id })
    expect(text(claims['claims']).split(' ')).not.toContain(nuvla.user.id)
    const group = cimiCalls(nuvla.url, cookieOf(switched))
    expect((await group.get(id)).json()['active-claim']).toBe(nuvla.group)
    expect((await group.get(nuvla.apiKey.key)).status).toBe(403)
    const extended = await group.post(`${id}/switch-group`, { claim: nuvla.group, extended: true })
    expect((await cimiCalls(nuvla.url, cookieOf(extended)).get(nuvla.apiKey.key)).status).toBe(200)
    expect((await mine.post(`${id}/switch-group`, { claim: 'group/nuvla-admin' })).status).toBe(403)
    const lonely = await logIn(nuvla.unsubscribedUser)
    const alone = cimiCalls(nuvla.url, cookieOf(lonely))
    expect(relsOf((await alone.get(text(lonely.headers.location))).json())).not.toContain('switch-group')
  })

  it('lives as long as it is told, and says Secure if it shall', async () => {
    const own = await startCloud({
      clouds: ['nuvla'],
      nuvla: { tokenLifetimeMs: 60_000, secureCookie: true },
    })
    try {
      const answer = await cimiCalls(own.nuvla.url).post('session', byPassword(own.nuvla.user))
      expect(setCookieOf(answer)).toMatch(/;Secure;Path=\/;HttpOnly;Expires=/)
      const life = Number(claimsOf(cookieOf(answer))['exp']) * 1000 - Date.now()
      expect(life).toBeGreaterThan(55_000)
      expect(life).toBeLessThanOrEqual(61_000)
    } finally {
      await own.close()
    }
  })
})

describe('API keys', () => {
  it('are made, used and deleted', async () => {
    const mine = await loggedIn()
    const template = { href: 'credential-template/generate-api-key', ttl: 3600 }
    const made = await mine.post('credential', { name: 'mine', template })
    expect(made.status).toBe(201)
    const id = text(made.headers.location)
    const secret = text(made.json()['secret-key'])
    expect(secret).toMatch(/^([A-HJ-NP-Za-km-np-z2-9]{6}\.){4}[A-HJ-NP-Za-km-np-z2-9]{6}$/)
    expect((await mine.get(id)).json()).toMatchObject({
      name: 'mine',
      subtype: 'api-key',
      method: 'generate-api-key',
      claims: { identity: nuvla.user.id, roles: expect.arrayContaining([nuvla.user.id]) as string[] },
      expiry: expect.any(String) as string,
    })
    const session = await nobody.post('session', byKey(id, secret))
    expect(claimsOf(cookieOf(session))['user-id']).toBe(nuvla.user.id)
    nuvla.documents.put('credential', { ...nuvla.documents.get(id), expiry: '2020-01-01T00:00:00.000Z' })
    expect((await nobody.post('session', byKey(id, secret))).status).toBe(403)
    expect((await mine.remove(id)).status).toBe(200)
  })
})
