import type { OutgoingHttpHeaders } from 'node:http'
import type { Exchange } from '../../service.js'
import type { Failure } from './failure.js'
import { encodeName, encodeValue } from './percent.js'
import type { Format, Request } from './request.js'
import { document, element, escapeXml } from './xml.js'

export type Headers = ReadonlyMap<string, string>

const JSON_TYPE = 'application/json; charset=UTF-8'
export const XML_TYPE = 'application/xml; charset=UTF-8'
export const TEXT_TYPE = 'text/plain; charset=UTF-8'

const ENCODED = /^(X-Account-|X-Container-|X-Object-|Content-)/
const FREE_NAMES =
  /^(X-(?:Account|Container|Object)-Meta-|X-Account-Group-|X-(?:Account|Container)-Policy-)(.*)$/s

/** Answers, with the headers coded and never cached. */
export function reply(
  exchange: Exchange,
  status: number,
  headers: Headers = new Map(),
  body?: string | Uint8Array | AsyncIterable<Uint8Array>,
): void {
  const sent: OutgoingHttpHeaders = {
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    Vary: 'X-Auth-Token',
  }
  for (const [name, value] of headers) {
    sent[wireName(name)] = ENCODED.test(name) ? encodeValue(value) : value
  }
  exchange.send(status, sent, body)
}

export function replyText(
  exchange: Exchange,
  status: number,
  type: string,
  text: string,
  headers?: Headers,
): void {
  reply(exchange, status, new Map([...(headers ?? []), ['Content-Type', type]]), text)
}

export function replyJson(exchange: Exchange, status: number, value: unknown, headers?: Headers): void {
  replyText(exchange, status, JSON_TYPE, JSON.stringify(value), headers)
}

/** A list of names with their descriptions: text has only the names, and 204 when there is none. */
export function replyListing(
  request: Request,
  listing: {
    readonly names: readonly string[]
    readonly json: readonly unknown[]
    readonly xml: () => string
    readonly headers: Headers
  },
): void {
  const { exchange, format } = request
  const { names, json, xml, headers } = listing
  if (format === 'json') replyJson(exchange, 200, json, headers)
  else if (format === 'xml') replyText(exchange, 200, XML_TYPE, document(xml()), headers)
  else if (names.length === 0) reply(exchange, 204, headers)
  else replyText(exchange, 200, TEXT_TYPE, names.map((name) => `${name}\n`).join(''), headers)
}

export function replyFailure(exchange: Exchange, failure: Failure, format: Format): void {
  const headers = new Map<string, string>()
  for (const [name, value] of Object.entries(failure.headers)) headers.set(name, String(value))
  if (failure.status === 304 || exchange.method === 'HEAD') {
    reply(exchange, failure.status, headers)
    return
  }
  const { fault, status: code, message, details } = failure
  if (format === 'xml') {
    const content = element('message', escapeXml(message)) + element('details', escapeXml(details))
    const xml = document(element(fault, content, { code: String(code) }))
    replyText(exchange, code, XML_TYPE, xml, headers)
  } else {
    replyJson(exchange, code, { [fault]: { code, message, details } }, headers)
  }
}

function wireName(name: string): string {
  const parts = FREE_NAMES.exec(name)
  return parts ? `${parts[1] ?? ''}${encodeName(parts[2] ?? '')}` : name
}
