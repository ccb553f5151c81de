import fc from 'fast-check'
import { Observable, VirtualTimeScheduler, type Subscription } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { NetworkError } from '../../src/errors.js'
import {
  createCollectionWatch,
  type CollectionEvent,
  type CollectionSource,
} from '../../src/streams/collection.js'

interface Item {
  readonly id: string
  readonly version: number
  readonly final: boolean
}

/** The cloud: what it lists, and what it has beside that. */
interface Cloud {
  readonly listed: Map<string, Item>
  readonly others: Map<string, Item>
  versions: number
}

/** There from the start; over when they finish or vanish. */
const MORTALS = ['a', 'b', 'c', 'd']
/** Come and go. */
const GUESTS = ['e', 'f']
const IDS = [...MORTALS, ...GUESTS]
const END = 3_000
const INTERVAL = 50

const change = fc.record({
  at: fc.integer({ min: 0, max: END }),
  id: fc.constantFrom(...IDS),
  kind: fc.constantFrom('put' as const, 'finish' as const, 'vanish' as const),
})
const watcher = fc
  .record({
    from: fc.integer({ min: 0, max: END }),
    lasts: fc.integer({ min: 0, max: END }),
    ids: fc.option(fc.uniqueArray(fc.constantFrom(...IDS, 'never'), { maxLength: 4 }), { nil: undefined }),
  })
  .map(({ from, lasts, ids }) => ({ from, to: from + lasts, ids }))
const schedule = fc.record({
  changes: fc.array(change, { maxLength: 40 }),
  watchers: fc.array(watcher, { minLength: 1, maxLength: 8 }),
  /** What the polls do, one after the other: how long they take, whether they fail, and an item that slips through. */
  polls: fc.array(
    fc.record({
      takesMs: fc.integer({ min: 0, max: 120 }),
      fails: fc.boolean(),
      slips: fc.option(fc.constantFrom(...IDS), { nil: undefined }),
    }),
    { maxLength: 30 },
  ),
})

/** Makes a change happen. */
function apply(cloud: Cloud, { id, kind }: { id: string; kind: 'put' | 'finish' | 'vanish' }): void {
  const last = cloud.listed.get(id)
  if (last === undefined && MORTALS.includes(id)) return
  cloud.versions += 1
  cloud.listed.delete(id)
  const mortal = MORTALS.includes(id)
  if (kind === 'put' || (kind === 'finish' && !mortal)) {
    cloud.listed.set(id, { id, version: cloud.versions, final: false })
  } else if (kind === 'finish') cloud.others.set(id, { id, version: cloud.versions, final: true })
}

/** Follows the events of one watcher, and tells what is wrong with them. */
function model(ids: readonly string[] | undefined) {
  const items = new Map<string, Item>()
  const wrong: string[] = []
  let snapshots = 0
  return {
    items,
    wrong,
    snapshots: () => snapshots,
    see(event: CollectionEvent<Item>): void {
      if (event.kind === 'retrying') return
      if (event.kind === 'snapshot') {
        snapshots += 1
        for (const item of event.items) items.set(item.id, item)
        return
      }
      const { kind, item } = event
      const known = items.get(item.id)
      if (snapshots !== 1) wrong.push(`${kind} before the snapshot`)
      if (ids !== undefined && !ids.includes(item.id)) wrong.push(`${kind} of another item`)
      if ((kind === 'added') !== (known === undefined))
        wrong.push(`${kind} ${item.id}, ${known === undefined ? 'un' : ''}known`)
      if (kind === 'changed' && known?.version === item.version) wrong.push('changed without a change')
      if (kind === 'removed') items.delete(item.id)
      else items.set(item.id, item)
    },
  }
}

