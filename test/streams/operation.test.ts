import { EMPTY, of, take, throwError, toArray, type Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  NetworkError,
  NotFoundError,
  OperationFailedError,
  PollTimeoutError,
  ServerError,
  ValidationError,
  type OperationRef,
} from '../../src/errors.js'
import type { OperationEvent } from '../../src/streams/events.js'
import {
  checkWatchOptions,
  submitAndWatch,
  watchOperation,
  type OperationWatch,
  type Verdict,
  type WatchOptions,
} from '../../src/streams/operation.js'
import { marbles, type MarbleHelpers } from '../../src/testing/marbles.js'

interface Thing {
  readonly status: string
  readonly percent?: number
}
type Event = OperationEvent<Thing, string>

const ref: OperationRef = { cloud: 'synnefo', operation: 'test.things.build', args: { id: 1 } }
const building: Thing = { status: 'BUILD' }
const active: Thing = { status: 'ACTIVE' }
const broken: Thing = { status: 'ERROR' }

function classify({ status, percent }: Thing): Verdict<string> {
  const state = { state: status, percent }
  if (status === 'ACTIVE') return { kind: 'done', ...state, result: 'built' }
  if (status === 'ERROR') return { kind: 'failed', ...state, reason: 'thing 1 broke' }
  return { kind: 'pending', ...state }
}

/** Looks that follow each other, the last one again and again. */
function looks(
  polls: readonly Observable<Thing>[],
  rest: Partial<OperationWatch<Thing, string>> = {},
): OperationWatch<Thing, string> {
  let count = 0
  return {
    ref,
    poll: () => polls[Math.min(count++, polls.length - 1)]!,
    classifier: () => classify,
    ...rest,
  }
}

const progress = (thing: Thing, polls: number, elapsedMs: number, percent?: number): Event => ({
  kind: 'progress',
  ref,
  state: thing.status,
  ...(percent === undefined ? {} : { percent }),
  snapshot: thing,
  polls,
  elapsedMs,
})
const done = (polls: number, elapsedMs: number): Event => ({
  kind: 'done',
  ref,
  result: 'built',
  polls,
  elapsedMs,
})

/** All events with the time of each, and the end, in virtual time. */
function record(
  polls: readonly (Thing | Error | Observable<Thing>)[],
  options: WatchOptions = { interval: 10 },
  rest: Partial<OperationWatch<Thing, string>> = {},
) {
  const events: Event[] = []
  const times: number[] = []
  const end: { error?: unknown; completed: boolean } = { completed: false }
  marbles(({ runtime, flush }: MarbleHelpers) => {
    const answers = polls.map((poll) =>
      poll instanceof Error ? throwError(() => poll) : 'subscribe' in poll ? poll : of(poll),
    )
    watchOperation(looks(answers, rest), options, runtime).subscribe({
      next: (event) => {
        events.push(event)
        times.push(runtime.scheduler.now())
      },
      error: (error: unknown) => (end.error = error),
      complete: () => (end.completed = true),
    })
    flush()
  })()
  return { events, times, kinds: events.map(({ kind }) => kind), ...end }
}

const busy = (retryAfterMs?: number): ServerError =>
  new ServerError({ status: 503, method: 'GET', url: 'x', retryable: true, retryAfterMs })
const missing = (): NotFoundError => new NotFoundError({ status: 404, method: 'GET', url: 'x' })

