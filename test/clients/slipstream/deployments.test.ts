import { map, take } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { filter } from '../../../src/clients/slipstream/filter.js'
import type { Deployment, DeploymentItem } from '../../../src/clients/slipstream/deployment-types.js'
import {
  ConflictError,
  NetworkError,
  NotFoundError,
  OperationFailedError,
  PollTimeoutError,
  type OperationRef,
} from '../../../src/errors.js'
import type { CollectionEvent } from '../../../src/streams/collection.js'
import type { OperationEvent } from '../../../src/streams/events.js'
import { marbles } from '../../../src/testing/marbles.js'
import {
  clientOf,
  created,
  ID,
  legacyError,
  POST_RUN,
  run,
  RUN,
  tell,
  xml,
  type Routes,
} from './run-answers.js'

const every = { interval: 1_000 }
/** An event in short: `progress Executing 50`, `done`. */
const inShort = (event: OperationEvent<Deployment, unknown>): string => {
  if (event.kind !== 'progress') return event.kind
  const { state, percent, message } = event
  return ['progress', state, percent, message].filter((part) => part !== undefined).join(' ')
}

describe('deploy', () => {
  it('submits, tells the progress, and ends with the deployment', () => {
    const machine = (complete: string, statecustom: string, rest = {}): Record<string, string> => ({
      'machine:complete': complete,
      'machine:statecustom': statecustom,
      ...rest,
    })
    const url = { 'ss:url.service': 'http://203.0.113.9' }
    const { values, completed, sent, accepted } = tell(
      {
        [POST_RUN]: created,
        [RUN]: [
          run('Provisioning', machine('false', '')),
          run('Executing', machine('false', 'installing')),
          run('Executing', machine('false', 'configuring', url)),
          run('Executing', machine('false', 'configuring', url)),
          run('SendingReports', machine('true', 'configuring', url)),
          run('Ready', machine('false', 'configuring', url)),
        ],
      },
      ({ deployments }) => deployments.deploy('apps/WordPress/wordpress', { cloud: 'c1', ...every }),
    )
    expect(values.map(inShort)).toEqual([
      'submitted',
      'progress Provisioning 25',
      'progress Executing 50 installing',
      'progress Executing 50 configuring',
      'progress SendingReports 100 configuring',
      'progress Ready 100 configuring',
      'done',
    ])
    const ref = {
      cloud: 'slipstream',
      operation: 'slipstream.deployments.create',
      args: { id: ID },
      since: '1970-01-01T00:00:00.000Z',
    }
    expect(values[0]).toEqual({ kind: 'submitted', ref })
    expect(values.at(-1)).toMatchObject({
      kind: 'done',
      ref,
      polls: 6,
      elapsedMs: 5_000,
      result: { uuid: ID, state: 'Ready', serviceUrl: 'http://203.0.113.9' },
    })
    expect(completed).toBe(true)
    expect(sent[0]).toBe(
      `${POST_RUN} parameter--cloudservice=c1&refqname=module%2Fapps%2FWordPress%2Fwordpress&bypass-ssh-check=true`,
    )
    expect(sent.slice(1)).toEqual(Array.from({ length: 6 }, () => RUN))
    expect(new Set(accepted)).toEqual(new Set(['application/xml']))
  })

  it('tells the service address as soon as it is known', () => {
    const { values } = tell(
      {
        [POST_RUN]: created,
        [RUN]: [run('Executing'), run('Executing', { 'ss:url.service': 'http://x' }), run('Ready')],
      },
      ({ deployments }) => deployments.deploy('a', every),
    )
    expect(
      values.map((event) => (event.kind === 'progress' ? event.snapshot.serviceUrl : event.kind)),
    ).toEqual(['submitted', undefined, 'http://x', undefined, 'done'])
  })

  it('finds Ready that was missed between two polls: Done without abort (keep-running never)', () => {
    const { values, completed } = tell(
      { [POST_RUN]: created, [RUN]: [run('SendingReports'), run('Finalizing'), run('Done')] },
      ({ deployments }) => deployments.deploy('a', { keepRunning: 'never', ...every }),
    )
    expect(values.map(inShort).slice(-3)).toEqual(['progress Finalizing 100', 'progress Done 100', 'done'])
    expect(completed).toBe(true)
  })

  it('fails with the abort message as soon as the flag is raised, after a last progress', () => {
    const abort = { 'ss:abort': "Failed running 'execute' target on 'machine'", 'ss:recovery.mode': 'true' }
    const { values, error, sent } = tell(
      { [POST_RUN]: created, [RUN]: [run('Provisioning'), run('Provisioning', abort)] },
      ({ deployments }) => deployments.deploy('a', every),
    )
    expect(values.map(inShort)).toEqual(['submitted', 'progress Provisioning 25', 'progress Provisioning 25'])
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error?.message).toBe(
      `slipstream.deployments.create: deployment ${ID} was aborted and is in state Provisioning: Failed running 'execute' target on 'machine'`,
    )
    expect(error).toMatchObject({ state: 'Provisioning', snapshot: { abort: abort['ss:abort'] } })
    expect(sent).toHaveLength(3)
  })

  it('takes a component that is Ready with the abort flag raised for failed', () => {
    const { error } = tell(
      { [POST_RUN]: created, [RUN]: run('Ready', { 'ss:abort': 'boom' }) },
      ({ deployments }) => deployments.deploy('a', every),
    )
    expect(error?.message).toContain('is in state Ready: boom')
  })

  it('never sends the submission again, even where nothing was done', () => {
    for (const answer of [{ status: 503 }, { status: 429 }, new NetworkError('cut', { retryable: true })]) {
      const { error, sent } = tell({ [POST_RUN]: answer }, ({ deployments }) => deployments.deploy('a'))
      expect([error === undefined, sent.length]).toEqual([false, 1])
    }
    const routes = { [POST_RUN]: [{ status: 503 }, created] }
    expect(tell(routes, ({ deployments }) => deployments.create('a')).sent).toHaveLength(1)
    const { values } = tell(routes, ({ deployments }) => deployments.create('a', {}, { retry: true }))
    expect(values).toEqual([ID])
  })

  it('tells what is wrong in the words of the server', () => {
    const { error } = tell(
      { [POST_RUN]: legacyError(409, 'Conflict', 'Unknown parameter: x in node: machine') },
      ({ deployments }) => deployments.deploy('a', { parameters: { x: 'y' } }),
    )
    expect(error).toBeInstanceOf(ConflictError)
    expect(error?.message).toContain('answered 409: Unknown parameter: x in node: machine')
  })

  it('shows no password that was sent', () => {
    const { error } = tell(
      { [POST_RUN]: legacyError(409, 'Conflict', 'Bad value hunter2-secret in node: machine') },
      ({ deployments }) => deployments.create('a', { parameters: { admin_password: 'hunter2-secret' } }),
    )
    expect(error?.message).toContain('Bad value')
    expect(JSON.stringify(error) + String(error?.message)).not.toContain('hunter2')
  })

  it('refuses wrong arguments before anything is sent', () => {
    marbles((helpers) => {
      const { deployments, sent } = clientOf({}, helpers)
      expect(() => deployments.deploy('')).toThrow(/^path: /)
      expect(() => deployments.deploy('a', { interval: 0 })).toThrow(/^interval: /)
      expect(() => deployments.deploy('a', { until: 'done' as 'Done' })).toThrow(/^until: /)
      expect(() => deployments.get('')).toThrow(/^id: /)
      expect(() => deployments.get('a/b')).toThrow(/^id: /)
      expect(() => deployments.abort(ID, ' ')).toThrow(/^message: /)
      expect(() => deployments.abort(ID, 'x'.repeat(4097))).toThrow(/^message: /)
      expect(() => deployments.watch({ cloud: 'synnefo', operation: 'x', args: {} })).toThrow(/^target: /)
      expect(() => deployments.watchAll({ ids: [''] })).toThrow(/^id: /)
      expect(sent()).toEqual([])
    })()
  })

  it('needs the address of what was created', () => {
    const { error } = tell({ [POST_RUN]: { status: 201 } }, ({ deployments }) => deployments.create('a'))
    expect(error?.code).toBe('SKY_RESPONSE_FORMAT')
  })
})

