import { createHash, createHmac } from 'node:crypto'
import { inspect } from 'node:util'
import { lastValueFrom, toArray, type Observable } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import { createSwift, type SwiftClient, type SwiftStorage } from '../../../src/clients/synnefo/swift.js'
import { isHttpError, NetworkError, type HttpError } from '../../../src/errors.js'
import type { HttpRequest, TrafficEvent } from '../../../src/http/types.js'
import { constant } from '../../../src/operators/index.js'
import { fakeTransport, type FakeAnswer, type FakeTransport } from '../../../src/testing/fake-transport.js'

const STORE = 'https://swift.test/v1/AUTH_own'
const md5 = (content: string): string => createHash('md5').update(content).digest('hex')
const tag = md5('x')

const opened: SwiftClient[] = []
afterEach(() => {
  for (const client of opened.splice(0)) client.close()
})

interface Fake {
  readonly client: SwiftClient
  readonly storage: SwiftStorage
  /** Without the one that signs in. */
  requests(): readonly HttpRequest[]
  /** `METHOD path` below the account. */
  lines(): readonly string[]
}

type Routes = Readonly<Record<string, FakeAnswer | readonly FakeAnswer[]>>

/** A client whose store answers from a table; paths begin below the account. */
function fake(routes: Routes, storageUrl = STORE): Fake {
  const origin = new URL(storageUrl).origin
  const prefix = storageUrl.slice(origin.length)
  const below = Object.entries(routes).map(([route, answer]) => {
    const [method = '', path = ''] = route.split(' ')
    return [`${method} ${path.startsWith('/info') ? '' : prefix}${path}`, answer] as const
  })
  const transport: FakeTransport = fakeTransport({
    'GET /auth/v1.0': { headers: { 'x-auth-token': 'the-token', 'x-storage-url': storageUrl } },
    ...Object.fromEntries(below),
  })
  const client = createSwift({
    authUrl: `${origin}/auth/v1.0`,
    user: 'test:tester',
    key: 'testing',
    transport,
    retry: { backoff: constant(0) },
    credentialSources: { env: {}, home: '/none', folder: '/none' },
  })
  opened.push(client)
  const requests = () => transport.requests.filter(({ path }) => path !== '/auth/v1.0')
  return {
    client,
    storage: client.storage,
    requests,
    lines: () => requests().map(({ method, path }) => `${method} ${path.replace(prefix, '')}`),
  }
}

const all = <T>(source: Observable<T>): Promise<T[]> => lastValueFrom(source.pipe(toArray()))
async function failureOf(source: Observable<unknown>): Promise<HttpError> {
  return all(source).then(
    () => {
      throw new Error('it succeeded')
    },
    (error: unknown) => error as HttpError,
  )
}

/** The headers that are of the operation and not of every request. */
function headersOf(request: HttpRequest | undefined): Record<string, string> {
  const { accept: _accept, 'user-agent': _agent, 'x-auth-token': _token, ...own } = request?.headers ?? {}
  return own
}

const features = { swift: { max_object_name_length: 1024 }, bulk_delete: {}, object_versioning: {} }
const report = (deleted: number, missing = 0, errors: readonly string[][] = [], status = '200 OK') => ({
  json: {
    'Response Status': status,
    'Response Body': '',
    'Number Deleted': deleted,
    'Number Not Found': missing,
    Errors: errors,
  },
})

