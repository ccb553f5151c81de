import {
  concat,
  defer,
  EMPTY,
  filter,
  map,
  NEVER,
  Observable,
  of,
  take,
  tap,
  throwError,
  timer,
  VirtualTimeScheduler,
  type SchedulerLike,
} from 'rxjs'
import type { RunHelpers } from 'rxjs/testing'
import { describe, expect, expectTypeOf, it, vi } from 'vitest'
import { PollFailedError, PollTimeoutError } from '../../src/errors.js'
import {
  exponential,
  pollUntil,
  retryWithBackoff,
  type Backoff,
  type PollUntilOptions,
} from '../../src/operators/index.js'
import { MAX_DELAY_MS } from '../../src/runtime.js'
import { marbles, type MarbleHelpers } from '../../src/testing/marbles.js'
import { diagramOf, pieces, runExample, subscriptions } from './doc-comment.js'

type Cold = ReturnType<RunHelpers['cold']>

/** A source whose subscriptions get these answers in turn. */
function answering(answers: readonly Observable<string>[]): Observable<string> {
  let asked = 0
  return defer(() => {
    const answer = answers[asked]
    asked += 1
    return answer ?? throwError(() => new Error('asked too often'))
  })
}

function expectEach({ expectSubscriptions }: RunHelpers, polls: readonly Cold[], expected: string[]): void {
  expect(polls).toHaveLength(expected.length)
  polls.forEach((poll, index) => {
    expectSubscriptions(poll.subscriptions).toBe(expected[index] ?? [])
  })
}

/** What an error of a wait tells, as a value. */
function told(error: unknown): Record<string, unknown> {
  if (error instanceof PollTimeoutError) {
    const { last, polls, elapsedMs, history } = error
    return { last: last as unknown, polls, elapsedMs, history }
  }
  if (error instanceof PollFailedError) return { value: error.value as unknown, history: error.history }
  return { error }
}

/** Like `source`, with an error as the last value. */
function telling<T>(source: Observable<T>): Observable<T | Record<string, unknown>> {
  return new Observable((subscriber) =>
    source.subscribe({
      next: (value) => subscriber.next(value),
      error: (error: unknown) => {
        subscriber.next(told(error))
        subscriber.complete()
      },
      complete: () => subscriber.complete(),
    }),
  )
}

const isReady = (value: string): boolean => value === 'r'
const clocks: [string, (helpers: MarbleHelpers) => { scheduler?: SchedulerLike }][] = [
  ['the default scheduler', () => ({})],
  ['a given scheduler', ({ runtime }) => ({ scheduler: runtime.scheduler })],
]

