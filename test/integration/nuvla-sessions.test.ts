import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asyncScheduler, filter, firstValueFrom, lastValueFrom, map, tap, type SchedulerLike } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { createSlipstream } from '../../src/clients/slipstream/index.js'
import {
  AuthenticationError,
  ConfigurationError,
  HttpError,
  PermissionError,
  TokenError,
  ValidationError,
} from '../../src/errors.js'
import { defaultRuntime, type Runtime } from '../../src/runtime.js'
import {
  atTheEnd,
  clientOf,
  errorOf,
  itemsOf,
  loginsAt,
  nuvlaOf,
  outcomeOf,
  sentTo,
  stepping,
  strangerOf,
} from './nuvla-site.js'

const COOKIE = 'com.com.sixsq.nuvla.cookie'
const DAY_MS = 86_400_000

function temporaryHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'skystream-nuvla-'))
  atTheEnd(() => {
    rmSync(home, { recursive: true })
  })
  return home
}

/** A clock that can be put forward; timers go by the true one. */
function movableClock(): { readonly runtime: Runtime; readonly putForward: (ms: number) => void } {
  let ahead = 0
  const scheduler: SchedulerLike = {
    now: () => Date.now() + ahead,
    schedule: asyncScheduler.schedule.bind(asyncScheduler),
  }
  return {
    runtime: { ...defaultRuntime, scheduler },
    putForward: (ms) => {
      ahead += ms
    },
  }
}

describe('ways to log in', () => {
  it('by API key, of which the bare uuid will do', async () => {
    const cloud = await nuvlaOf()
    const { key, secret } = cloud.nuvla.apiKey
    for (const name of [key, key.replace('credential/', '')]) {
      const { session, tokens } = clientOf(cloud, { key: name, secret })
      expect(await firstValueFrom(session.isAuthenticated())).toBe(false)
      const token = await firstValueFrom(tokens.token())
      expect(token.cookie).toBe(COOKIE)
      // No `token=` in front of it, and no second login.
      expect(token.value).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
      expect(await firstValueFrom(session.current())).toMatchObject({
        id: token.session,
        method: 'api-key',
        identifier: cloud.nuvla.user.username,
        'active-claim': cloud.nuvla.user.id,
        'client-ip': '127.0.0.1',
      })
      expect(await firstValueFrom(session.username())).toBe(cloud.nuvla.user.username)
    }
    expect(loginsAt(cloud)).toBe(2)
  })

  it('by user and password', async () => {
    const cloud = await nuvlaOf()
    const { username, password } = cloud.nuvla.user
    const client = strangerOf(cloud, { username, password })
    await itemsOf(client.deployments.list())
    expect(await firstValueFrom(client.session.current())).toMatchObject({ method: 'password' })
  })

  it('by any template that the cloud has', async () => {
    const cloud = await nuvlaOf()
    const stranger = strangerOf(cloud)
    const templates = await itemsOf(stranger.session.templates().pipe(map(({ id }) => id)))
    expect(templates.sort()).toEqual(['session-template/api-key', 'session-template/password'])
    const { username, password } = cloud.nuvla.user
    const template = { href: 'session-template/password', username, password }
    const token = await firstValueFrom(stranger.session.login({ template }))
    expect(await firstValueFrom(stranger.session.current())).toMatchObject({ id: token.session })

    const error = await errorOf(stranger.session.login({ template: { href: 'session-template/ldap' } }))
    expect(error).toMatchObject({ status: 404, reason: 'session-template/ldap not found' })
    const incomplete = await errorOf(
      stranger.session.login({ template: { href: 'session-template/password', username } }),
    )
    expect(incomplete).toBeInstanceOf(ValidationError)
    // What there was before is still good.
    expect(await firstValueFrom(stranger.session.isAuthenticated())).toBe(true)
  })

  it('by what the environment says', async () => {
    const cloud = await nuvlaOf()
    const { key, secret } = cloud.nuvla.apiKey
    const client = createSlipstream({
      profile: 'nuvla',
      environment: {
        env: { NUVLA_ENDPOINT: cloud.nuvla.url, NUVLA_API_KEY: key, NUVLA_API_SECRET: secret },
        home: '',
      },
      connection: { proxy: false },
    })
    atTheEnd(() => {
      client.close()
    })
    expect(await firstValueFrom(client.session.username())).toBe(cloud.nuvla.user.username)
  })

  it('not by password, where a code is asked for: the error says so', async () => {
    const cloud = await nuvlaOf()
    const { username, password } = cloud.nuvla.twoFactorUser
    const error = await errorOf(strangerOf(cloud, { username, password }).deployments.list())
    expect(error).toBeInstanceOf(TokenError)
    expect(error).toMatchObject({ cloud: 'nuvla', retryable: false })
    expect(error.message).toContain('second factor')
    expect(error.message).toContain('API key')
    expect(loginsAt(cloud)).toBe(1)
  })

  it.each([
    ['password', { username: 'jane@example.org', password: 'not-his-password' }, 'jane@example.org'],
    ['secret', { key: 'credential/none', secret: 'not.the.secret' }, 'credential/none'],
  ])('not with a wrong %s: an AuthenticationError, asked for once', async (_what, login, name) => {
    const cloud = await nuvlaOf()
    const error = await errorOf(strangerOf(cloud, login).deployments.list())
    expect(error).toBeInstanceOf(AuthenticationError)
    expect(error).toMatchObject({
      operation: 'nuvla.session.login',
      reason: `invalid credentials for '${name}'`,
    })
    expect(loginsAt(cloud)).toBe(1)
    expect(sentTo(cloud)).toEqual([])
  })

  it('by nothing: the entry point is there, and all else says where was looked', async () => {
    const cloud = await nuvlaOf()
    const stranger = strangerOf(cloud)
    const { baseUri, collections } = await firstValueFrom(stranger.cimi.entryPoint())
    expect(baseUri).toBe(`${cloud.nuvla.url}/api/`)
    expect(collections).toMatchObject({
      deployment: 'deployment',
      'deployment-parameter': 'deployment-parameter',
    })
    const error = await errorOf(stranger.deployments.list())
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error.message).toContain('NUVLA_API_KEY')
    expect(loginsAt(cloud)).toBe(0)
  })
})

