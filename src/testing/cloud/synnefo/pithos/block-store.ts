import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stripTrailingZeros, type Hashing } from './hashing.js'

const ZEROS = Buffer.alloc(65_536)

/** Blocks by their hash, for all accounts together. Trailing NUL bytes are not kept; reading adds them again. */
export interface BlockStore {
  has(hash: string): boolean
  /** Stores a block of at most the block size and answers its hash. The store keeps the buffer. */
  put(block: Buffer): Promise<string>
  /** The stored bytes of a block, without the NUL bytes at its end. Not to be changed. */
  load(hash: string): Promise<Buffer>
  /** Bytes `start` to `end` (exclusive) of a block, padded with NUL bytes where it is shorter. */
  read(hash: string, start: number, end: number): AsyncGenerator<Uint8Array, void, undefined>
  /** Loses a block; false when it is not there. */
  forget(hash: string): boolean
  clear(): void
}

interface Stored {
  readonly length: number
  /** In memory, for good or until the file is written. */
  data?: Buffer
  written?: Promise<void>
}

export function createBlockStore(options: {
  hashing: Hashing
  folder: () => Promise<string>
  /** Bytes of blocks held in memory in all; further blocks go to files, one each. */
  memoryLimit: number
}): BlockStore {
  const { hashing, folder, memoryLimit } = options
  const blocks = new Map<string, Stored>()
  let inMemory = 0

  const find = (hash: string): Stored => {
    const stored = blocks.get(hash)
    if (!stored) throw new Error(`Block ${hash} is not stored`)
    return stored
  }
  const file = async (hash: string): Promise<string> => join(await folder(), hash)

  const writeOut = async (hash: string, stored: Stored, data: Buffer): Promise<void> => {
    try {
      await writeFile(await file(hash), data)
      delete stored.data
    } catch (error) {
      blocks.delete(hash)
      throw error
    }
  }

  return {
    has: (hash) => blocks.has(hash),

    async put(block) {
      const data = stripTrailingZeros(block)
      const hash = hashing.block(data)
      const known = blocks.get(hash)
      if (known) {
        await known.written
        return hash
      }
      const stored: Stored = { length: data.length, data }
      blocks.set(hash, stored)
      if (inMemory + data.length <= memoryLimit) {
        inMemory += data.length
        // A short block must not hold on to the memory of the whole buffer that it came in.
        if (data.length < data.buffer.byteLength) stored.data = copyOf(data)
      } else {
        stored.written = writeOut(hash, stored, data)
        await stored.written
      }
      return hash
    },

    async load(hash) {
      return find(hash).data ?? readFile(await file(hash))
    },

    async *read(hash, start, end) {
      const stored = find(hash)
      const stop = Math.min(end, stored.length)
      if (start < stop) {
        yield stored.data?.subarray(start, stop) ?? (await readPart(await file(hash), start, stop))
      }
      for (let missing = end - Math.max(start, stop); missing > 0; missing -= ZEROS.length) {
        yield ZEROS.subarray(0, Math.min(missing, ZEROS.length))
      }
    },

    forget(hash) {
      const stored = blocks.get(hash)
      if (stored && !stored.written) inMemory -= stored.length
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

async function readPart(path: string, start: number, end: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(end - start)
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
  return buffer
}
