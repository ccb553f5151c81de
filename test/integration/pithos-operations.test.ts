import { once } from 'node:events'
import { Readable } from 'node:stream'
import { concat, lastValueFrom, toArray, type Observable } from 'rxjs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  createSynnefo,
  type ObjectTarget,
  type Pithos,
  type SynnefoClient,
  type SynnefoConfig,
} from '../../src/clients/synnefo/index.js'
import {
  ConflictError,
  HttpError,
  NetworkError,
  NotFoundError,
  PermissionError,
  TransferError,
  ValidationError,
} from '../../src/errors.js'
import { constant } from '../../src/operators/index.js'
import {
  startCloud,
  type EmbeddedCloud,
  type Fault,
  type RecordedRequest,
} from '../../src/testing/cloud/index.js'
import { serveHttp } from '../http/loopback.js'

let cloud: EmbeddedCloud
/** The first user's store, and the second one's. */
let pithos: Pithos
let theirs: Pithos
let ada: string
let bob: string
let clients: SynnefoClient[] = []

function connect(config: Partial<SynnefoConfig> = {}): Pithos {
  const { authUrl, token } = cloud.synnefo
  const client = createSynnefo({ authUrl, token, retry: { backoff: constant(1) }, ...config })
  clients.push(client)
  return client.pithos
}

beforeAll(async () => {
  cloud = await startCloud({ clouds: ['synnefo'], synnefo: { blockSize: 1024 } })
  const { user, other } = cloud.synnefo
  ada = user.id
  bob = other.user.id
  pithos = connect({ renew: () => cloud.synnefo.token })
  theirs = connect({ token: other.token })
})
afterAll(async () => {
  for (const client of clients) client.close()
  clients = []
  await cloud.close()
})

/** Each test has a container of its own, so that one need not wait for another. */
let c: string
let containers = 0
beforeEach(async () => {
  containers += 1
  c = `c${String(containers)}`
  await get(pithos.containers.create(c))
})
afterEach(() => {
  cloud.faults.clear()
})

const get = <T>(source: Observable<T>): Promise<T> => lastValueFrom(source)
const all = <T>(source: Observable<T>): Promise<T[]> => lastValueFrom(source.pipe(toArray()))
const errorOf = (source: Observable<unknown>): Promise<unknown> =>
  all(source).then(
    () => undefined,
    (error: unknown) => error,
  )
async function textOf(target: ObjectTarget, store: Pithos = pithos): Promise<string> {
  return Buffer.from((await get(store.read(target))).bytes).toString()
}
async function namesOf(source: Observable<{ name?: unknown; subdir?: unknown }>): Promise<unknown[]> {
  return (await all(source)).map(({ name, subdir }) => subdir ?? name)
}
/** Of somebody else's account. */
const of = (account: string, object: string) => ({ account, container: c, object })
/** What this test's container was asked for. */
function asked(method: string, path = ''): RecordedRequest[] {
  return cloud.requests({ method }).filter((request) => request.path.endsWith(`/${c}${path}`))
}
function fault(method: string, path: string, fault: Fault['fault'], times = 1): void {
  cloud.faults.add({ cloud: 'synnefo', method, path: new RegExp(`/${c}${path}$`), times, fault })
}

describe('the account', () => {
  it('keeps metadata under names without regard to case', async () => {
    await get(pithos.account.update({ metadata: { my_KEY: 'grün & 100%', gone: 'x' } }))
    await get(pithos.account.update({ metadata: { gone: null, new: 'y' } }))
    expect((await get(pithos.account.get())).metadata).toEqual({ 'my-key': 'grün & 100%', new: 'y' })
    await get(pithos.account.update({ metadata: { only: 'z' } }, { replace: true }))
    expect((await get(pithos.account.get())).metadata).toEqual({ only: 'z' })
  })

  it('tells its size and quotas', async () => {
    const before = await get(pithos.account.get())
    await get(pithos.write(`${c}/a`, '12345'))
    const { bytes, containers, quota, projectQuotas } = await get(pithos.account.get())
    expect(bytes).toBe((before.bytes ?? 0) + 5)
    expect(containers).toBe(before.containers)
    expect(quota).toBeGreaterThan(0)
    expect(Object.keys(projectQuotas)).toContain(ada)
  })

  it('has groups, which come and go', async () => {
    await get(pithos.account.update({ groups: { team: [ada, bob], two: [bob] } }))
    expect((await get(pithos.account.get())).groups).toEqual({ team: [ada, bob], two: [bob] })
    await get(pithos.account.update({ groups: { two: null } }))
    expect((await get(pithos.account.get())).groups).toEqual({ team: [ada, bob] })
    await get(pithos.account.update({ groups: { three: [ada] } }, { replace: true }))
    expect((await get(pithos.account.get())).groups).toEqual({ three: [ada] })
    const unknown = pithos.account.update({ groups: { team: ['nobody'] } })
    expect(await errorOf(unknown)).toBeInstanceOf(ValidationError)
  })

  it('tells others little, and nothing of the past', async () => {
    await get(pithos.write(`${c}/shared`, 'x', { sharing: { read: [bob] } }))
    expect(await get(theirs.account.get({ account: ada }))).toMatchObject({ bytes: undefined, metadata: {} })
    expect(await errorOf(theirs.account.get({ account: ada, until: 5 }))).toBeInstanceOf(PermissionError)
  })

  it('is told only if it has changed', async () => {
    const future = new Date(Date.now() + 3_600_000)
    expect(await errorOf(pithos.account.get({ ifModifiedSince: future }))).toMatchObject({ status: 304 })
    expect(await errorOf(pithos.account.get({ ifUnmodifiedSince: new Date(0) }))).toMatchObject({
      status: 412,
    })
    expect(await get(pithos.account.get({ ifUnmodifiedSince: future }))).toHaveProperty('bytes')
  })

  it('goes on with a new token when the old one is refused', async () => {
    const renewing = connect({ renew: () => cloud.synnefo.renewToken() })
    await get(renewing.containers.get(c))
    cloud.faults.add({ cloud: 'synnefo', method: 'HEAD', fault: { kind: 'token-revoked' } })
    expect(await get(renewing.account.get())).toHaveProperty('bytes')
    const answers = cloud.requests({ method: 'HEAD' }).slice(-2)
    expect(answers.map(({ status }) => status)).toEqual([401, 204])
  })
})

