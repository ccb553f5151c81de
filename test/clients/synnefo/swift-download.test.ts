import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { Writable } from 'node:stream'
import { lastValueFrom, Observable, toArray } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import type { ObjectInfo, ObjectItem } from '../../../src/clients/synnefo/storage/schemas.js'
import type { DownloadOptions } from '../../../src/clients/synnefo/storage/transfer-options.js'
import { runsOf } from '../../../src/clients/synnefo/swift/download/anywhere.js'
import { downloadFromSwift } from '../../../src/clients/synnefo/swift/download/download.js'
import { NotFoundError, TransferError } from '../../../src/errors.js'
import type { TransferEvent } from '../../../src/streams/events.js'
import { memorySink, type SinkInput } from '../../../src/streams/sinks.js'
import { useFolder } from '../../streams/folder.js'
import { createSwiftFake, md5, type Answer, type SwiftFake } from './swift-fake.js'

const path = useFolder()

type Events = readonly TransferEvent<ObjectInfo>[]

function run(events: Observable<TransferEvent<ObjectInfo>>): Promise<Events> {
  return lastValueFrom(events.pipe(toArray()))
}
function download(
  fake: SwiftFake,
  destination: SinkInput,
  options: DownloadOptions = {},
  listed?: ObjectItem,
): Promise<Events> {
  return run(downloadFromSwift(fake.transfers, 'c/a', destination, options, listed))
}
async function failureOf(events: Promise<Events>): Promise<unknown> {
  return events.then(
    () => 'no failure',
    (error: unknown) => error,
  )
}
function done(events: Events): Extract<TransferEvent<ObjectInfo>, { kind: 'done' }> {
  const last = events.at(-1)
  if (last?.kind !== 'done') throw new Error(`ended with ${String(last?.kind)}`)
  return last
}
function kinds(events: Events, kind: string): Events {
  return events.filter((event) => event.kind === kind)
}
function ranges(fake: SwiftFake): string[] {
  return fake.requests
    .filter(({ method, sink }) => method === 'GET' && sink !== undefined)
    .map(({ headers }) => headers['range'] ?? 'all')
}
function bytesFell(events: Events): boolean {
  const told = events.flatMap((event) => (event.kind === 'progress' ? [event.bytes] : []))
  return told.some((bytes, index) => bytes < (told[index - 1] ?? 0))
}
/** No part of it is like another one. */
function contentOf(size: number): Buffer {
  const content = Buffer.alloc(size)
  for (let at = 0, state = 1; at < size; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    content[at] = state >>> 24
  }
  return content
}
const MEBIBYTE = 2 ** 20

