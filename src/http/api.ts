import { AsyncResource } from 'node:async_hooks'
import { Observable, type Subscriber } from 'rxjs'
import {
  CloudError,
  ConfigurationError,
  isCloudError,
  RequestTimeoutError,
  ResponseFormatError,
  type CloudName,
} from '../errors.js'
import { clampDelay, type Runtime } from '../runtime.js'
import type { Traffic } from './traffic.js'
import type {
  AnyOperation,
  CallOptions,
  Cancel,
  DecodeContext,
  HttpRequest,
  HttpResponse,
  Operation,
  RequestParts,
  ResponseHandler,
  Transport,
} from './types.js'
import { VERSION } from '../version.js'

/** Where requests go: `https://host:port` and a path in front of every operation's. */
export interface Endpoint {
  readonly origin: string
  /** Empty, or `/` and more without a slash at the end. */
  readonly prefix: string
}

/** What a client is made of, once. */
export interface Api {
  readonly cloud: CloudName
  /** The whole chain: middleware and what is below it. */
  readonly transport: Transport
  /** Absent where a token's catalogue says it. */
  readonly endpoint: Endpoint | undefined
  readonly runtime: Runtime
  readonly traffic: Traffic
  /** Whether an answer that differs from its description is an error, and not only an event. */
  readonly strict: boolean
}

