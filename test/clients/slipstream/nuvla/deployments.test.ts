import { inspect } from 'node:util'
import { take } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  ConfigurationError,
  ConflictError,
  NotFoundError,
  OperationFailedError,
  PollTimeoutError,
  ResponseFormatError,
  type OperationRef,
} from '../../../../src/errors.js'
import type { NuvlaDeployment } from '../../../../src/clients/slipstream/nuvla/schemas.js'
import type { OperationEvent } from '../../../../src/streams/events.js'
import {
  accepted,
  deployment,
  FIND_JOB,
  found,
  GET,
  GET_JOB,
  ID,
  job,
  JOB,
  missing,
  nuvlaOf,
  run,
} from './answers.js'
import { marbles } from '../../../../src/testing/marbles.js'

const LIST = 'PUT /api/deployment'
const ADD = 'POST /api/deployment'
const START = `POST /api/${ID}/start`
const STOP = `POST /api/${ID}/stop`
const DELETE = `DELETE /api/${ID}`
const added = {
  status: 201,
  headers: { location: ID },
  json: { status: 201, message: `${ID} created`, 'resource-id': ID },
}
const collection = {
  json: { count: 0, resources: [], operations: [{ rel: 'add', href: 'deployment' }] },
}
const removed = { json: { status: 200, message: `${ID} deleted`, 'resource-id': ID } }
const refOf = (operation: string, args: object = {}): OperationRef => ({
  cloud: 'nuvla',
  operation: `nuvla.deployments.${operation}`,
  args: { id: ID, ...args },
  since: '1970-01-01T00:00:00.000Z',
})
/** An event in few words. */
const brief = (event: OperationEvent<NuvlaDeployment>): string => {
  if (event.kind === 'submitted') return `submitted ${event.ref.operation.split('.').at(-1) ?? ''}`
  if (event.kind === 'progress') {
    const { state, percent, message } = event
    return [state, percent, message].filter((part) => part !== undefined).join(' ')
  }
  return event.kind === 'done' ? `done ${event.result.state}` : event.kind
}

