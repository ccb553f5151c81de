import type { OutgoingHttpHeaders } from 'node:http'
import type { Exchange } from '../../service.js'
import { page, type SwiftFailure } from './failure.js'
import type { HeaderMap } from './state.js'

export const HTML = 'text/html; charset=UTF-8'

/** Answers without a body, or with the page that goes with the status. */
export function reply(exchange: Exchange, status: number, headers: OutgoingHttpHeaders = {}): void {
  const text = status === 202 ? page(status) : ''
  exchange.send(status, { 'Content-Type': HTML, 'Content-Length': text.length, ...headers }, text)
}

export function replyText(
  exchange: Exchange,
  status: number,
  type: string,
  text: string,
  headers: OutgoingHttpHeaders = {},
): void {
  const length = { 'Content-Length': Buffer.byteLength(text) }
  exchange.send(status, { 'Content-Type': type, ...length, ...headers }, text)
}

export function replyFailure(exchange: Exchange, failure: SwiftFailure): void {
  const text = exchange.method === 'HEAD' ? '' : (failure.text ?? page(failure.status))
  replyText(exchange, failure.status, HTML, text, failure.headers)
}

export function asHeaders(headers: HeaderMap): OutgoingHttpHeaders {
  return Object.fromEntries(headers)
}
