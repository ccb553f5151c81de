import { createHash } from 'node:crypto'
import { open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

/** The bytes of one body. They go when the last holder releases them. */
export interface Bytes {
  readonly length: number
  /** Lower-case hex. */
  readonly md5: string
  /** Bytes `start` to `end` (exclusive). They stay readable to the end, whoever releases them meanwhile. */
  read(start: number, end: number): AsyncGenerator<Uint8Array, void, undefined>
  /** One more holder. */
  retain(): Bytes
  readonly release: () => void
}

/** Hands its pieces over, to keep, one after the other; it waits while a promise that it got for one is pending. */
export type Body = (take: (piece: Uint8Array) => Promise<void> | undefined) => Promise<void>

export interface ByteStore {
  /** Takes a body in, piece by piece; `tooLong` is called, and must throw, when it exceeds the limit. */
  keep(body: Body, limit: number, tooLong: () => never): Promise<Bytes>
  clear(): void
}

/** Bytes are gathered to about this many before they are put away. */
const BLOCK = 262_144

/** Pieces of this many bytes are worth keeping as they are. */
const LARGE = 16_384

/** Bytes in memory as long as all bodies together stay within the limit; what is beyond goes to a file per body. */
export function createByteStore(options: {
  readonly folder: () => Promise<string>
  readonly memoryLimit: number
  /** Tells the files of several stores in one folder apart. */
  readonly label: string
}): ByteStore {
  const { folder, memoryLimit, label } = options
  let inMemory = 0
  let files = 0

  const createFile = async (): Promise<{ path: string; handle: FileHandle }> => {
    files += 1
    const path = join(await folder(), `${label}-${String(files)}`)
    return { path, handle: await open(path, 'w+') }
  }

  return {
    async keep(body, limit, tooLong) {
      const hash = createHash('md5')
      const blocks: Uint8Array[] = []
      let inBlocks = 0
      let file: { path: string; handle: FileHandle } | undefined
      let gathered: Uint8Array[] = []
      let held = 0
      let length = 0
      let pending: Promise<void> | undefined
      const store = (): Promise<void> | undefined => {
        const [pieces, bytes] = [gathered, held]
        gathered = []
        held = 0
        if (file !== undefined || inMemory + bytes > memoryLimit) return append(pieces, bytes)
        inMemory += bytes
        inBlocks += bytes
        blocks.push(...compact(pieces, bytes))
        return undefined
      }
      const append = async (pieces: readonly Uint8Array[], bytes: number): Promise<void> => {
        file ??= await createFile()
        const { bytesWritten } = await file.handle.writev(pieces)
        if (bytesWritten < bytes) throw new Error(`${file.path} could not be written in full`)
      }
      const drop = (): void => {
        inMemory -= inBlocks
        // A reader that has the file open reads on.
        if (file !== undefined) void rm(file.path, { force: true }).catch(() => undefined)
      }
      try {
        await body((piece) => {
          length += piece.length
          if (length > limit) tooLong()
          hash.update(piece)
          gathered.push(piece)
          held += piece.length
          return held >= BLOCK ? (pending = store()) : undefined
        })
        if (held > 0) await store()
      } catch (error) {
        // A connection may break while its last piece is written.
        await pending?.catch(() => undefined)
        drop()
        throw error
      } finally {
        await file?.handle.close()
      }
      return createBytes({ length, md5: hash.digest('hex'), blocks, inBlocks, file: file?.path, drop })
    },
    clear() {
      inMemory = 0
    },
  }
}

/** Pieces as they can be kept: small ones joined, and those that would hold on to more memory than is theirs. */
function compact(pieces: readonly Uint8Array[], length: number): readonly Uint8Array[] {
  const alone = pieces.every((piece) => piece.length === piece.buffer.byteLength)
  if (alone && length >= pieces.length * LARGE) return pieces
  const whole = Buffer.allocUnsafeSlow(length)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return [whole]
}

function createBytes(stored: {
  readonly length: number
  readonly md5: string
  readonly blocks: readonly Uint8Array[]
  readonly inBlocks: number
  readonly file: string | undefined
  readonly drop: () => void
}): Bytes {
  const { length, md5, blocks, inBlocks, file, drop } = stored
  let holders = 1
  const release = (): void => {
    holders -= 1
    if (holders === 0) drop()
  }
  const bytes: Bytes = {
    length,
    md5,
    retain() {
      holders += 1
      return bytes
    },
    release,
    read(start, end) {
      holders += 1
      return readAll(start, end)
    },
  }
  async function* readAll(start: number, end: number): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      let at = 0
      for (const block of blocks) {
        const from = Math.max(start - at, 0)
        const to = Math.min(end - at, block.length)
        if (from < to) yield block.subarray(from, to)
        at += block.length
      }
      const first = Math.max(start, inBlocks)
      if (file !== undefined && first < end) yield* readFile(file, first - inBlocks, end - inBlocks)
    } finally {
      release()
    }
  }
  return bytes
}

async function* readFile(
  path: string,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = await open(path)
  try {
    for (let at = start; at < end;) {
      const buffer = Buffer.allocUnsafe(Math.min(BLOCK, end - at))
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) throw new Error(`${path} is shorter than the body it holds`)
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
  }
}

export function bodyOf(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Body {
  return async (take) => {
    for await (const piece of pieces) await take(piece)
  }
}

/** No bytes at all; held by whoever wants. */
export const NO_BYTES: Bytes = {
  length: 0,
  md5: 'd41d8cd98f00b204e9800998ecf8427e',
  async *read() {
    // There is nothing to yield.
  },
  retain: () => NO_BYTES,
  release() {
    // It is never dropped.
  },
}
