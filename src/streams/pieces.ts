import type { Hasher, RunningHash } from './hasher.js'
import { lengthWithoutTrailingNuls } from './hashing.js'
import type { OpenSource } from './sources.js'

/** Bytes of a piece: enough for a read, a hash and a write to be worth their while. */
export const PIECE_SIZE = 2 ** 20

/** What is read of a source, and how. */
export interface PieceRequest {
  readonly offset: number
  readonly length: number
  /** Its two halves are filled in turn. Over shared memory at best. */
  readonly buffer: Uint8Array
  /** The error for a source that ends before it should. */
  readonly tooShort: () => Error
}

/**
 * Reads part of a source piece by piece, as often as it is asked to, the next piece while one is used. A piece may be overwritten
 * as soon as the next one is asked for. Ask for it again only when the last reading has ended or was given up.
 */
export function readPieces(
  source: Pick<OpenSource, 'read'>,
  { offset, length, buffer, tooShort }: PieceRequest,
): () => AsyncGenerator<Uint8Array, void, undefined> {
  const size = Math.floor(buffer.length / 2)
  const halves = [buffer.subarray(0, size), buffer.subarray(size, 2 * size)] as const
  let underWay: Promise<unknown> = Promise.resolve()

  const read = (done: number): Promise<Uint8Array> => {
    const half = halves[(done / size) % 2 === 0 ? 0 : 1]
    const reading = source.read(offset + done, Math.min(size, length - done), half)
    underWay = reading.catch(nothing)
    return reading
  }
  return async function* () {
    // A reading that was given up may still fill a half.
    await underWay
    let next = read(0)
    for (let done = 0; done < length; done += size) {
      const piece = await next
      if (piece.length < Math.min(size, length - done)) throw tooShort()
      if (done + size < length) next = read(done + size)
      yield piece
    }
  }
}

/** The pieces, with each one told when the next one is asked for: only then is it used. */
export function tellingPieces(
  pieces: () => AsyncIterable<Uint8Array>,
  used: (bytes: number) => void,
): () => AsyncGenerator<Uint8Array, void, undefined> {
  return async function* () {
    for await (const piece of pieces()) {
      const { length } = piece
      yield piece
      used(length)
    }
  }
}

/** The hash of all pieces in lower-case hexadecimal digits. */
export async function digestPieces(
  hasher: Hasher,
  algorithm: string,
  pieces: () => AsyncIterable<Uint8Array>,
): Promise<string> {
  const hash = hasher.begin(algorithm)
  try {
    await hashPieces(hash, pieces)
  } catch (error) {
    abandonHash(hash)
    throw error
  }
  return hash.digest()
}

/** Goes on with a hash by all pieces. */
export async function hashPieces(hash: RunningHash, pieces: () => AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of pieces()) await hash.update(piece)
}

/** Has a hash that nobody wants any more let go of what it holds. */
export function abandonHash(hash: RunningHash): void {
  hash.digest().catch(nothing)
}

/** How long a content is without the zeros at its end. */
export async function lengthWithoutZeros(
  source: Pick<OpenSource, 'read'>,
  size: number,
  buffer: Uint8Array,
): Promise<number> {
  for (let end = size; end > 0; end -= buffer.length) {
    const start = Math.max(0, end - buffer.length)
    const length = lengthWithoutTrailingNuls(await source.read(start, end - start, buffer))
    if (length > 0) return start + length
  }
  return 0
}

function nothing(): void {
  return
}
