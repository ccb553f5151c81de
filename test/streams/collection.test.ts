import { readFileSync } from 'node:fs'
import { EMPTY, Observable, of, retry, take, throwError, type Subscription } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { NetworkError, ServerError, ValidationError } from '../../src/errors.js'
import {
  createCollectionWatch,
  type CollectionEvent,
  type CollectionSource,
  type CollectionWatchOptions,
} from '../../src/streams/collection.js'
import { marbles, type MarbleHelpers } from '../../src/testing/marbles.js'
import { diagramOf, pieces, sourceDiagram, subscriptions } from '../operators/doc-comment.js'

interface Thing {
  readonly id: string
  readonly state: string
}
type Event = CollectionEvent<Thing>

/** `a` and `A` are the thing `a` in two states; `†` in a state is final. */
const thing = (text: string): Thing => ({ id: (text[0] ?? '').toLowerCase(), state: text })
const things = (text: string): Thing[] => text.split(' ').filter(Boolean).map(thing)
const brief = (event: Event): string => {
  if (event.kind === 'snapshot') return `= ${event.items.map(({ state }) => state).join(' ')}`.trim()
  if (event.kind === 'retrying') return `? ${String(event.attempt)} ${String(event.delayMs)}`
  return `${{ added: '+', changed: '~', removed: '-' }[event.kind]} ${event.item.state}`
}
const rules = {
  idOf: ({ id }: Thing) => id,
  version: ({ state }: Thing) => state,
  final: ({ state }: Thing) => state.endsWith('†'),
}
const busy = (retryAfterMs?: number): ServerError =>
  new ServerError({ status: 503, method: 'GET', url: 'x', retryable: true, retryAfterMs })

type Poll = string | Error | Observable<Thing>
const answerOf = (poll: Poll): Observable<Thing> =>
  poll instanceof Error ? throwError(() => poll) : typeof poll === 'string' ? of(...things(poll)) : poll

/** A collection that answers as told, the last answer again and again, and writes down what it was asked. */
function collection(
  { runtime }: MarbleHelpers,
  polls: readonly Poll[],
  missing?: (id: string) => Observable<Thing>,
) {
  const polled: number[] = []
  const asked: string[] = []
  const source: CollectionSource<Thing> = {
    ...rules,
    poll: () => {
      polled.push(runtime.scheduler.now())
      return answerOf(polls[Math.min(polled.length, polls.length) - 1] ?? '')
    },
    ...(missing === undefined
      ? {}
      : {
          missing: (id: string) => {
            asked.push(id)
            return missing(id)
          },
        }),
  }
  return { source, polled, asked, watch: createCollectionWatch(source, runtime) }
}

/** What a watcher is told, with the time of each event, and how it ended. */
function record(events: Observable<Event>, { runtime: { scheduler } }: MarbleHelpers) {
  const told: string[] = []
  const end: { error?: unknown; completed: boolean } = { completed: false }
  const subscription = events.subscribe({
    next: (event) => told.push(`${String(scheduler.now())} ${brief(event)}`),
    error: (error: unknown) => (end.error = error),
    complete: () => (end.completed = true),
  })
  return { told, end, subscription }
}

/** Runs what is to happen at these times, then lets virtual time pass until nothing is left. */
function at({ runtime: { scheduler } }: MarbleHelpers, plan: Readonly<Record<number, () => void>>): void {
  for (const [time, act] of Object.entries(plan)) scheduler.schedule(act, Number(time))
}

/** One watcher from the start to a time. */
function watchFor(
  ms: number,
  polls: readonly Poll[],
  options: CollectionWatchOptions<Thing> = { interval: 10 },
  missing?: (id: string) => Observable<Thing>,
) {
  let result: (ReturnType<typeof record> & { polled: number[]; asked: string[] }) | undefined
  marbles((helpers) => {
    const { watch, polled, asked } = collection(helpers, polls, missing)
    const recorded = record(watch(options), helpers)
    at(helpers, {
      [ms]: () => {
        recorded.subscription.unsubscribe()
      },
    })
    helpers.flush()
    result = { ...recorded, polled, asked }
  })()
  if (result === undefined) throw new Error('did not run')
  return result
}

