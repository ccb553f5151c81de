import {
  httpError,
  redactFields,
  redactText,
  type CloudError,
  type CloudName,
  type HttpError,
} from '../errors.js'
import { excerpt, header, text } from './codecs.js'
import type { AnyOperation, HttpRequest, HttpResponse, Middleware, ResponseHandler } from './types.js'

/** A cloud's own words in the body of an error. */
export interface Fault {
  readonly reason?: string | undefined
  /** A name or a number. */
  readonly code?: string | number | undefined
  readonly details?: unknown
}

/** What a cloud says of its errors. */
export interface ErrorDialect {
  readonly cloud: CloudName
  /** Reads a parsed body, or the text of one that is not JSON. */
  readFault(body: unknown): Fault
  /** The header that names the request in the cloud's logs. */
  readonly requestIdHeaders?: readonly string[]
  /** Statuses after which even a request that is not idempotent may be sent again. */
  readonly unprocessed?: readonly number[]
}

const transient = new Set([408, 425, 429, 500, 502, 503, 504])

/** Turns every answer whose status is not one of the operation's successes into an error. */
export function readErrors(dialect: ErrorDialect, now: () => number): Middleware {
  return (next) => (request, handler) => next(request, new StatusReader(request, handler, dialect, now))
}

class StatusReader implements ResponseHandler {
  readonly #request: HttpRequest
  readonly #handler: ResponseHandler
  readonly #dialect: ErrorDialect
  readonly #now: () => number

  constructor(request: HttpRequest, handler: ResponseHandler, dialect: ErrorDialect, now: () => number) {
    this.#request = request
    this.#handler = handler
    this.#dialect = dialect
    this.#now = now
  }

  next(response: HttpResponse): void {
    if (this.#request.operation.success.includes(response.status)) this.#handler.next(response)
    else this.#handler.error(errorOf(this.#dialect, this.#request, response, this.#now()))
  }

  error(error: CloudError): void {
    this.#handler.error(error)
  }
}

function errorOf(
  dialect: ErrorDialect,
  request: HttpRequest,
  response: HttpResponse,
  now: number,
): HttpError {
  const { operation, method, origin, path, idempotent, secrets } = request
  const { status } = response
  const body = readBody(operation, response, secrets)
  const { reason, code, details } = dialect.readFault(body)
  const requestId = dialect.requestIdHeaders
    ?.map((name) => header(response, name))
    .find((id) => id !== undefined)
  const unprocessed = dialect.unprocessed?.includes(status) ?? false
  return httpError({
    cloud: dialect.cloud,
    operation: operation.id,
    status,
    method,
    url: redactText(origin + path, secrets),
    requestId,
    body,
    reason: reason === undefined || reason === '' ? undefined : reason,
    faultCode: code,
    details,
    retryAfterMs: parseRetryAfter(header(response, 'retry-after'), header(response, 'date'), now),
    retryable: unprocessed || (idempotent && transient.has(status)),
  })
}

function readBody(
  operation: AnyOperation,
  response: HttpResponse,
  secrets: readonly string[] | undefined,
): unknown {
  if (response.body.length === 0) return undefined
  const content = redactText(text(response), secrets)
  try {
    return redactFields(JSON.parse(content), operation.secret)
  } catch {
    return excerpt(content, operation.secret)
  }
}

/**
 * Milliseconds of a `Retry-After` header: whole seconds, or a date, which is measured against the server's own
 * `Date` where there is one. Undefined if it says neither.
 */
export function parseRetryAfter(
  value: string | undefined,
  date: string | undefined,
  now: number,
): number | undefined {
  if (value === undefined) return undefined
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000
  // `Date.parse` finds a date in almost anything: only what begins with a day of the week is one of HTTP.
  const until = /^\s*(?:mon|tue|wed|thu|fri|sat|sun)/i.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(until)) return undefined
  const serverNow = date === undefined ? Number.NaN : Date.parse(date)
  return Math.max(0, until - (Number.isNaN(serverNow) ? now : serverNow))
}
