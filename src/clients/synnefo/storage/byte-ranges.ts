import { ResponseFormatError } from '../../../errors.js'
import { header } from '../../../http/codecs.js'
import type { HttpResponse } from '../../../http/types.js'
import { wholeNumber } from './arguments.js'
import type { ByteRange } from './options.js'

/** Some bytes of an object and where they begin in it. */
export interface ObjectPart {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** The parts of an answer, and how large the object is. */
export interface Parts {
  readonly total: number
  readonly parts: readonly ObjectPart[]
}

/** A `Range` header. */
export function rangeHeader(ranges: readonly ByteRange[]): string {
  return `bytes=${ranges.map(rangeText).join(',')}`
}

function rangeText(range: ByteRange): string {
  if ('last' in range) return `-${range.last}`
  const { offset, length } = range
  return length === undefined ? `${offset}-` : `${offset}-${offset + length - 1}`
}

/** Throws a `TypeError` that names the argument if it is not a range of at least one byte. */
export function checkRange(range: ByteRange, argument: string): void {
  if ('last' in range) {
    wholeNumber(`${argument}.last`, range.last, 1)
    return
  }
  wholeNumber(`${argument}.offset`, range.offset)
  if (range.length !== undefined) wholeNumber(`${argument}.length`, range.length, 1)
}

/** The parts of an answer: one, several, or those that are cut out here because the server ignored the ranges. */
export function partsOf(response: HttpResponse, ranges: readonly ByteRange[]): Parts {
  const { status, body } = response
  if (status !== 206) {
    return { total: body.length, parts: ranges.map((range) => cut(body, range)) }
  }
  const boundary = /^multipart\/byteranges\s*;.*?boundary="?([^";,\s]+)/i.exec(
    header(response, 'content-type') ?? '',
  )?.[1]
  if (boundary !== undefined) return splitParts(body, boundary)
  const { offset, length, total } = contentRange(header(response, 'content-range'))
  if (length !== body.length) throw malformed('a part is not as long as it says')
  return { total, parts: [{ offset, bytes: body }] }
}

function cut(body: Uint8Array, range: ByteRange): ObjectPart {
  const offset = 'last' in range ? Math.max(0, body.length - range.last) : Math.min(range.offset, body.length)
  const end = 'last' in range || range.length === undefined ? body.length : offset + range.length
  return { offset, bytes: body.subarray(offset, end) }
}

/** Goes by the lengths that the parts tell: their bytes may look like a boundary (pithos dossier 10). */
function splitParts(body: Uint8Array, boundary: string): Parts {
  const content = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const parts: ObjectPart[] = []
  let total = 0
  let position = content.indexOf(`--${boundary}\r\n`)
  while (position >= 0) {
    const headersEnd = content.indexOf('\r\n\r\n', position)
    if (headersEnd < 0) throw malformed('a part has no end to its headers')
    const headers = content.toString('latin1', position, headersEnd)
    const range = contentRange(/^content-range:\s*(.*?)\s*$/im.exec(headers)?.[1])
    const start = headersEnd + 4
    const end = start + range.length
    if (end > content.length) throw malformed('a part is shorter than it says')
    total = range.total
    parts.push({ offset: range.offset, bytes: content.subarray(start, end) })
    const next = content.indexOf(`--${boundary}`, end)
    const isLast = next < 0 || content.toString('latin1', next).startsWith(`--${boundary}--`)
    position = isLast ? -1 : next
  }
  if (parts.length === 0) throw malformed('there is no part')
  return { total, parts }
}

interface ContentRange {
  readonly offset: number
  readonly length: number
  readonly total: number
}

function contentRange(value: string | undefined): ContentRange {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(value ?? '')
  if (match === null) throw malformed(`Content-Range is ${value ?? 'missing'}`)
  const [offset = 0, last = 0, total = 0] = match.slice(1).map(Number)
  return { offset, length: last - offset + 1, total }
}

function malformed(issue: string): ResponseFormatError {
  return new ResponseFormatError(`the answer is not what the protocol says of ranges: ${issue}`, {
    issues: [issue],
  })
}