describe('createCollectionWatch', () => {
  it(
    'is as drawn',
    marbles(({ cold, runtime, expectObservable, expectSubscriptions }) => {
      const line = diagramOf('streams/collection')
      const [a, b, changed] = things('a b B')
      const polls = pieces(line('polls')).map((piece) =>
        cold<Thing>(piece.marbles, { a: a!, b: b!, B: changed! }),
      )
      const queue = [...polls]
      const watch = createCollectionWatch({ ...rules, poll: () => queue.shift() ?? EMPTY }, runtime)
      const values = {
        s: { kind: 'snapshot', items: [a!, b!] },
        t: { kind: 'snapshot', items: [b!] },
        c: { kind: 'changed', item: changed! },
        r: { kind: 'removed', item: a! },
      } as const
      const all = line('all')
      expectObservable(watch({ interval: 10 }), `^${'-'.repeat(all.length)}!`).toBe(all, values)
      const one = line('only b')
      const joined = one.indexOf('t')
      const times = `${'-'.repeat(joined)}^${'-'.repeat(all.length - joined - 1)}!`
      expectObservable(watch({ ids: ['b'], interval: 10 }), times).toBe(one, values)
      const requests = subscriptions(line('requests'))
      polls.forEach((poll, index) => {
        expectSubscriptions(poll.subscriptions).toBe(requests[index] ?? '')
      })
    }),
  )

  it('is drawn the same in the guide', () => {
    const guide = readFileSync(new URL('../../docs/waiting.md', import.meta.url), 'utf8')
    expect(guide).toContain(`\`\`\`text\n${sourceDiagram('streams/collection')}\n\`\`\``)
  })

  it('is cold, and an array of ids may be changed afterwards', () => {
    marbles((helpers) => {
      const { watch, polled } = collection(helpers, ['a b'])
      const ids = ['b']
      const events = watch({ ids })
      expect(polled).toEqual([])
      const { told } = record(events.pipe(take(1)), helpers)
      ids.push('a')
      helpers.flush()
      expect(told).toEqual(['0 = b'])
    })()
  })

  it('tells one snapshot, then what was added, changed and removed, in the order of the collection', () => {
    const { told, polled } = watchFor(45, ['a b c', 'a b c', 'a B d c', '', 'e'])
    expect(told).toEqual(['0 = a b c', '20 ~ B', '20 + d', '30 - a', '30 - B', '30 - c', '30 - d', '40 + e'])
    expect(polled).toEqual([0, 10, 20, 30, 40])
  })

  it('an empty collection has a snapshot, too; no ids are no items', () => {
    expect(watchFor(15, ['', 'a']).told).toEqual(['0 =', '10 + a'])
    expect(watchFor(15, ['a', 'A'], { ids: [], interval: 10 }).told).toEqual(['0 ='])
  })

  it('a watcher of ids is told of those only, in the order of its ids', () => {
    const options = { ids: ['c', 'a', 'c', 'x'], interval: 10 }
    const { told } = watchFor(45, ['a b c', 'A B c', 'A B d', 'A x', 'A X'], options)
    expect(told).toEqual(['0 = c a', '10 ~ A', '20 - c', '30 + x', '40 ~ X'])
  })

  it('an item that comes twice in one poll is one item', () => {
    expect(watchFor(15, ['a b a', 'a A b']).told).toEqual(['0 = a b', '10 ~ A'])
  })

  it('waits for slow polls: they never overlap', () => {
    marbles(({ cold, runtime, expectObservable, expectSubscriptions }) => {
      const poll = cold<Thing>('---(a|)', { a: thing('a') })
      const watch = createCollectionWatch({ ...rules, poll: () => poll }, runtime)
      expectObservable(watch({ interval: 2 }), '^-----------!').toBe('---s', {
        s: { kind: 'snapshot', items: [thing('a')] },
      })
      expectSubscriptions(poll.subscriptions).toBe(['^--!', '-----^--!', '----------^-!'])
    })()
  })
})

