import { firstValueFrom, forkJoin, take } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  and,
  createSlipstream,
  eq,
  type CimiQuery,
  type CimiResource,
  type CimiSearch,
} from '../../../src/clients/slipstream/index.js'
import { ConfigurationError } from '../../../src/errors.js'
import { fakeTransport, type FakeAnswer } from '../../../src/testing/fake-transport.js'
import { COOKIE, DATE, entryPoint, failure, forbidden, granted, items, jwt, nowhere } from './sessions.js'

const CEP = 'GET /api/cloud-entry-point'
const LOGIN = 'POST /api/session'

function slipstream(routes: Record<string, FakeAnswer | readonly FakeAnswer[]>) {
  const transport = fakeTransport({ [CEP]: { json: entryPoint }, [LOGIN]: granted(1), ...routes })
  const client = createSlipstream({
    username: 'jane',
    password: 'hush-hush',
    transport,
    environment: nowhere,
    retry: false,
  })
  const sent = () => transport.requests.map(({ method, path }) => `${method} ${path}`)
  return { cimi: client.cimi, client, requests: transport.requests, sent }
}

function nuvla(routes: Record<string, FakeAnswer | readonly FakeAnswer[]>) {
  const entry = {
    id: 'cloud-entry-point',
    'base-uri': 'https://nuvla.io/api/',
    collections: { deployment: { href: 'deployment' }, job: { href: 'job' } },
  }
  const login = {
    status: 201,
    headers: { date: DATE, 'set-cookie': `com.com.sixsq.nuvla.cookie=${jwt()};Secure;Path=/;HttpOnly` },
    json: { status: 201, message: 'created', 'resource-id': 'session/1' },
  }
  const transport = fakeTransport({ [CEP]: { json: entry }, [LOGIN]: login, ...routes })
  const client = createSlipstream({
    profile: 'nuvla',
    key: 'credential/1',
    secret: 'hush-hush',
    transport,
    environment: nowhere,
    retry: false,
  })
  return { cimi: client.cimi, requests: transport.requests }
}

const form = (body: unknown) => [...new URLSearchParams(body as string)]
const event = (n: number): CimiResource => ({ id: `event/${String(n)}`, content: { n } })
const events = (count: number, ...resources: CimiResource[]) => ({
  json: { count, resourceURI: 'x', operations: [{ rel: 'add', href: 'event' }], events: resources },
})

describe('the entry point', () => {
  it('tells each collection and its path', async () => {
    const { cimi } = slipstream({})
    expect(await firstValueFrom(cimi.entryPoint())).toEqual({
      baseUri: 'https://nuv.la/api/',
      collections: {
        sessions: 'session',
        sessionTemplates: 'session-template',
        credentials: 'credential',
        events: 'event',
        virtualMachines: 'virtual-machine',
      },
    })
  })

  it('is asked once, without logging in, also by many at a time', async () => {
    const { cimi, sent } = slipstream({ 'PUT /api/event': events(0) })
    await firstValueFrom(forkJoin([cimi.entryPoint(), cimi.entryPoint(), cimi.entryPoint()]))
    expect(sent()).toEqual([CEP])
    await items(cimi.search('events'))
    expect(sent()).toEqual([CEP, LOGIN, 'PUT /api/event'])
  })

  it.each([{ body: '<html>Please sign in to this network</html>' }, { json: {} }])(
    'is asked again after an answer that is none: %j',
    async (answer) => {
      const { cimi } = slipstream({ [CEP]: [answer, { json: entryPoint }] })
      expect(await failure(cimi.entryPoint())).toMatchObject({ code: 'SKY_RESPONSE_FORMAT' })
      expect(await firstValueFrom(cimi.entryPoint())).toHaveProperty('collections.events')
    },
  )

  it('is asked again after a failure', async () => {
    const { cimi } = slipstream({ [CEP]: [{ status: 500 }, { json: entryPoint }] })
    expect(await failure(cimi.entryPoint())).toMatchObject({
      code: 'SKY_HTTP_SERVER',
      operation: 'slipstream.cimi.entryPoint',
    })
    expect(await firstValueFrom(cimi.entryPoint())).toHaveProperty('collections.events')
  })

  it('is asked no longer when nobody waits for it any more', () => {
    let cancelled = 0
    const client = createSlipstream({
      environment: nowhere,
      transport: () => () => {
        cancelled++
      },
    })
    const [first, second] = [client.cimi.entryPoint().subscribe(), client.cimi.entryPoint().subscribe()]
    first.unsubscribe()
    expect(cancelled).toBe(0)
    second.unsubscribe()
    expect(cancelled).toBe(1)
  })
})