describe('containers', () => {
  it('are created once, and changed the second time', async () => {
    const settings = { quota: 500, versioning: 'none', metadata: { a: 'b' } } as const
    expect(await get(pithos.containers.create(c, settings))).toEqual({ created: false })
    expect(await get(pithos.containers.get(c))).toMatchObject({
      ...settings,
      count: 0,
      bytes: 0,
      blockSize: 1024,
      blockHash: 'sha256',
      project: ada,
    })
  })

  it('change and go back to the defaults', async () => {
    await get(pithos.containers.update(c, { quota: 500, versioning: 'none', metadata: { a: '1', b: '2' } }))
    await get(pithos.containers.update(c, { metadata: { a: null } }))
    expect(await get(pithos.containers.get(c))).toMatchObject({ quota: 500, metadata: { b: '2' } })
    await get(
      pithos.containers.update(c, { quota: null, versioning: null, metadata: { d: '4' } }, { replace: true }),
    )
    expect(await get(pithos.containers.get(c))).toMatchObject({
      quota: 0,
      versioning: 'auto',
      metadata: { d: '4' },
    })
  })

  it('are charged to another project', async () => {
    const project = cloud.synnefo.sharedProjectId
    await get(pithos.containers.update(c, { project }))
    expect(await get(pithos.containers.get(c))).toMatchObject({ project })
  })

  it('hold no more than their quota, in bytes', async () => {
    await get(pithos.containers.update(c, { quota: 100 }))
    await get(pithos.write(`${c}/fits`, 'x'.repeat(100)))
    expect(await errorOf(pithos.write(`${c}/more`, 'x'))).toMatchObject({ status: 413 })
  })

  it('are listed page after page', async () => {
    for (const name of ['x1', 'x2', 'x3']) await get(pithos.containers.create(`${c}${name}`))
    const listed = await namesOf(pithos.containers.list({ limit: 2, marker: c }))
    expect(listed.filter((name) => String(name).startsWith(`${c}x`))).toEqual([`${c}x1`, `${c}x2`, `${c}x3`])
    expect(await all(pithos.containers.list({ until: 5 }))).toEqual([])
  })

  it('are removed only when they are empty', async () => {
    await get(pithos.write(`${c}/a`, 'x'))
    expect(await errorOf(pithos.containers.remove(c))).toBeInstanceOf(ConflictError)
    await get(pithos.containers.clear(c))
    expect(await namesOf(pithos.list(c))).toEqual([])
    await get(pithos.containers.remove(c))
    expect(await errorOf(pithos.containers.get(c))).toBeInstanceOf(NotFoundError)
    expect(await errorOf(pithos.containers.remove(c))).toBeInstanceOf(NotFoundError)
  })

  it('keep their objects when their history is purged', async () => {
    await get(pithos.write(`${c}/a`, 'old'))
    await get(pithos.write(`${c}/a`, 'new'))
    await get(pithos.write(`${c}/b`, 'gone'))
    await get(pithos.remove(`${c}/b`))
    const until = Math.floor(Date.now() / 1000) + 3600
    await get(pithos.containers.purge(c, { until }))
    expect(await textOf(`${c}/a`)).toBe('new')
    expect(await all(pithos.versions(`${c}/a`))).toHaveLength(1)
    expect(await errorOf(pithos.versions(`${c}/b`))).toBeInstanceOf(NotFoundError)
    // Of an empty one as well, which a plain DELETE would have removed.
    await get(concat(pithos.containers.clear(c), pithos.containers.purge(c, { until })))
    expect(await get(pithos.containers.get(c))).toMatchObject({ count: 0 })
  })

  it('of others are not to be changed', async () => {
    const name = { account: ada, container: c }
    expect(await errorOf(theirs.containers.get(name))).toBeInstanceOf(PermissionError)
    expect(await errorOf(theirs.containers.update(name, { quota: 5 }))).toBeInstanceOf(PermissionError)
    expect(await errorOf(theirs.containers.remove(name))).toBeInstanceOf(PermissionError)
  })

  it('are told only if they have changed', async () => {
    const future = new Date(Date.now() + 3_600_000)
    expect(await errorOf(pithos.containers.get(c, { ifModifiedSince: future }))).toMatchObject({
      status: 304,
    })
    expect(await errorOf(pithos.list(c, {}, { ifModifiedSince: future }))).toMatchObject({ status: 304 })
    expect(await errorOf(pithos.containers.list({}, { ifUnmodifiedSince: new Date(0) }))).toMatchObject({
      status: 412,
    })
    expect(await errorOf(pithos.containers.get(c, { until: 5 }))).toBeInstanceOf(NotFoundError)
  })
})

