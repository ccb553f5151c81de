import { inspect } from 'node:util'
import { concatMap, map, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { createStackit } from '../../../src/clients/stackit/index.js'
import { dns } from '../../../src/clients/stackit/services/dns/index.js'
import { iaas } from '../../../src/clients/stackit/services/iaas/index.js'
import { postgresFlex } from '../../../src/clients/stackit/services/postgres-flex/index.js'
import { resourceManager } from '../../../src/clients/stackit/services/resource-manager/index.js'
import { httpError, PollTimeoutError, type CloudError, type OperationRef } from '../../../src/errors.js'
import type { OperationEvent } from '../../../src/streams/events.js'
import type { WatchOptions } from '../../../src/streams/operation.js'
import { fakeTransport } from '../../../src/testing/fake-transport.js'
import { marbles } from '../../../src/testing/marbles.js'
import type { Reply } from './waiter-fake.js'
import { play, type Outcome } from './waiter-play.js'

const server = { serverId: 's1' }
const creating = { id: 's1', status: 'CREATING' }
const active = { id: 's1', status: 'ACTIVE' }

function named<M>(methods: Readonly<Record<string, M>>, name: string): M {
  const method = methods[name]
  if (method === undefined) throw new Error(`there is no ${name}`)
  return method
}

function watchServer(replies: readonly Reply[], options?: WatchOptions): Outcome {
  return play(iaas, { getServer: replies }, ({ watch }) => named(watch, 'createServer')(server, options))
}

// Stackit dossier 13, the rows on waiting. Ours: the next poll follows an interval after the end of the one before, and a last
// one is made within the budget.
describe('a wait', () => {
  it('makes as many calls as it takes', () => {
    expect(watchServer([active]).callsAt).toEqual([0])
    expect(watchServer([creating, active]).callsAt).toEqual([0, 5_000])
  })

  it.each([
    // The reference: 3 calls, 2 after a pause of 30 ms, none after one of 200 ms.
    [{}, [0, 40, 80, 100]],
    [{ initialDelay: 30 }, [30, 70, 100]],
    [{ initialDelay: 200 }, [0, 40, 80, 100]],
  ])('with an interval of 40 ms and 100 ms in all polls once more at the end: %j', (options, callsAt) => {
    const outcome = watchServer([creating], { interval: 40, timeout: 100, ...options })
    expect(outcome.error).toBeInstanceOf(PollTimeoutError)
    expect((outcome.error as PollTimeoutError).last).toBe(creating)
    expect(outcome.callsAt).toEqual(callsAt)
  })

  it('refuses an interval of 0 before it asks anything', () => {
    expect(() => watchServer([active], { interval: 0 })).toThrow(TypeError)
  })

  it.each([
    ['502 for ever', [502], 5],
    ['a plain error', [418], 1],
    ['500', [500], 1],
    ['401', [401], 1],
  ])('ends with the error of %s after %i calls', (_what, replies, calls) => {
    const outcome = watchServer(replies)
    expect(outcome.error).toMatchObject({ status: replies[0] })
    expect(outcome.callsAt).toHaveLength(calls)
  })

  it('counts what fails in a row only', () => {
    expect(watchServer([502, 502, active]).callsAt).toHaveLength(3)
    const outcome = watchServer([502, 502, 502, 502, creating, 502, 502, 502, 502, active])
    expect(outcome.kinds.at(-1)).toBe('done')
    expect(watchServer([502], { maxConsecutiveErrors: 1 }).callsAt).toHaveLength(1)
  })

  it('fails with the resource and what was seen of it', () => {
    const { error, states } = watchServer([
      creating,
      { ...creating, status: 'ERROR', errorMessage: 'no host' },
    ])
    expect(states).toEqual(['CREATING', 'ERROR'])
    expect(error).toMatchObject({
      code: 'SKY_OPERATION_FAILED',
      state: 'ERROR',
      message: 'stackit.iaas.createServer: the state is ERROR: no host',
      snapshot: { errorMessage: 'no host' },
      history: [{ state: 'CREATING' }, { state: 'ERROR' }],
    })
  })

  it('takes a state that nobody knows for a step on the way', () => {
    expect(watchServer([{ status: 'DREAMING' }, {}, active]).states).toEqual([
      'DREAMING',
      'unknown',
      'ACTIVE',
    ])
  })

  it('does not take a token that is refused, or not found, for an answer', () => {
    const refusedWith = (status: number): CloudError =>
      httpError({
        cloud: 'stackit',
        operation: 'stackit.token',
        status,
        method: 'POST',
        url: 'https://x/token',
      })
    const refused = refusedWith(403)
    const { error, kinds } = play(iaas, { getServer: [{ status: 'DELETING' }, refused] }, ({ watch }) =>
      named(watch, 'deleteServer')(server),
    )
    expect(error).toBe(refused)
    expect(kinds).not.toContain('done')
    const unknown = refusedWith(404)
    const attached = play(iaas, { getAttachedVolume: [404, unknown] }, ({ watch }) =>
      named(watch, 'addVolumeToServer')({ serverId: 's1', volumeId: 'v1' }),
    )
    expect(attached.error).toBe(unknown)
  })
})

describe('a ref', () => {
  const refOf = ({ events }: Outcome): OperationRef => {
    const ref = events[0]?.ref
    if (ref === undefined) throw new Error('no ref was told')
    return ref
  }

  it('is plain data with all that is needed, also what the configuration gave', () => {
    const ref = refOf(watchServer([active]))
    expect(JSON.parse(JSON.stringify(ref))).toEqual({
      cloud: 'stackit',
      operation: 'stackit.iaas.createServer',
      args: { projectId: 'p1', region: 'eu01', serverId: 's1' },
      since: '1970-01-01T00:00:00.000Z',
    })
  })

  it('leads back to the wait', () => {
    const ref = refOf(watchServer([active]))
    const again = play(iaas, { getServer: [creating, active] }, ({ watch }) =>
      named(watch, 'createServer')(ref),
    )
    expect(again.calls.made[0]?.args).toEqual(ref.args)
    expect(refOf(again)).toBe(ref)
    expect(again.result).toBe(active)
  })

  it('of something else is refused at once', () => {
    const ref = refOf(watchServer([active]))
    const attach =
      (target: object): (() => unknown) =>
      () =>
        play(iaas, {}, ({ watch }) => named(watch, 'deleteServer')(target as OperationRef))
    expect(attach(ref)).toThrow(
      'ref: expected one of stackit.iaas.deleteServer, not of stackit.iaas.createServer',
    )
    expect(attach({ ...ref, cloud: 'synnefo', operation: 'stackit.iaas.deleteServer' })).toThrow(TypeError)
  })

  it('shortens the pause by the time that has passed', () => {
    const project = { lifecycleState: 'ACTIVE' }
    const polledAt = (waited: number): number | undefined => {
      const { callsAt } = play(resourceManager, { getProject: [project] }, ({ watch }) =>
        timer(waited).pipe(
          concatMap(() =>
            named(
              watch,
              'createProject',
            )({
              cloud: 'stackit',
              operation: 'stackit.resource-manager.createProject',
              args: { id: 'p' },
              since: '1970-01-01T00:00:00Z',
            }),
          ),
        ),
      )
      return callsAt[0]
    }
    expect(polledAt(0)).toBe(60_000)
    expect(polledAt(20_000)).toBe(60_000)
    expect(polledAt(90_000)).toBe(90_000)
  })

  it('cannot be made without its arguments', () => {
    const bare = (): unknown => play(iaas, {}, ({ watch }) => named(watch, 'createServer')({}))
    expect(bare).toThrow(new TypeError('args.serverId: is missing'))
  })
})

describe('a run', () => {
  it('submits, then watches what the answer names', () => {
    const { kinds, calls, result } = play(
      iaas,
      { createServer: [creating], getServer: [creating, active] },
      ({ run }) => named(run, 'createServer')({ body: { name: 'web' } }),
    )
    expect(kinds).toEqual(['submitted', 'progress', 'progress', 'done'])
    expect(calls.made.map(({ name, args }) => [name, args['serverId']])).toEqual([
      ['createServer', undefined],
      ['getServer', 's1'],
      ['getServer', 's1'],
    ])
    expect(result).toBe(active)
  })

  it('watches nothing if the submission fails', () => {
    const { error, kinds, calls } = play(iaas, { createServer: [409] }, ({ run }) =>
      named(run, 'createServer')({}),
    )
    expect(error).toMatchObject({ status: 409 })
    expect(kinds).toEqual([])
    expect(calls.made).toHaveLength(1)
  })

  it('watches the request that a header names', () => {
    const settled = { requestId: 'r7', requestAction: 'UPDATE', status: 'UPDATED' }
    const attach = (headers: Readonly<Record<string, string>>): Outcome =>
      play(
        iaas,
        { addNicToServer: [{}], getProjectRequest: [settled] },
        ({ run }) => named(run, 'addNicToServer')({ serverId: 's1', nicId: 'n1' }),
        { headers },
      )
    expect(attach({ 'x-request-id': 'r7' }).result).toBe(settled)
    const silent = attach({})
    expect(silent.error).toMatchObject({
      code: 'SKY_RESPONSE_FORMAT',
      issues: ['header.x-request-id: is missing'],
    })
    expect(silent.calls.made).toHaveLength(1)
  })

  it('keeps what only the submission told, out of sight', () => {
    const { events, result } = play(
      postgresFlex,
      {
        createUser: [{ id: 7, name: 'ann', password: 'pa55word', state: 'PROGRESSING' }],
        getUser: [{ id: 7, name: 'ann', state: 'PROCESSED' }],
      },
      ({ run }) => named(run, 'createUser')({ instanceId: 'i1', body: { name: 'ann', roles: [] } }),
    )
    expect(result).toMatchObject({ id: 7, state: 'PROCESSED' })
    expect((result as { readonly password?: string }).password).toBe('pa55word')
    expect(inspect(events, { depth: 9 }) + JSON.stringify(events)).not.toContain('pa55word')
  })

  it('refuses wrong options before anything is submitted', () => {
    const wrong = (): unknown => play(iaas, {}, ({ run }) => named(run, 'createServer')({}, { timeout: -1 }))
    expect(wrong).toThrow('timeout')
  })
})

describe('on a client', () => {
  const projectId = '11111111-1111-4111-8111-111111111111'
  const zoneId = '22222222-2222-4222-8222-222222222222'
  const path = `/v1/projects/${projectId}/zones`

  it(
    'a zone is made and waited for, in types that fit',
    marbles(({ cold, expectObservable, runtime }) => {
      const zone = { id: zoneId, state: 'CREATING' }
      const made = { ...zone, state: 'CREATE_SUCCEEDED' }
      const transport = fakeTransport({
        [`POST ${path}`]: cold('--(a|)', { a: { status: 202, json: { zone } } }),
        [`GET ${path}/${zoneId}`]: [
          cold('-(a|)', { a: { json: { zone } } }),
          { status: 502 },
          cold('-(a|)', { a: { json: { zone: made } } }),
        ],
      })
      const cloud = createStackit({ services: { dns }, projectId, transport, runtime, anonymous: true })
      const events = cloud.dns.run.createZone({ body: { name: 'z', dnsName: 'example.org' } })
      const ref = {
        cloud: 'stackit',
        operation: 'stackit.dns.createZone',
        args: { projectId, zoneId },
        since: '1970-01-01T00:00:00.002Z',
      }
      const told = (event: OperationEvent<unknown>): unknown =>
        event.kind === 'progress'
          ? [event.kind, event.state]
          : event.kind === 'submitted'
            ? event
            : event.kind
      expectObservable(events.pipe(map(told))).toBe('--sp 4999ms r 4999ms -(qd|)', {
        s: { kind: 'submitted', ref },
        p: ['progress', 'CREATING'],
        r: 'retrying',
        q: ['progress', 'CREATE_SUCCEEDED'],
        d: 'done',
      })
    }),
  )

  it(
    'unsubscribing closes the poll under way, and nothing is left',
    marbles(({ cold, expectObservable, expectSubscriptions, runtime }) => {
      const poll = cold('--------(a|)', { a: { json: { zone: { state: 'CREATING' } } } })
      const transport = fakeTransport({ [`GET ${path}/${zoneId}`]: poll })
      const cloud = createStackit({ services: { dns }, projectId, transport, runtime, anonymous: true })
      const events = cloud.dns.watch.createZone({ zoneId })
      expectObservable(events, '---!').toBe('----')
      expectSubscriptions(poll.subscriptions).toBe('^--!')
    }),
  )

  it('what is wrong with the arguments throws at once', () => {
    const cloud = createStackit({
      services: { dns },
      projectId,
      transport: fakeTransport({}),
      anonymous: true,
    })
    expect(() => cloud.dns.watch.createZone({ zoneId: '' })).toThrow('zoneId')
    expect(() => cloud.dns.run.createZone({ body: {} as never })).toThrow('args.body')
  })
})