describe.each(clocks)('pollUntil on %s', (_name, clock) => {
  const poll = (helpers: MarbleHelpers, options: Partial<PollUntilOptions<string>> = {}) =>
    pollUntil<string>({ until: isReady, ...clock(helpers), ...options })

  it(
    'is as drawn',
    marbles((helpers) => {
      const line = diagramOf('operators/poll-until')
      const polls = pieces(line('polls')).map(({ marbles }) => helpers.cold(marbles))
      helpers.expectObservable(answering(polls).pipe(poll(helpers, { interval: 6 }))).toBe(line('result'))
      expectEach(helpers, polls, subscriptions(line('requests')))
    }),
  )

  it(
    'waits 5 s after a completion unless told',
    marbles((helpers) => {
      const polls = [helpers.cold('--a|'), helpers.cold('(r|)')]
      helpers.expectObservable(answering(polls).pipe(poll(helpers))).toBe('--a 5s (r|)')
      expectEach(helpers, polls, ['^--!', '--- 5s (^!)'])
    }),
  )

  it(
    'never overlaps polls that take longer than the interval',
    marbles((helpers) => {
      const polls = [helpers.cold('a----|'), helpers.cold('b----|'), helpers.cold('r')]
      helpers
        .expectObservable(answering(polls).pipe(poll(helpers, { interval: 2 })))
        .toBe('a------b------(r|)')
      expectEach(helpers, polls, ['^----!', '-------^----!', '--------------(^!)'])
    }),
  )

  it(
    'emits all values of a poll, and polls again after one without values',
    marbles((helpers) => {
      const polls = [helpers.cold('ab-c|'), helpers.cold('-|'), helpers.cold('d-r-e|')]
      helpers
        .expectObservable(answering(polls).pipe(poll(helpers, { interval: 3 })))
        .toBe('ab-c-------d-(r|)')
      expectEach(helpers, polls, ['^---!', '-------^!', '-----------^-!'])
    }),
  )

  it(
    'waits before the first poll only if told',
    marbles((helpers) => {
      const polls = [helpers.cold('a|'), helpers.cold('(r|)')]
      helpers
        .expectObservable(answering(polls).pipe(poll(helpers, { initialDelay: 4, interval: 2 })))
        .toBe('----a--(r|)')
      expectEach(helpers, polls, ['----^!', '-------(^!)'])
    }),
  )

  it(
    'passes an error of the source',
    marbles((helpers) => {
      const polls = [helpers.cold('a|'), helpers.cold('-#')]
      helpers.expectObservable(answering(polls).pipe(poll(helpers, { interval: 2 }))).toBe('a---#')
      expectEach(helpers, polls, ['^!', '---^!'])
    }),
  )

  it(
    'tolerates errors by a retry before it',
    marbles((helpers) => {
      const polls = [helpers.cold('#'), helpers.cold('a|'), helpers.cold('(r|)')]
      const { scheduler } = clock(helpers)
      const retried = answering(polls).pipe(
        retryWithBackoff({ when: () => true, backoff: () => 3, scheduler }),
      )
      helpers.expectObservable(retried.pipe(poll(helpers, { interval: 2 }))).toBe('---a--(r|)')
      expectEach(helpers, polls, ['(^!)', '---^!', '------(^!)'])
    }),
  )

  it(
    'leaves no poll and no timer when unsubscribed during a poll',
    marbles((helpers) => {
      const polls = [helpers.cold('a|'), helpers.cold('--b----')]
      const source = answering(polls).pipe(poll(helpers, { interval: 2, timeout: 60_000 }))
      helpers.expectObservable(source, '------!').toBe('a----b')
      expectEach(helpers, polls, ['^!', '---^--!'])
      helpers.flush()
      expect(helpers.runtime.scheduler.now()).toBe(6)
    }),
  )

  it(
    'leaves no timer when unsubscribed during a pause',
    marbles((helpers) => {
      const polls = [helpers.cold('a|')]
      const source = answering(polls).pipe(poll(helpers, { interval: 1_000, timeout: 60_000 }))
      helpers.expectObservable(source, '---!').toBe('a')
      expectEach(helpers, polls, ['^!'])
      helpers.flush()
      expect(helpers.runtime.scheduler.now()).toBe(3)
    }),
  )

  it(
    'leaves no timer when it completes',
    marbles((helpers) => {
      const polls = [helpers.cold('a|'), helpers.cold('--r---')]
      const source = answering(polls).pipe(poll(helpers, { interval: 2, timeout: 60_000 }))
      helpers.expectObservable(source).toBe('a----(r|)')
      expectEach(helpers, polls, ['^!', '---^-!'])
      helpers.flush()
      expect(helpers.runtime.scheduler.now()).toBe(5)
    }),
  )

  describe('timeout', () => {
    it(
      'covers a poll that hangs',
      marbles((helpers) => {
        const polls = [helpers.cold('a|'), helpers.cold('-b----')]
        const source = answering(polls).pipe(poll(helpers, { interval: 3, timeout: 8 }))
        helpers.expectObservable(telling(source)).toBe('a----b--(t|)', {
          a: 'a',
          b: 'b',
          t: { last: 'b', polls: 2, elapsedMs: 8, history: [] },
        })
        expectEach(helpers, polls, ['^!', '----^---!'])
      }),
    )

    it(
      'covers the very first poll',
      marbles((helpers) => {
        const polls = [helpers.cold('-')]
        const source = answering(polls).pipe(poll(helpers, { timeout: 5 }))
        helpers
          .expectObservable(telling(source))
          .toBe('-----(t|)', { t: { last: undefined, polls: 1, elapsedMs: 5, history: [] } })
        expectEach(helpers, polls, ['^----!'])
      }),
    )

    it(
      'shortens the last pause so that a poll twice as long as the one before fits',
      marbles((helpers) => {
        const polls = [helpers.cold('-a|'), helpers.cold('-b|'), helpers.cold('-c|')]
        const source = answering(polls).pipe(poll(helpers, { interval: 6, timeout: 15 }))
        helpers.expectObservable(telling(source)).toBe('-a-------b--c(t|)', {
          a: 'a',
          b: 'b',
          c: 'c',
          t: { last: 'c', polls: 3, elapsedMs: 13, history: [] },
        })
        expectEach(helpers, polls, ['^-!', '--------^-!', '-----------^-!'])
      }),
    )

    it(
      'shortens a pause that would leave no room for the poll after it',
      marbles((helpers) => {
        const polls = [helpers.cold('---(a|)'), helpers.cold('---(b|)')]
        const source = answering(polls).pipe(poll(helpers, { interval: 6, timeout: 11 }))
        helpers.expectObservable(telling(source)).toBe('---a----(bt|)', {
          a: 'a',
          b: 'b',
          t: { last: 'b', polls: 2, elapsedMs: 8, history: [] },
        })
        expectEach(helpers, polls, ['^--!', '-----^--!'])
      }),
    )

    it(
      'lets the last poll answer in the last millisecond',
      marbles((helpers) => {
        const polls = [helpers.cold('--(a|)'), helpers.cold('----(r|)')]
        const source = answering(polls).pipe(poll(helpers, { interval: 60, timeout: 20 }))
        helpers.expectObservable(source).toBe('--a-----------------(r|)')
        expectEach(helpers, polls, ['^-!', '----------------^---!'])
      }),
    )

    it(
      'does not shorten a pause after which a poll fits',
      marbles((helpers) => {
        const polls = [helpers.cold('----(a|)'), helpers.cold('----(r|)')]
        const source = answering(polls).pipe(poll(helpers, { interval: 5, timeout: 14 }))
        helpers.expectObservable(source).toBe('----a--------(r|)')
        expectEach(helpers, polls, ['^---!', '---------^---!'])
      }),
    )

    it(
      'polls at the very end where polls take no time, and then fails at once',
      marbles((helpers) => {
        const polls = [helpers.cold('(a|)'), helpers.cold('(b|)'), helpers.cold('(c|)')]
        const source = answering(polls).pipe(poll(helpers, { interval: 6, timeout: 8 }))
        helpers.expectObservable(telling(source)).toBe('a-----b-(ct|)', {
          a: 'a',
          b: 'b',
          c: 'c',
          t: { last: 'c', polls: 3, elapsedMs: 8, history: [] },
        })
        expectEach(helpers, polls, ['(^!)', '------(^!)', '--------(^!)'])
      }),
    )

    it(
      'fails at once after a poll at the very end',
      marbles((helpers) => {
        const polls = [helpers.cold('(a|)'), helpers.cold('(b|)'), helpers.cold('(c|)')]
        const source = answering(polls).pipe(poll(helpers, { interval: 5, timeout: 10 }))
        helpers.expectObservable(telling(source)).toBe('a----b----(ct|)', {
          a: 'a',
          b: 'b',
          c: 'c',
          t: { last: 'c', polls: 3, elapsedMs: 10, history: [] },
        })
        expectEach(helpers, polls, ['(^!)', '-----(^!)', '----------(^!)'])
      }),
    )

    it(
      'fails at once when there is no room for another poll',
      marbles((helpers) => {
        const polls = [helpers.cold('-----(a|)')]
        const source = answering(polls).pipe(poll(helpers, { interval: 1, timeout: 9 }))
        helpers.expectObservable(telling(source)).toBe('-----(at|)', {
          a: 'a',
          t: { last: 'a', polls: 1, elapsedMs: 5, history: [] },
        })
        expectEach(helpers, polls, ['^----!'])
      }),
    )

    it(
      'counts from the subscription on, the first delay included',
      marbles((helpers) => {
        const polls = [helpers.cold('--')]
        const source = answering(polls).pipe(poll(helpers, { initialDelay: 3, timeout: 5 }))
        helpers
          .expectObservable(telling(source))
          .toBe('-----(t|)', { t: { last: undefined, polls: 1, elapsedMs: 5, history: [] } })
        expectEach(helpers, polls, ['---^-!'])
      }),
    )

    it(
      'does not wait before the first poll when that leaves no room for it',
      marbles((helpers) => {
        const polls = [helpers.cold('-(r|)')]
        helpers
          .expectObservable(answering(polls).pipe(poll(helpers, { initialDelay: 5, timeout: 5 })))
          .toBe('-(r|)')
        expectEach(helpers, polls, ['^!'])
      }),
    )

    it(
      'may be longer than any timer',
      marbles((helpers) => {
        const polls = [helpers.cold('-')]
        const timeout = MAX_DELAY_MS + 10
        helpers
          .expectObservable(telling(answering(polls).pipe(poll(helpers, { timeout }))))
          .toBe(`${String(timeout)}ms (t|)`, {
            t: { last: undefined, polls: 1, elapsedMs: timeout, history: [] },
          })
        expectEach(helpers, polls, [`^ ${String(timeout - 1)}ms !`])
      }),
    )
  })

  it(
    'fails after maxPolls polls',
    marbles((helpers) => {
      const polls = [helpers.cold('a|'), helpers.cold('-|')]
      const source = answering(polls).pipe(poll(helpers, { interval: 2, maxPolls: 2 }))
      helpers
        .expectObservable(telling(source))
        .toBe('a---(t|)', { a: 'a', t: { last: 'a', polls: 2, elapsedMs: 4, history: [] } })
      expectEach(helpers, polls, ['^!', '---^!'])
    }),
  )

  it(
    'emits a value that failed, then an error with the value and the history',
    marbles((helpers) => {
      const polls = [helpers.cold('a|'), helpers.cold('x-r')]
      const failWhen = (value: string): boolean => value === 'x'
      const stateOf = (value: string): string => value.toUpperCase()
      const source = answering(polls).pipe(poll(helpers, { interval: 2, failWhen, stateOf }))
      helpers.expectObservable(telling(source)).toBe('a--(xf|)', {
        a: 'a',
        x: 'x',
        f: {
          value: 'x',
          history: [
            { state: 'A', sinceMs: 0, polls: 1 },
            { state: 'X', sinceMs: 3, polls: 1 },
          ],
        },
      })
      expectEach(helpers, polls, ['^!', '---(^!)'])
    }),
  )
})

