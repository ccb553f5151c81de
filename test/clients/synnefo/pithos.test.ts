import { lastValueFrom, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  containerName,
  containerPath,
  decodeHeader,
  encodeHeader,
  metadataHeaders,
  objectName,
  objectPath,
  type ObjectTarget,
} from '../../../src/clients/synnefo/storage/names.js'
import type { ObjectFilter } from '../../../src/clients/synnefo/storage/schemas.js'
import { ConflictError, NotFoundError } from '../../../src/errors.js'
import { createPithosFake, type Answer, type PithosFake } from './pithos-fake.js'

describe('targets', () => {
  it('splits at the first slash; the rest is the name as it is', () => {
    expect(objectName('pithos/a/b', 'target')).toEqual({ container: 'pithos', object: 'a/b' })
    expect(objectName('pithos//a/', 'target')).toEqual({ container: 'pithos', object: '/a/' })
    expect(containerName('pithos', 'container')).toEqual({ container: 'pithos' })
  })

  const bad: readonly (readonly [unknown, RegExp])[] = [
    ['pithos', /^target: expected 'container\/path'/],
    ['/a', /^target: the container/],
    ['pithos/', /^target: the object/],
    ['', /^target/],
    [{ container: 'a/b', object: 'c' }, /^target: the name of a container has no '\/'/],
    ['../a', /^target: a container of that name/],
    [{ container: 'a', object: '' }, /^target: the object/],
    [{ container: 'a', object: 'b', account: '' }, /^target: the account/],
    [{ container: 'a', object: 'b\ud800' }, /^target: the object is no text/],
    [{ container: 5, object: 'b' }, /^target: the container/],
  ]
  it.each(bad)('refuses %j', (target, message) => {
    expect(() => objectName(target as ObjectTarget, 'target')).toThrow(TypeError)
    expect(() => objectName(target as ObjectTarget, 'target')).toThrow(message)
  })

  it('is refused before anything is subscribed to', () => {
    const { pithos, requests } = createPithosFake()
    expect(() => pithos.upload('a', 'b')).toThrow(/^target/)
    expect(() => pithos.upload('', 'b/c')).toThrow(/^source/)
    expect(() => pithos.download('b', 'a')).toThrow(/^target/)
    expect(() => pithos.download('b/c', '')).toThrow(/^destination/)
    expect(() => pithos.download('b/c', 'a', { version: 1.5 })).toThrow(/^options\.version/)
    expect(() => pithos.info('b')).toThrow(/^target/)
    expect(() => pithos.remove('b')).toThrow(/^target/)
    expect(() => pithos.list('b/c')).toThrow(/^container/)
    expect(() => pithos.containers.create('')).toThrow(/^container/)
    expect(() => pithos.upload('a', 'b/c', { contentType: 'grün' })).toThrow(/^options\.contentType/)
    expect(() => pithos.upload('a', 'b/c', { metadata: { a: '~' } })).toThrow(/^options\.metadata\.a/)
    expect(() => pithos.upload('a', 'b/c', { concurrency: 0 })).toThrow(/^options\.concurrency/)
    const stream = new Blob(['x']).stream()
    expect(() => pithos.upload(stream, 'b/c', { checkpoint: 'x' })).toThrow(/^options\.checkpoint/)
    expect(requests).toEqual([])
  })
})

describe('encoding (pithos dossier 4.3)', () => {
  it.each([
    ['a b', 'a%20b'],
    ['grün', 'gr%C3%BCn'],
    ['a//b/', 'a//b/'],
    ['/a', '/a'],
    ['../a/./b', '../a/./b'],
    ["!'()*", '%21%27%28%29%2A'],
    ['100%', '100%25'],
    ['~-._', '~-._'],
    ['{account}', '%7Baccount%7D'],
    ['a?b#c', 'a%3Fb%23c'],
    ['x.xml', 'x.xml'],
    ['\u{1F600}', '%F0%9F%98%80'],
  ])('puts the object %s into a path', (object, encoded) => {
    expect(objectPath({ container: 'c d', object })).toBe(`/{account}/c%20d/${encoded}`)
  })

  it('puts an account of somebody else into the path', () => {
    expect(containerPath({ account: 'a b', container: 'c' })).toBe('/a%20b/c')
  })

  it.each([
    ['plain, with "quotes" ~', 'plain, with "quotes" ~'],
    ['100%', '100%25'],
    ['grün', 'gr%C3%BCn'],
    [' edges ', '%20edges%20'],
    ['two\r\nlines', 'two%0D%0Alines'],
    ['\u{1F600}%', '%F0%9F%98%80%25'],
  ])('puts %j into a header and reads it again', (value, encoded) => {
    expect(encodeHeader(value)).toBe(encoded)
    expect(decodeHeader(encoded)).toBe(value)
  })

  it('reads what was not encoded well as it is', () => {
    expect(decodeHeader('100%')).toBe('100%')
  })

  it('names metadata', () => {
    expect(metadataHeaders('object', { 'grün x': 'a' }, 'm')).toEqual({ 'x-object-meta-gr%C3%BCn%20x': 'a' })
    expect(() => metadataHeaders('object', { '': 'a' }, 'm')).toThrow(/^m: a name is empty/)
    expect(() => metadataHeaders('object', { a: 5 as never }, 'm')).toThrow(/^m\.a/)
  })
})

