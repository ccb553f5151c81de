import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { firstValueFrom, forkJoin } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSlipstream, type SlipstreamConfig } from '../../../src/clients/slipstream/index.js'
import { ConfigurationError } from '../../../src/errors.js'
import { call } from '../../../src/http/api.js'
import { text } from '../../../src/http/codecs.js'
import type { Operation, TrafficEvent } from '../../../src/http/types.js'
import { fakeTransport, type FakeAnswer, type FakeResponse } from '../../../src/testing/fake-transport.js'
import { marbles } from '../../../src/testing/marbles.js'
import { serveHttp } from '../../http/loopback.js'
import {
  COOKIE,
  DATE,
  DAY_SECONDS,
  entryPoint,
  failure,
  forbidden,
  granted,
  items,
  jwt,
  nowhere,
  NUVLA_COOKIE,
} from './sessions.js'

const CEP = 'GET /api/cloud-entry-point'
const LOGIN = 'POST /api/session'
const SESSIONS = 'PUT /api/session'
const LOGOUT = 'DELETE /api/session/1'
const jane = { username: 'jane', password: 'hush-hush' }

type Routes = Record<string, FakeAnswer | readonly FakeAnswer[]>
function slipstream(routes: Routes, config: SlipstreamConfig = jane) {
  const transport = fakeTransport({ [CEP]: { json: entryPoint }, [LOGIN]: granted(1), ...routes })
  const client = createSlipstream({ transport, environment: nowhere, retry: false, ...config })
  const sent = () => transport.requests.map(({ method, path }) => `${method} ${path}`)
  return { client, requests: transport.requests, sent }
}

/** An operation of the older side. */
const getRuns: Operation<void, string> = {
  id: 'slipstream.test.runs',
  method: 'GET',
  path: '/run',
  success: [200],
  encode: () => ({ path: '/run', headers: { accept: 'application/xml' } }),
  decode: text,
}
const sessions = (...found: object[]) => ({ json: { count: found.length, sessions: found } })
const session = { id: 'session/1', username: 'jane', operations: [{ rel: 'delete', href: 'session/1' }] }
const revoked: FakeAnswer = {
  headers: { 'set-cookie': `${COOKIE}=INVALID;Path=/;Max-Age=0;Expires=Fri, 29 Mar 2019 09:15:00 +0000` },
  json: { status: 200, message: 'session/1 deleted', 'resource-id': 'session/1' },
}

