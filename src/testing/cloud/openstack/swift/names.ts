/** Things by name, in the order of the names' UTF-8 bytes. */
export interface Names<T> {
  readonly size: number
  get(name: string): T | undefined
  set(name: string, value: T): void
  delete(name: string): boolean
  values(): Iterable<T>
  /** In order. Not to be changed. */
  sorted(): readonly string[]
}

export function createNames<T>(): Names<T> {
  const map = new Map<string, T>()
  let order: string[] | undefined
  return {
    get size() {
      return map.size
    },
    get: (name) => map.get(name),
    set(name, value) {
      if (!map.has(name)) order = undefined
      map.set(name, value)
    },
    delete(name) {
      const known = map.delete(name)
      if (known) order = undefined
      return known
    },
    values: () => map.values(),
    sorted: () => (order ??= [...map.keys()].sort(compareNames)),
  }
}

/** By code points, which is the order of the bytes in UTF-8; the order of UTF-16 units is another one. */
export function compareNames(left: string, right: string): number {
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index += 1) {
    const a = left.charCodeAt(index)
    const b = right.charCodeAt(index)
    if (a !== b) return rank(a) - rank(b)
  }
  return left.length - right.length
}

/** Halves of surrogate pairs come after all other units. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
