import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { inspect } from 'node:util'
import { firstValueFrom, lastValueFrom, take, tap, type Observable } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SlipstreamClient } from '../../src/clients/slipstream/index.js'
import {
  AuthenticationError,
  ConflictError,
  NetworkError,
  ResponseFormatError,
  ServerError,
  type CloudError,
  type HttpError,
} from '../../src/errors.js'
import type { CallOptions, TrafficEvent } from '../../src/http/types.js'
import type { FaultKind } from '../../src/testing/cloud/index.js'
import { closed } from '../http/loopback.js'
import { courseOf, done, errorOf, everyPoll, listOf, outcomeOf, slipstreamSite } from './slipstream-site.js'

const site = slipstreamSite()
const WORDPRESS = 'apps/WordPress/wordpress'

/** What people may see of a value in a log. */
const shown = (value: unknown): string =>
  inspect(value, { depth: 12, showHidden: false }) + JSON.stringify(value)

interface Read {
  readonly path: string
  readonly send: (client: SlipstreamClient, options?: CallOptions) => Observable<unknown>
}
/** A read of each kind of answer. */
const reads: Readonly<Record<string, Read>> = {
  XML: { path: `/module/${WORDPRESS}`, send: ({ modules }, options) => modules.get(WORDPRESS, options) },
  'a list in XML': { path: '/appstore', send: ({ applications }, options) => applications.list(options) },
  JSON: {
    path: '/api/session-template/internal',
    send: ({ cimi }, options) => cimi.get('session-template/internal', options),
  },
  text: {
    path: '/run/*',
    send: ({ deployments }, options) => {
      const [id = ''] = site.slipstream.runs.create({ owner: 'jane' })
      return deployments.instances(id, 'machine', options)
    },
  },
}
const everyRead = Object.keys(reads)
const readOf = (name: string): Read => {
  const read = reads[name]
  if (read === undefined) throw new Error(`there is no read of ${name}`)
  return read
}