describe('many watchers', () => {
  it('a later one gets the snapshot of the last poll while that is fresh, else of the next one', () => {
    marbles((helpers) => {
      const { watch, polled } = collection(helpers, ['a', 'A', busy(), 'a'])
      const first = record(watch({ interval: 100 }), helpers)
      const fresh: ReturnType<typeof record>[] = []
      const join = () => fresh.push(record(watch({ interval: 100 }), helpers))
      at(helpers, {
        30: join,
        130: join,
        250: join,
        320: () => {
          for (const { subscription } of [first, ...fresh]) subscription.unsubscribe()
        },
      })
      helpers.flush()
      expect(first.told).toEqual(['0 = a', '100 ~ A', '200 ? 1 100', '300 ~ a'])
      expect(fresh.map(({ told }) => told)).toEqual([
        ['30 = a', '100 ~ A', '200 ? 1 100', '300 ~ a'],
        ['130 = A', '200 ? 1 100', '300 ~ a'],
        ['300 = a'],
      ])
      expect(polled).toEqual([0, 100, 200, 300])
    })()
  })

  it('one that comes during a poll gets its snapshot, and starts no other poll', () => {
    marbles((helpers) => {
      const slow = helpers.cold<Thing>('-----(a|)', { a: thing('a') })
      const { watch, polled } = collection(helpers, [slow])
      const first = record(watch().pipe(take(1)), helpers)
      const second: ReturnType<typeof record>[] = []
      at(helpers, { 2: () => second.push(record(watch().pipe(take(1)), helpers)) })
      helpers.flush()
      expect([first.told, second[0]?.told, polled]).toEqual([['5 = a'], ['5 = a'], [0]])
    })()
  })

  it('the shortest interval counts, while its watcher is there', () => {
    marbles((helpers) => {
      const { watch, polled } = collection(helpers, ['a'])
      const slow = record(watch({ interval: 100 }), helpers)
      let quick: Subscription | undefined
      at(helpers, {
        // The last poll is older than 10 ms: this one wants another one now.
        50: () => (quick = record(watch({ interval: 10 }), helpers).subscription),
        75: () => quick?.unsubscribe(),
        300: () => {
          slow.subscription.unsubscribe()
        },
      })
      helpers.flush()
      expect(polled).toEqual([0, 50, 60, 70, 80, 180, 280])
    })()
  })

  it('an interval that is shorter, but not over yet, shortens the pause', () => {
    marbles((helpers) => {
      const { watch, polled } = collection(helpers, ['a'])
      const slow = record(watch({ interval: 100 }), helpers)
      let quick: ReturnType<typeof record> | undefined
      at(helpers, {
        20: () => (quick = record(watch({ interval: 40 }), helpers)),
        50: () => {
          quick?.subscription.unsubscribe()
          slow.subscription.unsubscribe()
        },
      })
      helpers.flush()
      expect([quick?.told, polled]).toEqual([['20 = a'], [0, 40]])
    })()
  })

  it('polls faster after a change of what is watched, slower while nothing moves', () => {
    const times = (options: CollectionWatchOptions<Thing>): number[] => {
      let polled: number[] = []
      marbles((helpers) => {
        const still = { ...helpers, runtime: { ...helpers.runtime, random: () => 0 } }
        const source = collection(still, ['a b', 'a b', 'a b', 'A b', 'A b', 'A B', 'A B', 'A B'])
        const { subscription } = record(source.watch(options), still)
        at(still, {
          12_000: () => {
            subscription.unsubscribe()
          },
        })
        helpers.flush()
        polled = source.polled
      })()
      return polled
    }
    expect(times({})).toEqual([0, 1_000, 2_500, 4_750, 5_750, 7_250, 8_250, 9_750])
    expect(times({ ids: ['a'] })).toEqual([0, 1_000, 2_500, 4_750, 5_750, 7_250, 9_500])
  })

  it('the last one who leaves closes the poll under way, or the pause; then all begins anew', () => {
    marbles(({ cold, runtime, expectObservable, expectSubscriptions }) => {
      const poll = cold<Thing>('---(a|)', { a: thing('a') })
      const watch = createCollectionWatch({ ...rules, poll: () => poll }, runtime)
      const s = { s: { kind: 'snapshot', items: [thing('a')] } } as const
      expectObservable(watch(), '^-!').toBe('--')
      expectObservable(watch(), '^!').toBe('--')
      expectObservable(watch(), '------^-----!').toBe('---------s', s)
      expectObservable(watch(), '--------------^----!').toBe('-----------------s', s)
      expectSubscriptions(poll.subscriptions).toBe(['^-!', '------^--!', '--------------^--!'])
    })()
  })

  it('ten thousand items and a thousand watchers cost one look at each item per poll', () => {
    marbles((helpers) => {
      const { runtime } = helpers
      const items = Array.from({ length: 10_000 }, (_, index) => ({ id: String(index), state: 'a' }))
      let looks = 0
      const version = ({ state }: Thing): string => {
        looks += 1
        return state
      }
      const snapshots = new Set<readonly Thing[]>()
      let changes = 0
      let poll = 0
      const watch = createCollectionWatch<Thing>(
        {
          ...rules,
          version,
          poll: () => {
            poll += 1
            const moved = { id: '7', state: `b${String(poll)}` }
            return new Observable((subscriber) => {
              for (const item of items) subscriber.next(item.id === '7' ? moved : item)
              subscriber.complete()
            })
          },
        },
        runtime,
      )
      const subscriptions = Array.from({ length: 1_000 }, (_, index) =>
        watch(index < 500 ? {} : { ids: [String(index), '7'] }).subscribe((event) => {
          if (event.kind !== 'snapshot') changes += 1
          else if (event.items.length > 2) snapshots.add(event.items)
        }),
      )
      at(helpers, {
        1_500: () => {
          for (const subscription of subscriptions) subscription.unsubscribe()
        },
      })
      helpers.flush()
      expect(poll).toBe(2)
      expect(looks).toBe(20_000)
      expect(changes).toBe(1_000)
      expect(snapshots.size).toBe(1)
    })()
  })
})

