import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { firstValueFrom, lastValueFrom, map, take, toArray, type Observable } from 'rxjs'
import { getGlobalDispatcher } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSwift, type SwiftClient, type SwiftStorage } from '../../src/clients/synnefo/swift.js'
import { putManifest } from '../../src/clients/synnefo/swift/large-object-operations.js'
import type { HttpError } from '../../src/errors.js'
import { call } from '../../src/http/api.js'

/** Who may use a store. */
export interface SwiftUser {
  readonly user: string
  readonly key: string
  readonly account: string
}

/** A store that signs in by TempAuth, and two accounts of it. */
export interface SwiftPlace extends SwiftUser {
  readonly authUrl: string
  readonly other: SwiftUser
}

const nothingElse = {
  env: {},
  home: '/none',
  folder: '/none',
  readFile: (path: string) => Promise.reject(Object.assign(new Error(path), { code: 'ENOENT' })),
}
const md5 = (content: string): string => createHash('md5').update(content).digest('hex')
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const done = <T>(source: Observable<T>): Promise<T> => lastValueFrom(source)
const all = <T>(source: Observable<T>): Promise<T[]> => lastValueFrom(source.pipe(toArray()))
const names = (source: Observable<object>): Promise<unknown[]> =>
  all(source.pipe(map((item) => ('name' in item ? item.name : 'subdir' in item ? item.subdir : undefined))))

async function failure(source: Observable<unknown>): Promise<HttpError> {
  return lastValueFrom(source, { defaultValue: undefined }).then(
    () => {
      throw new Error('it succeeded')
    },
    (error: unknown) => error as HttpError,
  )
}
const statusOf = async (source: Observable<unknown>): Promise<number> => (await failure(source)).status

