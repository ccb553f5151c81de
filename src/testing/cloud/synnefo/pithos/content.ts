import type { BlockStore } from './block-store.js'
import { badRequest } from './failure.js'

/** What an object holds: its blocks, and how many of their bytes count. */
export interface Content {
  readonly bytes: number
  readonly hashes: readonly string[]
  /** What it was cut to; the server's setting may have changed since. */
  readonly blockSize: number
}

/** A run of bytes; `end` is exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** The bytes of a span, in pieces of at most a block. */
export async function* readContent(
  blocks: BlockStore,
  content: Content,
  span: Span,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let position = span.start; position < span.end;) {
    const { blockSize } = content
    const index = Math.floor(position / blockSize)
    const offset = position % blockSize
    const length = Math.min(blockSize - offset, span.end - position)
    const hash = content.hashes[index]
    if (hash === undefined) throw new Error(`No block for byte ${position}`)
    yield* blocks.read(hash, offset, offset + length)
    position += length
  }
}

/** Cuts a body in pieces of `size` bytes, the first of `first`, each copied once into a buffer of its own. */
export async function* cutBody(
  chunks: AsyncIterable<Buffer>,
  options: { size: number; first?: number; limit: number },
): AsyncGenerator<Buffer, void, undefined> {
  let wanted = options.first ?? options.size
  let gathered: Buffer[] = []
  let held = 0
  let total = 0
  for await (const chunk of chunks) {
    total += chunk.length
    if (total > options.limit) throw badRequest('Maximum size is reached')
    let rest = chunk
    while (held + rest.length >= wanted) {
      gathered.push(rest.subarray(0, wanted - held))
      rest = rest.subarray(wanted - held)
      yield join(gathered, wanted)
      gathered = []
      held = 0
      wanted = options.size
    }
    if (rest.length > 0) {
      gathered.push(rest)
      held += rest.length
    }
  }
  if (held > 0) yield join(gathered, held)
}

/** Joins in memory that belongs to nothing else: the block store may keep it. */
function join(pieces: readonly Buffer[], length: number): Buffer {
  const joined = Buffer.allocUnsafeSlow(length)
  let position = 0
  for (const piece of pieces) position += piece.copy(joined, position)
  return joined
}

/** Writes pieces over a content from `position` on; bytes after them stay, also those beyond the end. */
export async function overwrite(
  blocks: BlockStore,
  content: Content,
  position: number,
  pieces: AsyncIterable<Buffer>,
): Promise<Content> {
  const { blockSize } = content
  const hashes = [...content.hashes]
  let end = position
  for await (const piece of pieces) {
    const index = Math.floor(end / blockSize)
    const offset = end % blockSize
    const old = hashes[index]
    const whole = old === undefined || piece.length === blockSize
    hashes[index] = await blocks.put(whole ? piece : overlay(await blocks.load(old), offset, piece))
    end += piece.length
  }
  return { bytes: Math.max(content.bytes, end), hashes, blockSize }
}

/** Writes the first `length` bytes of a source over a content; whole blocks are taken over by their hash. */
export async function overwriteFrom(
  blocks: BlockStore,
  content: Content,
  position: number,
  source: Content,
  length: number,
): Promise<Content> {
  const { blockSize } = content
  if (position % blockSize !== 0 || source.blockSize !== blockSize) {
    const pieces = cutBody(asBuffers(readContent(blocks, source, { start: 0, end: length })), {
      size: blockSize,
      first: blockSize - (position % blockSize),
      limit: length,
    })
    return overwrite(blocks, content, position, pieces)
  }
  const hashes = [...content.hashes]
  for (let done = 0; done < length; done += blockSize) {
    const index = (position + done) / blockSize
    const from = source.hashes[done / blockSize]
    if (from === undefined) throw new Error(`No block for byte ${done}`)
    const old = hashes[index]
    const part = Math.min(length - done, blockSize)
    if (old === undefined || part === blockSize) {
      // A last block taken over whole brings bytes beyond the end along (pithos dossier 8, stale tail).
      hashes[index] = from
    } else {
      hashes[index] = await blocks.put(overlay(await blocks.load(old), 0, await head(blocks, from, part)))
    }
  }
  return { bytes: Math.max(content.bytes, position + length), hashes, blockSize }
}

/** Cuts a content off; its last block stays as it is, bytes beyond the new end included. */
export function truncate(content: Content, bytes: number): Content {
  if (bytes >= content.bytes) return content
  const { blockSize, hashes } = content
  return { bytes, hashes: hashes.slice(0, Math.ceil(bytes / blockSize)), blockSize }
}

function overlay(old: Buffer, offset: number, piece: Uint8Array): Buffer {
  const block = Buffer.alloc(Math.max(old.length, offset + piece.length))
  old.copy(block)
  block.set(piece, offset)
  return block
}

async function head(blocks: BlockStore, hash: string, length: number): Promise<Buffer> {
  const block = Buffer.alloc(length)
  ;(await blocks.load(hash)).copy(block)
  return block
}

async function* asBuffers(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of pieces) yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
}
