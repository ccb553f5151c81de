import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { filter, firstValueFrom, lastValueFrom, map, take, toArray } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSlipstream, type SlipstreamConfig } from '../../src/clients/slipstream/index.js'
import {
  AuthenticationError,
  ConfigurationError,
  NotFoundError,
  PermissionError,
  ValidationError,
} from '../../src/errors.js'
import { startCloud, type EmbeddedCloud } from '../../src/testing/cloud/index.js'
import { configOf, done, errorOf, listOf, slipstreamSite } from './slipstream-site.js'

const site = slipstreamSite()
const logins = { method: 'POST', path: '/api/session' }
const COOKIE = 'com.sixsq.slipstream.cookie'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipstream-sessions-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const bareKey = (cloud: EmbeddedCloud): string => cloud.slipstream.apiKey.key.replace('credential/', '')

describe('logging in', () => {
  it.each<[string, string, (cloud: EmbeddedCloud) => Partial<SlipstreamConfig>]>([
    ['by password', 'internal', (cloud) => cloud.slipstream.user],
    ['by API key', 'api-key', (cloud) => cloud.slipstream.apiKey],
    [
      'by API key without its credential/ in front',
      'api-key',
      (cloud) => ({ key: bareKey(cloud), secret: cloud.slipstream.apiKey.secret }),
    ],
    [
      'by any template',
      'internal',
      (cloud) => ({ template: { href: 'session-template/internal', ...cloud.slipstream.user } }),
    ],
  ])('%s', async (_way, method, login) => {
    const sent = site.requestsFromNow()
    const client = site.clientOf(login(site.cloud))
    expect(await listOf(client.deployments.list())).toEqual([])
    expect(await firstValueFrom(client.session.current())).toMatchObject({ method, username: 'jane' })
    expect(await firstValueFrom(client.session.isAuthenticated())).toBe(true)
    expect(await firstValueFrom(client.session.username())).toBe('jane')
    expect(sent().map(({ method, path, status }) => [method, path, status])).toEqual([
      ['POST', '/api/session', 201],
      ['GET', '/run', 200],
      ['GET', '/api/cloud-entry-point', 200],
      ['PUT', '/api/session', 200],
      ['PUT', '/api/session', 200],
    ])
    expect(sent()[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      accept: 'application/json',
    })
    const cookies = sent().map(({ headers }) => headers.cookie?.split('=')[0])
    expect(cookies.filter((name) => name !== undefined)).toEqual([COOKIE, COOKIE, COOKIE, COOKIE])
  })

  it('with wrong credentials is a 403 that says whose, once, and nothing else is sent', async () => {
    for (const [login, name] of [
      [{ username: 'jane', password: 'not-the-passw0rd' }, 'jane'],
      [{ key: site.slipstream.apiKey.key, secret: 'not-the-passw0rd' }, site.slipstream.apiKey.key],
    ] as const) {
      const sent = site.requestsFromNow()
      const error = await errorOf(site.clientOf(login).deployments.list())
      expect(error).toBeInstanceOf(AuthenticationError)
      expect(error).toMatchObject({
        status: 403,
        operation: 'slipstream.session.login',
        reason: `invalid credentials for '${name}'`,
        attempts: 1,
      })
      expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toContain('not-the-passw0rd')
      expect(sent().map(({ path }) => path)).toEqual(['/api/session'])
    }
  })

  it('by a template that there is not, or that lacks something, is what the server says', async () => {
    const template = { href: 'session-template/foo', ...site.slipstream.user }
    const unknown = await errorOf(site.clientOf({ template }).deployments.list())
    expect(unknown).toBeInstanceOf(NotFoundError)
    expect(unknown).toMatchObject({ status: 404, reason: 'session-template/foo not found' })

    const incomplete = site.clientOf({ template: { href: 'session-template/internal', username: 'jane' } })
    const lacking = await errorOf(incomplete.deployments.list())
    expect(lacking).toBeInstanceOf(ValidationError)
    expect((lacking as ValidationError).reason).toContain('does not satisfy defined schema')
  })

  it('is not needed to see the ways to log in, nor that one is a stranger', async () => {
    const sent = site.requestsFromNow(logins)
    const client = site.clientOf({ username: undefined })
    const templates = await listOf(client.session.templates())
    expect(templates.map(({ id }) => id)).toEqual(['session-template/internal', 'session-template/api-key'])
    expect(await firstValueFrom(client.session.current())).toBeUndefined()
    expect(await firstValueFrom(client.session.isAuthenticated())).toBe(false)
    const error = await errorOf(client.deployments.list())
    expect(error).toBeInstanceOf(ConfigurationError)
    expect((error as ConfigurationError).lookedAt).toContain(
      'environment variable SLIPSTREAM_USERNAME: not set',
    )
    expect(sent()).toEqual([])
  })

  it('later, and as somebody else, changes who asks', async () => {
    const client = site.clientOf({ username: undefined })
    const token = await firstValueFrom(client.session.login(site.slipstream.user))
    expect(token).toMatchObject({ cookie: COOKIE, username: 'jane' })
    expect(token.session).toMatch(/^session\/[\w-]+$/)
    expect(token.expiresAt).toBeGreaterThan(Date.now() + 23 * 3_600_000)
    expect(inspect(token) + JSON.stringify(token)).not.toContain(token.value)
    expect(await firstValueFrom(client.users.get())).toMatchObject({ name: 'jane' })

    const failed = await errorOf(client.session.login({ username: 'bob', password: 'no' }))
    expect(failed).toBeInstanceOf(AuthenticationError)
    expect(await firstValueFrom(client.users.get())).toMatchObject({ name: 'jane' })

    await done(client.session.login(site.slipstream.otherUser))
    expect(await firstValueFrom(client.users.get())).toMatchObject({ name: 'bob' })
  })

  it('two users see their own deployments, each', async () => {
    const [own] = site.slipstream.runs.create({ owner: 'jane' })
    const [other] = site.slipstream.runs.create({ owner: 'bob' })
    const uuids = async (client: ReturnType<typeof site.clientOf>): Promise<string[]> =>
      (await listOf(client.deployments.list())).map(({ uuid }) => uuid)
    expect(await uuids(site.clientOf())).toEqual([own])
    expect(await uuids(site.otherClient())).toEqual([other])
    expect(await uuids(site.privilegedClient())).toEqual([other, own])
  })

  it('sends a cookie for https back to this machine over http as well', async () => {
    const cloud = await startCloud({ clouds: ['slipstream'], slipstream: { secureCookie: true } })
    const client = createSlipstream(configOf(cloud))
    try {
      expect(await firstValueFrom(client.users.get())).toMatchObject({ name: 'jane' })
      expect(await firstValueFrom(client.session.isAuthenticated())).toBe(true)
    } finally {
      client.close()
      await cloud.close()
    }
  })
})