describe('a watched collection, whatever happens', () => {
  it('tells every watcher a story that fits together and ends with what there is', () => {
    fc.assert(
      fc.property(schedule, ({ changes, watchers, polls }) => {
        const scheduler = new VirtualTimeScheduler()
        const born = MORTALS.map((id) => [id, { id, version: 0, final: false }] as const)
        const cloud: Cloud = { listed: new Map(born), others: new Map(), versions: 0 }
        let polled = 0
        let active = 0
        let overlapped = false
        let asked = 0
        const after = <T>(ms: number, act: (emit: (value: T) => void) => Error | undefined): Observable<T> =>
          new Observable<T>((subscriber) => {
            subscriber.add(
              scheduler.schedule(() => {
                const error = act((value) => {
                  subscriber.next(value)
                })
                if (error === undefined) subscriber.complete()
                else subscriber.error(error)
              }, ms),
            )
          })
        const source: CollectionSource<Item> = {
          poll: () => {
            const { takesMs, fails, slips } = polls[polled] ?? { takesMs: 3, fails: false, slips: undefined }
            polled += 1
            return new Observable((subscriber) => {
              active += 1
              overlapped ||= active > 1
              subscriber.add(() => (active -= 1))
              const look = after<Item>(takesMs, (emit) => {
                for (const item of cloud.listed.values()) if (item.id !== slips) emit(item)
                return fails ? new NetworkError('fails', { retryable: true }) : undefined
              })
              subscriber.add(look.subscribe(subscriber))
            })
          },
          missing: (id) => {
            asked += 1
            return after<Item>(2, (emit) => {
              const item = cloud.listed.get(id) ?? cloud.others.get(id)
              if (item !== undefined) emit(item)
              return undefined
            })
          },
          idOf: ({ id }) => id,
          version: ({ version }) => String(version),
          final: ({ final }) => final,
        }
        const watch = createCollectionWatch(source, { scheduler, background: scheduler, random: () => 0.5 })
        for (const each of changes) {
          scheduler.schedule(() => {
            apply(cloud, each)
          }, each.at)
        }
        const errors: unknown[] = []
        const follow = (ids: readonly string[] | undefined) => {
          const seen = model(ids)
          const subscription = watch({
            interval: INTERVAL,
            maxConsecutiveErrors: Infinity,
            ...(ids === undefined ? {} : { ids }),
          }).subscribe({
            next: (event) => {
              seen.see(event)
            },
            error: (error: unknown) => errors.push(error),
          })
          return { ids, seen, subscription }
        }
        const passing: ReturnType<typeof follow>[] = []
        for (const { from, to, ids } of watchers) {
          scheduler.schedule(() => {
            const one = follow(ids)
            passing.push(one)
            const leave: Subscription = scheduler.schedule(() => {
              one.subscription.unsubscribe()
              leave.unsubscribe()
            }, to - from)
          }, from)
        }
        const lasting: ReturnType<typeof follow>[] = []
        scheduler.schedule(() => {
          for (const { ids } of watchers) lasting.push(follow(ids))
        }, END / 2)
        // By then all failing polls are behind us, and everybody has seen at least one good poll since the last change.
        scheduler.schedule(() => {
          for (const { ids, seen, subscription } of lasting) {
            const { listed, others } = cloud
            const expected =
              ids === undefined
                ? [...listed.values()]
                : ids.map((id) => listed.get(id) ?? others.get(id)).filter((item) => item !== undefined)
            const byId = (left: Item, right: Item) => (left.id < right.id ? -1 : 1)
            expect([...seen.items.values()].sort(byId)).toEqual(expected.sort(byId))
            expect(seen.snapshots()).toBe(1)
            subscription.unsubscribe()
          }
          expect(scheduler.actions).toHaveLength(0)
        }, 3 * END)
        scheduler.flush()
        expect(lasting).toHaveLength(watchers.length)
        expect(errors).toEqual([])
        expect([...passing, ...lasting].flatMap(({ seen }) => seen.wrong)).toEqual([])
        expect([overlapped, active]).toEqual([false, 0])
        expect(asked).toBeLessThanOrEqual(polled * (IDS.length + 1) + (watchers.length + passing.length) * 7)
      }),
      { numRuns: 150 },
    )
  })
})