/** Splits `https://host:port/path` as it stands; only the case of scheme and host and a slash at the end are normalised. */
export function endpointOf(url: string, argument: string): Endpoint {
  const match = /^(https?:\/\/[^/?#@\s]+)(\/[^?#\s]*)?$/i.exec(url)
  if (match === null)
    throw new ConfigurationError(`${argument}: expected an http(s) address without user or query`)
  return { origin: (match[1] ?? '').toLowerCase(), prefix: (match[2] ?? '').replace(/\/+$/, '') }
}

const noOptions: CallOptions = {}
const baseHeaders = {
  accept: 'application/json',
  'user-agent': `skystream/${VERSION} node/${process.versions.node}`,
}

/**
 * Makes an API call of an operation and its arguments.
 *
 * Cold: each subscription sends one request, emits its result once and completes. Wrong arguments throw here and
 * now; everything else arrives as a `CloudError`. Unsubscribing, or aborting `options.signal`, closes the request on the
 * wire and takes down the pauses of its retries; it does not undo what the cloud already did.
 */
export function call<Args, Result>(
  api: Api,
  operation: Operation<Args, Result>,
  args: Args,
  options: CallOptions = noOptions,
): Observable<Result> {
  checkOptions(options)
  const request = requestOf(api, operation, operation.encode(args), options)
  return new Observable((subscriber) => new Call(api, operation, request, subscriber).start())
}

function requestOf(
  api: Api,
  operation: AnyOperation,
  parts: RequestParts,
  options: CallOptions,
): HttpRequest {
  const { endpoint } = api
  const path = endpoint === undefined ? parts.path : endpoint.prefix + parts.path
  const { method } = operation
  return {
    cloud: api.cloud,
    operation,
    method,
    origin: endpoint === undefined ? '' : endpoint.origin,
    path: parts.query === undefined || parts.query === '' ? path : `${path}?${parts.query}`,
    headers:
      parts.headers === undefined && options.headers === undefined
        ? baseHeaders
        : { ...baseHeaders, ...parts.headers, ...lowerCased(options.headers) },
    body: parts.body,
    sink: parts.sink,
    idempotent: operation.idempotent ?? (method !== 'POST' && method !== 'PATCH'),
    options,
    secrets: parts.secrets,
  }
}

function lowerCased(headers: CallOptions['headers']): CallOptions['headers'] {
  if (headers === undefined) return undefined
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function checkOptions(options: CallOptions): void {
  const { retry, timeout, signal, onRetry } = options
  if (typeof retry === 'number' && !(Number.isInteger(retry) && retry >= 0)) {
    throw new TypeError('options.retry: expected true, false or a whole number of retries')
  }
  if (timeout !== undefined && !(timeout > 0)) {
    throw new TypeError('options.timeout: expected a positive number of milliseconds')
  }
  if (signal !== undefined && typeof signal.addEventListener !== 'function') {
    throw new TypeError('options.signal: expected an AbortSignal')
  }
  if (onRetry !== undefined && typeof onRetry !== 'function') {
    throw new TypeError('options.onRetry: expected a function')
  }
}

/** One subscription. It keeps the async context of the subscriber, which undici's callbacks would lose. */
class Call<Result> extends AsyncResource implements ResponseHandler, DecodeContext {
  readonly operation: Operation<never, Result>
  readonly #api: Api
  readonly #request: HttpRequest
  readonly #subscriber: Subscriber<Result>

  constructor(
    api: Api,
    operation: Operation<never, Result>,
    request: HttpRequest,
    subscriber: Subscriber<Result>,
  ) {
    super('skystream.call')
    this.#api = api
    this.operation = operation
    this.#request = request
    this.#subscriber = subscriber
  }

  get cloud(): CloudName {
    return this.#api.cloud
  }
  get watched(): boolean {
    return this.#api.strict || this.#api.traffic.observed
  }

  now(): number {
    return this.#api.runtime.scheduler.now()
  }

  start(): Cancel {
    const { signal, timeout } = this.#request.options
    if (signal === undefined && timeout === undefined) return this.#api.transport(this.#request, this)
    return this.#startLimited(signal, timeout)
  }

  #startLimited(signal: AbortSignal | undefined, timeout: number | undefined): Cancel {
    if (signal?.aborted === true) {
      this.#fail(signal.reason)
      return nothingToCancel
    }
    // Added before the request is sent: a transport that throws must not leave them behind.
    if (signal !== undefined) {
      const onAbort = (): void => {
        this.#fail(signal.reason)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#subscriber.add(() => {
        signal.removeEventListener('abort', onAbort)
      })
    }
    if (timeout !== undefined) {
      const onTimeout = (): void => {
        this.#fail(timedOut(this.#request, timeout))
      }
      this.#subscriber.add(this.#api.runtime.scheduler.schedule(onTimeout, clampDelay(timeout)))
    }
    return this.#api.transport(this.#request, this)
  }

  next(response: HttpResponse): void {
    let result: Result
    try {
      result = this.operation.decode(response, this)
      if (this.operation.secret !== undefined) conceal(result, this.operation.secret)
    } catch (error) {
      this.error(isCloudError(error) ? error : this.#unreadable(error))
      return
    }
    this.runInAsyncScope(() => {
      this.#subscriber.next(result)
      this.#subscriber.complete()
    })
  }

  error(error: CloudError): void {
    this.#fail(error)
  }

  #fail(reason: unknown): void {
    this.runInAsyncScope(() => {
      this.#subscriber.error(reason)
    })
  }

  drift(issues: readonly string[]): void {
    const { cloud, traffic, strict } = this.#api
    const operation = this.operation.id
    if (traffic.observed) traffic.emit({ kind: 'drift', operation, issues })
    if (strict) {
      const message = `${operation}: the answer differs from its description: ${issues.join('; ')}`
      throw new ResponseFormatError(message, { cloud, operation, issues })
    }
  }

  #unreadable(cause: unknown): CloudError {
    const operation = this.operation.id
    return new ResponseFormatError(`${operation}: the answer could not be read`, {
      cloud: this.cloud,
      operation,
      cause,
    })
  }
}

function nothingToCancel(): void {
  return
}

function timedOut({ cloud, operation, idempotent }: HttpRequest, timeout: number): RequestTimeoutError {
  return new RequestTimeoutError(`${operation.id}: no result within ${String(timeout)} ms`, {
    cloud,
    operation: operation.id,
    retryable: idempotent,
  })
}

/** Secrets of an answer, at any depth, stay readable by name, but are not printed, copied or serialised by accident. */
function conceal(value: unknown, fields: readonly string[]): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return
  // Before they are hidden: what is below a secret holds others.
  for (const inner of Object.values(value)) conceal(inner, fields)
  if (Array.isArray(value)) return
  for (const field of fields) {
    if (Object.hasOwn(value, field)) Object.defineProperty(value, field, { enumerable: false })
  }
}
