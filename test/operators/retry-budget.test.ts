import { forkJoin, of, type Observable } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import { NetworkError, RequestTimeoutError } from '../../src/errors.js'
import { RetryBudget, retryWithBackoff } from '../../src/operators/index.js'
import { runExample } from './doc-comment.js'

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

  it('has an example that runs', () => {
    const budgets: RetryBudget[] = []
    const get = (id: number): Observable<number> => of(id)
    const servers = runExample('operators/retry-budget', {
      RetryBudget,
      cloud: { servers: { get } },
      forkJoin: (sources: Observable<number>[]) => forkJoin(sources),
      ids: [1, 2],
      retryWithBackoff: (options: { budget: RetryBudget }) => {
        budgets.push(options.budget)
        return retryWithBackoff(options)
      },
    })
    const next = vi.fn()
    ;(servers as Observable<number[]>).subscribe(next)
    expect(next.mock.calls).toEqual([[[1, 2]]])
    expect(budgets).toHaveLength(2)
    expect(budgets[0]).toBe(budgets[1])
    expect(budgets[0]?.available).toBe(100)
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
