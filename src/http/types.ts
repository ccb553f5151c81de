import type { CloudError, CloudName } from '../errors.js'

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'COPY' | 'MOVE'

/** Lower-case names; a header that came more than once is an array. */
export type HttpHeaders = Readonly<Record<string, string | string[] | undefined>>

/** A factory, so that a body can be sent again: by a retry, after a 401. */
export type StreamingBody = () => AsyncIterable<Uint8Array>

/** Takes the body of a successful answer piece by piece, so that it is never held whole. */
export interface BodySink {
  /** A successful answer begins; after a retry, another one: start over. */
  begin(status: number, headers: HttpHeaders): void
  /** One piece. Return false to pause the connection until `resume` is called. */
  write(chunk: Uint8Array, resume: () => void): boolean
}

/** What `Operation.encode` makes of the arguments. */
export interface RequestParts {
  /** Percent-encoded path below the endpoint, sent as is. */
  readonly path: string
  /** Without the question mark, already encoded. */
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string | StreamingBody
  readonly sink?: BodySink
  /** Values in the request that must not be seen in an error or an event. */
  readonly secrets?: readonly string[]
}

/** An API call as a value. */
export interface Operation<Args, Result> {
  /** `cloud.group.verb`: in errors, events and parity tables. */
  readonly id: string
  readonly method: Method
  /** Template of the path, for people: `/servers/{serverId}`. */
  readonly path: string
  /** Which endpoint of a catalogue it belongs to. */
  readonly service?: string
  readonly success: readonly number[]
  /** Whether sending it twice is the same as once. Default: all methods but POST and PATCH. */
  readonly idempotent?: boolean
  /** Fields of the answer, at any depth, that are secrets: readable on the result, never printed. */
  readonly secret?: readonly string[]
  encode(args: Args): RequestParts
  decode(response: HttpResponse, context: DecodeContext): Result
}
export type AnyOperation = Operation<never, unknown>

/** Where a decoder tells of what does not fit. */
export interface DecodeContext {
  readonly operation: AnyOperation
  readonly cloud: CloudName
  /** Whether anybody wants to know: without it, only what we steer by is checked. */
  readonly watched: boolean
  /** When the answer is read, in milliseconds since the epoch, by the local clock. */
  now(): number
  /** A field that we do not steer by does not fit: an event, or with `strict` an error. */
  drift(issues: readonly string[]): void
}

/** A request on its way through the middleware. */
export interface HttpRequest {
  readonly cloud: CloudName
  readonly operation: AnyOperation
  readonly method: Method
  /** `https://host:port`; empty until the endpoint is known. */
  readonly origin: string
  /** Raw path and query. A `URL` would eat `..` and `//`, which are legal in object names. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | string | StreamingBody | undefined
  readonly sink: BodySink | undefined
  readonly idempotent: boolean
  readonly options: CallOptions
  /** Values that must not be seen in an error or an event. */
  readonly secrets: readonly string[] | undefined
}

export interface HttpResponse {
  readonly status: number
  readonly headers: HttpHeaders
  /** Empty when a sink took the bytes. */
  readonly body: Uint8Array
}

/** Exactly one of the two is called, once. */
export interface ResponseHandler {
  next(response: HttpResponse): void
  error(error: CloudError): void
}
export type Cancel = () => void

/** Sends a request. The returned function cancels it: no call of the handler follows. */
export type Transport = (request: HttpRequest, handler: ResponseHandler) => Cancel
export type Middleware = (next: Transport) => Transport

/** How one call may differ from the client's configuration. */
export interface CallOptions {
  /** `false`: no retry. A number: at most so many retries. */
  readonly retry?: boolean | number
  /** Milliseconds for the whole call, retries and their pauses included. */
  readonly timeout?: number
  readonly signal?: AbortSignal
  readonly headers?: Readonly<Record<string, string>>
  /** Told of each retry of this call before its pause. */
  readonly onRetry?: (retry: Retry) => void
}

/** A failed attempt that will be followed by another one. */
export interface Retry {
  /** 1 for the first retry. */
  readonly attempt: number
  readonly delayMs: number
  readonly error: CloudError
}

/** What a client tells those who watch it. For people, never an input of our own code. */
export type TrafficEvent =
  | { readonly kind: 'request'; readonly operation: string; readonly method: Method; readonly url: string }
  | {
      readonly kind: 'response'
      readonly operation: string
      readonly status: number
      readonly elapsedMs: number
    }
  | {
      readonly kind: 'failure'
      readonly operation: string
      readonly error: CloudError
      readonly elapsedMs: number
    }
  | {
      readonly kind: 'retry'
      readonly operation: string
      readonly attempt: number
      readonly delayMs: number
      readonly error: CloudError
    }
  | { readonly kind: 'token'; readonly state: string; readonly expiresAt?: number }
  | { readonly kind: 'drift'; readonly operation: string; readonly issues: readonly string[] }