describe('watch', () => {
  it(
    'attaches by id, and polls in virtual time',
    marbles((helpers) => {
      const { cold, expectObservable, expectSubscriptions } = helpers
      const provisioning = cold('-(a|)', { a: run('Provisioning') })
      const ready = cold('-(a|)', { a: run('Ready') })
      const { deployments } = clientOf({ [RUN]: [provisioning, ready] }, helpers)
      const events = deployments.watch(ID, { interval: 10 })
      expectObservable(events.pipe(map(({ kind }) => kind))).toBe('-p 10ms (pd|)', {
        p: 'progress',
        d: 'done',
      })
      expectSubscriptions(provisioning.subscriptions).toBe('^!')
      expectSubscriptions(ready.subscriptions).toBe('-----------^!')
    }),
  )

  it('goes on from the reference of any of its streams', () => {
    const attach = (ref: OperationRef, state: string, abort = ''): string => {
      const { values, error } = tell({ [RUN]: run(state, { 'ss:abort': abort }) }, ({ deployments }) =>
        deployments.watch(ref, { timeout: 10, interval: 1 }).pipe(take(5)),
      )
      return error?.code ?? values.at(-1)?.kind ?? 'none'
    }
    const ref = (operation: string, until?: string): OperationRef => ({
      cloud: 'slipstream',
      operation: `slipstream.${operation}`,
      args: { id: ID, ...(until === undefined ? {} : { until }) },
    })
    expect(attach(ref('deployments.create'), 'Ready')).toBe('done')
    expect(attach(ref('deployments.create', 'final'), 'Ready')).toBe('SKY_POLL_TIMEOUT')
    expect(attach(ref('deployments.terminate'), 'Aborted', 'boom')).toBe('done')
    expect(attach(ref('deployments.watch', 'Executing'), 'SendingReports')).toBe('done')
    expect(attach(ref('components.build', 'Done'), 'Ready')).toBe('SKY_POLL_TIMEOUT')
    expect(attach(ref('deployments.addInstances'), 'Ready')).toBe('done')
  })

  it('remembers in its reference what it waits for', () => {
    const { values } = tell({ [RUN]: run('Done') }, ({ deployments }) =>
      deployments.watch(ID, { until: 'final' }),
    )
    expect(values.at(-1)).toMatchObject({
      kind: 'done',
      ref: { operation: 'slipstream.deployments.watch', args: { id: ID, until: 'final' } },
    })
  })

  it('tolerates what may pass, and takes a 404 for an error', () => {
    const { values, error } = tell(
      {
        [RUN]: [
          run('Executing'),
          { status: 503 },
          run('Executing'),
          legacyError(404, 'Not Found', 'no such run'),
        ],
      },
      ({ deployments }) => deployments.watch(ID, every),
    )
    expect(values.map(({ kind }) => kind)).toEqual(['progress', 'retrying'])
    expect(error).toBeInstanceOf(NotFoundError)
  })

  it.each([
    [
      'a page of HTML',
      { headers: { 'content-type': 'text/html' }, body: '<html><body>Welcome</body></html>' },
    ],
    ['half a document', xml('<run uuid="u" state="Ready"><runtimeParameters>')],
    ['another document', xml('<error code="500"/>')],
    ['an entity of its own', xml('<!DOCTYPE run [<!ENTITY a "b">]><run uuid="u" state="&a;"/>')],
    ['no body', {}],
  ])('takes %s for an error of the protocol', (_, answer) => {
    const { values, error } = tell({ [RUN]: answer }, ({ deployments }) => deployments.watch(ID))
    expect(values).toEqual([])
    expect(error).toMatchObject({ code: 'SKY_RESPONSE_FORMAT', operation: 'slipstream.deployments.get' })
  })

  it('says how far it came when the time is up', () => {
    const { error } = tell({ [RUN]: run('Executing') }, ({ deployments }) =>
      deployments.watch(ID, { ...every, timeout: 3_500 }),
    )
    expect(error).toBeInstanceOf(PollTimeoutError)
    expect(error).toMatchObject({ history: [{ state: 'Executing', sinceMs: 0 }], ref: { args: { id: ID } } })
  })

  it('takes a state that it does not know for one on the way', () => {
    const { values } = tell({ [RUN]: [run('Brandnew'), run('Ready')] }, ({ deployments }) =>
      deployments.watch(ID, every),
    )
    expect(values.map(inShort)).toEqual(['progress Brandnew', 'progress Ready 100', 'done'])
  })

  it(
    'closes the request under way when nobody listens any more',
    marbles((helpers) => {
      const { cold, expectObservable, expectSubscriptions } = helpers
      const poll = cold('-----(a|)', { a: run('Ready') })
      const { deployments } = clientOf({ [RUN]: poll }, helpers)
      expectObservable(deployments.watch(ID), '^--!').toBe('---')
      expectSubscriptions(poll.subscriptions).toBe('^--!')
    }),
  )
})

