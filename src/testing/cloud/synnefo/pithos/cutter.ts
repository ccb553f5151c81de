import type { BlockStore } from './block-store.js'
import { badRequest } from './failure.js'

/** Cuts bytes in pieces as they come, each copied once into a buffer of its own. */
export interface Cutter {
  /** A promise when a piece is full: its user has to be waited for. */
  readonly take: (chunk: Uint8Array) => Promise<void> | undefined
  /** Hands over what is left. */
  readonly end: () => Promise<void>
}

export interface CutOptions {
  /** Bytes of a piece. */
  readonly size: number
  /** Bytes of the first piece; default: as the others. */
  readonly first?: number
  /** Bytes that will come, if that is known: the last piece then takes no more memory than it needs. */
  readonly length?: number | undefined
  /** Bytes that may come. */
  readonly limit: number
  readonly buffer: BlockStore['buffer']
}

export function createCutter(options: CutOptions, use: (piece: Buffer) => Promise<void>): Cutter {
  const { size, limit, length = Infinity } = options
  let wanted = options.first ?? size
  let piece: Buffer | undefined
  let held = 0
  let total = 0

  const append = (bytes: Uint8Array): void => {
    if (bytes.length === 0) return
    piece ??= options.buffer(Math.min(wanted, Math.max(length - total, bytes.length)))
    piece.set(bytes, held)
    held += bytes.length
    total += bytes.length
  }
  const flush = async (): Promise<void> => {
    if (!piece) return
    const full = piece.subarray(0, held)
    piece = undefined
    held = 0
    wanted = size
    await use(full)
  }
  const takeMore = async (chunk: Uint8Array): Promise<void> => {
    let rest = chunk
    while (held + rest.length >= wanted) {
      const fitting = wanted - held
      append(rest.subarray(0, fitting))
      rest = rest.subarray(fitting)
      await flush()
    }
    append(rest)
  }
  return {
    take(chunk) {
      if (total + chunk.length > limit) throw badRequest('Maximum size is reached')
      if (held + chunk.length >= wanted) return takeMore(chunk)
      append(chunk)
      return undefined
    },
    end: flush,
  }
}