describe('listings', () => {
  const names = ['a', 'd/1', 'd/2', 'd/e/3', 'd2', 'z']
  beforeEach(async () => {
    for (const name of names) await get(pithos.write(`${c}/${name}`, name))
  })

  it('go by prefix and delimiter, over all pages', async () => {
    for (const limit of [1, 2, 3, 10]) {
      expect(await namesOf(pithos.list(c, { limit }))).toEqual(names)
      expect(await namesOf(pithos.list(c, { limit, delimiter: '/' }))).toEqual(['a', 'd/', 'd2', 'z'])
    }
    expect(await namesOf(pithos.list(c, { prefix: 'd/', delimiter: '/' }))).toEqual(['d/1', 'd/2', 'd/e/'])
    expect(await namesOf(pithos.list(c, { marker: 'd/2' }))).toEqual(['d/e/3', 'd2', 'z'])
  })

  it('go by folder, without those below it', async () => {
    expect(await namesOf(pithos.list(c, { path: 'd' }))).toEqual(['d/1', 'd/2'])
    expect(await namesOf(pithos.list(c, { path: 'd/e' }))).toEqual(['d/e/3'])
  })

  it('go by metadata', async () => {
    await get(pithos.update(`${c}/a`, { metadata: { size: '5', colour: 'red' } }))
    await get(pithos.update(`${c}/z`, { metadata: { size: '7' } }))
    expect(await namesOf(pithos.list(c, { meta: ['size'] }))).toEqual(['a', 'z'])
    expect(await namesOf(pithos.list(c, { meta: ['size', '!colour'] }))).toEqual(['z'])
    expect(await namesOf(pithos.list(c, { meta: ['size>=6'] }))).toEqual(['z'])
    expect(await namesOf(pithos.list(c, { meta: ['Size=5'] }))).toEqual(['a'])
    expect((await get(pithos.containers.get(c))).objectMetadata).toEqual(['Colour', 'Size'])
  })

  it('go by sharing and publication', async () => {
    await get(pithos.share(`${c}/a`, { read: [bob] }))
    await get(pithos.publish(`${c}/z`))
    expect(await namesOf(pithos.list(c, { shared: true }))).toEqual(['a'])
    expect(await namesOf(pithos.list(c, { public: true }))).toEqual(['z'])
    const [item] = await all(pithos.list(c, { public: true }))
    expect(item).toHaveProperty('x_object_public')
    expect(await namesOf(pithos.containers.list({ shared: true }))).toContain(c)
    expect(await namesOf(pithos.containers.list({ public: true }))).toContain(c)
  })

  it('go back in time', async () => {
    const now = Math.floor(Date.now() / 1000) + 3600
    const [first] = await all(pithos.list(c, { until: now }))
    expect(first).toMatchObject({ name: 'a' })
    expect(first).not.toHaveProperty('last_modified')
    expect(await errorOf(pithos.list(c, { until: 5 }))).toBeInstanceOf(NotFoundError)
  })

  it('select names that begin with a slash', async () => {
    for (const object of ['/x', '/y/1', '/y/2', '//x']) {
      await get(pithos.write({ container: c, object }, 'x'))
    }
    expect(await namesOf(pithos.list(c, { prefix: '/y/' }))).toEqual(['/y/1', '/y/2'])
    expect(await namesOf(pithos.list(c, { prefix: '/' }))).toEqual(['//x', '/x', '/y/1', '/y/2'])
    expect(await namesOf(pithos.list(c, { prefix: '//' }))).toEqual(['//x'])
    expect(await namesOf(pithos.list(c, { prefix: 'd' }))).toEqual(['d/1', 'd/2', 'd/e/3', 'd2'])
  })
})

describe('names', () => {
  const odd = [
    'a//b',
    '/a',
    '//',
    '../a',
    './a',
    'a/.',
    'a/..',
    'a/',
    ' a ',
    'x.xml',
    'x.json',
    '100%',
    '%2F',
    '~',
    'grün?#',
    "!'()*;:@&=+$,",
    '\u{1F600}',
  ]
  it.each(odd)('%j goes through every operation', async (object) => {
    const name = { container: c, object }
    const copy = { container: c, object: `copy of/${object}` }
    await get(pithos.write(name, 'content', { metadata: { k: 'v' } }))
    expect(await get(pithos.info(name))).toMatchObject({ name: object, bytes: 7, metadata: { k: 'v' } })
    await get(pithos.append(name, '!'))
    await get(pithos.update(name, { metadata: { k: 'w' } }))
    await get(pithos.copy(name, copy))
    expect(await textOf(copy)).toBe('content!')
    await get(pithos.overwriteFrom(copy, name, { offset: 0, length: 3 }))
    await get(pithos.move(copy, { container: c, object: `${object}2` }, { sourceIfNoneMatch: 'x' }))
    expect(await get(pithos.hashes(name))).toMatchObject({ bytes: 8 })
    expect(await all(pithos.versions(name))).toHaveLength(3)
    expect(await namesOf(pithos.list(c))).toEqual(expect.arrayContaining([object, `${object}2`]))
    await get(concat(pithos.remove(name), pithos.remove({ container: c, object: `${object}2` })))
    expect(await namesOf(pithos.list(c))).toEqual([])
  })
})

