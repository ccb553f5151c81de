import type { Exchange, User, Users } from '../../service.js'
import type { Body } from './content.js'
import { badRequest, Failure } from './failure.js'
import { decode } from './percent.js'

export type Format = 'json' | 'xml' | 'text'

/** What a path names, from the account down. */
export interface Place {
  readonly account?: string
  readonly container?: string
  readonly object?: string
}

/** A request as the operations see it: headers decoded, its sender known. */
export interface Request {
  readonly exchange: Exchange
  readonly method: string
  readonly query: URLSearchParams
  /** Lower-case names; names and values decoded, but for `content-type` and `content-length`. */
  readonly headers: ReadonlyMap<string, string>
  readonly format: Format
  readonly user: User
}

const MAX_CONTAINER_NAME = 256
const MAX_OBJECT_NAME = 1024

/** Splits a path below the version prefix. `undefined` where the server has nothing. */
export function parsePlace(rest: string): Place | undefined {
  if (rest === '') return {}
  const slash = rest.indexOf('/')
  if (slash < 0) return { account: rest }
  const account = rest.slice(0, slash)
  const below = rest.slice(slash + 1)
  if (account === '' || below.startsWith('/')) return undefined
  if (below === '') return { account }
  const next = below.indexOf('/')
  if (next < 0) return { account, container: below }
  const container = below.slice(0, next)
  const object = below.slice(next + 1)
  return object === '' ? { account, container } : { account, container, object }
}

export function checkNames(container: string, object: string | undefined): void {
  if (characters(container) > MAX_CONTAINER_NAME) {
    throw badRequest('Container name too large.')
  }
  if (object !== undefined && characters(object) > MAX_OBJECT_NAME) throw badRequest('Object name too large.')
}

export function parseHeaders(exchange: Exchange): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (const [name, raw] of Object.entries(exchange.headers)) {
    const value = Array.isArray(raw) ? raw.join(', ') : (raw ?? '')
    if (!isAscii(name) || !isAscii(value)) throw badHeader()
    if (name === 'content-type' || name === 'content-length') {
      headers.set(name, value)
      continue
    }
    const decodedName = decode(name)
    const decodedValue = decode(value)
    if (decodedName === undefined || decodedValue === undefined) throw badHeader()
    headers.set(decodedName.toLowerCase(), decodedValue)
  }
  return headers
}

/**
 * The form of the answer: query, then the end of the path, then `Accept`, otherwise text for the listings
 * (pithos dossier 4.1). PUT of an object knows only JSON.
 */
export function chooseFormat(exchange: Exchange, path: string, place: Place): Format {
  const { method } = exchange
  if (method === 'PUT' && place.object !== undefined) return 'json'
  const asked = exchange.query.get('format')
  if (asked === 'json' || asked === 'xml') return asked
  if (path.endsWith('.json')) return 'json'
  if (path.endsWith('.xml')) return 'xml'
  for (const range of (exchange.headers.accept ?? '').split(',')) {
    const type = range.split(';', 1)[0]?.trim()
    if (type === 'application/json') return 'json'
    if (type === 'application/xml') return 'xml'
  }
  return method === 'GET' && place.object === undefined ? 'text' : 'json'
}

/** The token of a request; the query is looked at first. */
export function tokenOf(exchange: Exchange): string | undefined {
  const header = exchange.headers['x-auth-token']
  const token = exchange.query.get('X-Auth-Token') ?? (Array.isArray(header) ? header[0] : header)
  return token === '' ? undefined : token
}

export function authenticate(exchange: Exchange, users: Users): User {
  const token = tokenOf(exchange)
  if (token === undefined) {
    throw new Failure(401, 'unauthorized', 'Access denied. No authentication token')
  }
  const found = users.byToken(token)
  if ('user' in found) return found.user
  // Errors of the identity service are passed on under another name, its answer as a string inside.
  const details = JSON.stringify({ unauthorized: { code: 401, message: found.refused, details: '' } })
  throw new Failure(401, 'fault', 'UNAUTHORIZED', { details })
}

/** Flags have no value: being there is what counts. */
export function hasFlag(request: Request, name: string): boolean {
  return request.query.has(name)
}

/** `until` in ms. Anything but whole seconds is overlooked without a word (pithos dossier 4.3). */
export function untilOf(request: Request): number | undefined {
  const text = request.query.get('until')
  return text !== null && /^\d+$/.test(text) ? Number(text) * 1000 : undefined
}

export function isChunked(request: Request): boolean {
  return request.headers.get('transfer-encoding')?.toLowerCase() === 'chunked'
}

export function contentLength(request: Request): number | undefined {
  const text = request.headers.get('content-length')
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

/** The body, unless it says beforehand that it is too long. */
export function bodyOf(request: Request, limit: number): Body {
  if ((contentLength(request) ?? 0) > limit) throw badRequest('Maximum size is reached')
  return (take) => request.exchange.receive(take)
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 127) return false
  return true
}

function badHeader(): Failure {
  return badRequest('Bad character in headers.')
}

export function characters(text: string): number {
  return [...text].length
}
