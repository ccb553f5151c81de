/** The value, if it is a whole number of at least `min`; else a `TypeError` that names the argument. */
export function wholeNumber(argument: string, value: unknown, min = 0): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return value
  throw new TypeError(`${argument}: expected a whole number of at least ${min}, not ${String(value)}`)
}

/** The value, if it is one of those; else a `TypeError` that names the argument. */
export function oneOf<T extends string>(argument: string, value: unknown, all: readonly T[]): T {
  const found = all.find((one) => one === value)
  if (found !== undefined) return found
  throw new TypeError(`${argument}: expected ${all.map((one) => `'${one}'`).join(' or ')}`)
}

/** The value, if it is text; else a `TypeError` that names the argument. */
export function textArgument(argument: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new TypeError(`${argument}: expected a string that is not empty`)
}