describe('content', () => {
  it.each([
    ['text', () => 'grün'],
    ['bytes', () => Buffer.from('grün')],
    ['a Blob', () => new Blob(['grün'])],
    ['a stream', () => Readable.from([Buffer.from('gr'), Buffer.from('ün')])],
    ['a stream of the web', () => new Blob(['grün']).stream()],
  ])('is written and read as %s', async (_what, content) => {
    const { etag, version } = await get(pithos.write(`${c}/a`, content(), { contentType: 'text/plain' }))
    const { info, bytes, offset } = await get(pithos.read(`${c}/a`))
    expect(info).toMatchObject({ etag, version, bytes: 5, contentType: 'text/plain' })
    expect(Buffer.from(bytes).toString()).toBe('grün')
    expect(offset).toBe(0)
    expect(asked('PUT', '/a').at(-1)?.headers).toHaveProperty(
      content() instanceof ReadableStream || content() instanceof Readable ? 'transfer-encoding' : 'etag',
    )
  })

  it('of many blocks comes back whole', async () => {
    const content = Buffer.alloc(10_000, 'pithos')
    await get(pithos.write(`${c}/a`, content))
    const stream = Readable.from([content.subarray(0, 9999), content.subarray(9999)])
    await get(pithos.write(`${c}/b`, stream))
    expect(Buffer.from((await get(pithos.read(`${c}/b`))).bytes).equals(content)).toBe(true)
    expect((await get(pithos.info(`${c}/b`))).hash).toBe((await get(pithos.info(`${c}/a`))).hash)
  })

  it('that was damaged on the way is refused', async () => {
    const wrong = pithos.write(`${c}/a`, 'hello', { metadata: {} })
    expect(await get(wrong)).toHaveProperty('etag')
    const damaged = connect({
      middleware: [
        (next) => (request, handler) =>
          next(request.method === 'PUT' ? { ...request, body: Buffer.from('jello') } : request, handler),
      ],
    })
    expect(await errorOf(damaged.write(`${c}/b`, 'hello'))).toMatchObject({ status: 422 })
  })

  it('is written only under its conditions', async () => {
    const { etag = '' } = await get(pithos.write(`${c}/a`, 'one', { ifNoneMatch: '*' }))
    expect(await errorOf(pithos.write(`${c}/a`, 'two', { ifNoneMatch: '*' }))).toMatchObject({ status: 412 })
    await get(pithos.write(`${c}/a`, 'two', { ifMatch: etag }))
    expect(await errorOf(pithos.write(`${c}/a`, 'three', { ifMatch: etag }))).toMatchObject({ status: 412 })
    expect(await textOf(`${c}/a`)).toBe('two')
  })

  it('is read only under its conditions', async () => {
    const { etag = '' } = await get(pithos.write(`${c}/a`, 'one'))
    const future = new Date(Date.now() + 3_600_000)
    const looks: readonly ((...args: Parameters<Pithos['hashes']>) => Observable<unknown>)[] = [
      pithos.info,
      pithos.read,
      pithos.hashes,
    ]
    for (const look of looks) {
      expect(await get(look(`${c}/a`, { ifMatch: etag }))).toBeDefined()
      const unchanged = await errorOf(look(`${c}/a`, { ifNoneMatch: etag }))
      expect(unchanged).toBeInstanceOf(HttpError)
      expect(unchanged).toMatchObject({ status: 304 })
      expect(await errorOf(look(`${c}/a`, { ifModifiedSince: future }))).toMatchObject({ status: 304 })
      expect(await errorOf(look(`${c}/a`, { ifMatch: 'other' }))).toMatchObject({ status: 412 })
      expect(await errorOf(look(`${c}/a`, { ifUnmodifiedSince: new Date(0) }))).toMatchObject({ status: 412 })
    }
  })

  it('is read in ranges, none of them beyond the end', async () => {
    await get(pithos.write(`${c}/a`, '0123456789'))
    const range = async (options: Parameters<Pithos['read']>[1]) => {
      const { bytes, offset, info } = await get(pithos.read(`${c}/a`, options))
      return [Buffer.from(bytes).toString(), offset, info.bytes]
    }
    expect(await range({ range: { offset: 2, length: 3 } })).toEqual(['234', 2, 10])
    expect(await range({ range: { offset: 7 } })).toEqual(['789', 7, 10])
    expect(await range({ range: { last: 2 } })).toEqual(['89', 8, 10])
    expect(await errorOf(pithos.read(`${c}/a`, { range: { offset: 8, length: 3 } }))).toMatchObject({
      status: 416,
    })
    const { parts, info } = await get(
      pithos.readRanges(`${c}/a`, [{ offset: 0, length: 1 }, { offset: 4, length: 2 }, { last: 1 }]),
    )
    expect(parts.map(({ offset, bytes }) => [offset, Buffer.from(bytes).toString()])).toEqual([
      [0, '0'],
      [4, '45'],
      [9, '9'],
    ])
    expect(info.bytes).toBe(10)
    const bad = pithos.readRanges(`${c}/a`, [{ last: 1 }, { offset: 10, length: 1 }])
    expect(await errorOf(bad)).toMatchObject({ status: 416 })
    await get(pithos.write(`${c}/empty`, ''))
    expect(await errorOf(pithos.read(`${c}/empty`, { range: { last: 1 } }))).toMatchObject({ status: 416 })
    expect(await textOf(`${c}/empty`)).toBe('')
  })

  it('larger than the limit is not held', async () => {
    await get(pithos.write(`${c}/a`, Buffer.alloc(5000)))
    expect(await errorOf(pithos.read(`${c}/a`, { limit: 4999 }))).toMatchObject({
      code: 'SKY_RESPONSE_FORMAT',
      message: expect.stringContaining('limit of 4999 bytes') as string,
    })
    expect((await get(pithos.read(`${c}/a`, { limit: 5000 }))).bytes).toHaveLength(5000)
    const small = connect({ connection: { maxBodyBytes: 1000 } })
    expect(await errorOf(small.read(`${c}/a`))).toMatchObject({
      message: expect.stringContaining('larger than 1000 bytes') as string,
    })
  })

  it('stands for a directory, or for the parts of a whole', async () => {
    await get(pithos.createDirectory(`${c}/d`))
    expect(await get(pithos.info(`${c}/d`))).toMatchObject({ bytes: 0, contentType: 'application/directory' })
    for (const part of ['2', '1', '3']) await get(pithos.write(`${c}/ü part/${part}`, part))
    await get(pithos.createManifest(`${c}/whole`, `${c}/ü part/`, { contentType: 'text/plain' }))
    expect(await textOf(`${c}/whole`)).toBe('123')
    expect(await get(pithos.info(`${c}/whole`))).toMatchObject({ bytes: 3, manifest: `${c}/ü part/` })
  })

  it('needs a container that is there', async () => {
    expect(await errorOf(pithos.write('nowhere/a', 'x'))).toBeInstanceOf(NotFoundError)
    expect(await errorOf(pithos.read(`${c}/nothing`))).toBeInstanceOf(NotFoundError)
    expect(await errorOf(pithos.info(`${c}/nothing`))).toBeInstanceOf(NotFoundError)
    expect(await errorOf(pithos.append(`${c}/nothing`, 'x'))).toBeInstanceOf(NotFoundError)
    expect(await errorOf(pithos.remove(`${c}/nothing`))).toBeInstanceOf(NotFoundError)
    expect(await errorOf(pithos.copy(`${c}/nothing`, `${c}/a`))).toBeInstanceOf(NotFoundError)
    expect(await errorOf(pithos.move(`${c}/nothing`, `${c}/a`))).toBeInstanceOf(NotFoundError)
  })

  it('of a stream that fails is an error, and no object', async () => {
    const failing = Readable.from(
      (function* () {
        yield Buffer.alloc(2000)
        throw new Error('the disk is broken')
      })(),
    )
    const error = await errorOf(pithos.write(`${c}/a`, failing))
    expect(error).toBeInstanceOf(TransferError)
    expect(String(error)).toContain('the disk is broken')
    expect(await errorOf(pithos.info(`${c}/a`))).toBeInstanceOf(NotFoundError)
  })
})

