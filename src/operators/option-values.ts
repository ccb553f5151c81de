/** The value, if it is a number between `min` and `max`; else a `TypeError` that names the option. */
export function numberOption(name: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value
  throw new TypeError(
    `${name} must be a number from ${String(min)} to ${String(max)}, but is ${String(value)}`,
  )
}

/** The value, if it is a whole number of at least `min`, or `Infinity`; else a `TypeError` that names the option. */
export function countOption(name: string, value: unknown, min: number): number {
  if (typeof value === 'number' && value >= min && (Number.isInteger(value) || value === Infinity)) {
    return value
  }
  throw new TypeError(
    `${name} must be a whole number of at least ${String(min)} or Infinity, but is ${String(value)}`,
  )
}
