import { EnvHttpProxyAgent, Pool, ProxyAgent, type Dispatcher } from 'undici'
import {
  ConfigurationError,
  isCloudError,
  NetworkError,
  RequestTimeoutError,
  ResponseFormatError,
  TransferError,
  type CloudError,
} from '../errors.js'
import { MAX_DELAY_MS } from '../runtime.js'
import { isLoopback } from './middleware.js'
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
  /**
   * Address of a proxy; `false`: none. Default: what `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` say, but never for this machine.
   * Every origin is reached by a tunnel (`CONNECT`), those of plain http as well.
   */
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
  const routes = createRoutes(options)
  return {
    transport: (request, handler) => {
      const { origin, path, method, body } = request
      const exchange = new Exchange(request, handler, maxBodyBytes)
      try {
        const { dispatcher, headersOf } = routes.to(origin)
        dispatcher.dispatch(
          {
            origin,
            path,
            method,
            headers: headersOf(request),
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
      routes.close()
    },
  }
}

/** Who carries the requests to an origin. */
interface Route {
  readonly dispatcher: Dispatcher
  readonly headersOf: (request: HttpRequest) => Record<string, string>
}
interface Routes {
  to(origin: string): Route
  close(): void
}

const sameHeaders = ({ headers }: HttpRequest): Record<string, string> => headers
/** undici writes `host` into the headers of a request through a proxy, and ours are shared among requests. */
const copiedHeaders = ({ headers }: HttpRequest): Record<string, string> => ({ ...headers })

function createRoutes(options: ConnectionOptions): Routes {
  const { ca, rejectUnauthorized } = options
  const tls = {
    timeout: options.connectTimeout ?? 10_000,
    ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  }
  const settings = {
    connections: options.connections ?? 64,
    pipelining: 1,
    headersTimeout: options.headersTimeout ?? 60_000,
    bodyTimeout: options.bodyTimeout ?? 60_000,
    keepAliveTimeout: options.keepAliveTimeout ?? 10_000,
    // A server may ask for less, not for more.
    keepAliveMaxTimeout: options.keepAliveTimeout ?? 10_000,
  }
  const proxy = proxyRoute(options.proxy, { ...settings, connect: tls, proxyTls: tls, requestTls: tls })
  const routes = new Map<string, Route>()
  let closed = false

  const pool = (origin: string): Route => {
    const dispatcher = new Pool(origin, { ...settings, connect: tls })
    // Redirects can lead to ever new origins: a pool without connections is let go.
    const leave = (): void => {
      if (routes.get(origin)?.dispatcher !== dispatcher) return
      if (dispatcher.stats.size > 0 || dispatcher.stats.connected > 0) return
      routes.delete(origin)
      dispatcher.close().catch(nothingToDo)
    }
    dispatcher.on('disconnect', leave)
    dispatcher.on('connectionError', leave)
    return { dispatcher, headersOf: sameHeaders }
  }

  return {
    to: (origin) => {
      if (closed) throw new Error('the client is closed')
      let route = routes.get(origin)
      if (route === undefined) {
        const direct = proxy === undefined || (options.proxy === undefined && isLoopback(origin))
        route = direct ? pool(origin) : proxy
        if (direct) routes.set(origin, route)
      }
      return route
    },
    close: () => {
      closed = true
      for (const { dispatcher } of routes.values()) dispatcher.destroy().catch(nothingToDo)
      proxy?.dispatcher.destroy().catch(nothingToDo)
      routes.clear()
    },
  }
}

function proxyRoute(
  proxy: ConnectionOptions['proxy'],
  settings: EnvHttpProxyAgent.Options,
): Route | undefined {
  if (typeof proxy === 'string') {
    return { dispatcher: new ProxyAgent({ ...settings, uri: proxy }), headersOf: copiedHeaders }
  }
  return proxy === undefined && proxyInEnvironment()
    ? { dispatcher: new EnvHttpProxyAgent(settings), headersOf: copiedHeaders }
    : undefined
}

function proxyInEnvironment(): boolean {
  const set = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'].filter((name) => {
    const address = process.env[name]
    return address !== undefined && address !== ''
  })
  for (const name of set) checkProxy(name, process.env[name] ?? '')
  return set.length > 0
}

/** The address itself stays unsaid: it may hold a password. */
function checkProxy(name: string, address: string): void {
  if (!URL.canParse(address) || !/^(?:https?|socks5?):$/.test(new URL(address).protocol)) {
    throw new ConfigurationError(`${name}: expected an address such as http://proxy.example.org:3128`)
  }
}