describe('metadata of objects', () => {
  it('is merged, replaced and removed', async () => {
    await get(pithos.write(`${c}/a`, 'x', { metadata: { my_KEY: 'grün 100%', b: '2' } }))
    await get(pithos.update(`${c}/a`, { metadata: { b: null, d: 'in between' } }))
    expect((await get(pithos.info(`${c}/a`))).metadata).toEqual({ 'my-key': 'grün 100%', d: 'in between' })
    await get(pithos.update(`${c}/a`, { metadata: { only: 'this' } }, { replace: true }))
    expect((await get(pithos.info(`${c}/a`))).metadata).toEqual({ only: 'this' })
  })

  it('has limits, which the server tells', async () => {
    const long = pithos.write(`${c}/a`, 'x', { metadata: { ['k'.repeat(115)]: 'v' } })
    expect(await errorOf(long)).toBeInstanceOf(ValidationError)
    await get(pithos.write(`${c}/a`, 'x', { metadata: { ['k'.repeat(114)]: 'v'.repeat(256) } }))
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`k${String(index)}`, 'v']))
    expect(await errorOf(pithos.update(`${c}/a`, { metadata: many }))).toBeInstanceOf(ValidationError)
  })

  it('stands beside encoding and disposition', async () => {
    const contentDisposition = 'attachment; filename="grün 100%"'
    await get(pithos.write(`${c}/a`, 'x', { contentEncoding: 'gzip', contentDisposition }))
    expect(await get(pithos.info(`${c}/a`))).toMatchObject({ contentEncoding: 'gzip', contentDisposition })
    await get(pithos.update(`${c}/a`, { contentEncoding: 'br' }))
    expect(await get(pithos.info(`${c}/a`))).toMatchObject({ contentEncoding: 'br', contentDisposition })
  })

  it('is changed only under its conditions', async () => {
    const { etag = '' } = await get(pithos.write(`${c}/a`, 'x'))
    await get(pithos.update(`${c}/a`, { metadata: { a: 'b' } }, { ifMatch: etag }))
    const refused = pithos.update(`${c}/a`, { metadata: { a: 'c' } }, { ifMatch: 'other' })
    expect(await errorOf(refused)).toMatchObject({ status: 412 })
    expect((await get(pithos.info(`${c}/a`))).metadata).toEqual({ a: 'b' })
  })
})

describe('changes in place', () => {
  beforeEach(() => get(pithos.write(`${c}/a`, '0123456789', { contentType: 'text/plain' })))

  it('append in order, however much', async () => {
    const { version = 0 } = await get(pithos.append(`${c}/a`, 'abc'))
    expect(version).toBeGreaterThan(0)
    const long = Buffer.from(Array.from({ length: 5000 }, (_, index) => 97 + (index % 26)))
    await get(pithos.append(`${c}/a`, Readable.from([long.subarray(0, 1500), long.subarray(1500)])))
    await get(pithos.append(`${c}/a`, new Blob(['end'])))
    expect(await textOf(`${c}/a`)).toBe(`0123456789abc${long.toString()}end`)
    expect(await get(pithos.info(`${c}/a`))).toMatchObject({ contentType: 'text/plain' })
    expect(asked('POST', '/a')).toHaveLength(3)
  })

  it('overwrite from an offset, and beyond the end', async () => {
    await get(pithos.overwrite(`${c}/a`, 2, 'xy'))
    expect(await textOf(`${c}/a`)).toBe('01xy456789')
    await get(pithos.overwrite(`${c}/a`, 8, Readable.from([Buffer.from('longer')])))
    expect(await textOf(`${c}/a`)).toBe('01xy4567longer')
    await get(pithos.overwrite(`${c}/a`, 14, '!'))
    expect(await textOf(`${c}/a`)).toBe('01xy4567longer!')
    expect(await errorOf(pithos.overwrite(`${c}/a`, 16, 'hole'))).toMatchObject({ status: 416 })
  })

  it('truncate to any size up to that it has', async () => {
    for (const size of [10, 9, 1, 0, 0]) {
      await get(pithos.truncate(`${c}/a`, size))
      expect(await textOf(`${c}/a`)).toBe('0123456789'.slice(0, size))
    }
    expect(asked('POST', '/a')).toHaveLength(3)
    expect(await errorOf(pithos.truncate(`${c}/a`, 1))).toBeInstanceOf(ValidationError)
    await get(pithos.append(`${c}/a`, 'abc'))
    expect(await errorOf(pithos.truncate(`${c}/a`, 4))).toBeInstanceOf(ValidationError)
    expect(await textOf(`${c}/a`)).toBe('abc')
  })

  it('take the beginning of another object', async () => {
    const { version } = await get(pithos.write(`${c}/b`, 'old version'))
    await get(pithos.write(`${c}/b`, 'NEW'))
    await get(pithos.overwriteFrom(`${c}/a`, `${c}/b`, { offset: 1, length: 2 }))
    expect(await textOf(`${c}/a`)).toBe('0NE3456789')
    await get(pithos.overwriteFrom(`${c}/a`, `${c}/b`))
    expect(await textOf(`${c}/a`)).toBe('0NE3456789NEW')
    await get(pithos.overwriteFrom(`${c}/a`, `${c}/b`, { offset: 0, version: Number(version), size: 5 }))
    expect(await textOf(`${c}/a`)).toBe('old v')
    const long = pithos.overwriteFrom(`${c}/a`, `${c}/b`, { offset: 0, length: 4 })
    expect(await errorOf(long)).toBeInstanceOf(ValidationError)
  })

  it('happen only under their conditions', async () => {
    const { etag = '' } = await get(pithos.info(`${c}/a`))
    await get(pithos.append(`${c}/a`, '!', { ifMatch: etag }))
    expect(await errorOf(pithos.append(`${c}/a`, '!', { ifMatch: etag }))).toMatchObject({ status: 412 })
    expect(await errorOf(pithos.overwrite(`${c}/a`, 0, '!', { ifMatch: etag }))).toMatchObject({
      status: 412,
    })
    expect(await errorOf(pithos.truncate(`${c}/a`, 5, { ifMatch: etag }))).toMatchObject({ status: 412 })
    const from = pithos.overwriteFrom(`${c}/a`, `${c}/a`, { ifMatch: etag })
    expect(await errorOf(from)).toMatchObject({ status: 412 })
    expect(await textOf(`${c}/a`)).toBe('0123456789!')
  })
})

