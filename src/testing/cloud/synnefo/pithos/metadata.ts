import { badRequest } from './failure.js'
import { characters } from './request.js'
import type { Version } from './state.js'

const MAX_NAME = 128
const MAX_VALUE = 256
const MAX_HEADERS = 90
const MAX_ITEMS = 32

export type Kind = 'Account' | 'Container' | 'Object'

/** The metadata that the headers of a request bring, by normalised key; an empty value asks for removal. */
export function metaFromHeaders(
  headers: ReadonlyMap<string, string>,
  kind: Kind,
): ReadonlyMap<string, string> {
  const prefix = `X-${kind}-Meta-`
  const found = headersBelow(headers, prefix)
  if (found.size > MAX_HEADERS) throw badRequest('Too many headers.')
  const meta = new Map<string, string>()
  for (const [name, value] of found) {
    if (characters(prefix) + characters(name) > MAX_NAME) throw badRequest('Header name too large.')
    if (characters(value) > MAX_VALUE) throw badRequest('Header value too large.')
    meta.set(normaliseKey(name), value)
  }
  return meta
}

/** Headers that start with a prefix, by the rest of their name; `~` does not survive in their values. */
export function headersBelow(
  headers: ReadonlyMap<string, string>,
  prefix: string,
): ReadonlyMap<string, string> {
  const start = prefix.toLowerCase()
  const found = new Map<string, string>()
  for (const [name, value] of headers) {
    if (name.startsWith(start) && name.length > start.length) {
      found.set(name.slice(start.length), withoutTilde(value))
    }
  }
  return found
}

export function withoutTilde(value: string): string {
  return value.replaceAll('~', '')
}

/** `my_KEY` becomes `My-Key`. */
function normaliseKey(name: string): string {
  return name
    .replaceAll('_', '-')
    .split('-')
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1).toLowerCase())
    .join('-')
}

/** Metadata after a request: added to what was there, or put in its place. */
export function mergeMeta(
  old: ReadonlyMap<string, string>,
  changes: ReadonlyMap<string, string>,
  update: boolean,
): ReadonlyMap<string, string> {
  const merged = new Map(update ? old : [])
  for (const [key, value] of changes) {
    if (value === '') merged.delete(key)
    else merged.set(key, value)
  }
  if (merged.size > MAX_ITEMS) throw badRequest('Pithos metadata limit reached')
  return merged
}

export type MetaFilter = (version: Version) => boolean

/** Filter of a listing: `Key`, `!Key`, `Key=val` and other comparisons, all of which have to hold. */
export function parseMetaFilter(text: string): MetaFilter {
  const tests = text
    .split(',')
    .map((term) => term.trim())
    .filter((term) => term !== '')
    .map(parseTerm)
  return ({ meta }) => tests.every((test) => test(meta))
}

type MetaTest = (meta: ReadonlyMap<string, string>) => boolean

const COMPARISONS: Readonly<Record<string, (value: string, wanted: string) => boolean>> = {
  '=': (value, wanted) => value === wanted,
  '!=': (value, wanted) => value !== wanted,
  '<=': (value, wanted) => value <= wanted,
  '>=': (value, wanted) => value >= wanted,
  '<': (value, wanted) => value < wanted,
  '>': (value, wanted) => value > wanted,
}

function parseTerm(term: string): MetaTest {
  if (term.startsWith('!')) {
    const absent = normaliseKey(term.slice(1).trim())
    return (meta) => !meta.has(absent)
  }
  const [, name = term, operator = '', wanted = ''] = /^(.+?)(!=|<=|>=|=|<|>)(.*)$/s.exec(term) ?? []
  const key = normaliseKey(name.trim())
  const compare = COMPARISONS[operator]
  if (!compare) return (meta) => meta.has(key)
  const operand = wanted.trim()
  return (meta) => {
    const value = meta.get(key)
    return value !== undefined && compare(value, operand)
  }
}
