import { inspect } from 'node:util'

/** The clouds this package speaks to. */
export type CloudName = 'agave' | 'nuvla' | 'openstack' | 'slipstream' | 'stackit' | 'streamsets' | 'synnefo'

// --- plain data that errors carry -------------------------------------------------------------------------

/** Names a running operation. Plain JSON: store it, and `watch` re-attaches after a restart. */
export interface OperationRef {
  readonly cloud: CloudName
  readonly operation: string
  readonly args: Readonly<Record<string, string | number>>
  /** ISO 8601 instant at which the operation was submitted. */
  readonly since?: string
}

/** One stretch of a wait: the state seen, when it was first seen (ms since the wait began), for how many polls. */
export interface HistoryEntry {
  readonly state: string
  readonly sinceMs: number
  readonly polls: number
}

/** What a transfer needs to go on after a crash, here or on another machine. Plain JSON. */
export interface Checkpoint {
  readonly version: 1
  readonly direction: 'upload' | 'download'
  /** `container/path` of the object. */
  readonly object: string
  /** Bytes of the whole content. */
  readonly size: number
  /** Modification time of the local file in milliseconds since the epoch; absent for sources without one. */
  readonly mtimeMs?: number
  readonly blockSize: number
  readonly blockHash: string
  /** Hashes of the blocks known so far, from the first one on. */
  readonly hashes: readonly string[]
}

// --- the hierarchy ----------------------------------------------------------------------------------------

/** What every error of ours may carry beside its message. */
export interface ErrorContext {
  readonly cloud?: CloudName | undefined
  /** Id of the operation, for example `synnefo.servers.get`. */
  readonly operation?: string | undefined
  readonly cause?: unknown
  /** Whether sending the same request again is safe and may help. */
  readonly retryable?: boolean | undefined
}

/**
 * The root of all errors of this package. Branch on `code` (stable, part of the public contract) or use the
 * guards below rather than `instanceof`: a program may hold two copies of the package.
 */
export abstract class CloudError extends Error {
  abstract readonly code: string
  readonly cloud: CloudName | undefined
  readonly operation: string | undefined
  readonly retryable: boolean
  /** How many times the request was sent; raised by the retry layer. */
  attempts = 1
  /** Milliseconds waited between the attempts. */
  totalDelayMs = 0

  constructor(message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause })
    this.cloud = context.cloud
    this.operation = context.operation
    this.retryable = context.retryable ?? false
  }

  /** Plain data, safe to log: no secret, no response object, no cycle. */
  toJSON(): Record<string, unknown> {
    const { cause } = this
    const all = {
      name: this.name,
      code: this.code,
      message: this.message,
      cloud: this.cloud,
      operation: this.operation,
      retryable: this.retryable,
      attempts: this.attempts,
      totalDelayMs: this.totalDelayMs,
      ...this.details(),
      cause: cause instanceof Error ? `${cause.name}: ${cause.message}` : undefined,
    }
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  }

  /** What a subclass adds to `toJSON` and `inspect`. */
  protected details(): Record<string, unknown> {
    return {}
  }

  [inspect.custom](_depth: number, options: object): string {
    const { name: _name, message: _message, ...rest } = this.toJSON()
    return `${this.stack ?? this.message} ${inspect(rest, options)}`
  }
}

/** Something the program was told is wrong or missing; found before any request is sent. */
export class ConfigurationError extends CloudError {
  override readonly name = 'ConfigurationError'
  readonly code = 'SKY_CONFIGURATION'
  /** Every place that was looked at, in order, with what was found there. Never a secret. */
  readonly lookedAt: readonly string[]

  constructor(message: string, context: ErrorContext & { readonly lookedAt?: readonly string[] } = {}) {
    const lookedAt = context.lookedAt ?? []
    super(
      lookedAt.length === 0 ? message : `${message}\n${lookedAt.map((place) => `  - ${place}`).join('\n')}`,
      context,
    )
    this.lookedAt = lookedAt
  }