describe('logging in', () => {
  const logins: [string, SlipstreamConfig, object][] = [
    ['a password', jane, { href: 'session-template/internal', username: 'jane', password: 'hush-hush' }],
    [
      'an API key',
      { key: 'credential/7f0c', secret: 'ab3dEf.ghJk4m' },
      { href: 'session-template/api-key', key: 'credential/7f0c', secret: 'ab3dEf.ghJk4m' },
    ],
    [
      'a template',
      { template: { href: 'session-template/mine', code: '4711' } },
      { href: 'session-template/mine', code: '4711' },
    ],
  ]
  it.each(logins)('with %s happens when the first call needs it', async (_, config, sessionTemplate) => {
    const { client, requests, sent } = slipstream({ 'GET /run': { body: '<runs/>' } }, config)
    expect(sent()).toEqual([])
    expect(await firstValueFrom(call(client.api, getRuns, undefined))).toBe('<runs/>')
    expect(sent()).toEqual([LOGIN, 'GET /run'])
    expect(requests[0]?.headers).toMatchObject({
      accept: 'application/json',
      'content-type': 'application/json',
    })
    expect(JSON.parse(requests[0]?.body as string)).toEqual({ sessionTemplate })
    expect(requests[0]?.headers).not.toHaveProperty('cookie')
    expect(requests[1]?.headers['cookie']).toBe(
      `${COOKIE}=token=${jwt({ username: 'jane', session: 'session/1' })}`,
    )
  })

  it(
    'happens once for many callers, and is renewed when the day is over',
    marbles(({ cold, runtime, expectObservable, flush }) => {
      const answer = (n: number): FakeResponse => ({
        status: 201,
        headers: { 'set-cookie': `${COOKIE}=token-${String(n)};Max-Age=${String(DAY_SECONDS)}` },
        json: { status: 201, message: '' },
      })
      const { client, sent } = slipstream(
        { [LOGIN]: [cold('5ms (a|)', { a: answer(1) }), answer(2)], 'GET /run': { body: '' } },
        { ...jane, runtime },
      )
      const runs = call(client.api, getRuns, undefined)
      expectObservable(forkJoin([runs, runs, runs])).toBe('5ms (a|)', { a: ['', '', ''] })
      expectObservable(cold('86400s (a|)')).toBe('86400s (a|)')
      flush()
      expect(sent()).toEqual([LOGIN, 'GET /run', 'GET /run', 'GET /run', LOGIN])
      client.close()
    }),
  )

  it('with wrong credentials fails the calls as what it is, once each, and shows no secret', async () => {
    const { client, sent } = slipstream(
      { [LOGIN]: forbidden("invalid credentials for 'jane' hush-hush") },
      {
        ...jane,
        retry: {},
      },
    )
    const error = await failure(client.cimi.get('event/1'))
    expect(error).toMatchObject({
      name: 'AuthenticationError',
      code: 'SKY_HTTP_AUTHENTICATION',
      status: 403,
      operation: 'slipstream.session.login',
      retryable: false,
    })
    expect(sent()).toEqual([LOGIN])
    expect(inspect(error) + JSON.stringify(error)).not.toContain('hush-hush')
    expect(error.message).toContain("invalid credentials for 'jane'")
  })

  it('shows no secret when an error quotes what was sent', async () => {
    const password = 'with "quotes" and \\ more'
    const sent = JSON.stringify({ username: 'jane', password })
    const { client } = slipstream(
      { [LOGIN]: { status: 400, json: { status: 400, message: `invalid request: ${sent}` } } },
      { username: 'jane', password },
    )
    const error = await failure(client.cimi.get('event/1'))
    expect(error).toMatchObject({ reason: 'invalid request: {"username":"jane","password":"[redacted]"}' })
    expect(inspect(error) + JSON.stringify(error)).not.toContain('quotes')
  })

  it('that the cloud answers without a cookie is an error of its answer', async () => {
    const { client } = slipstream({ [LOGIN]: { status: 201, json: { status: 201, message: '' } } })
    expect(await failure(client.cimi.get('event/1'))).toMatchObject({ code: 'SKY_RESPONSE_FORMAT' })
  })

  it('to an unknown template is what the cloud says', async () => {
    const { client } = slipstream(
      { [LOGIN]: { status: 404, json: { status: 404, message: 'session-template/foo not found' } } },
      { template: { href: 'session-template/foo' } },
    )
    expect(await failure(client.cimi.get('event/1'))).toMatchObject({
      code: 'SKY_HTTP_NOT_FOUND',
      reason: 'session-template/foo not found',
    })
  })

  it('is not possible without credentials, and it is told where was looked', async () => {
    const { client, sent } = slipstream({}, {})
    const error = await failure(call(client.api, getRuns, undefined))
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error).toMatchObject({ cloud: 'slipstream' })
    expect(error.toJSON()['lookedAt']).toContain('environment variable SLIPSTREAM_USERNAME: not set')
    expect(sent()).toEqual([])
  })
})

