import type { BlockStore } from './block-store.js'
import { badRequest } from './failure.js'

/** Cuts bytes in pieces as they come. */
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
  /** Bytes that may come. */
  readonly limit: number
  readonly buffer: BlockStore['buffer']
}

/** Chunks kept as they came; so many very short ones would take far more memory than their bytes. */
const MOST_LOOSE = 256

export function createCutter(options: CutOptions, use: (piece: Buffer) => Promise<void>): Cutter {
  const { size, limit, buffer } = options
  let wanted = options.first ?? size
  let joined: Uint8Array[] = []
  let loose: Uint8Array[] = []
  let held = 0
  let total = 0

  const append = (chunk: Uint8Array): void => {
    if (chunk.length === 0) return
    loose.push(chunk)
    held += chunk.length
    total += chunk.length
    if (loose.length < MOST_LOOSE) return
    joined.push(Buffer.concat(loose))
    loose = []
  }
  // All at once and only now: what was copied while chunks came is out of the processor's reach when it is hashed.
  const flush = async (): Promise<void> => {
    if (held === 0) return
    const piece = buffer(held)
    let position = 0
    for (const chunk of [...joined, ...loose]) {
      piece.set(chunk, position)
      position += chunk.length
    }
    joined = []
    loose = []
    held = 0
    wanted = size
    await use(piece)
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
