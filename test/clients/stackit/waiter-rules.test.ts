import { describe, expect, it } from 'vitest'
import { edge } from '../../../src/clients/stackit/services/edge/index.js'
import { iaas } from '../../../src/clients/stackit/services/iaas/index.js'
import { loadBalancer } from '../../../src/clients/stackit/services/load-balancer/index.js'
import { mongodbFlex } from '../../../src/clients/stackit/services/mongodb-flex/index.js'
import { observability } from '../../../src/clients/stackit/services/observability/index.js'
import { scf } from '../../../src/clients/stackit/services/scf/index.js'
import type { ServiceDefinition } from '../../../src/clients/stackit/service-definition.js'
import { ske } from '../../../src/clients/stackit/services/ske/index.js'
import { valkey } from '../../../src/clients/stackit/services/valkey/index.js'
import { OperationFailedError, PollTimeoutError } from '../../../src/errors.js'
import { allWaiters } from './waiter-definitions.js'
import type { FakeCallsOptions, Reply, Script } from './waiter-fake.js'
import { play, type Outcome } from './waiter-play.js'
import { targetOf } from './waiter-scripts.js'

// What the notes of the table of waiters say (stackit dossier 7.2).

/** Watches by a waiter whose poll is answered so. */
function watch(
  definition: ServiceDefinition,
  name: string,
  replies: readonly Reply[],
  { others = {}, ...more }: Omit<FakeCallsOptions, 'runtime'> & { readonly others?: Script } = {},
): Outcome {
  const row = definition.waiters?.[name]
  const waiter = row === undefined ? undefined : { row, target: targetOf(definition, row) }
  return play(
    definition,
    { [waiter?.row.poll ?? '']: replies, ...others },
    (waiters) => {
      const attach = waiters.watch[name]
      if (attach === undefined) throw new Error(`${definition.service} has no waiter ${name}`)
      return attach(waiter?.target)
    },
    more,
  )
}

const failure = (outcome: Outcome): string => {
  expect(outcome.error).toBeInstanceOf(OperationFailedError)
  return outcome.error?.message ?? ''
}

describe('a server that is resized', () => {
  const inState = (status: string, more = {}): object => ({ status, ...more })

  it('is done when it is active after it was seen resizing, and not before', () => {
    const replies = ['ACTIVE', 'ACTIVE', 'RESIZING', 'ACTIVE'].map((status) => inState(status))
    const { states, kinds } = watch(iaas, 'resizeServer', replies)
    expect(states).toEqual(['ACTIVE', 'RESIZING', 'ACTIVE'])
    expect(kinds.at(-1)).toBe('done')
  })

  it('has failed in ERROR at any time, in the words of the server', () => {
    const outcome = watch(iaas, 'resizeServer', [inState('ERROR', { errorMessage: 'no host has room' })])
    expect(failure(outcome)).toBe('stackit.iaas.resizeServer: the state is ERROR: no host has room')
  })

  it('is waited for in vain if it never is', () => {
    const { error, endedAt } = watch(iaas, 'resizeServer', [inState('ACTIVE')])
    expect(error).toBeInstanceOf(PollTimeoutError)
    expect(endedAt).toBe(20 * 60_000)
  })
})

describe('a request of IaaS', () => {
  const request = (requestAction: string, status: string, requestId = 'requestId-1'): object => ({
    requestId,
    requestAction,
    status,
    details: 'of a volume',
  })

  it.each([
    ['CREATE', 'CREATED'],
    ['UPDATE', 'UPDATED'],
    ['DELETE', 'DELETED'],
  ])('to %s is done when %s', (action, end) => {
    const { result, callsAt } = watch(iaas, 'projectRequest', [
      request(action, 'CREATING'),
      request(action, end),
    ])
    expect(result).toMatchObject({ status: end })
    expect(callsAt).toEqual([0, 5_000])
  })

  it('is not done by the end of another action', () => {
    const replies = [request('UPDATE', 'CREATED'), request('UPDATE', 'UPDATED')]
    expect(watch(iaas, 'projectRequest', replies).callsAt).toHaveLength(2)
  })

  it('fails by its status, by an action that nobody knows, and as the answer to another question', () => {
    expect(failure(watch(iaas, 'projectRequest', [request('CREATE', 'FAILED')]))).toContain(
      'FAILED: of a volume',
    )
    expect(failure(watch(iaas, 'projectRequest', [request('DANCE', 'CREATED')]))).toContain('DANCE')
    expect(failure(watch(iaas, 'projectRequest', [request('CREATE', 'CREATED', 'other')]))).toContain('other')
  })
})

