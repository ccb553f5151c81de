import type { TransferReport } from './transfer.js'

/** All places of one block in the content. */
interface Places {
  readonly first: number
  readonly length: number
  bytes: number
  parts: number
  accepted: boolean
}

/** What the content is made of, and what of that the server has. Each place is told once. */
export interface Ledger {
  /** Notes a place of a block; whether it is the first one. */
  note(index: number, hash: string, length: number): boolean
  /** Where a block is found in the content, if it is of it. */
  placeOf(hash: string): { readonly index: number; readonly length: number } | undefined
  /** The server has the block, because it was sent or because it had it before. */
  accept(hash: string, how: 'sent' | 'present'): void
  /** The server has all blocks but these. */
  acceptAllBut(missing: readonly string[]): void
}

export function createLedger(report: TransferReport): Ledger {
  const blocks = new Map<string, Places>()

  const accept = (places: Places, travelledBytes: number): void => {
    if (places.accepted) return
    places.accepted = true
    const { bytes, parts } = places
    report.accepted({ bytes, parts, reusedBytes: bytes - travelledBytes, travelledBytes })
  }

  return {
    note: (index, hash, length) => {
      const places = blocks.get(hash)
      if (places === undefined) {
        blocks.set(hash, { first: index, length, bytes: length, parts: 1, accepted: false })
        return true
      }
      places.bytes += length
      places.parts += 1
      if (places.accepted)
        report.accepted({ bytes: length, parts: 1, reusedBytes: length, travelledBytes: 0 })
      return false
    },
    placeOf: (hash) => {
      const places = blocks.get(hash)
      return places === undefined ? undefined : { index: places.first, length: places.length }
    },
    accept: (hash, how) => {
      const places = blocks.get(hash)
      if (places !== undefined) accept(places, how === 'sent' ? places.length : 0)
    },
    acceptAllBut: (missing) => {
      const lacking = new Set(missing)
      for (const [hash, places] of blocks) if (!lacking.has(hash)) accept(places, 0)
    },
  }
}
