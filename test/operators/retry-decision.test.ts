import { describe, expect, it, vi } from 'vitest'
import { NetworkError, RateLimitError, RequestTimeoutError, ValidationError } from '../../src/errors.js'
import {
  constant,
  recordAttempts,
  resolveRetryPolicy,
  retryDecision,
  RetryBudget,
  type Failure,
  type RetryPolicyOptions,
} from '../../src/operators/index.js'
import { MAX_DELAY_MS } from '../../src/runtime.js'

const refused = new NetworkError('refused', { retryable: true })
const limited = (retryAfterMs: number): RateLimitError =>
  new RateLimitError({ status: 429, method: 'GET', url: 'https://a.test/', retryAfterMs, retryable: true })
const policy = (options: RetryPolicyOptions = {}): ReturnType<typeof resolveRetryPolicy> =>
  resolveRetryPolicy({ backoff: constant(100), ...options })
const failure = (error: unknown, attempt = 1): Failure => ({ error, attempt, elapsedMs: 7 })

describe('retryDecision', () => {
  it('retries what is transient, after the backoff', () => {
    expect(retryDecision(failure(refused), policy())).toEqual({ kind: 'retry', delayMs: 100, cost: 0 })
  })

  it('gives up what is not', () => {
    const invalid = new ValidationError({ status: 400, method: 'GET', url: 'https://a.test/' })
    expect(retryDecision(failure(invalid), policy())).toEqual({ kind: 'give-up' })
    expect(retryDecision(failure(new Error('not ours')), policy())).toEqual({ kind: 'give-up' })
  })

  it('retries at most maxRetries times, 3 unless told', () => {
    expect(retryDecision(failure(refused, 3), policy()).kind).toBe('retry')
    expect(retryDecision(failure(refused, 4), policy()).kind).toBe('give-up')
    expect(retryDecision(failure(refused, 1), policy({ maxRetries: 0 })).kind).toBe('give-up')
    expect(retryDecision(failure(refused, 1e6), policy({ maxRetries: Infinity })).kind).toBe('retry')
  })

  it('asks `when` with the error and the number of the failure', () => {
    const when = vi.fn((_error: unknown, attempt: number) => attempt === 2)
    expect(retryDecision(failure('x', 1), policy({ when })).kind).toBe('give-up')
    expect(retryDecision(failure('x', 2), policy({ when })).kind).toBe('retry')
    expect(when.mock.calls).toEqual([
      ['x', 1],
      ['x', 2],
    ])
  })

  it('tells the backoff the attempt, the time, the error and the chance', () => {
    const random = (): number => 0.5
    const backoff = vi.fn(() => 30)
    retryDecision({ error: refused, attempt: 2, elapsedMs: 900 }, policy({ backoff, random }))
    expect(backoff.mock.calls).toEqual([[{ attempt: 2, elapsedMs: 900, input: refused, random }]])
  })

  it('never waits shorter than the server asked, nor shorter than the backoff', () => {
    expect(retryDecision(failure(limited(2_000)), policy())).toMatchObject({ delayMs: 2_000 })
    expect(retryDecision(failure(limited(20)), policy())).toMatchObject({ delayMs: 100 })
    expect(retryDecision(failure(limited(2_000.2)), policy())).toMatchObject({ delayMs: 2_001 })
    expect(retryDecision(failure(refused), policy({ hint: () => 300 }))).toMatchObject({ delayMs: 300 })
  })

  it('gives up when the server asks for more than maxHintMs, 60 s unless told', () => {
    expect(retryDecision(failure(limited(60_000)), policy())).toMatchObject({ delayMs: 60_000 })
    expect(retryDecision(failure(limited(60_001)), policy())).toEqual({ kind: 'give-up' })
    expect(retryDecision(failure(limited(11)), policy({ maxHintMs: 10 }))).toEqual({ kind: 'give-up' })
    const patient = policy({ maxHintMs: Infinity })
    expect(retryDecision(failure(limited(MAX_DELAY_MS)), patient)).toMatchObject({ delayMs: MAX_DELAY_MS })
    expect(retryDecision(failure(limited(MAX_DELAY_MS + 1)), patient)).toEqual({ kind: 'give-up' })
    expect(retryDecision(failure(limited(Infinity)), patient)).toEqual({ kind: 'give-up' })
  })

  it.each([NaN, -5, undefined])('does not mind a hint of %s', (hint) => {
    expect(retryDecision(failure(refused), policy({ hint: () => hint }))).toMatchObject({ delayMs: 100 })
  })

  it.each([
    [NaN, 0],
    [-3, 0],
    [Infinity, MAX_DELAY_MS],
    [0.5, 1],
  ])('makes of a backoff of %s a delay of %s', (pause, delayMs) => {
    expect(retryDecision(failure(refused), policy({ backoff: () => pause }))).toMatchObject({ delayMs })
  })

  it('takes from the budget, and gives up while it is empty', () => {
    const budget = new RetryBudget({ capacity: 12 })
    const late = new RequestTimeoutError('late', { retryable: true })
    expect(retryDecision(failure(late), policy(), budget)).toMatchObject({ cost: 10 })
    expect(retryDecision(failure(refused), policy(), budget)).toEqual({ kind: 'give-up' })
    expect(budget.available).toBe(2)
    budget.refund(10)
    expect(retryDecision(failure(refused), policy(), budget)).toMatchObject({ cost: 5 })
  })

  it('takes nothing from the budget for what is not retried', () => {
    const budget = new RetryBudget()
    retryDecision(failure(new Error('no')), policy(), budget)
    retryDecision(failure(refused, 9), policy(), budget)
    retryDecision(failure(limited(1e9)), policy(), budget)
    expect(budget.available).toBe(500)
  })
})

describe('resolveRetryPolicy', () => {
  it.each([
    ['maxRetries', { maxRetries: -1 }],
    ['maxRetries', { maxRetries: NaN }],
    ['maxRetries', { maxRetries: 1.5 }],
    ['maxHintMs', { maxHintMs: -1 }],
    ['maxHintMs', { maxHintMs: NaN }],
  ])('names the wrong option %s of %o', (name, options) => {
    expect(() => resolveRetryPolicy(options)).toThrow(TypeError)
    expect(() => resolveRetryPolicy(options)).toThrow(new RegExp(`^${name} must be`))
  })

  it('keeps what is given and fills in the rest', () => {
    const backoff = constant(1)
    const resolved = resolveRetryPolicy({ backoff, maxRetries: undefined })
    expect(resolved).toMatchObject({ backoff, maxRetries: 3, maxHintMs: 60_000 })
    expect(resolved.when(refused, 1)).toBe(true)
    expect(resolved.hint(limited(5))).toBe(5)
  })
})

describe('recordAttempts', () => {
  it('writes on the same error, if it is ours', () => {
    const error = new NetworkError('refused')
    expect(recordAttempts(error, 4, 900)).toBe(error)
    expect(error).toMatchObject({ attempts: 4, totalDelayMs: 900 })
    const foreign = new Error('not ours')
    expect(recordAttempts(foreign, 4, 900)).toBe(foreign)
    expect(foreign).not.toHaveProperty('attempts')
  })

  it('keeps the larger numbers of an inner retry', () => {
    const error = recordAttempts(new NetworkError('refused'), 4, 900)
    recordAttempts(error, 1, 0)
    expect(error).toMatchObject({ attempts: 4, totalDelayMs: 900 })
  })
})