describe('copies and moves', () => {
  it('take metadata along, but neither sharing nor publication', async () => {
    const options = {
      contentType: 'text/plain',
      metadata: { a: '1' },
      public: true,
      sharing: { read: ['*'] },
    }
    await get(pithos.write(`${c}/a`, 'content', options))
    await get(pithos.copy(`${c}/a`, `${c}/b`, { metadata: { b: '2' } }))
    const [source, copy] = [await get(pithos.info(`${c}/a`)), await get(pithos.info(`${c}/b`))]
    expect(copy).toMatchObject({ contentType: 'text/plain', metadata: { a: '1', b: '2' }, hash: source.hash })
    expect(copy).toMatchObject({ publicUrl: undefined, sharing: undefined })
    expect(copy.uuid).not.toBe(source.uuid)
    await get(pithos.copy(`${c}/a`, `${c}/b`, { contentType: 'text/html' }))
    expect(await get(pithos.info(`${c}/b`))).toMatchObject({ contentType: 'text/html' })
    expect(await get(pithos.info(`${c}/a`))).toHaveProperty('publicUrl', source.publicUrl)
  })

  it('keep the UUID of what is moved', async () => {
    await get(pithos.write(`${c}/a`, 'content', { metadata: { a: '1' } }))
    const { uuid } = await get(pithos.info(`${c}/a`))
    expect(await get(pithos.move(`${c}/a`, `${c}/b`))).toHaveProperty('version', undefined)
    expect(await get(pithos.info(`${c}/b`))).toMatchObject({ uuid, metadata: { a: '1' } })
    expect(await errorOf(pithos.info(`${c}/a`))).toBeInstanceOf(NotFoundError)
  })

  it('take all that is below', async () => {
    await get(pithos.createDirectory(`${c}/d`))
    for (const name of ['d/1', 'd/e/2', 'd2']) await get(pithos.write(`${c}/${name}`, name))
    await get(pithos.copy(`${c}/d`, `${c}/x`, { recursive: true }))
    expect(await namesOf(pithos.list(c, { prefix: 'x' }))).toEqual(['x', 'x/1', 'x/e/2'])
    await get(pithos.move(`${c}/x`, `${c}/y`, { recursive: true }))
    expect(await namesOf(pithos.list(c))).toEqual(['d', 'd/1', 'd/e/2', 'd2', 'y', 'y/1', 'y/e/2'])
    await get(pithos.remove(`${c}/d`, { recursive: true }))
    expect(await namesOf(pithos.list(c))).toEqual(['d2', 'y', 'y/1', 'y/e/2'])
  })

  it('happen only under conditions of the destination', async () => {
    await get(pithos.write(`${c}/a`, 'a'))
    const { etag = '' } = await get(pithos.write(`${c}/b`, 'b'))
    for (const put of [pithos.copy, pithos.move]) {
      expect(await errorOf(put(`${c}/a`, `${c}/b`, { ifNoneMatch: '*' }))).toMatchObject({ status: 412 })
      expect(await errorOf(put(`${c}/a`, `${c}/b`, { ifMatch: 'other' }))).toMatchObject({ status: 412 })
    }
    await get(pithos.copy(`${c}/a`, `${c}/b`, { ifMatch: etag }))
    expect(await textOf(`${c}/b`)).toBe('a')
  })

  it('happen only under conditions of the source', async () => {
    const { etag = '' } = await get(pithos.write(`${c}/a`, 'a'))
    for (const put of [pithos.copy, pithos.move]) {
      expect(await errorOf(put(`${c}/a`, `${c}/b`, { sourceIfMatch: 'other' }))).toMatchObject({
        status: 412,
      })
      expect(await errorOf(put(`${c}/a`, `${c}/b`, { sourceIfNoneMatch: etag }))).toMatchObject({
        status: 412,
      })
    }
    await get(pithos.copy(`${c}/a`, `${c}/b`, { sourceIfMatch: etag }))
    await get(pithos.move(`${c}/a`, `${c}/d`, { sourceIfNoneMatch: 'other' }))
    expect(await namesOf(pithos.list(c))).toEqual(['b', 'd'])
  })

  it('cross accounts as far as they are shared', async () => {
    await get(pithos.write(`${c}/in/a`, 'shared'))
    await get(pithos.write(`${c}/out`, 'replaced', { sharing: { write: [bob] } }))
    await get(theirs.containers.create(c))
    expect(await errorOf(theirs.copy(of(ada, 'in/a'), `${c}/a`))).toBeInstanceOf(PermissionError)
    await get(pithos.share(`${c}/in/a`, { read: [bob] }))
    await get(theirs.copy(of(ada, 'in/a'), `${c}/a`))
    expect(await textOf(`${c}/a`, theirs)).toBe('shared')
    await get(theirs.copy(`${c}/a`, of(ada, 'out')))
    expect(await textOf(`${c}/out`)).toBe('shared')
    await get(theirs.write(`${c}/a`, 'by COPY'))
    await get(theirs.copy(`${c}/a`, of(ada, 'out'), { sourceIfNoneMatch: 'x' }))
    expect(await textOf(`${c}/out`)).toBe('by COPY')
    expect(await errorOf(theirs.move(of(ada, 'in/a'), `${c}/b`))).toBeInstanceOf(PermissionError)
  })

  it('go to the trash and back', async () => {
    await get(pithos.write(`${c}/d/a`, 'old'))
    await get(pithos.trash(`${c}/d/a`))
    expect(await textOf('trash/d/a')).toBe('old')
    await get(pithos.write(`${c}/d/a`, 'new'))
    expect(await errorOf(pithos.untrash(`${c}/d/a`))).toMatchObject({ status: 412 })
    await get(pithos.remove(`${c}/d/a`))
    await get(pithos.untrash(`${c}/d/a`))
    expect(await textOf(`${c}/d/a`)).toBe('old')
    expect(await namesOf(pithos.list('trash'))).toEqual([])
  })
})

