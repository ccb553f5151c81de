import { createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto'
import { decodeJwt, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  startCloud,
  type EmbeddedCloud,
  type CloudOptions,
  type ServiceAccountKey,
  type StackitCloud,
} from '../../../src/testing/cloud/index.js'
import { call, type Answer, text } from './calls.js'

let cloud: EmbeddedCloud
beforeAll(async () => {
  cloud = await startCloud({ clouds: ['stackit'] })
})
afterAll(() => cloud.close())

interface Assertion {
  readonly key?: ServiceAccountKey
  readonly pem?: string
  readonly alg?: string
  readonly kid?: string
  readonly claims?: Record<string, unknown>
}

function assertion(stackit: StackitCloud, options: Assertion = {}): Promise<string> {
  const { credentials } = options.key ?? stackit.serviceAccountKey
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({
    iss: credentials.iss,
    sub: credentials.sub,
    aud: credentials.aud,
    jti: randomUUID(),
    iat: now,
    exp: now + 600,
    ...options.claims,
  })
    .setProtectedHeader({ alg: options.alg ?? 'RS512', typ: 'JWT', kid: options.kid ?? credentials.kid })
    .sign(createPrivateKey(options.pem ?? credentials.privateKey ?? stackit.privateKeyPem))
}
const post = (stackit: StackitCloud, form: Record<string, string>): Promise<Answer> =>
  call('POST', stackit.tokenUrl, {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  })
const grant = (token: string): Record<string, string> => ({
  grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
  assertion: token,
})
const logIn = async (stackit: StackitCloud, options: Assertion = {}): Promise<Answer> =>
  post(stackit, grant(await assertion(stackit, options)))
const refresh = (stackit: StackitCloud, token: unknown): Promise<Answer> =>
  post(stackit, { grant_type: 'refresh_token', refresh_token: String(token) })
const accessToken = async (stackit: StackitCloud): Promise<string> =>
  text((await logIn(stackit)).json()['access_token'])
const bearer = (token: string): { headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${token}` },
})
const keysUrl = (stackit: StackitCloud, project = stackit.projectId): string =>
  `${stackit.endpoint('service-account')}/v2/projects/${project}/service-accounts/${stackit.serviceAccountEmail}/keys`

async function withCloud(
  options: CloudOptions,
  use: (stackit: StackitCloud, cloud: EmbeddedCloud) => Promise<void>,
): Promise<void> {
  const own = await startCloud({ ...options, clouds: ['stackit'] })
  try {
    await use(own.stackit, own)
  } finally {
    await own.close()
  }
}

it('hands out a key as the portal does', () => {
  const { serviceAccountKey, serviceAccountEmail, privateKeyPem, tokenUrl } = cloud.stackit
  expect(serviceAccountKey).toMatchObject({
    keyType: 'USER_MANAGED',
    keyOrigin: 'GENERATED',
    keyAlgorithm: 'RSA_2048',
    active: true,
    credentials: { iss: serviceAccountEmail, tokenEndpoint: tokenUrl, privateKey: privateKeyPem },
  })
  expect(serviceAccountEmail).toMatch(/@sa\.stackit\.cloud$/)
  expect(privateKeyPem).toMatch(/^-----BEGIN PRIVATE KEY-----/)
  expect(serviceAccountKey.publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----/)
})

describe('POST /token', () => {
  it('grants tokens for a good assertion', async () => {
    const answer = await logIn(cloud.stackit)
    expect(answer.status).toBe(200)
    expect(String(answer.headers['x-trace-id'])).toMatch(/^[\da-f]{32}$/)
    const { access_token: access, refresh_token: renewal, ...rest } = answer.json() as Record<string, unknown>
    expect(rest).toEqual({ expires_in: 600, scope: '', token_type: 'Bearer' })
    const now = Date.now() / 1000
    expect(Math.abs((decodeJwt(String(access)).exp ?? 0) - now - 600)).toBeLessThan(10)
    expect(Math.abs((decodeJwt(String(renewal)).exp ?? 0) - now - 3600)).toBeLessThan(10)
  })

  it('is served below the service, too', async () => {
    const answer = await call('POST', `${cloud.stackit.endpoint('service-account')}/token`, {
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      body: new URLSearchParams(grant(await assertion(cloud.stackit))).toString(),
    })
    expect(answer.status).toBe(200)
    expect((await call('GET', cloud.stackit.tokenUrl)).status).toBe(405)
  })

  it('refuses what is wrong with an assertion', async () => {
    const { stackit } = cloud
    const now = Math.floor(Date.now() / 1000)
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const pem = stranger.export({ type: 'pkcs8', format: 'pem' }).toString()
    const cases: [Assertion, string][] = [
      [{ kid: 'nobodys' }, 'Key with kid nobodys was not found'],
      [{ alg: 'RS256' }, 'The assertion must be signed with RS512'],
      [{ pem }, 'The signature of the assertion is not valid'],
      [{ claims: { exp: now - 1 } }, 'The assertion has expired'],
      [{ claims: { exp: undefined } }, 'The claim exp is not valid'],
      [{ claims: { aud: 'https://elsewhere.example.org' } }, 'The claim aud is not valid'],
      [{ claims: { iss: 'other@sa.stackit.cloud' } }, 'The claim iss is not valid'],
      [{ claims: { sub: randomUUID() } }, 'The claim sub is not valid'],
      [{ claims: { jti: undefined } }, 'The assertion has no jti'],
    ]
    for (const [options, message] of cases) {
      const answer = await logIn(stackit, options)
      expect(answer.json()).toEqual({
        timeStamp: expect.stringMatching(/Z$/) as string,
        path: '/token',
        status: 400,
        error: 'Bad Request',
        message,
      })
      expect(answer.status).toBe(400)
    }
  })

  it('takes an assertion once', async () => {
    const token = await assertion(cloud.stackit)
    expect((await post(cloud.stackit, grant(token))).status).toBe(200)
    const again = await post(cloud.stackit, grant(token))
    expect([again.status, again.json()['message']]).toEqual([400, 'The assertion was used before'])
  })

  it('refuses forms that are none', async () => {
    const { stackit } = cloud
    const cases: [Record<string, string>, string][] = [
      [{}, 'The parameter grant_type is missing'],
      [{ grant_type: 'password' }, 'The grant_type is not supported'],
      [{ grant_type: grant('')['grant_type'] ?? '' }, 'The parameter assertion is missing'],
      [grant('nonsense'), 'The assertion is not a JWT'],
      [{ grant_type: 'refresh_token' }, 'The parameter refresh_token is missing'],
      [{ grant_type: 'refresh_token', refresh_token: 'x' }, 'The refresh token is not valid'],
    ]
    for (const [form, message] of cases) {
      const answer = await post(stackit, form)
      expect([answer.status, answer.json()['message']]).toEqual([400, message])
    }
    const json = await call('POST', stackit.tokenUrl, { json: grant(await assertion(stackit)) })
    expect([json.status, json.json()['message']]).toEqual([
      400,
      "Content type 'application/json' is not supported",
    ])
  })

  it('renews with a refresh token, once', async () => {
    const { stackit } = cloud
    const first = (await logIn(stackit)).json()
    const second = await refresh(stackit, first['refresh_token'])
    expect(second.status).toBe(200)
    expect((await call('GET', keysUrl(stackit), bearer(text(second.json()['access_token'])))).status).toBe(
      200,
    )
    const again = await refresh(stackit, first['refresh_token'])
    expect([again.status, again.json()['message']]).toEqual([
      400,
      'The refresh token was used or revoked before',
    ])
    expect((await refresh(stackit, second.json()['refresh_token'])).status).toBe(200)
    expect((await refresh(stackit, first['access_token'])).status).toBe(400)
  })

  it('can do without refresh tokens', async () => {
    await withCloud({ stackit: { refreshTokens: false } }, async (stackit) => {
      expect((await logIn(stackit)).json()).not.toHaveProperty('refresh_token')
    })
  })

  it('hands out further keys, in PKCS#1 if wanted', async () => {
    const { stackit } = cloud
    const old = await stackit.addKey({ format: 'pkcs1' })
    expect(old.privateKeyPem).toMatch(/^-----BEGIN RSA PRIVATE KEY-----/)
    expect((await logIn(stackit, { key: old.serviceAccountKey })).status).toBe(200)
    expect(old.serviceAccountKey.credentials.kid).not.toBe(stackit.serviceAccountKey.credentials.kid)
  })

  it('goes by the cloud’s own clock', async () => {
    await withCloud({ skewMs: 3_600_000 }, async (stackit) => {
      const refused = await logIn(stackit)
      expect(refused.json()['message']).toBe('The assertion has expired')
      const there = Math.floor(Date.parse(String(refused.headers.date)) / 1000)
      const answer = await logIn(stackit, { claims: { iat: there, exp: there + 600 } })
      expect(answer.status).toBe(200)
      expect(decodeJwt(text(answer.json()['access_token'])).exp).toBeGreaterThan(there + 500)
    })
  })
})

describe('the gateway', () => {
  it('refuses in three shapes, by service', async () => {
    const { stackit } = cloud
    const project = `v2/projects/${stackit.projectId}`
    const iaas = await call('GET', `${stackit.endpoint('iaas')}/${project}/regions/eu01/servers`)
    expect([iaas.status, iaas.json()]).toEqual([401, { status: 401, message: 'Unauthenticated token' }])
    for (const service of ['logs', 'secrets-manager']) {
      const plain = await call('GET', `${stackit.endpoint(service)}/${project}`)
      expect([plain.status, plain.headers['content-type'], plain.text]).toEqual([
        401,
        'text/plain',
        'Jwt is missing',
      ])
    }
    const accounts = await call('GET', keysUrl(stackit))
    expect([accounts.status, accounts.json()['error'], accounts.json()['status']]).toEqual([
      401,
      'Unauthorized',
      401,
    ])
    expect(accounts.headers).toHaveProperty('x-trace-id')
  })

  it('refuses malformed, foreign, revoked and expired tokens', async () => {
    const { stackit } = cloud
    const token = await accessToken(stackit)
    const foreign = await assertion(stackit)
    expect((await call('GET', keysUrl(stackit), bearer(token))).status).toBe(200)
    for (const wrong of ['x', foreign, `${token}x`]) {
      expect((await call('GET', keysUrl(stackit), bearer(wrong))).status).toBe(401)
    }
    expect(
      (await call('GET', keysUrl(stackit), { headers: { authorization: `Basic ${token}` } })).status,
    ).toBe(401)
    await withCloud({ stackit: { tokenLifetimeMs: -5000 } }, async (own) => {
      const short = await accessToken(own)
      expect((await call('GET', keysUrl(own), bearer(short))).status).toBe(401)
    })
  })

  it('knows no other project, and says so with 403', async () => {
    const { stackit } = cloud
    const token = await accessToken(stackit)
    const answer = await call('GET', keysUrl(stackit, randomUUID()), bearer(token))
    expect([answer.status, answer.json()]).toEqual([
      403,
      { error: { code: 403, status: 'Forbidden', message: 'The request could not be performed' } },
    ])
    const bucket = `${stackit.endpoint('object-storage')}/v2/project/${randomUUID()}/regions/eu01/buckets`
    expect((await call('GET', bucket, bearer(token))).status).toBe(403)
    const missing = `${stackit.endpoint('iaas')}/v2/projects/${stackit.projectId}/regions/eu01/nothing`
    expect((await call('GET', missing, bearer(token))).status).toBe(404)
  })

  it('can revoke all tokens, of one kind or both', async () => {
    await withCloud({}, async (stackit) => {
      const first = (await logIn(stackit)).json()
      stackit.revokeTokens('access')
      expect((await call('GET', keysUrl(stackit), bearer(text(first['access_token'])))).status).toBe(401)
      const second = (await refresh(stackit, first['refresh_token'])).json()
      expect((await call('GET', keysUrl(stackit), bearer(text(second['access_token'])))).status).toBe(200)
      stackit.revokeTokens()
      expect((await call('GET', keysUrl(stackit), bearer(text(second['access_token'])))).status).toBe(401)
      expect((await refresh(stackit, second['refresh_token'])).status).toBe(400)
      expect((await logIn(stackit)).status).toBe(200)
    })
  })

  it('can revoke just the token of a request', async () => {
    await withCloud({}, async (stackit, own) => {
      const [one, two] = [await accessToken(stackit), await accessToken(stackit)]
      own.faults.add({ path: /\/keys$/, fault: { kind: 'token-revoked' } })
      expect((await call('GET', keysUrl(stackit), bearer(one))).status).toBe(401)
      expect((await call('GET', keysUrl(stackit), bearer(one))).status).toBe(401)
      expect((await call('GET', keysUrl(stackit), bearer(two))).status).toBe(200)
    })
  })
})

describe('keys of a service account', () => {
  it('are made, shown, used and deleted', async () => {
    const { stackit } = cloud
    const auth = bearer(await accessToken(stackit))
    const made = await call('POST', keysUrl(stackit), { ...auth, body: '{}' })
    expect(made.status).toBe(201)
    const key = made.json() as unknown as ServiceAccountKey
    expect(key).toMatchObject({ keyOrigin: 'GENERATED', keyAlgorithm: 'RSA_2048', active: true })
    expect((await logIn(stackit, { key })).status).toBe(200)
    const shown = (await call('GET', `${keysUrl(stackit)}/${key.id}`, auth)).json()
    expect(shown['credentials']).toEqual({
      kid: key.credentials.kid,
      iss: key.credentials.iss,
      sub: key.credentials.sub,
      aud: key.credentials.aud,
    })
    const items = [...(await call('GET', keysUrl(stackit), auth)).json()['items']!]
    const listed = items.find((item) => item['id'] === (key.id as unknown))
    expect(Object.keys(listed ?? {})).toEqual([
      'id',
      'createdAt',
      'keyType',
      'keyOrigin',
      'keyAlgorithm',
      'active',
    ])
    const gone = await call('DELETE', `${keysUrl(stackit)}/${key.id}`, auth)
    expect([gone.status, gone.text]).toEqual([200, ''])
    expect((await call('GET', `${keysUrl(stackit)}/${key.id}`, auth)).status).toBe(404)
    expect((await logIn(stackit, { key })).json()['message']).toBe(
      `Key with kid ${key.credentials.kid} was not found`,
    )
  })

  it('are made from public keys of the user', async () => {
    const { stackit } = cloud
    const auth = bearer(await accessToken(stackit))
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const register = (publicKeyPem: string): Promise<Answer> =>
      call('POST', keysUrl(stackit), { ...auth, body: JSON.stringify({ publicKey: publicKeyPem }) })
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const made = await register(pem)
    expect(made.status).toBe(201)
    const key = made.json() as unknown as ServiceAccountKey
    expect(key.keyOrigin).toBe('USER_PROVIDED')
    expect(key.credentials).not.toHaveProperty('privateKey')
    const secret = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    expect((await logIn(stackit, { key, pem: secret })).status).toBe(200)
    expect((await register(pem)).status).toBe(409)
    const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
    expect((await register(curve.export({ type: 'spki', format: 'pem' }).toString())).status).toBe(400)
    expect((await register('no key')).status).toBe(400)
  })

  it('that are switched off or out of date are refused with 403', async () => {
    const { stackit } = cloud
    const auth = bearer(await accessToken(stackit))
    const { serviceAccountKey: key } = await stackit.addKey()
    const change = (body: unknown): Promise<Answer> =>
      call('PATCH', `${keysUrl(stackit)}/${key.id}`, { ...auth, body: JSON.stringify(body) })
    const off = await change({ active: false })
    expect([off.status, off.json()['active']]).toEqual([201, false])
    const refused = await logIn(stackit, { key })
    expect([refused.status, refused.json()['error']?.['code']]).toEqual([403, 403])
    await change({ active: true })
    expect((await logIn(stackit, { key })).status).toBe(200)
    await change({ validUntil: '2020-01-01T00:00:00Z' })
    expect((await logIn(stackit, { key })).status).toBe(403)
    expect((await change({ validUntil: 'soon' })).status).toBe(400)
  })

  it('are public', async () => {
    const { stackit } = cloud
    const url = `${stackit.endpoint('service-account')}/v2/service-accounts/public/jwk/${encodeURIComponent(stackit.serviceAccountEmail)}`
    const kids = [...(await call('GET', url)).json()['keys']!].map((key) => key['kid'])
    expect(kids).toContain(stackit.serviceAccountKey.credentials.kid)
  })
})
