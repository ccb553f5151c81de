import type { OutgoingHttpHeaders } from 'node:http'
import type { Exchange } from '../../service.js'
import { SwiftFailure } from './failure.js'
import type { HeaderMap, Principal, Region } from './state.js'

/** What a path names, from the account down. */
export interface Place {
  readonly account: string
  readonly container?: string
  readonly object?: string
}

export interface ContainerPlace extends Place {
  readonly container: string
}

export interface ObjectPlace extends ContainerPlace {
  readonly object: string
}

/** `own` is what only the owner of an account may do. */
export type Act = 'read' | 'write' | 'list' | 'own'

/** A request as the operations see it. */
export interface SwiftRequest {
  readonly exchange: Exchange
  readonly region: Region
  readonly method: string
  /** Decoded, below the service's prefix: `/v1/account/container/object`. */
  readonly path: string
  readonly query: URLSearchParams
  /** Wire names: `X-Object-Meta-Colour`. An underscore in a name is a dash. */
  readonly headers: HeaderMap
  readonly principal: Principal | undefined
  /** The account is the sender's own. */
  readonly owner: boolean
  /** May the sender do this there? The container may be missing. */
  may(act: Act, place: Place): boolean
  /** Refuses the request unless the sender may. */
  demand(act: Act, place: Place): void
  /** The headers of an object as this sender is to see them. */
  dress(headers: OutgoingHttpHeaders): OutgoingHttpHeaders
}

/** Percent-decoded; refused when that is no UTF-8. */
export function decodePath(raw: string): string {
  const bytes = Buffer.from(
    raw.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(parseInt(digits, 16))),
    'latin1',
  )
  try {
    const path = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    if (!path.includes('\0')) return path
  } catch {
    // Said below.
  }
  throw new SwiftFailure(412, 'Invalid UTF8 or contains NULL')
}

/** Percent-encoded as Python's `quote` does it: all but letters, digits, `_.-~` and the slash. */
export function quote(text: string): string {
  return encodeURIComponent(text)
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Splits `/v1/account/container/object`; what follows the container's slash belongs to the object. */
export function parsePlace(path: string): Place {
  const [, version = '', account = '', container = '', ...rest] = path.split('/')
  if (account === '' || (container === '' && rest.some((part) => part !== ''))) {
    throw new SwiftFailure(412, 'Bad URL')
  }
  if (version !== 'v1' && version !== 'v1.0') throw new SwiftFailure(400)
  const object = rest.join('/')
  if (container === '') return { account }
  return object === '' ? { account, container } : { account, container, object }
}

export function readHeaders(exchange: Exchange): HeaderMap {
  const headers = new Map<string, string>()
  for (const [name, value] of Object.entries(exchange.headers)) {
    if (value !== undefined)
      headers.set(wireName(name), (Array.isArray(value) ? value.join(', ') : value).trim())
  }
  return headers
}

/** `x-object-meta-my_key` as `X-Object-Meta-My-Key`. */
export function wireName(name: string): string {
  return name
    .toLowerCase()
    .split(/[-_]/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('-')
}

/** `container/object`, with or without a slash before it, percent-encoded. */
export function parseTarget(text: string, header: string): { container: string; object: string } {
  const [container = '', ...rest] = decodePath(text).replace(/^\//, '').split('/')
  const object = rest.join('/')
  if (container === '' || object === '') {
    throw new SwiftFailure(412, `${header} header must be of the form <container name>/<object name>`)
  }
  return { container, object }
}

/** As Swift's settings take it: `true`, `1`, `yes`, `on`, `t`, `y`. */
export function isTrue(text: string | null | undefined): boolean {
  return ['true', '1', 'yes', 'on', 't', 'y'].includes((text ?? '').toLowerCase())
}

/** Bytes as the sender says; undefined when he does not, or sends it in chunks. */
export function contentLength(request: SwiftRequest): number | undefined {
  const text = request.headers.get('Content-Length')
  return text === undefined || isChunked(request) ? undefined : Number(text)
}

export function isChunked(request: SwiftRequest): boolean {
  return request.headers.get('Transfer-Encoding')?.toLowerCase() === 'chunked'
}