describe('single calls', () => {
  it('list with a query, in which the state is never left out', () => {
    const routes = { [LIST]: found(deployment('STARTED'), deployment('STOPPED')) }
    const { values, sent } = run(routes, ({ deployments }) =>
      deployments.list({ select: ['name'], first: 2 }),
    )
    expect(values.map(({ state }) => state)).toEqual(['STARTED', 'STOPPED'])
    expect(sent).toEqual([`${LIST} first=2&last=501&select=id%2Cname%2Cstate`])
  })

  it('get by id or uuid', () => {
    for (const id of [ID, '1']) {
      const { values, sent } = run({ [GET]: deployment('STARTED') }, ({ deployments }) => deployments.get(id))
      expect(values).toMatchObject([{ id: ID, state: 'STARTED', module: { href: 'module/wordpress_3' } }])
      expect(sent).toEqual([GET])
    }
  })

  it('show no key of the deployment itself', () => {
    const answer = deployment('STARTED', { 'api-credentials': { 'api-key': 'k', 'api-secret': 'hunter2' } })
    const { values } = run({ [GET]: answer }, ({ deployments }) => deployments.get(ID))
    expect(values[0]?.['api-credentials']).toMatchObject({ 'api-secret': 'hunter2' })
    expect(inspect(values, { depth: 9 }) + JSON.stringify(values)).not.toContain('hunter2')
  })

  it('fail to create where the answer does not say what was made', () => {
    for (const id of [undefined, 'job/1', 'deployment/', 7]) {
      const add = { status: 201, json: { status: 201, message: 'created', 'resource-id': id } }
      const routes = { [LIST]: collection, [ADD]: add }
      const { error } = run(routes, ({ deployments }) => deployments.create('wordpress_3'))
      expect(error).toMatchObject({ code: 'SKY_RESPONSE_FORMAT', operation: 'nuvla.deployments.create' })
    }
  })

  it('create with what is given, and emit what was made', () => {
    const routes = { [LIST]: collection, [ADD]: added, [GET]: deployment('CREATED') }
    const { values, sent } = run(routes, ({ deployments }) =>
      deployments.create('wordpress_3', {
        parent: 'credential/c',
        name: 'blog',
        description: 'of ada',
        tags: ['a'],
        fields: { 'execution-mode': 'pull', module: 'ignored' },
      }),
    )
    expect(values).toMatchObject([{ id: ID, state: 'CREATED' }])
    expect(sent).toEqual([
      `${LIST} last=0`,
      `${ADD} {"execution-mode":"pull","module":{"href":"module/wordpress_3"},"parent":"credential/c","name":"blog","description":"of ada","tags":["a"]}`,
      GET,
    ])
  })

  it('choose the infrastructure', () => {
    const editable = deployment('CREATED', { operations: [{ rel: 'edit', href: ID }] })
    const routes = { [GET]: editable, [`PUT /api/${ID}`]: deployment('CREATED', { parent: 'credential/c' }) }
    const { values, sent } = run(routes, ({ deployments }) => deployments.setCredential(ID, 'c'))
    expect(values).toMatchObject([{ parent: 'credential/c' }])
    expect(sent).toEqual([GET, `PUT /api/${ID} {"parent":"credential/c"}`])
  })

  it('remove, also by force', () => {
    const { sent, completed } = run({ [GET]: deployment('STOPPED'), [DELETE]: removed }, ({ deployments }) =>
      deployments.remove(ID),
    )
    expect([completed, sent]).toEqual([true, [GET, DELETE]])
    const forced = { rel: 'force-delete', href: `${ID}/force-delete` }
    const force = run(
      {
        [GET]: deployment('STARTED', { operations: [forced] }),
        [`POST /api/${ID}/force-delete`]: removed,
      },
      ({ deployments }) => deployments.forceRemove(ID),
    )
    expect([force.completed, force.sent]).toEqual([true, [GET, `POST /api/${ID}/force-delete`]])
    const refused = run({ [GET]: deployment('STARTED') }, ({ deployments }) => deployments.remove(ID))
    expect(refused.error).toBeInstanceOf(ConfigurationError)
    expect(refused.error?.message).toContain('it offers: stop, update, create-log')
  })

  it('name what is wrong, at once', () => {
    run({ [GET]: deployment('STARTED') }, ({ deployments }) => {
      expect(() => deployments.get('module/1')).toThrow(/^id: expected the id of a deployment/)
      expect(() => deployments.create('')).toThrow(/^module: /)
      expect(() => deployments.create('m', { parent: 'deployment/1' })).toThrow(/^parent: /)
      expect(() => deployments.setCredential(ID, '')).toThrow(/^credential: /)
      expect(() => deployments.deploy('m', { timeout: 0 })).toThrow(/^timeout: /)
      expect(() => deployments.terminate(ID, { interval: -1 })).toThrow(/^interval: /)
      expect(() => deployments.watch({ ...refOf('start'), cloud: 'slipstream' })).toThrow(/^target: /)
      expect(() => deployments.watch({ ...refOf('start'), args: {} })).toThrow(/^id: /)
      expect(() => deployments.watch(refOf('start', { job: 'x/y' }))).toThrow(/^ref\.args\.job: /)
      expect(() => deployments.parameter(ID, '')).toThrow(/^name: /)
      expect(() => deployments.watchAll({ ids: 7 as unknown as string[] })).toThrow(/^ids: /)
      expect(() => deployments.watchAll({ ids: ['job/7'] })).toThrow(/^id: /)
      return deployments.get(ID)
    })
  })

  it('of a deployment without a state are an error', () => {
    const { error } = run({ [GET]: { json: { id: ID } } }, ({ deployments }) => deployments.get(ID))
    expect(error).toBeInstanceOf(ResponseFormatError)
  })
})

