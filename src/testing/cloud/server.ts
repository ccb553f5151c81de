import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { faultPage, impair, type Impairment } from './impairment.js'
import type { EmbeddedCloudName, FaultBook } from './faults.js'
import type { OpenRecord, RequestLog } from './requests.js'
import type { Exchange, Service } from './service.js'

export interface SiteOptions {
  readonly cloud: EmbeddedCloudName
  readonly services: readonly Service[]
  readonly faults: FaultBook
  readonly log: RequestLog
  /** The cloud's wall clock, ms since the epoch. */
  readonly wallNow: () => number
  /** 0: any free one. */
  readonly port: number
  /** Content type of `Exchange.json`. */
  readonly jsonType: string
  /** Headers that every answer has unless the service sets them. */
  readonly headers: () => OutgoingHttpHeaders
  /** Answers what no service is there for. */
  readonly unknown: (exchange: Exchange) => void
  /** Answers when a service fails in a way that it did not foresee. */
  readonly crashed: (exchange: Exchange, error: unknown) => void
  /** Revokes the token that the request carries, if any. */
  readonly revokeTokenOf: (exchange: Exchange) => void
}

/** One cloud's HTTP server. */
export interface Site {
  readonly origin: string
  /** Ends all connections at once, then closes the services. */
  close(): Promise<void>
}

/** Longest time that a kept-alive connection stays without a request (synnefo dossier 3). */
const IDLE_MS = 20_000

/** A reset overtakes bytes that the client has not read yet: some systems then report a clean end. */
const RESET_LAG_MS = 25

export async function startSite(options: SiteOptions): Promise<Site> {
  const closing = new AbortController()
  let origin = ''
  const server = createServer((request, response) => {
    void serve(request, response, options, origin, closing.signal)
  })
  server.keepAliveTimeout = IDLE_MS
  server.requestTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
  origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
  return {
    origin,
    async close() {
      closing.abort()
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      })
      for (const service of options.services) await service.close?.()
    },
  }
}

function serviceFor(path: string, services: readonly Service[]): Service | undefined {
  let best: Service | undefined
  for (const service of services) {
    const { prefix } = service
    const below = path === prefix || path.startsWith(`${prefix}/`)
    if (below && (best === undefined || prefix.length > best.prefix.length)) best = service
  }
  return best
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  options: SiteOptions,
  origin: string,
  closing: AbortSignal,
): Promise<void> {
  const method = request.method ?? 'GET'
  const { path, search } = splitTarget(request.url ?? '/')
  const kinds = options.faults.take(options.cloud, { method, path, search })
  const record: OpenRecord = {
    cloud: options.cloud,
    method,
    path,
    search,
    headers: request.headers,
    bytes: 0,
    at: Date.now(),
    faults: kinds.map((kind) => kind.kind),
  }
  options.log.add(record)
  const impairment = impair(kinds)
  const gone = new AbortController()
  response.once('close', () => {
    gone.abort()
  })
  // A connection that breaks is the client's business, not a failure of the server.
  response.on('error', () => undefined)
  const signal = AbortSignal.any([closing, gone.signal])
  const exchange = createExchange({
    request,
    response,
    options,
    origin,
    method,
    path,
    search,
    record,
    impairment,
    signal,
  })
  if (impairment.delayMs > 0 && !(await waited(impairment.delayMs, signal))) return
  if (impairment.revokeToken) options.revokeTokenOf(exchange)
  try {
    if (impairment.status !== undefined) {
      const { status, headers, body } = faultPage(impairment.status)
      exchange.send(status, headers, body)
      return
    }
    const service = serviceFor(path, options.services)
    if (service === undefined) options.unknown(exchange)
    else await service.handle(exchange)
  } catch (error) {
    // A connection that was just cut is destroyed before its request and response are told.
    if (response.destroyed || request.destroyed || request.socket.destroyed) return
    record.defect = error
    if (!exchange.answered()) options.crashed(exchange, error)
    else response.destroy()
  }
}