  protected override details(): Record<string, unknown> {
    return { lookedAt: this.lookedAt.length > 0 ? this.lookedAt : undefined }
  }
}

/** What is known of an answer that is an error. */
export interface HttpErrorInit extends ErrorContext {
  readonly status: number
  readonly method: string
  /** Address of the request; its query is redacted here. */
  readonly url: string
  readonly requestId?: string | undefined
  /** The answer's body as parsed or as text; already redacted by the caller. */
  readonly body?: unknown
  /** The cloud's own words for what is wrong. */
  readonly reason?: string | undefined
  /** The cloud's own name or number of what is wrong. */
  readonly faultCode?: string | number | undefined
  readonly details?: unknown
  /** Milliseconds that the server asks to wait. */
  readonly retryAfterMs?: number | undefined
}

/** The cloud answered, and the answer is an error. */
export class HttpError extends CloudError {
  override readonly name: string = 'HttpError'
  readonly code: string = 'SKY_HTTP'
  readonly status: number
  readonly method: string
  readonly url: string
  readonly requestId: string | undefined
  readonly body: unknown
  readonly reason: string | undefined
  readonly faultCode: string | number | undefined
  readonly retryAfterMs: number | undefined
  readonly faultDetails: unknown

  constructor(init: HttpErrorInit) {
    const url = redactUrl(init.url)
    const where = init.operation === undefined ? '' : `${init.operation}: `
    const why = init.reason === undefined || init.reason === '' ? '' : `: ${init.reason}`
    super(`${where}${init.method} ${url} answered ${String(init.status)}${why}`, init)
    this.status = init.status
    this.method = init.method
    this.url = url
    this.requestId = init.requestId
    this.body = init.body
    this.reason = init.reason
    this.faultCode = init.faultCode
    this.faultDetails = init.details
    this.retryAfterMs = init.retryAfterMs
  }

  protected override details(): Record<string, unknown> {
    const { status, method, url, requestId, reason, faultCode, body, retryAfterMs, faultDetails } = this
    return { status, method, url, requestId, reason, faultCode, body, retryAfterMs, details: faultDetails }
  }
}

/** 401 */
export class AuthenticationError extends HttpError {
  override readonly name = 'AuthenticationError'
  override readonly code = 'SKY_HTTP_AUTHENTICATION'
}
/** 403 */
export class PermissionError extends HttpError {
  override readonly name = 'PermissionError'
  override readonly code = 'SKY_HTTP_PERMISSION'
}
/** 404, 410 */
export class NotFoundError extends HttpError {
  override readonly name = 'NotFoundError'
  override readonly code = 'SKY_HTTP_NOT_FOUND'
}
/** 409, 412 */
export class ConflictError extends HttpError {
  override readonly name = 'ConflictError'
  override readonly code = 'SKY_HTTP_CONFLICT'
}
/** 400, 422 */
export class ValidationError extends HttpError {
  override readonly name = 'ValidationError'
  override readonly code = 'SKY_HTTP_VALIDATION'
}
/** 429 */
export class RateLimitError extends HttpError {
  override readonly name = 'RateLimitError'
  override readonly code = 'SKY_HTTP_RATE_LIMIT'
}
/** 5xx */
export class ServerError extends HttpError {
  override readonly name = 'ServerError'
  override readonly code = 'SKY_HTTP_SERVER'
}

/** The error class that belongs to the status. */
export function httpError(init: HttpErrorInit): HttpError {
  const { status } = init
  if (status >= 500) return new ServerError(init)
  switch (status) {
    case 400:
    case 422:
      return new ValidationError(init)
    case 401:
      return new AuthenticationError(init)
    case 403:
      return new PermissionError(init)
    case 404:
    case 410:
      return new NotFoundError(init)
    case 409:
    case 412:
      return new ConflictError(init)
    case 429:
      return new RateLimitError(init)
    default:
      return new HttpError(init)
  }
}

/** No answer arrived: the connection was refused, reset or cut, or the name not found. */
export class NetworkError extends CloudError {
  override readonly name: string = 'NetworkError'
  readonly code: string = 'SKY_NETWORK'
  /** Code of the operating system or of undici: `ECONNREFUSED`, `UND_ERR_SOCKET` … */
  readonly errno: string | undefined