function checkOptions(options: ConnectionOptions): void {
  const { connections, maxBodyBytes, proxy } = options
  for (const name of ['connectTimeout', 'headersTimeout', 'bodyTimeout', 'keepAliveTimeout'] as const) {
    const value = options[name]
    if (value !== undefined && !(Number.isInteger(value) && value > 0 && value <= MAX_DELAY_MS)) {
      throw new TypeError(`connection.${name}: expected a positive whole number of milliseconds`)
    }
  }
  if (maxBodyBytes !== undefined && !(maxBodyBytes > 0)) {
    throw new TypeError('connection.maxBodyBytes: expected a positive number of bytes')
  }
  if (connections !== undefined && !(Number.isInteger(connections) && connections > 0)) {
    throw new TypeError('connection.connections: expected a positive whole number')
  }
  if (typeof proxy === 'string') checkProxy('connection.proxy', proxy)
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
  #resume: (() => void) | undefined
  #writing = false
  /** Whether the sink asked for more before it had returned. */
  #wanted = false

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

  onResponseStart(_controller: unknown, status: number, headers: HttpHeaders): void {
    if (status < 200) return
    this.#status = status
    this.#headers = headers
    const { sink, operation } = this.#request
    if (sink === undefined || !operation.success.includes(status)) return
    this.#sink = sink
    try {
      sink.begin(status, headers)
    } catch (error) {
      this.fail(sinkFailure(this.#request, error))
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ended) return
    if (this.#sink !== undefined) {
      this.#pour(this.#sink, controller, chunk)
      return
    }
    this.#size += chunk.length
    if (this.#size > this.#maxBodyBytes) this.fail(tooLarge(this.#request, this.#maxBodyBytes))
    else if (this.#first === undefined) this.#first = chunk
    else (this.#more ??= [this.#first]).push(chunk)
  }

  /** A sink that throws ends the request, not the process. */
  #pour(sink: BodySink, controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#resume ??= () => {
      if (this.#writing) this.#wanted = true
      else if (!this.#ended) controller.resume()
    }
    this.#writing = true
    this.#wanted = false
    try {
      const more = sink.write(chunk, this.#resume)
      this.#writing = false
      if (!more) this.#pauseUnlessWanted(controller)
    } catch (error) {
      this.fail(sinkFailure(this.#request, error))
    }
  }

  #pauseUnlessWanted(controller: Dispatcher.DispatchController): void {
    if (!this.#wanted) controller.pause()
  }

  onResponseEnd(): void {
    if (this.#ended) return
    this.#ended = true
    const body = this.#more === undefined ? (this.#first ?? empty) : Buffer.concat(this.#more, this.#size)
    try {
      this.#handler.next({ status: this.#status, headers: this.#headers ?? {}, body })
    } catch (thrown) {
      // undici would swallow what middleware threw, and the call would never end.
      this.#handler.error(thrown as CloudError)
    }
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#handler.error(isCloudError(error) ? error : failure(this.#request, error, this.#sent))
  }
}

const empty = Buffer.alloc(0)
const cancelled = new Error('cancelled')

function nothingToDo(): void {
  return
}

const timeouts = new Set([
  'ETIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
])
/** Troubles of the way, which may be over the next time. All else is wrong however often it is tried: certificates, arguments. */
const transient = new Set([
  ...timeouts,
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_SOCKET',
])

function failure(request: HttpRequest, error: unknown, sent: boolean): CloudError {
  const { cloud, operation, method, origin, idempotent } = request
  const errno =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
  // Node's error for several addresses that all refuse has no words of its own.
  const words = error instanceof Error && error.message !== '' ? error.message : (errno ?? 'failed')
  const message = `${operation.id}: ${method} ${origin}: ${words}`
  const passing = errno !== undefined && (transient.has(errno) || errno.startsWith('HPE_'))
  const retryable = passing && (idempotent || !sent)
  const context = { cloud, operation: operation.id, cause: error, errno, retryable }
  return errno !== undefined && timeouts.has(errno)
    ? new RequestTimeoutError(message, context)
    : new NetworkError(message, context)
}

function sinkFailure({ cloud, operation }: HttpRequest, cause: unknown): CloudError {
  if (isCloudError(cause)) return cause
  const words = cause instanceof Error ? `: ${cause.message}` : ''
  const message = `${operation.id}: the body could not be taken${words}`
  return new TransferError(message, { cloud, operation: operation.id, cause })
}

function tooLarge({ cloud, operation }: HttpRequest, limit: number): ResponseFormatError {
  return new ResponseFormatError(`${operation.id}: the answer is larger than ${String(limit)} bytes`, {
    cloud,
    operation: operation.id,
  })
}