describe('the life of a session', () => {
  it('is seven days', async () => {
    const cloud = await nuvlaOf()
    const { tokens } = clientOf(cloud)
    const { obtainedAt, expiresAt = 0 } = await firstValueFrom(tokens.token())
    expect(expiresAt - obtainedAt).toBeGreaterThan(7 * DAY_MS - 5_000)
    expect(expiresAt - obtainedAt).toBeLessThanOrEqual(7 * DAY_MS + 2_000)
  })

  it('ends, and another one has begun ahead of that', async () => {
    const cloud = await nuvlaOf()
    const { runtime, putForward } = movableClock()
    const { deployments, jobs, tokens } = clientOf(cloud, { runtime })
    const old = await firstValueFrom(tokens.token())
    putForward(7 * DAY_MS - 60_000)
    const renewed = firstValueFrom(
      tokens.pipe(filter((state) => state.kind === 'valid' && state.token.value !== old.value)),
    )
    await itemsOf(deployments.list())
    await renewed
    putForward(60_000)
    await itemsOf(deployments.list())
    expect(loginsAt(cloud)).toBe(2)

    // Nobody called for a week: who comes then waits for one login.
    putForward(8 * DAY_MS)
    await Promise.all([itemsOf(deployments.list()), itemsOf(jobs.list())])
    expect(loginsAt(cloud)).toBe(3)
    expect(cloud.requests().filter(({ status }) => status === 403)).toEqual([])
  })

  it('ends in the middle of everything: any number of calls cost one login, and all succeed', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const { id } = await firstValueFrom(client.deployments.create(cloud.nuvla.modules.application))
    cloud.nuvla.expireSessions()
    const found = await Promise.all(
      Array.from({ length: 25 }, () => firstValueFrom(client.deployments.get(id))),
    )
    expect(found.map((deployment) => deployment.id)).toEqual(Array.from({ length: 25 }, () => id))
    expect(loginsAt(cloud)).toBe(2)
  })

  it('ends during a wait, which goes on', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const { application } = cloud.nuvla.modules
    const { events, error } = await outcomeOf(
      client.deployments.deploy(application, { parent: cloud.nuvla.credential, ...stepping(cloud) }).pipe(
        tap((event) => {
          if (event.kind === 'progress' && event.percent === 40) cloud.nuvla.expireSessions()
        }),
      ),
    )
    expect(error).toBeUndefined()
    expect(events.map(({ kind }) => kind)).not.toContain('retrying')
    expect(events.at(-1)).toMatchObject({ kind: 'done', result: { state: 'STARTED' } })
    expect(loginsAt(cloud)).toBe(2)
  })

  it('is not the reason for every 403: what is forbidden stays so, and is not asked for again and again', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const { unsubscribedCredential } = cloud.nuvla
    for (let count = 0; count < 5; count++) {
      const error = await errorOf(client.cimi.get(unsubscribedCredential))
      expect(error).toBeInstanceOf(PermissionError)
      expect(error).toMatchObject({ reason: `invalid credentials for '${unsubscribedCredential}'` })
    }
    // One at the beginning, and one to find out.
    expect(loginsAt(cloud)).toBe(2)
    expect(cloud.requests({ path: `/api/${unsubscribedCredential}` })).toHaveLength(6)
  })

  it('ends with a logout', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const { session: id = '' } = await firstValueFrom(client.tokens.token())
    await lastValueFrom(client.session.logout())
    expect(sentTo(cloud).slice(-1)).toEqual([`DELETE /api/${id}`])
    expect(cloud.nuvla.documents.get(id)).toBeUndefined()
    expect(client.tokens.value.kind).toBe('idle')
    const error = await errorOf(client.deployments.list())
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error.message).toContain('logged out')
    await lastValueFrom(client.session.login(cloud.nuvla.apiKey))
    expect(await itemsOf(client.deployments.list())).toEqual([])
  })

  it('goes on in a group that the user switches to', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const { session: id = '', value } = await firstValueFrom(client.tokens.token())
    await lastValueFrom(client.cimi.operate(id, 'switch-group', { claim: cloud.nuvla.group }))
    const token = await firstValueFrom(client.tokens.token())
    expect(token.session).toBe(id)
    expect(token.value).not.toBe(value)
    expect(await firstValueFrom(client.session.current())).toMatchObject({
      'active-claim': cloud.nuvla.group,
    })
    expect(loginsAt(cloud)).toBe(1)
  })
})