describe('waitReady', () => {
  it('emits the deployment once it is ready, and nothing before', () => {
    const { values, completed } = tell({ [RUN]: [run('Executing'), run('Ready')] }, ({ deployments }) =>
      deployments.waitReady(ID, every),
    )
    expect([values.length, values[0]?.state, completed]).toEqual([1, 'Ready', true])
  })

  it('fails as watch does', () => {
    const { values, error } = tell({ [RUN]: run('Cancelled') }, ({ deployments }) =>
      deployments.waitReady(ID),
    )
    expect([values, error?.code]).toEqual([[], 'SKY_OPERATION_FAILED'])
  })
})

describe('terminate', () => {
  const DELETE = `DELETE /run/${ID}`

  it.each(['Cancelled', 'Done', 'Aborted'])('ends when it is over, as %s', (state) => {
    const { values, completed, sent } = tell(
      {
        [DELETE]: { status: 204 },
        [RUN]: [run('Finalizing', { 'ss:abort': 'boom' }), run(state, { 'ss:abort': 'boom' })],
      },
      ({ deployments }) => deployments.terminate(ID, every),
    )
    expect(values.map(inShort)).toEqual(['submitted', 'progress Finalizing', `progress ${state} 100`, 'done'])
    expect(values.at(-1)).toMatchObject({ result: { state } })
    expect([completed, sent]).toEqual([true, [DELETE, RUN, RUN]])
  })

  it('leaves a deployment that is over as it is, and may be repeated', () => {
    const { values, sent } = tell(
      { [DELETE]: [{ status: 503 }, { status: 204 }], [RUN]: run('Done') },
      ({ deployments }) => deployments.terminate(ID),
    )
    expect(values.map(({ kind }) => kind)).toEqual(['submitted', 'progress', 'done'])
    expect(sent).toEqual([DELETE, DELETE, RUN])
  })

  it('does not watch what it could not terminate', () => {
    const { values, error, sent } = tell(
      { [DELETE]: legacyError(404, 'Not Found', 'x') },
      ({ deployments }) => deployments.terminate(ID),
    )
    expect([values, error?.code, sent]).toEqual([[], 'SKY_HTTP_NOT_FOUND', [DELETE]])
  })
})

