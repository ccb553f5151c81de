import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCloud, type EmbeddedCloud, type SlipstreamCloud } from '../../../src/testing/cloud/index.js'
import { call, text, type Answer } from './calls.js'
import { cimiCalls, claimsOf, cookieOf, relsOf, setCookieOf, type CimiCalls } from './cimi-calls.js'

let cloud: EmbeddedCloud
let slipstream: SlipstreamCloud
let nobody: CimiCalls
beforeAll(async () => {
  cloud = await startCloud({ clouds: ['slipstream'] })
  slipstream = cloud.slipstream
  nobody = cimiCalls(slipstream.url)
})
afterAll(() => cloud.close())

const internal = (user: object = slipstream.user): unknown => ({
  sessionTemplate: { href: 'session-template/internal', ...user },
})
const byKey = (key: string, secret: string): unknown => ({
  sessionTemplate: { href: 'session-template/api-key', key, secret },
})
const logIn = (server: SlipstreamCloud = slipstream): Promise<Answer> =>
  cimiCalls(server.url).post('session', internal(server.user))
const loggedIn = async (user: object = slipstream.user): Promise<CimiCalls> =>
  cimiCalls(slipstream.url, cookieOf(await nobody.post('session', internal(user))))
const count = async (calls: CimiCalls): Promise<unknown> => (await calls.search('session')).json()['count']

describe('the entry point', () => {
  it('is for everybody, and has all collections', async () => {
    const answer = await nobody.get('cloud-entry-point')
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('application/json')
    const body = answer.json()
    expect(body).toMatchObject({
      id: 'cloud-entry-point',
      resourceURI: 'http://schemas.dmtf.org/cimi/2/CloudEntryPoint',
      baseURI: `${slipstream.url}/api/`,
      acl: {
        owner: { principal: 'ADMIN', type: 'ROLE' },
        rules: [{ principal: 'ANON', type: 'ROLE', right: 'VIEW' }],
      },
    })
    const hrefs = Object.entries(body).flatMap(([key, value]) =>
      typeof value === 'object' && 'href' in value ? [`${key}->${text(value['href'])}`] : [],
    )
    expect(hrefs.toSorted()).toEqual(
      [
        'sessions->session',
        'sessionTemplates->session-template',
        'credentials->credential',
        'credentialTemplates->credential-template',
        'users->user',
        'userTemplates->user-template',
        'userParam->user-param',
        'userIdentifiers->user-identifier',
        'events->event',
        'notifications->notification',
        'virtualMachines->virtual-machine',
        'virtualMachineMappings->virtual-machine-mapping',
        'connectors->connector',
        'serviceOffers->service-offer',
        'serviceAttributes->service-attribute',
        'serviceAttributeNamespaces->service-attribute-namespace',
        'serviceBenchmarks->service-benchmark',
        'quotas->quota',
        'meterings->metering',
        'storageBuckets->storage-bucket',
        'externalObjects->external-object',
        'jobs->job',
        'modules->module',
        'deployments->deployment',
        'deploymentTemplates->deployment-template',
        'deploymentParameters->deployment-parameter',
        'configurations->configuration',
        'emails->email',
        'callbacks->callback',
      ].toSorted(),
    )
  })

  it('is where the proxy before it says', async () => {
    const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'nuv.la', 'x-forwarded-port': '8443' }
    const answer = await call('GET', `${slipstream.url}/api/cloud-entry-point`, { headers })
    expect(answer.json()['baseURI']).toBe('https://nuv.la:8443/api/')
  })

  it('is edited by the privileged only, and knows no other methods', async () => {
    expect((await nobody.put('cloud-entry-point', { name: 'mine' })).status).toBe(403)
    const privileged = await loggedIn(slipstream.privilegedUser)
    expect((await privileged.put('cloud-entry-point', { name: 'ours' })).json()['name']).toBe('ours')
    expect((await nobody.get('cloud-entry-point')).json()['name']).toBe('ours')
    const answer = await privileged.remove('cloud-entry-point')
    expect(answer.status).toBe(405)
    expect(answer.json()['message']).toBe('invalid method (delete) for /api/cloud-entry-point')
  })
})