describe('a network area that is to be deleted', () => {
  const two = { items: ['a1', 'b2'] }
  const none = { items: [] }
  const asProjects = (status: number): NonNullable<FakeCallsOptions['routes']> => ({
    'GET /v2/projects/*': { status, json: { lifecycleState: 'ACTIVE' } },
  })

  it('is ready when it has no projects', () => {
    const { kinds, states } = watch(iaas, 'readyForNetworkAreaDeletion', [none])
    expect(states).toEqual(['empty'])
    expect(kinds).toEqual(['progress', 'done'])
  })

  it('never is while a project answers', () => {
    const outcome = watch(iaas, 'readyForNetworkAreaDeletion', [two], { routes: asProjects(200) })
    expect(failure(outcome)).toContain('active projects')
    expect(outcome.callsAt).toEqual([0])
  })

  it.each([403, 404, 401, 409, 500, 502])('is waited for while its projects answer %i', (status) => {
    const outcome = watch(iaas, 'readyForNetworkAreaDeletion', [two, two, none], {
      routes: asProjects(status),
    })
    expect(outcome.error).toBeUndefined()
    expect(outcome.states).toEqual(['occupied', 'empty'])
    expect(outcome.callsAt).toEqual([0, 5_000, 10_000])
  })

  it('never is by one project that answers among others that do not', () => {
    const routes = { 'GET /v2/projects/a1': { status: 500 }, 'GET /v2/projects/b2': { json: {} } }
    expect(failure(watch(iaas, 'readyForNetworkAreaDeletion', [two], { routes }))).toContain(
      'active projects',
    )
  })
})

describe('a load balancer that is created', () => {
  it('fails by what it reports as errors, whatever its state', () => {
    const errors = [{ type: 'TYPE_QUOTA', description: 'too many groups' }, { type: 'TYPE_INTERNAL' }]
    const outcome = watch(loadBalancer, 'createLoadBalancer', [{ status: 'STATUS_PENDING', errors }])
    expect(failure(outcome)).toContain('too many groups; TYPE_INTERNAL')
  })

  it('does not fail by an empty list of errors', () => {
    const replies = ['STATUS_PENDING', 'STATUS_READY'].map((status) => ({ status, errors: [] }))
    expect(watch(loadBalancer, 'createLoadBalancer', replies).kinds.at(-1)).toBe('done')
  })
})

describe('a cluster', () => {
  const cluster = (aggregated: string, error?: object): object => ({
    name: 'c',
    status: { aggregated, error },
  })
  const missing = { code: 'SKE_OBSERVABILITY_INSTANCE_NOT_FOUND', message: 'no such instance' }

  it('may be unhealthy on its way', () => {
    const replies = ['STATE_CREATING', 'STATE_UNHEALTHY', 'STATE_HEALTHY'].map((state) => cluster(state))
    expect(watch(ske, 'createCluster', replies).states).toHaveLength(3)
  })

  it('is done when it is unhealthy only for want of its observability', () => {
    const others = { code: 'SKE_INFRA_ERROR', message: 'broken' }
    const replies = [
      cluster('STATE_UNHEALTHY', others),
      cluster('STATE_UNHEALTHY', { code: missing.code }),
      cluster('STATE_UNHEALTHY', missing),
    ]
    const { callsAt, kinds } = watch(ske, 'createCluster', replies)
    expect(callsAt).toHaveLength(3)
    expect(kinds.at(-1)).toBe('done')
  })

  it('has left a state as soon as it is in another one', () => {
    const replies = [{ name: 'c' }, cluster('STATE_HIBERNATING'), cluster('STATE_HIBERNATED')]
    expect(watch(ske, 'triggerClusterHibernation', replies).states).toEqual([
      'unknown',
      'STATE_HIBERNATING',
      'STATE_HIBERNATED',
    ])
  })

  it('is gone when no item of the list has its name', () => {
    const listed = { items: [{ name: 'other' }, { name: 'clusterName-1' }] }
    const { calls, result, states } = watch(ske, 'deleteCluster', [listed, { items: [{ name: 'other' }] }])
    expect(states).toEqual(['present', 'absent'])
    expect(result).toBeUndefined()
    expect(calls.made[0]?.args).toEqual({ projectId: 'p1', region: 'eu01' })
  })
})

describe('a backup that is restored', () => {
  const job = (date: string, status: string, backupID = 'backupId-1'): object => ({ date, status, backupID })

  it('is judged by the newest job for it', () => {
    const items = [
      job('2026-01-02T00:00:00Z', 'FINISHED'),
      job('2026-01-04T00:00:00Z', 'BROKEN', 'another'),
      job('2026-01-03T00:00:00Z', 'RUNNING'),
    ]
    const finished = { items: [...items, job('2026-01-05T00:00:00Z', 'FINISHED')] }
    const { result, callsAt, states } = watch(mongodbFlex, 'restoreInstance', [{ items }, finished])
    expect(states).toEqual(['RUNNING', 'FINISHED'])
    expect(result).toBe(finished.items.at(-1))
    expect(callsAt).toEqual([5_000, 10_000])
  })

  it('waits for a job, and fails where there are none at all', () => {
    const other = { items: [job('2026-01-01T00:00:00Z', 'FINISHED', 'another')] }
    const mine = { items: [job('2026-01-01T00:00:00Z', 'KILLED')] }
    expect(failure(watch(mongodbFlex, 'restoreInstance', [other, mine]))).toContain('KILLED')
    expect(failure(watch(mongodbFlex, 'restoreInstance', [{ items: [] }]))).toContain('no restore jobs')
  })
})