interface ExchangeParts {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly options: SiteOptions
  readonly origin: string
  readonly method: string
  readonly path: string
  readonly search: string
  readonly record: OpenRecord
  readonly impairment: Impairment
  readonly signal: AbortSignal
}

type Body = string | Uint8Array | AsyncIterable<Uint8Array>

function createExchange(parts: ExchangeParts): Exchange & { answered(): boolean } {
  const { request, response, options, record, impairment } = parts
  let answered = false
  let whole: Promise<Buffer> | undefined
  let query: URLSearchParams | undefined

  async function* readRequest(): AsyncGenerator<Buffer> {
    const limit = impairment.cutRequestAfterBytes
    // Without destroyOnReturn a service that stops reading early would lose the connection it must answer on.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const piece = chunk as Buffer
      record.bytes += piece.length
      if (limit !== undefined && record.bytes >= limit) {
        request.socket.resetAndDestroy()
        throw new Error('The connection was cut while the request was read')
      }
      yield piece
    }
  }
  const receive: Exchange['receive'] = (take) =>
    new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        request.off('data', onData).off('end', onEnd).off('error', fail)
        finish()
      }
      const onEnd = (): void => {
        settle(resolve)
      }
      const fail = (error: unknown): void => {
        settle(() => {
          reject(error instanceof Error ? error : new Error('The body could not be read', { cause: error }))
        })
        // What is left goes nowhere: unread it would block the connection that has to carry the answer.
        request.on('error', () => undefined).resume()
      }
      const onData = (chunk: Buffer): void => {
        record.bytes += chunk.length
        const limit = impairment.cutRequestAfterBytes
        if (limit !== undefined && record.bytes >= limit) {
          request.socket.resetAndDestroy()
          fail(new Error('The connection was cut while the request was read'))
          return
        }
        try {
          const taken = take(chunk)
          if (taken === undefined) return
          request.pause()
          taken.then(() => request.resume(), fail)
        } catch (error) {
          fail(error)
        }
      }
      if (request.readableEnded) resolve()
      else if (request.destroyed) reject(new Error('The connection was closed before the body was read'))
      else request.on('end', onEnd).on('error', fail).on('data', onData)
    })
  async function* replay(body: Promise<Buffer>): AsyncGenerator<Buffer> {
    const buffer = await body
    if (buffer.length > 0) yield buffer
  }
  const collect = async (): Promise<Buffer> => {
    const pieces: Buffer[] = []
    await receive((piece) => {
      pieces.push(piece)
      return undefined
    })
    const [only] = pieces
    return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces)
  }
  const send = (status: number, headers: OutgoingHttpHeaders = {}, body: Body = ''): void => {
    if (answered) throw new Error(`${parts.method} ${parts.path} was answered twice`)
    setHeaders(response, { Date: new Date(options.wallNow() + impairment.skewMs).toUTCString() })
    setHeaders(response, options.headers())
    setHeaders(response, headers)
    answered = true
    response.statusCode = status
    deliver(parts, body).catch((error: unknown) => {
      if (!response.destroyed) record.defect = error
      response.destroy()
    })
  }
  return {
    method: parts.method,
    path: parts.path,
    search: parts.search,
    get query() {
      return (query ??= new URLSearchParams(parts.search))
    },
    headers: request.headers,
    origin: parts.origin,
    body: () => (whole ??= collect()),
    chunks: () => (whole === undefined ? readRequest() : replay(whole)),
    receive,
    send,
    json(status, value, headers) {
      send(status, { 'Content-Type': options.jsonType, ...headers }, JSON.stringify(value))
    },
    answered: () => answered,
  }
}