describe('what the poll does not hold', () => {
  it('is asked for: told in its final state, and removed for those who watch all', () => {
    const missing = (id: string) => of(thing(`${id}†`))
    expect(watchFor(25, ['a b', 'b', 'b'], { interval: 10 }, missing)).toMatchObject({
      told: ['0 = a b', '10 ~ a†', '10 - a†'],
      asked: ['a'],
    })
    expect(watchFor(25, ['a b', 'b', 'b'], { interval: 10, ids: ['a'] }, missing)).toMatchObject({
      told: ['0 = a', '10 ~ a†'],
      asked: ['a'],
    })
  })

  it('in a final state is not asked for', () => {
    const missing = () => throwError(() => new Error('asked'))
    expect(watchFor(35, ['a† b', 'b', 'b', 'a b'], { interval: 10 }, missing).told).toEqual([
      '0 = a† b',
      '10 - a†',
      '30 + a',
    ])
    const byId = watchFor(35, ['a† b', 'b', 'b', 'a b'], { interval: 10, ids: ['a'] }, missing)
    expect(byId.told).toEqual(['0 = a†', '30 ~ a'])
  })

  it('gone for good is removed for all, and not asked for again', () => {
    for (const ids of [undefined, ['a']]) {
      const options = ids === undefined ? { interval: 10 } : { interval: 10, ids }
      const { told, asked } = watchFor(45, ['a', '', '', '', 'a'], options, () => EMPTY)
      expect([told, asked]).toEqual([['0 = a', '10 - a', '40 + a'], ['a']])
    }
  })

  it('but is still there has only slipped between two pages', () => {
    const { told, asked } = watchFor(45, ['a b', 'b', 'b', 'a b', 'A b'], undefined, (id) => of(thing(id)))
    expect([told, asked]).toEqual([
      ['0 = a b', '40 ~ A'],
      ['a', 'a'],
    ])
    const changed = watchFor(15, ['a b', 'b'], undefined, () => of(thing('A')))
    expect(changed.told).toEqual(['0 = a b', '10 ~ A'])
  })

  it('and is wanted from the start is asked for before the snapshot; what nobody has is left out', () => {
    const missing = (id: string) => (id === 'x' ? of(thing('x†')) : EMPTY)
    const options = { ids: ['a', 'x', 'y'], interval: 10 }
    const { told, asked } = watchFor(35, ['a', 'a', 'a', 'a y'], options, missing)
    expect([told, asked]).toEqual([
      ['0 = a x†', '30 + y'],
      ['x', 'y'],
    ])
  })

  it('and is not final is asked for by every poll, until it is', () => {
    const states = ['x', 'x', 'X', 'x†']
    const options = { ids: ['x'], interval: 10 }
    const { told, asked } = watchFor(65, ['a'], options, () => of(thing(states.shift() ?? '!')))
    expect([told, asked]).toEqual([
      ['0 = x', '20 ~ X', '30 ~ x†'],
      ['x', 'x', 'x', 'x'],
    ])
  })

  it('is no item of those who watch all until the poll holds it', () => {
    marbles((helpers) => {
      const { watch } = collection(helpers, ['a', 'a', 'a x'], () => of(thing('x')))
      const all = record(watch({ interval: 10 }), helpers)
      const one = record(watch({ interval: 10, ids: ['x'] }), helpers)
      at(helpers, {
        25: () => {
          all.subscription.unsubscribe()
          one.subscription.unsubscribe()
        },
      })
      helpers.flush()
      expect([all.told, one.told]).toEqual([['0 = a', '20 + x'], ['0 = x']])
    })()
  })

  it('is asked for at once when somebody comes between two polls, without a poll', () => {
    marbles((helpers) => {
      const { cold } = helpers
      const missing = (id: string) => cold<Thing>('--(x|)', { x: thing(`${id}†`) })
      const { watch, polled, asked } = collection(helpers, ['a'], missing)
      const all = record(watch({ interval: 20 }), helpers)
      const later: ReturnType<typeof record>[] = []
      const join = (id: string) => () => later.push(record(watch({ interval: 20, ids: [id] }), helpers))
      at(helpers, {
        5: join('x'),
        // While the question for x is under way, and one that lasts until after the next poll is due.
        6: join('y'),
        19: join('z'),
        30: () => {
          for (const { subscription } of [all, ...later]) subscription.unsubscribe()
        },
      })
      helpers.flush()
      expect(later.map(({ told }) => told)).toEqual([['9 = x†'], ['9 = y†'], ['21 = z†']])
      expect([asked, polled]).toEqual([
        ['x', 'y', 'z'],
        [0, 22],
      ])
    })()
  })

  it('is asked for four at a time', () => {
    let active = 0
    let most = 0
    marbles((helpers) => {
      const missing = (id: string) =>
        new Observable<Thing>((subscriber) => {
          active += 1
          most = Math.max(most, active)
          subscriber.add(() => (active -= 1))
          helpers.cold<Thing>('---(x|)', { x: thing(id) }).subscribe(subscriber)
        })
      const ids = 'a b c d e f g h i j'.split(' ')
      const { watch } = collection(helpers, [''], missing)
      const { told } = record(watch({ ids }).pipe(take(1)), helpers)
      helpers.flush()
      expect(told).toEqual([`9 = ${ids.join(' ')}`])
    })()
    expect([most, active]).toEqual([4, 0])
  })

  it('and is over or gone is not kept for nobody', () => {
    marbles((helpers) => {
      const missing = (id: string) => (id === 'c' ? EMPTY : of(thing(`${id}†`)))
      const { watch, asked } = collection(helpers, ['a b† c', ''], missing)
      const all = record(watch({ interval: 10 }), helpers)
      const later: ReturnType<typeof record>[] = []
      at(helpers, {
        15: () => {
          expect(asked.splice(0)).toEqual(['a', 'c'])
          later.push(record(watch({ ids: ['a', 'b', 'c'], interval: 10 }), helpers))
        },
        35: () => {
          for (const { subscription } of [all, ...later]) subscription.unsubscribe()
        },
      })
      helpers.flush()
      expect(all.told).toEqual(['0 = a b† c', '10 - b†', '10 ~ a†', '10 - a†', '10 - c'])
      expect([later[0]?.told, asked]).toEqual([['15 = a† b†'], ['a', 'b', 'c']])
    })()
  })

  it('is forgotten when nobody wants it any more', () => {
    marbles((helpers) => {
      const { watch, asked } = collection(helpers, ['a'], (id) => of(thing(`${id}†`)))
      const all = record(watch({ interval: 100 }), helpers)
      const asks = () => record(watch({ ids: ['x'], interval: 100 }).pipe(take(1)), helpers).told
      const told: string[][] = []
      at(helpers, {
        10: () => told.push(asks()),
        20: () => told.push(asks()),
        30: () => {
          all.subscription.unsubscribe()
        },
      })
      helpers.flush()
      expect([told, asked]).toEqual([
        [['10 = x†'], ['20 = x†']],
        ['x', 'x'],
      ])
    })()
  })
})