describe('logging in to Nuvla', () => {
  function nuvla(
    login: FakeAnswer,
    config: { username: string; password: string } | { key: string; secret: string },
  ) {
    const transport = fakeTransport({ [LOGIN]: login, 'GET /api/job/1': { json: { id: 'job/1' } } })
    const client = createSlipstream({
      profile: 'nuvla',
      transport,
      environment: nowhere,
      retry: false,
      ...config,
    })
    return { client, requests: transport.requests }
  }

  it('has other names', async () => {
    const cookie = jwt({ 'user-id': 'user/1', session: 'session/1' })
    const { client, requests } = nuvla(
      {
        status: 201,
        headers: { date: DATE, 'set-cookie': `${NUVLA_COOKIE}=${cookie};Secure;Path=/;HttpOnly` },
      },
      jane,
    )
    await items(client.cimi.get('job/1'))
    expect(JSON.parse(requests[0]?.body as string)).toEqual({
      template: { href: 'session-template/password', username: 'jane', password: 'hush-hush' },
    })
    expect(requests[1]?.headers['cookie']).toBe(`${NUVLA_COOKIE}=${cookie}`)
    expect(client.tokens.value).toMatchObject({ kind: 'valid', token: { session: 'session/1' } })
  })

  it('with a second factor is not possible, and says so', async () => {
    const answer = {
      status: 200,
      json: { status: 200, message: 'Authorization code requested', location: 'callback/1' },
    }
    const error = await failure(nuvla(answer, jane).client.cimi.get('job/1'))
    expect(error).toMatchObject({ code: 'SKY_TOKEN', cloud: 'nuvla', operation: 'nuvla.session.login' })
    expect(error.message).toMatch(/second factor/)
  })

  it('with a page of a proxy in between is no second factor', async () => {
    const page = { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Sign in</html>' }
    const error = await failure(nuvla(page, jane).client.cimi.get('job/1'))
    expect(error).toMatchObject({ code: 'SKY_RESPONSE_FORMAT', operation: 'nuvla.session.login' })
  })
})

describe('a session that is refused', () => {
  it('on the older side is a 401, and costs one login and one replay', async () => {
    const cleared = {
      status: 401,
      headers: { 'set-cookie': `${COOKIE}=INVALID;Max-Age=0` },
      body: '<error detail="x"/>',
    }
    const { client, sent } = slipstream({
      [LOGIN]: [granted(1), granted(2)],
      'GET /run': [{ body: 'a' }, cleared, { body: 'b' }],
    })
    const runs = call(client.api, getRuns, undefined)
    await items(runs)
    expect(await firstValueFrom(runs)).toBe('b')
    expect(sent()).toEqual([LOGIN, 'GET /run', 'GET /run', LOGIN, 'GET /run'])
  })

  it('on the older side by a 403 is not renewed', async () => {
    const { client, sent } = slipstream({ 'GET /run': { status: 403, body: '<error detail="not yours"/>' } })
    expect(await failure(call(client.api, getRuns, undefined))).toMatchObject({
      code: 'SKY_HTTP_PERMISSION',
      reason: 'not yours',
    })
    expect(sent()).toEqual([LOGIN, 'GET /run'])
  })

  it('while it logs somebody in is not renewed', async () => {
    const { client, sent } = slipstream({
      [SESSIONS]: { json: { ...sessions(session).json, operations: [{ rel: 'add', href: 'session' }] } },
      [LOGIN]: [granted(1), forbidden()],
    })
    expect(await failure(client.cimi.add('sessions', { sessionTemplate: {} }))).toMatchObject({ status: 403 })
    expect(sent().filter((request) => request === LOGIN)).toHaveLength(2)
  })

  it('is replaced by a cookie that an answer brings', async () => {
    const renewed = {
      body: '',
      headers: { date: DATE, 'set-cookie': `${COOKIE}=token=${jwt({ session: 'session/9' })}` },
    }
    const { client, requests } = slipstream({ 'GET /run': [renewed, { body: '' }] })
    const runs = call(client.api, getRuns, undefined)
    await items(runs)
    await items(runs)
    expect(requests.at(-1)?.headers['cookie']).toContain(jwt({ session: 'session/9' }))
    expect(client.tokens.value).toMatchObject({ token: { session: 'session/9' } })
  })
})

describe('the session group', () => {
  it('tells the current session, and does not log in for it', async () => {
    const { client, sent, requests } = slipstream({
      [SESSIONS]: [sessions(), sessions(session), sessions(session)],
    })
    expect(await firstValueFrom(client.session.current())).toBeUndefined()
    expect(sent()).toEqual([CEP, SESSIONS])
    expect(requests[1]?.body).toBeUndefined()
    await items(client.session.login(jane))
    expect(await firstValueFrom(client.session.current())).toEqual(session)
    expect(requests.at(-1)?.headers['cookie']).toContain(COOKIE)
    expect(await firstValueFrom(client.session.isAuthenticated())).toBe(true)
  })

  it('says no for an anonymous client', async () => {
    const { client } = slipstream({ [SESSIONS]: sessions() }, {})
    expect(await firstValueFrom(client.session.isAuthenticated())).toBe(false)
  })

  it('logs in now, and from then on', async () => {
    const { client, sent, requests } = slipstream(
      { [LOGIN]: [granted(1), granted(2)], 'GET /run': [{ body: '' }, { status: 401 }, { body: '' }] },
      {},
    )
    const login = client.session.login({ key: 'credential/1', secret: 'hush-hush' })
    expect(sent()).toEqual([])
    expect(await firstValueFrom(login)).toMatchObject({ session: 'session/1', username: 'jane' })
    const runs = call(client.api, getRuns, undefined)
    await items(runs)
    await items(runs)
    expect(sent()).toEqual([LOGIN, 'GET /run', 'GET /run', LOGIN, 'GET /run'])
    expect(requests[3]?.body).toBe(requests[0]?.body)
  })

  it('keeps what it had if a login fails', async () => {
    const { client } = slipstream({
      [LOGIN]: [forbidden(), granted(1, 'jane')],
      'GET /run': { body: 'runs' },
    })
    expect(await failure(client.session.login({ username: 'bob', password: 'x' }))).toMatchObject({
      code: 'SKY_HTTP_AUTHENTICATION',
    })
    expect(await firstValueFrom(call(client.api, getRuns, undefined))).toBe('runs')
    expect(await firstValueFrom(client.session.username())).toBe('jane')
  })

  it.each([undefined, {}, { username: 'jane' }, { key: 'k', secret: 's', username: 'jane', password: 'p' }])(
    'does not log in with %j',
    (login) => {
      expect(() => slipstream({}).client.session.login(login as never)).toThrow(ConfigurationError)
    },
  )

  it('logs out: ends the session there and forgets all here', async () => {
    const { client, sent } = slipstream({
      [SESSIONS]: sessions(session),
      [LOGOUT]: revoked,
      'GET /run': { body: '' },
    })
    await items(call(client.api, getRuns, undefined))
    expect(await items(client.session.logout())).toHaveLength(1)
    expect(sent().slice(2)).toEqual([CEP, SESSIONS, LOGOUT])
    expect(client.tokens.value).toEqual({ kind: 'idle' })
    const error = await failure(call(client.api, getRuns, undefined))
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error.message).toMatch(/logged out/)
  })

  it('logs out without a session, and with one that is gone already', async () => {
    const none = slipstream({ [SESSIONS]: sessions() })
    await items(none.client.session.logout())
    expect(none.sent()).toEqual([CEP, SESSIONS])
    const gone = slipstream({ [SESSIONS]: sessions(session), [LOGOUT]: { status: 404 } })
    await items(gone.client.session.logout())
    expect(await failure(gone.client.cimi.get('event/1'))).toBeInstanceOf(ConfigurationError)
  })

  it('keeps all if it could not log out', async () => {
    const { client } = slipstream({
      [SESSIONS]: sessions(session),
      [LOGOUT]: { status: 500 },
      'GET /run': { body: '' },
    })
    expect(await failure(client.session.logout())).toMatchObject({
      code: 'SKY_HTTP_SERVER',
      operation: 'slipstream.session.logout',
    })
    expect(await items(call(client.api, getRuns, undefined))).toEqual([''])
  })

  it(
    'does not take a session back that comes while it logs out',
    marbles(({ cold, runtime, expectObservable, flush }) => {
      const { client } = slipstream(
        {
          [LOGIN]: cold('9ms (a|)', { a: granted(1) }),
          [SESSIONS]: sessions(),
          'GET /run': { body: '' },
        },
        { ...jane, runtime },
      )
      const failed: unknown[] = []
      call(client.api, getRuns, undefined).subscribe({ error: (error: unknown) => failed.push(error) })
      client.session.logout().subscribe()
      expectObservable(cold('10ms (a|)')).toBe('10ms (a|)')
      flush()
      expect(failed).toMatchObject([{ code: 'SKY_TOKEN', message: expect.stringMatching(/logged out/) }])
      expect(client.tokens.value).toMatchObject({ kind: 'failed' })
      expect(client.tokens.current()).toBeUndefined()
    }),
  )

  it('tells the ways to log in, to anybody', async () => {
    const internal = { id: 'session-template/internal', method: 'internal', instance: 'internal' }
    const { client, sent } = slipstream(
      { 'PUT /api/session-template': { json: { count: 1, sessionTemplates: [internal] } } },
      {},
    )
    expect(await items(client.session.templates())).toEqual([internal])
    expect(sent()).toEqual([CEP, 'PUT /api/session-template'])
  })

  describe('tells the name of the user', () => {
    const key = { key: 'credential/1', secret: 'hush-hush' }
    it('as it was given', async () => {
      const { client, sent } = slipstream({})
      expect(await firstValueFrom(client.session.username())).toBe('jane')
      expect(sent()).toEqual([])
    })
    it('as the token says', async () => {
      const { client, sent } = slipstream({ [LOGIN]: granted(1, 'bob') }, key)
      expect(await firstValueFrom(client.session.username())).toBe('bob')
      expect(sent()).toEqual([LOGIN])
    })
    it('as the session says', async () => {
      const silent = { status: 201, headers: { 'set-cookie': `${COOKIE}=opaque` } }
      const { client } = slipstream({ [LOGIN]: silent, [SESSIONS]: [sessions(session), sessions()] }, key)
      expect(await firstValueFrom(client.session.username())).toBe('jane')
      expect(await failure(client.session.username())).toMatchObject({ code: 'SKY_TOKEN' })
    })
    it('of nobody is an error', async () => {
      expect(await failure(slipstream({}, {}).client.session.username())).toBeInstanceOf(ConfigurationError)
    })
  })

  it('makes an API key, and does not show its secret', async () => {
    const { client, requests } = slipstream({
      'PUT /api/credential': {
        json: { count: 0, credentials: [], operations: [{ rel: 'add', href: 'credential' }] },
      },
      'POST /api/credential': {
        status: 201,
        json: { status: 201, message: '', 'resource-id': 'credential/7f0c', secretKey: 'ab3dEf.ghJk4m' },
      },
    })
    const made = await firstValueFrom(client.session.createApiKey({ ttl: 86_400, name: 'robot' }))
    expect(JSON.parse(requests.at(-1)?.body as string)).toEqual({
      name: 'robot',
      credentialTemplate: { href: 'credential-template/generate-api-key', ttl: 86_400 },
    })
    expect([made.key, made.secret]).toEqual(['credential/7f0c', 'ab3dEf.ghJk4m'])
    expect(inspect(made) + JSON.stringify(made)).not.toContain('ab3d')
    expect(() => client.session.createApiKey({ ttl: -1 })).toThrow(/^key\.ttl:/)
  })
})

