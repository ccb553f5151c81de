import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createBuffers } from './buffers.js'
import { stripTrailingZeros, type Hashing } from './hashing.js'

const ZEROS = Buffer.alloc(65_536)

/** Blocks of that many uploads and downloads at once find memory that was used before. */
const BUFFERS_KEPT = 8

/** Blocks by their hash, for all accounts together. Trailing NUL bytes are not kept; reading adds them again. */
export interface BlockStore {
  has(hash: string): boolean
  /** A buffer for a block that is to be put. */
  readonly buffer: (length: number) => Buffer
  /** Stores a block of at most the block size and answers its hash. The buffer belongs to the store from now on. */
  put(block: Buffer, hashing: Hashing): Promise<string>
  /** The stored bytes of a block, without the NUL bytes at its end. Not to be changed. */
  load(hash: string): Promise<Buffer>
  /**
   * Bytes `start` to `end` (exclusive) of a block, padded with NUL bytes where it is shorter. A piece is good until
   * the next one is asked for.
   */
  read(hash: string, start: number, end: number): AsyncGenerator<Uint8Array, void, undefined>
  /** Loses a block; false when it is not there. */
  forget(hash: string): boolean
  clear(): void
}

interface Stored {
  readonly length: number
  /** What is in memory; without it, the block is in a file once `written` is settled. */
  data?: Buffer
  written?: Promise<void>
}

export function createBlockStore(options: {
  folder: () => Promise<string>
  /** Bytes of blocks held in memory in all; further blocks go to files, one each. */
  memoryLimit: number
}): BlockStore {
  const { folder, memoryLimit } = options
  const blocks = new Map<string, Stored>()
  const buffers = createBuffers(BUFFERS_KEPT)
  let inMemory = 0

  const find = (hash: string): Stored => {
    const stored = blocks.get(hash)
    if (!stored) throw new Error(`Block ${hash} is not stored`)
    return stored
  }
  const file = async (hash: string): Promise<string> => join(await folder(), hash)

  const writeOut = async (hash: string, stored: Stored, data: Buffer): Promise<void> => {
    try {
      await writeWhole(await file(hash), data)
    } catch (error) {
      if (blocks.get(hash) === stored) blocks.delete(hash)
      throw error
    } finally {
      buffers.give(data)
    }
  }

  return {
    has: (hash) => blocks.has(hash),
    buffer: (length) => buffers.take(length),

    async put(block, hashing) {
      const data = stripTrailingZeros(block)
      const hash = hashing.block(data)
      const known = blocks.get(hash)
      if (known) {
        buffers.give(block)
        await known.written
        return hash
      }
      const stored: Stored = { length: data.length }
      blocks.set(hash, stored)
      if (inMemory + data.length > memoryLimit) {
        stored.written = writeOut(hash, stored, data)
        await stored.written
        return hash
      }
      inMemory += data.length
      if (data.length === data.buffer.byteLength) {
        stored.data = data
      } else {
        // A short block must not hold on to the memory of the whole buffer that it came in.
        stored.data = copyOf(data)
        buffers.give(block)
      }
      return hash
    },

    async load(hash) {
      const stored = find(hash)
      await stored.written
      return stored.data ?? readFile(await file(hash))
    },

    async *read(hash, start, end) {
      const stored = find(hash)
      const stop = Math.min(end, stored.length)
      if (start < stop && stored.data) {
        yield stored.data.subarray(start, stop)
      } else if (start < stop) {
        await stored.written
        const buffer = buffers.take(stop - start)
        try {
          await readPart(await file(hash), start, buffer)
          yield buffer
        } finally {
          buffers.give(buffer)
        }
      }
      for (let missing = end - Math.max(start, stop); missing > 0; missing -= ZEROS.length) {
        yield ZEROS.subarray(0, Math.min(missing, ZEROS.length))
      }
    },

    forget(hash) {
      const stored = blocks.get(hash)
      if (stored?.data) inMemory -= stored.length
      return blocks.delete(hash)
    },

    clear() {
      blocks.clear()
      inMemory = 0
    },
  }
}

function copyOf(data: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(data.length)
  data.copy(copy)
  return copy
}

async function writeWhole(path: string, data: Buffer): Promise<void> {
  const handle = await open(path, 'w')
  try {
    let done = 0
    while (done < data.length) done += (await handle.write(data, done)).bytesWritten
  } finally {
    await handle.close()
  }
}

async function readPart(path: string, start: number, buffer: Buffer): Promise<void> {
  const handle = await open(path)
  try {
    let filled = 0
    while (filled < buffer.length) {
      const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, start + filled)
      if (bytesRead === 0) throw new Error(`${path} is shorter than the block it holds`)
      filled += bytesRead
    }
  } finally {
    await handle.close()
  }
}
