import { createHash, getHashes } from 'node:crypto'

const ZEROS = Buffer.alloc(4096)

/** The hash function of a store: everything that depends on which one it is. */
export interface Hashing {
  readonly name: string
  /** Hash of a block, lower-case hex. The block comes without its trailing NUL bytes. */
  block(stripped: Uint8Array): string
  /** Hash of nothing: also the hash of every block of zeros. */
  readonly empty: string
  /** Content identity of an object (pithos dossier 9.1). */
  root(hashes: readonly string[]): string
}

export function createHashing(name: string): Hashing {
  if (!getHashes().includes(name)) throw new TypeError(`blockHash: ${name} is not known to this Node`)
  const digest = (data: Uint8Array): Buffer => createHash(name).update(data).digest()
  const empty = digest(new Uint8Array(0)).toString('hex')
  return {
    name,
    empty,
    block: (stripped) => digest(stripped).toString('hex'),
    root: (hashes) => merkleRoot(hashes, digest, empty),
  }
}

/** The block without its trailing NUL bytes, which are no part of its identity; nothing is copied. */
export function stripTrailingZeros(block: Buffer): Buffer {
  let end = block.length
  while (end >= ZEROS.length && ZEROS.equals(block.subarray(end - ZEROS.length, end))) end -= ZEROS.length
  while (end > 0 && block[end - 1] === 0) end -= 1
  return block.subarray(0, end)
}

function merkleRoot(hashes: readonly string[], digest: (data: Uint8Array) => Buffer, empty: string): string {
  const [first] = hashes
  if (first === undefined) return empty
  if (hashes.length === 1) return first
  const width = first.length / 2
  let count = 2 ** Math.ceil(Math.log2(hashes.length))
  const level = Buffer.alloc(count * width)
  hashes.forEach((hash, index) => level.write(hash, index * width, 'hex'))
  for (; count > 1; count /= 2) {
    for (let pair = 0; pair < count / 2; pair += 1) {
      digest(level.subarray(2 * pair * width, (2 * pair + 2) * width)).copy(level, pair * width)
    }
  }
  return level.toString('hex', 0, width)
}