describe('POST /api/session', () => {
  it('gives a cookie for a password, as the real server does', async () => {
    const answer = await logIn()
    expect(answer.status).toBe(201)
    const id = text(answer.headers.location)
    expect(id).toMatch(/^session\/[\da-f-]{36}$/)
    expect(answer.json()).toEqual({ status: 201, message: `${id} created`, 'resource-id': id })
    const [, token = '', expires = ''] =
      /^com\.sixsq\.slipstream\.cookie=token=([\w-]+\.[\w-]+\.[\w-]+);Path=\/;Expires=(\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000)$/.exec(
        setCookieOf(answer),
      ) ?? []
    expect(Buffer.from(token.split('.', 1).join(''), 'base64url').toString()).toBe('{"alg":"RS256"}')
    const claims = claimsOf(token)
    expect(claims).toMatchObject({
      username: 'jane',
      roles: `USER ANON ${id}`,
      session: id,
      clientIP: '127.0.0.1',
    })
    const life = Number(claims['exp']) - Date.now() / 1000
    expect(life).toBeGreaterThan(86_400 - 10)
    expect(life).toBeLessThanOrEqual(86_401)
    expect(Date.parse(expires)).toBe(Number(claims['exp']) * 1000)

    const session = (await cimiCalls(slipstream.url, cookieOf(answer)).get(id)).json()
    expect(session).toMatchObject({
      id,
      resourceURI: 'http://sixsq.com/slipstream/1/Session',
      method: 'internal',
      sessionTemplate: { href: 'session-template/internal' },
      username: 'jane',
      roles: `USER ANON ${id}`,
      expiry: new Date(Number(claims['exp']) * 1000).toISOString(),
      clientIP: '127.0.0.1',
      acl: {
        owner: { principal: id, type: 'ROLE' },
        rules: [{ principal: 'ADMIN', type: 'ROLE', right: 'VIEW' }],
      },
      operations: [{ rel: 'delete', href: id }],
    })
  })

  it('is good for the privileged, too', async () => {
    const answer = await nobody.post('session', internal(slipstream.privilegedUser))
    expect(claimsOf(cookieOf(answer))['roles']).toMatch(/^ADMIN USER ANON session\//)
  })

  it('takes an API key, by its id or the bare end of it, and overlooks foreign letters in the secret', async () => {
    const { key, secret } = slipstream.apiKey
    const spellings: [string, string][] = [
      [key, secret],
      [key.replace('credential/', ''), secret],
      [key, secret.replaceAll('.', '-')],
      [key, `l0${secret.replaceAll('.', '')}`],
    ]
    for (const [name, word] of spellings) {
      const answer = await nobody.post('session', byKey(name, word))
      expect(answer.status).toBe(201)
      const session = await cimiCalls(slipstream.url, cookieOf(answer)).get(text(answer.headers.location))
      expect(session.json()).toMatchObject({ username: 'jane', method: 'api-key' })
    }
  })

  it('takes a form, if its type is nothing but that', async () => {
    const form = new URLSearchParams({ href: 'session-template/internal', ...slipstream.user }).toString()
    const post = (type: string): Promise<Answer> =>
      call('POST', `${slipstream.url}/api/session`, { headers: { 'content-type': type }, body: form })
    expect((await post('application/x-www-form-urlencoded')).status).toBe(201)
    expect((await post('application/x-www-form-urlencoded; charset=UTF-8')).status).toBe(400)
  })

  it('keeps what is said about the session', async () => {
    const body = { ...(internal() as object), name: 'mine', description: 'a test', properties: { a: 'b' } }
    const answer = await nobody.post('session', body)
    const session = await cimiCalls(slipstream.url, cookieOf(answer)).get(text(answer.headers.location))
    expect(session.json()).toMatchObject({ name: 'mine', description: 'a test', properties: { a: 'b' } })
  })

  it('refuses what is wrong', async () => {
    const { user, apiKey } = slipstream
    const unknown = 'credential/00000000-0000-4000-8000-000000000000'
    const cases: [unknown, number, string][] = [
      [internal({ username: 'jane', password: 'wrong' }), 403, "invalid credentials for 'jane'"],
      [internal({ username: 'nemo', password: 'wrong' }), 403, "invalid credentials for 'nemo'"],
      [byKey(apiKey.key, 'wrong'), 403, `invalid credentials for '${apiKey.key}'`],
      [byKey(unknown, apiKey.secret), 403, `invalid credentials for '${unknown}'`],
      [internal({ username: 'jane' }), 400, 'resource does not satisfy defined schema:\npassword'],
      [internal({ ...user, more: 1 }), 400, 'resource does not satisfy defined schema:\nmore'],
      [{ ...(internal() as object), more: 1 }, 400, 'resource does not satisfy defined schema:\nmore'],
      [{ sessionTemplate: user }, 400, 'resource does not satisfy defined schema:\nsessionTemplate.href'],
      [{}, 400, 'resource does not satisfy defined schema:\nsessionTemplate'],
      [[], 400, 'invalid request'],
      [{ sessionTemplate: { href: 'session-template/foo' } }, 404, 'session-template/foo not found'],
      [{ sessionTemplate: { href: 'user/jane' } }, 404, 'user/jane not found'],
    ]
    for (const [body, status, message] of cases) {
      const answer = await nobody.post('session', body)
      expect([answer.status, answer.json()['status']]).toEqual([status, status])
      expect(answer.json()['message']).toMatch(new RegExp(`^${message}`))
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
    expect(
      (await nobody.post('session', internal({ username: 'jane', password: 'x' }))).json()['resource-id'],
    ).toBe('jane')
  })

  it('sends browsers on, whether it went well or not', async () => {
    const redirectURI = 'https://example.org/welcome'
    const good = await nobody.post('session', internal({ ...slipstream.user, redirectURI }))
    expect([good.status, good.headers.location]).toEqual([303, redirectURI])
    expect(await count(cimiCalls(slipstream.url, cookieOf(good)))).toBe(1)
    const bad = await nobody.post('session', internal({ username: 'jane', password: 'wrong', redirectURI }))
    expect(bad.status).toBe(303)
    expect(new URL(text(bad.headers.location)).searchParams.get('error')).toBe(
      "invalid credentials for 'jane'",
    )
    expect(bad.headers['set-cookie']).toBeUndefined()
  })
})

describe('the session', () => {
  it('is found by who has its cookie, and by nobody else', async () => {
    expect(await count(nobody)).toBe(0)
    const answer = await logIn()
    const id = text(answer.headers.location)
    const mine = cimiCalls(slipstream.url, cookieOf(answer))
    const others = await loggedIn(slipstream.privilegedUser)
    expect((await mine.search('session')).json()).toMatchObject({ count: 1, sessions: [{ id }] })
    expect((await mine.get("session?$filter=username='bob'")).json()['count']).toBe(0)
    expect((await others.search('session')).json()['sessions']?.[0]?.['username']).toBe('super')
    for (const stranger of [nobody, await loggedIn(slipstream.otherUser), await loggedIn()]) {
      const refused = await stranger.get(id)
      expect(refused.status).toBe(403)
      expect(refused.json()).toEqual({
        status: 403,
        message: `invalid credentials for '${id}'`,
        'resource-id': id,
      })
      expect((await stranger.remove(id)).status).toBe(403)
    }
    expect((await nobody.get('session/nobodys')).status).toBe(404)
  })

  it('ends with its deletion; a copied token lives on', async () => {
    const answer = await logIn()
    const id = text(answer.headers.location)
    const mine = cimiCalls(slipstream.url, cookieOf(answer))
    const gone = await mine.remove(id)
    expect(gone.status).toBe(200)
    expect(gone.json()).toEqual({ status: 200, message: `${id} deleted`, 'resource-id': id })
    expect(setCookieOf(gone)).toMatch(
      /^com\.sixsq\.slipstream\.cookie=INVALID;Path=\/;Max-Age=0;Expires=\w{3}, .* \+0000$/,
    )
    expect(await count(mine)).toBe(0)
    expect((await mine.get('virtual-machine')).status).toBe(200)
  })

  it('does without a cookie that is none of its own', async () => {
    const good = cookieOf(await logIn())
    const [name = '', marker = '', token = ''] = good.split('=')
    const [head = '', payload = '', signature = ''] = token.split('.')
    const forged = Buffer.from(JSON.stringify(claimsOf(token)).replace('jane', 'super')).toString('base64url')
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    const bad = [
      `${name}=INVALID`,
      `${name}=${token}`,
      `${name}=${marker}=${head}.${forged}.${signature}`,
      `${name}=${marker}=${none}.${payload}.`,
      `${name}=${marker}=${head}.${payload}`,
      `other=${marker}=${token}`,
    ]
    for (const cookie of bad) {
      const calls = cimiCalls(slipstream.url, cookie)
      expect(await count(calls)).toBe(0)
      const closed = await calls.get('virtual-machine')
      expect([closed.status, closed.json()]).toEqual([403, { status: 403, message: 'credentials required' }])
    }
    expect(await count(cimiCalls(slipstream.url, `first=1; ${good}; last=2`))).toBe(1)
  })

  it('is over when the operator says so', async () => {
    const mine = cimiCalls(slipstream.url, cookieOf(await logIn()))
    expect(await count(mine)).toBe(1)
    slipstream.expireSessions()
    expect(await count(mine)).toBe(0)
    expect((await mine.get('credential')).status).toBe(403)
    expect(await count(await loggedIn())).toBe(1)
  })

  it('is over when its token is revoked by a fault', async () => {
    const mine = cimiCalls(slipstream.url, cookieOf(await logIn()))
    const other = await loggedIn()
    cloud.faults.add({ path: '/api/credential', fault: { kind: 'token-revoked' } })
    expect((await mine.get('credential')).status).toBe(403)
    expect(await count(mine)).toBe(0)
    expect(await count(other)).toBe(1)
  })
})

describe('a server of its own', () => {
  async function withServer(
    options: Parameters<typeof startCloud>[0],
    use: (server: SlipstreamCloud) => Promise<void>,
  ): Promise<void> {
    const own = await startCloud({ ...options, clouds: ['slipstream'] })
    try {
      await use(own.slipstream)
    } finally {
      await own.close()
    }
  }

  it('lets sessions live as long as it is told', () =>
    withServer({ slipstream: { tokenLifetimeMs: 60_000 } }, async (server) => {
      const life = Number(claimsOf(cookieOf(await logIn(server)))['exp']) * 1000 - Date.now()
      expect(life).toBeGreaterThan(55_000)
      expect(life).toBeLessThanOrEqual(61_000)
    }))

  it('knows a session that is over by its clock', () =>
    withServer({ slipstream: { tokenLifetimeMs: -2000 } }, async (server) => {
      const mine = cimiCalls(server.url, cookieOf(await logIn(server)))
      expect(await count(mine)).toBe(0)
      expect((await mine.get('credential')).status).toBe(403)
    }))

  it('says Secure if it shall', () =>
    withServer({ slipstream: { secureCookie: true } }, async (server) => {
      expect(setCookieOf(await logIn(server))).toMatch(/;Secure;Path=\/;Expires=/)
    }))
})

describe('templates', () => {
  it('are there for everybody, and describe themselves', async () => {
    const answer = (await nobody.get('session-template')).json()
    expect([...(answer['sessionTemplates'] ?? [])].map(({ id }) => text(id))).toEqual([
      'session-template/internal',
      'session-template/api-key',
    ])
    expect(answer['sessionTemplates']?.[0]).toMatchObject({
      method: 'internal',
      instance: 'internal',
      username: 'username',
      password: 'password',
    })
    const rel = 'http://sixsq.com/slipstream/1/action/describe'
    expect(answer['sessionTemplates']?.[0]?.['operations']).toEqual([
      { rel, href: 'session-template/internal/describe' },
    ])
    expect(relsOf(answer)).toEqual([])
    const described = await nobody.post('session-template/api-key/describe')
    expect(described.status).toBe(200)
    expect(described.json()).toMatchObject({
      key: { type: 'string', mandatory: true, readOnly: false },
      secret: { type: 'password', mandatory: true },
    })
  })
})

describe('the old way to sign in', () => {
  const post = (path: string, form: object): Promise<Answer> =>
    call('POST', `${slipstream.url}${path}`, {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(Object.entries(form)).toString(),
    })

  it('answers 200 or 401', async () => {
    const good = await post('/auth/login', slipstream.user)
    expect(good.status).toBe(200)
    expect(await count(cimiCalls(slipstream.url, cookieOf(good)))).toBe(1)
    const bad = await post('/auth/login', { username: 'jane', password: 'wrong' })
    expect([bad.status, bad.headers['set-cookie']]).toEqual([401, undefined])
    const out = await post('/auth/logout', {})
    expect(out.status).toBe(200)
    expect(setCookieOf(out)).toMatch(/=INVALID;Path=\/;Max-Age=0;/)
    expect((await call('GET', `${slipstream.url}/auth/login`)).status).toBe(405)
    expect((await post('/auth/elsewhere', {})).status).toBe(404)
  })
})

describe('API keys', () => {
  const generate = (mine: CimiCalls, more: object = {}): Promise<Answer> =>
    mine.post('credential', { credentialTemplate: { href: 'credential-template/generate-api-key', ...more } })

  it('are made by users, and show their secret once', async () => {
    const mine = await loggedIn(slipstream.otherUser)
    const made = await generate(mine, { ttl: 86_400 })
    expect(made.status).toBe(201)
    const id = text(made.headers.location)
    const { secretKey, ...rest } = made.json() as Record<string, unknown>
    expect(rest).toEqual({ status: 201, message: `${id} created`, 'resource-id': id })
    expect(secretKey).toMatch(/^([A-HJ-NP-Za-km-np-z2-9]{6}\.){4}[A-HJ-NP-Za-km-np-z2-9]{6}$/)
    const stored = (await mine.get(id)).json()
    expect(stored).toMatchObject({
      type: 'api-key',
      method: 'generate-api-key',
      digest: expect.any(String) as string,
      claims: { identity: 'bob', roles: ['USER', 'ANON'] },
    })
    expect(JSON.stringify(stored)).not.toContain(String(secretKey))
    const life = Date.parse(text(stored['expiry'])) - Date.now()
    expect(life).toBeGreaterThan(86_390_000)
    expect(life).toBeLessThanOrEqual(86_400_000)

    const session = await nobody.post('session', byKey(id, String(secretKey)))
    expect(claimsOf(cookieOf(session))['username']).toBe('bob')
    expect((await mine.remove(id)).status).toBe(200)
    expect((await nobody.post('session', byKey(id, String(secretKey)))).status).toBe(403)
  })

  it('last for ever without a ttl, and not beyond their expiry', async () => {
    const mine = await loggedIn()
    const made = await generate(mine)
    const id = text(made.headers.location)
    expect((await mine.get(id)).json()).not.toHaveProperty('expiry')
    const stored = slipstream.documents.get(id) ?? {}
    slipstream.documents.put('credential', { ...stored, expiry: new Date(Date.now() - 1).toISOString() })
    const refused = await nobody.post('session', byKey(id, text(made.json()['secretKey'])))
    expect(refused.json()['message']).toBe(`invalid credentials for '${id}'`)
    expect(refused.status).toBe(403)
  })

  it('are not for everybody, and not of every form', async () => {
    expect((await generate(nobody)).json()).toEqual({ status: 403, message: 'credentials required' })
    const mine = await loggedIn()
    for (const more of [{ ttl: -1 }, { ttl: 'long' }, { more: 1 }]) {
      expect((await generate(mine, more)).status).toBe(400)
    }
  })
})