describe('abort', () => {
  it('is raised with a message, once', () => {
    const route = `PUT /run/${ID}/ss:abort`
    const { sent, completed } = tell({ [route]: {} }, ({ deployments }) => deployments.abort(ID, 'enough'))
    expect([sent, completed]).toEqual([[`${route} enough`], true])
    const again = tell({ [route]: legacyError(409, 'Conflict', 'Abort flag raised!') }, ({ deployments }) =>
      deployments.abort(ID, 'enough'),
    )
    expect(again.error).toBeInstanceOf(ConflictError)
    expect(again.error?.message).toContain('Abort flag raised!')
  })

  it('is taken down although it is raised', () => {
    const route = `DELETE /run/${ID}/ss:abort?ignoreabort=true`
    const { sent, completed } = tell({ [route]: { status: 204 } }, ({ deployments }) =>
      deployments.resetAbort(ID),
    )
    expect([sent, completed]).toEqual([[route], true])
  })
})

const item = (uuid: string, status = 'Executing'): string =>
  `<item resourceUri="run/${uuid}" uuid="${uuid}" status="${status}" abort="" cloudServiceNames="c1"/>`
const list = (uuids: readonly string[], total?: number) =>
  xml(
    `<runs${total === undefined ? '' : ` totalCount="${String(total)}"`}>${uuids.map((uuid) => item(uuid)).join('')}</runs>`,
  )