describe('requests', () => {
  type Row = readonly [
    what: string,
    routes: Routes,
    make: (storage: SwiftStorage) => Observable<unknown>,
    line: string,
    headers: Record<string, string>,
  ]
  const made = { status: 201 }
  const changed = { status: 204 }
  const posted = { status: 202 }
  const listed = { json: [] }
  const rows: readonly Row[] = [
    ['account', { 'HEAD *': changed }, ({ account }) => account.get(), 'HEAD ?format=json', {}],
    [
      'account changed',
      { 'POST *': changed },
      ({ account }) => account.update({ metadata: { grün_A: 'ä%~', old: null } }),
      'POST ',
      { 'x-account-meta-gr%c3%bcn-a': '%C3%A4%25~', 'x-remove-account-meta-old': 'true' },
    ],
    [
      'account replaced',
      {
        'HEAD *': {
          status: 204,
          headers: {
            'x-account-meta-gone': '1',
            'x-account-meta-a-b': '2',
            'x-account-meta-temp-url-key': 'secret',
            'x-account-meta-quota-bytes': '5',
          },
        },
        'POST *': changed,
      },
      ({ account }) => account.update({ metadata: { A_b: 'c' } }, { replace: true }),
      'POST ',
      { 'x-account-meta-a-b': 'c', 'x-remove-account-meta-gone': 'true' },
    ],
    [
      'containers',
      { 'GET *': listed },
      ({ containers }) => containers.list({ prefix: 'a b', marker: 'a b1', limit: 5 }),
      'GET ?format=json&limit=5&marker=a%20b1&prefix=a%20b',
      {},
    ],
    [
      'container created',
      { 'GET /info': { json: features }, 'PUT *': made },
      ({ containers }) =>
        containers.create('c', {
          quota: 5,
          versioning: 'auto',
          read: ['.r:*', 'p:u'],
          write: ['p:u'],
          storagePolicy: 'gold',
          metadata: { k: 'v' },
        }),
      'PUT /c?format=json',
      {
        'x-container-meta-quota-bytes': '5',
        'x-versions-enabled': 'true',
        'x-container-read': '.r:*,p:u',
        'x-container-write': 'p:u',
        'x-storage-policy': 'gold',
        'x-container-meta-k': 'v',
      },
    ],
    [
      'container back to defaults',
      { 'POST *': changed },
      ({ containers }) =>
        containers.update('c', {
          quota: null,
          versioning: null,
          read: null,
          write: [],
          metadata: { k: null },
        }),
      'POST /c',
      {
        'x-remove-container-meta-quota-bytes': 'true',
        'x-versions-enabled': 'false',
        'x-remove-container-read': 'true',
        'x-remove-container-write': 'true',
        'x-remove-container-meta-k': 'true',
      },
    ],
    [
      'container without a quota, as other dialects say it',
      { 'POST *': changed },
      ({ containers }) => containers.update('c', { quota: 0 }),
      'POST /c',
      { 'x-remove-container-meta-quota-bytes': 'true' },
    ],
    [
      'container removed',
      { 'DELETE *': changed },
      ({ containers }) => containers.remove('c'),
      'DELETE /c?format=json',
      {},
    ],
    [
      'objects',
      { 'GET *': listed },
      (storage) => storage.list('c', { prefix: 'a/', delimiter: '/', marker: 'a/b', limit: 99_999 }),
      'GET /c?format=json&limit=10000&marker=a%2Fb&prefix=a%2F&delimiter=%2F',
      {},
    ],
    [
      'objects in a folder',
      { 'GET *': listed },
      (storage) => storage.list('c', { path: 'a b' }),
      'GET /c?format=json&limit=10000&path=a%20b',
      {},
    ],
    [
      'object on conditions',
      { 'HEAD *': { headers: { 'x-object-version-id': '17.1' } } },
      (storage) => storage.info('c/a', { version: '17.1', ifMatch: tag, ifNoneMatch: '*' }),
      'HEAD /c/a?format=json&version-id=17.1',
      { 'if-match': `"${tag}"`, 'if-none-match': '*' },
    ],
    [
      'object written',
      { 'PUT *': made },
      (storage) =>
        storage.write('c//a ü', 'x', {
          contentType: 'text/plain',
          contentDisposition: 'inline; filename="ü%"',
          metadata: { k: '~' },
          deleteAt: new Date('2096-01-02T03:04:05.001Z'),
          ifNoneMatch: '*',
        }),
      'PUT /c//a%20%C3%BC?format=json',
      {
        'content-type': 'text/plain',
        // Bytes of UTF-8, each as a character.
        'content-disposition': 'inline; filename="Ã¼%"',
        'x-object-meta-k': '~',
        'x-delete-at': '3976311846',
        'if-none-match': '*',
        etag: tag,
      },
    ],
    [
      'stream written',
      { 'PUT *': made },
      (storage) => storage.write('c/a', new Blob(['x']).stream(), { deleteAfter: 60 }),
      'PUT /c/a?format=json',
      { 'content-type': 'application/octet-stream', 'x-delete-after': '60' },
    ],
    [
      'object written over another',
      { 'HEAD *': {}, 'PUT *': made },
      (storage) => storage.write('c/a', 'x', { ifMatch: tag }),
      'PUT /c/a?format=json',
      { 'content-type': 'application/octet-stream', etag: tag },
    ],
    [
      'directory',
      { 'PUT *': made },
      (storage) => storage.createDirectory('c/d'),
      'PUT /c/d?format=json',
      { 'content-type': 'application/directory', etag: md5('') },
    ],
    [
      'manifest',
      { 'PUT *': made },
      (storage) => storage.createManifest('c/m', 's p/a&?/'),
      'PUT /c/m?format=json',
      { 'content-type': 'application/octet-stream', 'x-object-manifest': 's%20p/a%26%3F/' },
    ],
    [
      'object changed',
      {
        'HEAD *': {
          headers: {
            etag: tag,
            'content-type': 'text/plain',
            'content-disposition': 'Ã¼',
            'content-encoding': 'gzip',
            'cache-control': 'no-store',
            'x-delete-at': '17',
            'x-object-manifest': 's/%41',
            'x-object-meta-stays': '%C3%A4',
            'x-object-meta-my-old': '1',
            'x-object-meta-gone': '1',
            'x-timestamp': '1',
          },
        },
        'POST *': posted,
      },
      (storage) =>
        storage.update('c/a', {
          metadata: { MY_old: '2', gone: null },
          contentEncoding: null,
          deleteAfter: 5,
        }),
      'POST /c/a',
      {
        'content-disposition': 'Ã¼',
        'cache-control': 'no-store',
        'x-delete-after': '5',
        'x-object-manifest': 's/%41',
        'x-object-meta-stays': '%C3%A4',
        'x-object-meta-my-old': '2',
      },
    ],
    [
      'object copied',
      { 'PUT *': made },
      (storage) =>
        storage.copy('c/a ü', 'd/b', {
          metadata: { k: 'v' },
          sourceIfMatch: tag,
          sourceIfNoneMatch: 'y',
          freshMetadata: true,
          manifest: true,
        }),
      'PUT /d/b?multipart-manifest=get',
      {
        'x-copy-from': '/c/a%20%C3%BC',
        'x-object-meta-k': 'v',
        'x-fresh-metadata': 'true',
        'if-match': `"${tag}"`,
        'if-none-match': '"y"',
      },
    ],
    [
      'object fetched from another account',
      { 'PUT *': made },
      (storage) => storage.copy({ account: 'AUTH_ü', container: 'c', object: 'a' }, 'd/b'),
      'PUT /d/b',
      { 'x-copy-from': '/c/a', 'x-copy-from-account': 'AUTH_%C3%BC' },
    ],
    [
      'object sent to another account',
      { 'COPY *': made },
      (storage) => storage.copy('c/a', { account: 'AUTH_other', container: 'd', object: 'b' }),
      'COPY /c/a',
      { destination: '/d/b', 'destination-account': 'AUTH_other' },
    ],
    [
      'old version copied',
      { 'GET /info': { json: features }, 'COPY *': made },
      (storage) => storage.restore('c/a', '17.1'),
      'COPY /c/a?version-id=17.1&multipart-manifest=get',
      { destination: '/c/a' },
    ],
    [
      'object removed',
      { 'DELETE *': changed },
      (storage) => storage.remove('c/a', { segments: false }),
      'DELETE /c/a',
      {},
    ],
    [
      'large object removed',
      { 'HEAD *': { headers: { 'x-static-large-object': 'True' } }, 'DELETE *': report(4) },
      (storage) => storage.remove('c/a'),
      'DELETE /c/a?multipart-manifest=delete',
      {},
    ],
    [
      'large object that stays as an old version removed',
      {
        'HEAD *': { headers: { 'x-static-large-object': 'True', 'x-object-version-id': '17.1' } },
        'DELETE *': changed,
      },
      (storage) => storage.remove('c/a'),
      'DELETE /c/a',
      {},
    ],
    [
      'old version removed',
      { 'GET /info': { json: features }, 'HEAD *': {}, 'DELETE *': changed },
      (storage) => storage.remove('c/a', { version: '17.1' }),
      'DELETE /c/a?version-id=17.1',
      {},
    ],
    [
      'key of temporary addresses',
      { 'POST *': changed },
      (storage) => storage.setTemporaryUrlKey('a key'),
      'POST ',
      { 'x-account-meta-temp-url-key': 'a key' },
    ],
    [
      'second key of a container removed',
      { 'POST *': changed },
      (storage) => storage.setTemporaryUrlKey(null, { container: 'c', slot: 2 }),
      'POST /c',
      { 'x-remove-container-meta-temp-url-key-2': 'true' },
    ],
  ]
  it.each(rows)('%s', async (_what, routes, make, line, headers) => {
    const { storage, requests, lines } = fake(routes)
    await all(make(storage))
    expect(lines().at(-1)).toBe(line)
    expect(headersOf(requests().at(-1))).toEqual(headers)
  })

  it('are sent when somebody subscribes, and not before', async () => {
    const { storage, lines } = fake({ 'DELETE *': { status: 204 } })
    const removed = storage.remove('c/a', { segments: false })
    expect(lines()).toEqual([])
    await all(removed)
    await all(removed)
    expect(lines()).toHaveLength(2)
  })
})

