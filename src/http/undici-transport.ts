import { EnvHttpProxyAgent, Pool, ProxyAgent, type Dispatcher } from 'undici'
import {
  CloudError,
  ConfigurationError,
  NetworkError,
  RequestTimeoutError,
  ResponseFormatError,
} from '../errors.js'
import type { BodySink, HttpHeaders, HttpRequest, ResponseHandler, Transport } from './types.js'

/** How connections are made and kept. Times in milliseconds. */
export interface ConnectionOptions {
  /** Connections at most to each origin; more requests wait their turn. Default 64. */
  readonly connections?: number
  /** For a connection, its TLS included. Default 10,000. */
  readonly connectTimeout?: number
  /** From the request to the headers of the answer. Default 60,000. */
  readonly headersTimeout?: number
  /** Between two pieces of a body. Default 60,000. */
  readonly bodyTimeout?: number
  /** How long an unused connection is kept. Default 10,000. */
  readonly keepAliveTimeout?: number
  /** Bytes at most of a body that is held in memory. Default 64 MiB. */
  readonly maxBodyBytes?: number
  /** Address of a proxy; `false`: none. Default: what `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` say. */
  readonly proxy?: string | false
  /** Certificates to trust instead of the usual ones, as PEM. */
  readonly ca?: string | readonly string[]
  /** `false` accepts any certificate: for tests only. */
  readonly rejectUnauthorized?: boolean
}

/** A transport and the connections it holds. */
export interface Connection {
  readonly transport: Transport
  /** Lets go of all connections at once; requests under way fail. */
  close(): void
}

/** Sends requests over connections of its own, kept alive between requests. */
export function undiciTransport(options: ConnectionOptions = {}): Connection {
  checkOptions(options)
  const { maxBodyBytes = 64 * 2 ** 20 } = options
  const dispatchers = new Map<string, Dispatcher>()
  const open = dispatcherFactory(options)
  let closed = false

  const dispatcherOf = (origin: string): Dispatcher => {
    let dispatcher = dispatchers.get(origin)
    if (dispatcher === undefined) {
      dispatcher = open(origin)
      dispatchers.set(origin, dispatcher)
    }
    return dispatcher
  }

  return {
    transport: (request, handler) => {
      if (closed) {
        handler.error(failure(request, new Error('the client is closed'), false))
        return nothingToCancel
      }
      const { origin, path, method, headers, body } = request
      const exchange = new Exchange(request, handler, maxBodyBytes)
      try {
        dispatcherOf(origin).dispatch(
          {
            origin,
            path,
            // COPY and MOVE are sent as they are; undici's type knows only the methods of the web.
            method: method as Dispatcher.HttpMethod,
            headers,
            body: typeof body === 'function' ? (body() as never) : (body ?? null),
          },
          exchange,
        )
      } catch (error) {
        exchange.fail(failure(request, error, false))
      }
      return () => {
        exchange.cancel()
      }
    },
    close: () => {
      closed = true
      for (const dispatcher of new Set(dispatchers.values())) dispatcher.destroy().catch(nothingToCancel)
      dispatchers.clear()
    },
  }
}

function dispatcherFactory(options: ConnectionOptions): (origin: string) => Dispatcher {
  const { ca, rejectUnauthorized, proxy } = options
  const tls = {
    ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  }
  const settings = {
    connections: options.connections ?? 64,
    pipelining: 1,
    headersTimeout: options.headersTimeout ?? 60_000,
    bodyTimeout: options.bodyTimeout ?? 60_000,
    keepAliveTimeout: options.keepAliveTimeout ?? 10_000,
  }
  const connect = { timeout: options.connectTimeout ?? 10_000, ...tls }
  if (typeof proxy === 'string') {
    const agent = new ProxyAgent({ ...settings, uri: proxy, connect, requestTls: tls })
    return () => agent
  }
  if (proxy === undefined && proxyInEnvironment()) {
    const agent = new EnvHttpProxyAgent({ ...settings, connect, requestTls: tls })
    return () => agent
  }
  return (origin) => new Pool(origin, { ...settings, connect })
}

function proxyInEnvironment(): boolean {
  const { env } = process
  return [env['http_proxy'], env['HTTP_PROXY'], env['https_proxy'], env['HTTPS_PROXY']].some(
    (address) => address !== undefined && address !== '',
  )
}

