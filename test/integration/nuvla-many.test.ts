import { firstValueFrom, forkJoin, lastValueFrom, take, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { NuvlaDeploymentItem } from '../../src/clients/slipstream/index.js'
import {
  clientOf,
  errorOf,
  itemsOf,
  nuvlaOf,
  outcomeOf,
  sentTo,
  STEP_MS,
  stepping,
  type NuvlaSite,
} from './nuvla-site.js'

const SEARCH = 'PUT /api/deployment'

/** Deployments that nothing works on: only the test moves them. */
function put({ nuvla }: NuvlaSite, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const id = `deployment/${String(index).padStart(4, '0')}`
    nuvla.documents.put('deployment', { id, state: 'STARTING', name: `web ${String(index)}` })
    return id
  })
}
function move({ nuvla }: NuvlaSite, id: string, state: string): void {
  nuvla.documents.put('deployment', { ...nuvla.documents.get(id), state })
}
const isStarted = ({ state }: NuvlaDeploymentItem): boolean => state === 'STARTED'

describe('watchAll', () => {
  it('300 deployments and 50 watchers cost one search for each poll', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const ids = put(cloud, 300)
    const waves = [ids.slice(0, 100), ids.slice(100, 200), ids.slice(200)]
    let pauses = 0
    const interval = (): number => {
      pauses += 1
      for (const id of waves.shift() ?? []) move(cloud, id, 'STARTED')
      return 1
    }
    const until = (items: readonly NuvlaDeploymentItem[]): boolean => items.every(isStarted)
    const watchers = Array.from({ length: 50 }, (_, index) => {
      // Half of them watch all, the others six each.
      const own = index % 2 === 0 ? {} : { ids: ids.slice(3 * index, 3 * index + 6) }
      const pace = index === 0 ? { interval } : { interval: 1_000 }
      return client.deployments.watchAll({ ...own, ...pace, until }).pipe(toArray())
    })
    const told = await lastValueFrom(forkJoin(watchers))
    expect(told.map(([first]) => first?.kind)).toEqual(Array.from({ length: 50 }, () => 'snapshot'))
    const changes = told.map((events) => events.slice(1).filter(({ kind }) => kind === 'changed').length)
    expect(changes).toEqual(Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? 300 : 6)))
    expect(pauses).toBe(3)
    expect(sentTo(cloud)).toEqual([SEARCH, SEARCH, SEARCH, SEARCH])
  })

  it('a thousand are two pages, and none of them comes twice', async () => {
    const cloud = await nuvlaOf()
    const ids = put(cloud, 1_000)
    const [snapshot] = await itemsOf(clientOf(cloud).deployments.watchAll().pipe(take(1)))
    const items = snapshot?.kind === 'snapshot' ? snapshot.items : []
    expect(items.map(({ id }) => id).sort()).toEqual(ids)
    expect(sentTo(cloud)).toEqual([SEARCH, SEARCH])
  })

  it('tells what is changed, removed and added, and not of the module', async () => {
    const cloud = await nuvlaOf()
    const [kept = '', gone = ''] = put(cloud, 2)
    const module = { href: cloud.nuvla.modules.component, content: { urls: [] } }
    const steps = [
      () => {
        move(cloud, kept, 'STARTED')
      },
      () => {
        cloud.nuvla.documents.remove(gone)
      },
      () => {
        cloud.nuvla.documents.put('deployment', { id: 'deployment/new', state: 'CREATED', module })
      },
    ]
    const interval = (): number => {
      steps.shift()?.()
      return 1
    }
    const events = await itemsOf(clientOf(cloud).deployments.watchAll({ interval }).pipe(take(4)))
    expect(events).toMatchObject([
      { kind: 'snapshot', items: [{ id: kept }, { id: gone }] },
      { kind: 'changed', item: { id: kept, state: 'STARTED' } },
      { kind: 'removed', item: { id: gone } },
      { kind: 'added', item: { id: 'deployment/new', state: 'CREATED' } },
    ])
    expect(events[3]).not.toHaveProperty('item.module')
  })

  it('leaves out an id that does not exist or is not to be seen', async () => {
    const cloud = await nuvlaOf()
    const [id = ''] = put(cloud, 1)
    const acl = { owners: [cloud.nuvla.unsubscribedUser.id] }
    cloud.nuvla.documents.put('deployment', { id: 'deployment/hers', state: 'STARTED', acl })
    const ids = [id, 'deployment/hers', 'none']
    const [snapshot] = await itemsOf(clientOf(cloud).deployments.watchAll({ ids }).pipe(take(1)))
    expect(snapshot).toMatchObject({ kind: 'snapshot', items: [{ id }] })
  })

  it('tells everybody that a poll failed, and goes on', async () => {
    const cloud = await nuvlaOf()
    const { deployments } = clientOf(cloud)
    const [id = ''] = put(cloud, 1)
    await itemsOf(deployments.list())
    cloud.faults.add({
      method: 'PUT',
      path: '/api/deployment',
      times: 2,
      fault: { kind: 'status', status: 503 },
    })
    const watchers = [0, 1].map(() => outcomeOf(deployments.watchAll({ interval: 1 }).pipe(take(3))))
    for (const { events } of await Promise.all(watchers)) {
      expect(events).toMatchObject([
        { kind: 'retrying', attempt: 1, error: { status: 503 } },
        { kind: 'retrying', attempt: 2 },
        { kind: 'snapshot', items: [{ id }] },
      ])
    }
  })

  it('logs in again when the session ends, without a word', async () => {
    const cloud = await nuvlaOf()
    const [id = ''] = put(cloud, 1)
    const interval = (): number => {
      cloud.nuvla.expireSessions()
      move(cloud, id, 'STARTED')
      return 1
    }
    const events = await itemsOf(
      clientOf(cloud).deployments.watchAll({ interval, until: (items) => items.every(isStarted) }),
    )
    expect(events.map(({ kind }) => kind)).toEqual(['snapshot', 'changed'])
  })

  it('ends with its last watcher', async () => {
    const cloud = await nuvlaOf()
    const { deployments, jobs } = clientOf(cloud)
    put(cloud, 1)
    let polls = 0
    const interval = (): number => {
      polls += 1
      return 1
    }
    await lastValueFrom(deployments.watchAll({ interval }).pipe(take(1)))
    // Many times the interval.
    for (let count = 0; count < 20; count++) await itemsOf(jobs.list())
    expect(sentTo(cloud).filter((request) => request === SEARCH)).toHaveLength(1)
    expect(polls).toBeLessThanOrEqual(1)
  })
})

