import { inspect } from 'node:util'
import type { Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  ConfigurationError,
  NotFoundError,
  OperationFailedError,
  PollTimeoutError,
  type CloudError,
  type OperationRef,
} from '../../../src/errors.js'
import type { SynnefoClient } from '../../../src/clients/synnefo/index.js'
import type { CreatedServer, Id, Server, ServerSpec } from '../../../src/clients/synnefo/schemas.js'
import type { OperationEvent } from '../../../src/streams/events.js'
import type { FakeAnswer } from '../../../src/testing/fake-transport.js'
import { marbles } from '../../../src/testing/marbles.js'
import { AUTHENTICATE, clientOf } from './answers.js'

const spec: ServerSpec = { name: 'web-1', flavorRef: 3, imageRef: 'image-1' }
const server = (status: string, task = '', rest = {}): { readonly json: { readonly server: Server } } => ({
  json: { server: { id: 42, name: 'web-1', status, 'SNF:task_state': task, progress: 0, ...rest } },
})
const accepted = { ...server('BUILD', 'BUILDING', { adminPass: 'hunter2' }), status: 202 }
const missing = {
  status: 404,
  json: { itemNotFound: { code: 404, message: 'Server not found.', details: '' } },
}
const GET = 'GET /compute/v2.0/servers/42'
const CREATE = 'POST /compute/v2.0/servers'
const ACTION = 'POST /compute/v2.0/servers/42/action'

/** What a stream of the client tells in virtual time, and the requests it made after signing in. */
function run<T>(
  routes: Readonly<Record<string, FakeAnswer | readonly FakeAnswer[]>>,
  use: (cloud: SynnefoClient) => Observable<T>,
) {
  const values: T[] = []
  const errors: CloudError[] = []
  let requests: readonly { path: string; method: string; body: unknown }[] = []
  let completed = false
  marbles(({ runtime, flush }) => {
    const { cloud, transport } = clientOf(routes, runtime)
    use(cloud).subscribe({
      next: (value: T) => values.push(value),
      error: (error: CloudError) => {
        errors.push(error)
        cloud.close()
      },
      complete: () => {
        completed = true
        cloud.close()
      },
    })
    flush()
    requests = transport.requests
  })()
  const sent = requests
    .map(({ method, path, body }) => `${method} ${path}${typeof body === 'string' ? ` ${body}` : ''}`)
    .filter((request) => !request.startsWith(AUTHENTICATE))
  return { values, error: errors[0], completed, sent }
}
type Event = OperationEvent<Server, CreatedServer>
const events = (
  routes: Readonly<Record<string, FakeAnswer | readonly FakeAnswer[]>>,
  use: (cloud: SynnefoClient) => Observable<Event>,
) => {
  const { values, ...rest } = run(routes, use)
  return { ...rest, events: values, kinds: values.map(({ kind }) => kind) }
}