describe('a read that meets', () => {
  it.each(everyRead)('a fault that passes is sent again: %s', async (name) => {
    const { path, send } = readOf(name)
    const client = site.clientOf()
    await done(client.users.get())
    const faults: readonly FaultKind[] = [
      { kind: 'status', status: 503 },
      { kind: 'status', status: 429, retryAfter: 0 },
      { kind: 'status', status: 502 },
      { kind: 'reset' },
      { kind: 'reset-mid-body', afterBytes: 3 },
      { kind: 'truncated-body', afterBytes: 3 },
    ]
    for (const fault of faults) {
      site.cloud.faults.add({ method: 'GET', path, fault })
      const retries: CloudError[] = []
      const onRetry = ({ error }: { readonly error: CloudError }): void => {
        retries.push(error)
      }
      expect(await listOf(send(client, { onRetry }))).not.toEqual([])
      expect(retries).toHaveLength(1)
      const code = { 429: 'SKY_HTTP_RATE_LIMIT', 502: 'SKY_HTTP_SERVER', 503: 'SKY_HTTP_SERVER' }
      const expected = fault.kind === 'status' ? code[fault.status as keyof typeof code] : 'SKY_NETWORK'
      expect(retries[0]?.code).toBe(expected)
    }
  })

  it.each(everyRead)('a fault that stays is an error of its kind: %s', async (name) => {
    const { path, send } = readOf(name)
    const client = site.clientOf()
    await done(client.users.get())
    const stay = (fault: FaultKind): (() => void) =>
      site.cloud.faults.add({ method: 'GET', path, times: Infinity, fault })
    for (const [fault, type, more] of [
      [{ kind: 'status', status: 503 }, ServerError, { status: 503, retryable: true }],
      [{ kind: 'reset' }, NetworkError, { retryable: true }],
      [{ kind: 'truncated-body', afterBytes: 3 }, NetworkError, {}],
    ] as const) {
      const remove = stay(fault)
      const error = await errorOf(send(client, { retry: 2 }))
      expect(error).toBeInstanceOf(type)
      expect(error).toMatchObject({ attempts: 3, cloud: 'slipstream', ...more })
      expect(error?.message).not.toContain('<html>')
      remove()
    }
    expect(await listOf(send(client))).not.toEqual([])
  })

  it.each(everyRead)('a long Retry-After is not waited for, a short one is: %s', async (name) => {
    const { path, send } = readOf(name)
    const client = site.clientOf()
    await done(client.users.get())
    site.cloud.faults.add({ path, fault: { kind: 'status', status: 503, retryAfter: 3_600 } })
    const error = await errorOf(send(client))
    expect(error).toMatchObject({ status: 503, retryAfterMs: 3_600_000, attempts: 1 })

    site.cloud.faults.add({ path, fault: { kind: 'status', status: 503, retryAfter: 2 } })
    const patience = new AbortController()
    const delays: number[] = []
    const onRetry = ({ delayMs }: { readonly delayMs: number }): void => {
      delays.push(delayMs)
      patience.abort(new Error('enough'))
    }
    const left = await errorOf(send(client, { onRetry, signal: patience.signal }))
    expect(left?.message).toBe('enough')
    expect(delays[0]).toBeGreaterThanOrEqual(2_000)
  })

  it.each(['XML', 'a list in XML', 'JSON'])(
    'an answer that cannot be read is an error, once: %s',
    async (name) => {
      const { path, send } = readOf(name)
      const client = site.clientOf()
      await done(client.users.get())
      const page = '<!DOCTYPE html><html><head><title>Welcome</title></head><body>Please log in</body></html>'
      for (const fault of [
        { kind: 'malformed-body' },
        { kind: 'status', status: 200, body: page, contentType: 'text/html' },
        { kind: 'status', status: 200, body: '', contentType: 'application/xml' },
        { kind: 'status', status: 200, body: '<other/>', contentType: 'application/xml' },
        { kind: 'status', status: 200, body: 'plain words' },
      ] as const satisfies readonly FaultKind[]) {
        const sent = site.requestsFromNow({ path })
        site.cloud.faults.add({ method: 'GET', path, fault })
        const error = await errorOf(send(client))
        expect(error).toBeInstanceOf(ResponseFormatError)
        expect(error).toMatchObject({ attempts: 1, retryable: false })
        expect(error?.operation).toMatch(/^slipstream\.\w+\.\w+$/)
        expect((error as ResponseFormatError).issues.length).toBeGreaterThan(0)
        expect(sent()).toHaveLength(1)
      }
    },
  )

  it('a bomb of entities is an error, and takes no memory', async () => {
    const client = site.clientOf()
    await done(client.users.get())
    const declared = Array.from(
      { length: 30 },
      (_, index) => `<!ENTITY e${String(index + 1)} "&e${String(index)};&e${String(index)};">`,
    )
    const external = '<!ENTITY x SYSTEM "file:///etc/passwd">'
    for (const doctype of [`<!ENTITY e0 "boom">${declared.join('')}`, external]) {
      const name = doctype === external ? 'x' : 'e30'
      const body = `<?xml version="1.0"?><!DOCTYPE list [${doctype}]><list><item name="&${name};">&${name};</item></list>`
      site.cloud.faults.add({
        path: '/appstore',
        fault: { kind: 'status', status: 200, body, contentType: 'application/xml' },
      })
      const error = await errorOf(client.applications.list())
      expect(error).toBeInstanceOf(ResponseFormatError)
      expect(shown(error)).not.toContain('root:')
    }
  })

  it('a redirect to the page to log in is an error, and the next call logs in', async () => {
    const client = site.clientOf()
    await done(client.users.get())
    site.slipstream.expireSessions()
    const sent = site.requestsFromNow()
    // As a browser would, which is what the server redirects.
    const error = await errorOf(client.users.get('jane', { headers: { accept: 'text/html' } }))
    expect(sent().map(({ path, status }) => [path, status])).toEqual([
      ['/user/jane', 307],
      ['/login', 200],
    ])
    expect(error).toBeInstanceOf(ResponseFormatError)
    expect(await firstValueFrom(client.users.get())).toMatchObject({ name: 'jane' })
    expect(
      sent()
        .map(({ path }) => path)
        .slice(2),
    ).toEqual(['/api/session', '/user/jane'])
  })
})