describe('a session that ends', () => {
  it('is renewed ahead of its end while somebody watches it, and no call meets a refusal', async () => {
    const cloud = await startCloud({ clouds: ['slipstream'], slipstream: { tokenLifetimeMs: 2_000 } })
    const client = createSlipstream(configOf(cloud))
    try {
      const tokens = client.tokens.pipe(
        filter((state) => state.kind === 'valid'),
        map(({ token }) => token),
        take(2),
        toArray(),
      )
      const seen = lastValueFrom(tokens)
      await listOf(client.deployments.list())
      const sessions = await seen
      expect(new Set(sessions.map(({ value }) => value)).size).toBe(2)
      for (const [index, { obtainedAt }] of sessions.slice(1).entries()) {
        expect(obtainedAt).toBeLessThan(sessions[index]?.expiresAt ?? 0)
      }
      await listOf(client.deployments.list())
      const statuses = cloud.requests({ path: '/run' }).map(({ status }) => status)
      expect(statuses).toEqual([200, 200])
    } finally {
      client.close()
      await cloud.close()
    }
  })

  it('is a 401 on the older side: any number of calls at once cost one login', async () => {
    const client = site.clientOf()
    await listOf(client.usage.list())
    site.slipstream.expireSessions()
    const logged = site.requestsFromNow(logins)
    const sent = site.requestsFromNow({ path: '/dashboard' })
    const answers = await Promise.all(Array.from({ length: 50 }, () => listOf(client.usage.list())))
    expect(answers.every((rows) => rows.at(-1)?.cloud === 'All Clouds')).toBe(true)
    expect(logged()).toHaveLength(1)
    const statuses = sent().map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(50)
    expect(statuses.filter((status) => status === 401).length).toBeGreaterThan(0)
  })

  it('is a 403 of CIMI: any number of calls at once cost one login', async () => {
    const client = site.clientOf()
    const { key } = site.slipstream.apiKey
    await firstValueFrom(client.cimi.get(key))
    site.slipstream.expireSessions()
    const logged = site.requestsFromNow(logins)
    const sent = site.requestsFromNow({ path: `/api/${key}` })
    const answers = await Promise.all(Array.from({ length: 50 }, () => firstValueFrom(client.cimi.get(key))))
    expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: 50 }, () => key))
    expect(logged()).toHaveLength(1)
    const statuses = sent().map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(50)
    expect(statuses.filter((status) => status === 403).length).toBeGreaterThan(0)
  })

  it('makes a stranger where strangers are let in, and the client can tell', async () => {
    const client = site.clientOf()
    await done(client.users.get())
    expect(await firstValueFrom(client.session.isAuthenticated())).toBe(true)
    site.slipstream.expireSessions()
    expect(await firstValueFrom(client.session.current())).toBeUndefined()
    await done(client.users.get())
    expect(await firstValueFrom(client.session.isAuthenticated())).toBe(true)
  })

  it('is not suspected again after a true refusal, until the next session', async () => {
    const client = site.clientOf()
    await done(client.users.get())
    const logged = site.requestsFromNow(logins)
    const bobs = 'credential/exoscale-ch-gva-bob'
    for (let count = 0; count < 3; count += 1) {
      const error = await errorOf(client.cimi.get(bobs))
      expect(error).toBeInstanceOf(PermissionError)
      expect((error as PermissionError).reason).toBe(`invalid credentials for '${bobs}'`)
    }
    expect(logged()).toHaveLength(1)
    // The older side says clearly that it is over, and then a new one is as suspicious as the first.
    site.slipstream.expireSessions()
    await done(client.users.get())
    expect(logged()).toHaveLength(2)
    site.slipstream.expireSessions()
    expect(await firstValueFrom(client.cimi.get(site.slipstream.apiKey.key))).toMatchObject({
      type: 'api-key',
    })
    expect(logged()).toHaveLength(3)
  })

  it('is not suspected for a refusal of the older side', async () => {
    const client = site.clientOf()
    await done(client.users.get())
    const logged = site.requestsFromNow(logins)
    const sent = site.requestsFromNow({ path: '/user/bob' })
    expect(await errorOf(client.users.get('bob'))).toBeInstanceOf(PermissionError)
    expect(logged()).toEqual([])
    expect(sent()).toHaveLength(1)
  })

  it('cannot be renewed after logout: the session is gone there and here', async () => {
    const client = site.clientOf()
    await done(client.users.get())
    const { id } = (await firstValueFrom(client.session.current())) ?? { id: '' }
    const sent = site.requestsFromNow()
    await done(client.session.logout())
    expect(sent().map(({ method, path, status }) => [method, path, status])).toEqual([
      ['PUT', '/api/session', 200],
      ['DELETE', `/api/${id}`, 200],
    ])
    expect(await firstValueFrom(client.session.isAuthenticated())).toBe(false)
    expect(await errorOf(client.users.get('jane'))).toBeInstanceOf(ConfigurationError)
    expect(site.requestsFromNow(logins)()).toEqual([])
    // Without a session there is none to end.
    const again = site.requestsFromNow({ method: 'DELETE' })
    await done(client.session.logout())
    expect(again()).toEqual([])
  })
})