describe('wrong arguments', () => {
  const { storage } = fake({})
  const { account, containers } = storage
  const generic = (options: object): never => options as never
  const rows: readonly (readonly [string, () => unknown, RegExp])[] = [
    ['account.get', () => account.get(generic({ until: 5 })), /^options.until: Swift has nothing/],
    ['account.get', () => account.get(generic({ ifModifiedSince: new Date(0) })), /^options.ifModifiedSince/],
    ['account.update', () => account.update(generic({ groups: {} })), /^changes.groups/],
    ['account.update', () => account.update({ metadata: { a: '' } }), /^changes.metadata.a: .*say null/],
    [
      'account.update',
      () => account.update({ metadata: { TEMP_url_Key: 'sssh' } }),
      /use setTemporaryUrlKey$/,
    ],
    ['containers.get', () => containers.get('c', generic({ until: 5 })), /^options.until/],
    ['containers.get', () => containers.get('a/b'), /^container/],
    ['containers.list', () => containers.list(generic({ shared: true })), /^filter.shared/],
    ['containers.create', () => containers.create('c', generic({ project: 'p' })), /^settings.project/],
    ['containers.create', () => containers.create('c', { read: ['a,b'] }), /^settings.read/],
    ['containers.create', () => containers.create('c', { quota: -1 }), /^settings.quota/],
    ['containers.update', () => containers.update('c', generic({ versioning: 'x' })), /^changes.versioning/],
    ['containers.update', () => containers.update('c', { metadata: { 'quota-bytes': '5' } }), /set quota$/],
    ['list', () => storage.list('c', generic({ until: 5 })), /^filter.until/],
    [
      'list',
      () => storage.list('c', {}, generic({ ifModifiedSince: new Date(0) })),
      /^options.ifModifiedSince/,
    ],
    ['list', () => storage.list('c', { path: 'a', prefix: 'b' }), /^filter.path/],
    ['list', () => storage.list('c', { limit: 0 }), /^filter.limit/],
    ['info', () => storage.info('c/a', generic({ version: 5 })), /^options.version/],
    ['read', () => storage.read('c/a', { range: { offset: 0, length: 0 } }), /^options.range.length/],
    ['readRanges', () => storage.readRanges('c/a', []), /^ranges/],
    ['write', () => storage.write('c', 'x'), /^target/],
    ['write', () => storage.write('c/a', 'x', generic({ sharing: { read: ['*'] } })), /^options.sharing/],
    ['write', () => storage.write('c/a', 'x', generic({ ifNoneMatch: tag })), /^options.ifNoneMatch/],
    ['write', () => storage.write('c/a', 'x', { deleteAt: new Date(Number.NaN) }), /^options.deleteAt/],
    [
      'write',
      () => storage.write('c/a', 'x', { deleteAt: new Date(5), deleteAfter: 5 }),
      /^options.deleteAfter/,
    ],
    ['write', () => storage.write('c/a', 'x', { deleteAfter: 0 }), /^options.deleteAfter/],
    ['write', () => storage.write('c/a', 'x', { contentDisposition: 'a\nb' }), /^options.contentDisposition/],
    [
      'createManifest',
      () => storage.createManifest('c/m', { account: 'A', container: 's', object: 'p' }),
      /^parts/,
    ],
    ['update', () => storage.update('c/a', {}, generic({ ifNoneMatch: '*' })), /^options.ifNoneMatch/],
    ['update', () => storage.update('c/a', generic({ public: true })), /^changes.public/],
    ['copy', () => storage.copy('c/a', 'c/b', generic({ ifNoneMatch: '*' })), /^options.ifNoneMatch/],
    ['copy', () => storage.copy('c/a', 'c/b', generic({ recursive: true })), /^options.recursive/],
    ['move', () => storage.move('c/a', 'c/b', generic({ version: '5' })), /^options.version/],
    ['move', () => storage.move('c/a', 'c/a'), /^to: the object is there already/],
    [
      'move',
      () => storage.move('c/a', { account: 'A', container: 'c', object: 'a' }),
      /^to: it may be the object/,
    ],
    ['remove', () => storage.remove('c/a', generic({ until: 5 })), /^options.until/],
    ['removeMany', () => storage.removeMany('c', ['a', '']), /^names\[1\]/],
    ['restore', () => storage.restore('c/a', generic([])), /^version/],
    [
      'temporaryUrl',
      () => storage.temporaryUrl('c/a', { key: 'k', method: 'GET', expires: 0 }),
      /^options.expires/,
    ],
    [
      'temporaryUrl',
      () => storage.temporaryUrl('c/a', { key: 'k', method: 'GET', expires: 5, prefix: 'b' }),
      /^options.prefix/,
    ],
    [
      'temporaryUrl',
      () => storage.temporaryUrl('c/a', { key: 'k', method: generic([]), expires: 5 }),
      /^options.method/,
    ],
    ['setTemporaryUrlKey', () => storage.setTemporaryUrlKey('k', { slot: generic([]) }), /^options.slot/],
  ]
  it.each(rows)('of %s throw: %#', (_what, make, message) => {
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
  })

  it('that are secrets are not in the error', () => {
    const key = 'schlüssel'
    for (const make of [
      () => storage.setTemporaryUrlKey(key),
      () => storage.temporaryUrl('c/a', { key, method: 'GET', expires: 5 }),
    ]) {
      expect(make).toThrow(/^(options\.)?key: expected printable ASCII/)
      expect(make).not.toThrow(key)
    }
  })
})

