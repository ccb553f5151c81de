import { readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { lastValueFrom, merge, Observable, toArray } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import type { ObjectInfo } from '../../../src/clients/synnefo/storage/schemas.js'
import { uploadToSwift, type SwiftUploadOptions } from '../../../src/clients/synnefo/swift/upload/upload.js'
import {
  ConflictError,
  isHttpError,
  NetworkError,
  NotFoundError,
  TransferError,
} from '../../../src/errors.js'
import { memoryCheckpoint } from '../../../src/streams/checkpoints.js'
import type { TransferEvent } from '../../../src/streams/events.js'
import type { SourceInput } from '../../../src/streams/sources.js'
import { useFolder } from '../../streams/folder.js'
import { createSwiftFake, md5, type SwiftFake } from './swift-fake.js'

const path = useFolder()

type Events = readonly TransferEvent<ObjectInfo>[]

function run(events: Observable<TransferEvent<ObjectInfo>>): Promise<Events> {
  return lastValueFrom(events.pipe(toArray()))
}
function upload(
  fake: SwiftFake,
  source: SourceInput,
  options: SwiftUploadOptions = {},
  target = 'c/a',
): Promise<Events> {
  return run(uploadToSwift(fake.transfers, source, target, options))
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
function segments(fake: SwiftFake, container = 'c_segments'): string[] {
  return [...fake.objects.keys()]
    .filter((key) => key.startsWith(`${container}/`))
    .map((key) => key.slice(container.length + 1))
    .sort()
}
const key = (content: string): string => `${md5(content)}-${content.length}`
const cut = (): NetworkError => new NetworkError('cut', { retryable: true })
const MEBIBYTE = 2 ** 20

describe('upload of what fits into a segment', () => {
  it.each([
    ['nothing', ''],
    ['one byte', 'x'],
    ['64 KiB', 'x'.repeat(65_536)],
  ])('sends %s with one request', async (_name, content) => {
    const fake = createSwiftFake()
    const events = await upload(fake, Buffer.from(content))
    expect(fake.lines()).toEqual(['PUT /c/a?format=json'])
    expect(fake.requests[0]?.headers).toMatchObject({ etag: md5(content) })
    expect(fake.read('c/a')).toBe(content)
    expect(events[0]).toMatchObject({ kind: 'planned', totalBytes: content.length })
    expect(done(events)).toMatchObject({ bytes: content.length, reusedBytes: 0 })
    expect(done(events).result).toMatchObject({
      container: 'c',
      name: 'a',
      bytes: content.length,
      contentType: 'application/octet-stream',
      etag: md5(content),
      lastModified: 'now',
    })
  })

  it('keeps type, metadata, encoding and disposition', async () => {
    const fake = createSwiftFake()
    const options = {
      contentType: 'text/plain',
      metadata: { Colour: 'blue' },
      contentEncoding: 'gzip',
      contentDisposition: 'attachment',
      headers: { 'X-Mine': 'yes' },
    }
    const events = await upload(fake, Buffer.from('x'), options)
    expect(fake.requests[0]?.headers).toMatchObject({
      'content-type': 'text/plain',
      'x-object-meta-colour': 'blue',
      'content-encoding': 'gzip',
      'content-disposition': 'attachment',
      'x-mine': 'yes',
    })
    expect(done(events).result).toMatchObject({ contentType: 'text/plain', metadata: { colour: 'blue' } })
  })

  it('sends nothing of what is there already, and all if the options would change it', async () => {
    const fake = createSwiftFake()
    const content = Buffer.alloc(70_000, 'x')
    await upload(fake, content)
    const again = await upload(fake, content)
    expect(fake.lines()).toEqual(['HEAD /c/a?format=json', 'PUT /c/a?format=json', 'HEAD /c/a?format=json'])
    expect(done(again)).toMatchObject({ bytes: 70_000, reusedBytes: 70_000 })
    expect(done(again).result).toMatchObject({ name: 'a', bytes: 70_000, etag: md5(content) })
    await upload(fake, content, { contentType: 'text/plain' })
    expect(fake.lines('PUT')).toHaveLength(2)
  })

  it('reads what is too large for memory twice, and sends it with its length', async () => {
    const fake = createSwiftFake()
    const content = Buffer.alloc(17 * MEBIBYTE + 5, 'abc')
    writeFileSync(path('large'), content)
    await upload(fake, path('large'))
    const put = fake.requests.find(({ method }) => method === 'PUT')
    expect(put?.headers).toMatchObject({ 'content-length': String(content.length), etag: md5(content) })
    expect(md5(fake.objects.get('c/a')?.content ?? '')).toBe(md5(content))
  })

  it('sends again what arrived damaged, three times in all', async () => {
    const fake = createSwiftFake()
    fake.interfere = (_request, turn) => (turn < 3 ? { status: 422 } : undefined)
    const events = await upload(fake, Buffer.from('x'))
    expect(events.filter(({ kind }) => kind === 'retrying')).toHaveLength(2)
    expect(fake.read('c/a')).toBe('x')

    fake.interfere = () => ({ status: 422 })
    const failure = await failureOf(upload(fake, Buffer.from('y')))
    expect(failure).toBeInstanceOf(TransferError)
    expect((failure as TransferError).cause).toMatchObject({ status: 422 })
    expect(fake.requests).toHaveLength(6)
  })

  it('notices that a large source changed after it was hashed', async () => {
    const fake = createSwiftFake()
    writeFileSync(path('large'), Buffer.alloc(17 * MEBIBYTE, 'a'))
    fake.interfere = ({ method }) => {
      if (method === 'PUT') writeFileSync(path('large'), Buffer.alloc(17 * MEBIBYTE, 'b'))
      return undefined
    }
    const failure = await failureOf(upload(fake, path('large')))
    expect(String(failure)).toContain('the source has changed')
    expect(fake.objects.has('c/a')).toBe(false)
  })

  it('takes a refused condition for the echo of its own success, and only then', async () => {
    const fake = createSwiftFake()
    fake.interfere = ({ method }, turn, usual) => {
      if (method !== 'PUT' || turn > 1) return undefined
      return usual().then(() => Promise.reject(cut()))
    }
    const events = await upload(fake, Buffer.from('x'), { ifNoneMatch: '*' })
    expect(done(events).result).toMatchObject({ bytes: 1 })
    expect(await failureOf(upload(fake, Buffer.from('x'), { ifNoneMatch: '*' }))).toBeInstanceOf(
      ConflictError,
    )
  })

  it('looks at ifMatch itself, because the server does not', async () => {
    const fake = createSwiftFake()
    fake.put('c/a', 'old')
    expect(await failureOf(upload(fake, Buffer.from('x'), { ifMatch: md5('other') }))).toMatchObject({
      status: 412,
    })
    expect(fake.read('c/a')).toBe('old')
    await upload(fake, Buffer.from('x'), { ifMatch: md5('old') })
    expect(fake.read('c/a')).toBe('x')
  })

  it('removes the segments of the object that it replaces', async () => {
    const fake = createSwiftFake()
    await upload(fake, Buffer.alloc(100_000, 'ab'), { segmentSize: 65_536 })
    expect(segments(fake)).toHaveLength(2)
    await upload(fake, Buffer.alloc(70_000, 'x'))
    expect(segments(fake)).toEqual([])
  })

  it('says at once what is wrong', () => {
    const { transfers } = createSwiftFake()
    const wrong =
      (options: SwiftUploadOptions, source: SourceInput = Buffer.of()) =>
      () =>
        uploadToSwift(transfers, source, 'c/a', options)
    expect(wrong({ segmentSize: 0 })).toThrow('options.segmentSize')
    expect(wrong({ segmentContainer: 'c' })).toThrow('options.segmentContainer')
    expect(wrong({ segmentContainer: 'a/b' })).toThrow('options.segmentContainer')
    expect(wrong({ ifNoneMatch: 'abc' })).toThrow('options.ifNoneMatch')
    expect(wrong({ public: true })).toThrow('options.public')
    expect(wrong({ sharing: {} })).toThrow('options.sharing')
    expect(wrong({ contentType: 'grün' })).toThrow('options.contentType')
    expect(wrong({ checkpoint: memoryCheckpoint() }, Readable.from([]))).toThrow('options.checkpoint')
  })

  it.each([
    [404, NotFoundError],
    [403, Error],
    [413, Error],
  ])('passes a refusal of the whole: %s', async (status, type) => {
    const fake = createSwiftFake()
    fake.interfere = () => ({ status })
    const failure = await failureOf(upload(fake, Buffer.from('abcdef'), { segmentSize: 4 }))
    expect(failure).toBeInstanceOf(type)
    expect(isHttpError(failure, status)).toBe(true)
  })
})

describe('upload in segments', () => {
  const four = { segmentSize: 4 }

  it('sends each content once, below the name of the object, and puts them together', async () => {
    const fake = createSwiftFake()
    const events = await upload(fake, Buffer.from('abcdefghabcdij'), four, 'c/a b//ü/../x')
    expect(fake.read('c/a b//ü/../x')).toBe('abcdefghabcdij')
    expect(segments(fake)).toEqual(['abcd', 'efgh', 'ij'].map((part) => `a b//ü/../x/${key(part)}`).sort())
    expect(events[0]).toMatchObject({
      kind: 'planned',
      totalBytes: 14,
      totalParts: 4,
      checkpoint: { direction: 'upload', object: 'c/a b//ü/../x', size: 14, blockSize: 4, blockHash: 'md5' },
    })
    expect(events.findLast((event) => event.kind === 'progress')).toMatchObject({ bytes: 14, parts: 4 })
    expect(done(events)).toMatchObject({ bytes: 14, reusedBytes: 4 })
    const tag = md5(['abcd', 'efgh', 'abcd', 'ij'].map(md5).join(''))
    expect(done(events).result).toMatchObject({ bytes: 14, etag: `"${tag}"`, lastModified: 'now' })
    const manifest = fake.requests.find(({ path: sent }) => sent.includes('multipart-manifest=put'))
    expect(manifest?.headers).toMatchObject({ etag: tag })
  })

  it('makes the container of the segments with the policy of the other one', async () => {
    const fake = createSwiftFake()
    await upload(fake, Buffer.from('abcdef'), { ...four, segmentContainer: 'elsewhere' })
    expect(fake.containers.get('elsewhere')).toMatchObject({ 'x-storage-policy': 'gold' })
    expect(segments(fake, 'elsewhere')).toHaveLength(2)
  })

  it('cuts exact multiples into full segments only', async () => {
    const fake = createSwiftFake()
    const events = await upload(fake, Buffer.from('abcdefgh'), four)
    expect(events[0]).toMatchObject({ totalParts: 2 })
    expect(segments(fake)).toHaveLength(2)
  })

  it('sends only what is not there, and removes what is needed no more', async () => {
    const fake = createSwiftFake()
    await upload(fake, Buffer.from('abcdefgh'), four)
    fake.put('c_segments/a/sub/0123-4', 'of the object a/sub')
    fake.put(`c_segments/a/${md5('dead')}-4`, 'gone')
    const before = fake.requests.length
    const events = await upload(fake, Buffer.from('abcdEFGH'), four)
    expect(fake.requests.slice(before).map(({ method, path: sent }) => `${method} ${sent}`)).toEqual([
      'GET /{account}/c_segments?format=json&limit=10000&prefix=a%2F&delimiter=%2F',
      `PUT /{account}/c_segments/a/${key('EFGH')}?format=json`,
      'PUT /{account}/c/a?format=json&multipart-manifest=put',
      'HEAD /{account}/c?format=json',
      'POST /{account}?format=json&bulk-delete',
    ])
    expect(done(events)).toMatchObject({ bytes: 8, reusedBytes: 4 })
    expect(fake.read('c/a')).toBe('abcdEFGH')
    expect(segments(fake)).toEqual(
      [`a/${key('abcd')}`, `a/${key('EFGH')}`, `a/${md5('dead')}-4`, 'a/sub/0123-4'].sort(),
    )
  })

  it('sends and removes nothing when nothing has changed', async () => {
    const fake = createSwiftFake()
    await upload(fake, Buffer.from('abcdefgh'), four)
    const before = fake.requests.length
    const events = await upload(fake, Buffer.from('abcdefgh'), four)
    expect(fake.requests.slice(before).map(({ method }) => method)).toEqual(['GET', 'PUT'])
    expect(done(events)).toMatchObject({ reusedBytes: 8 })
    expect(fake.read('c/a')).toBe('abcdefgh')
  })

  it('removes one by one where there is no bulk delete; a failure there is not that of the upload', async () => {
    const fake = createSwiftFake()
    fake.info = { slo: {} }
    await upload(fake, Buffer.from('abcdefgh'), four)
    fake.interfere = ({ method }, turn) => (method === 'DELETE' && turn === 1 ? { status: 403 } : undefined)
    await upload(fake, Buffer.from('ABCDEFGH'), four)
    expect(fake.lines('DELETE')).toHaveLength(2)
    expect(segments(fake)).toHaveLength(3)
    expect(fake.read('c/a')).toBe('ABCDEFGH')
  })

  it.each([
    ['the caller wants them', {}, { leaveSegments: true }],
    ['old versions may need them', { 'x-versions-enabled': 'False' }, {}],
  ])('leaves old segments where %s', async (_name, headers, options) => {
    const fake = createSwiftFake()
    fake.containers.set('c', headers)
    await upload(fake, Buffer.from('abcdefgh'), four)
    await upload(fake, Buffer.from('ABCDEFGH'), { ...four, ...options })
    expect(segments(fake)).toHaveLength(4)
  })

  it('sends again what the server has lost, as long as it gets less', async () => {
    const fake = createSwiftFake()
    fake.interfere = ({ path: sent }, turn) => {
      if (sent.includes('multipart-manifest') && turn < 5) fake.objects.delete(`c_segments/a/${key('abcd')}`)
      return undefined
    }
    await upload(fake, Buffer.from('abcdefgh'), four)
    expect(fake.read('c/a')).toBe('abcdefgh')

    fake.interfere = ({ path: sent }) => {
      if (sent.includes('multipart-manifest')) fake.objects.delete(`c_segments/a/${key('abcd')}`)
      return undefined
    }
    const failure = await failureOf(upload(fake, Buffer.from('abcdefgh'), four))
    expect(failure).toBeInstanceOf(TransferError)
    expect(String(failure)).toContain('does not find segments')
  })

  it('fails with any other refusal of the manifest', async () => {
    const fake = createSwiftFake()
    fake.interfere = ({ path: sent }) =>
      sent.includes('multipart-manifest') ? { status: 400, json: { Errors: [['/x/y', 'no']] } } : undefined
    expect(await failureOf(upload(fake, Buffer.from('abcdefgh'), four))).toMatchObject({ status: 400 })
  })

  it('makes segments larger where there would be too many, and refuses what is too large', async () => {
    const fake = createSwiftFake()
    fake.info = { slo: { max_manifest_segments: 2 } }
    const content = Buffer.alloc(2 * MEBIBYTE + 4, 'x')
    const events = await upload(fake, content, four)
    expect(events[0]).toMatchObject({ totalParts: 2, checkpoint: { blockSize: 2 * MEBIBYTE } })
    fake.info = { slo: { max_manifest_segments: 2 }, swift: { max_file_size: MEBIBYTE } }
    const other = createSwiftFake()
    other.info = fake.info
    expect(String(await failureOf(upload(other, content, four)))).toContain('more than the store takes')
  })

  it('asks once for the limits, and needs static large objects', async () => {
    const fake = createSwiftFake()
    await upload(fake, Buffer.from('abcdef'), four)
    await upload(fake, Buffer.from('abcdef'), four)
    expect(fake.lines().filter((line) => line.endsWith('/info'))).toHaveLength(1)
    const without = createSwiftFake()
    without.info = {}
    expect(String(await failureOf(upload(without, Buffer.from('abcdef'), four)))).toContain(
      'no static large objects',
    )
    const silent = createSwiftFake()
    silent.interfere = ({ path: sent }) => (sent.endsWith('/info') ? { status: 403 } : undefined)
    await upload(silent, Buffer.from('abcdef'), four)
    expect(silent.read('c/a')).toBe('abcdef')
  })

  it('finds another name for the segments of an object whose own is too long', async () => {
    const fake = createSwiftFake()
    await upload(fake, Buffer.from('abcdef'), four, `c/${'n'.repeat(1000)}`)
    expect(segments(fake).every((name) => name.length < 128)).toBe(true)
    expect(fake.read(`c/${'n'.repeat(1000)}`)).toBe('abcdef')
  })

  it('does not hash again what a checkpoint tells, nor send what is there', async () => {
    const fake = createSwiftFake()
    writeFileSync(path('file'), 'abcdefgh')
    const checkpoint = path('checkpoint')
    fake.interfere = ({ path: sent }) => (sent.includes('multipart-manifest') ? { status: 501 } : undefined)
    const failure = await failureOf(upload(fake, path('file'), { ...four, checkpoint }))
    expect(failure).toBeInstanceOf(TransferError)
    expect((failure as TransferError).checkpoint).toMatchObject({ hashes: [md5('abcd'), md5('efgh')] })
    expect(readFileSync(checkpoint, 'utf8')).toContain(md5('efgh'))

    fake.interfere = () => undefined
    // A wrong hash proves that it is not made again.
    const saved = memoryCheckpoint({
      ...JSON.parse(readFileSync(checkpoint, 'utf8')),
      hashes: [md5('abcd')],
    } as never)
    const events = await upload(fake, path('file'), { ...four, checkpoint: saved })
    expect(done(events)).toMatchObject({ reusedBytes: 8 })
    expect(await saved.load()).toBeUndefined()
  })

  it('notices by its hash that the source is not the one of the checkpoint', async () => {
    const fake = createSwiftFake()
    writeFileSync(path('file'), 'abcdefgh')
    utimesSync(path('file'), 1, 1)
    const wrong = memoryCheckpoint({
      version: 1,
      direction: 'upload',
      object: 'c/a',
      size: 8,
      mtimeMs: 1000,
      blockSize: 4,
      blockHash: 'md5',
      hashes: [md5('ABCD')],
    })
    const failure = await failureOf(upload(fake, path('file'), { ...four, checkpoint: wrong }))
    expect(String(failure)).toContain('the source has changed')
    expect(await wrong.load()).toBeUndefined()
    expect(fake.objects.has('c/a')).toBe(false)
  })

  it('puts nothing together when the source has changed while it was read', async () => {
    const fake = createSwiftFake()
    writeFileSync(path('file'), 'abcdefgh')
    fake.interfere = ({ method }) => {
      if (method === 'PUT') utimesSync(path('file'), 5, 5)
      return undefined
    }
    expect(String(await failureOf(upload(fake, path('file'), four)))).toContain('the source has changed')
    expect(fake.objects.has('c/a')).toBe(false)

    writeFileSync(path('short'), 'abcdefgh')
    fake.interfere = ({ method }) => {
      if (method === 'GET') truncateSync(path('short'), 2)
      return undefined
    }
    expect(String(await failureOf(upload(fake, path('short'), { ...four, concurrency: 1 })))).toMatch(
      /source has changed/,
    )
  })

  it('sends segments that are too large for memory', async () => {
    const fake = createSwiftFake()
    const content = Buffer.concat([Buffer.alloc(17 * MEBIBYTE, 'ab'), Buffer.alloc(3 * MEBIBYTE, 'c')])
    writeFileSync(path('large'), content)
    await upload(fake, path('large'), { segmentSize: 17 * MEBIBYTE })
    expect(segments(fake)).toHaveLength(2)
    expect(md5(fake.read('c/a'))).toBe(md5(content))
  })

  it('sends what failed on the way again, with the same body', async () => {
    const fake = createSwiftFake()
    writeFileSync(path('large'), Buffer.alloc(17 * MEBIBYTE, 'ab'))
    fake.interfere = ({ method }, turn, usual) =>
      method === 'PUT' && turn === 1 ? usual().then(() => ({ status: 503 })) : undefined
    const events = await upload(fake, path('large'))
    expect(events.filter(({ kind }) => kind === 'retrying')).toHaveLength(1)
    expect(fake.objects.get('c/a')?.content).toHaveLength(17 * MEBIBYTE)
  })

  it('tells which segment could not be sent', async () => {
    const fake = createSwiftFake()
    fake.interfere = ({ path: sent }) => (sent.includes(key('efgh')) ? { status: 503 } : undefined)
    const failure = await failureOf(upload(fake, Buffer.from('abcdefgh'), four))
    expect(failure).toBeInstanceOf(TransferError)
    expect(failure).toMatchObject({ part: 1, cloud: 'openstack', cause: { status: 503 } })
  })

  it('ends its requests when it is left, also that for what is there', async () => {
    const fake = createSwiftFake()
    const asked: string[] = []
    const ended: string[] = []
    fake.interfere = ({ path: sent, method }) => {
      if (sent.endsWith('/info')) return undefined
      return new Observable(() => {
        asked.push(method)
        return () => {
          ended.push(method)
        }
      })
    }
    const subscription = merge(
      uploadToSwift(fake.transfers, Buffer.from('x'), 'c/a'),
      uploadToSwift(fake.transfers, Buffer.from('abcdef'), 'c/b', four),
    ).subscribe({
      error: (error: unknown) => asked.push(String(error)),
    })
    await vi.waitFor(() => {
      expect(asked).toHaveLength(2)
    })
    expect(ended).toEqual([])
    subscription.unsubscribe()
    expect(ended.sort()).toEqual(['GET', 'PUT'])
  })
})

describe('upload of a stream', () => {
  const four = { segmentSize: 4 }

  it.each([
    ['nothing', '', 0],
    ['less than a segment', 'abc', 1],
    ['just a segment', 'abcd', 1],
  ])('sends %s with one request', async (_name, content, parts) => {
    const fake = createSwiftFake()
    const events = await upload(fake, Readable.from(content === '' ? [] : [Buffer.from(content)]), four)
    expect(fake.lines()).toEqual(['PUT /c/a?format=json'])
    expect(fake.read('c/a')).toBe(content)
    expect(events[0]).toMatchObject({ kind: 'planned', totalBytes: Infinity })
    expect(events.findLast((event) => event.kind === 'progress')).toMatchObject({
      bytes: content.length,
      parts,
      totalParts: parts,
    })
  })

  it.each(['abcde', 'abcdefgh', 'abcdefghabcdefghij'])('cuts %s', async (content) => {
    const fake = createSwiftFake()
    const chunks = content.match(/.{1,3}/g) ?? []
    const events = await upload(fake, Readable.from(chunks.map((chunk) => Buffer.from(chunk))), four)
    expect(fake.read('c/a')).toBe(content)
    expect(done(events)).toMatchObject({ bytes: content.length })
    expect(done(events).result).toMatchObject({ bytes: content.length })
  })

  it('refuses one of more segments than an object may have', async () => {
    const fake = createSwiftFake()
    fake.info = { slo: { max_manifest_segments: 2 } }
    const failure = await failureOf(upload(fake, Readable.from([Buffer.alloc(12)]), four))
    expect(String(failure)).toContain('options.segmentSize')
  })

  it('fails with what the stream fails with', async () => {
    const fake = createSwiftFake()
    const source = new Readable({
      read() {
        this.destroy(new Error('broken pipe'))
      },
    })
    expect(String(await failureOf(upload(fake, source, four)))).toContain('broken pipe')
  })
})
