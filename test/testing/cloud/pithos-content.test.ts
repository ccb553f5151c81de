import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createBlockStore, type BlockStore } from '../../../src/testing/cloud/synnefo/pithos/block-store.js'
import { createBuffers } from '../../../src/testing/cloud/synnefo/pithos/buffers.js'
import { readContent, storeContent, type Body } from '../../../src/testing/cloud/synnefo/pithos/content.js'
import { createHashing } from '../../../src/testing/cloud/synnefo/pithos/hashing.js'
import { pattern } from './pithos-store.js'

const hashing = createHashing('sha256')

async function storeInFiles(): Promise<{ blocks: BlockStore; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'pithos-test-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return { blocks: createBlockStore({ folder: () => Promise.resolve(folder), memoryLimit: 0 }), folder }
}

it('reads a block from its file only when somebody wants it', async () => {
  const { blocks, folder } = await storeInFiles()
  const content = pattern(2048)
  const first = await blocks.put(Buffer.from(content.subarray(0, 1024)), hashing)
  const second = await blocks.put(Buffer.from(content.subarray(1024)), hashing)
  const stored = { bytes: 2048, hashes: [first, second], blockSize: 1024, hashing }
  const pieces = readContent(blocks, stored, { start: 0, end: 2048 })
  expect((await pieces.next()).value).toEqual(content.subarray(0, 1024))
  await rm(join(folder, second))
  await expect(pieces.next()).rejects.toThrow('ENOENT')
})

it('stores each block before it takes more of a body', async () => {
  const { blocks } = await storeInFiles()
  const content = pattern(3000)
  const events: string[] = []
  const body: Body = async (take) => {
    for (let at = 0; at < content.length; at += 600) {
      const waits = take(content.subarray(at, at + 600))
      events.push(waits === undefined ? 'goes on' : 'waits')
      await waits
    }
  }
  const cut = { blockSize: 1024, hashing, limit: Infinity, inspect: () => events.push('block') }
  const { hashes, bytes } = await storeContent(blocks, body, cut)
  expect([bytes, hashes.map((hash) => blocks.has(hash))]).toEqual([3000, [true, true, true]])
  expect(events).toEqual([
    'goes on',
    ...['block', 'waits'],
    'goes on',
    ...['block', 'waits'],
    'goes on',
    'block',
  ])
})

it('gives large blocks the memory of those that were written, also while others are read', async () => {
  const { blocks } = await storeInFiles()
  const [old, young] = [Buffer.alloc(70_000, 'old'), Buffer.alloc(70_000, 'young')]
  const fill = (content: Buffer): Buffer => {
    const buffer = blocks.buffer(content.length)
    content.copy(buffer)
    return buffer
  }
  const used = fill(old)
  const hash = await blocks.put(used, hashing)
  const pieces = blocks.read(hash, 0, 70_000)
  const piece = (await pieces.next()).value!
  // While the piece is in use nobody else gets its memory.
  const other = fill(young)
  expect(other.buffer).not.toBe(piece.buffer)
  expect(Buffer.from(piece)).toEqual(old)
  expect((await pieces.next()).done).toBe(true)
  expect(blocks.buffer(70_000).buffer).toBe(piece.buffer)
})

it('lends no memory that is foreign, small, or much too large', () => {
  const buffers = createBuffers(2)
  const foreign = Buffer.alloc(100_000)
  buffers.give(foreign)
  expect(buffers.take(100_000).buffer).not.toBe(foreign.buffer)
  const small = buffers.take(1000)
  buffers.give(small)
  expect(buffers.take(1000).buffer).not.toBe(small.buffer)
  const large = buffers.take(400_000)
  buffers.give(large)
  expect(buffers.take(100_000).buffer).not.toBe(large.buffer)
  const fitting = buffers.take(300_000)
  expect([fitting.buffer, fitting.length]).toEqual([large.buffer, 300_000])
})

it('joins a body of very many very short chunks', async () => {
  const { blocks } = await storeInFiles()
  const content = pattern(3000)
  const body: Body = async (take) => {
    for (let at = 0; at < content.length; at += 1) await take(content.subarray(at, at + 1))
  }
  const stored = await storeContent(blocks, body, { blockSize: 1024, hashing, limit: 3000 })
  const pieces: Buffer[] = []
  for await (const piece of readContent(blocks, stored, { start: 0, end: 3000 }))
    pieces.push(Buffer.from(piece))
  expect(Buffer.concat(pieces)).toEqual(content)
})