describe('answers', () => {
  it('hold UTF-8 as other clients write it, and percent signs that are none', async () => {
    const utf8 = (text: string) => Buffer.from(text).toString('latin1')
    const { storage } = fake({
      'HEAD *': {
        headers: {
          'content-length': '7',
          'content-type': 'text/plain; a=%41',
          'content-disposition': utf8(`attachment; filename*=UTF-8''%C3%BC; x="ü"`),
          'x-object-meta-name': utf8('grün'),
          'x-object-meta-encoded': 'gr%C3%BCn',
          'x-object-meta-percent': '50%',
          'x-object-meta-broken': 'a\xffb',
          'x-delete-at': '3976311846',
        },
      },
    })
    expect(await all(storage.info('c/a'))).toMatchObject([
      {
        container: 'c',
        name: 'a',
        bytes: 7,
        contentType: 'text/plain; a=%41',
        contentDisposition: `attachment; filename*=UTF-8''%C3%BC; x="ü"`,
        metadata: { name: 'grün', encoded: 'grün', percent: '50%', broken: 'a\xffb' },
        deleteAt: new Date('2096-01-02T03:04:06Z'),
      },
    ])
  })

  it('of a store without versions are not taken for old ones', async () => {
    const { storage } = fake({ 'GET *': { body: 'now' }, 'GET /info': { json: { swift: {} } } })
    expect(await failureOf(storage.read('c/a', { version: '17.1' }))).toMatchObject({
      code: 'SKY_RESPONSE_FORMAT',
    })
    for (const made of [
      storage.versions('c/a'),
      storage.restore('c/a', '17.1'),
      storage.remove('c/a', { version: '17.1' }),
      storage.containers.update('c', { versioning: 'auto' }),
    ]) {
      const error = await failureOf(made)
      expect([error.code, error.message]).toEqual([
        'SKY_CONFIGURATION',
        expect.stringContaining('object_versioning') as string,
      ])
    }
  })

  it('that say what the store can are kept', async () => {
    const { storage, lines } = fake({ 'GET /info': { json: features } })
    expect(await all(storage.features())).toEqual([features])
    expect(await all(storage.features())).toEqual([features])
    expect(lines()).toEqual(['GET /info'])
  })
})