const uuids = (from: number, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `u-${String(from + index)}`)

describe('list', () => {
  it('asks for active ones, in pages of 500, only as far as they are wanted', () => {
    const routes: Routes = {
      'GET /run?activeOnly=true&offset=0&limit=500': list(uuids(0, 500), 1_001),
      'GET /run?activeOnly=true&offset=500&limit=500': list(uuids(500, 500), 1_001),
      'GET /run?activeOnly=true&offset=1000&limit=500': list(uuids(1_000, 1), 1_001),
    }
    const all = tell(routes, ({ deployments }) => deployments.list())
    expect(all.values.map(({ uuid }) => uuid)).toEqual(uuids(0, 1_001))
    expect(all.sent).toEqual(Object.keys(routes))
    const some = tell(routes, ({ deployments }) => deployments.list().pipe(take(501)))
    expect(some.sent).toHaveLength(2)
  })

  it('sends every filter', () => {
    const { sent } = tell({ 'GET /run*': list([]) }, ({ deployments }) =>
      deployments.list({
        inactive: true,
        cloud: 'c 1',
        module: '/apps/app/107',
        user: 'bob',
        runOwner: 'eve',
        offset: 40,
        limit: 20,
      }),
    )
    expect(sent).toEqual([
      'GET /run?activeOnly=false&offset=40&limit=20&cloud=c%201&moduleResourceUri=module%2Fapps%2Fapp%2F107&user=bob&runOwner=eve',
    ])
  })

  it('emits at most as many as the limit, over several pages', () => {
    const routes: Routes = {
      'GET /run?activeOnly=true&offset=0&limit=500': list(uuids(0, 500), 2_000),
      'GET /run?activeOnly=true&offset=500&limit=500': list(uuids(500, 500), 2_000),
    }
    expect(tell(routes, ({ deployments }) => deployments.list({ limit: 600 })).values).toHaveLength(600)
  })

  it('emits each once when a new one shifts the pages', () => {
    const { values } = tell(
      {
        'GET /run?activeOnly=true&offset=0&limit=500': list(uuids(0, 500), 501),
        'GET /run?activeOnly=true&offset=500&limit=500': list(['u-499', 'u-500'], 502),
      },
      ({ deployments }) => deployments.list(),
    )
    expect(values.map(({ uuid }) => uuid)).toEqual(uuids(0, 501))
  })

  it('ends without a total with a page that is not full, and with an empty one', () => {
    const short = tell({ 'GET /run*': list(uuids(0, 3)) }, ({ deployments }) => deployments.list())
    expect([short.values.length, short.sent.length]).toEqual([3, 1])
    const none = tell({ 'GET /run*': list([], 7) }, ({ deployments }) => deployments.list())
    expect([none.values.length, none.sent.length, none.completed]).toEqual([0, 1, true])
  })

  it('names the argument that is wrong', () => {
    marbles((helpers) => {
      const { deployments } = clientOf({}, helpers)
      expect(() => deployments.list({ offset: -1 })).toThrow(/^offset: /)
      expect(() => deployments.list({ limit: 0 })).toThrow(/^limit: /)
      expect(() => deployments.list({ module: '' })).toThrow(/^module: /)
    })()
  })
})