async function deliver(parts: ExchangeParts, given: Body): Promise<void> {
  const { request, response, impairment, record } = parts
  const hasBody = parts.method !== 'HEAD' && response.statusCode !== 204 && response.statusCode !== 304
  let body: Body = given
  if (impairment.holdMs > 0 && !(await waited(impairment.holdMs, parts.signal))) return
  if (impairment.cutRequestAfterBytes !== undefined || impairment.reset) {
    request.socket.resetAndDestroy()
    return
  }
  if (impairment.malformed && hasBody) body = await malformed(response, body)
  if (isBytes(body)) {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    // An answer to HEAD tells how long the body would be, if the service made one.
    const tellsLength = hasBody || (parts.method === 'HEAD' && bytes.length > 0)
    if (tellsLength && !response.hasHeader('Content-Length')) {
      response.setHeader('Content-Length', bytes.length)
    }
    record.status = response.statusCode
    if (impairment.cut !== undefined) await cutBytes(response, request.socket, bytes, hasBody, impairment.cut)
    else response.end(hasBody ? bytes : undefined)
    return
  }
  record.status = response.statusCode
  if (!hasBody) {
    response.end()
    return
  }
  await stream(response, request.socket, body, impairment.cut)
}

/** Always holds back at least the last byte, and has nothing to cut in an answer without a body: that is reset. */
async function cutBytes(
  response: ServerResponse,
  socket: Socket,
  bytes: Uint8Array,
  hasBody: boolean,
  cut: NonNullable<Impairment['cut']>,
): Promise<void> {
  if (!hasBody || bytes.length === 0) {
    socket.resetAndDestroy()
    return
  }
  const sent = bytes.subarray(0, Math.min(cut.afterBytes, bytes.length - 1))
  response.flushHeaders()
  if (sent.length > 0) await written(response, sent)
  await cutOff(socket, cut.how)
}

async function stream(
  response: ServerResponse,
  socket: Socket,
  body: AsyncIterable<Uint8Array>,
  cut: Impairment['cut'],
): Promise<void> {
  const promised = Number(response.getHeader('Content-Length') ?? Infinity)
  let left = Math.min(cut?.afterBytes ?? Infinity, Math.max(promised - 1, 0))
  for await (const piece of body) {
    if (response.destroyed) return
    if (piece.length === 0) continue
    if (cut !== undefined && piece.length >= left) {
      response.flushHeaders()
      if (left > 0) await written(response, piece.subarray(0, left))
      await cutOff(socket, cut.how)
      return
    }
    left -= piece.length
    await written(response, piece)
  }
  if (cut === undefined) response.end()
  else await cutOff(socket, cut.how)
}

async function cutOff(socket: Socket, how: 'reset' | 'end'): Promise<void> {
  if (how === 'end') {
    socket.destroySoon()
    return
  }
  await pause(RESET_LAG_MS)
  socket.resetAndDestroy()
}

/** Resolves when the bytes are with the kernel, or when nobody wants them any more. */
function written(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('close', done)
      resolve()
    }
    response.once('close', done)
    response.write(bytes, done)
  })
}

/** The first half of the true body: the beginning of JSON or XML, without an end. */
async function malformed(response: ServerResponse, body: Body): Promise<string> {
  let text: string
  if (isBytes(body)) {
    text = typeof body === 'string' ? body : Buffer.from(body).toString('latin1')
  } else {
    text = ''
    for await (const piece of body) {
      text = Buffer.from(piece).toString('latin1')
      break
    }
  }
  response.removeHeader('Content-Length')
  if (text.length > 1) return text.slice(0, Math.ceil(text.length / 2))
  if (!response.hasHeader('Content-Type')) response.setHeader('Content-Type', 'application/json')
  return '{"'
}

function isBytes(body: Body): body is string | Uint8Array {
  return typeof body === 'string' || body instanceof Uint8Array
}

function setHeaders(response: ServerResponse, headers: OutgoingHttpHeaders): void {
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) response.setHeader(name, value)
  }
}

/** False when the wait was called off. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await pause(ms, undefined, { signal })
    return true
  } catch {
    return false
  }
}

function splitTarget(target: string): { path: string; search: string } {
  // A proxy-style target carries the whole URL.
  const local = target.replace(/^https?:\/\/[^/?#]*/i, '')
  const mark = local.indexOf('?')
  const path = mark === -1 ? local : local.slice(0, mark)
  return { path: path === '' ? '/' : path, search: mark === -1 ? '' : local.slice(mark + 1) }
}
