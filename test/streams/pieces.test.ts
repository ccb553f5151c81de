import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { createHasher } from '../../src/streams/hasher.js'
import { digestPieces, lengthWithoutZeros, readPieces } from '../../src/streams/pieces.js'

const hasher = createHasher(1)
const sourceOf = (content: string) => ({
  read: (offset: number, length: number, into: Uint8Array) => {
    const bytes = Buffer.from(content).subarray(offset, offset + length)
    into.set(bytes)
    return Promise.resolve(into.subarray(0, bytes.length))
  },
})
const tooShort = (): Error => new Error('too short')

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string[]> {
  const texts: string[] = []
  for await (const piece of pieces) texts.push(Buffer.from(piece).toString())
  return texts
}

it('reads part of a source in pieces of half the buffer, as often as it is asked to', async () => {
  const request = { offset: 1, length: 7, buffer: new Uint8Array(6), tooShort }
  const pieces = readPieces(sourceOf('abcdefghij'), request)
  expect(await textOf(pieces())).toEqual(['bcd', 'efg', 'h'])
  expect(await textOf(pieces())).toEqual(['bcd', 'efg', 'h'])
  expect(await textOf(readPieces(sourceOf('abc'), { ...request, length: 0 })())).toEqual([])
})

it('reads the next piece while one is used, and none before', async () => {
  const reads: number[] = []
  const { read } = sourceOf('abcdefghij')
  const source = {
    read: (offset: number, length: number, into: Uint8Array) => {
      reads.push(offset)
      return read(offset, length, into)
    },
  }
  const pieces = readPieces(source, { offset: 0, length: 10, buffer: new Uint8Array(4), tooShort })()
  expect(reads).toEqual([])
  await pieces.next()
  expect(reads).toEqual([0, 2])
  await pieces.next()
  expect(reads).toEqual([0, 2, 4])
  await pieces.return()
  expect(reads).toEqual([0, 2, 4])
})

it('waits for what a reading that was given up still fills', async () => {
  const { read } = sourceOf('abcd')
  let release = (): void => undefined
  const slow = new Promise<void>((resolve) => {
    release = resolve
  })
  let reads = 0
  const source = {
    read: async (offset: number, length: number, into: Uint8Array) => {
      reads += 1
      if (reads === 2) await slow
      return read(offset, length, into)
    },
  }
  const pieces = readPieces(source, { offset: 0, length: 4, buffer: new Uint8Array(4), tooShort })
  const first = pieces()
  await first.next()
  await first.return()
  const second = textOf(pieces())
  await Promise.resolve()
  expect(reads).toBe(2)
  release()
  expect(await second).toEqual(['ab', 'cd'])
})

it('fails where the source ends too early, and with what reading fails with', async () => {
  const request = { offset: 0, length: 5, buffer: new Uint8Array(4), tooShort }
  await expect(textOf(readPieces(sourceOf('abc'), request)())).rejects.toThrow('too short')
  await expect(digestPieces(hasher, 'md5', readPieces(sourceOf('abc'), request))).rejects.toThrow('too short')
  const broken = { read: () => Promise.reject(new Error('broken')) }
  await expect(digestPieces(hasher, 'md5', readPieces(broken, request))).rejects.toThrow('broken')
})

it('hashes all pieces', async () => {
  const content = 'x'.repeat(300_001)
  const pieces = readPieces(sourceOf(content), {
    offset: 0,
    length: content.length,
    buffer: new Uint8Array(new SharedArrayBuffer(200_000)),
    tooShort,
  })
  expect(await digestPieces(hasher, 'md5', pieces)).toBe(createHash('md5').update(content).digest('hex'))
})

it.each([
  ['abc', 3],
  ['abc\0\0', 3],
  ['\0\0a\0\0\0\0\0\0\0', 3],
  ['\0\0\0', 0],
  ['', 0],
])('finds the end of %j', async (content, length) => {
  expect(await lengthWithoutZeros(sourceOf(content), content.length, new Uint8Array(2))).toBe(length)
})