describe('deploy', () => {
  const routes = {
    [LIST]: collection,
    [ADD]: added,
    [START]: accepted,
    [GET]: [deployment('CREATED'), deployment('STARTING'), deployment('STARTING'), deployment('STARTED')],
    [GET_JOB]: [
      job('QUEUED'),
      job('RUNNING', 10, { 'status-message': 'pulling images' }),
      job('RUNNING', 70, { 'status-message': 'pulling images' }),
      job('SUCCESS', 100),
    ],
  }

  it('makes and starts a deployment, tells of its job, and costs a request per poll while that works', () => {
    const { values, times, sent, completed } = run(routes, ({ deployments }) =>
      deployments.deploy('wordpress_3', { parent: 'c', interval: 100 }),
    )
    expect(values.map(brief)).toEqual([
      'submitted create',
      'submitted start',
      'STARTING 0',
      'STARTING 10 pulling images',
      'STARTING 70 pulling images',
      'STARTED 100',
      'done STARTED',
    ])
    expect(times).toEqual([0, 0, 0, 100, 200, 300, 300])
    expect(values.slice(0, 3)).toMatchObject([
      { ref: refOf('create') },
      { ref: refOf('start', { job: JOB }) },
      { ref: refOf('start', { job: JOB }), snapshot: { state: 'STARTING' } },
    ])
    expect(completed).toBe(true)
    expect(sent.slice(2)).toEqual([
      GET,
      START,
      ...[GET_JOB, GET],
      ...[GET_JOB, GET],
      GET_JOB,
      ...[GET_JOB, GET],
    ])
  })

  it('goes on by the ref after a restart', () => {
    const ref = refOf('start', { job: JOB })
    const { values } = run(
      {
        [GET]: [deployment('STARTING'), deployment('STARTED')],
        [GET_JOB]: [job('RUNNING', 70), job('SUCCESS', 100)],
      },
      ({ deployments }) => deployments.watch(JSON.parse(JSON.stringify(ref)) as OperationRef),
    )
    expect(values.map(brief)).toEqual(['STARTING 70', 'STARTED 100', 'done STARTED'])
    expect(values[0]).toMatchObject({ ref })
  })

  it('waits for the state when the job is over before it, or not kept any more', () => {
    for (const jobs of [[job('SUCCESS', 100)], [missing]]) {
      const { values, sent } = run(
        { [GET]: [deployment('STARTING'), deployment('PENDING'), deployment('STARTED')], [GET_JOB]: jobs },
        ({ deployments }) => deployments.watch(refOf('start', { job: JOB })),
      )
      expect(values.at(-1)).toMatchObject({ kind: 'done', result: { state: 'STARTED' }, polls: 3 })
      expect(sent).toEqual([GET_JOB, GET, GET, GET])
    }
  })

  it('looks at the deployment again when that failed at a change of the job', () => {
    const { values } = run(
      {
        [GET]: [deployment('STARTING'), { status: 503 }, deployment('STARTED')],
        [GET_JOB]: [job('RUNNING', 50), job('SUCCESS', 100)],
      },
      ({ deployments }) => deployments.watch(refOf('start', { job: JOB })),
    )
    expect(values.map(brief)).toEqual(['STARTING 50', 'retrying', 'STARTED 100', 'done STARTED'])
  })

  it.each([
    ['FAILED', { 'status-message': 'image not found', 'return-code': 1 }],
    ['CANCELED', { 'status-message': 'image not found', 'return-code': 1 }],
  ])('fails with the message of a job that is %s', (state, rest) => {
    const { values, error } = run(
      {
        ...routes,
        [GET]: [deployment('CREATED'), deployment('STARTING'), deployment('ERROR')],
        [GET_JOB]: [job('RUNNING', 30), job(state, 100, rest)],
      },
      ({ deployments }) => deployments.deploy('wordpress'),
    )
    expect(values.map(brief).slice(-2)).toEqual(['STARTING 30', 'ERROR 30 image not found'])
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error).toMatchObject({
      message: `nuvla.deployments.start: job/7 is ${state} (return code 1): image not found`,
      state: 'ERROR',
      snapshot: { id: ID, state: 'ERROR' },
      history: [{ state: 'STARTING' }, { state: 'ERROR' }],
    })
  })

  it('names the deployment that is left when it may not be started: 402', () => {
    const refused = {
      status: 402,
      json: { status: 402, message: 'Valid subscription and payment method are needed!' },
    }
    const { values, error } = run({ ...routes, [START]: refused }, ({ deployments }) =>
      deployments.deploy('m'),
    )
    expect(values).toMatchObject([{ kind: 'submitted', ref: refOf('create') }])
    expect(error).toMatchObject({ status: 402, reason: 'Valid subscription and payment method are needed!' })
    expect(error?.retryable).toBe(false)
  })

  it('is over in time, or errors with what was seen', () => {
    const { error } = run(
      { ...routes, [GET]: [deployment('CREATED'), deployment('STARTING')], [GET_JOB]: job('RUNNING', 5) },
      ({ deployments }) => deployments.deploy('m', { timeout: 10_000 }),
    )
    expect(error).toBeInstanceOf(PollTimeoutError)
    expect(error).toMatchObject({ last: { state: 'STARTING' }, ref: refOf('start', { job: JOB }) })
  })
})

