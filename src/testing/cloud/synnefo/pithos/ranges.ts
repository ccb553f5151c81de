import type { Span } from './content.js'
import { badRequest, rangeNotSatisfiable } from './failure.js'

/**
 * The spans that a `Range` header asks for. Malformed ones are overlooked; what does not lie inside the object
 * is refused, never cut to fit (pithos dossier 10).
 */
export function parseRanges(header: string | undefined, size: number): readonly Span[] | undefined {
  const text = header?.replaceAll(' ', '')
  if (!text?.startsWith('bytes=')) return undefined
  const spans: Span[] = []
  for (const part of text.slice('bytes='.length).split(',')) {
    const [matched, first = '', last = ''] = /^(\d*)-(\d*)$/.exec(part) ?? []
    if (matched === undefined || matched === '-') return undefined
    if (first === '') spans.push({ start: size - Number(last), end: size })
    else if (last === '') spans.push({ start: Number(first), end: size })
    else if (Number(first) > Number(last)) return undefined
    else spans.push({ start: Number(first), end: Number(last) + 1 })
  }
  if (spans.some(({ start, end }) => start < 0 || start >= end || end > size)) {
    throw rangeNotSatisfiable('Requested range exceeds object limits')
  }
  return spans
}

/** Where an update in place writes. */
export interface UpdateRange {
  readonly start: number
  /** Bytes from the first to the last; unknown when the range is open. */
  readonly length?: number
}

/** `Content-Range` of an update: `bytes a-b/*`, `a-/*`, `a-b/T`, or asterisks on both sides to append (pithos dossier 8). */
export function parseUpdateRange(header: string | undefined, size: number): UpdateRange {
  if (header === undefined || header === '') throw badRequest('Missing Content-Range header')
  if (header === 'bytes */*') return { start: size }
  const [matched, first = '', last = '', total = ''] = /^bytes (\d+)-(\d*)\/(\d+|\*)$/.exec(header) ?? []
  if (matched === undefined) throw rangeNotSatisfiable('Invalid Content-Range header')
  const start = Number(first)
  const end = last === '' ? undefined : Number(last)
  const fits =
    start <= size &&
    (end === undefined || start <= end) &&
    (total === '*' || (Number(total) === size && (end ?? start) < size))
  if (!fits) throw rangeNotSatisfiable('Supplied range is out of limits')
  return end === undefined ? { start } : { start, length: end - start + 1 }
}
