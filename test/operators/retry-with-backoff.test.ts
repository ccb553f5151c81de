import {
  concat,
  defer,
  NEVER,
  Observable,
  of,
  queueScheduler,
  take,
  throwError,
  VirtualTimeScheduler,
  type SchedulerLike,
} from 'rxjs'
import type { RunHelpers } from 'rxjs/testing'
import { describe, expect, expectTypeOf, it, vi } from 'vitest'
import { NetworkError, RateLimitError, RequestTimeoutError, ValidationError } from '../../src/errors.js'
import {
  constant,
  exponential,
  retryWithBackoff,
  RetryBudget,
  type RetryAttempt,
  type RetryOptions,
} from '../../src/operators/index.js'
import { marbles, type MarbleHelpers } from '../../src/testing/marbles.js'
import { diagramOf, pieces, runExample, subscriptions } from './doc-comment.js'

type Cold = ReturnType<RunHelpers['cold']>

/** A source whose subscriptions get these answers in turn. */
function answering<T>(answers: readonly Observable<T>[]): Observable<T> {
  let asked = 0
  return defer(() => {
    const answer = answers[asked]
    asked += 1
    return answer ?? throwError(() => new Error('asked too often'))
  })
}

function expectEach(
  { expectSubscriptions }: RunHelpers,
  attempts: readonly Cold[],
  expected: string[],
): void {
  expect(attempts).toHaveLength(expected.length)
  attempts.forEach((attempt, index) => {
    expectSubscriptions(attempt.subscriptions).toBe(expected[index] ?? [])
  })
}

const refused = (): NetworkError => new NetworkError('refused', { retryable: true })
const limited = (retryAfterMs: number): RateLimitError =>
  new RateLimitError({ status: 429, method: 'GET', url: 'https://a.test/', retryAfterMs, retryable: true })
const pauses =
  (...milliseconds: number[]) =>
  ({ attempt }: { readonly attempt: number }) =>
    milliseconds[attempt - 1] ?? 1_000_000

const clocks: [string, (helpers: MarbleHelpers) => { scheduler?: SchedulerLike }][] = [
  ['the default scheduler', () => ({})],
  ['a given scheduler', ({ runtime }) => ({ scheduler: runtime.scheduler })],
]

describe.each(clocks)('retryWithBackoff on %s', (_name, clock) => {
  const retry = (helpers: MarbleHelpers, options: RetryOptions = {}) =>
    retryWithBackoff<string>({ when: () => true, ...clock(helpers), ...options })

  it(
    'is as drawn',
    marbles((helpers) => {
      const line = diagramOf('operators/retry-with-backoff')
      const attempts = pieces(line('attempts')).map((piece) => helpers.cold(piece.marbles))
      helpers
        .expectObservable(answering(attempts).pipe(retry(helpers, { backoff: pauses(3, 5) })))
        .toBe(line('result'))
      expectEach(helpers, attempts, subscriptions(line('requests')))
    }),
  )

  it(
    'delivers the original error after maxRetries retries, with what was done on it',
    marbles((helpers) => {
      const errors = [refused(), refused(), refused()]
      const attempts = errors.map((error) => helpers.cold('-#', undefined, error))
      const source = answering(attempts).pipe(retry(helpers, { maxRetries: 2, backoff: pauses(2, 4) }))
      const deliver = vi.fn()
      source.subscribe({ error: deliver })
      helpers.flush()
      expect(deliver.mock.calls).toEqual([[errors[2]]])
      expect(deliver.mock.calls[0]?.[0]).toBe(errors[2])
      expect(errors[2]).toMatchObject({ attempts: 3, totalDelayMs: 6 })
      expect(helpers.runtime.scheduler.now()).toBe(9)
      expectEach(helpers, attempts, ['^!', '---^!', '--------^!'])
    }),
  )

  it(
    'leaves neither source nor timer when unsubscribed during an attempt',
    marbles((helpers) => {
      const attempts = [helpers.cold('#'), helpers.cold('-a---')]
      helpers
        .expectObservable(answering(attempts).pipe(retry(helpers, { backoff: constant(2) })), '----!')
        .toBe('---a')
      expectEach(helpers, attempts, ['(^!)', '--^-!'])
      helpers.flush()
      expect(helpers.runtime.scheduler.now()).toBe(4)
    }),
  )

  it(
    'leaves no timer when unsubscribed during a pause',
    marbles((helpers) => {
      const attempts = [helpers.cold('-#')]
      helpers
        .expectObservable(answering(attempts).pipe(retry(helpers, { backoff: constant(1_000) })), '---!')
        .toBe('-')
      expectEach(helpers, attempts, ['^!'])
      helpers.flush()
      expect(helpers.runtime.scheduler.now()).toBe(3)
    }),
  )

  it(
    'retries a source that fails at once, without a pause',
    marbles((helpers) => {
      const attempts = [helpers.cold('#'), helpers.cold('#'), helpers.cold('(a|)')]
      helpers
        .expectObservable(answering(attempts).pipe(retry(helpers, { backoff: constant(0) })))
        .toBe('(a|)')
      expectEach(helpers, attempts, ['(^!)', '(^!)', '(^!)'])
    }),
  )
})