describe('start, stop, update', () => {
  it('a start of what is started is refused: 409', () => {
    const conflict = {
      status: 409,
      json: { status: 409, message: `Action start cannot be called on ${ID} in state STARTED!` },
    }
    const { error } = run({ [GET]: deployment('STOPPED'), [START]: conflict }, ({ deployments }) =>
      deployments.start('1'),
    )
    expect(error).toBeInstanceOf(ConflictError)
    expect(error?.message).toContain('in state STARTED!')
  })

  it('a start without a job is watched by the state alone', () => {
    const { status, json } = accepted
    const { location: _location, ...noJob } = json
    const { values, sent } = run(
      {
        [GET]: [deployment('STOPPED'), deployment('STARTING'), deployment('STARTED')],
        [START]: { status, json: noJob },
        [FIND_JOB]: { status: 403, json: { status: 403, message: 'credentials required' } },
      },
      ({ deployments }) => deployments.start(ID),
    )
    expect(values.map(brief)).toEqual(['submitted start', 'STARTING', 'STARTED 100', 'done STARTED'])
    expect(values[0]).toEqual({ kind: 'submitted', ref: refOf('start') })
    expect(sent.filter((request) => request.startsWith(FIND_JOB))).toHaveLength(1)
  })

  it('a deployment that somebody else stopped meanwhile is not waited for without end', () => {
    const { values, error } = run(
      { [GET]: deployment('STOPPED'), [GET_JOB]: job('SUCCESS', 100) },
      ({ deployments }) => deployments.watch(refOf('start', { job: JOB })),
    )
    expect(values.map(brief)).toEqual(['STOPPED 100', 'STOPPED 100'])
    expect(error).toMatchObject({ message: `nuvla.deployments.start: ${ID} is STOPPED and not STARTED` })
  })

  it('an update waits for STARTED', () => {
    const { values } = run(
      {
        [GET]: [deployment('STARTED'), deployment('UPDATING'), deployment('STARTED')],
        [`POST /api/${ID}/update`]: accepted,
        [GET_JOB]: [job('RUNNING', 50), job('SUCCESS', 100)],
      },
      ({ deployments }) => deployments.update(ID),
    )
    expect(values.map(brief)).toEqual(['submitted update', 'UPDATING 50', 'STARTED 100', 'done STARTED'])
  })

  it('while the job works it is the job that decides, whatever the state still is', () => {
    const { values } = run(
      {
        [GET]: [deployment('ERROR'), deployment('ERROR'), deployment('STARTED'), deployment('STARTED')],
        [`POST /api/${ID}/update`]: accepted,
        [GET_JOB]: [job('QUEUED'), job('RUNNING', 50), job('SUCCESS', 100)],
      },
      ({ deployments }) => deployments.update(ID),
    )
    expect(values.map(brief)).toEqual([
      'submitted update',
      'ERROR 0',
      'STARTED 50',
      'STARTED 100',
      'done STARTED',
    ])
  })

  it('a stop waits for STOPPED, and says what goes with it', () => {
    const { values, sent } = run(
      {
        [GET]: [deployment('STARTED'), deployment('STOPPING'), deployment('STOPPED')],
        [STOP]: accepted,
        [GET_JOB]: [job('RUNNING', 50), job('SUCCESS', 100)],
      },
      ({ deployments }) => deployments.stop(ID, { removeVolumes: true, removeImages: false }),
    )
    expect(values.map(brief)).toEqual(['submitted stop', 'STOPPING 50', 'STOPPED 100', 'done STOPPED'])
    expect(sent[1]).toBe(`${STOP} {"remove-volumes":true,"remove-images":false}`)
  })

  it('a stop with delete waits until it is gone, also by its ref', () => {
    const polls = { [GET_JOB]: [job('RUNNING', 50), job('SUCCESS', 100)] }
    const { values, sent, completed } = run(
      { ...polls, [GET]: [deployment('STARTED'), deployment('STOPPING'), missing], [STOP]: accepted },
      ({ deployments }) => deployments.stop(ID, { delete: true }),
    )
    expect(values.map(brief)).toEqual(['submitted stop', 'STOPPING 50', 'done STOPPED'])
    expect([completed, sent[1]]).toEqual([true, `${STOP} {"delete":true}`])
    const ref = values[0]?.ref
    expect(ref).toEqual(refOf('stop', { job: JOB, until: 'deleted' }))
    const again = run({ ...polls, [GET]: missing }, ({ deployments }) => deployments.watch(ref ?? ''))
    expect(again.values).toMatchObject([{ kind: 'done', result: { id: ID, state: 'STOPPED' } }])
  })

  it('a stop with delete that deleted nothing has failed', () => {
    const { error } = run(
      {
        [GET]: [deployment('STARTED'), deployment('STOPPED')],
        [STOP]: accepted,
        [GET_JOB]: job('SUCCESS', 100),
      },
      ({ deployments }) => deployments.stop(ID, { delete: true }),
    )
    expect(error).toMatchObject({ message: `nuvla.deployments.stop: ${ID} is STOPPED and not deleted` })
  })

  it('a start of what is not there is an error', () => {
    expect(run({ [GET]: missing }, ({ deployments }) => deployments.start(ID)).error).toBeInstanceOf(
      NotFoundError,
    )
  })
})

