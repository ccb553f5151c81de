import type { BlockStore } from './block-store.js'
import { createCutter } from './cutter.js'
import type { Hashing } from './hashing.js'

/** How contents are cut in blocks, and how these are named. */
export interface Cut {
  readonly blockSize: number
  readonly hashing: Hashing
}

/** What an object holds: its blocks, and how many of their bytes count. The server's settings may have changed since. */
export interface Content extends Cut {
  readonly bytes: number
  readonly hashes: readonly string[]
}

/** A run of bytes; `end` is exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Hands chunks over for good, and waits for what `take` returns. */
export type Body = (take: (chunk: Buffer) => Promise<void> | undefined) => Promise<void>

/** The bytes of a span, in pieces of at most a block, each good until the next one is asked for. */
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

/** Stores bytes as they come. */
export async function storeContent(
  blocks: BlockStore,
  body: Body,
  cut: Cut & {
    readonly limit: number
    /** Sees every block before it is stored. */
    readonly inspect?: (block: Buffer) => void
  },
): Promise<Content> {
  const { blockSize, hashing, inspect } = cut
  const hashes: string[] = []
  let bytes = 0
  const cutter = createCutter({ size: blockSize, limit: cut.limit, buffer: blocks.buffer }, async (block) => {
    bytes += block.length
    inspect?.(block)
    hashes.push(await blocks.put(block, hashing))
  })
  await body(cutter.take)
  await cutter.end()
  return { bytes, hashes, blockSize, hashing }
}

/** Writes over a content from `position` on; bytes after what comes stay, also those beyond the end. */
export async function overwrite(
  blocks: BlockStore,
  content: Content,
  position: number,
  body: Body,
  limit: number,
): Promise<Content> {
  const { blockSize, hashing } = content
  const hashes = [...content.hashes]
  let end = position
  const cut = { size: blockSize, first: blockSize - (position % blockSize), limit, buffer: blocks.buffer }
  const cutter = createCutter(cut, async (piece) => {
    const index = Math.floor(end / blockSize)
    const offset = end % blockSize
    end += piece.length
    const old = hashes[index]
    const whole = old === undefined || piece.length === blockSize
    const block = whole ? piece : overlay(await blocks.load(old), offset, piece)
    hashes[index] = await blocks.put(block, hashing)
  })
  await body(cutter.take)
  await cutter.end()
  return { bytes: Math.max(content.bytes, end), hashes, blockSize, hashing }
}

/** Writes the first `length` bytes of a source over a content; whole blocks are taken over by their hash. */
export async function overwriteFrom(
  blocks: BlockStore,
  content: Content,
  position: number,
  source: Content,
  length: number,
): Promise<Content> {
  const { blockSize, hashing } = content
  const sameCut = source.blockSize === blockSize && source.hashing.name === hashing.name
  if (position % blockSize !== 0 || !sameCut) {
    const body: Body = async (take) => {
      for await (const piece of readContent(blocks, source, { start: 0, end: length })) {
        // A copy: the piece itself is good only until the next one is asked for.
        await take(Buffer.from(piece))
      }
    }
    return overwrite(blocks, content, position, body, length)
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
      const block = overlay(await blocks.load(old), 0, await head(blocks, from, part))
      hashes[index] = await blocks.put(block, hashing)
    }
  }
  return { bytes: Math.max(content.bytes, position + length), hashes, blockSize, hashing }
}

/** Cuts a content off; its last block stays as it is, bytes beyond the new end included. */
export function truncate(content: Content, bytes: number): Content {
  if (bytes >= content.bytes) return content
  return { ...content, bytes, hashes: content.hashes.slice(0, Math.ceil(bytes / content.blockSize)) }
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