  constructor(message: string, context: ErrorContext & { readonly errno?: string | undefined } = {}) {
    super(message, context)
    this.errno = context.errno
  }

  protected override details(): Record<string, unknown> {
    return { errno: this.errno }
  }
}

/** No answer arrived in time. */
export class RequestTimeoutError extends NetworkError {
  override readonly name = 'RequestTimeoutError'
  override readonly code = 'SKY_NETWORK_TIMEOUT'
}

/** An answer arrived that is not what the cloud's protocol says. */
export class ResponseFormatError extends CloudError {
  override readonly name = 'ResponseFormatError'
  readonly code = 'SKY_RESPONSE_FORMAT'
  /** What does not fit, as `path: problem`. */
  readonly issues: readonly string[]
  /** The beginning of the body, redacted. */
  readonly excerpt: string | undefined

  constructor(
    message: string,
    context: ErrorContext & { readonly issues?: readonly string[]; readonly excerpt?: string } = {},
  ) {
    super(message, context)
    this.issues = context.issues ?? []
    this.excerpt = context.excerpt
  }

  protected override details(): Record<string, unknown> {
    return { issues: this.issues, excerpt: this.excerpt }
  }
}

/** A token could not be had for a reason that is neither an answer of the cloud nor the network. */
export class TokenError extends CloudError {
  override readonly name = 'TokenError'
  readonly code = 'SKY_TOKEN'
}

/** A poll saw a value that can never become the one waited for. */
export class PollFailedError<T = unknown> extends CloudError {
  override readonly name = 'PollFailedError'
  readonly code = 'SKY_POLL_FAILED'
  readonly value: T
  readonly history: readonly HistoryEntry[]

  constructor(
    message: string,
    context: ErrorContext & { readonly value: T; readonly history?: readonly HistoryEntry[] },
  ) {
    super(message, context)
    this.value = context.value
    this.history = context.history ?? []
    hide(this, 'value')
  }

  protected override details(): Record<string, unknown> {
    return { history: this.history }
  }
}

/** The value waited for did not come within the budget. */
export class PollTimeoutError<T = unknown> extends CloudError {
  override readonly name = 'PollTimeoutError'
  readonly code = 'SKY_POLL_TIMEOUT'
  /** The last value seen, if any. */
  readonly last: T | undefined
  readonly polls: number
  readonly elapsedMs: number
  readonly history: readonly HistoryEntry[]
  readonly ref: OperationRef | undefined

  constructor(
    message: string,
    context: ErrorContext & {
      readonly last?: T | undefined
      readonly polls: number
      readonly elapsedMs: number
      readonly history?: readonly HistoryEntry[]
      readonly ref?: OperationRef | undefined
    },
  ) {
    super(message, context)
    this.last = context.last
    this.polls = context.polls
    this.elapsedMs = context.elapsedMs
    this.history = context.history ?? []
    this.ref = context.ref
    hide(this, 'last')
  }

  protected override details(): Record<string, unknown> {
    const { polls, elapsedMs, history, ref } = this
    return { polls, elapsedMs, history, ref }
  }
}

/** A long-running operation ended, and not well. */
export class OperationFailedError<S = unknown> extends CloudError {
  override readonly name = 'OperationFailedError'
  readonly code = 'SKY_OPERATION_FAILED'
  readonly ref: OperationRef
  readonly state: string
  /** The resource as it was last seen. */
  readonly snapshot: S
  readonly history: readonly HistoryEntry[]

  constructor(
    message: string,
    context: ErrorContext & {
      readonly ref: OperationRef
      readonly state: string
      readonly snapshot: S
      readonly history?: readonly HistoryEntry[]
    },
  ) {
    super(message, { cloud: context.ref.cloud, operation: context.ref.operation, ...context })
    this.ref = context.ref
    this.state = context.state
    this.snapshot = context.snapshot
    this.history = context.history ?? []
    hide(this, 'snapshot')
  }