describe('the credentials for clouds', () => {
  const credentials = { json: { count: 1, credentials: [{ id: 'credential/1', type: 'cloud-cred-x' }] } }
  it.each([
    [undefined, "type^='cloud-cred'"],
    ["a='1' or b='2'", "type^='cloud-cred' and (a='1' or b='2')"],
  ])('are searched for, with filter %j', async (filter, whole) => {
    const { client, requests } = slipstream({ 'PUT /api/credential': credentials })
    const found = await items(client.credentials.clouds(filter === undefined ? {} : { filter }))
    expect(found).toEqual(credentials.json.credentials)
    expect(new URLSearchParams(requests.at(-1)?.body as string).get('$filter')).toBe(whole)
  })
})

describe('the cookie file', () => {
  let home: string
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'skystream-home-'))
  })
  afterEach(() => {
    rmSync(home, { recursive: true, force: true })
  })
  const far = Math.floor(Date.parse('2099-01-01') / 1000)
  const value = (username: string) => `token=${jwt({ username, session: 'session/1', exp: far })}`
  const give = (path: string, username: string) => {
    writeFileSync(
      path,
      `# Netscape HTTP Cookie File\nnuv.la\tFALSE\t/\tTRUE\t${String(far)}\t${COOKIE}\t${value(username)}\n`,
    )
  }
  const kept = (path: string) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.includes('\t'))
  const usual = () => {
    mkdirSync(join(home, '.slipstream'))
    return join(home, '.slipstream', 'cookies.txt')
  }

  it('of the reference client serves a client that has nothing else, until it is refused', async () => {
    const path = usual()
    give(path, 'jane')
    const { client, sent, requests } = slipstream(
      { 'GET /run': [{ body: 'runs' }, { status: 401 }], 'GET /api/event/1': forbidden() },
      { environment: { env: {}, home } },
    )
    const runs = call(client.api, getRuns, undefined)
    expect(await firstValueFrom(runs)).toBe('runs')
    expect(requests[0]?.headers['cookie']).toBe(`${COOKIE}=${value('jane')}`)
    expect(await failure(client.cimi.get('event/1'))).toMatchObject({ code: 'SKY_HTTP_PERMISSION' })
    const error = await failure(runs)
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error.message.split('\n').at(-1)).toBe(`  - cookie file ${path}: a session`)
    expect(sent()).toEqual(['GET /run', 'GET /api/event/1', 'GET /run'])
    expect(kept(path)).toHaveLength(1)
  })

  it('of the reference client is not used by one that has credentials', async () => {
    give(usual(), 'jane')
    const { client, sent } = slipstream(
      { 'GET /run': { body: '' } },
      { ...jane, environment: { env: {}, home } },
    )
    await items(call(client.api, getRuns, undefined))
    expect(sent()).toEqual([LOGIN, 'GET /run'])
  })

  it('that was asked for saves a login, and is not used if it is of another user', async () => {
    const cookieFile = join(home, 'cookies.txt')
    for (const [username, requests] of [
      ['jane', ['GET /run']],
      ['bob', [LOGIN, 'GET /run']],
    ] as const) {
      give(cookieFile, username)
      const { client, sent } = slipstream({ 'GET /run': { body: '' } }, { ...jane, cookieFile })
      await items(call(client.api, getRuns, undefined))
      expect(sent()).toEqual(requests)
    }
  })

  it('keeps a new session, and whatever replaces it, and is cleared when the client logs out', async () => {
    const cookieFile = join(home, 'new', 'cookies.txt')
    const { client } = slipstream(
      { [SESSIONS]: sessions(session), [LOGOUT]: revoked, 'GET /run': { body: '' } },
      { ...jane, cookieFile },
    )
    await items(call(client.api, getRuns, undefined))
    expect(kept(cookieFile)).toHaveLength(1)
    expect(kept(cookieFile)[0]).toMatch(
      /^nuv\.la\tFALSE\t\/\tTRUE\t\d+\tcom\.sixsq\.slipstream\.cookie\ttoken=eyJ/,
    )
    await items(client.session.logout())
    expect(kept(cookieFile)).toEqual([])
  })

  it('that cannot be written fails nobody, and traffic says why', async () => {
    const cookieFile = join(home, 'cookies.txt')
    const { client } = slipstream({ 'GET /run': { body: 'runs' } }, { ...jane, cookieFile })
    mkdirSync(cookieFile)
    const events: TrafficEvent[] = []
    client.traffic.subscribe((event) => events.push(event))
    expect(await firstValueFrom(call(client.api, getRuns, undefined))).toBe('runs')
    expect(events).toContainEqual(
      expect.objectContaining({
        kind: 'failure',
        operation: 'slipstream.session.keep',
        error: expect.any(ConfigurationError),
      }),
    )
  })
})

