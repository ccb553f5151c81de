import fc from 'fast-check'
import { Observable, VirtualTimeScheduler, type Subscription } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  CloudError,
  NetworkError,
  PollFailedError,
  PollTimeoutError,
  RateLimitError,
} from '../../src/errors.js'
import {
  exponential,
  pollUntil,
  retryWithBackoff,
  RetryBudget,
  type RetryAttempt,
} from '../../src/operators/index.js'
import { MAX_DELAY_MS } from '../../src/runtime.js'

/** What one subscription to the source does. */
interface Act<V> {
  readonly takesMs: number
  readonly values: readonly V[]
  /** Absent: it completes; `'hangs'`: it never ends. */
  readonly ending?: Error | 'hangs' | undefined
}
interface Log {
  readonly starts: number[]
  readonly ends: number[]
  active: number
  overlapped: boolean
}

/** A source that acts as told, and writes down when it was subscribed to and when that ended. */
function acting<V>(
  acts: readonly Act<V>[],
  rest: Act<V>,
  scheduler: VirtualTimeScheduler,
  log: Log,
): Observable<V> {
  return new Observable<V>((subscriber) => {
    const { takesMs, values, ending } = acts[log.starts.length] ?? rest
    log.starts.push(scheduler.now())
    log.active += 1
    if (log.active > 1) log.overlapped = true
    subscriber.add(() => {
      log.ends.push(scheduler.now())
      log.active -= 1
    })
    const act = (): void => {
      for (const value of values) subscriber.next(value)
      if (ending === undefined) subscriber.complete()
      else if (ending !== 'hangs') subscriber.error(ending)
    }
    if (takesMs === 0) act()
    else subscriber.add(scheduler.schedule(act, takesMs))
  })
}

interface Run<V> {
  readonly values: V[]
  readonly endings: unknown[]
  endedAt: number | undefined
  /** Timers of the operator and the source that were left when the stream ended or was cancelled. */
  timersLeft: number | undefined
}

/** Runs a stream to its end, or cancels it at that time. */
function run<V>(
  stream: Observable<V>,
  scheduler: VirtualTimeScheduler,
  cancelAt: number | undefined,
): Run<V> {
  const result: Run<V> = { values: [], endings: [], endedAt: undefined, timersLeft: undefined }
  const subscription: Subscription = stream.subscribe({
    next: (value) => result.values.push(value),
    error: (error: unknown) => {
      result.endings.push(error)
      result.endedAt = scheduler.now()
    },
    complete: () => {
      result.endings.push('completed')
      result.endedAt = scheduler.now()
    },
  })
  if (cancelAt !== undefined) {
    scheduler.schedule(() => {
      subscription.unsubscribe()
      result.timersLeft = scheduler.actions.length
    }, cancelAt)
  }
  scheduler.flush()
  return result
}

const newLog = (): Log => ({ starts: [], ends: [], active: 0, overlapped: false })
const duration = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 200 }))
const cancelAt = fc.option(fc.integer({ min: 0, max: 3_000 }), { nil: undefined })
const draws = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }))

const jitter = fc.constantFrom('full' as const, 'equal' as const, 'none' as const)
const backoffs = fc.oneof(
  fc
    .record({
      base: fc.integer({ min: 0, max: 1_000 }),
      factor: fc.double({ min: 1, max: 8, noNaN: true }),
      max: fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.constant(MAX_DELAY_MS)),
      jitter,
    })
    .map(exponential),
  fc.constantFrom(NaN, -1, Infinity, 0, 0.1, 17).map((pauseMs) => () => pauseMs),
)