describe('pages', () => {
  const items = (...names: readonly string[]) => ({ json: names.map((name) => ({ name, bytes: 0 })) })

  it('begin behind the last entry, be it a directory', async () => {
    const { storage, lines } = fake({
      'GET /c': [{ json: [{ name: 'a', bytes: 0 }, { subdir: 'b/' }] }, items('c', 'd'), items()],
    })
    expect(await all(storage.list('c', { delimiter: '/', limit: 2 }))).toHaveLength(4)
    expect(lines().map((line) => /marker=([^&]*)/.exec(line)?.[1])).toEqual([undefined, 'b%2F', 'd'])
  })

  it('of versions go on behind the last one, and no further than the object', async () => {
    const version = (name: string, id: number) => ({
      name,
      bytes: 0,
      version_id: String(id),
      is_latest: id === 0,
    })
    const page = Array.from({ length: 1000 }, (_, id) => version('a', id))
    const { storage, lines } = fake({
      'GET /info': { json: features },
      'GET /c': [
        { json: page },
        { json: [version('a', 1000), ...page.slice(1).map(() => version('ab', 5))] },
      ],
    })
    expect(await all(storage.versions('c/a'))).toHaveLength(1001)
    expect(lines().slice(1)).toEqual([
      'GET /c?format=json&versions&prefix=a&limit=1000',
      'GET /c?format=json&versions&prefix=a&limit=1000&marker=a&version_marker=999',
    ])
  })
})