/** Answers one request with an answer and the rest as usual. */
function answering(answer: Answer): PithosFake {
  const fake = createPithosFake()
  fake.interfere = () => answer
  return fake
}

describe('account and containers', () => {
  it('describes the account', async () => {
    const fake = answering({
      status: 204,
      headers: {
        'x-account-container-count': '2',
        'x-account-bytes-used': '10',
        'x-account-policy-quota': '100',
        'last-modified': 'Sat, 21 Nov 2026 12:00:00 GMT',
        'x-account-meta-gr%c3%bcn': 'a%2Ab',
      },
    })
    expect(await lastValueFrom(fake.pithos.account.get())).toEqual({
      containers: 2,
      bytes: 10,
      quota: 100,
      projectQuotas: {},
      groups: {},
      until: undefined,
      lastModified: 'Sat, 21 Nov 2026 12:00:00 GMT',
      metadata: { grün: 'a*b' },
    })
    await lastValueFrom(fake.pithos.account.get({ account: 'some-one' }))
    expect(fake.lines()).toEqual(['HEAD /{account}?format=json', 'HEAD /some-one?format=json'])
  })

  it('describes a container', async () => {
    const fake = answering({
      status: 204,
      headers: {
        'x-container-object-count': '3',
        'x-container-bytes-used': '30',
        'x-container-block-size': '4194304',
        'x-container-block-hash': 'sha256',
        'x-container-policy-quota': '0',
        'x-container-policy-versioning': 'auto',
        'x-container-policy-project': 'p',
        'x-container-meta-a': 'b',
      },
    })
    expect(await lastValueFrom(fake.pithos.containers.get('c'))).toEqual({
      count: 3,
      bytes: 30,
      blockSize: 4_194_304,
      blockHash: 'sha256',
      quota: 0,
      versioning: 'auto',
      project: 'p',
      until: undefined,
      lastModified: undefined,
      metadata: { a: 'b' },
      objectMetadata: [],
    })
  })

  it('creates a container, or says that it was there', async () => {
    const fake = createPithosFake()
    fake.interfere = (_request, turn) => ({ status: turn === 1 ? 201 : 202 })
    const settings = { quota: 5, versioning: 'none', project: 'ü', metadata: { a: 'b' } } as const
    expect(await lastValueFrom(fake.pithos.containers.create('c', settings))).toEqual({ created: true })
    expect(await lastValueFrom(fake.pithos.containers.create('c'))).toEqual({ created: false })
    expect(fake.lines()).toEqual(['PUT /{account}/c?format=json', 'PUT /{account}/c?format=json'])
    expect(fake.requests[0]?.headers).toMatchObject({
      'x-container-policy-quota': '5',
      'x-container-policy-versioning': 'none',
      'x-container-policy-project': '%C3%BC',
      'x-container-meta-a': 'b',
    })
  })

  it('removes a container, unless there is something in it', async () => {
    const fake = createPithosFake()
    const body = { conflict: { message: 'Container is not empty' } }
    fake.interfere = (_request, turn) => (turn === 1 ? { status: 204 } : { status: 409, json: body })
    await lastValueFrom(fake.pithos.containers.remove('c'))
    expect(fake.lines()).toEqual(['DELETE /{account}/c?format=json'])
    const failed = lastValueFrom(fake.pithos.containers.remove('c'))
    await expect(failed).rejects.toBeInstanceOf(ConflictError)
    await expect(failed).rejects.toThrow(/Container is not empty/)
  })
})

describe('objects', () => {
  it('describes and removes', async () => {
    const fake = createPithosFake()
    await fake.put('a/b', Buffer.from('hello'))
    expect(await lastValueFrom(fake.pithos.info('c/a/b'))).toMatchObject({
      container: 'c',
      name: 'a/b',
      bytes: 5,
      contentType: 'text/plain',
      version: 1,
      metadata: {},
    })
    await lastValueFrom(fake.pithos.info('c/a/b', { version: 7 }))
    fake.interfere = () => ({ status: 204 })
    await lastValueFrom(fake.pithos.remove({ account: 'x', container: 'c', object: 'a' }))
    expect(fake.lines()).toEqual([
      'HEAD /{account}/c/a/b?format=json',
      'HEAD /{account}/c/a/b?format=json&version=7',
      'DELETE /x/c/a?format=json',
    ])
    fake.interfere = () => ({ status: 404 })
    await expect(lastValueFrom(fake.pithos.info('c/nothing'))).rejects.toBeInstanceOf(NotFoundError)
  })

  it('does not take other text for a version', async () => {
    const fake = answering({ status: 200, headers: { 'x-object-version': '([12], 10, 10)' } })
    expect((await lastValueFrom(fake.pithos.info('c/a'))).version).toBeUndefined()
  })
})

