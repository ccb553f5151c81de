import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createBlockStore } from '../../../src/testing/cloud/synnefo/pithos/block-store.js'
import { cutBody, readContent } from '../../../src/testing/cloud/synnefo/pithos/content.js'
import { createHashing } from '../../../src/testing/cloud/synnefo/pithos/hashing.js'
import { pattern } from './pithos-store.js'

it('reads a block from its file only when somebody wants it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pithos-test-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const blocks = createBlockStore({
    hashing: createHashing('sha256'),
    folder: () => Promise.resolve(folder),
    memoryLimit: 0,
  })
  const content = pattern(2048)
  const hashes = [await blocks.put(content.subarray(0, 1024)), await blocks.put(content.subarray(1024))]
  const pieces = readContent(blocks, { bytes: 2048, hashes, blockSize: 1024 }, { start: 0, end: 2048 })
  expect((await pieces.next()).value).toEqual(content.subarray(0, 1024))
  await rm(join(folder, hashes[1]!))
  await expect(pieces.next()).rejects.toThrow('ENOENT')
})

it('takes no more of a body than the block at hand', async () => {
  let taken = 0
  async function* body(): AsyncGenerator<Buffer> {
    for (;;) {
      taken += 1
      yield await Promise.resolve(Buffer.alloc(100))
    }
  }
  const blocks = cutBody(body(), { size: 1024, limit: Infinity })
  expect((await blocks.next()).value).toEqual(Buffer.alloc(1024))
  expect(taken).toBe(11)
  await blocks.return()
})
