import type { Subscription } from 'rxjs'
import type { CloudError } from '../errors.js'
import {
  recordAttempts,
  retryDecision,
  type RetryBudget,
  type RetryDecision,
  type RetryPolicy,
} from '../operators/index.js'
import type { Runtime } from '../runtime.js'
import type { Traffic } from './traffic.js'
import type { Cancel, HttpRequest, HttpResponse, Middleware, ResponseHandler, Transport } from './types.js'

/** What the retries of one client share. */
export interface RetryContext {
  readonly policy: RetryPolicy
  /** Whether calls that say nothing are sent again. */
  readonly byDefault: boolean
  readonly budget: RetryBudget
  readonly runtime: Runtime
  readonly traffic: Traffic
}

/**
 * Sends a request again while its error says that this is safe and may help. A call can have its own number of retries
 * or none (`CallOptions.retry`), and is told of each (`CallOptions.onRetry`); what that function or one of the policy throws is
 * the call's error.
 */
export function retry(context: RetryContext): Middleware {
  const { byDefault } = context
  return (next) => (request, handler) =>
    (request.options.retry ?? byDefault) === false
      ? next(request, handler)
      : new Attempts(next, request, handler, context).start()
}

class Attempts implements ResponseHandler {
  readonly #next: Transport
  readonly #request: HttpRequest
  readonly #handler: ResponseHandler
  readonly #context: RetryContext
  #cancel: Cancel | undefined
  #pause: Subscription | undefined
  readonly #startedAt: number
  #attempt = 1
  #totalDelayMs = 0
  /** What the last retry took from the budget. */
  #cost = 1
  #ended = false

  constructor(next: Transport, request: HttpRequest, handler: ResponseHandler, context: RetryContext) {
    this.#next = next
    this.#request = request
    this.#handler = handler
    this.#context = context
    this.#startedAt = context.runtime.scheduler.now()
  }

  start(): Cancel {
    this.#send()
    return () => {
      this.#ended = true
      this.#pause?.unsubscribe()
      this.#cancel?.()
    }
  }

  next(response: HttpResponse): void {
    if (this.#ended) return
    this.#ended = true
    this.#context.budget.refund(this.#cost)
    this.#handler.next(response)
  }

  error(error: CloudError): void {
    if (this.#ended) return
    try {
      const decision = this.#decide(error)
      if (decision.kind === 'retry') this.#retry(decision, error)
      else this.#fail(recordAttempts(error, this.#attempt, this.#totalDelayMs))
    } catch (thrown) {
      this.#fail(thrown as CloudError)
    }
  }

  #decide(error: CloudError): RetryDecision {
    // The failure of another request, such as that for the token, was tried again where it belongs.
    if ((error.operation ?? this.#request.operation.id) !== this.#request.operation.id)
      return { kind: 'give-up' }
    const { policy, budget, runtime } = this.#context
    const { retry: limit } = this.#request.options
    const elapsedMs = Math.max(0, runtime.scheduler.now() - this.#startedAt)
    return retryDecision(
      { error, attempt: this.#attempt, elapsedMs },
      typeof limit === 'number' ? { ...policy, maxRetries: limit } : policy,
      budget,
    )
  }

  #retry({ delayMs, cost }: RetryDecision & { kind: 'retry' }, error: CloudError): void {
    const { runtime, traffic } = this.#context
    const attempt = this.#attempt++
    this.#cost = cost
    this.#totalDelayMs += delayMs
    this.#cancel = undefined
    if (traffic.observed) {
      traffic.emit({ kind: 'retry', operation: this.#request.operation.id, attempt, delayMs, error })
    }
    this.#request.options.onRetry?.({ attempt, delayMs, error })
    // Whoever was told may have left.
    if (this.#ended) return
    this.#pause = runtime.scheduler.schedule(() => {
      this.#sendAgain()
    }, delayMs)
  }

  #send(): void {
    const attempt = this.#attempt
    const cancel = this.#next(this.#request, this)
    if (this.#ended) cancel()
    else if (attempt === this.#attempt) this.#cancel = cancel
  }

  /** Nobody above catches what middleware throws from here on. */
  #sendAgain(): void {
    try {
      this.#send()
    } catch (thrown) {
      this.#fail(thrown as CloudError)
    }
  }

  #fail(error: CloudError): void {
    this.#ended = true
    this.#handler.error(error)
  }
}