describe('retryWithBackoff', () => {
  it(
    'is the source itself while that does not fail',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b-|')
      expectObservable(source.pipe(retryWithBackoff())).toBe('-a-b-|')
      expectSubscriptions(source.subscriptions).toBe('^----!')
    }),
  )

  it(
    'retries nothing with maxRetries 0',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const error = refused()
      const source = cold('-a-#', undefined, error)
      expectObservable(source.pipe(retryWithBackoff({ maxRetries: 0 }))).toBe('-a-#', undefined, error)
      expectSubscriptions(source.subscriptions).toBe('^--!')
    }),
  )

  it(
    'retries three times by default, what is transient, in jittered steps of 200, 400 and 800 ms',
    marbles((helpers) => {
      const attempts = Array.from({ length: 4 }, () => helpers.cold('#', undefined, refused()))
      const error = refused()
      Object.assign(error, { attempts: 4, totalDelayMs: 700 })
      helpers
        .expectObservable(answering(attempts).pipe(retryWithBackoff({ random: () => 0.5 })))
        .toBe('700ms #', undefined, error)
      expectEach(helpers, attempts, ['(^!)', '100ms (^!)', '300ms (^!)', '700ms (^!)'])
    }),
  )

  it.each([
    ['an answer that will not change', new ValidationError({ status: 400, method: 'GET', url: '/' })],
    ['what is not ours', new Error('a defect')],
  ])('delivers %s at once', (_name, error) => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-#', undefined, error)
      expectObservable(source.pipe(retryWithBackoff())).toBe('-#', undefined, error)
      expectSubscriptions(source.subscriptions).toBe('^!')
    })()
  })

  it(
    'asks `when` for each failure, and stops with that one which it refuses',
    marbles((helpers) => {
      const [first, second] = [refused(), refused()]
      const when = vi.fn((_error: unknown, attempt: number) => attempt < 2)
      const attempts = [helpers.cold('#', undefined, first), helpers.cold('#', undefined, second)]
      const seen: unknown[] = []
      answering(attempts)
        .pipe(retryWithBackoff({ when, backoff: constant(3) }))
        .subscribe({ error: (error: unknown) => seen.push(error) })
      helpers.flush()
      expect(seen).toHaveLength(1)
      expect(seen[0]).toBe(second)
      expect(second).toMatchObject({ attempts: 2, totalDelayMs: 3 })
      expect(when.mock.calls).toEqual([
        [first, 1],
        [second, 2],
      ])
    }),
  )

  it(
    'waits as long as the server asked, if that is longer than the backoff',
    marbles((helpers) => {
      const attempts = [
        helpers.cold('#', undefined, limited(7)),
        helpers.cold('#', undefined, limited(2)),
        helpers.cold('(a|)'),
      ]
      helpers
        .expectObservable(answering(attempts).pipe(retryWithBackoff({ backoff: constant(4) })))
        .toBe('-----------(a|)')
      expectEach(helpers, attempts, ['(^!)', '-------(^!)', '-----------(^!)'])
    }),
  )

  it(
    'does not wait for a server that asks for more than maxHintMs',
    marbles((helpers) => {
      const error = limited(60_001)
      const attempts = [helpers.cold('-#', undefined, error)]
      helpers.expectObservable(answering(attempts).pipe(retryWithBackoff())).toBe('-#', undefined, error)
      expectEach(helpers, attempts, ['^!'])
      expect(error.retryAfterMs).toBe(60_001)
    }),
  )

  it(
    'tells of each retry before its pause',
    marbles(({ cold, flush, runtime: { scheduler } }) => {
      const told: [number, RetryAttempt][] = []
      const error = refused()
      const source = answering([cold('-#', undefined, error), cold('-#', undefined, error), cold('(a|)')])
      const onRetry = (retry: RetryAttempt): void => void told.push([scheduler.now(), retry])
      source.pipe(retryWithBackoff({ backoff: pauses(5, 9), onRetry })).subscribe()
      flush()
      expect(told).toEqual([
        [1, { attempt: 1, delayMs: 5, error }],
        [7, { attempt: 2, delayMs: 9, error }],
      ])
    }),
  )

  it(
    'tells the backoff the attempt, the time since the subscription, the error and the chance',
    marbles(({ cold, flush, random }) => {
      const errors = [refused(), refused()]
      const backoff = vi.fn(() => 4)
      const answers = [...errors.map((error) => cold('--#', undefined, error)), cold('|')]
      answering(answers).pipe(retryWithBackoff({ backoff, random })).subscribe()
      flush()
      expect(backoff.mock.calls).toEqual([
        [{ attempt: 1, elapsedMs: 2, input: errors[0], random }],
        [{ attempt: 2, elapsedMs: 8, input: errors[1], random }],
      ])
    }),
  )

  it.each<[string, RetryOptions]>([
    ['when', { when: thrower }],
    ['hint', { hint: thrower }],
    ['backoff', { backoff: thrower }],
    ['random', { random: thrower }],
    ['onRetry', { onRetry: thrower }],
  ])('has what %s throws as its error', (_name, options) => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-#', undefined, refused())
      expectObservable(source.pipe(retryWithBackoff(options))).toBe('-#', undefined, thrown)
      expectSubscriptions(source.subscriptions).toBe('^!')
    })()
  })

  it(
    'counts all failures unless a value makes them count no more',
    marbles((helpers) => {
      const attempts = ['a#', 'b#', 'c#', '(d|)'].map((answer) => helpers.cold(answer))
      const options = { when: () => true, maxRetries: 2, backoff: constant(2) }
      helpers.expectObservable(answering(attempts).pipe(retryWithBackoff(options))).toBe('a--b--c#')
      helpers
        .expectObservable(answering(attempts).pipe(retryWithBackoff({ ...options, resetOnSuccess: true })))
        .toBe('a--b--c--(d|)')
    }),
  )

  it(
    'starts the backoff anew after a value with resetOnSuccess',
    marbles((helpers) => {
      const attempts = ['#', '#', 'a#', '(b|)'].map((answer) => helpers.cold(answer))
      const options = { when: () => true, backoff: pauses(2, 5), resetOnSuccess: true }
      helpers.expectObservable(answering(attempts).pipe(retryWithBackoff(options))).toBe('-------a--(b|)')
      expectEach(helpers, attempts, ['(^!)', '--(^!)', '-------^!', '----------(^!)'])
    }),
  )

  it(
    'records what was done since the last value with resetOnSuccess',
    marbles(({ cold, flush }) => {
      const [first, second, third] = [refused(), refused(), refused()]
      const answers = [cold('#', {}, first), cold('a#', {}, second), cold('#', {}, third)]
      const error = vi.fn()
      answering(answers)
        .pipe(retryWithBackoff({ maxRetries: 1, backoff: constant(2), resetOnSuccess: true }))
        .subscribe({ error })
      flush()
      expect(error.mock.calls[0]?.[0]).toBe(third)
      expect(third).toMatchObject({ attempts: 2, totalDelayMs: 2 })
    }),
  )

  describe('the budget', () => {
    const spend = (budget: RetryBudget, answers: readonly Observable<string>[], first = false): unknown[] => {
      const scheduler = new VirtualTimeScheduler()
      const seen: unknown[] = []
      const source = answering(answers).pipe(retryWithBackoff({ budget, scheduler }))
      ;(first ? source.pipe(take(1)) : source).subscribe({
        next: (value) => seen.push(value),
        error: (error: unknown) => seen.push(error),
      })
      scheduler.flush()
      return seen
    }
    const failing = (error: unknown = refused()): Observable<string> => throwError(() => error)

    it('ends the retries when it is empty', () => {
      const budget = new RetryBudget({ capacity: 14 })
      const errors = [refused(), refused(), refused()]
      expect(spend(budget, errors.map(failing))[0]).toBe(errors[2])
      expect(errors[2]).toMatchObject({ attempts: 3 })
      expect(budget.available).toBe(4)
      expect(spend(budget, [failing(errors[0])])[0]).toBe(errors[0])
      expect(budget.available).toBe(4)
    })

    it('gets back what the retry that succeeded has cost', () => {
      const budget = new RetryBudget()
      expect(spend(budget, [failing(), failing(), of('a')])).toEqual(['a'])
      expect(budget.available).toBe(495)
      const late = new RequestTimeoutError('late', { retryable: true })
      expect(spend(budget, [failing(late), of('a')])).toEqual(['a'])
      expect(budget.available).toBe(495)
    })

    it('gets 1 for a success at the first attempt', () => {
      const budget = new RetryBudget()
      budget.take(refused())
      expect(spend(budget, [of('a', 'b', 'c')])).toEqual(['a', 'b', 'c'])
      expect(budget.available).toBe(496)
      expect(spend(budget, [of()])).toEqual([])
      expect(budget.available).toBe(497)
    })

    it('gets back also when the listener leaves with the first value', () => {
      const budget = new RetryBudget()
      expect(spend(budget, [failing(), concat(of('a'), NEVER)], true)).toEqual(['a'])
      expect(budget.available).toBe(500)
    })

    it('gets nothing back for a failure', () => {
      const budget = new RetryBudget()
      expect(spend(budget, [failing(), failing(), failing(), failing()])).toHaveLength(1)
      expect(budget.available).toBe(485)
    })
  })

  it('closes a synchronous source when its listener leaves', () => {
    const made: number[] = []
    const endless = new Observable<number>((subscriber) => {
      for (let value = 1; !subscriber.closed; value += 1) {
        made.push(value)
        subscriber.next(value)
      }
    })
    endless.pipe(retryWithBackoff(), take(2)).subscribe()
    expect(made).toEqual([1, 2])
  })

  it('does not wait when its listener leaves as it is told of the retry', () => {
    const scheduler = new VirtualTimeScheduler()
    const source = new Observable<never>((subscriber) => {
      scheduler.schedule(() => subscriber.error(refused()), 1)
    })
    const onRetry = vi.fn(() => subscription.unsubscribe())
    const subscription = source.pipe(retryWithBackoff({ onRetry, scheduler })).subscribe()
    scheduler.flush()
    expect(onRetry).toHaveBeenCalledOnce()
    expect(scheduler.actions).toHaveLength(0)
    expect(scheduler.frame).toBe(1)
  })

  it.each<[string, SchedulerLike]>([
    ['virtual time', new VirtualTimeScheduler()],
    ['the queue scheduler', queueScheduler],
  ])('does not grow the stack with 20,000 failures at once in %s', (_name, scheduler) => {
    let attempts = 0
    const done = vi.fn()
    defer(() => ((attempts += 1) > 20_000 ? of('a') : throwError(() => 'no')))
      .pipe(retryWithBackoff({ maxRetries: Infinity, when: () => true, backoff: constant(0), scheduler }))
      .subscribe({ complete: done })
    if (scheduler instanceof VirtualTimeScheduler) scheduler.flush()
    expect(attempts).toBe(20_001)
    expect(done).toHaveBeenCalledOnce()
  })

  it(
    'keeps its state to each subscription',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-#')
      const retried = source.pipe(retryWithBackoff({ when: () => true, maxRetries: 1, backoff: constant(2) }))
      expectObservable(retried).toBe('----#')
      expectObservable(retried).toBe('----#')
      expectSubscriptions(source.subscriptions).toBe(['^!', '^!', '---^!', '---^!'])
    }),
  )

  it('holds no timer of the process after it has been cancelled', () => {
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
    const before = timers()
    const waiting = throwError(refused)
      .pipe(retryWithBackoff({ backoff: constant(60_000) }))
      .subscribe()
    expect(timers()).toBe(before + 1)
    waiting.unsubscribe()
    expect(timers()).toBe(before)
  })

  it.each([
    ['maxRetries', { maxRetries: -1 }],
    ['maxRetries', { maxRetries: NaN }],
    ['maxHintMs', { maxHintMs: NaN }],
  ])('names the wrong option %s of %o when it is called', (name, options) => {
    expect(() => retryWithBackoff(options)).toThrow(TypeError)
    expect(() => retryWithBackoff(options)).toThrow(new RegExp(`^${name} must be`))
  })

  it('keeps the type of the source', () => {
    expectTypeOf(of(1).pipe(retryWithBackoff())).toEqualTypeOf<Observable<number>>()
  })
})

describe('the examples', () => {
  it(
    'of retryWithBackoff runs',
    marbles((helpers) => {
      const attempts = [helpers.cold('#', undefined, refused()), helpers.cold('(a|)')]
      const cloud = { servers: { get: () => answering(attempts) } }
      const server = runExample('operators/retry-with-backoff', {
        cloud,
        retryWithBackoff: (options: RetryOptions) => retryWithBackoff({ random: () => 0.5, ...options }),
        exponential,
      })
      helpers.expectObservable(server as Observable<string>).toBe('250ms (a|)')
      expectEach(helpers, attempts, ['(^!)', '250ms (^!)'])
    }),
  )
})

const thrown = new Error('thrown')
function thrower(): never {
  throw thrown
}
