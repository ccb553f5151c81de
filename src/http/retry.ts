import type { Subscription } from 'rxjs'
import type { CloudError } from '../errors.js'
import { recordAttempts, retryDecision, type RetryBudget, type RetryPolicy } from '../operators/index.js'
import type { Runtime } from '../runtime.js'
import type { Traffic } from './traffic.js'
import type { Cancel, HttpRequest, HttpResponse, Middleware, ResponseHandler, Transport } from './types.js'

/** What the retries of one client share. */
export interface RetryContext {
  readonly policy: RetryPolicy
  readonly budget: RetryBudget
  readonly runtime: Runtime
  readonly traffic: Traffic
}

/**
 * Sends a request again while its error says that this is safe and may help. A call can have its own number of retries
 * or none (`CallOptions.retry`), and is told of each (`CallOptions.onRetry`).
 */
export function retry(context: RetryContext): Middleware {
  return (next) => (request, handler) =>
    request.options.retry === false
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
    this.#ended = true
    this.#context.budget.refund(this.#cost)
    this.#handler.next(response)
  }

  error(error: CloudError): void {
    if (this.#ended) return
    const { policy, budget } = this.#context
    const { retry: limit } = this.#request.options
    const own = typeof limit === 'number' ? { ...policy, maxRetries: limit } : policy
    const decision = retryDecision(
      { error, attempt: this.#attempt, elapsedMs: this.#totalDelayMs },
      own,
      budget,
    )
    if (decision.kind === 'retry') {
      this.#cost = decision.cost
      this.#retryAfter(decision.delayMs, error)
    } else {
      this.#ended = true
      this.#handler.error(recordAttempts(error, this.#attempt, this.#totalDelayMs))
    }
  }

  #send(): void {
    const cancel = this.#next(this.#request, this)
    if (this.#ended) cancel()
    else this.#cancel = cancel
  }

  #retryAfter(delayMs: number, error: CloudError): void {
    const attempt = this.#attempt++
    const { runtime, traffic } = this.#context
    this.#totalDelayMs += delayMs
    this.#cancel = undefined
    if (traffic.observed) {
      traffic.emit({ kind: 'retry', operation: this.#request.operation.id, attempt, delayMs, error })
    }
    this.#request.options.onRetry?.({ attempt, delayMs, error })
    this.#pause = runtime.scheduler.schedule(() => {
      this.#send()
    }, delayMs)
  }
}