describe('retryWithBackoff, whatever happens', () => {
  const failures = fc.record({
    retryable: fc.oneof(
      { weight: 4, arbitrary: fc.constant(true) },
      { weight: 1, arbitrary: fc.constant(false) },
    ),
    hintMs: fc.option(
      fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.double({ min: 0, max: 1e10, noNaN: true })),
      { nil: undefined },
    ),
  })
  const failing = failures.map(({ retryable, hintMs }) =>
    hintMs === undefined
      ? new NetworkError('refused', { retryable })
      : new RateLimitError({ status: 429, method: 'GET', url: '/', retryable, retryAfterMs: hintMs }),
  )
  const acts = fc.array(
    fc.record({
      takesMs: duration,
      values: fc.array(fc.integer(), { maxLength: 2 }),
      ending: fc.oneof({ weight: 6, arbitrary: failing }, { weight: 1, arbitrary: fc.constant(undefined) }),
    }),
    { maxLength: 12 },
  )

  it('keeps its contract', () => {
    const options = fc.record({
      maxRetries: fc.integer({ min: 0, max: 8 }),
      backoff: backoffs,
      maxHintMs: fc.constantFrom(0, 1_000, 60_000, Infinity),
    })
    const capacity = fc.integer({ min: 0, max: 40 })
    fc.assert(
      fc.property(
        acts,
        options,
        capacity,
        cancelAt,
        draws,
        (script, chosen, budgetCapacity, cancel, chance) => {
          // A shrunk script has the same error objects again.
          for (const { ending } of script) if (ending) Object.assign(ending, { attempts: 1, totalDelayMs: 0 })
          const scheduler = new VirtualTimeScheduler()
          const log = newLog()
          const told: RetryAttempt[] = []
          const budget = new RetryBudget({ capacity: budgetCapacity })
          const stream = acting(script, { takesMs: 1, values: [7] }, scheduler, log).pipe(
            retryWithBackoff({
              ...chosen,
              budget,
              scheduler,
              random: () => chance.next().value as number,
              onRetry: (retry) => told.push(retry),
            }),
          )
          const { endings, endedAt, timersLeft } = run(stream, scheduler, cancel)

          expect(log.starts.length).toBeLessThanOrEqual(chosen.maxRetries + 1)
          expect(log.overlapped).toBe(false)
          expect(log.active).toBe(0)
          expect(scheduler.actions).toHaveLength(0)
          expect(budget.available).toBeGreaterThanOrEqual(0)
          expect(budget.available).toBeLessThanOrEqual(budgetCapacity)

          told.forEach(({ attempt, delayMs, error }, index) => {
            expect(attempt).toBe(index + 1)
            expect(error).toBe(script[index]?.ending)
            expect(Number.isInteger(delayMs)).toBe(true)
            expect(delayMs).toBeGreaterThanOrEqual(0)
            expect(delayMs).toBeLessThanOrEqual(MAX_DELAY_MS)
            const hintMs = error instanceof RateLimitError ? (error.retryAfterMs ?? 0) : 0
            expect(hintMs).toBeLessThanOrEqual(chosen.maxHintMs)
            expect(delayMs).toBeGreaterThanOrEqual(hintMs)
            const next = log.starts[index + 1]
            if (next !== undefined) expect(next - (log.ends[index] ?? NaN)).toBe(delayMs)
          })

          if (cancel === undefined || (endedAt !== undefined && endedAt <= cancel)) {
            expect(endings).toHaveLength(1)
            expect(told).toHaveLength(log.starts.length - 1)
            const last = script[log.starts.length - 1]?.ending
            expect(endings[0]).toBe(last ?? 'completed')
            if (last instanceof CloudError) {
              const totalDelayMs = told.reduce((sum, { delayMs }) => sum + delayMs, 0)
              expect(last).toMatchObject({ attempts: log.starts.length, totalDelayMs })
            }
          } else {
            expect(endings).toHaveLength(0)
            expect(timersLeft).toBe(0)
            expect(Math.max(...log.starts, ...log.ends)).toBeLessThanOrEqual(cancel)
          }
        },
      ),
      { numRuns: 400 },
    )
  })
})

