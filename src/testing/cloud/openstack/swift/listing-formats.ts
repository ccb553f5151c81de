import type { OutgoingHttpHeaders } from 'node:http'
import { SwiftFailure } from './failure.js'
import { pythonJson } from './python-json.js'
import type { SwiftRequest } from './request.js'

export type ListingType = 'text/plain' | 'application/json' | 'application/xml' | 'text/xml'

/** One entry in its three forms. */
export interface Line {
  readonly name: string
  readonly json: unknown
  readonly xml: string
}

const BY_FORMAT: Readonly<Record<string, ListingType>> = { json: 'application/json', xml: 'application/xml' }
const TYPES: readonly ListingType[] = ['text/plain', 'application/json', 'application/xml', 'text/xml']

/** By the query, or else what the sender likes best of what there is. */
export function chooseType(request: SwiftRequest): ListingType {
  const format = request.query.get('format')
  if (format !== null) return BY_FORMAT[format] ?? 'text/plain'
  const type = preferredType(request.headers.get('Accept'), TYPES)
  if (type === undefined) throw new SwiftFailure(406)
  return type
}

/** The first of the types that `Accept` ranks highest; undefined when it takes none of them. */
export function preferredType<T extends string>(
  accept: string | undefined,
  types: readonly T[],
): T | undefined {
  if (accept === undefined || accept.trim() === '') return types[0]
  const ranges = accept.split(',').map((part) => {
    const [range = '', ...parameters] = part.split(';').map((piece) => piece.trim())
    const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
    return { range, quality: quality === undefined ? 1 : Number(quality) }
  })
  ranges.sort((left, right) => right.quality - left.quality)
  for (const { range, quality } of ranges) {
    if (!(quality > 0)) continue
    const fits = types.find(
      (type) => range === '*/*' || range === type || range === `${type.split('/', 1).join('')}/*`,
    )
    if (fits !== undefined) return fits
  }
  return undefined
}

export function replyListing(
  request: SwiftRequest,
  listing: {
    readonly type: ListingType
    readonly headers: OutgoingHttpHeaders
    readonly lines: readonly Line[]
    readonly xml: (lines: readonly Line[]) => string
  },
): void {
  const { type, lines } = listing
  const text =
    type === 'text/plain'
      ? lines.map(({ name }) => `${name}\n`).join('')
      : type === 'application/json'
        ? pythonJson(lines.map(({ json }) => json))
        : `<?xml version="1.0" encoding="UTF-8"?>\n${listing.xml(lines)}`
  const status = type === 'text/plain' && lines.length === 0 ? 204 : 200
  request.exchange.send(
    status,
    { ...listingHeaders(request, type), 'Content-Length': Buffer.byteLength(text), ...listing.headers },
    text,
  )
}

/** Of a listing, and of HEAD for what could be listed. */
export function listingHeaders(request: SwiftRequest, type: ListingType): OutgoingHttpHeaders {
  const negotiated = request.query.get('format') === null && !request.query.has('versions')
  return { 'Content-Type': `${type}; charset=utf-8`, ...(negotiated ? { Vary: 'Accept' } : {}) }
}

export function escapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&apos;',
  }
  return text.replace(/[&<>"']/g, (letter) => entities[letter] ?? letter)
}

/** `<name>value</name>` for every field, in their order. */
export function xmlFields(fields: Readonly<Record<string, string | number>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `<${name}>${escapeXml(String(value))}</${name}>`)
    .join('')
}

export function subdirLine(subdir: string): Line {
  const name = escapeXml(subdir)
  return { name: subdir, json: { subdir }, xml: `<subdir name="${name}"><name>${name}</name></subdir>` }
}