describe('searching', () => {
  const queries: [string, CimiQuery, [string, string][]][] = [
    ['nothing', {}, []],
    [
      'a window',
      { first: 1, last: 20 },
      [
        ['$first', '1'],
        ['$last', '20'],
      ],
    ],
    ['no documents', { last: 0 }, [['$last', '0']]],
    ['a filter as text', { filter: "type='state'" }, [['$filter', "type='state'"]]],
    ['a filter that is built', { filter: and(eq('a', '1'), eq('b', '2')) }, [['$filter', "a='1' and b='2'"]]],
    ['some attributes, and the id', { select: ['type', 'content'] }, [['$select', 'id,type,content']]],
    ['all attributes', { select: ['*'] }, [['$select', '*']]],
    ['an order', { orderBy: 'timestamp:asc' }, [['$orderby', 'timestamp:asc']]],
    ['two orders', { orderBy: ['a', 'b:desc'] }, [['$orderby', 'a,b:desc']]],
    ['aggregations', { aggregation: ['terms:type', 'count:id'] }, [['$aggregation', 'terms:type,count:id']]],
    ['what it refers to', { expand: ['parent'] }, [['$expand', 'parent']]],
  ]
  it.each(queries)('sends %s as a form', async (_, query, fields) => {
    const { cimi, requests } = slipstream({ 'PUT /api/event': events(0) })
    await items(cimi.page('events', query))
    const request = requests.at(-1)
    expect(request?.headers['accept']).toBe('application/json')
    expect(request?.idempotent).toBe(true)
    if (fields.length === 0) {
      expect(request?.body).toBeUndefined()
      expect(request?.headers).not.toHaveProperty('content-type')
    } else {
      expect(request?.headers['content-type']).toBe('application/x-www-form-urlencoded')
      expect(form(request?.body)).toEqual(fields)
    }
  })

  it('of Nuvla has the names without $ and the hits in resources', async () => {
    const { cimi, requests } = nuvla({
      'PUT /api/deployment': {
        json: { count: 1, 'resource-type': 'x', resources: [{ id: 'deployment/1' }] },
      },
    })
    const page = await firstValueFrom(cimi.page('deployment', { last: 1, filter: eq('state', 'STARTED') }))
    expect(page).toEqual({ count: 1, resources: [{ id: 'deployment/1' }], operations: [] })
    expect(form(requests.at(-1)?.body)).toEqual([
      ['last', '1'],
      ['filter', "state='STARTED'"],
    ])
    expect(requests.at(-1)?.operation.id).toBe('nuvla.cimi.search')
  })

  it('tells the count before paging, the operations and the aggregations', async () => {
    const aggregations = { 'terms:type': { buckets: [{ key: 'state', doc_count: 351 }] } }
    const { cimi } = slipstream({
      'PUT /api/event': { json: { count: 351, aggregations, events: [], id: 'event' } },
    })
    expect(await firstValueFrom(cimi.page('event', { last: 0 }))).toEqual({
      count: 351,
      resources: [],
      operations: [],
      aggregations,
    })
  })

  const windows = (requests: readonly { readonly body: unknown }[]) =>
    requests
      .map(({ body }) => Object.fromEntries(form(body)))
      .filter((fields) => '$first' in fields)
      .map((fields) => `${fields['$first'] ?? ''}-${fields['$last'] ?? ''}`)

  const paged: FakeAnswer = ({ body }) => {
    const { $first = '1', $last = '10000' } = Object.fromEntries(form(body))
    const all = Array.from({ length: 7 }, (_, index) => event(index + 1))
    return events(7, ...all.slice(Number($first) - 1, Number($last)))
  }
  const searches: [CimiSearch, number[], string[]][] = [
    [{ pageSize: 3 }, [1, 2, 3, 4, 5, 6, 7], ['1-3', '4-6', '7-9']],
    [{ pageSize: 7 }, [1, 2, 3, 4, 5, 6, 7], ['1-7']],
    [{}, [1, 2, 3, 4, 5, 6, 7], ['1-500']],
    [{ pageSize: 2, first: 2, last: 5 }, [2, 3, 4, 5], ['2-3', '4-5']],
    [{ pageSize: 2, last: 3 }, [1, 2, 3], ['1-2', '3-3']],
    [{ pageSize: 3, first: 8 }, [], ['8-10']],
    [{ last: 0 }, [], ['1-0']],
  ]
  it.each(searches)('%j gives %j by pages %j', async (query, found, pages) => {
    const { cimi, requests } = slipstream({ 'PUT /api/event': paged })
    expect(await items(cimi.search('events', query))).toEqual(found.map(event))
    expect(windows(requests)).toEqual(pages)
  })

  it('asks for no page that nobody reads', async () => {
    const { cimi, requests } = slipstream({ 'PUT /api/event': paged })
    await items(cimi.search('events', { pageSize: 2 }).pipe(take(4)))
    expect(windows(requests)).toEqual(['1-2', '3-4'])
  })

  it('ends if the hits do, whatever the count says', async () => {
    const { cimi, requests } = slipstream({ 'PUT /api/event': [events(9, event(1)), events(9)] })
    expect(await items(cimi.search('events', { pageSize: 1 }))).toEqual([event(1)])
    expect(windows(requests)).toHaveLength(2)
  })

  const wrong: [string, () => unknown, RegExp][] = [
    ['first 0', () => slipstream({}).cimi.search('events', { first: 0 }), /^query\.first:/],
    ['last -1', () => slipstream({}).cimi.page('events', { last: -1 }), /^query\.last:/],
    ['a broken last', () => slipstream({}).cimi.page('events', { last: 1.5 }), /^query\.last:/],
    ['a page beyond 10,000', () => slipstream({}).cimi.page('events', { last: 10_001 }), /^query\.last:/],
    [
      'pages of 10,001',
      () => slipstream({}).cimi.search('events', { pageSize: 10_001 }),
      /^query\.pageSize:/,
    ],
    ['pages of 0', () => slipstream({}).cimi.search('events', { pageSize: 0 }), /^query\.pageSize:/],
    [
      'a filter that is none',
      () => slipstream({}).cimi.search('events', { filter: {} as never }),
      /expression/,
    ],
    ['an empty filter', () => slipstream({}).cimi.page('events', { filter: ' ' }), /^text:/],
    ['no collection', () => slipstream({}).cimi.search(''), /^collection:/],
    ['a timeout that is none', () => slipstream({}).cimi.search('events', {}, { timeout: -1 }), /timeout/],
  ]
  it.each(wrong)('throws at once for %s', (_, make, message) => {
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
  })

  it('goes on beyond 10,000 hits by pages', () => {
    expect(() => slipstream({}).cimi.search('events', { last: 100_000 })).not.toThrow()
  })

  it('of an unknown collection says what there is, and asks nobody', async () => {
    const { cimi, sent } = slipstream({})
    const error = await failure(cimi.search('evnts'))
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error.message).toMatch(
      /no 'evnts' .* credentials, events, sessionTemplates, sessions, virtualMachines/,
    )
    expect(sent()).toEqual([CEP])
  })

  it('is an error if the answer is no collection', async () => {
    const { cimi } = slipstream({ 'PUT /api/event': { json: { count: 1, resources: [] } } })
    expect(await failure(cimi.search('events'))).toMatchObject({
      code: 'SKY_RESPONSE_FORMAT',
      operation: 'slipstream.cimi.search',
    })
  })
})

