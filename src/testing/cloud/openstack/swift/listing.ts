import { refused, SwiftFailure } from './failure.js'
import { compareNames } from './names.js'
import { isTrue, type SwiftRequest } from './request.js'

/** What of a listing is asked for. */
export interface Selection {
  readonly prefix: string
  readonly delimiter: string
  readonly marker: string
  readonly endMarker: string
  readonly limit: number
  readonly reverse: boolean
  /** `path=`: the direct members of a pretended folder, and no folders. */
  readonly membersOnly: boolean
}

export type Listed<T> = { readonly item: T } | { readonly subdir: string }

export function readSelection(request: SwiftRequest, mostEntries: number): Selection {
  const { query } = request
  const text = (name: string): string => {
    const value = query.get(name) ?? ''
    if (value.includes('\ufffd') && !/%ef%bf%bd/i.test(request.exchange.search)) {
      throw refused(400, `"${name}" parameter not valid UTF-8`)
    }
    return value
  }
  const limit = /^\d+$/.test(query.get('limit') ?? '') ? Number(query.get('limit')) : undefined
  if (limit !== undefined && limit > mostEntries) {
    throw new SwiftFailure(412, `Maximum limit is ${String(mostEntries)}`)
  }
  const path = query.has('path') ? text('path') : undefined
  return {
    prefix: path === undefined || path === '' ? (path ?? text('prefix')) : `${path.replace(/\/+$/, '')}/`,
    delimiter: path === undefined ? text('delimiter') : '/',
    marker: text('marker'),
    endMarker: text('end_marker'),
    limit: limit ?? mostEntries,
    reverse: isTrue(query.get('reverse')),
    membersOnly: path !== undefined,
  }
}

/** `items` in the order of their names; several may have the same one. */
export function select<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  selection: Selection,
): readonly Listed<T>[] {
  const { prefix, delimiter, marker, endMarker, limit, reverse, membersOnly } = selection
  const direction = reverse ? -1 : 1
  const beyond = (name: string, bound: string): number => direction * compareNames(name, bound)
  const listed: Listed<T>[] = []
  let lastSubdir: string | undefined
  for (const item of reverse ? [...items].reverse() : items) {
    if (listed.length >= limit) break
    const name = nameOf(item)
    if (!name.startsWith(prefix)) continue
    if (marker !== '' && beyond(name, marker) <= 0) continue
    if (endMarker !== '' && beyond(name, endMarker) >= 0) break
    if (membersOnly) {
      if (isMember(name.slice(prefix.length))) listed.push({ item })
      continue
    }
    const at = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length)
    if (at === -1) {
      listed.push({ item })
      continue
    }
    const subdir = name.slice(0, at + delimiter.length)
    if (subdir === lastSubdir || subdir === marker) continue
    lastSubdir = subdir
    listed.push({ subdir })
  }
  return listed
}

function isMember(rest: string): boolean {
  const slash = rest.indexOf('/')
  return rest !== '' && (slash === -1 || slash === rest.length - 1)
}