describe('a change that meets a fault', () => {
  it.each([
    ['POST', '/run', (client: SlipstreamClient) => client.deployments.deploy(WORDPRESS, everyPoll)],
    ['POST', '/run', (client: SlipstreamClient) => client.components.build('examples/tutorials/apache')],
    ['POST', '/api/event', (client: SlipstreamClient) => client.cimi.add('events', event)],
    ['PUT', '/module/*', (client: SlipstreamClient) => client.modules.publish('examples/tutorials/worker')],
  ] as const)('is not sent again: %s %s', async (method, path, change) => {
    const client = site.privilegedClient()
    await done(client.users.get())
    site.cloud.faults.add({ method, path, fault: { kind: 'reset' } })
    const sent = site.requestsFromNow({ method, path })
    const { events, error } = await outcomeOf<unknown>(change(client))
    expect(events).toEqual([])
    expect(error).toBeInstanceOf(NetworkError)
    expect(error).toMatchObject({ retryable: false, attempts: 1 })
    expect(sent()).toHaveLength(1)
  })

  it('is sent again where nothing was done, if that is asked for', async () => {
    const { deployments } = site.clientOf()
    const before = site.slipstream.runs.ids().length
    site.cloud.faults.add({ method: 'POST', path: '/run', times: 2, fault: { kind: 'status', status: 503 } })
    const error = await errorOf(deployments.create(WORDPRESS))
    expect(error).toMatchObject({ status: 503, attempts: 1 })
    expect(await firstValueFrom(deployments.create(WORDPRESS, {}, { retry: 2 }))).toMatch(/^[\da-f-]+$/)
    expect(site.slipstream.runs.ids()).toHaveLength(before + 1)
  })

  it('that may be repeated is sent again: a termination', async () => {
    const { deployments } = site.clientOf()
    const [id = ''] = site.slipstream.runs.create({ owner: 'jane' })
    site.cloud.faults.add({ method: 'DELETE', path: `/run/${id}`, fault: { kind: 'reset' } })
    const sent = site.requestsFromNow({ method: 'DELETE' })
    const last = await lastValueFrom(deployments.terminate(id))
    expect(last).toMatchObject({ kind: 'done', result: { state: 'Done' } })
    expect(sent()).toHaveLength(2)
  })
})
const event = {
  type: 'alarm',
  severity: 'low',
  timestamp: '2019-03-29T10:00:00.000Z',
  content: { resource: { href: 'run/none' }, state: 'noted' },
}