describe('single calls', () => {
  it('lists, item by item', () => {
    const servers = [
      { id: 1, name: 'a', status: 'ACTIVE' },
      { id: '2', name: 'b', status: 'STOPPED' },
    ]
    const { values, sent, completed } = run(
      { 'GET /compute/v2.0/servers/detail': { json: { servers } } },
      (cloud) => cloud.servers.list(),
    )
    expect([values, sent, completed]).toEqual([servers, ['GET /compute/v2.0/servers/detail'], true])
  })

  it('lists changes: an instant with a zone, its plus encoded; 304 is none', () => {
    const route = 'GET /compute/v2.0/servers/detail'
    const { values, sent, completed } = run({ [route]: { status: 304 } }, (cloud) =>
      cloud.servers.list({ changesSince: new Date('2026-11-21T09:40:00Z') }),
    )
    expect([values, completed]).toEqual([[], true])
    expect(sent).toEqual([`${route}?changes-since=2026-11-21T09%3A40%3A00.000%2B00%3A00`])
  })

  it('gets one, by number or text', () => {
    for (const id of [42, '42']) {
      const { values, sent } = run({ [GET]: server('ACTIVE') }, (cloud) => cloud.servers.get(id))
      expect(values[0]?.status).toBe('ACTIVE')
      expect(sent).toEqual([GET])
    }
  })

  it('tells the fault in the words of the cloud', () => {
    const { error } = run({ [GET]: missing }, (cloud) => cloud.servers.get(42))
    expect(error).toBeInstanceOf(NotFoundError)
    expect(error?.message).toBe(
      'synnefo.servers.get: GET https://cloud.test/compute/v2.0/servers/42 answered 404: itemNotFound: Server not found.',
    )
  })

  it('creates, and keeps the password readable but unseen', () => {
    const { values, sent } = run({ [CREATE]: accepted }, (cloud) => cloud.servers.create(spec))
    expect(sent).toEqual([`${CREATE} {"server":{"name":"web-1","flavorRef":3,"imageRef":"image-1"}}`])
    expect(values[0]?.adminPass).toBe('hunter2')
    expect(inspect(values, { depth: 9 }) + JSON.stringify(values)).not.toContain('hunter2')
  })

  it('removes', () => {
    const { sent, completed } = run({ 'DELETE /compute/v2.0/servers/42': { status: 204 } }, (cloud) =>
      cloud.servers.remove(42),
    )
    expect([sent, completed]).toEqual([['DELETE /compute/v2.0/servers/42'], true])
  })

  it('lists flavors and images, gets a flavor', () => {
    const routes = {
      'GET /compute/v2.0/flavors/detail': { json: { flavors: [{ id: 1, name: 'small' }] } },
      'GET /compute/v2.0/flavors/1': { json: { flavor: { id: 1, name: 'small' } } },
      'GET /compute/v2.0/images/detail': { json: { images: [{ id: 'i', name: 'Debian' }] } },
    }
    expect(run(routes, (cloud) => cloud.flavors.list()).values).toEqual([{ id: 1, name: 'small' }])
    expect(run(routes, (cloud) => cloud.flavors.get(1)).values).toEqual([{ id: 1, name: 'small' }])
    expect(run(routes, (cloud) => cloud.images.list()).values).toEqual([{ id: 'i', name: 'Debian' }])
  })
})

describe('build', () => {
  it('submits, tells the progress, and ends with the server and its hidden password', () => {
    const polls = [
      server('BUILD', 'BUILDING', { progress: 43 }),
      server('BUILD', 'BUILDING', { progress: 20 }),
      server('ACTIVE', '', { progress: 100 }),
    ]
    const {
      events: told,
      sent,
      completed,
    } = events({ [CREATE]: accepted, [GET]: polls }, (cloud) =>
      cloud.servers.build(spec, { interval: 1_000 }),
    )
    const ref = {
      cloud: 'synnefo',
      operation: 'synnefo.servers.create',
      args: { id: 42 },
      since: '1970-01-01T00:00:00.000Z',
    }
    expect(told).toMatchObject([
      { kind: 'submitted', ref },
      { kind: 'progress', ref, state: 'BUILD', percent: 43, polls: 1, elapsedMs: 0 },
      { kind: 'progress', ref, state: 'ACTIVE', percent: 100, polls: 3, elapsedMs: 2_000 },
      { kind: 'done', ref, result: { id: 42, status: 'ACTIVE' }, polls: 3 },
    ])
    expect(completed).toBe(true)
    expect(sent.slice(1)).toEqual([GET, GET, GET])
    const last = told.at(-1)
    expect(last?.kind === 'done' && last.result.adminPass).toBe('hunter2')
    expect(inspect(told, { depth: 9 }) + JSON.stringify(told)).not.toContain('hunter2')
  })

  it('fails with the last state and why', () => {
    const diagnostics = [{ level: 'ERROR', created: '', source: '', message: 'no such image' }]
    const polls = [server('BUILD', 'BUILDING'), server('ERROR', '', { diagnostics })]
    const { kinds, error } = events({ [CREATE]: accepted, [GET]: polls }, (cloud) =>
      cloud.servers.build(spec),
    )
    expect(kinds).toEqual(['submitted', 'progress', 'progress'])
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error).toMatchObject({
      message: 'synnefo.servers.create: server 42 is in state ERROR: no such image',
      state: 'ERROR',
      snapshot: { id: 42, status: 'ERROR' },
      history: [{ state: 'BUILD' }, { state: 'ERROR' }],
    })
  })

  it('is over in time, or errors with what was seen', () => {
    const { error } = events({ [CREATE]: accepted, [GET]: server('BUILD', 'BUILDING') }, (cloud) =>
      cloud.servers.build(spec, { timeout: 5_000, interval: 1_000 }),
    )
    expect(error).toBeInstanceOf(PollTimeoutError)
    expect(error).toMatchObject({ last: { status: 'BUILD' }, ref: { args: { id: 42 } } })
  })

  it('is refused: nothing is watched', () => {
    const over = { status: 413, json: { overLimit: { code: 413, message: 'Limit', details: 'VM' } } }
    const { kinds, error, sent } = events({ [CREATE]: over }, (cloud) => cloud.servers.build(spec))
    expect([kinds, sent.length]).toEqual([[], 1])
    expect(error).toMatchObject({ status: 413, reason: 'overLimit: Limit: VM', retryable: false })
  })

  it('polls without retries of their own: a failing poll is told', () => {
    const polls = [{ status: 503 }, server('ACTIVE')]
    const { kinds } = events({ [CREATE]: accepted, [GET]: polls }, (cloud) => cloud.servers.build(spec))
    expect(kinds).toEqual(['submitted', 'retrying', 'progress', 'done'])
  })
})