describe('terminate', () => {
  it('stops, waits until it may be deleted, and deletes', () => {
    const { values, sent, completed } = run(
      {
        [GET]: [
          deployment('STARTED'),
          deployment('STARTED'),
          deployment('STOPPING'),
          deployment('STOPPED', { operations: [] }),
          deployment('STOPPED'),
        ],
        [STOP]: accepted,
        [GET_JOB]: [job('RUNNING', 50), job('SUCCESS', 100)],
        [DELETE]: removed,
      },
      ({ deployments }) => deployments.terminate(ID, { removeImages: true }),
    )
    expect(values.map(brief)).toEqual(['submitted terminate', 'STOPPING 50', 'STOPPED 100', 'done STOPPED'])
    expect(values[0]).toEqual({ kind: 'submitted', ref: refOf('terminate', { job: JOB }) })
    expect(completed).toBe(true)
    expect(sent).toEqual([
      ...[GET, GET, `${STOP} {"remove-images":true}`],
      ...[GET_JOB, GET, GET_JOB, GET, GET],
      ...[GET, DELETE],
    ])
  })

  it('deletes at once what is not running', () => {
    const { values, sent } = run({ [GET]: deployment('CREATED'), [DELETE]: removed }, ({ deployments }) =>
      deployments.terminate(ID),
    )
    expect(values.map(brief)).toEqual(['submitted terminate', 'CREATED 100', 'done CREATED'])
    expect(sent.at(-1)).toBe(DELETE)
  })

  it('goes on from where somebody else is, and is content when that one deletes it', () => {
    const { values, sent } = run(
      {
        [GET]: [deployment('STOPPING'), deployment('STOPPING'), deployment('STOPPED'), missing],
        [FIND_JOB]: found(job('RUNNING', 20)),
        [GET_JOB]: job('SUCCESS', 100),
      },
      ({ deployments }) => deployments.terminate(ID),
    )
    expect(values.map(brief)).toEqual(['submitted terminate', 'STOPPING 20', 'STOPPED 100', 'done STOPPED'])
    expect(sent.filter((request) => !request.startsWith('GET') && !request.startsWith(FIND_JOB))).toEqual([])
  })

  it('of which the stop fails has failed, and nothing is deleted', () => {
    const { error, sent } = run(
      {
        [GET]: [deployment('ERROR'), deployment('ERROR'), deployment('STOPPING'), deployment('ERROR')],
        [STOP]: accepted,
        [GET_JOB]: [job('RUNNING', 20), job('FAILED', 100, { 'status-message': 'no connection' })],
      },
      ({ deployments }) => deployments.terminate(ID),
    )
    expect(error).toMatchObject({ message: 'nuvla.deployments.terminate: job/7 is FAILED: no connection' })
    expect(sent).not.toContain(DELETE)
  })

  it('ends by its signal', () => {
    const { error, sent } = run({ [GET]: deployment('STARTED') }, ({ deployments }) =>
      deployments.terminate(ID, { signal: AbortSignal.abort('enough') }),
    )
    expect([error, sent]).toEqual(['enough', []])
  })
})