describe('watchOperation', () => {
  it('looks for the first time after the initial delay, if there is room for it', () => {
    const late = { interval: 10, initialDelay: 30 }
    expect(record([building, active], late).times).toEqual([30, 40, 40])
    expect(record([building, active], { ...late, timeout: 20 }).times).toEqual([0, 10, 10])
    expect(() => record([active], { initialDelay: -1 })).toThrow('initialDelay')
  })

  it('tolerates the errors that it is told to, and no others', () => {
    const tolerates = (error: Error): boolean => error instanceof NotFoundError
    expect(record([missing(), missing(), active], { interval: 10 }, { tolerates }).kinds).toEqual([
      'retrying',
      'retrying',
      'progress',
      'done',
    ])
    expect(record([busy(), active], { interval: 10 }, { tolerates })).toMatchObject({
      kinds: [],
      error: { status: 503 },
    })
  })

  it('waits for a verdict that has to be asked for, whose errors are those of the poll', () => {
    const verdicts: Observable<Verdict<string>>[] = [
      of({ kind: 'pending', state: 'BUILD' }),
      throwError(() => busy()),
      of({ kind: 'done', state: 'ACTIVE', result: 'built' }),
    ]
    let asked = 0
    const classifier = () => () => verdicts[asked++]!
    const outcome = record([building], { interval: 10 }, { classifier })
    expect(outcome.kinds).toEqual(['progress', 'retrying', 'progress', 'done'])
    expect(outcome.times).toEqual([0, 10, 20, 20])
    expect(outcome.completed).toBe(true)
  })

  it(
    'tells a new message, and what else is notable, like a change of state',
    marbles(({ cold, runtime, expectObservable }) => {
      const verdicts: Verdict<string>[] = [
        { kind: 'pending', state: 'BUILD', message: 'copying' },
        { kind: 'pending', state: 'BUILD', message: 'copying' },
        { kind: 'pending', state: 'BUILD', message: 'booting' },
        { kind: 'pending', state: 'BUILD', message: 'booting', notable: 'https://203.0.113.9' },
        { kind: 'done', state: 'ACTIVE', result: 'built' },
      ]
      let looked = 0
      const watch: OperationWatch<Thing, string> = {
        ref,
        poll: () => cold<Thing>('(a|)', { a: building }),
        classifier: () => () => verdicts[looked++]!,
      }
      const saying = (message: string, polls: number, elapsedMs: number): Event => ({
        kind: 'progress',
        ref,
        state: 'BUILD',
        message,
        snapshot: building,
        polls,
        elapsedMs,
      })
      expectObservable(watchOperation(watch, { interval: 10 }, runtime)).toBe(
        'a-------------------b---------c---------(de|)',
        {
          a: saying('copying', 1, 0),
          b: saying('booting', 3, 20),
          c: saying('booting', 4, 30),
          d: { kind: 'progress', ref, state: 'ACTIVE', snapshot: building, polls: 5, elapsedMs: 40 },
          e: done(5, 40),
        },
      )
    }),
  )

  it(
    'polls at once and an interval after each answer, and ends with done',
    marbles(({ cold, runtime, expectObservable, expectSubscriptions }) => {
      const polls = [
        cold<Thing>('-(a|)', { a: building }),
        cold<Thing>('-(b|)', { b: { ...building, percent: 50 } }),
        cold<Thing>('-(c|)', { c: active }),
      ]
      expectObservable(watchOperation(looks(polls), { interval: 10 }, runtime)).toBe(
        '-a----------b----------(cd|)',
        {
          a: progress(building, 1, 1),
          b: progress({ ...building, percent: 50 }, 2, 12, 50),
          c: progress(active, 3, 23, 50),
          d: done(3, 23),
        },
      )
      expectSubscriptions(polls[0]!.subscriptions).toBe('^!')
      expectSubscriptions(polls[1]!.subscriptions).toBe('-----------^!')
      expectSubscriptions(polls[2]!.subscriptions).toBe('----------------------^!')
    }),
  )

  it(
    'unsubscribing closes the poll under way, or the pause',
    marbles(({ cold, runtime, expectObservable, expectSubscriptions }) => {
      const slow = cold<Thing>('-----(a|)', { a: building })
      expectObservable(watchOperation(looks([slow]), { interval: 10 }, runtime), '^--!').toBe('---')
      const quick = cold<Thing>('(a|)', { a: building })
      expectObservable(watchOperation(looks([quick]), { interval: 10 }, runtime), '^----!').toBe('a', {
        a: progress(building, 1, 0),
      })
      expectSubscriptions(slow.subscriptions).toBe('^--!')
      expectSubscriptions(quick.subscriptions).toBe('(^!)')
    }),
  )

  it('is cold, and remembers nothing between subscriptions', () => {
    let classifiers = 0
    marbles(({ runtime, expectObservable }) => {
      const rest = {
        classifier: () => {
          classifiers += 1
          return classify
        },
      }
      const events = watchOperation(looks([of(active)], rest), {}, runtime)
      expect(classifiers).toBe(0)
      const expected = { a: progress(active, 1, 0), d: done(1, 0) }
      expectObservable(events).toBe('(ad|)', expected)
      expectObservable(events).toBe('(ad|)', expected)
    })()
    expect(classifiers).toBe(2)
  })

  it('emits progress for changes only, or for every poll', () => {
    const polls = [building, building, { ...building, percent: 10 }, { ...building, percent: 10 }, active]
    expect(record(polls).kinds).toEqual(['progress', 'progress', 'progress', 'done'])
    expect(record(polls, { interval: 10, distinct: false }).kinds).toEqual([
      'progress',
      'progress',
      'progress',
      'progress',
      'progress',
      'done',
    ])
  })

  it('never lets the percentage fall, and keeps it when it is left out', () => {
    const at = (percent?: number): Thing => (percent === undefined ? building : { ...building, percent })
    const { events } = record([at(10), at(60), at(40), at(), at(70), active])
    expect(events.map((event) => (event.kind === 'progress' ? event.percent : event.kind))).toEqual([
      10,
      60,
      70,
      70,
      'done',
    ])
    expect(events[2]).toMatchObject({ snapshot: at(70), polls: 5 })
  })

  it('emits the failing snapshot, then errors with it and the history', () => {
    const { events, error } = record([building, building, broken])
    expect(events.at(-1)).toEqual(progress(broken, 3, 20))
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error).toMatchObject({
      message: 'test.things.build: thing 1 broke',
      cloud: 'synnefo',
      operation: 'test.things.build',
      ref,
      state: 'ERROR',
      snapshot: broken,
      history: [
        { state: 'BUILD', sinceMs: 0, polls: 2 },
        { state: 'ERROR', sinceMs: 20, polls: 1 },
      ],
    })
  })

  it('emits the failing snapshot even where the state did not change', () => {
    let looked = 0
    const classifier = () => (): Verdict<string> =>
      ++looked === 1
        ? { kind: 'pending', state: 'STOPPED' }
        : { kind: 'failed', state: 'STOPPED', reason: 'did not start' }
    const { kinds, error } = record([building], { interval: 10 }, { classifier })
    expect(kinds).toEqual(['progress', 'progress'])
    expect(error).toBeInstanceOf(OperationFailedError)
  })

  it('tolerates failing polls, tells of them, and waits no less than the server asks', () => {
    const { events, times, completed } = record([building, busy(), busy(500), active])
    expect(events.map(({ kind }) => kind)).toEqual(['progress', 'retrying', 'retrying', 'progress', 'done'])
    expect(events.slice(1, 3)).toMatchObject([
      { attempt: 1, delayMs: 10, ref },
      { attempt: 2, delayMs: 500, ref },
    ])
    expect(times).toEqual([0, 10, 20, 520, 520])
    expect(events.at(-1)).toEqual(done(4, 520))
    expect(completed).toBe(true)
  })

  it('tells the whole milliseconds that are really waited', () => {
    const { events, times } = record([busy(), active], { interval: () => 7.2 })
    expect(events[0]).toMatchObject({ kind: 'retrying', delayMs: 8 })
    expect(times).toEqual([0, 8, 8])
  })

  it('gives up after so many failures in a row, and a good poll makes it count anew', () => {
    const errors = Array.from({ length: 5 }, () => busy())
    const failed = record(errors)
    expect(failed.kinds).toEqual(['retrying', 'retrying', 'retrying', 'retrying'])
    expect(failed.error).toBe(errors[4])
    const limited = record([busy(), building, busy(), busy()], { interval: 10, maxConsecutiveErrors: 2 })
    expect(limited.kinds).toEqual(['retrying', 'progress', 'retrying'])
    const none = record([busy()], { maxConsecutiveErrors: 1 })
    expect([none.kinds, (none.error as ServerError).status]).toEqual([[], 503])
  })

  it('does not tolerate what no waiting mends', () => {
    const wrong = new ValidationError({ status: 400, method: 'GET', url: 'x' })
    expect(record([building, wrong])).toMatchObject({ kinds: ['progress'], error: wrong })
    const bug = new TypeError('bug')
    expect(record([bug])).toMatchObject({ kinds: [], error: bug })
    const thrown = new Error('classifier')
    const classifier = () => () => {
      throw thrown
    }
    expect(record([building], {}, { classifier }).error).toBe(thrown)
  })

  it('a poll that finds nothing any more can be the end', () => {
    const seen: unknown[] = []
    const gone = (error: Error, last: Thing | undefined) => {
      seen.push([error, last])
      return { result: 'removed' }
    }
    const error = missing()
    const { events, completed } = record([building, error], { interval: 10 }, { gone })
    expect(events).toEqual([
      progress(building, 1, 0),
      { kind: 'done', ref, result: 'removed', polls: 2, elapsedMs: 10 },
    ])
    expect(completed).toBe(true)
    expect(seen).toEqual([[error, building]])
    const notGone = record([error], {}, { gone: () => undefined })
    expect(notGone.error).toBe(error)
  })

  it('a timeout tells last snapshot, history and ref', () => {
    const { events, error } = record([building, busy(), building], { interval: 10, timeout: 25 })
    expect(events.length).toBeGreaterThan(1)
    expect(error).toBeInstanceOf(PollTimeoutError)
    expect(error).toMatchObject({ last: building, ref, cloud: 'synnefo', operation: 'test.things.build' })
    expect((error as PollTimeoutError).history).toMatchObject([{ state: 'BUILD', sinceMs: 0 }])
    expect((error as Error).message).toMatch(
      /^test\.things\.build: not over after \d+ ms and \d+ polls; last state BUILD$/,
    )
  })

  it(
    'a timeout ends a poll that hangs',
    marbles(({ cold, runtime, expectObservable, expectSubscriptions }) => {
      const hanging = cold<Thing>('------------')
      const events = watchOperation(looks([hanging]), { timeout: 5 }, runtime)
      expectObservable(events.pipe(toArray())).toBe(
        '-----#',
        undefined,
        new PollTimeoutError('test.things.build: not over after 5 ms and 1 polls; last state unknown', {
          cloud: 'synnefo',
          operation: 'test.things.build',
          polls: 1,
          elapsedMs: 5,
          history: [],
          ref,
        }),
      )
      expectSubscriptions(hanging.subscriptions).toBe('^----!')
    }),
  )

  it('polls faster after a change, slower while nothing moves', () => {
    const times: number[] = []
    marbles(({ runtime, flush }) => {
      const states = ['a', 'a', 'a', 'b', 'b', 'ACTIVE']
      watchOperation(
        {
          ...looks([EMPTY]),
          poll: () => {
            times.push(runtime.scheduler.now())
            return of({ status: states.shift() ?? '' })
          },
        },
        {},
        { ...runtime, random: () => 0 },
      ).subscribe()
      flush()
    })()
    expect(times).toEqual([0, 1_000, 2_500, 4_750, 5_750, 7_250])
  })

  it('a signal ends the wait with its reason', () => {
    marbles(({ runtime, cold, flush }) => {
      const controller = new AbortController()
      const errors: unknown[] = []
      const poll = cold<Thing>('-----(a|)', { a: building })
      watchOperation(looks([poll]), { signal: controller.signal }, runtime).subscribe({
        error: (error) => errors.push(error),
      })
      cold('--x').subscribe(() => {
        controller.abort('enough')
      })
      flush()
      expect(errors).toEqual(['enough'])
      expect(poll.subscriptions).toMatchObject([{ subscribedFrame: 0, unsubscribedFrame: 2 }])
    })()
  })

  it('leaving from within an event leaves nothing', () => {
    let polls = 0
    const poll = () => {
      polls += 1
      return of(building)
    }
    const kinds: string[] = []
    marbles(({ runtime, flush }) => {
      watchOperation({ ...looks([EMPTY]), poll }, { interval: 10 }, runtime)
        .pipe(take(1))
        .subscribe(({ kind }) => kinds.push(kind))
      watchOperation(looks([of(active)]), {}, runtime)
        .pipe(take(1))
        .subscribe(({ kind }) => kinds.push(kind))
      flush()
    })()
    expect([polls, kinds]).toEqual([1, ['progress', 'progress']])
  })
})

