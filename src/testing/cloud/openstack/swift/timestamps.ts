/** Swift's time: units of ten microseconds since the epoch, no two the same. */
export type Timestamp = number

const UNITS_PER_SECOND = 100_000

export function createTimestamps(wallNow: () => number): () => Timestamp {
  let last = 0
  return () => (last = Math.max(Math.round(wallNow() * 100), last + 1))
}

/** Seconds with five decimals, as headers and version ids have them. */
export function asEpoch(time: Timestamp): string {
  const fraction = String(time % UNITS_PER_SECOND).padStart(5, '0')
  return `${String(Math.floor(time / UNITS_PER_SECOND))}.${fraction}`
}

/** As listings have it: UTC without saying so. */
export function asIso(time: Timestamp): string {
  const seconds = new Date(Math.floor(time / UNITS_PER_SECOND) * 1000).toISOString().slice(0, 19)
  return `${seconds}.${String(time % UNITS_PER_SECOND).padStart(5, '0')}0`
}

/** Whole seconds, rounded up. */
export function asHttpDate(time: Timestamp): string {
  return new Date(inSeconds(time) * 1000).toUTCString()
}

/** Rounded up, as in dates of headers. */
export function inSeconds(time: Timestamp): number {
  return Math.ceil(time / UNITS_PER_SECOND)
}
