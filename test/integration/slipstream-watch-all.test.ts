import { filter, firstValueFrom, lastValueFrom, scan, Subscription, take, tap, type Observable } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import type { DeploymentItem } from '../../src/clients/slipstream/index.js'
import { AuthenticationError, isHttpError } from '../../src/errors.js'
import type { CollectionEvent } from '../../src/streams/events.js'
import { errorOf, listOf, slipstreamSite } from './slipstream-site.js'

const site = slipstreamSite()
const lists = { method: 'GET', path: '/run' }
const quick = { interval: 5 } as const

const over = ['Done', 'Cancelled', 'Aborted']
afterEach(() => {
  const { runs } = site.slipstream
  for (const id of runs.ids()) if (!over.includes(runs.get(id)?.state ?? '')) runs.setState(id, 'Done')
})

const kindsOf = (events: readonly CollectionEvent<DeploymentItem>[]): string[] =>
  events.map((event) => ('item' in event ? `${event.kind} ${event.item.state}` : event.kind))
/** Until so many events of items were told. */
const upTo = (
  events: Observable<CollectionEvent<DeploymentItem>>,
  count: number,
): Promise<readonly CollectionEvent<DeploymentItem>[]> =>
  lastValueFrom(
    events.pipe(
      scan((seen: readonly CollectionEvent<DeploymentItem>[], event) => [...seen, event], []),
      filter((seen) => seen.length === count),
      take(1),
    ),
  )

describe('watching all deployments', () => {
  it('costs one request for each poll, however many deployments and watchers there are', async () => {
    const ids = site.slipstream.runs.create({ owner: 'jane', count: 200, state: 'Executing' })
    const { deployments } = site.clientOf()
    const sent = site.requestsFromNow()
    const polls = (): number => sent().filter(({ search }) => search.includes('limit=500')).length
    const watchers = new Subscription()
    const snapshots: number[] = []
    const changed: string[] = []
    // Half of them watch all, the others ten each.
    for (let count = 0; count < 20; count += 1) {
      const some = count % 2 === 0 ? {} : { ids: ids.slice(count, count + 10) }
      watchers.add(
        deployments.watchAll({ interval: 60_000, ...some }).subscribe({
          next: (event) => {
            if (event.kind === 'snapshot') snapshots.push(event.items.length)
            if (event.kind === 'changed') changed.push(event.item.uuid)
          },
          error: (error: unknown) => {
            throw error
          },
        }),
      )
    }
    const before = deployments.list({ limit: 1 })
    while (snapshots.length < 20) await listOf(before)
    expect(snapshots.toSorted((one, other) => one - other)).toEqual([
      ...Array.from({ length: 10 }, () => 10),
      ...Array.from({ length: 10 }, () => 200),
    ])
    expect(polls()).toBe(1)

    // One more who wants to know sooner: all others know it then as well.
    const eleventh = ids[11] ?? ''
    const soon = deployments.watchAll({ ...quick, ids: [eleventh] }).pipe(
      tap((event) => {
        if (event.kind === 'snapshot') site.slipstream.runs.setState(eleventh, 'SendingReports')
      }),
      filter((event) => event.kind === 'changed'),
    )
    expect(await firstValueFrom(soon)).toMatchObject({ item: { uuid: eleventh, state: 'SendingReports' } })
    // Ten who watch all, and those who watch it among their ten: from 3, 5, 7, 9 and 11 on.
    expect(changed).toEqual(Array.from({ length: 15 }, () => eleventh))
    watchers.unsubscribe()
    expect(sent().filter(({ path }) => path.startsWith('/run/'))).toEqual([])
    const after = polls()
    for (let count = 0; count < 5; count += 1) await listOf(before)
    expect(polls()).toBe(after)
  })

  it('tells what comes, changes and ends, with its last state', async () => {
    const { deployments } = site.clientOf()
    const { runs } = site.slipstream
    const [first = ''] = runs.create({ owner: 'jane', state: 'Executing' })
    let second = ''
    const watching = deployments.watchAll(quick).pipe(
      tap((event) => {
        if (event.kind === 'snapshot') runs.setState(first, 'Ready')
        if (event.kind === 'changed' && event.item.state === 'Ready') {
          runs.abort(first, 'Too bad')
        }
        if (event.kind === 'changed' && event.item.abort !== '') {
          second = runs.create({ owner: 'jane', state: 'Provisioning' })[0] ?? ''
        }
        if (event.kind === 'added') runs.setState(second, 'Cancelled')
      }),
    )
    const events = await upTo(watching, 6)
    expect(kindsOf(events)).toEqual([
      'snapshot',
      'changed Ready',
      'changed Ready',
      'added Provisioning',
      'changed Cancelled',
      'removed Cancelled',
    ])
    expect(events[2]).toMatchObject({ item: { uuid: first, abort: 'Too bad' } })
    expect(events[5]).toMatchObject({ item: { uuid: second, state: 'Cancelled' } })
  })

  it('finds those of its ids that are over, and leaves out what there is not and what is of others', async () => {
    const { runs } = site.slipstream
    const [over = ''] = runs.create({ owner: 'jane', state: 'Done' })
    const [bobs = ''] = runs.create({ owner: 'bob' })
    const { deployments } = site.clientOf()
    const ids = [over, bobs, '00000000-0000-4000-8000-000000000000']
    const sent = site.requestsFromNow({ path: '/run/*' })
    const event = await firstValueFrom(deployments.watchAll({ ...quick, ids }))
    expect(event).toMatchObject({ kind: 'snapshot', items: [{ uuid: over, state: 'Done' }] })
    expect(sent()).toHaveLength(3)
  })

  it('goes on through failing polls, and fails when nobody can mend it', async () => {
    const { deployments } = site.clientOf()
    const [id = ''] = site.slipstream.runs.create({ owner: 'jane' })
    site.cloud.faults.add({ ...lists, skip: 1, times: 2, fault: { kind: 'status', status: 503 } })
    const watching = deployments.watchAll(quick).pipe(
      tap((event) => {
        if (event.kind === 'retrying' && event.attempt === 2) site.slipstream.runs.setState(id, 'Done')
      }),
    )
    expect(kindsOf(await upTo(watching, 5))).toEqual([
      'snapshot',
      'retrying',
      'retrying',
      'changed Done',
      'removed Done',
    ])
    const wrong = site.clientOf({ username: 'jane', password: 'wrong' })
    expect(await errorOf(wrong.deployments.watchAll(quick))).toBeInstanceOf(AuthenticationError)
    site.cloud.faults.add({ ...lists, fault: { kind: 'status', status: 400 } })
    expect(isHttpError(await errorOf(deployments.watchAll(quick)), 400)).toBe(true)
  })
})