function checkOptions(options: ConnectionOptions): void {
  const { connections, proxy } = options
  const numbers = [
    'connectTimeout',
    'headersTimeout',
    'bodyTimeout',
    'keepAliveTimeout',
    'maxBodyBytes',
  ] as const
  for (const name of numbers) {
    const value = options[name]
    if (value !== undefined && !(value > 0)) throw new TypeError(`${name}: expected a positive number`)
  }
  if (connections !== undefined && !(Number.isInteger(connections) && connections > 0)) {
    throw new TypeError('connections: expected a positive whole number')
  }
  if (typeof proxy === 'string' && !URL.canParse(proxy)) {
    throw new ConfigurationError('proxy: expected an address such as http://proxy.example.org:3128')
  }
}

/** One request on the wire. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: HttpRequest
  readonly #handler: ResponseHandler
  readonly #maxBodyBytes: number
  #controller: Dispatcher.DispatchController | undefined
  #ended = false
  #sent = false
  #status = 0
  #headers: HttpHeaders | undefined
  #sink: BodySink | undefined
  /** Most bodies come in one piece, which is then not copied. */
  #first: Buffer | undefined
  #more: Buffer[] | undefined
  #size = 0

  constructor(request: HttpRequest, handler: ResponseHandler, maxBodyBytes: number) {
    this.#request = request
    this.#handler = handler
    this.#maxBodyBytes = maxBodyBytes
  }

  cancel(): void {
    if (this.#ended) return
    this.#ended = true
    this.#controller?.abort(cancelled)
  }

  fail(error: CloudError): void {
    if (this.#ended) return
    this.#ended = true
    this.#controller?.abort(error)
    this.#handler.error(error)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // A request that waited for its turn may have been cancelled: it is then never sent.
    if (this.#ended) controller.abort(cancelled)
    else {
      this.#sent = true
      this.#controller = controller
    }
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: HttpHeaders): void {
    if (status < 200) return
    this.#status = status
    this.#headers = headers
    const { sink, operation } = this.#request
    if (sink === undefined || !operation.success.includes(status)) return
    this.#sink = sink
    this.#guard(controller, () => {
      sink.begin(status, headers)
    })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ended) return
    const sink = this.#sink
    if (sink !== undefined) {
      this.#guard(controller, () => {
        const resume = (): void => {
          controller.resume()
        }
        if (!sink.write(chunk, resume)) controller.pause()
      })
      return
    }
    this.#size += chunk.length
    if (this.#size > this.#maxBodyBytes) this.fail(tooLarge(this.#request, this.#maxBodyBytes))
    else if (this.#first === undefined) this.#first = chunk
    else (this.#more ??= [this.#first]).push(chunk)
  }

  onResponseEnd(): void {
    if (this.#ended) return
    this.#ended = true
    const body = this.#more === undefined ? (this.#first ?? empty) : Buffer.concat(this.#more, this.#size)
    this.#handler.next({ status: this.#status, headers: this.#headers ?? {}, body })
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#handler.error(error instanceof CloudError ? error : failure(this.#request, error, this.#sent))
  }

  /** A sink that throws ends the request, not the process. */
  #guard(controller: Dispatcher.DispatchController, work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#ended = true
      const failed = error instanceof CloudError ? error : failure(this.#request, error, true, false)
      controller.abort(failed)
      this.#handler.error(failed)
    }
  }
}

const empty = Buffer.alloc(0)
const cancelled = new Error('cancelled')

function nothingToCancel(): void {
  return
}

const timeouts = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
])
/** Wrong whatever is tried again. */
const permanent = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_DESTROYED',
  'UND_ERR_CLOSED',
])

function failure(request: HttpRequest, error: unknown, sent: boolean, retry = true): CloudError {
  const { cloud, operation, method, origin, idempotent } = request
  const errno = error instanceof Error && 'code' in error ? String(error.code) : undefined
  const words = error instanceof Error ? error.message : 'failed'
  const message = `${operation.id}: ${method} ${origin}: ${words}`
  const final =
    errno === undefined || permanent.has(errno) || errno.startsWith('ERR_TLS') || errno.includes('CERT')
  const retryable = retry && !final && (idempotent || !sent)
  const context = { cloud, operation: operation.id, cause: error, errno, retryable }
  return errno !== undefined && timeouts.has(errno)
    ? new RequestTimeoutError(message, context)
    : new NetworkError(message, context)
}

function tooLarge({ cloud, operation }: HttpRequest, limit: number): ResponseFormatError {
  return new ResponseFormatError(`${operation.id}: the answer is larger than ${String(limit)} bytes`, {
    cloud,
    operation: operation.id,
  })
}