describe('until', () => {
  it('completes after the snapshot or after changes, with what it asked for told before', () => {
    const ready = (items: readonly Thing[]) => items.every(({ state }) => state === state.toUpperCase())
    const until = (...ids: string[]) => ({ interval: 10, until: ready, ...(ids.length > 0 ? { ids } : {}) })
    expect(watchFor(99, ['A b', 'A B'], until('a'))).toMatchObject({
      told: ['0 = A'],
      end: { completed: true },
    })
    const { told, end, polled } = watchFor(99, ['a b', 'A b', 'A B', 'C'], until())
    expect([told, end, polled]).toEqual([['0 = a b', '10 ~ A', '20 ~ B'], { completed: true }, [0, 10, 20]])
  })

  it('sees the changes of a poll together', () => {
    const seen: string[] = []
    const until = (items: readonly Thing[]) => {
      seen.push(items.map(({ state }) => state).join(' '))
      return false
    }
    watchFor(35, ['a b', 'A B c', 'A B c', 'c'], { interval: 10, until })
    expect(seen).toEqual(['a b', 'A B c', 'c'])
  })

  it('one who is done does not disturb the others; what it throws is its own error', () => {
    marbles((helpers) => {
      const { watch } = collection(helpers, ['a', 'A', 'a'])
      const bug = new Error('bug')
      const none = record(watch({ interval: 10 }), helpers)
      const done = record(watch({ until: (items) => items[0]?.state === 'A' }), helpers)
      const broken = record(
        watch({
          until: () => {
            throw bug
          },
        }),
        helpers,
      )
      at(helpers, {
        25: () => {
          none.subscription.unsubscribe()
        },
      })
      helpers.flush()
      expect(none.told).toEqual(['0 = a', '10 ~ A', '20 ~ a'])
      expect([done.told, done.end]).toEqual([['0 = a', '10 ~ A'], { completed: true }])
      expect([broken.told, broken.end.error]).toEqual([['0 = a'], bug])
    })()
  })
})