describe('watch', () => {
  it('by id, finds the job that works on it', () => {
    const { values, sent } = run(
      {
        [GET]: [deployment('STARTING'), deployment('STARTED')],
        [FIND_JOB]: found(job('RUNNING', 30)),
        [GET_JOB]: [job('RUNNING', 60), job('SUCCESS', 100)],
      },
      ({ deployments }) => deployments.watch(ID),
    )
    expect(values.map(brief)).toEqual(['STARTING 30', 'STARTING 60', 'STARTED 100', 'done STARTED'])
    const form = new URLSearchParams(sent[1]?.slice(FIND_JOB.length + 1))
    expect(Object.fromEntries(form)).toEqual({
      first: '1',
      last: '1',
      filter:
        "target-resource/href='deployment/1' and (action='start_deployment' or action='stop_deployment' or action='update_deployment')",
      orderby: 'created:desc',
    })
  })

  it('by id, is over when nothing is going on', () => {
    for (const state of ['CREATED', 'STARTED', 'STOPPED', 'PAUSED', 'SUSPENDED']) {
      const { values, sent } = run({ [GET]: deployment(state) }, ({ deployments }) => deployments.watch('1'))
      expect(values.map(brief)).toEqual([`${state} 100`, `done ${state}`])
      expect(sent).toEqual([GET])
    }
  })

  it('by id, tells why it is in ERROR', () => {
    const { error } = run(
      {
        [GET]: deployment('ERROR'),
        [FIND_JOB]: found(job('FAILED', 100, { 'status-message': 'out of disk' })),
      },
      ({ deployments }) => deployments.watch(ID),
    )
    expect(error).toMatchObject({
      message: 'nuvla.deployments.watch: job/7 is FAILED: out of disk',
      state: 'ERROR',
    })
    const unknown = run(
      { [GET]: deployment('ERROR'), [FIND_JOB]: found(job('SUCCESS', 100)) },
      ({ deployments }) => deployments.watch(ID),
    )
    expect(unknown.error).toMatchObject({ message: `nuvla.deployments.watch: ${ID} is in state ERROR` })
  })

  it('takes an unknown state for a step on the way, and a job of the past for none', () => {
    const { values } = run(
      {
        [GET]: [deployment('STARTING'), deployment('HATCHING'), deployment('STARTED')],
        [FIND_JOB]: found(job('SUCCESS', 100)),
      },
      ({ deployments }) => deployments.watch(ID),
    )
    expect(values.map(brief)).toEqual(['STARTING', 'HATCHING', 'STARTED 100', 'done STARTED'])
  })

  it('waits for a state, whoever brings it about', () => {
    const polls = [deployment('STARTED'), ...Array.from({ length: 8 }, () => deployment('STARTED'))]
    const { values } = run({ [GET]: [...polls, deployment('STOPPED')] }, ({ deployments }) =>
      deployments.watch(ID, { until: 'STOPPED' }),
    )
    expect(values.map(brief)).toEqual(['STARTED', 'STOPPED 100', 'done STOPPED'])
    const broken = run({ [GET]: deployment('ERROR'), [FIND_JOB]: found() }, ({ deployments }) =>
      deployments.watch(ID, { until: 'ERROR' }),
    )
    expect(broken.values.map(brief)).toEqual(['ERROR 100', 'done ERROR'])
  })

  it('ends when it is deleted, but not when it was never there', () => {
    const { values } = run({ [GET]: [deployment('HATCHING'), missing] }, ({ deployments }) =>
      deployments.watch(ID),
    )
    expect(values.map(brief)).toEqual(['HATCHING', 'done HATCHING'])
    expect(run({ [GET]: missing }, ({ deployments }) => deployments.watch(ID)).error).toBeInstanceOf(
      NotFoundError,
    )
  })

  it('begins anew with each subscription', () => {
    marbles((helpers) => {
      const { nuvla, sent } = nuvlaOf({ [GET]: deployment('STARTING'), [FIND_JOB]: found() }, helpers)
      const watch = nuvla.deployments.watch(ID).pipe(take(1))
      const kinds: string[] = []
      for (const _turn of [1, 2]) watch.subscribe(({ kind }) => kinds.push(kind))
      helpers.flush()
      expect(kinds).toEqual(['progress', 'progress'])
      expect(sent().filter((request) => request === GET)).toHaveLength(2)
    })()
  })
})

