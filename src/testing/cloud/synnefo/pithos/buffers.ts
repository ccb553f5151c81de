/** Memory that is used again and again: to touch fresh memory costs more than to hash what is in it. */
export interface Buffers {
  /** A buffer of this length, with anything in it. */
  take(length: number): Buffer
  /** Gives a buffer back that nothing looks at any more. What did not come from here is left alone. */
  give(buffer: Buffer): void
}

/** Below this length a new buffer costs next to nothing. */
const SMALL = 65_536

/** At most `kept` buffers wait for their next use. */
export function createBuffers(kept: number): Buffers {
  const own = new WeakSet<ArrayBufferLike>()
  const free: Buffer[] = []
  return {
    take(length) {
      if (length < SMALL) return Buffer.allocUnsafeSlow(length)
      // A much larger one would waste memory, and be missed where it is needed.
      const found = free.findLastIndex(
        (buffer) => buffer.length >= length && (buffer.length === length || buffer.length < 2 * length),
      )
      const [used] = found < 0 ? [] : free.splice(found, 1)
      if (used) return used.subarray(0, length)
      const fresh = Buffer.allocUnsafeSlow(length)
      own.add(fresh.buffer)
      return fresh
    },
    give({ buffer }) {
      if (!own.has(buffer)) return
      if (free.length >= kept) free.shift()
      free.push(Buffer.from(buffer))
    },
  }
}