/** The storage of Swift from end to end, against whatever speaks its protocol. */
export function describeSwiftStorage(place: () => SwiftPlace): void {
  let client: SwiftClient
  let another: SwiftClient
  let storage: SwiftStorage
  let other: SwiftStorage
  let containers = 0
  /** A container that no other test knows. */
  const container = async (): Promise<string> => {
    const name = `suite ${String(++containers)} ü`
    await done(storage.containers.create(name))
    return name
  }
  const read = async (target: string): Promise<string> => text((await done(storage.read(target))).bytes)

  beforeAll(() => {
    const { authUrl, user, key, other: second } = place()
    client = createSwift({ authUrl, user, key, credentialSources: nothingElse })
    another = createSwift({ authUrl, user: second.user, key: second.key, credentialSources: nothingElse })
    storage = client.storage
    other = another.storage
  })
  afterAll(() => {
    client.close()
    another.close()
  })

  describe('an account', () => {
    it('keeps metadata until it is removed or replaced', async () => {
      await done(other.account.update({ metadata: { 'my_Key grün': 'ä~100%', old: 'x', more: 'y' } }))
      const { metadata } = await done(other.account.get())
      expect(metadata).toMatchObject({ 'my-key grün': 'ä~100%', old: 'x', more: 'y' })

      await done(other.account.update({ metadata: { old: null } }))
      expect((await done(other.account.get())).metadata).not.toHaveProperty('old')

      await done(other.account.update({ metadata: { MORE: 'z' } }, { replace: true }))
      expect((await done(other.account.get())).metadata).toEqual({ more: 'z' })
    })

    it('says what it holds, and names the containers page by page', async () => {
      for (const name of ['page-a', 'page-b', 'page-c']) await done(storage.containers.create(name))
      expect(await names(storage.containers.list({ prefix: 'page-', limit: 1 }))).toEqual([
        'page-a',
        'page-b',
        'page-c',
      ])
      expect(await names(storage.containers.list({ prefix: 'page-', marker: 'page-a' }))).toEqual([
        'page-b',
        'page-c',
      ])
      expect((await done(storage.account.get())).bytes).toEqual(expect.any(Number))
    })

    it('says what the store can', async () => {
      const features = await done(storage.features())
      expect(features).toMatchObject({
        swift: {},
        slo: {},
        bulk_delete: {},
        object_versioning: {},
        tempurl: {},
      })
    })
  })

  describe('a container', () => {
    it('is created once, and removed when it is empty', async () => {
      expect(await done(storage.containers.create('once'))).toEqual({ created: true })
      expect(await done(storage.containers.create('once'))).toEqual({ created: false })
      await done(storage.write('once/a', ''))
      expect(await statusOf(storage.containers.remove('once'))).toBe(409)
      await done(storage.remove('once/a'))
      await done(storage.containers.remove('once'))
      expect(await statusOf(storage.containers.get('once'))).toBe(404)
    })

    it('keeps its settings, and goes back to what the server does by itself', async () => {
      await done(
        storage.containers.create('settings', {
          quota: 4,
          versioning: 'auto',
          read: ['.r:*', '.rlistings'],
          write: [place().other.user],
          metadata: { Colour: 'grün', size: '1' },
        }),
      )
      expect(await done(storage.containers.get('settings'))).toMatchObject({
        count: 0,
        bytes: 0,
        quota: 4,
        versioning: 'auto',
        read: ['.r:*', '.rlistings'],
        write: [place().other.user],
        metadata: { colour: 'grün', size: '1' },
      })
      expect(await statusOf(storage.write('settings/large', '12345'))).toBe(413)

      await done(
        storage.containers.update(
          'settings',
          { quota: 0, versioning: 'none', read: null, write: [], metadata: { New: 'n' } },
          { replace: true },
        ),
      )
      const changed = await done(storage.containers.get('settings'))
      expect(changed).toMatchObject({
        quota: undefined,
        versioning: 'none',
        read: [],
        write: [],
        metadata: { new: 'n' },
      })
      expect(Object.keys(changed.metadata)).toEqual(['new'])
    })

    it('lets others in', async () => {
      const { account, other: second } = place()
      await done(storage.containers.create('shared', { read: [second.user], write: [second.user] }))
      await done(other.write({ account, container: 'shared', object: 'theirs' }, 'from the other'))
      expect(await read('shared/theirs')).toBe('from the other')
      expect(await names(other.list({ account, container: 'shared' }))).toEqual(['theirs'])

      await done(storage.containers.update('shared', { read: null, write: null }))
      expect(await statusOf(other.info({ account, container: 'shared', object: 'theirs' }))).toBe(403)
    })
  })

  describe('a listing', () => {
    it('cuts at a delimiter, and pages without end or repetition', async () => {
      const at = await container()
      const objects = ['a', 'b/1', 'b/2', `b/\u{10ffff}x`, 'c/1', 'd']
      for (const name of objects) await done(storage.write(`${at}/${name}`, name))
      for (const limit of [1, 2, 10]) {
        expect(await names(storage.list(at, { limit }))).toEqual(objects)
        expect(await names(storage.list(at, { delimiter: '/', limit }))).toEqual(['a', 'b/', 'c/', 'd'])
        expect(await names(storage.list(at, { prefix: 'b/', delimiter: '/', limit }))).toEqual(
          objects.slice(1, 4),
        )
        expect(await names(storage.list(at, { path: 'b', limit }))).toEqual(objects.slice(1, 4))
      }
      expect(await names(storage.list(at, { marker: 'b/2' }).pipe(take(2)))).toEqual(objects.slice(3, 5))
    })

    it('tells what is known of objects', async () => {
      const at = await container()
      await done(storage.write(`${at}/x.xml`, 'hello', { contentType: 'text/plain' }))
      expect(await all(storage.list(at))).toEqual([
        {
          name: 'x.xml',
          bytes: 5,
          hash: md5('hello'),
          content_type: 'text/plain',
          // Without a zone.
          last_modified: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/) as string,
        },
      ])
    })
  })

  describe('an object', () => {
    it.each(['plain', '//a//../.b/', 'α β/%41?&#~', 'x.xml', '\'"<>|:*()!'])(
      'may be called %s',
      async (name) => {
        const at = await container()
        const target = { container: at, object: name }
        await done(storage.write(target, name))
        expect(text((await done(storage.read(target))).bytes)).toBe(name)
        expect(await names(storage.list(at))).toEqual([name])
        await done(storage.remove(target))
        expect(await statusOf(storage.info(target))).toBe(404)
      },
    )

    it('is written from text, bytes, a Blob and a stream', async () => {
      const at = await container()
      const contents = ['text', Buffer.from('bytes'), new Blob(['blob']), new Blob(['stream']).stream()]
      for (const content of contents) await done(storage.write(`${at}/all`, content))
      expect(await read(`${at}/all`)).toBe('stream')
      const { etag } = await done(storage.write(`${at}/all`, 'text'))
      expect(etag).toBe(md5('text'))
    })

    it('keeps what is told of it', async () => {
      const at = await container()
      const contentDisposition = `attachment; filename="ü 100%.txt"; filename*=UTF-8''%C3%BC`
      await done(
        storage.write(`${at}/kept`, 'hello', {
          contentType: 'text/plain',
          contentEncoding: 'identity',
          contentDisposition,
          metadata: { Grün_A: '~ ä%41 ', empty: '' },
        }),
      )
      expect(await done(storage.info(`${at}/kept`))).toMatchObject({
        container: at,
        name: 'kept',
        bytes: 5,
        etag: md5('hello'),
        contentType: 'text/plain',
        contentEncoding: 'identity',
        contentDisposition,
        metadata: { 'grün-a': '~ ä%41 ', empty: '' },
        isStatic: false,
        deleteAt: undefined,
      })
    })

    it('is read in parts, cut off at its end', async () => {
      const at = await container()
      await done(storage.write(`${at}/parts`, 'hello'))
      const part = (range: { offset: number; length?: number } | { last: number }) =>
        done(storage.read(`${at}/parts`, { range }).pipe(map(({ bytes, offset }) => [offset, text(bytes)])))
      expect(await part({ offset: 1, length: 2 })).toEqual([1, 'el'])
      expect(await part({ offset: 3, length: 100 })).toEqual([3, 'lo'])
      expect(await part({ last: 100 })).toEqual([0, 'hello'])
      expect(await statusOf(storage.read(`${at}/parts`, { range: { offset: 5 } }))).toBe(416)

      const { info, parts } = await done(
        storage.readRanges(`${at}/parts`, [{ offset: 0, length: 1 }, { last: 2 }]),
      )
      expect(info.bytes).toBe(5)
      expect(parts.map(({ offset, bytes }) => [offset, text(bytes)])).toEqual([
        [0, 'h'],
        [3, 'lo'],
      ])
      expect(await failure(storage.read(`${at}/parts`, { limit: 4 }))).toMatchObject({
        code: 'SKY_RESPONSE_FORMAT',
      })
    })

    it('is read and written on conditions', async () => {
      const at = await container()
      const target = `${at}/conditions`
      await done(storage.write(target, 'one', { ifNoneMatch: '*' }))
      expect(await statusOf(storage.write(target, 'two', { ifNoneMatch: '*' }))).toBe(412)
      expect(await statusOf(storage.write(target, 'two', { ifMatch: md5('two') }))).toBe(412)
      await done(storage.write(target, 'two', { ifMatch: md5('one') }))
      expect(await read(target)).toBe('two')
      expect(await statusOf(storage.read(target, { ifNoneMatch: md5('two') }))).toBe(304)
      expect(await statusOf(storage.info(target, { ifMatch: md5('one') }))).toBe(412)
      expect(await statusOf(storage.update(target, { metadata: { a: 'b' } }, { ifMatch: md5('one') }))).toBe(
        412,
      )
      const past = new Date('2020-01-01T00:00:00Z')
      expect(await statusOf(storage.read(target, { ifUnmodifiedSince: past }))).toBe(412)
    })

    it('changes only where it is told to', async () => {
      const at = await container()
      const target = `${at}/changes`
      await done(
        storage.write(target, 'x', {
          contentType: 'text/plain',
          contentEncoding: 'identity',
          contentDisposition: 'inline; filename="ü"',
          deleteAfter: 100_000,
          metadata: { stays: 'ä~', my_old: '1', empty: '' },
        }),
      )
      const { deleteAt } = await done(storage.info(target))
      await done(storage.update(target, { metadata: { New: 'n', 'my-old': null } }))
      expect(await done(storage.info(target))).toMatchObject({
        contentType: 'text/plain',
        contentEncoding: 'identity',
        contentDisposition: 'inline; filename="ü"',
        deleteAt,
        metadata: { stays: 'ä~', new: 'n', empty: '' },
      })

      const changes = { contentType: 'text/html', contentEncoding: null, contentDisposition: 'attachment' }
      await done(
        storage.update(target, { ...changes, deleteAt: null, metadata: { only: 'this' } }, { replace: true }),
      )
      const changed = await done(storage.info(target))
      expect(changed).toMatchObject({
        contentType: 'text/html',
        contentEncoding: undefined,
        contentDisposition: 'attachment',
        deleteAt: undefined,
      })
      expect(changed.metadata).toEqual({ only: 'this' })
    })

    it('goes by itself', async () => {
      const at = await container()
      const later = new Date('2096-01-02T03:04:05.600Z')
      await done(storage.write(`${at}/later`, '', { deleteAt: later }))
      expect((await done(storage.info(`${at}/later`))).deleteAt).toEqual(new Date('2096-01-02T03:04:06Z'))
      await done(storage.update(`${at}/later`, { deleteAfter: 1000 }))
      const { deleteAt } = await done(storage.info(`${at}/later`))
      expect(deleteAt?.getTime()).toBeLessThan(later.getTime())
      expect(await statusOf(storage.write(`${at}/past`, '', { deleteAt: new Date(1000) }))).toBe(400)
    })

    it('may stand for a directory', async () => {
      const at = await container()
      await done(storage.createDirectory(`${at}/directory`))
      expect(await done(storage.info(`${at}/directory`))).toMatchObject({
        bytes: 0,
        contentType: 'application/directory',
      })
    })
  })

  describe('a copy', () => {
    it('takes along what is kept with the source, or not', async () => {
      const at = await container()
      const old = { contentType: 'text/plain', contentDisposition: 'inline', metadata: { a: '1', b: '2' } }
      await done(storage.write(`${at}/from ü`, 'content', old))
      await done(storage.copy(`${at}/from ü`, `${at}/to//x`, { metadata: { b: '3', c: '4' } }))
      expect(await done(storage.info(`${at}/to//x`))).toMatchObject({
        bytes: 7,
        contentType: 'text/plain',
        contentDisposition: 'inline',
        metadata: { a: '1', b: '3', c: '4' },
      })
      await done(
        storage.copy(`${at}/from ü`, `${at}/fresh`, {
          freshMetadata: true,
          contentType: 'text/html',
          metadata: { c: '4' },
        }),
      )
      const fresh = await done(storage.info(`${at}/fresh`))
      expect([fresh.contentType, fresh.contentDisposition, fresh.metadata]).toEqual([
        'text/html',
        undefined,
        { c: '4' },
      ])
    })

    it('is made on conditions of its source and of its destination', async () => {
      const at = await container()
      await done(storage.write(`${at}/a`, 'a'))
      await done(storage.write(`${at}/b`, 'b'))
      const copy = (options: object) => storage.copy(`${at}/a`, `${at}/b`, options)
      expect(await statusOf(copy({ sourceIfMatch: md5('x') }))).toBe(412)
      expect(await statusOf(copy({ sourceIfNoneMatch: md5('a') }))).toBe(304)
      expect(await statusOf(copy({ ifMatch: md5('x') }))).toBe(412)
      expect(await read(`${at}/b`)).toBe('b')
      await done(copy({ sourceIfMatch: md5('a'), ifMatch: md5('b') }))
      expect(await read(`${at}/b`)).toBe('a')
    })

    it('goes from account to account, either way', async () => {
      const { account, other: second } = place()
      await done(storage.containers.create('ours', { read: [second.user], write: [second.user] }))
      await done(other.containers.create('theirs'))
      await done(other.write('theirs/a', 'of the other'))
      const ours = (object: string) => ({ account, container: 'ours', object })
      await done(other.copy('theirs/a', ours('pushed')))
      expect(await read('ours/pushed')).toBe('of the other')
      await done(other.copy(ours('pushed'), 'theirs/pulled'))
      expect(text((await done(other.read('theirs/pulled'))).bytes)).toBe('of the other')
      await done(other.move(ours('pushed'), { ...ours('moved') }))
      expect(await names(storage.list('ours'))).toEqual(['moved'])
    })

    it('is what a move leaves', async () => {
      const at = await container()
      await done(storage.write(`${at}/a`, 'content', { metadata: { k: 'v' } }))
      await done(storage.move(`${at}/a`, `${at}/b`))
      expect(await names(storage.list(at))).toEqual(['b'])
      expect(await read(`${at}/b`)).toBe('content')
      expect(await statusOf(storage.move(`${at}/a`, `${at}/c`))).toBe(404)
    })
  })

  describe('a large object', () => {
    /** Puts three segments and a static large object of them; they are in its own container, or in another. */
    const makeStatic = async (at: string, name: string, into = at): Promise<void> => {
      const segments = ['aaa', 'bb', 'c']
      for (const content of segments)
        await done(storage.write(`${into}/segments/${name}/${content}`, content))
      const named = segments.map((content) => ({
        path: `/${into}/segments/${name}/${content}`,
        etag: md5(content),
        size_bytes: content.length,
      }))
      const target = { container: at, object: name }
      await done(call(client.api, putManifest, { name: target, headers: {}, segments: named }))
    }

    it('of the dynamic kind reads as its parts', async () => {
      const at = await container()
      for (const part of ['2', '1', '3']) await done(storage.write(`${at}/parts &?/${part}`, part))
      await done(storage.createManifest(`${at}/whole`, `${at}/parts &?/`, { metadata: { k: 'v' } }))
      expect(await read(`${at}/whole`)).toBe('123')
      expect(await done(storage.info(`${at}/whole`))).toMatchObject({
        bytes: 3,
        manifest: `${at}/parts &?/`,
        isStatic: false,
      })
      await done(storage.update(`${at}/whole`, { metadata: { n: 'm' } }))
      expect(await read(`${at}/whole`)).toBe('123')

      await done(storage.copy(`${at}/whole`, `${at}/joined`))
      await done(storage.copy(`${at}/whole`, `${at}/manifest`, { manifest: true }))
      expect((await done(storage.info(`${at}/joined`))).manifest).toBeUndefined()
      expect((await done(storage.info(`${at}/manifest`))).manifest).toBe(`${at}/parts &?/`)
      await done(storage.remove(`${at}/whole`))
      expect(await read(`${at}/manifest`)).toBe('123')
    })

    it('of the static kind goes with its segments, unless they are to stay', async () => {
      const at = await container()
      await makeStatic(at, 'whole')
      expect(await done(storage.info(`${at}/whole`))).toMatchObject({ bytes: 6, isStatic: true })
      await done(storage.update(`${at}/whole`, { metadata: { n: 'm' } }))
      expect(await read(`${at}/whole`)).toBe('aaabbc')
      await done(storage.remove(`${at}/whole`))
      expect(await names(storage.list(at))).toEqual([])

      await makeStatic(at, 'whole')
      await done(storage.remove(`${at}/whole`, { segments: false }))
      expect(await names(storage.list(at))).toHaveLength(3)
    })

    it('is copied as its content, or as its manifest', async () => {
      const at = await container()
      await makeStatic(at, 'whole')
      await done(storage.copy(`${at}/whole`, `${at}/joined`))
      await done(storage.copy(`${at}/whole`, `${at}/manifest`, { manifest: true }))
      expect((await done(storage.info(`${at}/joined`))).isStatic).toBe(false)
      expect((await done(storage.info(`${at}/manifest`))).isStatic).toBe(true)

      await done(storage.move(`${at}/manifest`, `${at}/again`, { manifest: true }))
      expect(await read(`${at}/again`)).toBe('aaabbc')
      await done(storage.move(`${at}/again`, `${at}/content`))
      expect(await names(storage.list(at))).toEqual(['content', 'joined', 'whole'])
      expect(await read(`${at}/content`)).toBe('aaabbc')
    })

    it('keeps its segments where it stays as an old version', async () => {
      const at = await container()
      await done(storage.containers.update(at, { versioning: 'auto' }))
      await makeStatic(at, 'whole')
      await done(storage.remove(`${at}/whole`))
      const [, version] = await all(storage.versions(`${at}/whole`))
      const old = await done(storage.read(`${at}/whole`, { version: version?.version_id ?? '' }))
      expect(text(old.bytes)).toBe('aaabbc')
      await done(storage.restore(`${at}/whole`, version?.version_id ?? ''))
      expect(await done(storage.info(`${at}/whole`))).toMatchObject({ bytes: 6, isStatic: true })
    })

    it('goes with its segments when its last version is removed', async () => {
      const at = await container()
      const segments = await container()
      await done(storage.containers.update(at, { versioning: 'auto' }))
      await makeStatic(at, 'whole', segments)
      await done(storage.write(`${at}/whole`, 'now'))
      await done(storage.remove(`${at}/whole`))
      for (const { version_id: version } of await all(storage.versions(`${at}/whole`))) {
        await done(storage.remove(`${at}/whole`, { version }))
      }
      expect(await all(storage.versions(`${at}/whole`))).toEqual([])
      expect(await names(storage.list(segments))).toEqual([])
      await done(storage.containers.update(at, { versioning: 'none' }))
      await done(storage.containers.remove(at))
    })
  })

  describe('many objects', () => {
    it('are removed in lists, and counted', async () => {
      const at = await container()
      const long = 'ä'.repeat(500)
      const objects = ['a', 'b c', 'ü\n%2F/x', '//', long, 'stays']
      for (const object of objects) await done(storage.write({ container: at, object }, ''))
      const wanted = [...objects.slice(0, 5), 'not there', `${long}x`]
      expect(await done(storage.removeMany(at, wanted))).toEqual({ removed: 5, missing: 2 })
      expect(await names(storage.list(at))).toEqual(['stays'])
      expect(await done(storage.removeMany(at, []))).toEqual({ removed: 0, missing: 0 })
    })

    it('that may not be removed are an error that names them', async () => {
      const { account, other: second } = place()
      await done(storage.containers.create('readable', { read: [second.user] }))
      await done(storage.write('readable/a', ''))
      const error = await failure(other.removeMany({ account, container: 'readable' }, ['a', 'b']))
      expect(error).toMatchObject({ code: 'SKY_HTTP_PERMISSION', status: 403 })
      expect(error.message).toMatch(/readable.*a: 403 Forbidden/)
    })

    it('go when their container is cleared, segments and all', async () => {
      const at = await container()
      for (const object of ['1', '2', '3']) await done(storage.write(`${at}/${object}`, object))
      await done(storage.containers.clear(at))
      expect(await names(storage.list(at))).toEqual([])
      await done(storage.containers.clear(at))
      await done(storage.containers.remove(at))
    })
  })

  describe('versions', () => {
    it('are kept, listed, read, restored and removed', async () => {
      const at = await container()
      const target = `${at}/v ü`
      await done(storage.write(target, 'zero'))
      await done(storage.containers.update(at, { versioning: 'auto' }))
      const one = await done(storage.write(target, 'one'))
      await done(storage.write(target, 'two'))
      await done(storage.write(`${target}/below`, 'another'))
      await done(storage.remove(target))

      const versions = await all(storage.versions(target))
      expect(versions.map(({ name, bytes, is_latest: isLatest }) => [name, bytes, isLatest])).toEqual([
        ['v ü', 0, true],
        ['v ü', 3, false],
        ['v ü', 3, false],
        ['v ü', 4, false],
      ])
      expect(versions[0]?.content_type).toMatch(/^application\/x-deleted/)
      expect(versions[2]?.version_id).toBe(one.version)

      const version = String(one.version)
      expect(text((await done(storage.read(target, { version }))).bytes)).toBe('one')
      const oldest = await done(storage.read(target, { version: versions[3]?.version_id ?? '' }))
      expect(text(oldest.bytes)).toBe('zero')
      await done(storage.copy(target, `${at}/copy`, { version }))
      expect(await read(`${at}/copy`)).toBe('one')

      await done(storage.restore(target, version))
      expect(await read(target)).toBe('one')
      await done(storage.remove(target, { version }))
      expect(await statusOf(storage.info(target, { version }))).toBe(404)
      expect(await read(target)).toBe('one')
    })

    it('are an error where none are kept', async () => {
      const at = await container()
      await done(storage.write(`${at}/a`, 'a'))
      expect(await statusOf(storage.read(`${at}/a`, { version: '1795274413.39732' }))).toBe(400)
    })
  })

  describe('temporary addresses', () => {
    const key = 'a very secret key, 42'
    const fetchUrl = async (url: string, method: 'GET' | 'PUT' | 'HEAD' = 'GET', body?: string) => {
      const { origin } = new URL(url)
      const path = url.slice(origin.length)
      const answer = await getGlobalDispatcher().request({ origin, path, method, body: body ?? null })
      const { statusCode: status, headers } = answer
      return { status, headers, text: await answer.body.text() }
    }

    it('open one object to one method, for a while', async () => {
      const at = await container()
      await done(storage.setTemporaryUrlKey(key))
      const target = { container: at, object: 'a//../b c/ü&?.txt' }
      await done(storage.write(target, 'hello'))
      for (const digest of ['sha256', 'sha512', 'sha1'] as const) {
        const url = await done(storage.temporaryUrl(target, { key, method: 'GET', expires: 60, digest }))
        expect(await fetchUrl(url)).toMatchObject({ status: 200, text: 'hello' })
        expect((await fetchUrl(url, 'HEAD')).status).toBe(200)
        expect((await fetchUrl(url, 'PUT', 'x')).status).toBe(401)
      }
      const expires = new Date('2020-01-01T00:00:00Z')
      const past = await done(storage.temporaryUrl(target, { key, method: 'GET', expires }))
      expect((await fetchUrl(past)).status).toBe(401)
      const upload = await done(storage.temporaryUrl(`${at}/new`, { key, method: 'PUT', expires: 60 }))
      expect((await fetchUrl(upload, 'PUT', 'content')).status).toBe(201)
      expect(await read(`${at}/new`)).toBe('content')
    })

    it('open all below a prefix, and name files', async () => {
      const at = await container()
      await done(storage.setTemporaryUrlKey(key, { container: at, slot: 2 }))
      await done(storage.write(`${at}/public ü/x`, 'x'))
      await done(storage.write(`${at}/private`, 'p'))
      const options = { key, method: 'GET', expires: 60, prefix: 'public ü/', fileName: 'ä b.txt' } as const
      const url = await done(storage.temporaryUrl(`${at}/public ü/x`, options))
      const answer = await fetchUrl(url)
      expect([answer.status, answer.text]).toEqual([200, 'x'])
      expect(answer.headers['content-disposition']).toMatch(/^attachment;.*filename/)
      expect((await fetchUrl(url.replace('/public%20%C3%BC/x?', '/private?'))).status).toBe(401)
      const inline = await done(storage.temporaryUrl(`${at}/public ü/x`, { ...options, inline: true }))
      expect((await fetchUrl(inline)).headers['content-disposition']).toMatch(/^inline/)

      await done(storage.setTemporaryUrlKey(null, { container: at, slot: 2 }))
      await done(storage.setTemporaryUrlKey('another key'))
      expect((await fetchUrl(url)).status).toBe(401)
    })

    it('have a key that nobody is told', async () => {
      await done(storage.setTemporaryUrlKey(key))
      const told = await firstValueFrom(storage.account.get())
      expect(inspect(told, { depth: 9, showHidden: true }) + JSON.stringify(told)).not.toContain(key)
    })
  })
}
