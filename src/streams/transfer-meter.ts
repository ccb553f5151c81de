import type { SchedulerLike } from 'rxjs'
import type { TransferEvent } from './events.js'

/** Time constant of the smoothed rate, in milliseconds. */
const RATE_MEMORY_MS = 3_000

/** What was accepted at once. */
export interface Accepted {
  readonly bytes: number
  readonly parts: number
  /** How many of the bytes did not have to travel. */
  readonly reusedBytes: number
  /** How many of the bytes travelled just now. */
  readonly travelledBytes: number
}

/** Counts what a transfer has moved. The bytes and parts that it tells never fall. */
export interface Meter {
  plan(totalBytes: number, totalParts: number): void
  measure(totalBytes: number, totalParts: number): void
  hashing(bytes: number, totalBytes: number): TransferEvent<never>
  accept(what: Accepted): void
  doubt(bytes: number): void
  progress(): Extract<TransferEvent<never>, { kind: 'progress' }>
  done<R>(result: R): TransferEvent<R>
}

export function createMeter(scheduler: SchedulerLike): Meter {
  const startedAt = scheduler.now()
  const rate = createRate(scheduler)
  let totalBytes = 0
  let totalParts = 0
  let bytes = 0
  let parts = 0
  let reusedBytes = 0
  let unverifiedBytes = 0
  const highest = { bytes: 0, parts: 0, hashed: 0 }

  return {
    plan: (plannedBytes, plannedParts) => {
      totalBytes = plannedBytes
      totalParts = plannedParts
      bytes = 0
      parts = 0
      reusedBytes = 0
      unverifiedBytes = 0
    },
    measure: (measuredBytes, measuredParts) => {
      totalBytes = measuredBytes
      totalParts = measuredParts
    },
    hashing: (hashed, total) => {
      highest.hashed = Math.max(highest.hashed, hashed)
      return { kind: 'hashing', bytes: highest.hashed, totalBytes: Math.max(total, highest.hashed) }
    },
    accept: (what) => {
      bytes += what.bytes
      parts += what.parts
      reusedBytes += what.reusedBytes
      highest.bytes = Math.max(highest.bytes, bytes)
      highest.parts = Math.max(highest.parts, parts)
      rate.add(what.travelledBytes)
    },
    doubt: (doubtful) => {
      unverifiedBytes += doubtful
    },
    progress: () => ({
      kind: 'progress',
      bytes: highest.bytes,
      // A second plan may be smaller than what was moved for the first one.
      totalBytes: Math.max(totalBytes, highest.bytes),
      parts: highest.parts,
      totalParts: Math.max(totalParts, highest.parts),
      reusedBytes,
      bytesPerSecond: rate.value(),
    }),
    done: (result) => ({
      kind: 'done',
      result,
      bytes,
      reusedBytes,
      unverifiedBytes,
      elapsedMs: Math.max(0, scheduler.now() - startedAt),
    }),
  }
}

/** Bytes per second, in which older times weigh exponentially less. */
function createRate(scheduler: SchedulerLike): { add(bytes: number): void; value(): number } {
  let bytesSeen = 0
  let secondsSeen = 0
  let since: number | undefined
  let waiting = 0

  return {
    add: (bytes) => {
      const now = scheduler.now()
      since ??= now
      waiting += bytes
      const elapsedMs = now - since
      if (elapsedMs <= 0) return
      const memory = Math.exp(-elapsedMs / RATE_MEMORY_MS)
      bytesSeen = bytesSeen * memory + waiting
      secondsSeen = secondsSeen * memory + elapsedMs / 1000
      since = now
      waiting = 0
    },
    value: () => (secondsSeen === 0 ? 0 : Math.round(bytesSeen / secondsSeen)),
  }
}