describe('pollUntil, whatever happens', () => {
  type State = 'pending' | 'ready' | 'failed'
  const states = fc.oneof(
    { weight: 12, arbitrary: fc.constant<State>('pending') },
    { weight: 1, arbitrary: fc.constant<State>('ready') },
    { weight: 1, arbitrary: fc.constant<State>('failed') },
  )
  const acts = fc.array(
    fc.record({
      takesMs: duration,
      values: fc.array(states, { maxLength: 3 }),
      ending: fc.oneof(
        { weight: 20, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: fc.constant('hangs' as const) },
        { weight: 1, arbitrary: fc.constant(new NetworkError('reset')) },
      ),
    }),
    { maxLength: 12 },
  )
  const sane = backoffs.filter((backoff) =>
    [1, 50].every((attempt) => backoff({ attempt, elapsedMs: 0, input: undefined, random: () => 0.5 }) >= 0),
  )

  it('keeps its contract', () => {
    const options = fc.record({
      interval: fc.oneof(fc.integer({ min: 1, max: 1_000 }), sane),
      initialDelay: duration,
      timeout: fc.integer({ min: 1, max: 5_000 }),
      maxPolls: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 8 })),
    })
    fc.assert(
      fc.property(acts, options, cancelAt, draws, (script, chosen, cancel, chance) => {
        const scheduler = new VirtualTimeScheduler()
        const log = newLog()
        const pauses: number[] = []
        const { interval, timeout, maxPolls } = chosen
        const stream = acting<State>(script, { takesMs: 3, values: ['pending'] }, scheduler, log).pipe(
          pollUntil<State>({
            ...chosen,
            until: (state) => state === 'ready',
            failWhen: (state) => state === 'failed',
            stateOf: (state) => state,
            scheduler,
            random: () => chance.next().value as number,
            interval: (step) => {
              const pauseMs = typeof interval === 'number' ? interval : interval(step)
              pauses.push(Math.min(Math.max(1, Math.ceil(pauseMs)), MAX_DELAY_MS))
              return pauseMs
            },
          }),
        )
        const { values, endings, endedAt, timersLeft } = run(stream, scheduler, cancel)
        const { starts, ends } = log

        expect(starts.length).toBeLessThanOrEqual(maxPolls)
        expect(log.overlapped).toBe(false)
        expect(log.active).toBe(0)
        expect(scheduler.actions).toHaveLength(0)

        starts.slice(1).forEach((start, index) => {
          const pauseMs = start - (ends[index] ?? NaN)
          const pollMs = (ends[index] ?? NaN) - (starts[index] ?? NaN)
          expect(pauseMs).toBeGreaterThanOrEqual(1)
          expect(pauseMs).toBeLessThanOrEqual(pauses[index] ?? NaN)
          // One as long as the one before has room; a pause of 1 ms is the least there is.
          expect(start + pollMs).toBeLessThanOrEqual(timeout + 1)
          if (pauseMs < (pauses[index] ?? NaN)) {
            // Shortened: this is the last poll.
            expect(index).toBe(starts.length - 2)
            expect((ends[index] ?? NaN) + (pauses[index] ?? NaN) + pollMs).toBeGreaterThan(timeout)
          }
        })

        const ended = endedAt !== undefined
        if (cancel === undefined || (ended && endedAt <= cancel)) {
          expect(endings).toHaveLength(1)
          const [ending] = endings
          const last = values.at(-1)
          if (ending === 'completed') expect(last).toBe('ready')
          else if (ending instanceof PollFailedError)
            expect([last, ending.value]).toEqual(['failed', 'failed'])
          else if (ending instanceof PollTimeoutError) {
            expect(ending).toMatchObject({ polls: starts.length, elapsedMs: endedAt, last })
          } else expect(ending).toBe(script[starts.length - 1]?.ending)
          expect(endedAt).toBeLessThanOrEqual(timeout)
          expect(values.slice(0, -1).filter((state) => state !== 'pending')).toEqual([])
        } else {
          expect(endings).toHaveLength(0)
          expect(timersLeft).toBe(0)
          expect(Math.max(0, ...starts, ...ends)).toBeLessThanOrEqual(cancel)
        }
      }),
      { numRuns: 400 },
    )
  })
})
