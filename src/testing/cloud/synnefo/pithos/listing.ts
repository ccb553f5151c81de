import type { Container } from './state.js'

export type Entry<T> =
  | { readonly kind: 'item'; readonly name: string; readonly item: T }
  | { readonly kind: 'subdir'; readonly name: string }

export interface ListingQuery {
  readonly prefix: string
  readonly delimiter: string
  /** Whether names below the delimiter show as one entry, or not at all. */
  readonly subdirs: boolean
  readonly marker: string
  readonly limit: number
}

/** One page of sorted names; `find` says what is listed under a name, if anything. */
export function listPage<T>(
  names: readonly string[],
  find: (name: string) => T | undefined,
  query: ListingQuery,
): readonly Entry<T>[] {
  const { prefix, delimiter, subdirs, marker, limit } = query
  const entries: Entry<T>[] = []
  let index = firstIndex(
    names,
    (name) => (marker === '' || compareNames(name, marker) > 0) && compareNames(name, prefix) >= 0,
  )
  while (entries.length < limit) {
    const name = names[index]
    if (!name?.startsWith(prefix)) break
    index += 1
    const item = find(name)
    if (item === undefined) continue
    const cut = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length)
    if (cut < 0 || cut + delimiter.length === name.length) {
      entries.push({ kind: 'item', name, item })
      continue
    }
    const subdir = name.slice(0, cut + delimiter.length)
    if (subdirs) entries.push({ kind: 'subdir', name: subdir })
    index = firstIndex(names, (other) => !other.startsWith(subdir), index)
  }
  return entries
}

/** One page of a listing that knows neither prefix nor delimiter: that of containers, that of accounts. */
export function listFlat<T>(
  names: readonly string[],
  find: (name: string) => T | undefined,
  query: URLSearchParams,
  most: number,
): { readonly names: readonly string[]; readonly items: readonly T[] } {
  const page = listPage(names, find, {
    prefix: '',
    delimiter: '',
    subdirs: false,
    marker: query.get('marker') ?? '',
    limit: parseLimit(query.get('limit'), most),
  })
  return {
    names: page.map(({ name }) => name),
    items: page.flatMap((entry) => (entry.kind === 'item' ? [entry.item] : [])),
  }
}

/** `limit` of a query: what is no number or 0 is the most that there is. */
export function parseLimit(text: string | null, most: number): number {
  const limit = text !== null && /^\d+$/.test(text.trim()) ? Number(text) : 0
  return limit > 0 ? Math.min(limit, most) : most
}

export function sortNames(names: Iterable<string>): readonly string[] {
  return [...names].sort(compareNames)
}

export function objectNames(container: Container): readonly string[] {
  container.sorted ??= sortNames(container.objects.keys())
  return container.sorted
}

/** Order of the UTF-8 bytes, which that of JavaScript strings is not beyond the basic plane. */
function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index += 1) {
    const left = a.charCodeAt(index)
    const right = b.charCodeAt(index)
    if (left !== right)
      return isSurrogate(left) === isSurrogate(right) ? left - right : isSurrogate(left) ? 1 : -1
  }
  return a.length - b.length
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff
}

/** The first index from `from` on where `holds` is true; it has to stay true from there to the end. */
function firstIndex(names: readonly string[], holds: (name: string) => boolean, from = 0): number {
  let low = from
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const name = names[middle]
    if (name !== undefined && holds(name)) high = middle
    else low = middle + 1
  }
  return low
}