describe('versions', () => {
  it('are listed, read and restored, also of what was removed', async () => {
    await get(pithos.write(`${c}/a`, 'one', { metadata: { n: '1' } }))
    await get(pithos.write(`${c}/a`, 'two'))
    await get(pithos.remove(`${c}/a`))
    const versions = await all(pithos.versions(`${c}/a`))
    expect(versions).toHaveLength(2)
    const [first] = versions
    expect(first?.timestamp).toBeGreaterThan(1_500_000_000)
    const version = first?.version ?? 0
    expect(Buffer.from((await get(pithos.read(`${c}/a`, { version }))).bytes).toString()).toBe('one')
    expect(await get(pithos.info(`${c}/a`, { version }))).toMatchObject({ version, metadata: { n: '1' } })
    expect(await get(pithos.hashes(`${c}/a`, { version }))).toMatchObject({ bytes: 3 })
    await get(pithos.restore(`${c}/a`, version))
    expect(await textOf(`${c}/a`)).toBe('one')
    expect((await get(pithos.info(`${c}/a`))).metadata).toEqual({ n: '1' })
    expect(await errorOf(pithos.restore(`${c}/a`, 999_999))).toBeInstanceOf(NotFoundError)
    expect(await errorOf(pithos.read(`${c}/a`, { version: 999_999 }))).toBeInstanceOf(NotFoundError)
  })

  it('leave sharing and publication alone when they are restored', async () => {
    const { version } = await get(pithos.write(`${c}/a`, 'one', { sharing: { read: [bob] }, public: true }))
    const { publicUrl } = await get(pithos.info(`${c}/a`))
    await get(pithos.write(`${c}/a`, 'two'))
    await get(pithos.restore(`${c}/a`, Number(version)))
    expect(await get(pithos.info(`${c}/a`))).toMatchObject({ sharing: { read: [bob] }, publicUrl })
  })

  it('are purged up to a moment, and the object stays', async () => {
    await get(pithos.write(`${c}/a`, 'one'))
    await get(pithos.write(`${c}/a`, 'two'))
    await get(pithos.remove(`${c}/a`, { until: Math.floor(Date.now() / 1000) + 3600 }))
    expect(await textOf(`${c}/a`)).toBe('two')
    expect(await all(pithos.versions(`${c}/a`))).toHaveLength(1)
  })

  it('are not kept where the container says so', async () => {
    await get(pithos.containers.update(c, { versioning: 'none' }))
    const { version } = await get(pithos.write(`${c}/a`, 'one'))
    await get(pithos.write(`${c}/a`, 'two'))
    expect(await errorOf(pithos.read(`${c}/a`, { version: Number(version) }))).toBeInstanceOf(NotFoundError)
  })
})

describe('sharing', () => {
  it('lets in whom it names, and nobody else', async () => {
    await get(pithos.write(`${c}/a`, 'content'))
    expect(await errorOf(theirs.read(of(ada, 'a')))).toBeInstanceOf(PermissionError)
    await get(pithos.share(`${c}/a`, { read: [bob] }))
    expect(await get(pithos.info(`${c}/a`))).toMatchObject({ sharing: { read: [bob] } })
    expect(await textOf(of(ada, 'a'), theirs)).toBe('content')
    expect(await get(theirs.info(of(ada, 'a')))).toMatchObject({ allowedTo: 'read', name: 'a' })
    expect(await errorOf(theirs.append(of(ada, 'a'), '!'))).toBeInstanceOf(PermissionError)
    await get(pithos.share(`${c}/a`, { write: [bob] }))
    await get(theirs.append(of(ada, 'a'), '!'))
    expect(await textOf(`${c}/a`)).toBe('content!')
    expect(await errorOf(theirs.share(of(ada, 'a'), { read: ['*'] }))).toBeInstanceOf(PermissionError)
    await get(pithos.unshare(`${c}/a`))
    expect(await errorOf(theirs.read(of(ada, 'a')))).toBeInstanceOf(PermissionError)
    expect(await get(pithos.info(`${c}/a`))).toMatchObject({ sharing: undefined })
  })

  it('with a group, or with everybody, comes back as it was told', async () => {
    await get(pithos.account.update({ groups: { team: [bob] } }))
    const sharing = { read: ['*'], write: [`${ada}:team`] }
    await get(pithos.write(`${c}/a`, 'content', { sharing }))
    expect(await get(pithos.info(`${c}/a`))).toMatchObject({ sharing })
    await get(theirs.write(of(ada, 'a'), 'by a member'))
    expect(await textOf(`${c}/a`)).toBe('by a member')
    await get(pithos.account.update({ groups: { team: null } }))
    expect(await errorOf(theirs.write(of(ada, 'a'), 'by nobody'))).toBeInstanceOf(PermissionError)
  })

  it('of a directory is that of all below it', async () => {
    await get(pithos.createDirectory(`${c}/d`))
    await get(pithos.write(`${c}/d/a`, 'content'))
    await get(pithos.share(`${c}/d`, { read: [bob] }))
    const info = await get(theirs.info(of(ada, 'd/a')))
    expect(info.sharedBy).toMatch(/\/d$/)
    expect(await namesOf(theirs.list({ account: ada, container: c }))).toEqual(['d', 'd/a'])
  })

  it('shows who shares', async () => {
    await get(pithos.write(`${c}/a`, 'x', { sharing: { read: [bob] } }))
    expect(await namesOf(theirs.sharedWithMe({ limit: 1 }))).toEqual([ada])
    expect(await namesOf(theirs.containers.list({ account: ada }))).toContain(c)
    expect(await namesOf(theirs.list({ account: ada, container: c }))).toEqual(['a'])
    const published = theirs.containers.list({ account: ada, public: true })
    expect(await errorOf(published)).toBeInstanceOf(PermissionError)
  })
})