describe('a wait that meets a fault', () => {
  it.each<FaultKind>([
    { kind: 'status', status: 503 },
    { kind: 'reset' },
    { kind: 'truncated-body', afterBytes: 100 },
  ])('goes on: %j', async (fault) => {
    site.cloud.faults.add({ method: 'GET', path: '/run/*', skip: 2, times: 3, fault })
    const { deployments } = site.clientOf()
    const { events, error } = await outcomeOf(
      deployments.deploy(WORDPRESS, everyPoll).pipe(site.advancing(4_000)),
    )
    expect(error).toBeUndefined()
    const retrying = events.filter((told) => told.kind === 'retrying')
    expect(retrying).toMatchObject([{ attempt: 1 }, { attempt: 2 }, { attempt: 3 }])
    expect(courseOf(events).at(-1)).toBe('done')
  })

  it('waits as long as the server wants', async () => {
    const fault = { kind: 'status', status: 503, retryAfter: 2 } as const
    site.cloud.faults.add({ method: 'GET', path: '/run/*', fault })
    const { deployments } = site.clientOf()
    const events = await listOf(deployments.deploy(WORDPRESS, everyPoll).pipe(take(2)))
    expect(events[1]).toMatchObject({ kind: 'retrying', delayMs: 2_000 })
  })

  it('ends with what does not pass', async () => {
    const [id = ''] = site.slipstream.runs.create({ owner: 'jane', state: 'Executing' })
    const { deployments } = site.clientOf()
    const path = `/run/${id}`
    site.cloud.faults.add({ path, times: Infinity, fault: { kind: 'status', status: 503 } })
    const many = await outcomeOf(deployments.watch(id, { interval: 1, maxConsecutiveErrors: 3 }))
    expect(many.events).toMatchObject([{ kind: 'retrying' }, { kind: 'retrying' }])
    expect(many.error).toBeInstanceOf(ServerError)
    site.cloud.faults.clear()
    site.cloud.faults.add({ path, fault: { kind: 'malformed-body' } })
    expect(await errorOf(deployments.watch(id))).toBeInstanceOf(ResponseFormatError)
  })

  it('and a session that ends in the middle goes on without telling', async () => {
    const { deployments } = site.clientOf()
    const logged = site.requestsFromNow({ method: 'POST', path: '/api/session' })
    const { events, error } = await outcomeOf(
      deployments.deploy(WORDPRESS, everyPoll).pipe(
        site.advancing(10_000),
        tap((told) => {
          if (told.kind === 'progress') site.slipstream.expireSessions()
        }),
      ),
    )
    expect(error).toBeUndefined()
    expect(events.filter(({ kind }) => kind === 'retrying')).toEqual([])
    expect(courseOf(events).at(-1)).toBe('done')
    expect(logged().length).toBeGreaterThan(5)
  })
})

describe('leaving', () => {
  interface Arrival {
    readonly request: IncomingMessage
    readonly response: ServerResponse
    readonly socket: Socket
  }
  const arrivals: Arrival[] = []
  const note = (message: unknown): void => {
    arrivals.push(message as Arrival)
  }
  beforeAll(() => {
    subscribe('http.server.request.start', note)
  })
  afterAll(() => {
    unsubscribe('http.server.request.start', note)
  })

  it.each<[string, string, (client: SlipstreamClient, id: string) => Observable<unknown>]>([
    ['GET', 'a look', ({ deployments }, id) => deployments.get(id)],
    ['GET', 'a wait', ({ deployments }, id) => deployments.watch(id)],
    ['DELETE', 'a termination', ({ deployments }, id) => deployments.terminate(id)],
  ])('%s: %s that is under way is cancelled on the wire', async (method, _, send) => {
    const client = site.clientOf()
    const [id = ''] = site.slipstream.runs.create({ owner: 'jane' })
    await done(client.users.get())
    const path = `/run/${id}`
    site.cloud.faults.add({ method, path, fault: { kind: 'delay', ms: 60_000 } })
    const sent = site.requestsFromNow({ path })
    const ended: string[] = []
    const subscription = send(client, id).subscribe({
      error: () => ended.push('error'),
      complete: () => ended.push('complete'),
    })
    while (sent().length === 0) await listOf(client.usage.list())
    const arrival = arrivals.find(({ request }) => request.url === path)
    if (arrival === undefined) throw new Error('expected the request to arrive')
    expect(arrival.socket.destroyed).toBe(false)
    subscription.unsubscribe()
    await closed(arrival.socket)
    expect(arrival.response.headersSent).toBe(false)
    expect(sent().map(({ status }) => status)).toEqual([undefined])
    expect(ended).toEqual([])
    // The request was never handled.
    expect(site.slipstream.runs.get(id)?.state).toBe('Ready')
  })

  it('by a signal is the reason of the signal', async () => {
    const client = site.clientOf()
    await done(client.users.get())
    site.cloud.faults.add({ path: '/dashboard', fault: { kind: 'delay', ms: 60_000 } })
    const sent = site.requestsFromNow({ path: '/dashboard' })
    const controller = new AbortController()
    const reason = new Error('changed my mind')
    const pending = errorOf(client.usage.list({ signal: controller.signal }))
    while (sent().length === 0) await done(client.users.get())
    controller.abort(reason)
    expect(await pending).toBe(reason)
  })

  it('while it logs in cancels nothing that others wait for', async () => {
    const client = site.clientOf()
    const logins = { method: 'POST', path: '/api/session' }
    const other = site.otherClient()
    site.cloud.faults.add({ ...logins, fault: { kind: 'delay', ms: 100 } })
    const sent = site.requestsFromNow(logins)
    const impatient = client.users.get().subscribe()
    const patient = firstValueFrom(client.users.get())
    while (sent().length === 0) await listOf(other.session.templates())
    impatient.unsubscribe()
    expect(await patient).toMatchObject({ name: 'jane' })
    expect(sent()).toHaveLength(1)
  })
})

