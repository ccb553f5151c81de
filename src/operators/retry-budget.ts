import { isCloudError } from '../errors.js'
import { countOption } from './option-values.js'

export interface RetryBudgetOptions {
  /** How much there is at first and at most. Default 500. */
  readonly capacity?: number | undefined
  /** What a retry takes. Default 5. */
  readonly cost?: number | undefined
  /** What a retry takes after a timeout, which held the server longer. Default 10. */
  readonly timeoutCost?: number | undefined
}

/**
 * What all retries of a client may spend together, so that a cloud in trouble is not hit by a multiple of the
 * usual load: a retry takes from it, a success gives back, and while it is empty failures are final at once.
 *
 * @example
 * const budget = new RetryBudget({ capacity: 100 })
 * forkJoin(ids.map((id) => cloud.servers.get(id, { retry: false }).pipe(retryWithBackoff({ budget }))))
 */
export class RetryBudget {
  readonly #capacity: number
  readonly #cost: number
  readonly #timeoutCost: number
  #available: number

  constructor(options: RetryBudgetOptions = {}) {
    this.#capacity = countOption('capacity', options.capacity ?? 500, 0)
    this.#cost = countOption('cost', options.cost ?? 5, 0)
    this.#timeoutCost = countOption('timeoutCost', options.timeoutCost ?? 10, 0)
    this.#available = this.#capacity
  }

  get available(): number {
    return this.#available
  }

  /** Pays for a retry after this error. Returns what it took, or `undefined` and takes nothing if there is not enough. */
  take(error: unknown): number | undefined {
    const cost = isTimeout(error) ? this.#timeoutCost : this.#cost
    if (cost > this.#available) return undefined
    this.#available -= cost
    return cost
  }

  /** Gives back after a success: what its last retry took, or 1 for a success at the first attempt. */
  refund(amount = 1): void {
    this.#available = Math.min(this.#capacity, this.#available + amount)
  }
}

function isTimeout(error: unknown): boolean {
  return isCloudError(error) && error.code === 'SKY_NETWORK_TIMEOUT'
}