  protected override details(): Record<string, unknown> {
    return { ref: this.ref, state: this.state, history: this.history }
  }
}

/** An upload or a download stopped. Running it again, or with the checkpoint, goes on where it was. */
export class TransferError extends CloudError {
  override readonly name = 'TransferError'
  readonly code = 'SKY_TRANSFER'
  /** Index of the block that could not be moved. */
  readonly part: number | undefined
  readonly checkpoint: Checkpoint | undefined

  constructor(
    message: string,
    context: ErrorContext & {
      readonly part?: number | undefined
      readonly checkpoint?: Checkpoint | undefined
    } = {},
  ) {
    super(message, context)
    this.part = context.part
    this.checkpoint = context.checkpoint
    hide(this, 'checkpoint')
  }

  protected override details(): Record<string, unknown> {
    return { part: this.part }
  }
}

/** A slow reader of a stream was overtaken by more events than it allowed to wait. */
export class OverflowError extends CloudError {
  override readonly name = 'OverflowError'
  readonly code = 'SKY_OVERFLOW'
}

/** Keeps a large or private field readable, but out of `inspect` and of copies. */
function hide(error: CloudError, field: string): void {
  Object.defineProperty(error, field, { enumerable: false })
}

// --- guards -----------------------------------------------------------------------------------------------

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

export function isCloudError(error: unknown): error is CloudError {
  return codeOf(error).startsWith('SKY_')
}
export function isHttpError(error: unknown, status?: number): error is HttpError {
  return (
    codeOf(error).startsWith('SKY_HTTP') && (status === undefined || (error as HttpError).status === status)
  )
}
export function isNetworkError(error: unknown): error is NetworkError {
  return codeOf(error).startsWith('SKY_NETWORK')
}
/** Whether the error is the reason of an `AbortSignal` rather than a failure. */
export function isAbort(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'AbortError' || error.name === 'TimeoutError') &&
    !isCloudError(error)
  )
}

/** Whether the same request may be sent again with hope: known where the request is known. */
export function isTransient(error: unknown): boolean {
  return isCloudError(error) && error.retryable
}

/** Milliseconds that the server asked to wait, if it did. */
export function retryAfterMs(error: unknown): number | undefined {
  return isHttpError(error) ? error.retryAfterMs : undefined
}

// --- redaction --------------------------------------------------------------------------------------------

export const REDACTED = '[redacted]'

const secretName =
  /^(?:.*[-_])?(?:access_?token|refresh_?token|id_?token|token|password|passwd|adminpass|secret|client_?secret|private_?key|assertion|client_assertion|api_?key|authorization|proxy-authorization|cookie|set-cookie|signature|temp_url_sig)$/i

/** Whether a field, header or parameter of this name holds a secret. */
export function isSecretName(name: string): boolean {
  return secretName.test(name)
}

/** A copy in which the values of secret fields are replaced; `names` adds to the well-known ones. */
export function redactFields(value: unknown, names: readonly string[] = []): unknown {
  if (Array.isArray(value)) return value.map((item) => redactFields(item, names))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      const secret = (isSecretName(name) && typeof field !== 'object') || names.includes(name)
      return [name, secret ? REDACTED : redactFields(field, names)]
    }),
  )
}

/** The text without the given secrets, wherever they stand in it. */
export function redactText(text: string, secrets: readonly string[] = []): string {
  let clean = text
  for (const secret of secrets) if (secret.length > 3) clean = clean.replaceAll(secret, REDACTED)
  return clean
}

/** The address without user, password, and the values of secret query parameters. */
export function redactUrl(url: string): string {
  const bare = url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]*@/i, '$1')
  const at = bare.indexOf('?')
  if (at < 0) return bare
  const query = bare.slice(at + 1).split('&')
  const safe = query.map((pair) => {
    const name = pair.split('=', 1)[0] ?? ''
    return isSecretName(name) && pair.includes('=') ? `${name}=${REDACTED}` : pair
  })
  return `${bare.slice(0, at)}?${safe.join('&')}`
}