describe('the cookie file', () => {
  it('goes from one client to the next, in the form that the reference client reads', async () => {
    const cookieFile = join(folder, 'made', 'cookies.txt')
    const endpoint = site.slipstream.url.replace('127.0.0.1', 'localhost')
    const first = site.clientOf({ endpoint, cookieFile, ...site.slipstream.user })
    await done(first.users.get())
    expect(statSync(cookieFile).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'made')).mode & 0o777).toBe(0o700)
    const lines = readFileSync(cookieFile, 'utf8').split('\n')
    expect(lines[0]).toBe('# Netscape HTTP Cookie File')
    const [line, ...others] = lines.filter((text) => text !== '' && !text.startsWith('#'))
    expect(others).toEqual([])
    const [domain, subdomains, path, secure, expires, name, value] = line?.split('\t') ?? []
    expect([domain, subdomains, path, secure, name]).toEqual([
      'localhost.local',
      'FALSE',
      '/',
      'FALSE',
      COOKIE,
    ])
    expect(Number(expires) * 1000).toBeGreaterThan(Date.now() + 23 * 3_600_000)
    expect(value).toMatch(/^token=[\w-]+\.[\w-]+\.[\w-]+$/)

    const logged = site.requestsFromNow(logins)
    const second = site.clientOf({ endpoint, cookieFile })
    expect(await firstValueFrom(second.users.get())).toMatchObject({ name: 'jane' })
    expect(logged()).toEqual([])

    await done(second.session.logout())
    expect(readFileSync(cookieFile, 'utf8').split('\n')).toEqual([
      '# Netscape HTTP Cookie File',
      '# http://curl.haxx.se/rfc/cookie_spec.html',
      '# This is a generated file!  Do not edit.',
      '',
    ])
  })

  it('of the reference client serves until the session in it ends, and other sites keep theirs', async () => {
    const token = await firstValueFrom(site.clientOf().session.login(site.slipstream.user))
    const cookieFile = join(folder, 'reference.txt')
    const expires = String(Math.floor(Date.now() / 1000) + 3600)
    const foreign = ['example.org', 'FALSE', '/', 'FALSE', '', 'other', 'value'].join('\t')
    const lineOf = (value: string): string =>
      ['127.0.0.1', 'FALSE', '/', 'FALSE', expires, COOKIE, value].join('\t')
    const header = '# Netscape HTTP Cookie File\n# a comment\n\n'
    writeFileSync(cookieFile, `${header}${foreign}\n${lineOf(token.value)}\n`)

    const logged = site.requestsFromNow(logins)
    const client = site.clientOf({ cookieFile })
    expect(await firstValueFrom(client.session.username())).toBe('jane')
    await done(client.users.get())
    site.slipstream.expireSessions()
    expect(await errorOf(client.users.get())).toBeInstanceOf(ConfigurationError)
    expect(logged()).toEqual([])

    // Somebody else does not take it for his own.
    const own = await firstValueFrom(site.clientOf().session.login(site.slipstream.user))
    writeFileSync(cookieFile, `${header}${foreign}\n${lineOf(own.value)}\n`)
    const bob = site.clientOf({ cookieFile, ...site.slipstream.otherUser })
    expect(await firstValueFrom(bob.users.get())).toMatchObject({ name: 'bob' })
    expect(logged()).toHaveLength(2)
    site.slipstream.expireSessions()

    // One with credentials logs in, and keeps the new session there.
    const other = site.clientOf({ cookieFile, ...site.slipstream.user })
    await done(other.users.get())
    expect(logged()).toHaveLength(3)
    const content = readFileSync(cookieFile, 'utf8')
    expect(content).toContain(foreign)
    expect(content).not.toContain(token.value)
    expect(content.match(new RegExp(COOKIE, 'g'))).toHaveLength(1)
  })
})

describe('an API key', () => {
  it('is made, logs in, and its secret is seen by nobody who does not ask', async () => {
    const { key, secret } = await firstValueFrom(site.clientOf().session.createApiKey({ ttl: 3600 }))
    expect(key).toMatch(/^credential\//)
    expect(secret.replaceAll('.', '')).toHaveLength(30)
    expect(await firstValueFrom(site.clientOf({ key, secret }).users.get())).toMatchObject({ name: 'jane' })
    const made = await firstValueFrom(site.clientOf().session.createApiKey())
    expect(inspect(made) + JSON.stringify({ ...made })).not.toContain(made.secret)
  })
})