it('works over real HTTP to this machine, although the cookie is for https', async () => {
  const heads: IncomingHttpHeaders[] = []
  const server = await serveHttp((request, response) => {
    heads.push(request.headers)
    if (request.method === 'POST') {
      const { headers, json, status } = granted(1) as {
        status: number
        headers: Record<string, string>
        json: object
      }
      response.writeHead(status, headers).end(JSON.stringify(json))
    } else if (request.url === '/api/cloud-entry-point') response.end(JSON.stringify(entryPoint))
    else response.end(JSON.stringify({ count: 1, sessions: [session], operations: [] }))
  })
  const client = createSlipstream({ ...jane, endpoint: server.origin, environment: nowhere })
  try {
    expect(await items(client.cimi.search('sessions', { pageSize: 1 }))).toEqual([session])
    expect(server.seen).toEqual([CEP, LOGIN, SESSIONS])
    expect(heads.map(({ cookie }) => cookie?.split('=', 2).join('='))).toEqual([
      undefined,
      undefined,
      `${COOKIE}=token`,
    ])
    expect(heads[2]).toMatchObject({ 'content-type': 'application/x-www-form-urlencoded' })
    await items(client.session.current())
    expect(heads[3]).toMatchObject({ 'content-length': '0' })
    expect(heads[3]).not.toHaveProperty('content-type')
  } finally {
    client.close()
    await server.close()
  }
})
