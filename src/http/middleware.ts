import { ConfigurationError, redactText, redactUrl, type CloudError } from '../errors.js'
import type { Runtime } from '../runtime.js'
import type { Traffic } from './traffic.js'
import type { Cancel, HttpRequest, HttpResponse, Middleware, ResponseHandler, Transport } from './types.js'

/** Puts middleware around a transport, the first one outermost. */
export function compose(transport: Transport, ...middleware: readonly Middleware[]): Transport {
  return middleware.reduceRight((next, wrap) => wrap(next), transport)
}

/** What a user can see and change of every call, retries and token refreshes being inside it. */
export interface Hooks {
  /** Returns the request to send in its place; must not mutate it. */
  readonly request?: (request: HttpRequest) => HttpRequest
  readonly response?: (response: HttpResponse, request: HttpRequest) => void
  readonly error?: (error: CloudError, request: HttpRequest) => void
}

/** Runs the user's hooks around each call; what a hook throws is the call's error. */
export function hooks(given: Hooks): Middleware {
  return (next) => (original, handler) => {
    const request = given.request?.(original) ?? original
    return next(request, new Hooked(given, request, handler))
  }
}

class Hooked implements ResponseHandler {
  readonly #hooks: Hooks
  readonly #request: HttpRequest
  readonly #handler: ResponseHandler

  constructor(given: Hooks, request: HttpRequest, handler: ResponseHandler) {
    this.#hooks = given
    this.#request = request
    this.#handler = handler
  }

  next(response: HttpResponse): void {
    try {
      this.#hooks.response?.(response, this.#request)
    } catch (thrown) {
      this.#handler.error(thrown as CloudError)
      return
    }
    this.#handler.next(response)
  }

  error(error: CloudError): void {
    try {
      this.#hooks.error?.(error, this.#request)
    } catch (thrown) {
      this.#handler.error(thrown as CloudError)
      return
    }
    this.#handler.error(error)
  }
}

const loopback = /^https?:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i

/** Whether an origin is this machine. */
export function isLoopback(origin: string): boolean {
  return loopback.test(origin)
}

/** Refuses to speak plain http to anything but this machine: every request of ours carries a credential. */
export function requireSecure(): Middleware {
  const safe = new Set<string>()
  return (next) => (request, handler) => {
    const { origin } = request
    if (!safe.has(origin)) {
      if (!origin.startsWith('https://') && !isLoopback(origin)) {
        handler.error(insecure(request))
        return nothingToCancel
      }
      safe.add(origin)
    }
    return next(request, handler)
  }
}

function insecure({ cloud, operation, origin }: HttpRequest): ConfigurationError {
  const why =
    origin === ''
      ? 'no address is known for it'
      : `${origin} is not https and not this machine; set allowInsecure to send credentials in the clear`
  return new ConfigurationError(`${operation.id}: not sent, ${why}`, { cloud, operation: operation.id })
}

function nothingToCancel(): void {
  return
}

/** Tells `traffic` of each request on the wire and its answer; does nothing while nobody listens. */
export function observe(traffic: Traffic, { scheduler }: Runtime): Middleware {
  return (next) => (request, handler) =>
    traffic.observed
      ? next(request, new Observed(request, handler, traffic, scheduler))
      : next(request, handler)
}

class Observed implements ResponseHandler {
  readonly #operation: string
  readonly #handler: ResponseHandler
  readonly #traffic: Traffic
  readonly #clock: { now(): number }
  readonly #since: number

  constructor(request: HttpRequest, handler: ResponseHandler, traffic: Traffic, clock: { now(): number }) {
    this.#operation = request.operation.id
    this.#handler = handler
    this.#traffic = traffic
    this.#clock = clock
    this.#since = clock.now()
    const url = redactText(redactUrl(request.origin + request.path), request.secrets)
    traffic.emit({ kind: 'request', operation: this.#operation, method: request.method, url })
  }

  next(response: HttpResponse): void {
    const { status } = response
    this.#traffic.emit({ kind: 'response', operation: this.#operation, status, elapsedMs: this.#elapsedMs() })
    this.#handler.next(response)
  }

  error(error: CloudError): void {
    this.#traffic.emit({ kind: 'failure', operation: this.#operation, error, elapsedMs: this.#elapsedMs() })
    this.#handler.error(error)
  }

  #elapsedMs(): number {
    return Math.max(0, this.#clock.now() - this.#since)
  }
}

/** Cancels whichever of several steps is under way. */
export class Cancellation {
  #cancel: Cancel | undefined
  #cancelled = false

  get cancelled(): boolean {
    return this.#cancelled
  }

  /** Puts the next step in place of the one that ended. */
  set(cancel: Cancel): void {
    if (this.#cancelled) cancel()
    else this.#cancel = cancel
  }

  cancel(): void {
    this.#cancelled = true
    const cancel = this.#cancel
    this.#cancel = undefined
    cancel?.()
  }
}
