import { VirtualTimeScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { NetworkError, RequestTimeoutError, ServerError, type CloudError } from '../../src/errors.js'
import { toObservable } from '../../src/http/observable.js'
import { retry, type RetryContext } from '../../src/http/retry.js'
import { createTraffic } from '../../src/http/traffic.js'
import type { HttpRequest, HttpResponse, Retry, TrafficEvent, Transport } from '../../src/http/types.js'
import {
  constant,
  resolveRetryPolicy,
  RetryBudget,
  type RetryPolicyOptions,
} from '../../src/operators/index.js'
import type { Runtime } from '../../src/runtime.js'
import { marbles } from '../../src/testing/marbles.js'
import { recorder, requestOf, responseOf, script } from './requests.js'

const cut = () => new NetworkError('cut', { retryable: true })
const busy = (retryAfterMs: number) =>
  new ServerError({ status: 503, method: 'GET', url: 'x', retryable: true, retryAfterMs })
const ok = responseOf(200)

function contextOf(
  runtime: Runtime,
  policy: RetryPolicyOptions = {},
  rest: Partial<RetryContext> = {},
): RetryContext {
  return {
    policy: resolveRetryPolicy({ backoff: constant(10), random: () => 0, ...policy }),
    byDefault: true,
    budget: new RetryBudget(),
    runtime,
    traffic: createTraffic(),
    ...rest,
  }
}

/** A run in virtual time: what was told, when requests were sent. */
function run(
  answers: readonly (HttpResponse | CloudError | 'never')[],
  options: {
    readonly request?: Partial<HttpRequest>
    readonly policy?: RetryPolicyOptions
    readonly context?: Partial<RetryContext>
  } = {},
) {
  const transport = script(...answers)
  const handler = recorder()
  const times: number[] = []
  marbles(({ runtime, flush }) => {
    const timed: Transport = (request, inner) => {
      times.push(runtime.scheduler.now())
      return transport(request, inner)
    }
    retry(contextOf(runtime, options.policy, options.context))(timed)(requestOf(options.request), handler)
    flush()
  })()
  return { times, calls: handler.calls, transport }
}

describe('retry', () => {
  it('sends again after the pause, and gives the answer', () => {
    const { times, calls } = run([cut(), cut(), ok])
    expect(times).toEqual([0, 10, 20])
    expect(calls).toEqual([ok])
  })

  it('gives the last error with attempts and pauses on it', () => {
    const errors = [cut(), cut(), cut(), cut()]
    const { times, calls } = run(errors)
    expect(times).toEqual([0, 10, 20, 30])
    expect(calls).toHaveLength(1)
    expect(calls[0]).toBe(errors[3])
    expect(calls[0]).toMatchObject({ attempts: 4, totalDelayMs: 30 })
  })

  it('sends nothing again that is not safe or of no use', () => {
    const error = new NetworkError('cut', { retryable: false })
    expect(run([error, ok]).times).toEqual([0])
    expect(error.attempts).toBe(1)
  })

  it.each([
    [false, [0]],
    [0, [0]],
    [1, [0, 10]],
    [5, [0, 10, 20, 30, 40, 50]],
    [true, [0, 10, 20, 30]],
    [undefined, [0, 10, 20, 30]],
  ] as const)('a call may ask for its own number: %s', (number, expected) => {
    const options = number === undefined ? {} : { retry: number }
    expect(run([cut()], { request: { options } }).times).toEqual(expected)
  })

  it.each([
    [undefined, [0]],
    [false, [0]],
    [2, [0, 10, 20]],
    [true, [0, 10, 20, 30]],
  ] as const)('where the client does not retry, a call that asks for it (%s) is', (number, expected) => {
    const options = number === undefined ? {} : { retry: number }
    expect(run([cut()], { request: { options }, context: { byDefault: false } }).times).toEqual(expected)
  })

  it('waits as long as the server asks, but not longer than maxHintMs', () => {
    expect(run([busy(5_000), ok]).times).toEqual([0, 5_000])
    expect(run([busy(3), ok]).times).toEqual([0, 10])
    const late = run([busy(60_001), ok])
    expect(late.times).toEqual([0])
    expect(late.calls).toMatchObject([{ retryAfterMs: 60_001, attempts: 1 }])
    expect(run([busy(60_001), ok], { policy: { maxHintMs: 100_000 } }).times).toEqual([0, 60_001])
  })

  it('tells the backoff attempt, time and error', () => {
    const steps: unknown[] = []
    const first = cut()
    run([first, busy(100), ok], {
      policy: {
        backoff: ({ attempt, elapsedMs, input }) => {
          steps.push([attempt, elapsedMs, input])
          return 7
        },
      },
    })
    expect(steps).toMatchObject([
      [1, 0, first],
      [2, 7, { status: 503 }],
    ])
  })

  it('shares a budget: what one call spends, another lacks; successes give back', () => {
    const budget = new RetryBudget({ capacity: 15, cost: 5, timeoutCost: 10 })
    expect(run([cut()], { context: { budget } }).times).toHaveLength(4)
    expect(budget.available).toBe(0)
    expect(run([cut()], { context: { budget } }).times).toEqual([0])
    for (let count = 0; count < 5; count++) run([ok], { context: { budget } })
    expect(budget.available).toBe(5)
    expect(run([cut(), ok], { context: { budget } }).times).toEqual([0, 10])
    expect(budget.available).toBe(5)
    const slow = new RequestTimeoutError('slow', { retryable: true })
    expect(run([slow], { context: { budget } }).times).toEqual([0])
  })

  it('tells onRetry and the traffic of each retry before its pause', () => {
    const retries: Retry[] = []
    const events: TrafficEvent[] = []
    const traffic = createTraffic()
    traffic.events.subscribe((event) => events.push(event))
    const error = cut()
    run([error, ok], {
      request: { options: { onRetry: (told) => retries.push(told) } },
      context: { traffic },
    })
    expect(retries).toEqual([{ attempt: 1, delayMs: 10, error }])
    expect(events).toEqual([{ kind: 'retry', operation: 'test.things.do', attempt: 1, delayMs: 10, error }])
  })

  it.each(['onRetry', 'when', 'backoff', 'hint'])('what %s throws is the error of the call', (name) => {
    const thrown = new Error('broken')
    const throwing = () => {
      throw thrown
    }
    const { times, calls } = run([cut(), ok], {
      ...(name === 'onRetry'
        ? { request: { options: { onRetry: throwing } } }
        : { policy: { [name]: throwing } }),
    })
    expect([times, calls]).toEqual([[0], [thrown]])
  })

  it('what the chain below throws at a later attempt is the error of the call', () => {
    const thrown = new Error('broken')
    const handler = recorder()
    let sent = 0
    marbles(({ runtime, flush }) => {
      retry(contextOf(runtime))((_request, inner) => {
        sent += 1
        if (sent > 1) throw thrown
        inner.error(cut())
        return () => undefined
      })(requestOf(), handler)
      flush()
    })()
    expect(handler.calls).toEqual([thrown])
  })

  it(
    'cancelling ends the request under way, and a pause',
    marbles(({ runtime, cold, expectObservable, expectSubscriptions }) => {
      const first = cold<HttpResponse>('---#', undefined, cut())
      const second = cold<HttpResponse>('-----a', { a: ok })
      const attempts = [first, second]
      let sent = 0
      const transport: Transport = (_request, inner) => {
        const subscription = attempts[sent++]!.subscribe({
          next: (response) => {
            inner.next(response)
          },
          error: (error: CloudError) => {
            inner.error(error)
          },
        })
        return () => {
          subscription.unsubscribe()
        }
      }
      const calls = toObservable(retry(contextOf(runtime))(transport))(requestOf())
      expectObservable(calls, '^------------------!').toBe('------------------(a|)', { a: ok })
      expectSubscriptions(first.subscriptions).toBe('^--!')
      expectSubscriptions(second.subscriptions).toBe('-------------^----!')
    }),
  )

  it('leaves the failure of another request alone: that for a token has its own retries', () => {
    const scheduler = new VirtualTimeScheduler()
    const runtime: Runtime = { scheduler, background: scheduler, random: () => 0 }
    const failure = new NetworkError('cut', { operation: 'test.tokens.grant', retryable: true })
    const failing = script(failure)
    const handler = recorder()
    retry(contextOf(runtime))(failing)(requestOf(), handler)
    scheduler.flush()
    expect(failing.requests).toHaveLength(1)
    expect(handler.calls).toEqual([failure])
  })

  it('cancelling in a pause, or from within onRetry, leaves nothing', () => {
    const scheduler = new VirtualTimeScheduler()
    const runtime: Runtime = { scheduler, background: scheduler, random: () => 0 }
    const pausing = script(cut())
    const handler = recorder()
    const cancel = retry(contextOf(runtime))(pausing)(requestOf(), handler)
    expect(scheduler.actions).toHaveLength(1)
    cancel()
    scheduler.flush()
    expect(pausing.requests).toHaveLength(1)

    let cancelLater: () => void = () => undefined
    let fail: () => void = () => undefined
    const told = retry(contextOf(runtime))((_request, inner) => {
      fail = () => {
        inner.error(cut())
      }
      return () => undefined
    })
    cancelLater = told(
      requestOf({
        options: {
          onRetry: () => {
            cancelLater()
          },
        },
      }),
      handler,
    )
    const before = scheduler.actions.length
    fail()
    expect(scheduler.actions).toHaveLength(before)
    expect(handler.calls).toEqual([])
  })
})