describe('one resource', () => {
  const machine = {
    id: 'virtual-machine/a5d4',
    state: 'running',
    operations: [
      { rel: 'edit', href: 'virtual-machine/a5d4' },
      { rel: 'delete', href: 'virtual-machine/a5d4' },
      { rel: 'http://schemas.dmtf.org/cimi/2/action/stop', href: 'virtual-machine/a5d4/3f1' },
    ],
  }
  const GET = 'GET /api/virtual-machine/a5d4'

  it('is got, whole or in part', async () => {
    const { cimi, requests } = slipstream({ [GET]: { json: machine } })
    expect(await firstValueFrom(cimi.get('virtual-machine/a5d4'))).toEqual(machine)
    await items(cimi.get('virtual-machine/a5d4', { select: ['state'] }))
    expect(requests.at(-1)?.path).toBe('/api/virtual-machine/a5d4?%24select=id%2Cstate')
    expect(requests.at(-1)?.headers['cookie']).toMatch(new RegExp(`^${COOKIE}=token=eyJ`))
  })

  it('is asked for anew with each subscription', async () => {
    const { cimi, sent } = slipstream({ [GET]: { json: machine } })
    const got = cimi.get('virtual-machine/a5d4')
    await items(got)
    await items(got)
    expect(sent().filter((request) => request === GET)).toHaveLength(2)
  })

  it.each(['', '..', 'virtual-machine/..', 'virtual-machine//a', '/virtual-machine'])(
    'cannot be called %j',
    (id) => {
      expect(() => slipstream({}).cimi.get(id)).toThrow(TypeError)
      expect(() => slipstream({}).cimi.remove(id)).toThrow(/^id:/)
    },
  )

  it('has each part of its id encoded', async () => {
    const { cimi, requests } = slipstream({ 'GET /api/*': { json: { id: 'a/b c?d' } } })
    await items(cimi.get('a/b c?d'))
    expect(requests.at(-1)?.path).toBe('/api/a/b%20c%3Fd')
  })

  it('is edited, and told as it is then, whichever way the server answers', async () => {
    const changed = { ...machine, name: 'web' }
    const whole = slipstream({ [GET]: { json: machine }, 'PUT /api/virtual-machine/a5d4': { json: changed } })
    const edit = { name: 'web' }
    expect(await firstValueFrom(whole.cimi.edit('virtual-machine/a5d4', edit))).toEqual(changed)
    expect(whole.requests.at(-1)?.body).toBe('{"name":"web"}')
    const words = slipstream({
      [GET]: [{ json: machine }, { json: changed }],
      'PUT /api/virtual-machine/a5d4?%24select=ip': {
        json: { status: 200, message: 'updated virtual-machine/a5d4', 'resource-id': 'virtual-machine/a5d4' },
      },
    })
    const edited = words.cimi.edit('virtual-machine/a5d4', edit, { select: ['ip'] })
    expect(await firstValueFrom(edited)).toEqual(changed)
    expect(words.sent().slice(-3)).toEqual([GET, 'PUT /api/virtual-machine/a5d4?%24select=ip', GET])
  })

  it('is removed, and not a second time by a retry', async () => {
    const { cimi, requests } = slipstream({
      [GET]: { json: machine },
      'DELETE /api/virtual-machine/a5d4': {
        json: { status: 200, message: 'deleted', 'resource-id': 'virtual-machine/a5d4' },
      },
    })
    expect(await firstValueFrom(cimi.remove('virtual-machine/a5d4'))).toEqual({
      status: 200,
      message: 'deleted',
      'resource-id': 'virtual-machine/a5d4',
    })
    expect(requests.at(-1)?.idempotent).toBe(false)
  })

  it.each(['stop', 'http://schemas.dmtf.org/cimi/2/action/stop'])('is operated by %s', async (rel) => {
    const { cimi, requests } = slipstream({
      [GET]: { json: machine },
      'POST /api/virtual-machine/a5d4/3f1': {
        status: 202,
        headers: { location: 'job/1' },
        json: { status: 202, message: 'stopping', 'resource-id': 'virtual-machine/a5d4' },
      },
    })
    expect(await firstValueFrom(cimi.operate('virtual-machine/a5d4', rel, { force: true }))).toEqual({
      status: 202,
      message: 'stopping',
      'resource-id': 'virtual-machine/a5d4',
      location: 'job/1',
    })
    expect(requests.at(-1)?.body).toBe('{"force":true}')
    await items(cimi.operate('virtual-machine/a5d4', rel))
    expect(requests.at(-1)?.body).toBeUndefined()
  })

  it('that does not offer something says what it offers', async () => {
    const { cimi, sent } = slipstream({ [GET]: { json: machine } })
    const error = await failure(cimi.operate('virtual-machine/a5d4', 'start'))
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error).toMatchObject({ cloud: 'slipstream', operation: 'slipstream.cimi.operate' })
    expect(error.message).toMatch(/virtual-machine\/a5d4 does not offer 'start' .*: edit, delete, stop$/)
    expect(sent().at(-1)).toBe(GET)
  })

  it.each(['../../run/1', '/run/1', 'https://evil.example.org/', 'virtual-machine/./a', '//evil', 'a?b', ''])(
    'does not lead the client to %j',
    async (href) => {
      const { cimi, sent } = slipstream({
        [GET]: { json: { ...machine, operations: [{ rel: 'edit', href }] } },
      })
      expect(await failure(cimi.edit('virtual-machine/a5d4', {}))).toMatchObject({
        code: 'SKY_RESPONSE_FORMAT',
        operation: 'slipstream.cimi.edit',
      })
      expect(sent().at(-1)).toBe(GET)
    },
  )

  it('is added where its collection says', async () => {
    const { cimi, sent, requests } = slipstream({
      'PUT /api/event': events(12),
      'POST /api/event': {
        status: 201,
        headers: { location: 'event/13' },
        json: { status: 201, message: 'event/13 created', 'resource-id': 'event/13' },
      },
    })
    expect(await firstValueFrom(cimi.add('events', { type: 'alarm' }))).toEqual({
      status: 201,
      message: 'event/13 created',
      'resource-id': 'event/13',
      location: 'event/13',
    })
    expect(sent().slice(-2)).toEqual(['PUT /api/event', 'POST /api/event'])
    expect(form(requests.at(-2)?.body)).toEqual([['$last', '0']])
    expect(requests.at(-1)?.body).toBe('{"type":"alarm"}')
  })

  it('is not added where that is not offered', async () => {
    const { cimi } = slipstream({ 'PUT /api/event': { json: { count: 0, events: [] } } })
    expect((await failure(cimi.add('event', {}))).message).toMatch(/event does not offer 'add' .*: nothing$/)
  })

  it('does not show a secret that was made', async () => {
    const { cimi } = slipstream({
      'PUT /api/credential': {
        json: { count: 0, credentials: [], operations: [{ rel: 'add', href: 'credential' }] },
      },
      'POST /api/credential': { status: 201, json: { status: 201, message: '', secretKey: 'hush-hush' } },
    })
    const result = await firstValueFrom(cimi.add('credentials', {}))
    expect(JSON.stringify(result)).not.toContain('hush')
    expect(result['secretKey']).toBe('hush-hush')
  })

  it.each([undefined, null, 'text', []])('is not made of %j', (data) => {
    const { cimi } = slipstream({})
    expect(() => cimi.add('events', data as never)).toThrow(/^data:/)
    expect(() => cimi.edit('event/1', data as never)).toThrow(/^changes:/)
  })
})