describe('errors', () => {
  it('tolerates failing polls and tells of them; a good one makes it count anew', () => {
    const polls = ['a', busy(), busy(), 'A', busy(), 'a']
    const { told, end } = watchFor(55, polls)
    expect(told).toEqual(['0 = a', '10 ? 1 10', '20 ? 2 10', '30 ~ A', '40 ? 1 10', '50 ~ a'])
    expect(end).toEqual({ completed: false })
  })

  it('before the first answer as well', () => {
    expect(watchFor(25, [busy(), busy(), 'a']).told).toEqual(['0 ? 1 10', '10 ? 2 10', '20 = a'])
  })

  it('waits no less than the server asks, whoever comes', () => {
    marbles((helpers) => {
      const { watch, polled } = collection(helpers, ['a', busy(500), 'A'])
      const first = record(watch({ interval: 10 }), helpers)
      let second: ReturnType<typeof record> | undefined
      at(helpers, {
        100: () => (second = record(watch({ interval: 10 }), helpers)),
        515: () => {
          first.subscription.unsubscribe()
          second?.subscription.unsubscribe()
        },
      })
      helpers.flush()
      expect(first.told).toEqual(['0 = a', '10 ? 1 500', '510 ~ A'])
      expect([second?.told, polled]).toEqual([['510 = A'], [0, 10, 510]])
    })()
  })

  it('each watcher has its own patience', () => {
    marbles((helpers) => {
      const failure = busy()
      const { watch, polled } = collection(helpers, [failure])
      const patient = record(watch({ interval: 10 }), helpers)
      const hasty = record(watch({ interval: 10, maxConsecutiveErrors: 2 }), helpers)
      helpers.flush()
      expect(hasty.told).toEqual(['10 ? 1 10'])
      expect(hasty.end.error).toBe(failure)
      expect(patient.told).toEqual(['0 ? 1 10', '10 ? 2 10', '20 ? 3 10', '30 ? 4 10'])
      expect(patient.end.error).toBe(failure)
      expect(polled).toEqual([0, 10, 20, 30, 40])
    })()
  })

  it('what no waiting mends is the error of everybody at once, and the next one starts anew', () => {
    marbles((helpers) => {
      const wrong = new ValidationError({ status: 400, method: 'GET', url: 'x' })
      const { watch, polled } = collection(helpers, ['a', wrong, 'b'])
      const both = [record(watch({ interval: 10 }), helpers), record(watch({ ids: ['x'] }), helpers)]
      let next: ReturnType<typeof record> | undefined
      at(helpers, { 30: () => (next = record(watch().pipe(take(1)), helpers)) })
      helpers.flush()
      expect(both.map(({ end }) => end.error)).toEqual([wrong, wrong])
      expect(both[0]?.told).toEqual(['0 = a'])
      expect([next?.told, polled]).toEqual([['30 = b'], [0, 10, 30]])
    })()
  })

  it('who comes again in answer to the error begins anew', () => {
    marbles((helpers) => {
      const gone = new NetworkError('gone')
      const { watch, polled } = collection(helpers, ['a', gone, 'b'])
      const all = [1, 2].map(() => record(watch({ interval: 10 }).pipe(retry(1)), helpers))
      at(helpers, {
        15: () => {
          for (const { subscription } of all) subscription.unsubscribe()
        },
      })
      helpers.flush()
      expect(all.map(({ told }) => told)).toEqual([
        ['0 = a', '10 = b'],
        ['0 = a', '10 = b'],
      ])
      expect(polled).toEqual([0, 10, 10])
    })()
  })

  it('a failing question counts like a failing poll', () => {
    const answers = [throwError(() => busy()), of(thing('a†'))]
    const { told } = watchFor(25, ['a b', 'B'], { interval: 10 }, () => answers.shift() ?? EMPTY)
    expect(told).toEqual(['0 = a b', '10 ~ B', '10 ? 1 10', '20 ~ a†', '20 - a†'])
  })

  it('what the functions of the source throw is an error', () => {
    const bug = new Error('bug')
    const broken = (part: Partial<CollectionSource<Thing>>) => {
      let error: unknown
      marbles((helpers) => {
        const { source } = collection(helpers, ['a', ''], () => of(thing('A')))
        const watch = createCollectionWatch({ ...source, ...part }, helpers.runtime)
        const { end } = record(watch({ interval: 10 }), helpers)
        helpers.flush()
        error = end.error
      })()
      return error
    }
    const fail = () => {
      throw bug
    }
    expect(broken({ poll: fail })).toBe(bug)
    expect(broken({ idOf: fail })).toBe(bug)
    expect(broken({ version: fail })).toBe(bug)
    expect(broken({ missing: fail })).toBe(bug)
    expect(broken({ final: fail })).toBe(bug)
  })

  it('an interval that is no time is an error of its watcher', () => {
    marbles((helpers) => {
      const { watch } = collection(helpers, ['a', 'A'])
      const good = record(watch({ interval: 10 }).pipe(take(2)), helpers)
      const wrong = record(watch({ interval: () => Number.NaN }), helpers)
      let later: ReturnType<typeof record> | undefined
      at(helpers, { 5: () => (later = record(watch({ interval: () => -1 }), helpers)) })
      helpers.flush()
      expect(good.told).toEqual(['0 = a', '10 ~ A'])
      expect(wrong.end.error).toBeInstanceOf(TypeError)
      expect([later?.told, later?.end.error]).toEqual([[], expect.any(TypeError)])
    })()
  })

  it.each([
    [{ ids: 'a' }, 'ids'],
    [{ ids: [''] }, 'ids'],
    [{ ids: [7] }, 'ids'],
    [{ until: true }, 'until'],
    [{ interval: 0 }, 'interval'],
    [{ maxConsecutiveErrors: 0 }, 'maxConsecutiveErrors'],
  ])('refuses %j by name, when the watch is made', (options, name) => {
    marbles((helpers) => {
      const { watch } = collection(helpers, ['a'])
      expect(() => watch(options as unknown as CollectionWatchOptions<Thing>)).toThrow(
        expect.objectContaining({
          name: 'TypeError',
          message: expect.stringContaining(`${name}: `) as string,
        }),
      )
    })()
  })
})