const postgresFlex2 = (await allWaiters())
  .map(({ definition }) => definition)
  .find(({ service, version }) => service === 'postgres-flex' && version === 'v2')
if (postgresFlex2 === undefined) throw new Error('there is no postgres-flex v2')

describe('an instance of postgres-flex v2', () => {
  const inState = (status: string): object => ({ item: { status } })

  it('is created when its users can be listed', () => {
    const others = { listUsers: [503, 500, { items: [] }] }
    const { callsAt, calls, kinds } = watch(
      postgresFlex2,
      'createInstance',
      [inState(''), inState('Progressing'), inState('Ready')],
      { others },
    )
    expect(kinds.at(-1)).toBe('done')
    expect(calls.made.map(({ name }) => name).slice(-3)).toEqual(['listUsers', 'getInstance', 'listUsers'])
    expect(callsAt[0]).toBe(15_000)
  })

  it('fails in a state that nobody expects, and when its users are refused', () => {
    expect(failure(watch(postgresFlex2, 'createInstance', [inState('Sleeping')]))).toContain('Sleeping')
    const refused = watch(postgresFlex2, 'createInstance', [inState('Ready')], {
      others: { listUsers: [404] },
    })
    expect(refused.error).toMatchObject({ status: 404 })
  })

  it('is deleted when it says so: while it is ready it is waited for, and a 404 is an error', () => {
    expect(watch(postgresFlex2, 'deleteInstance', [inState('Ready'), inState('Deleted')]).kinds.at(-1)).toBe(
      'done',
    )
    expect(failure(watch(postgresFlex2, 'deleteInstance', [inState('Progressing')]))).toContain('Progressing')
    expect(watch(postgresFlex2, 'deleteInstance', [404]).error).toMatchObject({ status: 404 })
  })
})

describe('a credential of an instance of the edge cloud', () => {
  const usable = { status: 'reconciling' }

  it('comes some time after its instance can be used', () => {
    const others = { getTokenByInstanceId: [404, 404, { token: 'x' }] }
    const { result, callsAt } = watch(edge, 'token', [usable], { others })
    expect(result).toEqual({ token: 'x' })
    expect(callsAt).toEqual([0, 0, 5_000, 5_000, 10_000, 10_000])
  })

  it('never comes from an instance in another state, or from one that is not there', () => {
    const others = { getTokenByInstanceId: [{ token: 'x' }] }
    const outcome = watch(edge, 'token', [{ status: 'deleting' }], { others })
    expect(failure(outcome)).toContain('deleting')
    expect(outcome.calls.made).toHaveLength(1)
    expect(watch(edge, 'token', [404], { others }).error).toMatchObject({ status: 404 })
  })
})

describe('what must be the one asked for', () => {
  it('is waited for where it comes into being', () => {
    const replies = [404, { id: 'another' }, { id: 'credentialsId-1' }]
    const { callsAt, states } = watch(valkey, 'createCredentials', replies)
    expect(callsAt).toEqual([0, 5_000, 10_000])
    // There is nothing to show of what is not there.
    expect(states).toEqual(['present'])
  })

  it('is a failure where it is there already', () => {
    const replies = [{ id: 'another', status: 'CREATE_SUCCEEDED' }]
    expect(failure(watch(observability, 'createInstance', replies))).toContain('another')
  })
})

it('an organization has failed to be deleted in every spelling', () => {
  for (const status of ['deleting_failed', 'delete_failed', 'delete_failed_again']) {
    expect(failure(watch(scf, 'deleteOrganization', [{ status }]))).toContain(status)
  }
  expect(watch(scf, 'deleteOrganization', [{ status: 'deleting' }, 404]).kinds.at(-1)).toBe('done')
})

it('a broker tells what it is doing in its own words', () => {
  const doing = {
    status: 'deleting',
    lastOperation: { type: 'delete', state: 'in progress', description: 'stopping' },
  }
  const { events } = watch(valkey, 'deleteInstance', [doing, 410])
  expect(events[0]).toMatchObject({ kind: 'progress', state: 'deleting', message: 'stopping' })
})

it('an image tells how far its import is, and never less than before', () => {
  const replies = [
    { status: 'CREATING' },
    { status: 'CREATING', importProgress: 40 },
    { status: 'CREATING', importProgress: 30 },
    { status: 'AVAILABLE', importProgress: 100 },
  ]
  const { events } = watch(iaas, 'uploadImage', replies)
  const percents = events.flatMap((event) => (event.kind === 'progress' ? [event.percent] : []))
  expect(percents).toEqual([undefined, 40, 100])
})