describe('removing many', () => {
  it('goes in lists as long as the store takes, and counts', async () => {
    const { storage, requests } = fake({
      'GET /info': { json: { ...features, bulk_delete: { max_deletes_per_request: 2 } } },
      'POST *': [report(2), report(0, 1)],
    })
    expect(await all(storage.removeMany('c ü', ['a\n', 'b/%', 'c']))).toEqual([{ removed: 2, missing: 1 }])
    const sent = requests().slice(1)
    expect(sent.map(({ body }) => String(body))).toEqual([
      'c%20%C3%BC%2Fa%0A\nc%20%C3%BC%2Fb%2F%25',
      'c%20%C3%BC%2Fc',
    ])
    expect(headersOf(sent[0])).toEqual({ 'content-type': 'text/plain' })
  })

  it.each([
    ['has no lists', { json: { swift: {} } }],
    ['does not say what it can', { status: 403 }],
  ])('goes one by one where the store %s', async (_what, info) => {
    const { storage, lines } = fake({
      'GET /info': info,
      'DELETE /c/a': { status: 204 },
      'DELETE /c/b': { status: 404 },
    })
    expect(await all(storage.removeMany('c', ['a', 'b']))).toEqual([{ removed: 1, missing: 1 }])
    expect(lines()).toEqual(['GET /info', 'DELETE /c/a', 'DELETE /c/b'])
  })

  it('tells of the first objects that could not be removed, though the answer is a 200', async () => {
    const errors = ['a', 'b', 'c', 'd'].map((name) => [`c/${name}`, '409 Conflict'])
    const { storage } = fake({
      'GET /info': { json: features },
      'POST *': report(0, 0, errors, '400 Bad Request'),
    })
    const error = await failureOf(storage.removeMany('c', ['a', 'b', 'c', 'd']))
    expect(error).toMatchObject({
      code: 'SKY_HTTP_CONFLICT',
      status: 409,
      operation: 'openstack.storage.objects.removeMany',
      reason: 'c/a: 409 Conflict; c/b: 409 Conflict; c/c: 409 Conflict; 1 more',
      faultDetails: errors,
    })
  })

  it.each([
    [
      report(
        1,
        0,
        [
          ['/c/s', '403 Forbidden'],
          ['/c/t', '503 Busy'],
        ],
        '400 Bad Request',
      ),
      400,
      /c\/s: 403/,
    ],
    [report(0, 0, [], '502 Bad Gateway'), 502, /502 Bad Gateway/],
  ])('of segments fails as a whole: %#', async (answer, status, message) => {
    const { storage } = fake({
      'HEAD *': { headers: { 'x-static-large-object': 'True' } },
      'DELETE *': answer,
    })
    const error = await failureOf(storage.remove('c/a'))
    expect([isHttpError(error, status), error.message]).toEqual([
      true,
      expect.stringMatching(message) as string,
    ])
  })

  it('clears a container, large objects by themselves', async () => {
    const { storage, lines } = fake({
      'GET /info': { json: features },
      'GET /c': {
        json: [
          { name: 'a', bytes: 1 },
          { name: 'large', bytes: 9, slo_etag: '"x"' },
          { name: 'gone', bytes: 9, slo_etag: '"x"' },
        ],
      },
      'HEAD /c/gone': { status: 404 },
      'HEAD *': { headers: { 'x-static-large-object': 'True' } },
      'DELETE *': report(3),
      'POST *': report(1),
    })
    expect(await all(storage.containers.clear('c'))).toEqual([undefined])
    expect(lines()).toEqual([
      'GET /c?format=json&limit=10000',
      'HEAD /c/large?format=json',
      'DELETE /c/large?multipart-manifest=delete',
      'HEAD /c/gone?format=json',
      'GET /info',
      'POST ?format=json&bulk-delete',
    ])
  })
})