describe('API keys', () => {
  it('are made, serve another client, and are taken back', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const made = await firstValueFrom(client.session.createApiKey({ ttl: 3_600, name: 'nightly' }))
    expect(made.key).toMatch(/^credential\//)
    expect(made.secret).not.toBe('')
    expect(JSON.stringify(made)).not.toContain(made.secret)
    const { key, secret } = made
    const other = clientOf(cloud, { key, secret })
    expect(await firstValueFrom(other.session.username())).toBe(cloud.nuvla.user.username)
    expect(await firstValueFrom(client.cimi.get(key))).toMatchObject({ name: 'nightly', subtype: 'api-key' })
    await lastValueFrom(client.cimi.remove(key))
    expect(await errorOf(clientOf(cloud, { key, secret }).deployments.list())).toBeInstanceOf(
      AuthenticationError,
    )
  })
})

describe('the cookie file', () => {
  it('keeps the session for the next program, which does not log in', async () => {
    const cloud = await nuvlaOf()
    const home = temporaryHome()
    const environment = { env: {}, home }
    const first = clientOf(cloud, { cookieFile: true, environment })
    const { value, expiresAt = 0 } = await firstValueFrom(first.tokens.token())
    first.close()
    const path = join(home, '.nuvla', 'cookies.txt')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const lines = readFileSync(path, 'utf8').trim().split('\n')
    expect(lines[0]).toBe('# Netscape HTTP Cookie File')
    const fields = ['127.0.0.1', 'FALSE', '/', 'FALSE', String(Math.floor(expiresAt / 1000)), COOKIE, value]
    expect(lines.at(-1)?.split('\t')).toEqual(fields)

    const second = strangerOf(cloud, { environment })
    expect(await firstValueFrom(second.session.username())).toBe(cloud.nuvla.user.username)
    expect(await itemsOf(second.deployments.list())).toEqual([])
    expect(loginsAt(cloud)).toBe(1)

    await lastValueFrom(clientOf(cloud, { cookieFile: true, environment }).session.logout())
    expect(readFileSync(path, 'utf8')).not.toContain(value)
    expect(loginsAt(cloud)).toBe(1)
  })

  it('is brought up to date when the session in it is over', async () => {
    const cloud = await nuvlaOf()
    const path = join(temporaryHome(), 'cookies.txt')
    const first = clientOf(cloud, { cookieFile: path })
    const old = await firstValueFrom(first.tokens.token())
    cloud.nuvla.expireSessions()
    const second = clientOf(cloud, { cookieFile: path })
    expect(await itemsOf(second.deployments.list())).toEqual([])
    const renewed = await firstValueFrom(second.tokens.token())
    expect(renewed.value).not.toBe(old.value)
    expect(readFileSync(path, 'utf8')).toContain(renewed.value)
    expect(readFileSync(path, 'utf8')).not.toContain(old.value)
    expect(loginsAt(cloud)).toBe(2)
  })

  it('alone is of no use when the session in it is over: the error is the refusal', async () => {
    const cloud = await nuvlaOf()
    const home = temporaryHome()
    const environment = { env: {}, home }
    await firstValueFrom(clientOf(cloud, { cookieFile: true, environment }).tokens.token())
    cloud.nuvla.expireSessions()
    const error = await errorOf(strangerOf(cloud, { environment }).deployments.list())
    expect(error).toBeInstanceOf(HttpError)
    expect(error).toMatchObject({ status: 403, reason: 'credentials required' })
  })
})
