import { createHash, getHashes } from 'node:crypto'
import type { Hasher } from './hasher.js'

const ZEROS = Buffer.alloc(64 * 1024)

/** Whether blocks can be hashed with the algorithm of this name, as `node:crypto` calls it. */
export function isKnownHash(algorithm: string): boolean {
  return getHashes().includes(algorithm)
}

/** Length of a block without the NUL bytes at its end. */
export function lengthWithoutTrailingNuls(block: Uint8Array): number {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength)
  let end = bytes.length
  while (end >= ZEROS.length && bytes.compare(ZEROS, 0, ZEROS.length, end - ZEROS.length, end) === 0) {
    end -= ZEROS.length
  }
  while (end > 0 && bytes[end - 1] === 0) end -= 1
  return end
}

/**
 * The hash of a block as Pithos counts it: NUL bytes at the end do not matter (pithos dossier 9.1). The block must not change
 * meanwhile.
 *
 * @param algorithm - as `node:crypto` calls it
 * @returns lower-case hexadecimal digits
 */
export function hashBlock(hasher: Hasher, algorithm: string, block: Uint8Array): Promise<string> {
  return hasher.digest(algorithm, block.subarray(0, lengthWithoutTrailingNuls(block)))
}

/** The hash of nothing, and so of every block of zeros. */
export function hashOfNothing(algorithm: string): string {
  return createHash(algorithm).digest('hex')
}

/**
 * The Merkle root over the hashes of all blocks, which is the identity of an object's content (pithos dossier 9.1).
 *
 * @param hashes - of the blocks in order, in hexadecimal digits
 */
export function merkleRoot(algorithm: string, hashes: readonly string[]): string {
  const [first] = hashes
  if (first === undefined) return hashOfNothing(algorithm)
  const size = first.length / 2
  let level = hashes.map((hash) => Buffer.from(hash, 'hex'))
  const width = 2 ** Math.ceil(Math.log2(level.length))
  while (level.length < width) level.push(Buffer.alloc(size))
  while (level.length > 1) {
    const below = level
    level = Array.from({ length: below.length / 2 }, (_, index) => {
      const pair = createHash(algorithm)
      for (const half of below.slice(2 * index, 2 * index + 2)) pair.update(half)
      return pair.digest()
    })
  }
  return level[0]?.toString('hex') ?? ''
}