describe('lost answers', () => {
  const lost = new NetworkError('reset', { retryable: true })

  it('of removals are no error when the object is gone', async () => {
    const { storage } = fake({ 'DELETE *': [lost, { status: 404 }] })
    expect(await all(storage.remove('c/a', { segments: false }))).toEqual([undefined])
    expect(await all(fake({ 'DELETE *': [lost, { status: 404 }] }).storage.containers.remove('c'))).toEqual([
      undefined,
    ])
    const once = fake({ 'DELETE *': { status: 404 } })
    expect((await failureOf(once.storage.remove('c/a', { segments: false }))).status).toBe(404)
  })

  it('of writing what must not be there are looked into', async () => {
    const routes = (etag: string): Routes => ({
      'PUT *': [lost, { status: 412 }],
      'HEAD *': { headers: { etag } },
    })
    const ours = fake(routes(tag))
    expect(await all(ours.storage.write('c/a', 'x', { ifNoneMatch: '*' }))).toMatchObject([{ etag: tag }])
    const theirs = fake(routes(md5('y')))
    expect((await failureOf(theirs.storage.write('c/a', 'x', { ifNoneMatch: '*' }))).status).toBe(412)
  })

  it('of streams are an error at once', async () => {
    const { storage, lines } = fake({ 'PUT *': new NetworkError('reset') })
    await failureOf(storage.write('c/a', new Blob(['x']).stream()))
    expect(lines()).toHaveLength(1)
  })
})

describe('a move', () => {
  it('copies and removes, and never asks Swift to move', async () => {
    const { storage, requests, lines } = fake({
      'PUT *': { status: 201, headers: { etag: tag } },
      'HEAD *': {},
      'DELETE *': { status: 204 },
    })
    expect(await all(storage.move('c/a', 'd/b'))).toMatchObject([{ etag: tag }])
    expect(lines()).toEqual(['PUT /d/b', 'HEAD /c/a?format=json', 'DELETE /c/a'])
    expect(requests().flatMap(({ headers }) => Object.keys(headers))).not.toContain('x-move-from')
  })

  it('removes nothing unless the copy is made', async () => {
    const { storage, lines } = fake({ 'PUT *': { status: 413 } })
    expect((await failureOf(storage.move('c/a', 'd/b'))).status).toBe(413)
    expect(lines()).toEqual(['PUT /d/b'])
  })

  it('of a manifest leaves the segments alone', async () => {
    const { storage, lines } = fake({ 'PUT *': { status: 201 }, 'DELETE *': { status: 204 } })
    await all(storage.move('c/a', 'd/b', { manifest: true }))
    expect(lines()).toEqual(['PUT /d/b?multipart-manifest=get', 'DELETE /c/a'])
  })
})

