import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ConfigurationError, TransferError, type Checkpoint } from '../../src/errors.js'
import { fileCheckpoint, memoryCheckpoint } from '../../src/streams/checkpoints.js'
import { useFolder } from './folder.js'

const path = useFolder()
const checkpoint: Checkpoint = {
  version: 1,
  direction: 'upload',
  object: 'pithos/a.bin',
  size: 10,
  mtimeMs: 1.5,
  blockSize: 4,
  blockHash: 'sha256',
  hashes: ['00', 'ff'],
}

describe('fileCheckpoint', () => {
  it('gives back what it was given, until it is removed', async () => {
    const store = fileCheckpoint(path('a.checkpoint'))
    expect(await store.load()).toBeUndefined()
    await store.save(checkpoint)
    expect(await store.load()).toEqual(checkpoint)
    const { mtimeMs: _none, ...without } = checkpoint
    await store.save(without)
    expect(await store.load()).toEqual(without)
    await store.remove()
    await store.remove()
    expect(existsSync(path('a.checkpoint'))).toBe(false)
  })

  it('is for its owner only, and leaves nothing else behind', async () => {
    await fileCheckpoint(path('a.checkpoint')).save(checkpoint)
    expect(statSync(path('a.checkpoint')).mode & 0o777).toBe(0o600)
    expect(readdirSync(path())).toEqual(['a.checkpoint'])
  })

  it.each([
    'not JSON',
    '{}',
    JSON.stringify({ ...checkpoint, version: 2 }),
    JSON.stringify({ ...checkpoint, size: -1 }),
  ])('does not touch a file that is no checkpoint: %s', async (content) => {
    writeFileSync(path('big.iso'), content)
    await expect(fileCheckpoint(path('big.iso')).load()).rejects.toBeInstanceOf(ConfigurationError)
    expect(readFileSync(path('big.iso'), 'utf8')).toBe(content)
  })

  it('says what it cannot read or save', async () => {
    await expect(fileCheckpoint(path()).load()).rejects.toThrow(TransferError)
    await expect(fileCheckpoint(path('no/folder')).save(checkpoint)).rejects.toThrow(/no such file/)
    writeFileSync(path('mine'), JSON.stringify(checkpoint))
    chmodSync(path('mine'), 0o644)
    await fileCheckpoint(path('mine')).save(checkpoint)
    expect(statSync(path('mine')).mode & 0o777).toBe(0o600)
  })
})

describe('memoryCheckpoint', () => {
  it('begins with what it is given', async () => {
    const store = memoryCheckpoint(checkpoint)
    expect(await store.load()).toBe(checkpoint)
    const other = { ...checkpoint, size: 11 }
    await store.save(other)
    expect(await store.load()).toBe(other)
    await store.remove()
    expect(await store.load()).toBeUndefined()
  })
})
