import { CimiFailure } from './failure.js'
import type { Fields } from './json.js'
import { instantOf, textOf, valuesAt } from './values.js'

/** One figure about all documents that were found. */
export interface Aggregation {
  /** As it was asked for: `sum:price`. */
  readonly key: string
  readonly of: (documents: readonly Fields[]) => Fields
}

type Algorithm = (documents: readonly Fields[], path: readonly string[]) => Fields

const PERCENTS = [1, 5, 25, 50, 75, 95, 99]

/** In the shapes of Elasticsearch (slipstream dossier 3.3). */
const ALGORITHMS: Readonly<Record<string, Algorithm>> = {
  min: (documents, path) => ({ value: statisticsOf(numbersAt(documents, path)).min }),
  max: (documents, path) => ({ value: statisticsOf(numbersAt(documents, path)).max }),
  sum: (documents, path) => ({ value: statisticsOf(numbersAt(documents, path)).sum }),
  avg: (documents, path) => ({ value: statisticsOf(numbersAt(documents, path)).avg }),
  stats: (documents, path) => statisticsOf(numbersAt(documents, path)),
  extendedstats: (documents, path) => extendedStatisticsOf(numbersAt(documents, path)),
  count: (documents, path) => ({ value: everyValue(documents, path).length }),
  percentiles: (documents, path) => ({ values: percentilesOf(numbersAt(documents, path)) }),
  cardinality: (documents, path) => ({ value: new Set(everyValue(documents, path)).size }),
  missing: (documents, path) => ({
    doc_count: documents.filter((document) => valuesAt(document, path).length === 0).length,
  }),
  terms: termsOf,
}

export function readAggregation(key: string): Aggregation {
  const colon = key.indexOf(':')
  const name = key.slice(0, Math.max(colon, 0))
  const algorithm = Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name] : undefined
  const path = key.slice(colon + 1).split('/')
  if (algorithm === undefined || path.includes('')) {
    // unverified: that it is refused, and how.
    throw new CimiFailure(400, `invalid aggregation specification: ${key}`)
  }
  return { key, of: (documents) => algorithm(documents, path) }
}

function everyValue(documents: readonly Fields[], path: readonly string[]): readonly unknown[] {
  return documents.flatMap((document) => valuesAt(document, path))
}

/** Dates count as milliseconds. */
function numbersAt(documents: readonly Fields[], path: readonly string[]): readonly number[] {
  return everyValue(documents, path).flatMap((value) => {
    const number = typeof value === 'number' ? value : instantOf(value)
    return number === undefined ? [] : [number]
  })
}

interface Statistics extends Fields {
  readonly count: number
  readonly min: number | null
  readonly max: number | null
  readonly avg: number | null
  readonly sum: number
}

function statisticsOf(numbers: readonly number[]): Statistics {
  let min: number | null = null
  let max: number | null = null
  let sum = 0
  for (const number of numbers) {
    sum += number
    if (min === null || number < min) min = number
    if (max === null || number > max) max = number
  }
  return { count: numbers.length, min, max, avg: numbers.length === 0 ? null : sum / numbers.length, sum }
}

function extendedStatisticsOf(numbers: readonly number[]): Fields {
  const statistics = statisticsOf(numbers)
  const { avg, count } = statistics
  const squares = numbers.reduce((total, number) => total + number ** 2, 0)
  const variance =
    avg === null ? null : numbers.reduce((total, number) => total + (number - avg) ** 2, 0) / count
  const deviation = variance === null ? null : Math.sqrt(variance)
  return {
    ...statistics,
    sum_of_squares: squares,
    variance,
    std_deviation: deviation,
    std_deviation_bounds: {
      upper: avg === null || deviation === null ? null : avg + 2 * deviation,
      lower: avg === null || deviation === null ? null : avg - 2 * deviation,
    },
  }
}

function percentilesOf(numbers: readonly number[]): Fields {
  const sorted = numbers.toSorted((left, right) => left - right)
  const at = (percent: number): number | null => {
    const position = (percent / 100) * (sorted.length - 1)
    const low = sorted[Math.floor(position)]
    const high = sorted[Math.ceil(position)]
    return low === undefined || high === undefined ? null : low + (high - low) * (position % 1)
  }
  return Object.fromEntries(PERCENTS.map((percent) => [percent.toFixed(1), at(percent)]))
}

/** The most frequent first. */
function termsOf(documents: readonly Fields[], path: readonly string[]): Fields {
  const counts = new Map<unknown, number>()
  for (const document of documents) {
    const values = new Set(valuesAt(document, path).filter((value) => textOf(value) !== undefined))
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  const buckets = [...counts]
    .sort(([left, leftCount], [right, rightCount]) =>
      leftCount === rightCount ? compareTexts(left, right) : rightCount - leftCount,
    )
    .map(([key, doc_count]) => ({ key, doc_count }))
  return { doc_count_error_upper_bound: 0, sum_other_doc_count: 0, buckets }
}

function compareTexts(left: unknown, right: unknown): number {
  return (textOf(left) ?? '') < (textOf(right) ?? '') ? -1 : 1
}
