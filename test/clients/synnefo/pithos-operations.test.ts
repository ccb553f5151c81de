import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { from, lastValueFrom, map, NEVER, throwError, toArray, type Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { Pithos } from '../../../src/clients/synnefo/index.js'
import {
  HttpError,
  isHttpError,
  NetworkError,
  ResponseFormatError,
  ServerError,
} from '../../../src/errors.js'
import type { HttpRequest, StreamingBody } from '../../../src/http/types.js'
import { createPithosFake, type Answer, type PithosFake } from './pithos-fake.js'

/** Answers all requests alike, or in turn with the last one again and again. */
function answering(...answers: readonly (Answer | Observable<Answer>)[]): PithosFake {
  const fake = createPithosFake()
  fake.interfere = () => answers[Math.min(fake.requests.length, answers.length) - 1]
  return fake
}
const all = <T>(source: Observable<T>): Promise<T[]> => lastValueFrom(source.pipe(toArray()))
const md5 = (content: string): string => createHash('md5').update(content).digest('hex')
const ada = '11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa'
const bob = '22222222-bbbb-4bbb-8bbb-bbbbbbbbbbbb'
const lost = throwError(() => new NetworkError('reset', { retryable: true }))

/** The headers that are of the operation and not of every request. */
function headersOf({ headers }: HttpRequest): Record<string, string> {
  const { accept: _accept, 'user-agent': _agent, ...own } = headers
  return own
}

describe('requests', () => {
  type Row = readonly [
    what: string,
    answer: Answer,
    make: (pithos: Pithos) => Observable<unknown>,
    line: string,
    headers: Record<string, string>,
  ]
  const made: Answer = { status: 201 }
  const changed: Answer = { status: 202 }
  const updated: Answer = { status: 204 }
  const listed: Answer = { status: 200, json: [] }
  const found: Answer = { status: 200 }
  const since = new Date('2026-11-21T12:00:00.900Z')
  const rows: readonly Row[] = [
    [
      'account as it was',
      updated,
      ({ account }) => account.get({ until: 17, ifModifiedSince: since }),
      'HEAD /{account}?format=json&until=17',
      { 'if-modified-since': 'Sat, 21 Nov 2026 12:00:00 GMT' },
    ],
    [
      'account changed',
      changed,
      ({ account }) =>
        account.update({ metadata: { 'grün%': 'ä%', old: null }, groups: { team: [ada, bob], gone: null } }),
      'POST /{account}?update&format=json',
      {
        'x-account-meta-gr%C3%BCn%25': '%C3%A4%25',
        'x-account-meta-old': '',
        'x-account-group-team': `${ada},${bob}`,
        'x-account-group-gone': '',
      },
    ],
    [
      'account replaced',
      changed,
      ({ account }) =>
        account.update({ metadata: { a: 'b', old: null }, groups: { gone: null } }, { replace: true }),
      'POST /{account}?format=json',
      { 'x-account-meta-a': 'b' },
    ],
    [
      'accounts that share',
      listed,
      (pithos) => pithos.sharedWithMe({ limit: 5, marker: 'a b' }),
      'GET /?format=json&limit=5&marker=a%20b',
      {},
    ],
    [
      'containers of somebody',
      listed,
      ({ containers }) => containers.list({ account: bob, shared: true, public: true, until: 3 }),
      `GET /${bob}?format=json&limit=10000&shared&public&until=3`,
      {},
    ],
    [
      'containers if changed',
      listed,
      ({ containers }) => containers.list({}, { ifUnmodifiedSince: since }),
      'GET /{account}?format=json&limit=10000',
      { 'if-unmodified-since': 'Sat, 21 Nov 2026 12:00:00 GMT' },
    ],
    [
      'container as it was',
      updated,
      ({ containers }) => containers.get('c', { until: 17, ifUnmodifiedSince: since }),
      'HEAD /{account}/c?format=json&until=17',
      { 'if-unmodified-since': 'Sat, 21 Nov 2026 12:00:00 GMT' },
    ],
    [
      'container changed',
      changed,
      ({ containers }) =>
        containers.update('c', { quota: 0, versioning: 'none', project: 'ü', metadata: { a: null } }),
      'POST /{account}/c?update&format=json',
      {
        'x-container-policy-quota': '0',
        'x-container-policy-versioning': 'none',
        'x-container-policy-project': '%C3%BC',
        'x-container-meta-a': '',
      },
    ],
    [
      'container back to defaults',
      changed,
      ({ containers }) =>
        containers.update('c', { quota: null, versioning: null, metadata: {} }, { replace: true }),
      'POST /{account}/c?format=json',
      { 'x-container-policy-quota': '', 'x-container-policy-versioning': '' },
    ],
    [
      'contents removed',
      updated,
      ({ containers }) => containers.clear('c'),
      'DELETE /{account}/c?format=json&delimiter=%2F',
      {},
    ],
    [
      'history purged',
      updated,
      ({ containers }) => containers.purge('c', { until: 1_700_000_000 }),
      'DELETE /{account}/c?format=json&until=1700000000',
      {},
    ],
    [
      'objects by everything',
      listed,
      (pithos) =>
        pithos.list(
          { account: bob, container: 'c' },
          { path: 'a b', shared: true, public: true, meta: ['Key', '!Other', 'n>=5'], until: 3, limit: 7 },
          { ifModifiedSince: since },
        ),
      `GET /${bob}/c?format=json&limit=7&path=a%20b&shared&public&meta=Key%2C!Other%2Cn%3E%3D5&until=3`,
      { 'if-modified-since': 'Sat, 21 Nov 2026 12:00:00 GMT' },
    ],
    [
      'object with conditions',
      found,
      (pithos) =>
        pithos.info('c/o', { version: 7, ifMatch: 'abc', ifNoneMatch: '*', ifModifiedSince: since }),
      'HEAD /{account}/c/o?format=json&version=7',
      {
        'if-match': '"abc"',
        'if-none-match': '*',
        'if-modified-since': 'Sat, 21 Nov 2026 12:00:00 GMT',
      },
    ],
    [
      'object from an offset',
      found,
      (pithos) => pithos.read('c/o', { range: { offset: 5 }, version: 7 }),
      'GET /{account}/c/o?format=json&version=7',
      { range: 'bytes=5-' },
    ],
    [
      'several ranges',
      found,
      (pithos) => pithos.readRanges('c/o', [{ offset: 0, length: 2 }, { last: 3 }], { ifMatch: 'x' }),
      'GET /{account}/c/o?format=json',
      { range: 'bytes=0-1,-3', 'if-match': '"x"' },
    ],
    [
      'hashes if changed',
      { status: 200, json: { block_hash: 'sha256', block_size: 4, bytes: 0, hashes: [] } },
      (pithos) => pithos.hashes('c/o.xml', { version: 3, ifNoneMatch: 'x' }),
      'GET /{account}/c/o.xml?format=json&hashmap&version=3',
      { 'if-none-match': '"x"' },
    ],
    [
      'versions',
      { status: 200, json: { versions: [] } },
      (pithos) => pithos.versions('c/o'),
      'GET /{account}/c/o?format=json&version=list',
      {},
    ],
    [
      'text',
      made,
      (pithos) =>
        pithos.write('c/o', 'grün', {
          contentType: 'text/plain',
          metadata: { a: 'b' },
          contentEncoding: 'gzip',
          contentDisposition: 'attachment; filename="ü"',
          sharing: { read: ['*'], write: [`${ada}:team`] },
          public: true,
          ifNoneMatch: '*',
        }),
      'PUT /{account}/c/o?format=json',
      {
        'content-type': 'text/plain',
        'x-object-meta-a': 'b',
        'content-encoding': 'gzip',
        'content-disposition': 'attachment; filename="%C3%BC"',
        'x-object-sharing': `read=*;write=${ada}:team`,
        'x-object-public': 'true',
        'if-none-match': '*',
        etag: md5('grün'),
      },
    ],
    [
      'directory',
      made,
      (pithos) => pithos.createDirectory('c/d'),
      'PUT /{account}/c/d?format=json',
      { 'content-type': 'application/directory', etag: md5('') },
    ],
    [
      'manifest',
      made,
      (pithos) => pithos.createManifest('c/whole', 'c d/parts/ü'),
      'PUT /{account}/c/whole?format=json',
      { 'content-type': 'application/octet-stream', 'x-object-manifest': 'c%20d/parts/%C3%BC' },
    ],
    [
      'object changed',
      changed,
      (pithos) =>
        pithos.update(
          'c/o',
          { metadata: { a: 'b', c: null }, contentEncoding: 'x', sharing: null, public: false },
          { ifMatch: 'x' },
        ),
      'POST /{account}/c/o?update&format=json',
      {
        'x-object-meta-a': 'b',
        'x-object-meta-c': '',
        'content-encoding': 'x',
        'x-object-sharing': '',
        'x-object-public': 'false',
        'if-match': '"x"',
      },
    ],
    [
      'object replaced',
      changed,
      (pithos) => pithos.update('c/o', { metadata: { a: 'b', c: null } }, { replace: true }),
      'POST /{account}/c/o?format=json',
      { 'x-object-meta-a': 'b' },
    ],
    [
      'shared',
      changed,
      (pithos) => pithos.share('c/o', { read: [ada, bob] }),
      'POST /{account}/c/o?update&format=json',
      { 'x-object-sharing': `read=${ada},${bob}` },
    ],
    [
      'not shared any more',
      changed,
      (pithos) => pithos.unshare('c/o'),
      'POST /{account}/c/o?update&format=json',
      { 'x-object-sharing': '' },
    ],
    [
      'not published any more',
      changed,
      (pithos) => pithos.unpublish('c/o'),
      'POST /{account}/c/o?update&format=json',
      { 'x-object-public': 'false' },
    ],
    [
      'copy, which says nothing of publication',
      made,
      (pithos) => pithos.copy('c d/ü%', 'e//f'),
      'PUT /{account}/e//f?format=json&ignore_content_type',
      { 'x-copy-from': '/c%20d/%C3%BC%25' },
    ],
    [
      'copy with all it can have',
      made,
      (pithos) =>
        pithos.copy(
          { account: ada, container: 'c', object: '/a' },
          { account: bob, container: 'd', object: 'b' },
          {
            version: 7,
            contentType: 'text/plain',
            metadata: { a: 'b' },
            public: true,
            recursive: true,
            ifNoneMatch: '*',
          },
        ),
      `PUT /${bob}/d/b?format=json&delimiter=%2F`,
      {
        'content-type': 'text/plain',
        'x-object-meta-a': 'b',
        'x-object-public': 'true',
        'x-source-version': '7',
        'x-copy-from': '/c//a',
        'x-source-account': ada,
        'if-none-match': '*',
      },
    ],
    [
      'copy on conditions of the source',
      made,
      (pithos) =>
        pithos.copy('c/a', { account: bob, container: 'd', object: 'ü' }, { sourceIfMatch: 'x', version: 3 }),
      'COPY /{account}/c/a?format=json&ignore_content_type',
      {
        'x-source-version': '3',
        destination: '/d/%C3%BC',
        'destination-account': bob,
        'if-match': '"x"',
      },
    ],
    [
      'move',
      made,
      (pithos) => pithos.move('c/a', 'd/b', { recursive: true, ifMatch: 'x' }),
      'PUT /{account}/d/b?format=json&delimiter=%2F&ignore_content_type',
      { 'x-move-from': '/c/a', 'if-match': '"x"' },
    ],
    [
      'move on conditions of the source',
      made,
      (pithos) => pithos.move('c/a', 'd/b', { sourceIfNoneMatch: 'x', contentType: 'text/plain' }),
      'MOVE /{account}/c/a?format=json',
      { 'content-type': 'text/plain', destination: '/d/b', 'if-none-match': '"x"' },
    ],
    [
      'version restored',
      made,
      (pithos) => pithos.restore('c/a', 7),
      'PUT /{account}/c/a?format=json&ignore_content_type',
      { 'x-source-version': '7', 'x-copy-from': '/c/a' },
    ],
    [
      'trash taken back',
      made,
      (pithos) => pithos.untrash('c/a'),
      'PUT /{account}/c/a?format=json&ignore_content_type',
      { 'x-move-from': '/trash/a', 'if-none-match': '*' },
    ],
    [
      'object removed with all below',
      updated,
      (pithos) => pithos.remove('c/a', { recursive: true, until: 5 }),
      'DELETE /{account}/c/a?format=json&until=5&delimiter=%2F',
      {},
    ],
    [
      'append',
      updated,
      (pithos) => pithos.append('c/a', 'more', { ifMatch: 'x' }),
      'POST /{account}/c/a?update&format=json',
      { 'content-type': 'application/octet-stream', 'content-range': 'bytes */*', 'if-match': '"x"' },
    ],
    [
      'overwrite',
      updated,
      (pithos) => pithos.overwrite('c/a', 10, 'four'),
      'POST /{account}/c/a?update&format=json',
      { 'content-type': 'application/octet-stream', 'content-range': 'bytes 10-13/*' },
    ],
    [
      'append of another object',
      updated,
      (pithos) => pithos.overwriteFrom('c/a', { account: bob, container: 'd', object: 'ü' }, { version: 3 }),
      'POST /{account}/c/a?update&format=json',
      {
        'content-range': 'bytes */*',
        'x-source-object': '/d/%C3%BC',
        'x-source-account': bob,
        'x-source-version': '3',
      },
    ],
    [
      'overwrite from another object',
      updated,
      (pithos) => pithos.overwriteFrom('c/a', 'd/b', { offset: 10, length: 5, size: 12 }),
      'POST /{account}/c/a?update&format=json',
      { 'content-range': 'bytes 10-14/*', 'x-source-object': '/d/b', 'x-object-bytes': '12' },
    ],
    [
      'overwrite from another object to its end',
      updated,
      (pithos) => pithos.overwriteFrom('c/a', 'd/b', { offset: 10 }),
      'POST /{account}/c/a?update&format=json',
      { 'content-range': 'bytes 10-/*', 'x-source-object': '/d/b' },
    ],
  ]
  it.each(rows)('%s', async (_what, answer, make, line, headers) => {
    const fake = answering(answer)
    await lastValueFrom(make(fake.pithos), { defaultValue: undefined })
    expect(fake.lines()).toEqual([line])
    expect(fake.requests.map(headersOf)).toEqual([headers])
  })

  it('truncates to the byte before the size, and not at all where it has that size', async () => {
    const size = (bytes: number): Answer => ({
      status: 200,
      headers: { 'content-length': String(bytes), etag: 'x', 'x-object-version': '4' },
    })
    const fake = answering(size(10), { status: 204, headers: { etag: 'y', 'x-object-version': '5' } })
    expect(await lastValueFrom(fake.pithos.truncate('c/a', 4, { ifMatch: 'x' }))).toEqual({
      etag: 'y',
      version: 5,
    })
    expect(fake.lines()).toEqual([
      'HEAD /{account}/c/a?format=json',
      'POST /{account}/c/a?update&format=json',
    ])
    expect(fake.requests.map(headersOf)).toEqual([
      { 'if-match': '"x"' },
      {
        'content-range': 'bytes 0-3/*',
        'x-object-bytes': '4',
        'x-source-object': '/c/a',
        'if-match': '"x"',
      },
    ])
    const empty = answering(size(10), { status: 204 })
    await lastValueFrom(empty.pithos.truncate('c/a', 0))
    expect(empty.requests[1]?.headers).toMatchObject({
      'content-range': 'bytes 0-0/*',
      'x-object-bytes': '0',
    })
    const same = answering(size(10))
    expect(await lastValueFrom(same.pithos.truncate('c/a', 10))).toEqual({ etag: 'x', version: 4 })
    expect(same.lines()).toEqual(['HEAD /{account}/c/a?format=json'])
  })

  it('creates the trash before it moves something there', async () => {
    const fake = answering({ status: 202 }, { status: 201 })
    await lastValueFrom(fake.pithos.trash('c/a'))
    expect(fake.lines()).toEqual([
      'PUT /{account}/trash?format=json',
      'PUT /{account}/trash/a?format=json&ignore_content_type',
    ])
    expect(fake.requests[1]?.headers).toMatchObject({ 'x-move-from': '/c/a' })
  })

  it('asks where an object was published', async () => {
    const url = 'https://store.test/public/x%2Ay'
    const fake = answering({ status: 202 }, { status: 200, headers: { 'x-object-public': url } })
    expect(await lastValueFrom(fake.pithos.publish('c/a'))).toBe('https://store.test/public/x*y')
    expect(fake.lines()).toEqual([
      'POST /{account}/c/a?update&format=json',
      'HEAD /{account}/c/a?format=json',
    ])
    const silent = answering({ status: 202 }, { status: 200 })
    await expect(lastValueFrom(silent.pithos.publish('c/a'))).rejects.toBeInstanceOf(ResponseFormatError)
  })

  it('accepts the statuses of both dialects', async () => {
    for (const status of [202, 204]) {
      const { pithos } = answering({ status })
      const changes = [
        pithos.account.update({ metadata: { a: 'b' } }),
        pithos.containers.update('c', { metadata: { a: 'b' } }),
        pithos.update('c/o', { metadata: { a: 'b' } }),
      ]
      for (const change of changes) expect(await all(change)).toHaveLength(1)
    }
    expect(await lastValueFrom(answering({ status: 200 }).pithos.account.get())).toMatchObject({
      bytes: undefined,
    })
  })
})

describe('arguments are checked at the call', () => {
  const { pithos, requests } = createPithosFake()
  const since = new Date(Number.NaN)
  const wrong: readonly (readonly [RegExp, () => unknown])[] = [
    [/^options\.until/, () => pithos.account.get({ until: 1.5 })],
    [/^options\.account/, () => pithos.account.get({ account: '' })],
    [/^options\.ifModifiedSince/, () => pithos.account.get({ ifModifiedSince: since })],
    [/^changes\.metadata\.a: .*null/, () => pithos.account.update({ metadata: { a: '' } })],
    [/^changes\.metadata\.a: .*'~'/, () => pithos.account.update({ metadata: { a: '~' } })],
    [/^changes\.groups\.a-b/, () => pithos.account.update({ groups: { 'a-b': [ada] } })],
    [/^changes\.groups\.a_b/, () => pithos.account.update({ groups: { a_b: [ada] } })],
    [/^changes\.groups\.a: .*list/, () => pithos.account.update({ groups: { a: [] } })],
    [/^changes\.groups\.a: .*UUIDs/, () => pithos.account.update({ groups: { a: ['x,y'] } })],
    [/^changes\.groups\.a: .*'~'/, () => pithos.account.update({ groups: { a: ['~'] } })],
    [/^filter\.until/, () => pithos.containers.list({ until: -1 })],
    [/^filter\.account/, () => pithos.containers.list({ account: '' })],
    [/^options\.until/, () => pithos.containers.get('c', { until: Number.NaN })],
    [/^settings\.quota/, () => pithos.containers.create('c', { quota: 1.5 })],
    [/^settings\.versioning/, () => pithos.containers.create('c', { versioning: 'on' as never })],
    [/^settings\.project/, () => pithos.containers.create('c', { project: '' })],
    [/^changes\.quota/, () => pithos.containers.update('c', { quota: -1 })],
    [/^past\.until/, () => pithos.containers.purge('c', { until: 1_700_000_000.5 })],
    [/^past\.until/, () => pithos.containers.purge('c', {} as never)],
    [/^filter\.until/, () => pithos.list('c', { until: '5' as never })],
    [/^filter\.meta/, () => pithos.list('c', { meta: [] })],
    [/^filter\.meta/, () => pithos.list('c', { meta: ['a,b'] })],
    [/^filter\.prefix/, () => pithos.list('c', { prefix: '\ud800' })],
    [/^filter\.delimiter/, () => pithos.list('c', { prefix: '/a', delimiter: '/' })],
    [/^filter\.marker/, () => pithos.sharedWithMe({ marker: 5 as never })],
    [/^options\.version/, () => pithos.info('c/o', { version: -1 })],
    [/^options\.version/, () => pithos.read('c/o', { version: 'abc' })],
    [/^options\.ifMatch/, () => pithos.info('c/o', { ifMatch: '' })],
    [/^options\.range\.length/, () => pithos.read('c/o', { range: { offset: 0, length: 0 } })],
    [/^options\.range\.last/, () => pithos.read('c/o', { range: { last: 0 } })],
    [/^options\.limit/, () => pithos.read('c/o', { limit: -1 })],
    [/^ranges:/, () => pithos.readRanges('c/o', [])],
    [/^ranges\[1\]\.offset/, () => pithos.readRanges('c/o', [{ last: 1 }, { offset: 0.5 }])],
    [/^options\.version/, () => pithos.hashes('c/o', { version: 0.5 })],
    [/^version/, () => pithos.restore('c/o', 1.5)],
    [/^content/, () => pithos.write('c/o', new URL('file:///etc/hosts') as never)],
    [/^content/, () => pithos.write('c/o', 5 as never)],
    [/^options\.contentType/, () => pithos.write('c/o', '', { contentType: 'grün' })],
    [/^options\.contentEncoding/, () => pithos.write('c/o', '', { contentEncoding: '' })],
    [/^options\.public/, () => pithos.write('c/o', '', { public: 'yes' as never })],
    [/^options\.sharing/, () => pithos.write('c/o', '', { sharing: {} })],
    [/^changes\.sharing\.read/, () => pithos.share('c/o', { read: [] })],
    [/^changes\.sharing\.write/, () => pithos.share('c/o', { write: ['a;b'] })],
    [/^changes\.sharing\.read: .*'~'/, () => pithos.share('c/o', { read: ['~'] })],
    [/^parts/, () => pithos.createManifest('c/o', 'c')],
    [/^from/, () => pithos.copy('c', 'c/o')],
    [/^to/, () => pithos.move('c/o', 'c')],
    [/^options\.version/, () => pithos.copy('c/o', 'c/p', { version: 0.5 })],
    [/^options\.version/, () => pithos.move('c/o', 'c/p', { version: 5 } as never)],
    [/^options\.sourceIfMatch/, () => pithos.copy('c/o', 'c/p', { sourceIfMatch: 'x', ifMatch: 'y' })],
    [/^options\.until/, () => pithos.remove('c/o', { until: 0.5 })],
    [/^offset/, () => pithos.overwrite('c/o', -1, 'x')],
    [/^content/, () => pithos.overwrite('c/o', 0, '')],
    [/^size/, () => pithos.truncate('c/o', 0.5)],
    [/^source/, () => pithos.overwriteFrom('c/o', 'c')],
    [/^options\.length/, () => pithos.overwriteFrom('c/o', 'c/p', { length: 5 })],
    [/^options\.length/, () => pithos.overwriteFrom('c/o', 'c/p', { offset: 0, length: 0 })],
    [/^options\.size/, () => pithos.overwriteFrom('c/o', 'c/p', { size: -1 })],
  ]
  it.each(wrong)('%s', (message, make) => {
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
    expect(requests).toEqual([])
  })
})

describe('answers', () => {
  it('tells groups, quotas of projects and the time of an account', async () => {
    const { pithos } = answering({
      status: 204,
      headers: {
        'x-account-policy-quota': '30',
        [`x-account-policy-quota-${ada}`]: '10',
        [`x-account-policy-quota-${bob}`]: '20',
        'x-account-group-team': `${ada},${bob}`,
        'x-account-until-timestamp': 'Sat, 21 Nov 2026 12:00:00 GMT',
      },
    })
    expect(await lastValueFrom(pithos.account.get())).toMatchObject({
      quota: 30,
      projectQuotas: { [ada]: 10, [bob]: 20 },
      groups: { team: [ada, bob] },
      until: 'Sat, 21 Nov 2026 12:00:00 GMT',
    })
  })

  it('reads the quota and the versioning of both dialects', async () => {
    const info = (headers: Record<string, string>) =>
      lastValueFrom(answering({ status: 204, headers }).pithos.containers.get('c'))
    expect(await info({ 'x-container-meta-quota-bytes': '5', 'x-versions-enabled': 'True' })).toMatchObject({
      quota: 5,
      versioning: 'auto',
    })
    expect(await info({ 'x-versions-enabled': 'false' })).toMatchObject({ versioning: 'none' })
    expect(await info({ 'x-container-object-meta': 'Key,Gr%C3%BCn' })).toMatchObject({
      versioning: undefined,
      objectMetadata: ['Key', 'Grün'],
    })
  })

  it('decodes what the server has encoded of an object', async () => {
    const { pithos } = answering({
      status: 200,
      headers: {
        'content-length': '5',
        'x-object-sharing': `read=%2A; write=${ada},${bob}:team`,
        'x-object-shared-by': `${ada}/c/d%2B`,
        'x-object-allowed-to': 'read',
        'x-object-public': 'https://store.test/public/%7Ea',
        'content-encoding': 'gzip',
        'content-disposition': 'attachment; filename="%C3%BC"',
        'x-object-meta-my-key': '100%25',
      },
    })
    expect(await lastValueFrom(pithos.info('c/o'))).toMatchObject({
      sharing: { read: ['*'], write: [ada, `${bob}:team`] },
      sharedBy: `${ada}/c/d+`,
      allowedTo: 'read',
      publicUrl: 'https://store.test/public/~a',
      contentEncoding: 'gzip',
      contentDisposition: 'attachment; filename="ü"',
      metadata: { 'my-key': '100%' },
    })
    const plain = await lastValueFrom(answering({ status: 200 }).pithos.info('c/o'))
    expect(plain).toMatchObject({ sharing: undefined, publicUrl: undefined })
  })

  it('tells versions with their time as a number, however it came', async () => {
    const { pithos } = answering({
      status: 200,
      json: {
        versions: [
          [85, '1322734861.248469'],
          [86, 5.5],
        ],
      },
    })
    expect(await lastValueFrom(pithos.versions('c/o').pipe(toArray()))).toEqual([
      { version: 85, timestamp: 1_322_734_861.248469 },
      { version: 86, timestamp: 5.5 },
    ])
  })

  it('does not take what a move answers for a version', async () => {
    const { pithos } = answering({ status: 201, headers: { 'x-object-version': '([12], 10, 10)' } })
    expect(await lastValueFrom(pithos.move('c/a', 'c/b'))).toEqual({ etag: undefined, version: undefined })
  })

  it('is an error of 304 or 412 where a condition is not met', async () => {
    const hashes = lastValueFrom(answering({ status: 304 }).pithos.hashes('c/o', { ifNoneMatch: 'x' }))
    await expect(hashes).rejects.toBeInstanceOf(HttpError)
    await expect(hashes).rejects.toMatchObject({ status: 304 })
    const read = lastValueFrom(answering({ status: 412 }).pithos.read('c/o', { ifMatch: 'x' }))
    await expect(read).rejects.toMatchObject({ status: 412 })
  })
})

describe('reading', () => {
  const whole: Answer = { status: 200, body: Buffer.from('0123456789') }

  it('cuts out what was asked for where the server ignores ranges', async () => {
    const { pithos } = answering(whole)
    const text = async (range: Parameters<Pithos['readRanges']>[1][number]) => {
      const { bytes, offset, info } = await lastValueFrom(pithos.read('c/o', { range }))
      return [Buffer.from(bytes).toString(), offset, info.bytes]
    }
    expect(await text({ offset: 2, length: 3 })).toEqual(['234', 2, 10])
    expect(await text({ offset: 8 })).toEqual(['89', 8, 10])
    expect(await text({ last: 4 })).toEqual(['6789', 6, 10])
    expect(await text({ last: 40 })).toEqual(['0123456789', 0, 10])
    expect(await text({ offset: 40, length: 1 })).toEqual(['', 10, 10])
    const { parts } = await lastValueFrom(pithos.readRanges('c/o', [{ last: 1 }, { offset: 0, length: 1 }]))
    expect(parts.map(({ bytes, offset }) => [Buffer.from(bytes).toString(), offset])).toEqual([
      ['9', 9],
      ['0', 0],
    ])
  })

  it('takes parts apart by their lengths, whatever is in them', async () => {
    const part = (range: string, content: string): string =>
      `--b0\r\nContent-Range: bytes ${range}/30\r\nContent-Transfer-Encoding: binary\r\n\r\n${content}\r\n`
    const tricky = '\r\n--b0--\r\n'
    const { pithos } = answering({
      status: 206,
      headers: { 'content-type': 'multipart/byteranges; boundary=b0', 'x-object-version': '3' },
      body: Buffer.from(`${part('0-9', tricky)}${part('20-21', 'ab')}--b0--\r\n`),
    })
    const answer = await lastValueFrom(
      pithos.readRanges('c/o', [
        { offset: 0, length: 10 },
        { offset: 20, length: 2 },
      ]),
    )
    expect(answer.parts.map(({ offset, bytes }) => [offset, Buffer.from(bytes).toString()])).toEqual([
      [0, tricky],
      [20, 'ab'],
    ])
    expect(answer.info).toMatchObject({ bytes: 30, version: 3, contentType: undefined })
  })

  const multipart = { 'content-type': 'multipart/byteranges; boundary="b0"' }
  const broken: readonly (readonly [string, Record<string, string>, string])[] = [
    ['no range is told', {}, 'ab'],
    ['the range is of other bytes', { 'content-range': 'bytes 0-9/10' }, 'ab'],
    ['there is no part', multipart, ''],
    ['a part has no end to its headers', multipart, '--b0\r\nContent-Range: bytes 0-1/2'],
    ['a part is cut off', multipart, '--b0\r\nContent-Range: bytes 0-9/10\r\n\r\nab'],
    ['a part does not say which', multipart, '--b0\r\nA: b\r\n\r\nab\r\n--b0--'],
  ]
  it.each(broken)('is an error if %s', async (_what, headers, body) => {
    const { pithos } = answering({ status: 206, headers, body: Buffer.from(body) })
    const failed = lastValueFrom(pithos.readRanges('c/o', [{ offset: 0, length: 2 }]))
    await expect(failed).rejects.toBeInstanceOf(ResponseFormatError)
  })

  it('holds no more than the limit', async () => {
    const { pithos } = answering(whole)
    const read = async (limit: number) => (await lastValueFrom(pithos.read('c/o', { limit }))).bytes
    expect(Buffer.from(await read(10)).toString()).toBe('0123456789')
    await expect(read(9)).rejects.toBeInstanceOf(ResponseFormatError)
    await expect(read(9)).rejects.toThrow(/larger than the limit of 9 bytes/)
    const told = answering({ ...whole, headers: { 'content-length': '10' } })
    await expect(lastValueFrom(told.pithos.read('c/o', { limit: 9 }))).rejects.toThrow(
      /larger than the limit/,
    )
  })

  it('begins anew when it is sent again', async () => {
    const cut: Answer = { status: 503 }
    const { pithos } = answering(cut, whole)
    const { bytes } = await lastValueFrom(pithos.read('c/o', { limit: 10 }))
    expect(Buffer.from(bytes).toString()).toBe('0123456789')
  })
})

describe('objects whose names begin with a slash (pithos dossier 4.4)', () => {
  const names = ['+', '/a', '/b/1', '/b/2', '/c', 'b/3']
  function serve(): PithosFake {
    const fake = createPithosFake()
    fake.interfere = ({ path }) => {
      const query = new URLSearchParams(path.split('?')[1])
      const marker = query.get('marker') ?? ''
      const page = names.filter((name) => name > marker).slice(0, Number(query.get('limit')))
      return { status: 200, json: page.map((name) => ({ name, bytes: 1 })) }
    }
    return fake
  }
  const list = async (fake: PithosFake, filter: Parameters<Pithos['list']>[1]): Promise<unknown[]> => {
    const items = await lastValueFrom(fake.pithos.list('c', filter).pipe(toArray()))
    return items.map(({ name }) => name)
  }

  it('are selected here, for the server cannot', async () => {
    expect(await list(serve(), { prefix: '/b/' })).toEqual(['/b/1', '/b/2'])
    expect(await list(serve(), { prefix: '/', limit: 2 })).toEqual(['/a', '/b/1', '/b/2', '/c'])
    expect(await list(serve(), { prefix: '/', marker: '/b/1' })).toEqual(['/b/2', '/c'])
    expect(await list(serve(), { prefix: '/bb' })).toEqual([])
    const fake = serve()
    await list(fake, { prefix: '/b/', limit: 2 })
    expect(fake.lines()).toEqual([
      'GET /{account}/c?format=json&limit=2&marker=%2Fb',
      'GET /{account}/c?format=json&limit=2&marker=%2Fb%2F2',
    ])
  })
})

describe('writing', () => {
  const made: Answer = { status: 201, headers: { etag: 'x', 'x-object-version': '4' } }
  const bodyOf = (fake: PithosFake): unknown => fake.requests[0]?.body

  it('sends text and bytes as they are, and a Blob with its MD5', async () => {
    const bytes = answering(made)
    const content = Uint8Array.of(1, 2, 3)
    expect(await lastValueFrom(bytes.pithos.write('c/o', content))).toEqual({ etag: 'x', version: 4 })
    expect(bodyOf(bytes)).toBe(content)
    const blob = answering(made)
    await lastValueFrom(blob.pithos.write('c/o', new Blob(['abc'])))
    expect(blob.requests[0]?.headers).toMatchObject({ etag: md5('abc') })
    expect(Buffer.from(bodyOf(blob) as Uint8Array).toString()).toBe('abc')
  })

  it('reads a stream while it is sent, once, and closes it', async () => {
    const stream = Readable.from([Buffer.from('ab'), Buffer.from('c')])
    const received: string[] = []
    const fake = createPithosFake()
    fake.interfere = ({ body }) =>
      from(buffer((body as StreamingBody)())).pipe(
        map((content) => {
          received.push(content.toString())
          return made
        }),
      )
    await lastValueFrom(fake.pithos.write('c/o', stream))
    expect(received).toEqual(['abc'])
    expect(fake.requests[0]?.headers).not.toHaveProperty('etag')
    expect(stream.destroyed).toBe(true)
  })

  it('does not send a stream again, and does again what is at hand', async () => {
    const busy: Answer = { status: 503 }
    const stream = answering(busy)
    await expect(
      lastValueFrom(stream.pithos.write('c/o', Readable.from([Buffer.from('a')]))),
    ).rejects.toBeInstanceOf(ServerError)
    expect(stream.requests).toHaveLength(1)
    const bytes = answering(busy, made)
    await lastValueFrom(bytes.pithos.write('c/o', 'a'))
    expect(bytes.requests).toHaveLength(2)
  })

  it('stops when unsubscribed from, and closes the stream', () => {
    const fake = answering(NEVER)
    const stream = Readable.from([Buffer.from('a')])
    fake.pithos.append('c/o', stream).subscribe().unsubscribe()
    return expect.poll(() => stream.destroyed).toBe(true)
  })
})

describe('what is sent again, and what is not', () => {
  const busy: Answer = { status: 503 }
  const sent = async (make: (pithos: Pithos) => Observable<unknown>): Promise<number> => {
    const fake = answering(busy)
    await expect(lastValueFrom(make(fake.pithos))).rejects.toBeInstanceOf(ServerError)
    return fake.requests.length
  }

  it('an append only with a condition', async () => {
    expect(await sent((pithos) => pithos.append('c/o', 'x'))).toBe(1)
    expect(await sent((pithos) => pithos.append('c/o', 'x', { ifMatch: 'y' }))).toBe(3)
    const stream = () => Readable.from([Buffer.from('x')])
    expect(await sent((pithos) => pithos.append('c/o', stream(), { ifMatch: 'y' }))).toBe(1)
  })

  it('an overwrite, which is the same twice; but not from the object itself', async () => {
    expect(await sent((pithos) => pithos.overwrite('c/o', 0, 'x'))).toBe(3)
    expect(await sent((pithos) => pithos.overwriteFrom('c/o', 'c/p', { offset: 0 }))).toBe(3)
    expect(await sent((pithos) => pithos.overwriteFrom('c/o', 'c/o', { offset: 0 }))).toBe(1)
    expect(await sent((pithos) => pithos.overwriteFrom('c/o', 'c/p'))).toBe(1)
    expect(await sent((pithos) => pithos.overwriteFrom('c/o', 'c/p', { ifMatch: 'x' }))).toBe(3)
  })

  it('a copy, not a move', async () => {
    expect(await sent((pithos) => pithos.copy('c/o', 'c/p'))).toBe(3)
    expect(await sent((pithos) => pithos.move('c/o', 'c/p'))).toBe(1)
    expect(await sent((pithos) => pithos.move('c/o', 'c/p', { sourceIfMatch: 'x' }))).toBe(1)
  })

  it('changes of what is kept with something', async () => {
    expect(await sent((pithos) => pithos.account.update({ metadata: { a: 'b' } }))).toBe(3)
    expect(await sent((pithos) => pithos.containers.update('c', { quota: 5 }))).toBe(3)
    expect(await sent((pithos) => pithos.share('c/o', { read: ['*'] }))).toBe(3)
  })
})

describe('the echo of a success whose answer was lost (pithos dossier 9.5)', () => {
  const refused: Answer = { status: 412 }
  const hashOf = (content: string): string => createHash('sha256').update(content).digest('hex')
  const present = (content: string): readonly Answer[] => [
    {
      status: 200,
      headers: { 'content-length': String(content.length), etag: 'now', 'x-object-version': '9' },
    },
    {
      status: 200,
      json: {
        block_hash: 'sha256',
        block_size: 4,
        bytes: content.length,
        hashes: (content.match(/.{1,4}/g) ?? ['']).map(hashOf),
      },
    },
  ]

  it('is told from a refusal by the content', async () => {
    for (const content of ['hello world', '', 'four']) {
      const fake = answering(lost, refused, ...present(content))
      const written = fake.pithos.write('c/o', content, { ifNoneMatch: '*' })
      expect(await lastValueFrom(written)).toEqual({ etag: 'now', version: 9 })
      expect(fake.lines().slice(2)).toEqual([
        'HEAD /{account}/c/o?format=json',
        'GET /{account}/c/o?format=json&hashmap',
      ])
      expect(fake.requests[3]?.headers).toMatchObject({ 'if-match': '"now"' })
    }
  })

  it('is none if there is other content, or nothing can be found out', async () => {
    const other = [present('hello wOrld'), present('shorter'), [{ status: 404 }], [{ status: 403 }]]
    for (const answers of other) {
      const fake = answering(lost, refused, ...answers)
      const failed = lastValueFrom(fake.pithos.write('c/o', 'hello world', { ifMatch: 'x' }))
      await expect(failed).rejects.toMatchObject({ status: 412, attempts: 2 })
    }
  })

  it('is not looked for after a single attempt', async () => {
    const fake = answering(refused, ...present('a'))
    const failed = lastValueFrom(fake.pithos.write('c/o', 'a', { ifNoneMatch: '*' }))
    await expect(failed).rejects.toMatchObject({ status: 412 })
    expect(fake.requests).toHaveLength(1)
  })

  it('of a copy is told by the hash of the source', async () => {
    const state = (hash: string, bytes = 3): Answer => ({
      status: 200,
      headers: { 'x-object-hash': hash, 'content-length': String(bytes), 'x-object-version': '9' },
    })
    const fake = answering(lost, refused, state('h'), state('h'))
    const copied = fake.pithos.copy('c/a', 'c/b', { ifNoneMatch: '*', version: 7 })
    expect(await lastValueFrom(copied)).toEqual({ etag: undefined, version: 9 })
    expect(fake.lines().slice(2)).toEqual([
      'HEAD /{account}/c/a?format=json&version=7',
      'HEAD /{account}/c/b?format=json',
    ])
    for (const answers of [
      [state('h'), state('i')],
      [state('h'), state('h', 4)],
      [{ status: 200 }, { status: 200 }],
    ]) {
      const another = answering(lost, refused, ...answers)
      const failed = lastValueFrom(another.pithos.copy('c/a', 'c/b', { ifNoneMatch: '*' }))
      await expect(failed).rejects.toSatisfy((error) => isHttpError(error, 412))
    }
  })

  it('of a removal is that it is gone', async () => {
    const gone: Answer = { status: 404 }
    for (const remove of [
      (pithos: Pithos) => pithos.remove('c/o'),
      (pithos: Pithos) => pithos.containers.remove('c'),
    ]) {
      expect(await all(remove(answering(lost, gone).pithos))).toHaveLength(1)
      await expect(lastValueFrom(remove(answering(gone).pithos))).rejects.toMatchObject({ status: 404 })
    }
  })
})
