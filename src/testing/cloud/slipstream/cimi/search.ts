import type { Fields } from './json.js'
import type { Document } from './store.js'
import type { Ordering, Query } from './query.js'
import { compareValues, valuesAt } from './values.js'

export interface Found {
  /** Before paging. */
  readonly count: number
  readonly documents: readonly Document[]
  /** Undefined: none was asked for. */
  readonly aggregations: Fields | undefined
}

/** Filters, then orders, then takes the page (slipstream dossier 3.3). */
export function search(documents: readonly Document[], query: Query, defaultOrder?: Ordering): Found {
  const matching = documents.filter((document) => query.filters.every((filter) => filter(document)))
  const orderings = query.orderby.length === 0 && defaultOrder !== undefined ? [defaultOrder] : query.orderby
  const ordered = orderings.length === 0 ? matching : matching.toSorted(byAll(orderings))
  const start = query.first - 1
  return {
    count: matching.length,
    documents: ordered.slice(start, start + query.size),
    aggregations:
      query.aggregations.length === 0
        ? undefined
        : Object.fromEntries(query.aggregations.map(({ key, of }) => [key, of(matching)])),
  }
}

function byAll(orderings: readonly Ordering[]): (left: Fields, right: Fields) => number {
  return (left, right) => {
    for (const { path, descending } of orderings) {
      const [mine] = valuesAt(left, path)
      const [other] = valuesAt(right, path)
      // What has no value comes last either way.
      if (mine === undefined || other === undefined) {
        if (mine !== other) return mine === undefined ? 1 : -1
        continue
      }
      const order = compareValues(mine, other)
      if (order !== 0 && !Number.isNaN(order)) return descending ? -order : order
    }
    return 0
  }
}

/** Only what was asked for, and what is always there. Paths lead into nested attributes. */
export function selected(
  document: Fields,
  names: readonly string[] | undefined,
  always: readonly string[],
): Fields {
  if (names === undefined) return document
  const tree = new Map<string, string[] | undefined>()
  for (const name of [...names, ...always]) {
    const [head = '', ...rest] = name.split('/')
    const inner = tree.get(head)
    if (rest.length === 0 || (tree.has(head) && inner === undefined)) tree.set(head, undefined)
    else tree.set(head, [...(inner ?? []), rest.join('/')])
  }
  return Object.fromEntries(
    [...tree].flatMap(([head, inner]) =>
      Object.hasOwn(document, head) ? [[head, within(document[head], inner)] as const] : [],
    ),
  )
}

function within(value: unknown, names: readonly string[] | undefined): unknown {
  if (names === undefined || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item: unknown) => within(item, names))
  return selected(value as Fields, names, [])
}
