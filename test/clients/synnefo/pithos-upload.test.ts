import { readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { lastValueFrom, NEVER, of, throwError, toArray, type Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { ObjectInfo } from '../../../src/clients/synnefo/storage/schemas.js'
import {
  ConfigurationError,
  ConflictError,
  isHttpError,
  NetworkError,
  NotFoundError,
  TransferError,
} from '../../../src/errors.js'
import { memoryCheckpoint, type CheckpointStore } from '../../../src/streams/checkpoints.js'
import type { TransferEvent } from '../../../src/streams/events.js'
import { hashBlock } from '../../../src/streams/hashing.js'
import { useFolder } from '../../streams/folder.js'
import { createPithosFake, hasher, type PithosFake } from './pithos-fake.js'

const path = useFolder()

type Events = readonly TransferEvent<ObjectInfo>[]

function run(events: Observable<TransferEvent<ObjectInfo>>): Promise<Events> {
  return lastValueFrom(events.pipe(toArray()))
}
async function failureOf(events: Observable<TransferEvent<ObjectInfo>>): Promise<TransferError> {
  const error: unknown = await run(events).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(TransferError)
  return error as TransferError
}
function kinds(events: Events): string[] {
  return events.map(({ kind }) => kind)
}
function done(events: Events): Extract<TransferEvent<ObjectInfo>, { kind: 'done' }> {
  const last = events.at(-1)
  if (last?.kind !== 'done') throw new Error(`ended with ${String(last?.kind)}`)
  return last
}
function bodies(fake: PithosFake): string[] {
  return fake.posted.map(String)
}
const cut = (): NetworkError => new NetworkError('cut', { retryable: true })

describe('upload', () => {
  it('sends what is missing, once, and tells all of it', async () => {
    const fake = createPithosFake(4)
    const events = await run(fake.pithos.upload(Buffer.from('abcdefghabcdij'), 'c/a b'))
    expect(kinds(events).slice(0, 2)).toEqual(['planned', 'progress'])
    expect(kinds(events).slice(-2)).toEqual(['progress', 'done'])
    expect(new Set(kinds(events))).toEqual(new Set(['planned', 'progress', 'hashing', 'done']))
    expect(events[0]).toMatchObject({
      totalBytes: 14,
      totalParts: 4,
      checkpoint: { version: 1, direction: 'upload', object: 'c/a b', size: 14, blockSize: 4, hashes: [] },
    })
    expect(bodies(fake).sort()).toEqual(['abcd', 'efgh', 'ij'])
    const last = events.findLast((event) => event.kind === 'progress')
    expect(last).toMatchObject({ bytes: 14, totalBytes: 14, parts: 4, totalParts: 4, reusedBytes: 4 })
    expect(done(events)).toMatchObject({ bytes: 14, reusedBytes: 4, unverifiedBytes: 0 })
    expect(done(events).result).toMatchObject({ container: 'c', name: 'a b', bytes: 14, version: 1 })
    expect(fake.lines()).toEqual([
      'HEAD /{account}/c?format=json',
      'PUT /{account}/c/a%20b?format=json&hashmap',
      'POST /{account}/c?update&format=json',
      'POST /{account}/c?update&format=json',
      'POST /{account}/c?update&format=json',
      'PUT /{account}/c/a%20b?format=json&hashmap',
      'HEAD /{account}/c/a%20b?format=json',
    ])
  })

  it('sends nothing that is there', async () => {
    const fake = createPithosFake(4)
    await run(fake.pithos.upload(Buffer.from('abcdefgh'), 'c/a'))
    const events = await run(fake.pithos.upload(Buffer.from('abcdefgh'), 'c/b'))
    expect(fake.posted).toHaveLength(2)
    expect(done(events)).toMatchObject({ bytes: 8, reusedBytes: 8 })
  })

  it.each([
    ['nothing', 0, 0],
    ['one byte', 1, 1],
    ['a block', 4, 1],
    ['a block and a byte', 5, 2],
  ])('takes %s', async (_name, size, blocks) => {
    const fake = createPithosFake(4)
    const events = await run(fake.pithos.upload(Buffer.alloc(size, 'x'), 'c/a'))
    expect(events[0]).toMatchObject({ kind: 'planned', totalBytes: size, totalParts: blocks })
    expect(fake.objects.get('a')).toMatchObject({ bytes: size })
    expect(fake.objects.get('a')?.hashes).toHaveLength(blocks)
    expect(done(events)).toMatchObject({ bytes: size })
  })

  it('does not send zeros at the end of a block, but one for a block of zeros', async () => {
    const fake = createPithosFake(4)
    await run(fake.pithos.upload(Buffer.from('a\0\0\0\0\0\0\0\0b\0\0'), 'c/a'))
    expect(bodies(fake).sort()).toEqual(['\0', '\0b', 'a'])
  })

  it('sends type, metadata and conditions', async () => {
    const fake = createPithosFake(4)
    const options = {
      contentType: 'text/plain; charset=utf-8',
      metadata: { Colour: 'grün' },
      ifMatch: 'abc',
      ifNoneMatch: '*',
      headers: { 'X-Mine': 'yes' },
    }
    await run(fake.pithos.upload(Buffer.of(), 'c/a', options))
    const put = fake.requests.find(({ method }) => method === 'PUT')
    expect(put?.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'x-object-meta-Colour': 'gr%C3%BCn',
      'if-match': '"abc"',
      'if-none-match': '*',
      'x-mine': 'yes',
    })
    expect(JSON.parse(String(put?.body))).toEqual({ bytes: 0, hashes: [] })
  })

  it('sends blocks to the own account, and the object to the other one', async () => {
    const fake = createPithosFake(4)
    const target = { account: 'other', container: 'c', object: 'a' }
    const events = await run(fake.pithos.upload(Buffer.from('x'), target))
    expect(fake.lines()).toEqual([
      'HEAD /other/c?format=json',
      'PUT /other/c/a?format=json&hashmap',
      'POST /{account}/c?update&format=json',
      'PUT /other/c/a?format=json&hashmap',
      'HEAD /other/c/a?format=json',
    ])
    expect(events[0]).toMatchObject({ checkpoint: { object: 'other/c/a' } })
  })

  it('works with another hash, and says which one it does not know', async () => {
    const fake = createPithosFake(4)
    fake.blockHash = 'sha1'
    await run(fake.pithos.upload(Buffer.from('abcdef'), 'c/a'))
    expect(fake.objects.get('a')?.hashes[1]).toBe(await hashBlock(hasher, 'sha1', Buffer.from('ef')))
    fake.blockHash = 'sha0'
    expect((await failureOf(fake.pithos.upload(Buffer.from('x'), 'c/a'))).message).toMatch(/'sha0'/)
  })

  it('is no use with a store that does not speak Pithos', async () => {
    const fake = createPithosFake()
    fake.interfere = () => ({ status: 204 })
    const error = await failureOf(fake.pithos.upload(Buffer.from('x'), 'c/a'))
    expect(error.message).toMatch(/upload of c\/a stopped: .*does not speak Pithos/)
    fake.interfere = () => ({
      status: 204,
      headers: { 'x-container-block-size': '99999999999', 'x-container-block-hash': 'sha256' },
    })
    expect((await failureOf(fake.pithos.upload(Buffer.from('x'), 'c/a'))).message).toMatch(/block size/)
    expect(fake.lines('PUT')).toEqual([])
  })

  it('lets a missing container be what it is', async () => {
    const fake = createPithosFake()
    fake.interfere = () => ({ status: 404, json: { itemNotFound: { message: 'Container does not exist' } } })
    await expect(run(fake.pithos.upload(Buffer.from('x'), 'c/a'))).rejects.toBeInstanceOf(NotFoundError)
    expect(fake.requests).toHaveLength(1)
  })

  it('has no more blocks under way than it may', async () => {
    const fake = createPithosFake(1)
    fake.interfere = ({ method }) => (method === 'POST' ? NEVER : undefined)
    const subscription = fake.pithos.upload(Buffer.from('abcdefgh'), 'c/a', { concurrency: 3 }).subscribe()
    await expect.poll(() => fake.lines('POST').length).toBe(3)
    subscription.unsubscribe()
  })
})

describe('quota', () => {
  it('is looked at before anything is sent', async () => {
    const fake = createPithosFake(4)
    fake.containerHeaders = { 'x-container-policy-quota': '10', 'x-container-bytes-used': '6' }
    const error = await failureOf(fake.pithos.upload(Buffer.from('abcde'), 'c/a'))
    expect(error.message).toMatch(/5 bytes do not fit into container c, of whose quota 4 are left/)
    expect(fake.lines('PUT')).toEqual([])
    await run(fake.pithos.upload(Buffer.from('abcd'), 'c/a'))
  })

  it('counts what is replaced', async () => {
    const fake = createPithosFake(4)
    await fake.put('a', Buffer.from('123456'))
    fake.containerHeaders = { 'x-container-policy-quota': '10', 'x-container-bytes-used': '6' }
    await run(fake.pithos.upload(Buffer.from('abcdefghij'), 'c/a'))
    expect(fake.objects.get('a')?.bytes).toBe(10)
  })

  it('is unlimited if it is 0', async () => {
    const fake = createPithosFake(4)
    fake.containerHeaders = { 'x-container-policy-quota': '0', 'x-container-bytes-used': '6' }
    await run(fake.pithos.upload(Buffer.from('abcdefghij'), 'c/a'))
  })
})

describe('trouble with blocks', () => {
  it('tells retries, with the part', async () => {
    const fake = createPithosFake(4)
    fake.interfere = ({ method }, turn) => (method === 'POST' && turn === 2 ? throwError(cut) : undefined)
    const events = await run(fake.pithos.upload(Buffer.from('abcdefgh'), 'c/a', { concurrency: 1 }))
    expect(events.filter(({ kind }) => kind === 'retrying')).toMatchObject([
      { part: 1, attempt: 1, delayMs: 1 },
    ])
    expect(done(events)).toMatchObject({ bytes: 8 })
  })

  it('stops at the part that cannot be sent, with what is needed to go on', async () => {
    const fake = createPithosFake(4)
    fake.interfere = ({ method }, turn) => (method === 'POST' && turn > 1 ? throwError(cut) : undefined)
    const error = await failureOf(fake.pithos.upload(Buffer.from('abcdefgh'), 'c/a', { concurrency: 1 }))
    expect(error).toMatchObject({
      part: 1,
      operation: 'synnefo.pithos.upload',
      cloud: 'synnefo',
      retryable: true,
    })
    expect(error.message).toBe('upload of c/a stopped at part 1: cut')
    expect(error.cause).toBeInstanceOf(NetworkError)
    expect(error.checkpoint?.hashes).toHaveLength(2)
    expect(fake.lines('POST')).toHaveLength(1 + 3)
    fake.interfere = () => undefined
    await run(fake.pithos.upload(Buffer.from('abcdefgh'), 'c/a'))
    expect(bodies(fake)).toEqual(['abcd', 'efgh'])
  })

  it('sends a block again that was stored under another hash', async () => {
    const fake = createPithosFake(4)
    fake.interfere = ({ method }, turn) =>
      method === 'POST' && turn <= 2
        ? of({ status: 202, json: turn === 1 ? ['ff'] : ['ff', 'ff'] })
        : undefined
    const events = await run(fake.pithos.upload(Buffer.from('abcd'), 'c/a'))
    expect(events.filter(({ kind }) => kind === 'retrying')).toMatchObject([
      { part: 0, attempt: 1, delayMs: 0 },
      { part: 0, attempt: 2, delayMs: 0 },
    ])
    expect(done(events)).toMatchObject({ bytes: 4, reusedBytes: 0 })
  })

  it('gives up when it is stored so again and again', async () => {
    const fake = createPithosFake(4)
    fake.interfere = ({ method }) => (method === 'POST' ? { status: 202, json: ['ff'] } : undefined)
    const error = await failureOf(fake.pithos.upload(Buffer.from('abcd'), 'c/a'))
    expect(error.message).toMatch(/part 0: .*another hash/)
    expect(error.part).toBe(0)
    expect(fake.lines('POST')).toHaveLength(3)
  })

  it('sends lost blocks again as long as they become fewer', async () => {
    const fake = createPithosFake(1)
    fake.interfere = ({ method }, turn) => {
      // Of eight blocks, first seven are lost, then six, and so on.
      if (method === 'PUT')
        for (const hash of [...fake.blocks.keys()].slice(0, 9 - turn)) fake.blocks.delete(hash)
      return undefined
    }
    const events = await run(fake.pithos.upload(Buffer.from('abcdefgh'), 'c/a'))
    expect(fake.lines('PUT')).toHaveLength(9)
    expect(done(events)).toMatchObject({ bytes: 8 })
    expect(events.findLast((event) => event.kind === 'progress')).toMatchObject({ bytes: 8, parts: 8 })
  })

  it('gives up when they do not', async () => {
    const fake = createPithosFake(1)
    fake.interfere = ({ method }) => {
      if (method === 'PUT') fake.blocks.clear()
      return undefined
    }
    const error = await failureOf(fake.pithos.upload(Buffer.from('ab'), 'c/a'))
    expect(error.message).toMatch(/still misses blocks that were sent: 2, such as [0-9a-f]{64}/)
    expect(fake.lines('PUT')).toHaveLength(4)
  })

  it('does not know blocks that are not of the object', async () => {
    const fake = createPithosFake(4)
    fake.interfere = ({ method }) => (method === 'PUT' ? { status: 409, json: ['ff'] } : undefined)
    expect((await failureOf(fake.pithos.upload(Buffer.from('ab'), 'c/a'))).message).toMatch(
      /not of this object: ff/,
    )
  })
})

describe('a source that changes', () => {
  it('is noticed after hashing', async () => {
    writeFileSync(path('in'), 'abcdefgh')
    const fake = createPithosFake(4)
    const error = await failureOf(
      fake.pithos.upload(path('in'), 'c/a', {
        checkpoint: {
          load: () => Promise.resolve(undefined),
          save: () => {
            utimesSync(path('in'), 1, 2)
            return Promise.resolve()
          },
          remove: () => Promise.resolve(),
        },
      }),
    )
    expect(error.message).toMatch(/upload of c\/a stopped: the source has changed/)
    expect(fake.lines('PUT')).toEqual([])
  })

  it('is noticed when a block is read again, and forgets the checkpoint', async () => {
    writeFileSync(path('in'), 'abcdefgh')
    const fake = createPithosFake(4)
    fake.interfere = ({ method }) => {
      if (method === 'PUT') writeFileSync(path('in'), 'ABCDEFGH')
      return undefined
    }
    const store = memoryCheckpoint()
    const error = await failureOf(
      fake.pithos.upload(path('in'), 'c/a', { checkpoint: store, concurrency: 1 }),
    )
    expect(error.message).toMatch(/part 0: the source has changed/)
    expect(fake.lines('POST')).toHaveLength(1)
    expect(await store.load()).toBeUndefined()
  })

  it('is noticed when it has become shorter', async () => {
    writeFileSync(path('in'), 'abcdefgh')
    const fake = createPithosFake(4)
    fake.interfere = ({ method }) => {
      if (method === 'PUT') truncateSync(path('in'), 2)
      return undefined
    }
    expect((await failureOf(fake.pithos.upload(path('in'), 'c/a'))).message).toMatch(/the source has changed/)
  })
})

describe('a block size that changes', () => {
  it('makes the work be planned anew, once', async () => {
    const fake = createPithosFake(4)
    fake.interfere = ({ method }, turn) => {
      if (method === 'PUT' && turn === 2) fake.blockSize = 8
      return undefined
    }
    const events = await run(fake.pithos.upload(Buffer.from('abcdefghij'), 'c/a'))
    expect(events.filter(({ kind }) => kind === 'planned')).toMatchObject([
      { totalParts: 3, checkpoint: { blockSize: 4 } },
      { totalParts: 2, checkpoint: { blockSize: 8 } },
    ])
    expect(fake.objects.get('a')).toMatchObject({ bytes: 10 })
    expect(fake.objects.get('a')?.hashes).toHaveLength(2)
    const bytes = events.flatMap((event) => (event.kind === 'progress' ? [event.bytes] : []))
    expect(bytes).toEqual([...bytes].sort((a, b) => a - b))
  })

  it('is also behind blocks that are stored under other hashes', async () => {
    const fake = createPithosFake(8)
    fake.interfere = ({ method }, turn) => {
      if (method !== 'POST' || turn > 1) return undefined
      fake.blockSize = 4
      return { status: 202, json: ['aa', 'bb'] }
    }
    const events = await run(fake.pithos.upload(Buffer.from('abcdefgh'), 'c/a'))
    expect(events.filter(({ kind }) => kind === 'planned')).toHaveLength(2)
    expect(fake.objects.get('a')?.hashes).toHaveLength(2)
  })

  it('is not followed for ever', async () => {
    const fake = createPithosFake(4)
    fake.interfere = ({ method }) => {
      if (method !== 'PUT') return undefined
      fake.blockSize += 1
      return { status: 400, json: {} }
    }
    expect((await failureOf(fake.pithos.upload(Buffer.from('abcd'), 'c/a'))).message).toMatch(
      /has changed twice/,
    )
    expect(fake.lines('PUT')).toHaveLength(2)
  })

  it('is not blamed for every 400', async () => {
    const fake = createPithosFake(4)
    fake.interfere = ({ method }) => (method === 'PUT' ? { status: 400, json: {} } : undefined)
    const error: unknown = await run(fake.pithos.upload(Buffer.from('abcd'), 'c/a')).catch(
      (caught: unknown) => caught,
    )
    expect(isHttpError(error, 400)).toBe(true)
  })
})

describe('an answer that is lost', () => {
  const content = Buffer.from('abcd')
  async function withLostAnswer(meanwhile: (fake: PithosFake) => Promise<unknown>): Promise<PithosFake> {
    const fake = createPithosFake(4)
    await fake.put('source of the blocks', content)
    fake.interfere = ({ method }, turn) => {
      if (method !== 'PUT') return undefined
      if (turn === 1) return throwError(cut)
      return { status: 412, json: {} }
    }
    await meanwhile(fake)
    return fake
  }

  it('is found out if the object is there', async () => {
    const fake = await withLostAnswer((store) => store.put('a', content))
    const events = await run(fake.pithos.upload(content, 'c/a', { ifNoneMatch: '*' }))
    expect(done(events).result).toMatchObject({ name: 'a', bytes: 4, version: 2 })
  })

  it('is a lost race if another object is there', async () => {
    const fake = await withLostAnswer((store) => store.put('a', Buffer.from('efgh')))
    await expect(run(fake.pithos.upload(content, 'c/a', { ifNoneMatch: '*' }))).rejects.toBeInstanceOf(
      ConflictError,
    )
  })

  it('is not supposed where nothing was sent twice', async () => {
    const fake = createPithosFake(4)
    await fake.put('a', content)
    fake.interfere = ({ method }) => (method === 'PUT' ? { status: 412, json: {} } : undefined)
    await expect(run(fake.pithos.upload(content, 'c/a', { ifNoneMatch: '*' }))).rejects.toBeInstanceOf(
      ConflictError,
    )
    expect(fake.lines('HEAD')).toEqual(['HEAD /{account}/c?format=json'])
  })
})

describe('what became of the object', () => {
  it('is told from what was sent if it is gone again', async () => {
    const fake = createPithosFake(4)
    fake.interfere = ({ method }, turn) =>
      method === 'HEAD' && turn === 2 ? { status: 404, json: {} } : undefined
    const events = await run(fake.pithos.upload(Buffer.from('abcd'), 'c/a', { metadata: { a: 'b' } }))
    expect(done(events).result).toMatchObject({
      name: 'a',
      bytes: 4,
      version: 1,
      contentType: 'application/octet-stream',
      metadata: { a: 'b' },
      hash: await hashBlock(hasher, 'sha256', Buffer.from('abcd')),
    })
  })

  it('is an error if it is not what was sent', async () => {
    const fake = createPithosFake(4)
    const headers = { 'x-object-version': '1', 'x-object-hash': 'ff', 'content-length': '4' }
    fake.interfere = ({ method }, turn) =>
      method === 'HEAD' && turn === 2 ? { status: 200, headers } : undefined
    expect((await failureOf(fake.pithos.upload(Buffer.from('abcd'), 'c/a'))).message).toMatch(
      /another object/,
    )
  })
})

describe('checkpoints', () => {
  function recording(): CheckpointStore & { readonly log: string[] } {
    const inner = memoryCheckpoint()
    const log: string[] = []
    return {
      log,
      load: inner.load,
      save: (checkpoint) => {
        log.push(`save ${String(checkpoint.hashes.length)}`)
        return inner.save(checkpoint)
      },
      remove: () => {
        log.push('remove')
        return inner.remove()
      },
    }
  }

  it('are saved while and after hashing, and removed when all is done', async () => {
    writeFileSync(path('in'), Buffer.alloc(1000, 'x'))
    const store = recording()
    await run(createPithosFake(4).pithos.upload(path('in'), 'c/a', { checkpoint: store }))
    // The first block, then nothing for a second, then the end of the phase.
    expect(store.log).toHaveLength(3)
    expect(store.log.slice(1)).toEqual(['save 250', 'remove'])
  })

  it('spare the hashing if the file is the same', async () => {
    writeFileSync(path('in'), 'abcdefghij')
    const fake = createPithosFake(4)
    const store = memoryCheckpoint()
    fake.interfere = ({ method }) => (method === 'POST' ? { status: 403, json: {} } : undefined)
    const error = await failureOf(fake.pithos.upload(path('in'), 'c/a', { checkpoint: store }))
    expect(error.checkpoint).toEqual(await store.load())
    fake.interfere = () => undefined
    const events = await run(
      fake.pithos.upload(path('in'), 'c/a', { checkpoint: memoryCheckpoint(error.checkpoint) }),
    )
    expect(kinds(events)).not.toContain('hashing')
    expect(done(events)).toMatchObject({ bytes: 10 })
  })

  it('go on in the middle', async () => {
    writeFileSync(path('in'), 'abcdefghij')
    utimesSync(path('in'), 1, 2)
    const hashes = [await hashBlock(hasher, 'sha256', Buffer.from('abcd'))]
    const saved = {
      version: 1,
      direction: 'upload',
      object: 'c/a',
      size: 10,
      mtimeMs: 2000,
      blockSize: 4,
      blockHash: 'sha256',
      hashes,
    } as const
    const fake = createPithosFake(4)
    const events = await run(fake.pithos.upload(path('in'), 'c/a', { checkpoint: memoryCheckpoint(saved) }))
    expect(events[0]).toMatchObject({ kind: 'planned', checkpoint: { hashes } })
    const hashing = events.find(({ kind }) => kind === 'hashing')
    expect(hashing).toMatchObject({ totalBytes: 10 })
    expect((hashing as { bytes: number }).bytes).toBeGreaterThan(4)
    expect(fake.objects.get('a')?.bytes).toBe(10)

    const others = [
      { mtimeMs: 2001 },
      { size: 11 },
      { blockSize: 8 },
      { blockHash: 'sha1' },
      { object: 'c/b' },
      { direction: 'download' as const },
    ]
    for (const other of others) {
      const checkpoint = memoryCheckpoint({ ...saved, hashes: ['00'], ...other })
      const again = await run(fake.pithos.upload(path('in'), 'c/a', { checkpoint }))
      expect(again[0]).toMatchObject({ kind: 'planned', checkpoint: { hashes: [] } })
    }
  })

  it('are not written over another file', async () => {
    writeFileSync(path('in'), 'abcd')
    writeFileSync(path('other'), 'precious')
    const events = createPithosFake(4).pithos.upload(path('in'), 'c/a', { checkpoint: path('other') })
    await expect(run(events)).rejects.toBeInstanceOf(ConfigurationError)
    expect(readFileSync(path('other'), 'utf8')).toBe('precious')
  })

  it('are no use without a time of modification', async () => {
    const fake = createPithosFake(4)
    const store = memoryCheckpoint()
    fake.interfere = ({ method }) => (method === 'POST' ? { status: 403, json: {} } : undefined)
    await failureOf(fake.pithos.upload(Buffer.from('abcd'), 'c/a', { checkpoint: store }))
    fake.interfere = () => undefined
    const events = await run(fake.pithos.upload(Buffer.from('efgh'), 'c/a', { checkpoint: store }))
    expect(kinds(events)).toContain('hashing')
    expect(bodies(fake)).toEqual(['efgh'])
  })
})

describe('a stream', () => {
  it('is sent block by block as it comes', async () => {
    const fake = createPithosFake(4)
    const stream = Readable.from([Buffer.from('ab'), Buffer.from('cdefgha'), Buffer.from('bcdij')])
    const events = await run(fake.pithos.upload(stream, 'c/a', { concurrency: 2 }))
    expect(events[0]).toEqual({ kind: 'planned', totalBytes: Infinity, totalParts: Infinity })
    expect(bodies(fake).sort()).toEqual(['abcd', 'efgh', 'ij'])
    expect(events.findLast(({ kind }) => kind === 'progress')).toMatchObject({
      bytes: 14,
      totalBytes: 14,
      parts: 4,
      totalParts: 4,
      reusedBytes: 4,
    })
    expect(fake.objects.get('a')?.bytes).toBe(14)
    expect(done(events)).toMatchObject({ bytes: 14 })
  })

  it.each([0, 1, 4, 8, 9])('of %i bytes', async (size) => {
    const fake = createPithosFake(4)
    const events = await run(fake.pithos.upload(new Blob([Buffer.alloc(size, 'x')]).stream(), 'c/a'))
    expect(fake.objects.get('a')?.bytes).toBe(size)
    expect(done(events).bytes).toBe(size)
  })

  it('is not read further than blocks are held', async () => {
    let pulled = 0
    const stream = new Readable({
      highWaterMark: 1,
      read() {
        pulled += 1
        this.push(Buffer.from(`${String(pulled)}xxx`))
      },
    })
    const fake = createPithosFake(4)
    fake.interfere = ({ method }) => (method === 'POST' ? NEVER : undefined)
    const subscription = fake.pithos.upload(stream, 'c/a', { concurrency: 2 }).subscribe()
    await expect.poll(() => fake.lines('POST').length).toBeGreaterThan(0)
    expect(pulled).toBeLessThan(6)
    subscription.unsubscribe()
    expect(stream.destroyed).toBe(true)
  })

  it('survives what a block that is held can survive', async () => {
    const fake = createPithosFake(4)
    fake.interfere = ({ method }, turn) => {
      if (method !== 'POST') return undefined
      if (turn === 1) return throwError(cut)
      return turn === 2 ? { status: 202, json: ['ff'] } : undefined
    }
    const events = await run(
      fake.pithos.upload(Readable.from([Buffer.from('abcdef')]), 'c/a', { concurrency: 1 }),
    )
    expect(events.filter(({ kind }) => kind === 'retrying')).toHaveLength(2)
    expect(fake.objects.get('a')?.bytes).toBe(6)
  })

  it('cannot be read again', async () => {
    const fake = createPithosFake(4)
    fake.interfere = ({ method }) => {
      if (method === 'PUT') fake.blocks.clear()
      return undefined
    }
    const events = fake.pithos.upload(Readable.from([Buffer.from('abcdef')]), 'c/a')
    expect((await failureOf(events)).message).toMatch(/still misses blocks/)
    expect((await failureOf(events)).message).toMatch(/read only once/)
    const changing = createPithosFake(4)
    changing.interfere = ({ method }) => {
      if (method !== 'POST') return undefined
      changing.blockSize = 8
      return { status: 202, json: ['ff'] }
    }
    const again = changing.pithos.upload(Readable.from([Buffer.from('abcdef')]), 'c/a')
    expect((await failureOf(again)).message).toMatch(/block size of the container has changed/)
  })
})