describe('events', () => {
  it('searches for those of the deployment', () => {
    const found = [{ id: 'event/1', type: 'state', content: { state: 'Executing' } }]
    const { values, searches } = tell({}, ({ deployments }) => deployments.events(ID), found)
    expect(values).toEqual(found)
    expect(searches.map(({ collection, query }) => [collection, shown(query?.filter)])).toEqual([
      ['events', `content/resource/href='run/${ID}'`],
    ])
  })

  it('of some types, and since an instant, safely quoted', () => {
    const { searches } = tell({}, ({ deployments }) =>
      deployments.events("x' or type='y", { types: ['state', 'action'], since: new Date(0) }),
    )
    expect(shown(searches[0]?.query?.filter)).toBe(
      "content/resource/href='run/x\\' or type=\\'y' and (type='state' or type='action') and timestamp>1970-01-01T00:00:00.000Z",
    )
  })
})

function shown(expression: Parameters<typeof filter>[0] | string | undefined): string | undefined {
  return typeof expression === 'object' ? filter(expression) : expression
}

describe('watchAll', () => {
  const LIST = 'GET /run?activeOnly=true&offset=0&limit=500'
  const page = (states: Readonly<Record<string, string>>) =>
    xml(
      `<runs totalCount="${String(Object.keys(states).length)}">${Object.entries(states)
        .map(([uuid, state]) => item(uuid, state))
        .join('')}</runs>`,
    )
  const brief = (event: CollectionEvent<DeploymentItem>): string => {
    if (event.kind === 'snapshot')
      return `snapshot ${event.items.map(({ uuid, state }) => `${uuid}=${state}`).join(' ')}`
    return event.kind === 'retrying' ? 'retrying' : `${event.kind} ${event.item.uuid}=${event.item.state}`
  }
  const whole = (uuid: string, state: string) =>
    xml(`<run uuid="${uuid}" state="${state}" resourceUri="run/${uuid}" cloudServiceNames="c1"/>`)

  it('watches all for one poll, and tells the end of what leaves the list', () => {
    const { values, sent } = tell(
      {
        [LIST]: [page({ a: 'Executing', b: 'Executing' }), page({ a: 'Ready', c: 'Initializing' })],
        'GET /run/b': whole('b', 'Done'),
      },
      ({ deployments }) => deployments.watchAll(every).pipe(take(5)),
    )
    expect(values.map(brief)).toEqual([
      'snapshot a=Executing b=Executing',
      'changed a=Ready',
      'added c=Initializing',
      'changed b=Done',
      'removed b=Done',
    ])
    expect(sent).toEqual([LIST, LIST, 'GET /run/b'])
  })

  it('asks once for an id that is over already, and leaves out what there is not', () => {
    const { values, sent } = tell(
      {
        [LIST]: page({ a: 'Executing' }),
        'GET /run/old': whole('old', 'Aborted'),
        'GET /run/*': legacyError(404, 'Not Found', 'x'),
      },
      ({ deployments }) => deployments.watchAll({ ...every, ids: ['a', 'old', 'none'], until: () => true }),
    )
    expect(values.map(brief)).toEqual(['snapshot a=Executing old=Aborted'])
    expect(sent).toEqual([LIST, 'GET /run/old', 'GET /run/none'])
  })

  it(
    'shares its poll among all watchers of a client',
    marbles((helpers) => {
      const { cold, expectSubscriptions, flush } = helpers
      const poll = cold('-(a|)', { a: page({ a: 'Executing' }) })
      const { deployments, sent } = clientOf({ [LIST]: poll }, helpers)
      const seen: string[] = []
      for (const ids of [undefined, ['a'], ['a']]) {
        deployments
          .watchAll({ ...every, ...(ids === undefined ? {} : { ids }), until: () => true })
          .subscribe({
            next: (event) => seen.push(brief(event)),
            error: (error: unknown) => {
              throw error
            },
          })
      }
      flush()
      expect(seen).toEqual(Array.from({ length: 3 }, () => 'snapshot a=Executing'))
      expect(sent()).toHaveLength(1)
      expectSubscriptions(poll.subscriptions).toBe('^!')
    }),
  )
})
