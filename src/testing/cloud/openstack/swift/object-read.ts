import { randomBytes } from 'node:crypto'
import type { OutgoingHttpHeaders } from 'node:http'
import { checkConditions } from './conditions.js'
import { page, SwiftFailure } from './failure.js'
import { findBroken, readParts, whileHeld } from './parts.js'
import { parseRanges, type Span } from './ranges.js'
import { HTML } from './reply.js'
import { represent, type Representation } from './representation.js'
import type { ObjectPlace, SwiftRequest } from './request.js'
import { findObject } from './versions.js'

/** GET and HEAD. */
export function getObject(request: SwiftRequest, place: ObjectPlace): void {
  const { exchange, headers, method } = request
  const found = findObject(request, place)
  const shown = represent(request, place.account, found.object)
  const all = { ...request.dress(shown.headers), ...found.headers }
  const accepts = { 'Accept-Ranges': 'bytes' }
  const type = { 'Content-Type': shown.contentType }
  const failed = checkConditions(headers, shown.etag, found.object.time)
  if (failed === 412) {
    exchange.send(412, { 'Content-Type': HTML, ...all, 'Content-Length': 0 })
    return
  }
  if (failed === 304) {
    exchange.send(304, { ...type, ...all, ...accepts, 'Content-Length': 0 })
    return
  }
  if (method === 'HEAD') {
    exchange.send(200, { ...type, ...all, ...accepts, 'Content-Length': shown.length })
    return
  }
  const spans = parseRanges(headers.get('Range'), shown.length)
  const [first] = spans ?? []
  if (spans !== undefined && first === undefined) {
    sendUnsatisfiable(request, shown, { ...type, ...all })
    return
  }
  // A dynamic large object is sent whole when several ranges are asked for.
  if (first === undefined || (shown.kind === 'dynamic' && spans?.length !== 1)) {
    send(request, shown, 200, { ...type, ...all, ...accepts }, [{ start: 0, end: shown.length }])
  } else if (spans?.length === 1) {
    const range = { 'Content-Range': rangeText(first, shown.length) }
    send(request, shown, 206, { ...type, ...all, ...range, ...accepts }, [first])
  } else {
    sendMultipart(request, shown, { ...all, ...accepts }, spans ?? [])
  }
}

function sendUnsatisfiable(request: SwiftRequest, shown: Representation, all: OutgoingHttpHeaders): void {
  const text = page(416)
  const range = { 'Content-Range': `bytes */${String(shown.length)}`, 'Accept-Ranges': 'bytes' }
  const headers = shown.kind === 'dynamic' ? { 'Content-Type': HTML } : all
  request.exchange.send(416, { ...headers, ...range, 'Content-Length': text.length }, text)
}

/** Sends the spans one after the other, between `frames`: one before each span and one at the end. */
function send(
  request: SwiftRequest,
  shown: Representation,
  status: number,
  headers: OutgoingHttpHeaders,
  spans: readonly Span[],
  frames: readonly string[] = [],
): void {
  const broken = spans.map((span) => findBroken(shown.parts, span))
  if (broken[0]?.first === true) throw new SwiftFailure(409)
  const length =
    spans.reduce((sum, { start, end }) => sum + end - start, 0) +
    frames.reduce((sum, frame) => sum + frame.length, 0)
  // Where a segment is missing the body ends early, and the connection with it.
  const ending = broken.some(({ any }) => any) ? { Connection: 'close' } : {}
  request.exchange.send(
    status,
    { ...headers, 'Content-Length': length, ...ending },
    whileHeld(shown.parts, body()),
  )

  async function* body(): AsyncGenerator<Uint8Array, void, undefined> {
    for (const [index, span] of spans.entries()) {
      yield Buffer.from(frames[index] ?? '', 'latin1')
      yield* readParts(shown.parts, span)
      if (broken[index]?.any === true) return
    }
    yield Buffer.from(frames[spans.length] ?? '', 'latin1')
  }
}

function sendMultipart(
  request: SwiftRequest,
  shown: Representation,
  headers: OutgoingHttpHeaders,
  spans: readonly Span[],
): void {
  const boundary = randomBytes(16).toString('hex')
  const frames = spans.map(
    (span, index) =>
      `${index === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${shown.contentType}\r\n` +
      `Content-Range: ${rangeText(span, shown.length)}\r\n\r\n`,
  )
  frames.push(`\r\n--${boundary}--`)
  const type = { 'Content-Type': `multipart/byteranges;boundary=${boundary}` }
  send(request, shown, 206, { ...type, ...headers }, spans, frames)
}

function rangeText({ start, end }: Span, size: number): string {
  return `bytes ${String(start)}-${String(end - 1)}/${String(size)}`
}