describe('publication', () => {
  it('has an address that anybody can read, until it is taken back', async () => {
    await get(pithos.write(`${c}/a`, 'content'))
    const url = await get(pithos.publish(`${c}/a`))
    expect(await (await fetch(url)).text()).toBe('content')
    expect(await get(pithos.info(`${c}/a`))).toMatchObject({ publicUrl: url })
    expect(await get(pithos.publish(`${c}/a`))).toBe(url)
    await get(pithos.unpublish(`${c}/a`))
    expect((await fetch(url)).status).toBe(404)
    expect(await get(pithos.info(`${c}/a`))).toMatchObject({ publicUrl: undefined })
  })
})

describe('trouble on the way', () => {
  it('is got over where that is safe', async () => {
    fault('PUT', '/a', { kind: 'status', status: 503 })
    await get(pithos.write(`${c}/a`, 'one'))
    fault('GET', '/a', { kind: 'reset-mid-body', afterBytes: 1 })
    expect(await textOf(`${c}/a`)).toBe('one')
    fault('POST', '/a', { kind: 'reset' })
    await get(pithos.update(`${c}/a`, { metadata: { a: 'b' } }))
    expect(asked('POST', '/a')).toHaveLength(2)
    fault('POST', '/a', { kind: 'reset' })
    await get(pithos.overwrite(`${c}/a`, 0, 'two'))
    expect(await textOf(`${c}/a`)).toBe('two')
  })

  it('leaves open whether an append without a condition was done', async () => {
    await get(pithos.write(`${c}/a`, 'one'))
    fault('POST', '/a', { kind: 'reset' })
    expect(await errorOf(pithos.append(`${c}/a`, ' more'))).toBeInstanceOf(NetworkError)
    expect(await textOf(`${c}/a`)).toBe('one more')
    expect(asked('POST', '/a')).toHaveLength(1)
    const { etag = '' } = await get(pithos.info(`${c}/a`))
    fault('POST', '/a', { kind: 'status', status: 503 })
    await get(pithos.append(`${c}/a`, '!', { ifMatch: etag }))
    expect(await textOf(`${c}/a`)).toBe('one more!')
  })

  it('does not hide that a write was done', async () => {
    fault('PUT', '/a', { kind: 'reset' })
    const { etag, version } = await get(pithos.write(`${c}/a`, 'x'.repeat(3000), { ifNoneMatch: '*' }))
    expect(
      asked('PUT', '/a')
        .map(({ status }) => status)
        .at(-1),
    ).toBe(412)
    expect(await get(pithos.info(`${c}/a`))).toMatchObject({ etag, version })
    fault('PUT', '/b', { kind: 'reset' })
    expect(await get(pithos.copy(`${c}/a`, `${c}/b`, { ifNoneMatch: '*' }))).toHaveProperty('etag', etag)
    fault('DELETE', '/a', { kind: 'reset' })
    await get(pithos.remove(`${c}/a`))
    expect(
      asked('DELETE', '/a')
        .map(({ status }) => status)
        .at(-1),
    ).toBe(404)
  })

  it('of a stream is not got over', async () => {
    fault('PUT', '/a', { kind: 'status', status: 503 })
    const content = Readable.from([Buffer.from('once')])
    expect(await errorOf(pithos.write(`${c}/a`, content))).toMatchObject({ status: 503 })
    expect(content.destroyed).toBe(true)
    const used = await errorOf(pithos.write(`${c}/a`, content))
    expect(used).toBeInstanceOf(TransferError)
    const renewing = connect({ renew: () => cloud.synnefo.renewToken() })
    await get(renewing.containers.get(c))
    fault('PUT', '/a', { kind: 'token-revoked' })
    const refused = await errorOf(renewing.write(`${c}/a`, Readable.from([Buffer.from('once')])))
    expect(refused).toBeInstanceOf(TransferError)
    expect(String(refused)).toContain('cannot be sent again')
    expect(await errorOf(pithos.info(`${c}/a`))).toBeInstanceOf(NotFoundError)
  })
})

describe('leaving', () => {
  it('closes the connection of whatever is under way', async () => {
    const closed: Promise<unknown>[] = []
    const server = await serveHttp((request, response) => {
      request.resume()
      closed.push(once(response, 'close'))
    })
    const { token, authUrl } = cloud.synnefo
    const client = createSynnefo({ authUrl, token, endpoints: { 'object-store': `${server.origin}/v1` } })
    const stream = Readable.from([Buffer.alloc(100)])
    const store = client.pithos
    const subscriptions = [
      store.account.get(),
      store.containers.list(),
      store.list('c'),
      store.read('c/a', { limit: 5 }),
      store.write('c/a', 'content'),
      store.append('c/a', stream),
      store.copy('c/a', 'c/b', { sourceIfMatch: 'x' }),
      store.publish('c/a'),
    ].map((source) => (source as Observable<unknown>).subscribe())
    await expect.poll(() => closed.length).toBe(subscriptions.length)
    for (const subscription of subscriptions) subscription.unsubscribe()
    await Promise.all(closed)
    await expect.poll(() => stream.destroyed).toBe(true)
    client.close()
    await server.close()
  })

  it('by signal ends with its reason, by timeout with an error', async () => {
    await get(pithos.write(`${c}/a`, 'x'))
    fault('GET', '/a', { kind: 'delay', ms: 60_000 }, 2)
    const controller = new AbortController()
    const reading = errorOf(pithos.read(`${c}/a`, { signal: controller.signal }))
    await expect.poll(() => asked('GET', '/a').length).toBe(1)
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await reading).toBe(reason)
    expect(await errorOf(pithos.read(`${c}/a`, { timeout: 20 }))).toMatchObject({
      code: 'SKY_NETWORK_TIMEOUT',
    })
  })
})