describe('from within an event', () => {
  it('leaving leaves nothing', () => {
    marbles((helpers) => {
      const { watch, polled } = collection(helpers, ['a', 'A B c'], () => EMPTY)
      const two = record(watch({ interval: 10 }).pipe(take(2)), helpers)
      helpers.flush()
      expect([two.told, two.end.completed, polled.splice(0)]).toEqual([['0 = a', '10 ~ A'], true, [0, 10]])
    })()
    marbles((helpers) => {
      const { watch, polled } = collection(helpers, ['a', 'A'], () => EMPTY)
      const one = record(watch({ interval: 10 }).pipe(take(1)), helpers)
      helpers.flush()
      expect([one.told, one.end.completed, polled]).toEqual([['0 = a'], true, [0]])
    })()
  })

  it('coming is told the present state and nothing of the changes under way', () => {
    marbles((helpers) => {
      const { watch } = collection(helpers, ['a b', 'A B c', 'a B c'])
      const inner: ReturnType<typeof record>[] = []
      const outer = watch({ interval: 10 }).subscribe((event) => {
        if (inner.length < 2) inner.push(record(watch({ interval: 10 }), helpers))
        expect(event.kind).not.toBe('retrying')
      })
      at(helpers, {
        25: () => {
          for (const { subscription } of inner) subscription.unsubscribe()
          outer.unsubscribe()
        },
      })
      helpers.flush()
      expect(inner.map(({ told }) => told)).toEqual([
        ['0 = a b', '10 ~ A', '10 ~ B', '10 + c', '20 ~ a'],
        ['10 = A B c', '20 ~ a'],
      ])
    })()
  })

  it('a signal ends the watch with its reason', () => {
    marbles((helpers) => {
      const { watch, polled } = collection(helpers, ['a'])
      const controller = new AbortController()
      const { end } = record(watch({ interval: 10, signal: controller.signal }), helpers)
      at(helpers, {
        15: () => {
          controller.abort('enough')
        },
      })
      helpers.flush()
      expect([end.error, polled]).toEqual(['enough', [0, 10]])
    })()
  })
})