describe('pollUntil', () => {
  const poll = (options: Partial<PollUntilOptions<string>> = {}) =>
    pollUntil<string>({ until: isReady, interval: 2, ...options })

  it(
    'raises the error that failWhen returns as it is',
    marbles(({ cold, expectObservable }) => {
      const error = new RangeError('out of stock')
      const source = cold('x|').pipe(poll({ failWhen: () => error }))
      expectObservable(source).toBe('(x#)', undefined, error)
    }),
  )

  it(
    'asks failWhen before until',
    marbles(({ cold, expectObservable }) => {
      const error = new Error('settled, but not well')
      expectObservable(cold('r|').pipe(poll({ failWhen: () => error }))).toBe('(r#)', undefined, error)
    }),
  )

  it.each<[string, Partial<PollUntilOptions<string>>, string]>([
    ['until', { until: thrower }, '(a#)'],
    ['failWhen', { failWhen: thrower }, '(a#)'],
    ['stateOf', { stateOf: thrower }, '(a#)'],
    ['interval', { interval: thrower }, 'a#'],
    ['random', { interval: exponential(), random: thrower }, 'a#'],
  ])('has what %s throws as its error', (_name, options, expected) => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const answer = cold('a|')
      expectObservable(answer.pipe(poll(options))).toBe(expected, undefined, thrown)
      expectSubscriptions(answer.subscriptions).toBe(expected === 'a#' ? '^!' : '(^!)')
    })()
  })

  it.each([NaN, -1])('has a backoff that returns %s as its error', (pauseMs) => {
    marbles(({ cold, expectObservable }) => {
      const error = new TypeError(`interval must return milliseconds, but returned ${String(pauseMs)}`)
      expectObservable(cold('a|').pipe(poll({ interval: () => pauseMs }))).toBe('a#', undefined, error)
    })()
  })

  it(
    'waits for a backoff, at least 1 ms and at most what a timer can hold',
    marbles((helpers) => {
      const pauses = [0, 2.4, Infinity]
      const polls = ['a|', 'b|', 'c|', '(r|)'].map((answer) => helpers.cold(answer))
      const interval: Backoff<string> = ({ attempt }) => pauses[attempt - 1] ?? 1
      const longest = `${String(MAX_DELAY_MS)}ms`
      helpers.expectObservable(answering(polls).pipe(poll({ interval }))).toBe(`a-b---c ${longest} (r|)`)
      expectEach(helpers, polls, ['^!', '--^!', '------^!', `------- ${longest} (^!)`])
    }),
  )

  it(
    'tells the backoff the polls made, the time, the last value and the chance',
    marbles(({ cold, expectObservable, flush, random }) => {
      const interval = vi.fn<Backoff<string>>(() => 3)
      const answers = [cold('-|'), cold('-a|'), cold('-b|'), cold('(r|)')]
      expectObservable(answering(answers).pipe(poll({ interval, random }))).toBe('-----a----b---(r|)')
      flush()
      expect(interval.mock.calls).toEqual([
        [{ attempt: 1, elapsedMs: 1, input: undefined, random }],
        [{ attempt: 2, elapsedMs: 6, input: 'a', random }],
        [{ attempt: 3, elapsedMs: 11, input: 'b', random }],
      ])
    }),
  )

  describe('history', () => {
    const historyOf = (answers: readonly string[]): unknown => {
      const seen: unknown[] = []
      const scheduler = new VirtualTimeScheduler()
      answering(answers.map((answer) => of(...answer.split(''))))
        .pipe(poll({ stateOf: (value) => value, maxPolls: answers.length, interval: 10, scheduler }))
        .subscribe({
          error: (error: unknown) => {
            seen.push((error as PollTimeoutError).history)
          },
        })
      scheduler.flush()
      expect(seen).toHaveLength(1)
      return seen[0]
    }

    it('has equal states in a row as one entry', () => {
      expect(historyOf(['a', 'a', '', 'b', 'b', 'b', 'a'])).toEqual([
        { state: 'a', sinceMs: 0, polls: 2 },
        { state: 'b', sinceMs: 30, polls: 3 },
        { state: 'a', sinceMs: 60, polls: 1 },
      ])
    })

    it('counts polls and not values', () => {
      expect(historyOf(['aa', 'aab', 'bb'])).toEqual([
        { state: 'a', sinceMs: 0, polls: 2 },
        { state: 'b', sinceMs: 10, polls: 2 },
      ])
    })

    it('keeps the beginning and the end of a long story', () => {
      const history = historyOf(Array.from({ length: 1_000 }, (_, index) => (index % 2 === 0 ? 'a' : 'b')))
      const since = (history as { sinceMs: number }[]).map(({ sinceMs }) => sinceMs)
      expect(since).toHaveLength(100)
      expect(since.slice(0, 12)).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 9_100, 9_110])
      expect(since.at(-1)).toBe(9_990)
    })
  })

  describe('re-entrancy', () => {
    it('closes a synchronous source in the moment of the value waited for', () => {
      const made: number[] = []
      const seen: number[] = []
      const teardown = vi.fn()
      const endless = new Observable<number>((subscriber) => {
        for (let value = 1; !subscriber.closed; value += 1) {
          made.push(value)
          subscriber.next(value)
        }
        subscriber.add(teardown)
      })
      endless.pipe(pollUntil({ until: (value) => value === 3 })).subscribe((value) => seen.push(value))
      expect(seen).toEqual([1, 2, 3])
      expect(made).toEqual([1, 2, 3])
      expect(teardown).toHaveBeenCalledOnce()
    })

    it('closes a synchronous source when its listener leaves', () => {
      const made: number[] = []
      const endless = new Observable<number>((subscriber) => {
        for (let value = 1; !subscriber.closed; value += 1) {
          made.push(value)
          subscriber.next(value)
        }
      })
      endless.pipe(pollUntil({ until: () => false }), take(2)).subscribe()
      expect(made).toEqual([1, 2])
    })

    it('unsubscribes from a source that does not complete after the value waited for', () => {
      const teardown = vi.fn()
      const source = concat(of('a', 'r'), NEVER).pipe(tap({ unsubscribe: teardown }))
      const seen: string[] = []
      source.pipe(poll()).subscribe({ next: (value) => seen.push(value), complete: () => seen.push('|') })
      expect(seen).toEqual(['a', 'r', '|'])
      expect(teardown).toHaveBeenCalledOnce()
    })

    it(
      'makes no further poll after its listener has left from inside next',
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const until = vi.fn(() => false)
        const answer = cold('a|')
        expectObservable(answer.pipe(poll({ until }), take(2))).toBe('a--(a|)')
        expectSubscriptions(answer.subscriptions).toBe(['^!', '---(^!)'])
      }),
    )

    it('asks nothing of a value with which its listener has left', () => {
      const until = vi.fn(() => true)
      of('a').pipe(poll({ until }), take(1)).subscribe()
      expect(until).not.toHaveBeenCalled()
    })

    it('does not grow the stack with 100,000 synchronous polls', () => {
      const scheduler = new VirtualTimeScheduler()
      let polls = 0
      let done = 0
      defer(() => of((polls += 1)))
        .pipe(pollUntil({ until: (value) => value === 100_000, interval: 1, scheduler }))
        .subscribe({ complete: () => (done += 1) })
      scheduler.flush()
      expect([polls, done, scheduler.frame]).toEqual([100_000, 1, 99_999])
    })

    it('does not grow the stack when 100,000 synchronous polls are cancelled', () => {
      const scheduler = new VirtualTimeScheduler()
      const wait = EMPTY.pipe(
        pollUntil({ until: () => true, interval: 1, timeout: 1e9, scheduler }),
      ).subscribe()
      scheduler.maxFrames = 100_000
      scheduler.flush()
      expect(scheduler.actions).toHaveLength(1)
      wait.unsubscribe()
      expect(scheduler.actions).toHaveLength(0)
    })
  })

  it('asks for no pause after the end', () => {
    const interval = vi.fn(() => 1)
    of('r').pipe(poll({ interval })).subscribe()
    expect(interval).not.toHaveBeenCalled()
  })

  it('has one timer, whatever the number of polls', () => {
    const scheduler = new VirtualTimeScheduler()
    const slow = timer(3, scheduler).pipe(map(() => 'a'))
    const wait = slow.pipe(poll({ timeout: 1e9, scheduler })).subscribe()
    for (const frame of [100, 101, 102, 103, 104, 105]) {
      scheduler.maxFrames = frame
      scheduler.flush()
      // During a poll, its own timer beside ours.
      expect(scheduler.actions.length).toBeLessThanOrEqual(2)
    }
    wait.unsubscribe()
    expect(scheduler.actions).toHaveLength(0)
  })

  it(
    'keeps its state to each subscription',
    marbles(({ cold, hot, expectObservable }) => {
      const source = cold('a|').pipe(poll({ maxPolls: 2 }))
      const late = hot('-s').pipe(take(1))
      const error = new PollTimeoutError('the value waited for did not come in 2 polls and 4 ms', {
        polls: 2,
        elapsedMs: 4,
        last: 'a',
      })
      expectObservable(source).toBe('a--a#', undefined, error)
      expectObservable(concat(late.pipe(filter(() => false)), source)).toBe('-a--a#', undefined, error)
    }),
  )

  it('holds no timer of the process after it has been cancelled', () => {
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
    const before = timers()
    const pausing = of('a')
      .pipe(poll({ interval: 60_000 }))
      .subscribe()
    const hanging = NEVER.pipe(poll({ timeout: 60_000 })).subscribe()
    expect(timers()).toBe(before + 2)
    pausing.unsubscribe()
    hanging.unsubscribe()
    expect(timers()).toBe(before)
  })

  it.each<[string, Partial<PollUntilOptions<string>>]>([
    ['interval', { interval: 0 }],
    ['interval', { interval: -1 }],
    ['interval', { interval: NaN }],
    ['interval', { interval: Infinity }],
    ['interval', { interval: '5' as unknown as number }],
    ['initialDelay', { initialDelay: -1 }],
    ['initialDelay', { initialDelay: NaN }],
    ['initialDelay', { initialDelay: Infinity }],
    ['timeout', { timeout: 0 }],
    ['timeout', { timeout: NaN }],
    ['maxPolls', { maxPolls: 0 }],
    ['maxPolls', { maxPolls: 1.5 }],
    ['until', { until: 'ACTIVE' as unknown as () => boolean }],
  ])('names the wrong option %s of %o when it is called', (name, options) => {
    expect(() => poll(options)).toThrow(TypeError)
    expect(() => poll(options)).toThrow(new RegExp(`^${name} must be`))
  })

  it(
    'has an example that runs',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const answers = [
        cold('--b|', { b: { status: 'BUILD' } }),
        cold('--b|', { b: { status: 'BUILD' } }),
        cold('--a|', { a: { status: 'ACTIVE' } }),
      ]
      let asked = 0
      const get = vi.fn(() => defer(() => answers[asked++] ?? NEVER))
      const server = runExample('operators/poll-until', { cloud: { servers: { get } }, pollUntil })
      expectObservable((server as Observable<{ status: string }>).pipe(map(({ status }) => status))).toBe(
        '--b 2002ms b 2002ms (a|)',
        { a: 'ACTIVE', b: 'BUILD' },
      )
      expect(get).toHaveBeenCalledWith(42, { retry: false })
      expectSubscriptions(answers[2]?.subscriptions ?? []).toBe('4006ms ^-!')
    }),
  )
})

