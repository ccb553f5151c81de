import type { Operation } from './documents.js'
import { StackitFailure } from './failures.js'
import { successSchema } from './kinds.js'
import { isFields, textOf, type Fields, type Schemas } from './schemas.js'

export interface Page<T> {
  readonly items: readonly T[]
  /** What the answer tells besides. */
  readonly beside: Fields
}

/** Cuts one page out of a list, in the style of the operation (stackit dossier 10). */
export function cutPage<T>(options: {
  readonly schemas: Schemas
  readonly operation: Operation
  readonly query: Fields
  readonly items: readonly T[]
  /** Whether a page without items comes at the end, as some services have it. */
  readonly emptyLastPage: boolean
}): Page<T> {
  const { schemas, operation, query, items, emptyLastPage } = options
  const parameters = operation.parameters ?? {}
  const answer = schemas.shape(successSchema(operation) ?? {})?.properties ?? {}
  const sizeName = SIZES.find((name) => name in parameters)
  const number = (name: string | undefined): number | undefined => {
    const value = name === undefined ? undefined : query[name]
    return value === undefined ? undefined : Number(value)
  }
  const size = Math.max(number(sizeName) ?? defaultSize(schemas, operation, sizeName), 1)

  const [token, next = ''] = TOKENS.find(([name]) => name in parameters) ?? []
  if (token !== undefined) {
    const from = readToken(query[token])
    const end = from + size
    const isLast = emptyLastPage ? from >= items.length : end >= items.length
    const following = isLast ? undefined : tokenFor(Math.min(end, items.length))
    const name = token === 'cursor' ? (next in answer ? next : 'cursor') : next
    if ('meta' in answer) {
      const meta =
        following === undefined ? { hasNextPage: false } : { nextCursor: following, hasNextPage: true }
      return { items: items.slice(from, end), beside: { meta } }
    }
    const limit = 'limit' in answer ? { limit: size } : {}
    return {
      items: items.slice(from, end),
      // Where the field must be there, an empty one says that this was the last page.
      beside: { ...limit, [name]: following ?? (isRequired(schemas, operation, name) ? '' : undefined) },
    }
  }
  if ('offset' in parameters) {
    const offset = number('offset') ?? 0
    return { items: items.slice(offset, offset + size), beside: { offset, limit: size } }
  }
  if ('page' in parameters) {
    const page = number('page') ?? 1
    const from = (Math.max(page, 1) - 1) * size
    const totalPages = Math.ceil(items.length / size) + (emptyLastPage ? 1 : 0)
    const { sort } = query
    return {
      items: items.slice(from, from + size),
      beside: {
        itemsPerPage: size,
        totalItems: items.length,
        totalPages,
        itemsCount: items.slice(from, from + size).length,
        offset: from,
        pagination: {
          page,
          size,
          totalPages,
          totalRows: items.length,
          totalResults: items.length,
          ...(sort === undefined ? {} : { sort }),
        },
      },
    }
  }
  return {
    items,
    beside: {
      count: items.length,
      totalResults: items.length,
      itemsPerPage: Math.max(items.length, 1),
      startIndex: 1,
    },
  }
}

/** Query parameter with the place in the list, and field with the next one. */
const TOKENS = [
  ['pageToken', 'nextPageToken'],
  ['pageId', 'nextPageId'],
  ['pageIdentifier', 'nextPageIdentifier'],
  ['cursor', 'nextCursor'],
] as const
const SIZES = ['pageSize', 'perPage', 'size', 'limit']
const DEFAULT_SIZES: Readonly<Record<string, number>> = {
  pageToken: 10,
  pageId: 10,
  pageIdentifier: 20,
  cursor: 50,
  offset: 50,
}

function defaultSize(schemas: Schemas, operation: Operation, sizeName: string | undefined): number {
  const parameters = operation.parameters ?? {}
  const told =
    sizeName === undefined ? undefined : schemas.resolve(parameters[sizeName]?.schema ?? {}).default
  if (typeof told === 'number') return told
  const place = Object.keys(DEFAULT_SIZES).find((name) => name in parameters)
  if (place !== undefined) return DEFAULT_SIZES[place] ?? 10
  return sizeName === 'pageSize' || sizeName === 'perPage' ? 100 : 10
}

function isRequired(schemas: Schemas, operation: Operation, name: string): boolean {
  return schemas.shape(successSchema(operation) ?? {})?.required.has(name) === true
}

/** In the form of a UUID, which the documents ask of some. */
function tokenFor(index: number): string {
  return `00000000-0000-4000-a000-${index.toString(16).padStart(12, '0')}`
}

function readToken(token: unknown): number {
  if (token === undefined || token === '') return 0
  const index = /^00000000-0000-4000-a000-([\da-f]{12})$/.exec(textOf(token))?.[1]
  if (index === undefined) throw new StackitFailure(400, 'The page token is not valid')
  return parseInt(index, 16)
}

/** Keeps what the query asks for: `name[eq]=…`, `label_selector=…` (stackit dossier 5). */
export function filterItems<T extends { readonly fields: Fields }>(
  items: readonly T[],
  query: Fields,
): readonly T[] {
  let kept = items
  for (const [name, wanted] of Object.entries(query)) {
    const [, field = '', operator = ''] = /^(\w+)\[(\w+)\]$/.exec(name) ?? []
    const compare = COMPARISONS[operator]
    if (compare !== undefined && !field.startsWith('label')) {
      kept = kept.filter(({ fields }) => compare(textOf(fields[field]), textOf(wanted)))
    }
    if (field === 'orderBy') {
      const sign = String(wanted).toLowerCase() === 'desc' ? -1 : 1
      kept = [...kept].sort(
        (left, right) => sign * textOf(left.fields[operator]).localeCompare(textOf(right.fields[operator])),
      )
    }
    if (name === 'label_selector') {
      const pairs = isFields(wanted)
        ? Object.entries(wanted).map(([key, value]) => `${key}=${String(value)}`)
        : String(wanted).split(',')
      kept = kept.filter(({ fields }) => pairs.every((pair) => hasLabel(fields['labels'], pair)))
    }
  }
  return kept
}

const COMPARISONS: Readonly<Record<string, (have: string, wanted: string) => boolean>> = {
  eq: (have, wanted) => have === wanted,
  neq: (have, wanted) => have !== wanted,
  like: (have, wanted) => have.includes(wanted),
  gt: (have, wanted) => have > wanted,
  lt: (have, wanted) => have < wanted,
  gte: (have, wanted) => have >= wanted,
  lte: (have, wanted) => have <= wanted,
}

function hasLabel(labels: unknown, pair: string): boolean {
  const [, key = pair, operator, value] = /^([^!=]+?)\s*(!=|==?)\s*(.*)$/.exec(pair.trim()) ?? []
  const have = isFields(labels) ? labels[key.trim()] : undefined
  if (operator === undefined) return have !== undefined
  return operator === '!=' ? have !== value : have === value
}