describe('actions', () => {
  it.each([
    ['start', '{"start":{}}', [server('STOPPED', 'STARTING'), server('ACTIVE')]],
    ['shutdown', '{"shutdown":{}}', [server('ACTIVE', 'STOPPING'), server('STOPPED')]],
    ['reboot', '{"reboot":{"type":"SOFT"}}', [server('REBOOT', 'REBOOTING'), server('ACTIVE')]],
  ] as const)('%s', (verb, body, polls) => {
    const { events: told, sent } = events({ [ACTION]: { status: 202 }, [GET]: polls }, (cloud) =>
      cloud.servers[verb](42),
    )
    expect(sent).toEqual([`${ACTION} ${body}`, GET, GET])
    expect(told.map(({ kind }) => kind)).toEqual(['submitted', 'progress', 'progress', 'done'])
    expect(told[0]).toMatchObject({ ref: { operation: `synnefo.servers.${verb}`, args: { id: 42 } } })
  })

  it('reboots hard', () => {
    const { sent } = events(
      { [ACTION]: { status: 202 }, [GET]: [server('REBOOT'), server('ACTIVE')] },
      (cloud) => cloud.servers.reboot(42, { hard: true }),
    )
    expect(sent[0]).toBe(`${ACTION} {"reboot":{"type":"HARD"}}`)
  })

  it('a job that came to nothing is a failure', () => {
    const { error } = events(
      { [ACTION]: { status: 202 }, [GET]: [server('STOPPED', 'STARTING'), server('STOPPED')] },
      (cloud) => cloud.servers.start(42),
    )
    expect(error).toMatchObject({
      message: 'synnefo.servers.start: server 42 did not start and is still STOPPED',
    })
  })
})

describe('watch', () => {
  it('attaches by id until nothing is going on', () => {
    const polls = [server('BUILD', 'BUILDING', { progress: 7 }), server('ACTIVE')]
    const { events: told } = events({ [GET]: polls }, (cloud) => cloud.servers.watch('42'))
    expect(told).toMatchObject([
      { kind: 'progress', percent: 7, ref: { operation: 'synnefo.servers.watch', args: { id: '42' } } },
      { kind: 'progress', state: 'ACTIVE' },
      { kind: 'done' },
    ])
  })

  it('goes on after a restart, by a ref that went through JSON, in the sense of its operation', () => {
    const stored = events({ [ACTION]: { status: 202 }, [GET]: server('STOPPED', 'STARTING') }, (cloud) =>
      cloud.servers.start(42, { timeout: 10 }),
    ).events[0]
    const ref = JSON.parse(JSON.stringify(stored?.kind === 'submitted' ? stored.ref : null)) as OperationRef
    const polls = [server('STOPPED', 'STARTING'), server('STOPPED')]
    const { error, events: told } = events({ [GET]: polls }, (cloud) => cloud.servers.watch(ref))
    expect(told[0]).toMatchObject({ ref })
    expect(error?.message).toContain('did not start and is still STOPPED')
  })

  it('waits for the state that is asked for', () => {
    const polls = [server('ACTIVE'), server('ACTIVE', 'STOPPING'), server('STOPPED')]
    const { events: told } = events({ [GET]: polls }, (cloud) =>
      cloud.servers.watch(42, { until: 'STOPPED' }),
    )
    expect(told.at(-1)).toMatchObject({ kind: 'done', result: { status: 'STOPPED' }, polls: 3 })
  })

  it('a server that cannot be found is removed, where that was waited for', () => {
    const polls = [server('ACTIVE', 'DESTROYING'), missing]
    const { events: told } = events({ [GET]: polls }, (cloud) =>
      cloud.servers.watch(42, { until: 'DELETED' }),
    )
    expect(told.at(-1)).toMatchObject({ kind: 'done', result: { id: 42, name: 'web-1', status: 'DELETED' } })
    const other = events({ [GET]: missing }, (cloud) => cloud.servers.watch(42, { until: 'ACTIVE' }))
    expect(other.error).toBeInstanceOf(NotFoundError)
  })

  it('a server that was never there is an error, one that vanishes while it is watched is removed', () => {
    const never = events({ [GET]: missing }, (cloud) => cloud.servers.watch(42))
    expect([never.kinds, never.error?.code]).toEqual([[], 'SKY_HTTP_NOT_FOUND'])
    const polls = [server('ACTIVE', 'DESTROYING'), missing]
    const vanishing = events({ [GET]: polls }, (cloud) => cloud.servers.watch(42))
    expect(vanishing.events.at(-1)).toMatchObject({ kind: 'done', result: { status: 'DELETED' } })
  })
})