describe('secrets', () => {
  it('are in no error, whatever the server repeats', async () => {
    const { user } = site.slipstream
    const logins = { method: 'POST', path: '/api/session' }
    const echo = {
      kind: 'status',
      status: 400,
      body: { status: 400, message: `no: ${user.password}` },
    } as const
    site.cloud.faults.add({ ...logins, fault: echo })
    const refused = await errorOf(site.clientOf().users.get())
    expect((refused as HttpError).status).toBe(400)
    expect(shown(refused)).not.toContain(user.password)

    const client = site.clientOf()
    const { value } = await firstValueFrom(client.session.login(user))
    const jwt = value.replace('token=', '')
    for (const [status, contentType, body] of [
      [409, 'application/xml', `<error code="409" reason="Conflict" detail="cookie ${value}">${jwt}</error>`],
      [500, 'text/html', `<html><body>Cookie: com.sixsq.slipstream.cookie=${value}</body></html>`],
      [200, 'application/xml', `<wrong cookie="${jwt}">`],
    ] as const) {
      site.cloud.faults.add({ path: '/user/jane', fault: { kind: 'status', status, contentType, body } })
      const error = await errorOf(client.users.get('jane', { retry: false }))
      expect(error?.operation).toBe('slipstream.users.get')
      expect(shown(error)).not.toContain(jwt)
    }
  })

  it('are in no traffic, token, client or event', async () => {
    const { user, apiKey } = site.slipstream
    const seen: unknown[] = []
    for (const login of [user, apiKey]) {
      const client = site.clientOf(login)
      const traffic: TrafficEvent[] = []
      client.traffic.subscribe((told) => traffic.push(told))
      client.tokens.subscribe((state) => seen.push(state))
      const { events } = await outcomeOf(
        client.deployments
          .deploy(WORDPRESS, { ...everyPoll, parameters: { wordpress_password: 'hush-hush' } })
          .pipe(site.advancing(20_000)),
      )
      const conflict = await errorOf(
        client.deployments.create(WORDPRESS, { parameters: { x: 1, wordpress_password: 'hush-hush' } }),
      )
      expect(conflict).toBeInstanceOf(ConflictError)
      const state = client.tokens.value
      if (state.kind !== 'valid') throw new Error('expected a session')
      const wrong = await errorOf(client.session.login({ username: 'jane', password: 'wrong-passw0rd' }))
      expect(wrong).toBeInstanceOf(AuthenticationError)
      seen.push(traffic, events, conflict, wrong)
      expect(traffic.map(({ kind }) => kind)).toContain('response')
      const text = seen.map(shown).join('\n') + inspect(client, { depth: 12 })
      expect(text).toContain('slipstream.deployments.create')
      for (const secret of [
        user.password,
        apiKey.secret,
        'hush-hush',
        'wrong-passw0rd',
        state.token.value.slice(6),
      ]) {
        expect(text).not.toContain(secret)
      }
    }
  })
})
