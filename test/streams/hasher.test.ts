import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { createHasher, type Hasher } from '../../src/streams/hasher.js'

const open: Hasher[] = []
function hasherOf(threads?: number): Hasher {
  const hasher = createHasher(threads)
  open.push(hasher)
  return hasher
}
afterEach(() => {
  for (const hasher of open.splice(0)) hasher.close()
})

const LARGE = 100_000
const expected = (algorithm: string, ...pieces: readonly Uint8Array[]): string =>
  pieces.reduce((hash, piece) => hash.update(piece), createHash(algorithm)).digest('hex')
function shared(content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(content.length))
  bytes.set(content)
  return bytes
}

describe('createHasher', () => {
  it.each(['sha256', 'sha1', 'md5'])('gives the %s of large and small pieces', async (algorithm) => {
    const hasher = hasherOf(2)
    const large = Buffer.alloc(LARGE, 'abc')
    for (const piece of [Buffer.of(), Buffer.from('a'), large, shared(large), large.subarray(7, 60_007)]) {
      expect(await hasher.digest(algorithm, piece)).toBe(expected(algorithm, piece))
    }
    expect(large.equals(Buffer.alloc(LARGE, 'abc'))).toBe(true)
  })

  it('keeps apart what is hashed at the same time', async () => {
    const hasher = hasherOf(2)
    const pieces = Array.from({ length: 20 }, (_, index) => Buffer.alloc(LARGE + index, index))
    const digests = await Promise.all(pieces.map((piece) => hasher.digest('sha256', piece)))
    expect(digests).toEqual(pieces.map((piece) => expected('sha256', piece)))
  })

  it.each([
    ['small pieces', [10, 20, 0, 30]],
    ['large pieces', [LARGE, 2 * LARGE]],
    ['small ones first', [10, LARGE, 3]],
    ['large ones first', [LARGE, 10, LARGE]],
    ['none', []],
  ])('goes on with a hash: %s', async (_name, sizes) => {
    const hasher = hasherOf(2)
    const pieces = sizes.map((size, index) => Buffer.alloc(size, index + 1))
    const one = hasher.begin('md5')
    const other = hasher.begin('md5')
    for (const piece of pieces) await Promise.all([one.update(piece), other.update(shared(piece))])
    expect(await Promise.all([one.digest(), other.digest()])).toEqual(
      Array(2).fill(expected('md5', ...pieces)),
    )
  })

  it('works in a program that was given on the command line', async () => {
    const module = new URL('../../src/streams/hasher.ts', import.meta.url).href
    const program = `import { createHasher } from '${module}'
      const hasher = createHasher(1)
      console.log(await hasher.digest('sha256', new Uint8Array(${LARGE})))
      hasher.close()`
    const args = ['--import', 'tsx', '--input-type=module', '-e', program]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    expect(stdout.trim()).toBe(expected('sha256', new Uint8Array(LARGE)))
  })

  it('rejects what its thread cannot do, and does the next', async () => {
    const hasher = hasherOf(1)
    const piece = Buffer.alloc(LARGE)
    await expect(hasher.digest('sha0', piece)).rejects.toThrow()
    expect(await hasher.digest('sha256', piece)).toBe(expected('sha256', piece))
  })

  it('rejects what is under way when it is closed, and all that comes later', async () => {
    const hasher = hasherOf(1)
    const under = hasher.digest('sha256', Buffer.alloc(64 * 2 ** 20))
    await Promise.resolve()
    hasher.close()
    await expect(under).rejects.toThrow(/ended/)
    await expect(hasher.digest('sha256', Buffer.alloc(LARGE))).rejects.toThrow(/closed/)
  })
})