describe('wrong arguments throw at once, by name, and nothing is sent', () => {
  const ref = { cloud: 'synnefo', operation: 'synnefo.servers.start', args: { id: 42 } } as const
  const cases: readonly (readonly [
    string,
    (cloud: SynnefoClient) => unknown,
    new (message: string) => unknown,
    RegExp,
  ])[] = [
    ['get, no id', ({ servers }) => servers.get(''), TypeError, /^id: /],
    ['get, NaN', ({ servers }) => servers.get(Number.NaN), TypeError, /^id: /],
    ['get, undefined', ({ servers }) => servers.get(undefined as unknown as Id), TypeError, /^id: /],
    ['get, dots', ({ servers }) => servers.get('..'), TypeError, /'\.\.'/],
    ['remove', ({ servers }) => servers.remove(''), TypeError, /^id: /],
    ['start', ({ servers }) => servers.start(''), TypeError, /^id: /],
    ['shutdown', ({ servers }) => servers.shutdown(''), TypeError, /^id: /],
    ['reboot', ({ servers }) => servers.reboot(''), TypeError, /^id: /],
    ['watch, no id', ({ servers }) => servers.watch(''), TypeError, /^id: /],
    ['watch, null', ({ servers }) => servers.watch(null as unknown as Id), TypeError, /^id: /],
    [
      'watch, another cloud',
      ({ servers }) => servers.watch({ ...ref, cloud: 'stackit' }),
      TypeError,
      /^target: /,
    ],
    [
      'watch, another resource',
      ({ servers }) => servers.watch({ ...ref, operation: 'synnefo.networks.create' }),
      TypeError,
      /^target: /,
    ],
    ['watch, a ref without id', ({ servers }) => servers.watch({ ...ref, args: {} }), TypeError, /^id: /],
    ['watch, interval', ({ servers }) => servers.watch(42, { interval: 0 }), TypeError, /^interval: /],
    ['build, interval', ({ servers }) => servers.build(spec, { interval: 0 }), TypeError, /^interval: /],
    ['start, timeout', ({ servers }) => servers.start(42, { timeout: -1 }), TypeError, /^timeout: /],
    [
      'start, call',
      ({ servers }) => servers.start(42, { call: { timeout: 0 } }),
      TypeError,
      /^options\.timeout: /,
    ],
    [
      'create, name',
      ({ servers }) => servers.create({ ...spec, name: '' }),
      ConfigurationError,
      /^spec\.name: /,
    ],
    [
      'build, flavor',
      ({ servers }) => servers.build({ name: 'a', imageRef: null } as unknown as ServerSpec),
      ConfigurationError,
      /^spec\.flavorRef: /,
    ],
    [
      'build, image',
      ({ servers }) => servers.build({ name: 'a', flavorRef: 1 } as unknown as ServerSpec),
      ConfigurationError,
      /^spec\.imageRef: /,
    ],
    [
      'list, a date that is none',
      ({ servers }) => servers.list({ changesSince: new Date('never') }),
      TypeError,
      /^filter\.changesSince: /,
    ],
    ['flavors.get', ({ flavors }) => flavors.get(''), TypeError, /id or a name/],
  ]

  it.each(cases)('%s', (_what, use, type, message) => {
    marbles(({ runtime }) => {
      const { cloud, transport } = clientOf({}, runtime)
      expect(() => use(cloud)).toThrow(type)
      expect(() => use(cloud)).toThrow(message)
      expect(transport.requests).toEqual([])
    })()
  })
})
