/** A run of bytes; `end` is exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Limits on what one request may ask for. */
const MOST_RANGES = 50
const MOST_OVERLAPS = 2
const MOST_UNORDERED = 7

/**
 * The spans that a `Range` header asks for, cut to the size; undefined when it is to be overlooked, none when it
 * cannot be satisfied.
 */
export function parseRanges(header: string | undefined, size: number): readonly Span[] | undefined {
  const text = header?.replaceAll(' ', '')
  if (!text?.startsWith('bytes=')) return undefined
  const spans: Span[] = []
  for (const part of text.slice('bytes='.length).split(',')) {
    const [matched, first = '', last = ''] = /^(\d*)-(\d*)$/.exec(part) ?? []
    if (matched === undefined || matched === '-') return undefined
    if (first !== '' && last !== '' && Number(first) > Number(last)) return undefined
    if (first === '') {
      if (size === 0 && Number(last) > 0) return undefined
      spans.push({ start: Math.max(size - Number(last), 0), end: size })
    } else {
      spans.push({ start: Number(first), end: last === '' ? size : Math.min(Number(last) + 1, size) })
    }
  }
  const inside = spans.filter(({ start, end }) => start < end)
  return isTooMuch(inside) ? [] : inside
}

function isTooMuch(spans: readonly Span[]): boolean {
  if (spans.length > MOST_RANGES) return true
  const ascending = spans.every((span, index) => span.start >= (spans[index - 1]?.start ?? 0))
  if (spans.length > MOST_UNORDERED && !ascending) return true
  let overlaps = 0
  spans.forEach((span, index) => {
    for (const other of spans.slice(index + 1)) {
      const startsWithin = span.start < other.start && other.start < span.end
      const endsWithin = span.start < other.end && other.end < span.end
      if (startsWithin || endsWithin) overlaps += 1
    }
  })
  return overlaps > MOST_OVERLAPS
}