describe('checkWatchOptions', () => {
  it.each([
    [{ interval: 0 }, 'interval'],
    [{ interval: -1 }, 'interval'],
    [{ interval: Number.NaN }, 'interval'],
    [{ timeout: 0 }, 'timeout'],
    [{ timeout: Number.NaN }, 'timeout'],
    [{ maxConsecutiveErrors: 0 }, 'maxConsecutiveErrors'],
    [{ maxConsecutiveErrors: 1.5 }, 'maxConsecutiveErrors'],
    [{ maxConsecutiveErrors: Number.NaN }, 'maxConsecutiveErrors'],
  ])('refuses %j by name, when the watch is made', (options, name) => {
    expect(() => {
      checkWatchOptions(options)
    }).toThrow(TypeError)
    marbles(({ runtime }) => {
      expect(() => watchOperation(looks([EMPTY]), options, runtime)).toThrow(`${name}: `)
    })()
  })

  it('accepts limits that are none', () => {
    expect(() => {
      checkWatchOptions({ timeout: Infinity, maxConsecutiveErrors: Infinity, interval: () => 1 })
    }).not.toThrow()
  })
})

describe('submitAndWatch', () => {
  it(
    'submits, tells the ref, then watches',
    marbles(({ cold, runtime, expectObservable, expectSubscriptions }) => {
      const submit = cold('--(s|)', { s: 7 })
      const poll = cold<Thing>('-(a|)', { a: active })
      const accepted: number[] = []
      const events = submitAndWatch(submit, (answer) => {
        accepted.push(answer)
        return { ref, events: watchOperation(looks([poll]), {}, runtime) }
      })
      expectObservable(events).toBe('--s(ad|)', {
        s: { kind: 'submitted', ref },
        a: progress(active, 1, 1),
        d: done(1, 1),
      })
      expectSubscriptions(submit.subscriptions).toBe('^-!')
      expectSubscriptions(poll.subscriptions).toBe('--^!')
    }),
  )

  it('the error of submitting is that of the stream, and nothing is watched', () => {
    const refused = new NetworkError('refused')
    let watched = 0
    const errors: unknown[] = []
    submitAndWatch(
      throwError(() => refused),
      () => {
        watched += 1
        return { ref, events: EMPTY }
      },
    ).subscribe({ error: (error) => errors.push(error) })
    expect([errors, watched]).toEqual([[refused], 0])
  })

  it(
    'a signal ends the submission',
    marbles(({ cold, expectSubscriptions }) => {
      const controller = new AbortController()
      const submit = cold('-----s')
      submitAndWatch(submit, () => ({ ref, events: EMPTY }), controller.signal).subscribe({
        error: () => undefined,
      })
      cold('--x').subscribe(() => {
        controller.abort()
      })
      expectSubscriptions(submit.subscriptions).toBe('^-!')
    }),
  )
})
