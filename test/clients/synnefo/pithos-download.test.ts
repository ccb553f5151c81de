import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { PassThrough, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { delay, lastValueFrom, NEVER, of, tap, throwError, toArray, type Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { ObjectInfo } from '../../../src/clients/synnefo/storage/schemas.js'
import { isHttpError, NetworkError, NotFoundError, TransferError } from '../../../src/errors.js'
import type { HttpRequest } from '../../../src/http/types.js'
import type { TransferEvent } from '../../../src/streams/events.js'
import { memorySink, type Sink } from '../../../src/streams/sinks.js'
import { signal } from '../../http/loopback.js'
import { openFilesIn, useFolder } from '../../streams/folder.js'
import { createPithosFake, hasher, type Answer, type PithosFake } from './pithos-fake.js'

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
function done(events: Events): Extract<TransferEvent<ObjectInfo>, { kind: 'done' }> {
  const last = events.at(-1)
  if (last?.kind !== 'done') throw new Error(`ended with ${String(last?.kind)}`)
  return last
}
/** Ranges that were asked for, in order. */
function ranges(fake: PithosFake): string[] {
  return fake.requests.flatMap(({ headers }) => (headers['range'] === undefined ? [] : [headers['range']]))
}
function isRange(request: HttpRequest, range?: string): boolean {
  const asked = request.headers['range']
  return asked !== undefined && (range === undefined || asked === `bytes=${range}`)
}
async function store(content: string, blockSize = 4): Promise<PithosFake> {
  const fake = createPithosFake(blockSize)
  await fake.put('a', Buffer.from(content))
  return fake
}
const cut = (): NetworkError => new NetworkError('cut', { retryable: true })

describe('download', () => {
  it('fetches each block once, verifies it, and puts it where it belongs', async () => {
    const fake = await store('abcdefghabcdij')
    const events = await run(fake.pithos.download('c/a', path('out')))
    expect(readFileSync(path('out'), 'utf8')).toBe('abcdefghabcdij')
    expect(existsSync(path('out.part'))).toBe(false)
    expect(ranges(fake).sort()).toEqual(['bytes=0-3', 'bytes=12-13', 'bytes=4-7'])
    expect(events[0]).toMatchObject({
      kind: 'planned',
      totalBytes: 14,
      totalParts: 4,
      checkpoint: { direction: 'download', object: 'c/a', size: 14, blockSize: 4 },
    })
    expect(events.findLast(({ kind }) => kind === 'progress')).toMatchObject({
      bytes: 14,
      parts: 4,
      reusedBytes: 4,
    })
    expect(done(events)).toMatchObject({ bytes: 14, reusedBytes: 4, unverifiedBytes: 0 })
    expect(done(events).result).toMatchObject({
      container: 'c',
      name: 'a',
      bytes: 14,
      contentType: 'text/plain',
    })
    expect(openFilesIn(path())).toEqual([])
  })

  it('holds the content fast by its entity tag, or by the version asked for', async () => {
    const fake = await store('abcdefgh')
    const { etag } = await lastValueFrom(fake.pithos.info('c/a'))
    await run(fake.pithos.download('c/a', memorySink()))
    const pinned = fake.requests.slice(2)
    expect(pinned.map(({ headers }) => headers['if-match'])).toEqual(Array(3).fill(`"${String(etag)}"`))
    await run(fake.pithos.download('c/a', memorySink(), { version: 1 }))
    const versioned = fake.requests.slice(5)
    expect(versioned.map(({ path: asked }) => asked)).toEqual([
      '/{account}/c/a?format=json&version=1',
      '/{account}/c/a?format=json&hashmap&version=1',
      '/{account}/c/a?format=json&version=1',
      '/{account}/c/a?format=json&version=1',
    ])
    expect(versioned.some(({ headers }) => 'if-match' in headers)).toBe(false)
  })

  it.each([
    ['nothing', 0],
    ['one byte', 1],
    ['a block', 4],
    ['a block and a byte', 5],
  ])('takes %s, and never asks for more than there is', async (_name, size) => {
    const fake = await store('x'.repeat(size))
    const events = await run(fake.pithos.download('c/a', path('out')))
    expect(readFileSync(path('out'), 'utf8')).toBe('x'.repeat(size))
    expect(done(events).bytes).toBe(size)
    expect(ranges(fake)).toHaveLength(Math.ceil(size / 4))
  })

  it('fetches no zeros', async () => {
    const content = `${'\0'.repeat(8)}abcd${'\0'.repeat(6)}`
    const fake = await store(content)
    const sink = memorySink()
    const events = await run(fake.pithos.download('c/a', sink))
    expect(Buffer.from(sink.bytes).toString()).toBe(content)
    expect(ranges(fake)).toEqual(['bytes=8-11'])
    expect(done(events)).toMatchObject({ bytes: 18, reusedBytes: 14 })
    await run(fake.pithos.download('c/a', path('out')))
    expect(readFileSync(path('out'), 'utf8')).toBe(content)
  })

  it('does not take a short block for a whole one of the same hash', async () => {
    const content = 'ab\0\0abcdab'
    const fake = await store(content)
    const sink = memorySink()
    await run(fake.pithos.download('c/a', sink))
    expect(Buffer.from(sink.bytes).toString()).toBe(content)
    expect(ranges(fake).sort()).toEqual(['bytes=0-3', 'bytes=4-7'])
  })

  it('understands a server that ignores ranges', async () => {
    const fake = await store('abcdefghij')
    fake.interfere = (request) =>
      isRange(request) ? { status: 200, body: Buffer.from('abcdefghij') } : undefined
    const sink = memorySink()
    await run(fake.pithos.download('c/a', sink))
    expect(Buffer.from(sink.bytes).toString()).toBe('abcdefghij')
  })

  it('has no more blocks under way than it may', async () => {
    const fake = await store('abcdefgh', 1)
    fake.interfere = (request) => (isRange(request) ? NEVER : undefined)
    const subscription = fake.pithos.download('c/a', path('out'), { concurrency: 3 }).subscribe()
    await expect.poll(() => ranges(fake).length).toBe(3)
    subscription.unsubscribe()
    await expect.poll(() => openFilesIn(path())).toEqual([])
    expect(existsSync(path('out'))).toBe(false)
    expect(statSync(path('out.part')).size).toBe(8)
  })

  it('leaves nothing behind if there is no object, and says what the server said', async () => {
    const fake = createPithosFake()
    await expect(run(fake.pithos.download('c/a', path('out')))).rejects.toBeInstanceOf(NotFoundError)
    expect(existsSync(path('out.part'))).toBe(false)
  })

  it('says what is wrong with the destination', async () => {
    const fake = await store('abcd')
    mkdirSync(path('folder'))
    expect((await failureOf(fake.pithos.download('c/a', path('folder')))).message).toMatch(
      /^download of c\/a stopped: cannot write .*folder: it is there, and not a file/,
    )
    expect((await failureOf(fake.pithos.download('c/a', memorySink({ limit: 3 })))).message).toMatch(
      /limit is 3/,
    )
  })

  it('cannot work with what has no blocks of one size', async () => {
    const fake = await store('abcdefgh')
    fake.interfere = () => ({
      status: 200,
      headers: { 'x-object-manifest': 'c/parts%2F' },
      json: { block_size: 4, block_hash: 'sha256', bytes: 4, hashes: ['ff'] },
    })
    expect((await failureOf(fake.pithos.download('c/a', memorySink()))).message).toMatch(
      /put together from c\/parts\//,
    )
    fake.interfere = ({ path: asked }) =>
      asked.includes('hashmap')
        ? { status: 200, json: { block_size: 4, block_hash: 'sha256', bytes: 8, hashes: ['ff'] } }
        : undefined
    expect((await failureOf(fake.pithos.download('c/a', memorySink()))).message).toMatch(
      /1 blocks, but 8 bytes are 2/,
    )
    fake.interfere = ({ path: asked }) =>
      asked.includes('hashmap')
        ? { status: 200, json: { block_size: 4, block_hash: 'sha0', bytes: 4, hashes: ['ff'] } }
        : undefined
    expect((await failureOf(fake.pithos.download('c/a', memorySink()))).message).toMatch(/'sha0'/)
  })
})

describe('trouble with blocks', () => {
  it('tells retries, with the part', async () => {
    const fake = await store('abcdefgh')
    let failed = false
    fake.interfere = (request) => {
      if (!isRange(request, '4-7') || failed) return undefined
      failed = true
      return throwError(cut)
    }
    const events = await run(fake.pithos.download('c/a', memorySink()))
    expect(events.filter(({ kind }) => kind === 'retrying')).toMatchObject([
      { part: 1, attempt: 1, delayMs: 1 },
    ])
  })

  it('stops at the part that cannot be had', async () => {
    const fake = await store('abcdefgh')
    fake.interfere = (request) => (isRange(request, '4-7') ? throwError(cut) : undefined)
    const error = await failureOf(fake.pithos.download('c/a', path('out'), { concurrency: 1 }))
    expect(error).toMatchObject({ part: 1, operation: 'synnefo.pithos.download', retryable: true })
    expect(error.message).toBe('download of c/a stopped at part 1: cut')
    expect(error.checkpoint?.hashes).toHaveLength(2)
    expect(openFilesIn(path())).toEqual([])
    fake.interfere = () => undefined
    const events = await run(fake.pithos.download('c/a', path('out')))
    expect(done(events)).toMatchObject({ bytes: 8, reusedBytes: 4 })
    expect(ranges(fake).slice(-1)).toEqual(['bytes=4-7'])
  })

  it.each([
    ['wrong', () => Buffer.from('WRNG')],
    ['too short', () => Buffer.from('ab')],
  ])('fetches a block again that is %s', async (_name, body) => {
    const fake = await store('abcdefgh')
    let spoilt = 0
    fake.interfere = (request) =>
      isRange(request, '0-3') && spoilt++ < 2 ? { status: 206, body: body() } : undefined
    const sink = memorySink()
    const events = await run(fake.pithos.download('c/a', sink))
    expect(Buffer.from(sink.bytes).toString()).toBe('abcdefgh')
    expect(events.filter(({ kind }) => kind === 'retrying')).toMatchObject([
      { part: 0, attempt: 1 },
      { part: 0, attempt: 2 },
    ])
  })

  it('never passes on a whole block that is wrong', async () => {
    const fake = await store('abcdefgh')
    fake.interfere = (request) =>
      isRange(request, '0-3') ? { status: 206, body: Buffer.from('WRNG') } : undefined
    const error = await failureOf(fake.pithos.download('c/a', path('out')))
    expect(error.message).toMatch(/part 0: a block arrived that is not the one its hash says/)
    expect(ranges(fake).filter((range) => range === 'bytes=0-3')).toHaveLength(3)
    expect(existsSync(path('out'))).toBe(false)
  })

  it('tells of a stale tail, and does not fail', async () => {
    const fake = await store('abcdefgh')
    const stored = fake.objects.get('a')
    fake.objects.set('a', { bytes: 6, hashes: stored?.hashes ?? [], version: 2 })
    const events = await run(fake.pithos.download('c/a', path('out')))
    expect(readFileSync(path('out'), 'utf8')).toBe('abcdef')
    expect(events.filter(({ kind }) => kind === 'unverified')).toEqual([
      { kind: 'unverified', part: 1, bytes: 2 },
    ])
    expect(done(events)).toMatchObject({ bytes: 6, unverifiedBytes: 2 })
    expect(ranges(fake).filter((range) => range === 'bytes=4-5')).toHaveLength(2)
  })

  it('knows a stale tail by a block before it', async () => {
    const fake = await store('abcdabcd')
    const stored = fake.objects.get('a')
    fake.objects.set('a', { bytes: 6, hashes: stored?.hashes ?? [], version: 2 })
    const events = await run(fake.pithos.download('c/a', path('out')))
    expect(readFileSync(path('out'), 'utf8')).toBe('abcdab')
    expect(done(events)).toMatchObject({ unverifiedBytes: 0 })
  })
})

describe('going on', () => {
  it('keeps the blocks of the part that are right, whatever else is in it', async () => {
    const fake = await store('abcdefghijklmn')
    writeFileSync(path('out.part'), 'abcdXXXXijklmX and much more')
    const events = await run(fake.pithos.download('c/a', path('out')))
    expect(readFileSync(path('out'), 'utf8')).toBe('abcdefghijklmn')
    expect(ranges(fake).sort()).toEqual(['bytes=12-13', 'bytes=4-7'])
    expect(events.findLast(({ kind }) => kind === 'hashing')).toEqual({
      kind: 'hashing',
      bytes: 14,
      totalBytes: 14,
    })
    expect(done(events)).toMatchObject({ reusedBytes: 8 })
  })

  it('needs no request for what is in the part at another place, nor for zeros', async () => {
    const fake = await store('abcd\0\0\0\0efghabcd\0\0\0\0\0')
    writeFileSync(path('out.part'), 'abcdXXXXXX')
    await run(fake.pithos.download('c/a', path('out')))
    expect(readFileSync(path('out'), 'utf8')).toBe('abcd\0\0\0\0efghabcd\0\0\0\0\0')
    expect(ranges(fake)).toEqual(['bytes=8-11'])
  })

  it('fills up a whole block from a short one of the same hash', async () => {
    const fake = await store('ab\0\0abcdab')
    writeFileSync(path('out.part'), 'XXXXXXXXab')
    await run(fake.pithos.download('c/a', path('out')))
    expect(readFileSync(path('out'), 'utf8')).toBe('ab\0\0abcdab')
    expect(ranges(fake)).toEqual(['bytes=4-7'])
  })

  it('only gives the name if everything is there', async () => {
    const fake = await store('abcdefgh')
    writeFileSync(path('out.part'), 'abcdefgh')
    writeFileSync(path('out'), 'old')
    const events = await run(fake.pithos.download('c/a', path('out')))
    expect(readFileSync(path('out'), 'utf8')).toBe('abcdefgh')
    expect(ranges(fake)).toEqual([])
    expect(done(events)).toMatchObject({ bytes: 8, reusedBytes: 8 })
  })
})

describe('an object that is replaced', () => {
  /** Replaces the object when a range is asked for the first time. */
  function replacing(fake: PithosFake, range: string, content: string): void {
    let replaced = false
    fake.interfere = (request) => {
      if (replaced || !isRange(request, range)) return undefined
      replaced = true
      void fake.put('a', Buffer.from(content))
      return of<Answer>({ status: 412, json: {} }).pipe(delay(20))
    }
  }

  it('is planned anew, and what still fits is kept', async () => {
    const fake = await store('abcdefghijkl')
    replacing(fake, '8-11', 'abcdEFGHijklmn')
    const events = await run(fake.pithos.download('c/a', path('out'), { concurrency: 1 }))
    expect(readFileSync(path('out'), 'utf8')).toBe('abcdEFGHijklmn')
    expect(events.filter(({ kind }) => kind === 'planned')).toMatchObject([
      { totalBytes: 12 },
      { totalBytes: 14 },
    ])
    expect(ranges(fake)).toEqual([
      'bytes=0-3',
      'bytes=4-7',
      'bytes=8-11',
      'bytes=4-7',
      'bytes=8-11',
      'bytes=12-13',
    ])
    expect(done(events)).toMatchObject({ bytes: 14, reusedBytes: 0, result: { version: 2 } })
    const bytes = events.flatMap((event) => (event.kind === 'progress' ? [event.bytes] : []))
    expect(bytes).toEqual([...bytes].sort((a, b) => a - b))
  })

  it('is looked at again only when no write of the first attempt is under way', async () => {
    const fake = await store('abcdefgh')
    const memory = memorySink()
    let write: () => void = () => undefined
    const slow: Sink = {
      ...memory,
      open: async () => {
        const open = await memory.open()
        let writing: Promise<void> | undefined
        return {
          ...open,
          write: (offset, bytes) => {
            if (writing !== undefined) return open.write(offset, bytes)
            const content = bytes.slice()
            writing = new Promise<void>((resolve) => (write = resolve)).then(() =>
              open.write(offset, content),
            )
            return writing
          },
          settled: async () => writing,
        }
      },
    }
    let replaced = false
    fake.interfere = (request) => {
      if (replaced || !isRange(request, '4-7')) return undefined
      replaced = true
      void fake.put('a', Buffer.from('ABCDefgh'))
      return of<Answer>({ status: 412, json: {} }).pipe(delay(20))
    }
    const retried = signal()
    const running = run(
      fake.pithos.download('c/a', slow, { concurrency: 2 }).pipe(
        tap(({ kind }) => {
          if (kind === 'retrying') retried.give()
        }),
      ),
    )
    await retried.given
    await new Promise((next) => setImmediate(next))
    const looks = (): number => fake.lines().filter((line) => line.includes('hashmap')).length
    expect(looks()).toBe(1)
    write()
    await running
    expect(looks()).toBe(2)
    expect(Buffer.from(memory.bytes).toString()).toBe('ABCDefgh')
  })

  it('may become shorter', async () => {
    const fake = await store('abcdefghijkl')
    replacing(fake, '8-11', 'ab')
    await run(fake.pithos.download('c/a', path('out'), { concurrency: 1 }))
    expect(readFileSync(path('out'), 'utf8')).toBe('ab')
  })

  it('may be cut in other blocks', async () => {
    const fake = await store('abcdefghijkl')
    let replaced = false
    fake.interfere = (request) => {
      if (replaced || !isRange(request, '8-11')) return undefined
      replaced = true
      fake.blockSize = 8
      void fake.put('a', Buffer.from('abcdefghIJKL'))
      return of<Answer>({ status: 416, json: {} }).pipe(delay(20))
    }
    await run(fake.pithos.download('c/a', path('out'), { concurrency: 1 }))
    expect(readFileSync(path('out'), 'utf8')).toBe('abcdefghIJKL')
    expect(ranges(fake).slice(3)).toEqual(['bytes=8-11'])
  })

  it('is noticed between two looks at it', async () => {
    const fake = await store('abcd')
    fake.interfere = ({ path: asked }, turn) =>
      asked.includes('hashmap') && turn === 1 ? { status: 412, json: {} } : undefined
    const events = await run(fake.pithos.download('c/a', memorySink()))
    expect(events[0]).toMatchObject({ kind: 'retrying', attempt: 1, delayMs: 0 })
    expect(fake.lines('HEAD')).toHaveLength(2)
  })

  it('is the one that the caller wants, or none', async () => {
    const fake = await store('abcd')
    const { etag = '' } = await lastValueFrom(fake.pithos.info('c/a'))
    await run(fake.pithos.download('c/a', memorySink(), { ifMatch: etag }))
    fake.interfere = ({ headers }) => (headers['if-none-match'] === `"${etag}"` ? { status: 304 } : undefined)
    const same = run(fake.pithos.download('c/a', memorySink(), { ifNoneMatch: etag }))
    await expect(same).rejects.toMatchObject({ status: 304 })
    fake.interfere = () => undefined
    await fake.put('a', Buffer.from('other'))
    const other = run(fake.pithos.download('c/a', memorySink(), { ifMatch: etag }))
    await expect(other).rejects.toMatchObject({ status: 412 })
  })

  it('is not followed for ever', async () => {
    const fake = await store('abcd')
    fake.interfere = (request) => (isRange(request) ? { status: 412, json: {} } : undefined)
    const error = await failureOf(fake.pithos.download('c/a', path('out')))
    expect(error.message).toMatch(/replaced while it was read, again and again/)
    expect(isHttpError(error.cause, 412)).toBe(true)
    expect(ranges(fake)).toHaveLength(4)
  })

  it('may be removed instead', async () => {
    const fake = await store('abcd')
    fake.interfere = (request) => (isRange(request) ? { status: 404, json: {} } : undefined)
    const error = await failureOf(fake.pithos.download('c/a', path('out')))
    expect(error.part).toBe(0)
    expect(isHttpError(error.cause, 404)).toBe(true)
  })
})

describe('into a stream', () => {
  it('writes in order whatever comes first', async () => {
    const fake = await store('abcdefgh\0\0\0\0abcdij')
    fake.interfere = (request) =>
      isRange(request, '0-3') && ranges(fake).length < 3
        ? of<Answer>({ status: 206, body: Buffer.from('abcd') }).pipe(delay(20))
        : undefined
    const stream = new PassThrough()
    const all = buffer(stream)
    const events = await run(fake.pithos.download('c/a', stream))
    expect((await all).toString()).toBe('abcdefgh\0\0\0\0abcdij')
    expect(events[0]).toEqual({ kind: 'planned', totalBytes: 18, totalParts: 5 })
    // A stream cannot be read back: what occurs twice is fetched twice, but zeros are not.
    expect(ranges(fake).sort()).toEqual(['bytes=0-3', 'bytes=12-15', 'bytes=16-17', 'bytes=4-7'])
    expect(done(events)).toMatchObject({ bytes: 18, reusedBytes: 4 })
  })

  it('fetches no more blocks than are held while the stream is slow', async () => {
    const fake = await store('abcdefghijkl', 1)
    const stuck = new Writable({ write: () => undefined })
    const subscription = fake.pithos.download('c/a', stuck, { concurrency: 3 }).subscribe()
    const held = 3 + hasher.threads
    await expect.poll(() => ranges(fake).length).toBe(held)
    subscription.unsubscribe()
    expect(stuck.destroyed).toBe(true)
    expect(ranges(fake)).toHaveLength(held)
  })

  it('goes on with an object that was replaced, if it begins with what was written', async () => {
    const fake = await store('abcdefgh')
    let replaced = false
    fake.interfere = (request) => {
      if (replaced || !isRange(request, '4-7')) return undefined
      replaced = true
      void fake.put('a', Buffer.from('abcdEFGHij'))
      return of<Answer>({ status: 412, json: {} }).pipe(delay(20))
    }
    const stream = new PassThrough()
    const all = buffer(stream)
    await run(fake.pithos.download('c/a', stream, { concurrency: 1 }))
    expect((await all).toString()).toBe('abcdEFGHij')
  })

  it('fails with one that does not', async () => {
    const fake = await store('abcdefgh')
    let replaced = false
    fake.interfere = (request) => {
      if (replaced || !isRange(request, '4-7')) return undefined
      replaced = true
      void fake.put('a', Buffer.from('ABCDefgh'))
      return of<Answer>({ status: 412, json: {} }).pipe(delay(20))
    }
    const stream = new PassThrough()
    stream.resume()
    const error = await failureOf(fake.pithos.download('c/a', stream, { concurrency: 1 }))
    expect(error.message).toMatch(/what was written cannot be taken back/)
    expect(stream.destroyed).toBe(true)
  })

  it('stops when the stream fails', async () => {
    const fake = await store('abcdefgh')
    const failing = new Writable({
      write(_chunk, _encoding, callback) {
        callback(new Error('the pipe is broken'))
      },
    })
    expect((await failureOf(fake.pithos.download('c/a', failing))).message).toMatch(/the pipe is broken/)
  })
})