describe('download of an object without segments', () => {
  it.each([
    ['nothing', 0, 0],
    ['one byte', 1, 1],
    ['a piece', MEBIBYTE, 1],
    ['pieces and a bit', 5 * MEBIBYTE + 3, 1],
  ])('fetches %s with one request', async (_name, size, gets) => {
    const fake = createSwiftFake()
    const content = contentOf(size)
    fake.put('c/a', content, { 'content-type': 'text/plain', 'x-object-meta-colour': 'blue' })
    const events = await download(fake, path('file'))
    expect(readFileSync(path('file')).equals(content)).toBe(true)
    expect(existsSync(path('file.part'))).toBe(false)
    expect(fake.lines('HEAD')).toHaveLength(1)
    expect(fake.lines('GET')).toHaveLength(gets)
    expect(events[0]).toMatchObject({ kind: 'planned', totalBytes: size, totalParts: gets })
    expect(done(events)).toMatchObject({ bytes: size, reusedBytes: 0, unverifiedBytes: 0 })
    expect(done(events).result).toMatchObject({
      container: 'c',
      name: 'a',
      bytes: size,
      contentType: 'text/plain',
      metadata: { colour: 'blue' },
    })
    expect(bytesFell(events)).toBe(false)
  })

  it('needs one request for what a listing has told', async () => {
    const fake = createSwiftFake()
    fake.put('c/a', 'content', { 'content-type': 'text/plain' })
    const listed = { name: 'a', bytes: 7, hash: md5('content'), content_type: 'text/html' }
    const events = await download(fake, path('file'), {}, listed)
    expect(readFileSync(path('file'), 'utf8')).toBe('content')
    expect(fake.lines()).toEqual(['GET /c/a?format=json'])
    expect(fake.requests[0]?.headers).toMatchObject({ 'if-match': `"${md5('content')}"` })
    expect(done(events).result).toMatchObject({ contentType: 'text/plain', etag: md5('content') })
  })

  it.each([
    ['was replaced', { name: 'a', bytes: 3, hash: md5('old') }, 'content'],
    ['is empty', { name: 'a', bytes: 0, hash: md5('') }, ''],
    ['has segments', { name: 'a', bytes: 7, hash: md5('content'), slo_etag: '"x"' }, 'content'],
  ])('looks again at what %s', async (_name, listed, content) => {
    const fake = createSwiftFake()
    fake.put('c/a', content)
    await download(fake, path('file'), {}, listed)
    expect(readFileSync(path('file'), 'utf8')).toBe(content)
    expect(fake.lines('HEAD')).toHaveLength(1)
  })

  it('goes on where an answer was cut off', async () => {
    const fake = createSwiftFake()
    const content = contentOf(3 * MEBIBYTE)
    fake.put('c/a', content)
    let cuts = 0
    fake.interfere = ({ method }, _turn, usual) => {
      if (method !== 'GET' || (cuts += 1) > 1) return undefined
      return usual().then((answer) => ({ ...answer, cutAfter: 2 * MEBIBYTE + 7 }))
    }
    const events = await download(fake, path('file'))
    expect(readFileSync(path('file')).equals(content)).toBe(true)
    expect(ranges(fake)).toEqual(['all', 'all', `bytes=${2 * MEBIBYTE + 7}-${3 * MEBIBYTE - 1}`])
    expect(kinds(events, 'retrying')).toHaveLength(1)
    expect(bytesFell(events)).toBe(false)
    expect(done(events)).toMatchObject({ bytes: content.length })
  })

  it('takes what it wants of a server that ignores ranges', async () => {
    const fake = createSwiftFake()
    const content = contentOf(2 * MEBIBYTE)
    fake.put('c/a', content)
    let gets = 0
    fake.interfere = ({ method }) => {
      if (method !== 'GET') return undefined
      gets += 1
      const whole: Answer = { status: 200, headers: { etag: md5(content) }, body: content }
      return gets === 1 ? { ...whole, cutAfter: MEBIBYTE + 5 } : whole
    }
    await download(fake, path('file'))
    expect(readFileSync(path('file')).equals(content)).toBe(true)
  })

  it('fails when answers bring nothing again and again', async () => {
    const fake = createSwiftFake()
    fake.put('c/a', 'content')
    fake.interfere = ({ method }) => (method === 'GET' ? { status: 200 } : undefined)
    const failure = await failureOf(download(fake, path('file')))
    expect(failure).toBeInstanceOf(TransferError)
    expect(String(failure)).toContain('less than it was asked for')
    expect(fake.lines('GET')).toHaveLength(3)
  })

  it('fetches again what arrives damaged, three times in all', async () => {
    const fake = createSwiftFake()
    fake.put('c/a', 'content')
    const damage = (times: number): void => {
      let left = times
      fake.interfere = ({ method }, _turn, usual) =>
        method === 'GET' && (left -= 1) >= 0
          ? usual().then((answer) => ({ ...answer, body: Buffer.from('CONTENT') }))
          : undefined
    }
    damage(2)
    const events = await download(fake, path('file'))
    expect(readFileSync(path('file'), 'utf8')).toBe('content')
    expect(kinds(events, 'retrying')).toHaveLength(2)
    expect(done(events)).toMatchObject({ bytes: 7 })
    damage(3)
    expect(await failureOf(download(fake, path('other')))).toMatchObject({ code: 'SKY_TRANSFER', part: 0 })
    expect(existsSync(path('other'))).toBe(false)
  })

  it('goes on with what an earlier attempt has left', async () => {
    const fake = createSwiftFake()
    const content = contentOf(6 * MEBIBYTE)
    fake.put('c/a', content)
    // As long as it is to be, and filled up to its fifth piece.
    const left = Buffer.concat([content.subarray(0, 5 * MEBIBYTE), Buffer.alloc(MEBIBYTE)])
    writeFileSync(path('file.part'), left)
    const events = await download(fake, path('file'))
    expect(readFileSync(path('file')).equals(content)).toBe(true)
    const [range = ''] = ranges(fake)
    expect(Number(/bytes=(\d+)-/.exec(range)?.[1])).toBeGreaterThan(MEBIBYTE)
    expect(done(events).reusedBytes).toBeGreaterThan(MEBIBYTE)
    expect(kinds(events, 'hashing')).not.toHaveLength(0)
  })

  it('fetches nothing of what is whole, and all of what is not what it should be', async () => {
    const fake = createSwiftFake()
    const content = contentOf(5 * MEBIBYTE)
    fake.put('c/a', content)
    writeFileSync(path('file.part'), content)
    expect(done(await download(fake, path('file')))).toMatchObject({ reusedBytes: content.length })
    expect(fake.lines('GET')).toEqual([])

    const wrong = Buffer.from(content)
    wrong.fill(1, 0, 10)
    writeFileSync(path('other.part'), Buffer.concat([wrong, Buffer.from('more')]))
    const events = await download(fake, path('other'))
    expect(readFileSync(path('other')).equals(content)).toBe(true)
    expect(ranges(fake)).toEqual(['all'])
    expect(done(events)).toMatchObject({ bytes: content.length, reusedBytes: 0 })
  })

  it('begins anew when the object is replaced meanwhile', async () => {
    const fake = createSwiftFake()
    const old = contentOf(2 * MEBIBYTE)
    fake.put('c/a', old)
    let gets = 0
    fake.interfere = ({ method }, _turn, usual) => {
      if (method !== 'GET' || (gets += 1) > 1) return undefined
      return usual().then((answer) => {
        fake.put('c/a', 'new')
        return { ...answer, cutAfter: MEBIBYTE }
      })
    }
    const events = await download(fake, path('file'))
    expect(readFileSync(path('file'), 'utf8')).toBe('new')
    expect(kinds(events, 'planned')).toHaveLength(2)
    expect(done(events)).toMatchObject({ bytes: 3, reusedBytes: 0 })
  })

  it('never mixes two objects, even if the server does not mind the condition', async () => {
    const fake = createSwiftFake()
    fake.put('c/a', 'old content')
    fake.interfere = ({ method }) =>
      method === 'GET'
        ? { status: 200, headers: { etag: md5('new content') }, body: Buffer.from('new content') }
        : undefined
    const failure = await failureOf(download(fake, path('file')))
    expect(String(failure)).toContain('again and again')
    expect(existsSync(path('file'))).toBe(false)
  })

  it('tells that nothing proves an object whose tag is no MD5', async () => {
    const fake = createSwiftFake()
    fake.put('c/a', 'content')
    fake.interfere = ({ method }) =>
      method === 'HEAD'
        ? { status: 200, headers: { etag: 'opaque', 'content-length': '7' } }
        : { status: 200, headers: { etag: 'opaque' }, body: Buffer.from('content') }
    const events = await download(fake, path('file'))
    expect(kinds(events, 'unverified')).toEqual([{ kind: 'unverified', part: 0, bytes: 7 }])
    expect(done(events)).toMatchObject({ unverifiedBytes: 7 })
  })

  it('passes conditions and refusals', async () => {
    const fake = createSwiftFake()
    fake.put('c/a', 'content')
    expect(await failureOf(download(fake, path('x'), { ifNoneMatch: md5('content') }))).toMatchObject({
      status: 304,
    })
    expect(await failureOf(download(fake, path('x'), { ifMatch: md5('other') }))).toMatchObject({
      status: 412,
    })
    expect(existsSync(path('x.part'))).toBe(false)
    fake.objects.clear()
    expect(await failureOf(download(fake, path('x')))).toBeInstanceOf(NotFoundError)
    expect(() => downloadFromSwift(fake.transfers, 'c/a', path('x'), { version: 3 })).toThrow(
      'options.version',
    )
  })

  it('asks for the version that is wanted', async () => {
    const fake = createSwiftFake()
    fake.put('c/a', 'content')
    await download(fake, path('file'), { version: '1.5' })
    expect(fake.lines()).toEqual([
      'HEAD /c/a?format=json&version-id=1.5',
      'GET /c/a?format=json&version-id=1.5',
    ])
  })

  it('fails with what the sink fails with', async () => {
    const fake = createSwiftFake()
    fake.put('c/a', contentOf(MEBIBYTE))
    const sink = new Writable({
      write(_chunk, _encoding, callback) {
        callback(new Error('disk full'))
      },
    })
    expect(String(await failureOf(download(fake, sink)))).toContain('disk full')
  })

  it('ends its requests when it is left, and leaves what it has for the next attempt', async () => {
    const fake = createSwiftFake()
    fake.put('c/a', 'content')
    let asked = 0
    let ended = 0
    fake.interfere = ({ method }) => {
      if (method !== 'GET') return undefined
      return new Observable(() => {
        asked += 1
        return () => {
          ended += 1
        }
      })
    }
    const errors: unknown[] = []
    const subscription = downloadFromSwift(fake.transfers, 'c/a', path('file')).subscribe({
      error: (error: unknown) => errors.push(error),
    })
    await vi.waitFor(() => {
      expect(asked).toBe(1)
    })
    subscription.unsubscribe()
    expect([ended, errors]).toEqual([1, []])
    expect(existsSync(path('file.part'))).toBe(true)
  })

  it('goes into memory, and no further than it may', async () => {
    const fake = createSwiftFake()
    fake.put('c/a', 'content')
    const sink = memorySink()
    await download(fake, sink)
    expect(Buffer.from(sink.bytes).toString()).toBe('content')
    expect(String(await failureOf(download(fake, memorySink({ limit: 3 }))))).toContain('the limit is 3')
  })
})