describe('watchAll', () => {
  const item = (id: string, state: string) => ({
    json: { id: `deployment/${id}`, state, acl: {}, operations: [] },
  })
  const told = (events: readonly { kind: string }[]) =>
    events.map((event) => {
      const {
        kind,
        items,
        item: one,
      } = event as { kind: string; items?: { state: string }[]; item?: { state: string } }
      return [kind, ...(items ?? (one === undefined ? [] : [one])).map(({ state }) => state)].join(' ')
    })

  it('asks once for all watchers, for what they are told of and no more', () => {
    marbles((helpers) => {
      const polls = [
        found(item('1', 'STARTING'), item('2', 'STARTED')),
        found(item('1', 'STARTED'), item('2', 'STARTED'), item('3', 'CREATED')),
      ]
      const { nuvla, sent } = nuvlaOf(
        { [LIST]: polls, 'GET /api/deployment/2*': item('2', 'STARTED') },
        helpers,
      )
      const all: { kind: string }[] = []
      const one: { kind: string }[] = []
      nuvla.deployments
        .watchAll({ interval: 100 })
        .pipe(take(3))
        .subscribe((event) => all.push(event))
      nuvla.deployments
        .watchAll({
          ids: ['1'],
          interval: 100,
          until: (items) => items.every(({ state }) => state === 'STARTED'),
        })
        .subscribe((event) => one.push(event))
      helpers.flush()
      expect(told(all)).toEqual(['snapshot STARTING STARTED', 'changed STARTED', 'added CREATED'])
      expect(told(one)).toEqual(['snapshot STARTING', 'changed STARTED'])
      expect(all[1]).toEqual({ kind: 'changed', item: { id: ID, state: 'STARTED' } })
      const search = `${LIST} first=1&last=500&select=id%2Cstate%2Cname%2Cdescription%2Cparent%2Ctags%2Cexecution-mode%2Ccreated%2Cupdated&orderby=created%3Aasc`
      expect(sent()).toEqual([search, search])
    })()
  })

  it('asks for what is not in the list: gone, or not to be seen', () => {
    const routes = {
      [LIST]: [found(item('1', 'STOPPED'), item('2', 'STARTED')), found(item('2', 'STARTED'))],
      'GET /api/deployment/1*': missing,
      'GET /api/deployment/x*': { status: 403, json: { status: 403, message: 'credentials required' } },
    }
    const { values, sent } = run(routes, ({ deployments }) =>
      deployments.watchAll({ ids: ['1', '2', 'x'], until: (items) => items.length < 2 }),
    )
    expect(told(values)).toEqual(['snapshot STOPPED STARTED', 'removed STOPPED'])
    expect(
      sent.map((request) => request.split('?', 1)[0]).filter((request) => request?.startsWith('GET')),
    ).toEqual(['GET /api/deployment/x', 'GET /api/deployment/1'])
  })
})
