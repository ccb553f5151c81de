import { inspect } from 'node:util'
import { firstValueFrom, mergeMap, take, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { authorize } from '../../src/auth/authorize.js'
import { keystone, type KeystoneLogin, type KeystoneToken } from '../../src/auth/keystone.js'
import { TokenSubject } from '../../src/auth/token-subject.js'
import { openstackErrors } from '../../src/clients/synnefo/swift/errors.js'
import type { CloudError } from '../../src/errors.js'
import { call } from '../../src/http/api.js'
import { createApi, createCore } from '../../src/http/client.js'
import { defaultRuntime, type Runtime } from '../../src/runtime.js'
import { fakeTransport, type FakeAnswer } from '../../src/testing/fake-transport.js'
import { marbles } from '../../src/testing/marbles.js'
import { operationOf } from '../http/requests.js'

const authUrl = 'https://keystone.test/identity/v3'
const SIGN_IN = 'POST /identity/v3/auth/tokens'
const SECRET = 'hu"sh-hush'
const user = { name: 'ada', domain: { id: 'default' } }
const byPassword: KeystoneLogin = { method: 'password', user, password: SECRET }

const catalog = [
  {
    type: 'object-store',
    name: 'swift',
    endpoints: [
      { interface: 'public', region: 'R1', region_id: 'R1', url: 'https://store.test/v1/AUTH_p1', id: '1' },
    ],
  },
]
const session = {
  methods: ['password'],
  user: { id: 'u1', name: 'ada', domain: { id: 'default', name: 'Default' }, password_expires_at: null },
  project: { id: 'p1', name: 'demo', domain: { id: 'default', name: 'Default' } },
  roles: [{ id: 'r1', name: 'member' }],
  audit_ids: ['x'],
  issued_at: '2026-11-21T10:00:00.000000Z',
  expires_at: '2026-11-21T11:00:00.000000Z',
  catalog,
}
const issued = (more: object = {}, headers: Record<string, string> = {}): FakeAnswer => ({
  status: 201,
  headers: { 'x-subject-token': 'gAAAA-token', ...headers },
  json: { token: { ...session, ...more } },
})

function flow(answer: FakeAnswer, login: KeystoneLogin = byPassword, runtime: Runtime = defaultRuntime) {
  const transport = fakeTransport({ [SIGN_IN]: answer })
  const core = createCore({ transport, runtime, retry: false })
  const api = createApi(core, { cloud: 'openstack', errors: openstackErrors, endpoint: authUrl })
  const choice = { interface: 'public', region: 'R1' } as const
  return { acquire: keystone({ api, authUrl, login, choice }), core, requests: transport.requests }
}

/** A clock that stands still. */
const at = (instant: string): Runtime => ({
  ...defaultRuntime,
  scheduler: { ...defaultRuntime.scheduler, schedule: neverSchedule, now: () => Date.parse(instant) },
})
function neverSchedule(): never {
  throw new Error('nothing is to be scheduled')
}

async function failureOf(answer: FakeAnswer, login?: KeystoneLogin): Promise<CloudError> {
  return firstValueFrom(flow(answer, login).acquire()).then(
    () => {
      throw new Error('it succeeded')
    },
    (error: unknown) => error as CloudError,
  )
}

describe('signing in', () => {
  const rows: [string, KeystoneLogin, object][] = [
    [
      'a password',
      byPassword,
      { identity: { methods: ['password'], password: { user: { ...user, password: SECRET } } } },
    ],
    [
      'a password, for a project',
      { ...byPassword, project: { name: 'demo', domain: { name: 'Default' } } },
      {
        identity: { methods: ['password'], password: { user: { ...user, password: SECRET } } },
        scope: { project: { name: 'demo', domain: { name: 'Default' } } },
      },
    ],
    [
      'ids',
      { method: 'password', user: { id: 'u1' }, password: SECRET, project: { id: 'p1' } },
      {
        identity: { methods: ['password'], password: { user: { id: 'u1', password: SECRET } } },
        scope: { project: { id: 'p1' } },
      },
    ],
    [
      'an application credential, which has its project in it',
      { method: 'application_credential', credential: { id: 'ac1' }, secret: SECRET },
      {
        identity: {
          methods: ['application_credential'],
          application_credential: { id: 'ac1', secret: SECRET },
        },
      },
    ],
    [
      'the name of an application credential and its user',
      { method: 'application_credential', credential: { name: 'robot', user }, secret: SECRET },
      {
        identity: {
          methods: ['application_credential'],
          application_credential: { name: 'robot', user, secret: SECRET },
        },
      },
    ],
  ]
  it.each(rows)('with %s', async (_, login, auth) => {
    const { acquire, requests } = flow(issued(), login)
    await firstValueFrom(acquire())
    expect(requests).toHaveLength(1)
    expect(requests[0]).toMatchObject({
      origin: 'https://keystone.test',
      path: '/identity/v3/auth/tokens',
      headers: { 'content-type': 'application/json' },
      idempotent: true,
    })
    expect(JSON.parse(requests[0]?.body as string)).toEqual({ auth })
  })

  it('gives the token of the header, and what came along with it, and shows no secret', async () => {
    const token = await firstValueFrom(flow(issued()).acquire())
    expect(token.value).toBe('gAAAA-token')
    expect(token).toMatchObject({
      kind: 'keystone',
      authUrl,
      user: session.user,
      project: session.project,
      roles: session.roles,
      catalog,
      choice: { interface: 'public', region: 'R1' },
    })
    for (const print of [inspect(token, { depth: 9 }), JSON.stringify(token), JSON.stringify({ ...token })]) {
      expect(print).not.toContain('gAAAA-token')
    }
  })

  it('for no project gives a token without one', async () => {
    const token = await firstValueFrom(
      flow({
        status: 201,
        headers: { 'x-subject-token': 't' },
        json: { token: { user: session.user } },
      }).acquire(),
    )
    expect(token).toMatchObject({ roles: [], catalog: [] })
    expect(token).not.toHaveProperty('project')
    expect(token.expiresAt).toBeUndefined()
  })

  it.each([
    ['the clocks agree', '2026-11-21T10:00:00.700Z', {}, '2026-11-21T11:00:00.000Z'],
    [
      'ours is ahead, by its Date',
      '2026-11-21T12:00:00Z',
      { date: 'Sat, 21 Nov 2026 10:00:00 GMT' },
      '2026-11-21T12:59:59.001Z',
    ],
    ['ours is ahead, and it sends no Date', '2026-11-21T12:00:00Z', {}, '2026-11-21T12:59:59.001Z'],
    ['ours is behind, and it sends no Date', '2026-11-21T09:00:00Z', {}, '2026-11-21T10:00:00.000Z'],
  ])('says by our clock when the token ends: %s', async (_, now, headers, end) => {
    const token = await firstValueFrom(flow(issued({}, headers), byPassword, at(now)).acquire())
    expect(new Date(token.expiresAt ?? 0).toISOString()).toBe(end)
    expect(token.obtainedAt).toBe(Date.parse(now))
  })

  it('that is refused is the error that Keystone sends', async () => {
    const error = {
      code: 401,
      message: 'The request you have made requires authentication.',
      title: 'Unauthorized',
    }
    expect(
      await failureOf({ status: 401, headers: { 'x-openstack-request-id': 'req-1' }, json: { error } }),
    ).toMatchObject({
      code: 'SKY_HTTP_AUTHENTICATION',
      cloud: 'openstack',
      operation: 'openstack.tokens.issue',
      reason: error.message,
      requestId: 'req-1',
      faultDetails: error,
    })
  })

  it.each([
    ['as JSON', (body: unknown) => ({ error: { code: 400, message: String(body), title: 'Bad Request' } })],
    ['as a text', (body: unknown) => `bad: ${String(body)}`],
  ])('shows no secret, though the server repeats the request %s', async (_, reply) => {
    const error = await failureOf(({ body }) => ({ status: 400, json: reply(body) }))
    expect(error.code).toBe('SKY_HTTP_VALIDATION')
    for (const print of [inspect(error, { depth: 9 }), JSON.stringify(error)])
      expect(print).not.toMatch(/sh-hush/)
  })

  it.each([
    ['without a token', { status: 201, json: { token: session } }, 'the header X-Subject-Token is missing'],
    ['without a body', { status: 201, headers: { 'x-subject-token': 't' } }, 'body is empty'],
    ['of another form', { status: 201, headers: { 'x-subject-token': 't' }, json: {} }, 'token: '],
    [
      'with a catalogue of another form',
      { status: 201, headers: { 'x-subject-token': 't' }, json: { token: { catalog: [{ endpoints: 7 }] } } },
      'token.catalog.0.type: ',
    ],
  ])('with an answer %s is a typed error', async (_, answer, message) => {
    const error = await failureOf(answer)
    expect(error).toMatchObject({ code: 'SKY_RESPONSE_FORMAT', cloud: 'openstack' })
    expect(error.message).toContain(message)
  })
})

it(
  'tokens of 20 seconds are renewed ahead of their end, without one refusal',
  marbles(({ runtime, flush }) => {
    const { scheduler } = runtime
    const alive = new Map<string, number>()
    const { acquire, core } = flow(
      () => {
        const token = `token-${String(alive.size + 1)}`
        const end = scheduler.now() + 20_000
        alive.set(token, end)
        return issued(
          { issued_at: new Date(scheduler.now()).toISOString(), expires_at: new Date(end).toISOString() },
          { 'x-subject-token': token },
        )
      },
      byPassword,
      runtime,
    )
    const tokens = new TokenSubject<KeystoneToken>({ acquire, runtime, cloud: 'openstack' })
    const statuses: number[] = []
    const service = createApi(
      {
        ...core,
        transport: fakeTransport({
          'GET /things': ({ headers }) => {
            const status = scheduler.now() < (alive.get(headers['x-auth-token'] ?? '') ?? 0) ? 200 : 401
            statuses.push(status)
            return { status }
          },
        }),
      },
      {
        cloud: 'openstack',
        errors: openstackErrors,
        endpoint: 'https://store.test',
        authorize: authorize(tokens, ({ value }, request) => ({
          ...request,
          headers: { ...request.headers, 'x-auth-token': value },
        })),
      },
    )
    const failures: unknown[] = []
    timer(0, 250, scheduler)
      .pipe(
        take(280),
        mergeMap(() => call(service, operationOf(), { path: '/things' })),
      )
      .subscribe({
        error: (error: unknown) => failures.push(error),
        complete: () => {
          tokens.close()
        },
      })
    flush()
    expect(failures).toEqual([])
    expect(statuses).toEqual(Array.from({ length: 280 }, () => 200))
    expect(alive.size).toBe(5)
  }),
)