describe('download of a static large object', () => {
  const parts = ['abcd', 'efgh', 'ijkl', 'mn']

  it('fetches as many spans as it may at a time, with one request each', async () => {
    const fake = createSwiftFake()
    fake.putSegments('c/a', parts)
    const events = await download(fake, path('file'), { concurrency: 2 })
    expect(readFileSync(path('file'), 'utf8')).toBe(parts.join(''))
    expect(ranges(fake).sort()).toEqual(['bytes=0-7', 'bytes=8-13'])
    const tag = `"${md5(parts.map(md5).join(''))}"`
    const gets = fake.requests.filter(({ sink }) => sink !== undefined)
    expect(gets.every(({ headers }) => headers['if-match'] === tag)).toBe(true)
    expect(events[0]).toMatchObject({
      totalBytes: 14,
      totalParts: 4,
      checkpoint: { direction: 'download', blockSize: 4, hashes: parts.map(md5) },
    })
    expect(done(events)).toMatchObject({ bytes: 14, unverifiedBytes: 0 })
    expect(done(events).result).toMatchObject({ bytes: 14, etag: tag })
  })

  it('fetches many pieces through few buffers', async () => {
    const fake = createSwiftFake()
    const content = contentOf(9 * MEBIBYTE)
    const cuts = [0, 100, 2_500_000, 2_500_001, 7_000_000, content.length]
    fake.putSegments(
      'c/a',
      cuts.slice(1).map((end, index) => content.subarray(cuts[index], end)),
    )
    const events = await download(fake, path('file'), { concurrency: 2 })
    expect(readFileSync(path('file')).equals(content)).toBe(true)
    expect(bytesFell(events)).toBe(false)
  })

  it('fetches a damaged segment again, and nothing else', async () => {
    const fake = createSwiftFake()
    fake.putSegments('c/a', parts)
    let left = 1
    fake.interfere = ({ sink }, _turn, usual) =>
      sink !== undefined && (left -= 1) >= 0
        ? usual().then((answer) => ({ ...answer, body: Buffer.from('abcdEFGHijklmn') }))
        : undefined
    const events = await download(fake, path('file'), { concurrency: 1 })
    expect(readFileSync(path('file'), 'utf8')).toBe(parts.join(''))
    expect(ranges(fake)).toEqual(['all', 'bytes=4-7'])
    expect(kinds(events, 'retrying')).toMatchObject([{ part: 1 }])
    expect(done(events)).toMatchObject({ bytes: 14 })
  })

  it('goes on in the middle of a span that was cut off', async () => {
    const fake = createSwiftFake()
    fake.putSegments('c/a', parts)
    let left = 1
    fake.interfere = ({ sink }, _turn, usual) =>
      sink !== undefined && (left -= 1) >= 0
        ? usual().then((answer) => ({ ...answer, cutAfter: 6 }))
        : undefined
    await download(fake, path('file'), { concurrency: 1 })
    expect(readFileSync(path('file'), 'utf8')).toBe(parts.join(''))
    expect(ranges(fake)).toEqual(['all', 'all', 'bytes=6-13'])
  })

  it('keeps what is right of what is there, wherever it is', async () => {
    const fake = createSwiftFake()
    fake.putSegments('c/a', parts)
    writeFileSync(path('file.part'), 'abcdXXXXijklmn and more')
    const events = await download(fake, path('file'))
    expect(readFileSync(path('file'), 'utf8')).toBe(parts.join(''))
    expect(ranges(fake)).toEqual(['bytes=4-7'])
    expect(done(events)).toMatchObject({ bytes: 14, reusedBytes: 10 })
  })

  it('keeps what still fits when the object is replaced meanwhile', async () => {
    const fake = createSwiftFake()
    fake.putSegments('c/a', parts)
    let gets = 0
    fake.interfere = ({ sink }, _turn, usual) => {
      if (sink === undefined || (gets += 1) !== 1) return undefined
      return usual().then((answer) => {
        fake.putSegments('c/a', ['abcd', 'efgh', 'IJKL', 'MNO'])
        return { ...answer, cutAfter: 10 }
      })
    }
    const events = await download(fake, path('file'), { concurrency: 1 })
    expect(readFileSync(path('file'), 'utf8')).toBe('abcdefghIJKLMNO')
    expect(kinds(events, 'planned')).toHaveLength(2)
    expect(ranges(fake).at(-1)).toBe('bytes=8-14')
    // What is kept came over the wire in this very transfer.
    expect(done(events)).toMatchObject({ bytes: 15, reusedBytes: 0 })
  })

  it('fails where the server cannot put it together', async () => {
    const fake = createSwiftFake()
    fake.putSegments('c/a', parts)
    fake.interfere = ({ sink }) => (sink === undefined ? undefined : { status: 409 })
    expect(await failureOf(download(fake, path('file')))).toMatchObject({
      code: 'SKY_TRANSFER',
      cause: { status: 409 },
    })
  })

  it('tells what it cannot prove: ranges and segments that are large objects themselves', async () => {
    const fake = createSwiftFake()
    fake.putSegments('c/inner', ['12', '34'])
    fake.put('parts/x', 'abcdef')
    const segments = [
      { path: '/c/inner' },
      { path: '/parts/x', range: '1-3' },
      { data: Buffer.from('hello').toString('base64') },
    ]
    fake.objects.set('c/a', { content: Buffer.from(JSON.stringify(segments)), headers: {}, segments })
    const events = await download(fake, path('file'), { concurrency: 1 })
    expect(readFileSync(path('file'), 'utf8')).toBe('1234bcdhello')
    expect(kinds(events, 'unverified')).toEqual([
      { kind: 'unverified', part: 0, bytes: 4 },
      { kind: 'unverified', part: 1, bytes: 3 },
    ])
    expect(done(events)).toMatchObject({ unverifiedBytes: 7 })
  })
})