describe('listings (pithos dossier 4.4)', () => {
  /** Answers as the server does: names after the marker, directories cut at the delimiter, no more than the limit. */
  function serve(names: readonly string[]): PithosFake {
    const fake = createPithosFake()
    const sorted = names.map((name) => Buffer.from(name)).sort((a, b) => Buffer.compare(a, b))
    fake.interfere = (request) => {
      const query = new URLSearchParams(request.path.split('?')[1])
      const limit = Number(query.get('limit'))
      const marker = Buffer.from(query.get('marker') ?? '')
      const prefix = query.get('prefix') ?? ''
      const delimiter = query.get('delimiter')
      const items: object[] = []
      let directory = ''
      for (const name of sorted.filter((one) => Buffer.compare(one, marker) > 0).map(String)) {
        if (!name.startsWith(prefix) || items.length === limit) continue
        const cut = delimiter === null ? -1 : name.indexOf(delimiter, prefix.length)
        const subdir = cut < 0 ? '' : name.slice(0, cut + 1)
        if (subdir === '') items.push({ name, bytes: 1 })
        else if (subdir !== directory) items.push({ subdir })
        directory = subdir
      }
      return { status: 200, json: items }
    }
    return fake
  }
  async function list(fake: PithosFake, filter: ObjectFilter): Promise<unknown[]> {
    const items = await lastValueFrom(fake.pithos.list('c', filter).pipe(toArray()))
    return items.map((item) => ('subdir' in item ? item.subdir : item.name))
  }

  it('reads page after page until one is short', async () => {
    const fake = serve(['a', 'b', 'c', 'd', 'e'])
    expect(await list(fake, { limit: 2 })).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(fake.lines()).toEqual([
      'GET /{account}/c?format=json&limit=2',
      'GET /{account}/c?format=json&limit=2&marker=b',
      'GET /{account}/c?format=json&limit=2&marker=d',
    ])
  })

  it('begins after a marker, and asks for no more than the server gives', async () => {
    const fake = serve(['a', 'b', 'c'])
    expect(await list(fake, { marker: 'a', limit: 50_000 })).toEqual(['b', 'c'])
    expect(fake.lines()).toEqual(['GET /{account}/c?format=json&limit=10000&marker=a'])
    expect(() => fake.pithos.list('c', { limit: 0 })).toThrow(/filter\.limit/)
  })

  it('gets past a directory at the end of a page, and tells it once', async () => {
    const names = ['a', 'p/1', 'p/2', 'p/3', 'q', 'r/1', 'r/2']
    for (const limit of [1, 2, 3, 4, 5]) {
      expect(await list(serve(names), { delimiter: '/', limit })).toEqual(['a', 'p/', 'q', 'r/'])
    }
    const fake = serve(names)
    await list(fake, { delimiter: '/', limit: 2 })
    expect(fake.lines()[1]).toBe('GET /{account}/c?format=json&limit=2&marker=p%2F%EF%BF%BF&delimiter=%2F')
  })

  it('ends also where names sort after the marker that goes beyond', async () => {
    const names = ['p/1', 'p/\u{1F600}', 'p/\u{1F601}', 'q']
    for (const limit of [1, 2]) {
      expect(await list(serve(names), { delimiter: '/', limit })).toEqual(['p/', 'q'])
    }
    const endless = answering({ status: 200, json: [{ subdir: 'p/' }] })
    expect(await list(endless, { delimiter: '/', limit: 1 })).toEqual(['p/'])
    expect(endless.requests).toHaveLength(3)
  })

  it('lists containers in the same way', async () => {
    const fake = serve(['a', 'b', 'c'])
    const names = await lastValueFrom(fake.pithos.containers.list({ limit: 2 }).pipe(toArray()))
    expect(names.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    expect(fake.lines()[1]).toBe('GET /{account}?format=json&limit=2&marker=b')
  })
})

it('asks for JSON in every request', async () => {
  const fake = createPithosFake()
  await lastValueFrom(fake.pithos.upload(Buffer.from('hello'), 'c/a.xml'))
  await lastValueFrom(fake.pithos.info('c/a.xml'))
  expect(fake.requests.length).toBeGreaterThan(5)
  expect(fake.lines().filter((line) => !line.includes('format=json'))).toEqual([])
})
