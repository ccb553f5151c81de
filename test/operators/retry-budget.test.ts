import { describe, expect, it } from 'vitest'
import { NetworkError, RequestTimeoutError } from '../../src/errors.js'
import { RetryBudget } from '../../src/operators/index.js'

const refused = new NetworkError('refused')
const late = new RequestTimeoutError('late')

describe('RetryBudget', () => {
  it('holds 500; a retry costs 5, after a timeout 10', () => {
    const budget = new RetryBudget()
    expect(budget.available).toBe(500)
    expect(budget.take(refused)).toBe(5)
    expect(budget.take(late)).toBe(10)
    expect(budget.take('not an error')).toBe(5)
    expect(budget.available).toBe(480)
  })

  it('takes nothing when there is not enough', () => {
    const budget = new RetryBudget({ capacity: 9 })
    expect(budget.take(late)).toBeUndefined()
    expect(budget.available).toBe(9)
    expect(budget.take(refused)).toBe(5)
    expect(budget.take(refused)).toBeUndefined()
    expect(budget.available).toBe(4)
  })

  it('takes the costs that it is given', () => {
    const budget = new RetryBudget({ capacity: 10, cost: 1, timeoutCost: 3 })
    expect(budget.take(refused)).toBe(1)
    expect(budget.take(late)).toBe(3)
    expect(budget.available).toBe(6)
  })

  it('gets back what a retry took, or 1, up to its capacity', () => {
    const budget = new RetryBudget({ capacity: 20 })
    budget.take(late)
    budget.refund()
    expect(budget.available).toBe(11)
    budget.refund(10)
    expect(budget.available).toBe(20)
  })

  it.each([
    ['capacity', { capacity: -1 }],
    ['cost', { cost: NaN }],
    ['timeoutCost', { timeoutCost: 1.5 }],
  ])('names the wrong option %s', (name, options) => {
    expect(() => new RetryBudget(options)).toThrow(TypeError)
    expect(() => new RetryBudget(options)).toThrow(new RegExp(`^${name} must be`))
  })
})