describe('download of a dynamic large object', () => {
  it('fetches its segments one by one, each held fast by its hash', async () => {
    const fake = createSwiftFake()
    fake.put('parts/a/1', 'abcd')
    fake.put('parts/a/2', '')
    fake.put('parts/a/3', 'ef')
    fake.put('c/a', '', { 'x-object-manifest': 'parts/a/' })
    const events = await download(fake, path('file'))
    expect(readFileSync(path('file'), 'utf8')).toBe('abcdef')
    expect(fake.lines('GET')).toEqual([
      'GET /parts?format=json&limit=10000&prefix=a%2F',
      'GET /parts/a/1?format=json',
      'GET /parts/a/3?format=json',
    ])
    const gets = fake.requests.filter(({ sink }) => sink !== undefined)
    expect(gets.map(({ headers }) => headers['if-match'])).toEqual([`"${md5('abcd')}"`, `"${md5('ef')}"`])
    expect(done(events)).toMatchObject({ bytes: 6, unverifiedBytes: 0 })
    expect(done(events).result).toMatchObject({ bytes: 6, manifest: 'parts/a/' })
  })
})

describe('download into a stream', () => {
  function collector(): { readonly stream: Writable; text(): string } {
    const pieces: Buffer[] = []
    const stream = new Writable({
      write(chunk: Buffer, _encoding, callback) {
        pieces.push(chunk)
        setImmediate(callback)
      },
    })
    return { stream, text: () => Buffer.concat(pieces).toString('latin1') }
  }

  it('gives the bytes in their order', async () => {
    const fake = createSwiftFake()
    const content = contentOf(5 * MEBIBYTE)
    fake.putSegments('c/a', [content.subarray(0, 1_500_000), content.subarray(1_500_000)])
    const { stream, text } = collector()
    const events = await download(fake, stream)
    expect(text() === content.toString('latin1')).toBe(true)
    expect(events[0]).not.toHaveProperty('checkpoint')
    expect(ranges(fake)).toEqual(['all'])
  })

  it('cannot take back what was wrong, or of an object that was replaced', async () => {
    const fake = createSwiftFake()
    fake.putSegments('c/a', ['abcd', 'efgh'])
    fake.interfere = ({ sink }, _turn, usual) =>
      sink === undefined
        ? undefined
        : usual().then((answer) => ({ ...answer, body: Buffer.from('abcdEFGH') }))
    expect(await failureOf(download(fake, collector().stream))).toMatchObject({ part: 1 })

    let gets = 0
    fake.interfere = ({ sink }, _turn, usual) => {
      if (sink === undefined) return undefined
      gets += 1
      return gets === 1 ? usual().then((answer) => ({ ...answer, cutAfter: 5 })) : { status: 412 }
    }
    expect(String(await failureOf(download(fake, collector().stream)))).toContain('cannot be taken back')
  })
})

describe('runsOf', () => {
  const place = { name: { container: 'c', object: 'a' }, version: undefined, etag: undefined, start: 0 }
  const partsAt = (...offsets: readonly number[]) =>
    offsets.map((offset, index) => ({ index, offset, length: 10, md5: undefined, place }))
  const lengths = (offsets: readonly number[], concurrency: number) =>
    runsOf(partsAt(...offsets), concurrency).map(({ parts }) => parts.length)

  it('makes runs of about the same size of what lies together', () => {
    expect(lengths([0, 10, 20, 30], 4)).toEqual([1, 1, 1, 1])
    expect(lengths([0, 10, 20, 30, 40], 2)).toEqual([3, 2])
    expect(lengths([0, 10, 20], 4)).toEqual([1, 1, 1])
    expect(lengths([0, 20, 30], 1)).toEqual([1, 2])
    expect(lengths([], 3)).toEqual([])
  })
})
