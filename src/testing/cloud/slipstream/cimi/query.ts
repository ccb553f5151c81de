import { readAggregation, type Aggregation } from './aggregations.js'
import { CimiFailure } from './failure.js'
import { parseFilter, type FilterFeatures, type Predicate } from './filter.js'

export interface Ordering {
  readonly path: readonly string[]
  readonly descending: boolean
}

/** The parameters of a search (slipstream dossier 3.3). */
export interface Query {
  /** 1-based. */
  readonly first: number
  /** The most documents to send; 0 for counts alone. */
  readonly size: number
  readonly filters: readonly Predicate[]
  /** Undefined: all attributes. */
  readonly select: readonly string[] | undefined
  readonly orderby: readonly Ordering[]
  readonly aggregations: readonly Aggregation[]
}

const WINDOW = 10_000

export function readQuery(parameters: URLSearchParams, prefix: '$' | '', features: FilterFeatures): Query {
  const named = (name: string): readonly string[] => parameters.getAll(`${prefix}${name}`)
  const first = Math.max(firstInteger(named('first')) ?? 1, 1)
  const last = firstInteger(named('last'))
  const size = last === undefined ? WINDOW : Math.max(last - first + 1, 0)
  if (size > WINDOW) {
    throw new CimiFailure(500, `Unexpected exception thrown: size ${size} too large; limit is ${WINDOW}`)
  }
  return {
    first,
    size,
    filters: named('filter')
      .filter((text) => text.trim() !== '')
      .map((text) => parseFilter(text, features)),
    select: readSelect(parameters, prefix),
    orderby: listed(named('orderby')).map(readOrdering),
    aggregations: listed(named('aggregation')).map(readAggregation),
  }
}

/** Undefined: all attributes. */
export function readSelect(parameters: URLSearchParams, prefix: '$' | ''): readonly string[] | undefined {
  const names = listed(parameters.getAll(`${prefix}select`))
  return names.length === 0 || names.includes('*') ? undefined : names
}

/** The first one that is an integer; garbage goes unnoticed. */
function firstInteger(values: readonly string[]): number | undefined {
  const text = values.find((value) => /^\s*[+-]?\d+\s*$/.test(value))
  return text === undefined ? undefined : Number(text)
}

/** Repeated parameters and lists with commas are the same. */
function listed(values: readonly string[]): readonly string[] {
  return values
    .flatMap((value) => value.split(','))
    .flatMap((name) => (name.trim() === '' ? [] : [name.trim()]))
}

function readOrdering(text: string): Ordering {
  const [, name = text, direction = 'asc'] = /^(.+?):(asc|desc)$/.exec(text) ?? []
  return { path: name.split('/'), descending: direction === 'desc' }
}