describe('a temporary address', () => {
  const key = 'a-secret-of-42'
  const sign = (digest: string, content: string) => createHmac(digest, key).update(content).digest('hex')
  const expires = new Date('2096-01-02T03:04:05.1Z')

  it.each([
    ['https://swift.test/v1/AUTH_own', '/v1/AUTH_own', '/v1/AUTH_own'],
    ['https://ceph.test/swift/v1/AUTH_own', '/swift/v1/AUTH_own', '/v1/AUTH_own'],
    ['https://swift.test/v1/AUTH_%C3%BC', '/v1/AUTH_%C3%BC', '/v1/AUTH_ü'],
  ])('at %s is signed for what the path means', async (store, path, meant) => {
    const { storage, lines } = fake({}, store)
    const [url] = await all(storage.temporaryUrl('c d/a//../ü?', { key, method: 'GET', expires }))
    const signature = sign('sha256', `GET\n3976311846\n${meant}/c d/a//../ü?`)
    expect(url).toBe(
      `${new URL(store).origin}${path}/c%20d/a//../%C3%BC%3F?temp_url_sig=${signature}&temp_url_expires=3976311846`,
    )
    expect(lines()).toEqual([])
  })

  it('may be good for a prefix, in another account, with a name', async () => {
    const { storage } = fake({})
    const target = { account: 'AUTH_other', container: 'c', object: 'a b/c' }
    const options = { key, method: 'PUT', expires, prefix: 'a b/', fileName: 'ü', inline: true } as const
    const [url] = await all(storage.temporaryUrl(target, { ...options, digest: 'sha1' }))
    const signature = sign('sha1', 'PUT\n3976311846\nprefix:/v1/AUTH_other/c/a b/')
    expect(url).toBe(
      `https://swift.test/v1/AUTH_other/c/a%20b/c?temp_url_sig=${signature}&temp_url_expires=3976311846` +
        '&temp_url_prefix=a%20b%2F&filename=%C3%BC&inline',
    )
  })

  it('ends so many seconds after it was asked for', async () => {
    const { storage } = fake({})
    const before = Math.floor(Date.now() / 1000)
    const [url = ''] = await all(storage.temporaryUrl('c/a', { key, method: 'GET', expires: 3600 }))
    const end = Number(/temp_url_expires=(\d+)/.exec(url)?.[1])
    expect(end - before).toBeGreaterThanOrEqual(3600)
    expect(end - before).toBeLessThan(3700)
  })

  it('has a key that is in no error, event or answer', async () => {
    const { client, storage } = fake({
      'POST *': { status: 500, body: `no: ${key}` },
      'HEAD *': {
        status: 204,
        headers: { 'x-account-meta-temp-url-key': key, 'x-container-meta-temp-url-key-2': key },
      },
    })
    const events: TrafficEvent[] = []
    const watching = client.traffic.subscribe((event) => events.push(event))
    const told = [
      await failureOf(storage.setTemporaryUrlKey(key)),
      await failureOf(storage.setTemporaryUrlKey(key, { container: 'c' })),
      ...(await all(storage.account.get())),
      ...(await all(storage.containers.get('c'))),
      storage.setTemporaryUrlKey(key),
      storage.temporaryUrl('c/a', { key, method: 'GET', expires }),
      events,
    ]
    watching.unsubscribe()
    expect(events.length).toBeGreaterThan(4)
    for (const one of told) expect(inspect(one, { depth: 9, showHidden: true })).not.toContain(key)
    expect(JSON.stringify(told.filter((one) => !('subscribe' in one)))).not.toContain(key)
  })
})