describe('an error', () => {
  it('has the words of the cloud', async () => {
    const { cimi } = slipstream({
      'PUT /api/event': { status: 400, json: { status: 400, message: 'Invalid CIMI filter. ...' } },
    })
    expect(await failure(cimi.search('events'))).toMatchObject({
      code: 'SKY_HTTP_VALIDATION',
      cloud: 'slipstream',
      operation: 'slipstream.cimi.search',
      reason: 'Invalid CIMI filter. ...',
    })
  })

  it('of Nuvla says Nuvla', async () => {
    const { cimi } = nuvla({
      'GET /api/job/1': { status: 404, json: { status: 404, message: 'job/1 not found' } },
    })
    expect(await failure(cimi.get('job/1'))).toMatchObject({ cloud: 'nuvla', operation: 'nuvla.cimi.get' })
  })

  it('of a session that is over is a 403, and costs one login and one replay', async () => {
    const { cimi, sent } = slipstream({
      [LOGIN]: [granted(1), granted(2)],
      'GET /api/event/1': [{ json: event(1) }, forbidden(), { json: event(1) }],
    })
    await items(cimi.get('event/1'))
    expect(await items(cimi.get('event/1'))).toEqual([event(1)])
    expect(sent()).toEqual([LOGIN, 'GET /api/event/1', 'GET /api/event/1', LOGIN, 'GET /api/event/1'])
  })

  it('that is a real 403 stays one, and is believed from then on', async () => {
    const { cimi, sent } = slipstream({
      [LOGIN]: [granted(1), granted(2), granted(3)],
      'GET /api/event/1': forbidden('invalid credentials'),
    })
    expect(await failure(cimi.get('event/1'))).toMatchObject({
      code: 'SKY_HTTP_PERMISSION',
      operation: 'slipstream.cimi.get',
    })
    await failure(cimi.get('event/1'))
    expect(sent().filter((request) => request === LOGIN)).toHaveLength(2)
    expect(sent().filter((request) => request !== LOGIN)).toHaveLength(3)
  })
})