describe('the types of pollUntil', () => {
  interface Building {
    readonly status: 'BUILD'
    readonly progress: number
  }
  interface Active {
    readonly status: 'ACTIVE'
    readonly address: string
  }
  type Server = Building | Active
  const servers = of<Server>({ status: 'ACTIVE', address: '192.0.2.1' })
  const isActive = (server: Server): server is Active => server.status === 'ACTIVE'

  it('take the value from the source', () => {
    const polled = servers.pipe(pollUntil({ until: (server) => 'address' in server }))
    expectTypeOf(polled).toEqualTypeOf<Observable<Server>>()
    const failing = servers.pipe(
      pollUntil({
        until: (server: Server): boolean => server.status === 'ACTIVE',
        failWhen: (server) => server.status === 'BUILD' && server.progress < 0,
        stateOf: (server) => server.status,
        interval: ({ input }) => (input.status === 'BUILD' ? 1_000 : 5_000),
      }),
    )
    expectTypeOf(failing).toEqualTypeOf<Observable<Server>>()
  })

  it('show the interval only what a guard excludes', () => {
    const polled = servers.pipe(
      pollUntil({
        until: isActive,
        interval: ({ input }) => {
          expectTypeOf(input).toEqualTypeOf<Building>()
          return 100 - input.progress
        },
      }),
    )
    expectTypeOf(polled).toEqualTypeOf<Observable<Server>>()
    expectTypeOf(polled.pipe(filter(isActive))).toEqualTypeOf<Observable<Active>>()
  })

  it('accept backoffs that look at nothing, or at all values', () => {
    const unaware: Backoff = exponential()
    const aware: Backoff<Server> = ({ input }) => input.status.length
    expectTypeOf(servers.pipe(pollUntil({ until: isActive, interval: unaware }))).toEqualTypeOf<
      Observable<Server>
    >()
    expectTypeOf(servers.pipe(pollUntil({ until: isActive, interval: aware }))).toEqualTypeOf<
      Observable<Server>
    >()
  })

  it('refuse a backoff that looks at something else', () => {
    const other: Backoff<{ readonly colour: string }> = () => 1
    // @ts-expect-error the values have no colour
    servers.pipe(pollUntil({ until: (server) => server.status === 'ACTIVE', interval: other }))
    expectTypeOf(other).toBeFunction()
  })
})

const thrown = new Error('thrown')
function thrower(): never {
  throw thrown
}