describe('many at once', () => {
  it('a hundred deployments start, each with its own progress, by one login', async () => {
    const cloud = await nuvlaOf()
    const { deployments } = clientOf(cloud)
    const { modules, credential: parent } = cloud.nuvla
    // All of them together move the time.
    const pace = stepping(cloud, STEP_MS / 50)
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        outcomeOf(deployments.deploy(modules.component, { parent, name: `web ${String(index)}`, ...pace })),
      ),
    )
    const names = outcomes.map(({ events }) => {
      const end = events.at(-1)
      return end?.kind === 'done' ? `${end.result.name ?? ''} ${end.result.state}` : end?.kind
    })
    expect(names).toEqual(Array.from({ length: 100 }, (_, index) => `web ${String(index)} STARTED`))
    expect(cloud.requests({ method: 'POST', path: '/api/session' })).toHaveLength(1)
  })

  it('one that fails does not stop the others', async () => {
    const cloud = await nuvlaOf()
    const { deployments } = clientOf(cloud)
    const { modules, credential: parent } = cloud.nuvla
    const made = await Promise.all(
      [0, 1, 2].map(() => firstValueFrom(deployments.create(modules.component, { parent }))),
    )
    cloud.nuvla.failNext('broken')
    const [bad, ...good] = made.map(({ id }) => id)
    const failing = errorOf(deployments.start(bad ?? '', { interval: 1 }))
    const isOpen = ({ status }: { readonly status?: number }): boolean => status === undefined
    while (cloud.requests({ method: 'POST', path: `/api/${bad ?? ''}/start` }).every(isOpen)) {
      await itemsOf(deployments.list({ last: 1 }))
    }
    const ends = await Promise.all(
      good.map((id) => lastValueFrom(deployments.start(id, stepping(cloud, STEP_MS / 10)))),
    )
    expect(ends.map(({ kind }) => kind)).toEqual(['done', 'done'])
    expect((await failing).message).toContain('broken')
  })
})
