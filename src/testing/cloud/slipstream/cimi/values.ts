import { isFields, type Fields } from './json.js'

/** What lies at a path: every value of every list on the way; nothing where there is nothing. */
export function valuesAt(document: Fields, path: readonly string[]): readonly unknown[] {
  let found: readonly unknown[] = [document]
  for (const name of path) {
    found = found
      .flatMap((value) => (isFields(value) && Object.hasOwn(value, name) ? [value[name]] : []))
      .flat(Infinity)
  }
  return found.filter((value) => value !== null && value !== undefined)
}

const INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?$/

/** Ms since the epoch of what is written as a date; undefined for anything else. */
export function instantOf(value: unknown): number | undefined {
  if (typeof value !== 'string' || !INSTANT.test(value)) return undefined
  const time = Date.parse(value)
  return Number.isNaN(time) ? undefined : time
}

/** The text of a value that has one. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** Below 0, 0, above 0; numbers and dates by what they mean, the rest letter by letter. NaN: not to be compared. */
export function compareValues(left: unknown, right: unknown): number {
  if (typeof left === 'number') return left - Number(right)
  const leftTime = instantOf(left)
  const rightTime = instantOf(right)
  if (leftTime !== undefined && rightTime !== undefined) return leftTime - rightTime
  const leftText = textOf(left)
  const rightText = textOf(right)
  if (leftText === undefined || rightText === undefined) return NaN
  return leftText === rightText ? 0 : leftText < rightText ? -1 : 1
}
