import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { alice, bob, fault, pattern, putObject, startStore, type Answer, type Store } from './pithos-store.js'

const account = alice.id
const files = `${account}/files`
const path = `${files}/o`
const HELLO = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
let store: Store

beforeEach(async () => {
  store = await startStore()
  await store.ask('PUT', files)
})
afterEach(() => store.close())

function get(headers: Record<string, string> = {}, query = ''): Promise<Answer> {
  return store.ask('GET', `${path}${query}`, { headers })
}

describe('PUT of data', () => {
  it('creates an object of one block or many', async () => {
    const content = pattern(2500)
    const put = await putObject(store, path, content, { headers: { 'Content-Type': 'image/png' } })
    expect(put.status).toBe(201)
    expect(put.headers['x-object-version']).toBe('1')
    const got = await get()
    expect(got.status).toBe(200)
    expect(got.body).toEqual(content)
    expect(got.headers).toMatchObject({
      etag: put.headers.etag,
      'x-object-hash': put.headers.etag,
      'content-length': '2500',
      'content-type': 'image/png',
    })
  })

  it('takes a chunked body in pieces of any size', async () => {
    const content = pattern(2500)
    const put = await store.ask('PUT', path, {
      headers: { 'Content-Type': 'a/b' },
      chunks: [content.subarray(0, 3), content.subarray(3, 1030), content.subarray(1030)],
    })
    expect(put.status).toBe(201)
    expect((await get()).body).toEqual(content)
  })

  it('needs a length and a type', async () => {
    const noLength = await store.ask('PUT', path, { headers: { 'Content-Type': 'a/b' } })
    expect(fault(noLength)).toMatchObject({ name: 'lengthRequired', code: 411 })
    const noType = await store.ask('PUT', path, { body: 'x' })
    expect(fault(noType)).toMatchObject({ name: 'lengthRequired', code: 411 })
  })

  it('checks an ETag against the MD5, which shows in listings only then', async () => {
    const put = (etag: string): Promise<Answer> =>
      putObject(store, path, 'hello', { headers: { ETag: etag } })
    expect(fault(await put(HELLO))).toMatchObject({ name: 'unprocessableEntity', code: 422 })
    expect((await store.ask('HEAD', path)).status).toBe(404)
    const md5 = createHash('md5').update('hello').digest('hex')
    const created = await put(md5.toUpperCase())
    expect([created.status, created.headers.etag]).toEqual([201, HELLO])
    const hash = async (): Promise<string> =>
      ((await store.ask('GET', `${files}?format=json`)).json() as { hash: string }[])[0]!.hash
    expect(await hash()).toBe(md5)
    await putObject(store, path, 'hello')
    expect(await hash()).toBe('')
  })

  it('answers 404 without a container, and 403 in somebody else’s', async () => {
    expect((await putObject(store, `${account}/absent/o`, 'x')).status).toBe(404)
    expect((await putObject(store, path, 'x', { as: bob })).status).toBe(403)
  })

  it('replaces metadata and keeps the UUID', async () => {
    await putObject(store, path, 'a', { headers: { 'X-Object-Meta-A': '1', 'Content-Encoding': 'gzip' } })
    const before = (await store.ask('HEAD', path)).headers
    await putObject(store, path, 'b', { headers: { 'X-Object-Meta-B': '2' } })
    const after = (await store.ask('HEAD', path)).headers
    expect([before['content-encoding'], before['x-object-meta-a']]).toEqual(['gzip', '1'])
    expect([after['content-encoding'], after['x-object-meta-a'], after['x-object-meta-b']]).toEqual([
      undefined,
      undefined,
      '2',
    ])
    expect(after['x-object-uuid']).toBe(before['x-object-uuid'])
  })

  it('obeys conditions on what is there', async () => {
    const put = async (headers: Record<string, string>): Promise<number> =>
      (await putObject(store, path, 'hello', { headers })).status
    expect(await put({ 'If-Match': '*' })).toBe(412)
    expect(await put({ 'If-Match': HELLO })).toBe(412)
    expect(await put({ 'If-None-Match': '*' })).toBe(201)
    expect(await put({ 'If-None-Match': '*' })).toBe(412)
    expect(await put({ 'If-None-Match': HELLO })).toBe(412)
    expect(await put({ 'If-None-Match': '"other"' })).toBe(201)
    expect(await put({ 'If-Match': HELLO.toUpperCase() })).toBe(201)
    expect(await put({ 'If-Match': `"other", "${HELLO}"` })).toBe(201)
    expect(await put({ 'If-Match': '"other"' })).toBe(412)
    await store.ask('DELETE', path)
    expect(await put({ 'If-None-Match': '*' })).toBe(201)
  })
})

describe('HEAD and GET', () => {
  it('describe the object', async () => {
    await putObject(store, path, 'hello', { headers: { 'X-Object-Meta-A': '1' } })
    store.time += 1000
    const head = await store.ask('HEAD', path)
    expect(head.status).toBe(200)
    expect(head.headers).toMatchObject({
      etag: HELLO,
      'content-length': '5',
      'content-type': 'application/octet-stream',
      'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT',
      'x-object-hash': HELLO,
      'x-object-uuid': expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      'x-object-version': '1',
      'x-object-version-timestamp': 'Fri, 02 Jan 2026 03:04:05 GMT',
      'x-object-modified-by': account,
      'x-object-meta-a': '1',
      available: '1',
    })
    const { date: _head, ...described } = head.headers
    const { date: _get, 'content-disposition': disposition, ...got } = (await get()).headers
    expect(got).toEqual(described)
    expect(disposition).toBe('inline; filename="o"')
  })

  it('name the file in Content-Disposition unless the object has its own', async () => {
    const disposition = async (name: string, query = ''): Promise<string | undefined> =>
      (await store.ask('GET', `${files}/${name}${query}`)).headers['content-disposition']
    await putObject(store, `${files}/dir/plain.txt`, '')
    await putObject(store, `${files}/own.txt`, '', { headers: { 'Content-Disposition': 'attachment' } })
    expect(await disposition('dir/plain.txt')).toBe('inline; filename="plain.txt"')
    expect(await disposition('dir/plain.txt', '?disposition-type=attachment')).toBe(
      'attachment; filename="plain.txt"',
    )
    expect(await disposition('dir/plain.txt', '?disposition-type=other')).toBe('inline; filename="plain.txt"')
    expect(await disposition('own.txt')).toBe('attachment')
    expect(await disposition('own.txt', '?disposition-type=inline')).toBe('inline; filename="own.txt"')
    expect((await store.ask('HEAD', `${files}/dir/plain.txt`)).headers['content-disposition']).toBeUndefined()
  })

  it('answer 404 where there is nothing, and 403 to others', async () => {
    expect((await get()).status).toBe(404)
    expect((await store.ask('HEAD', `${account}/absent/o`)).status).toBe(404)
    expect((await store.ask('GET', path, { as: bob })).status).toBe(403)
    expect((await store.ask('HEAD', `${account}/absent/o`, { as: bob })).status).toBe(403)
  })

  it('obey conditions', async () => {
    await putObject(store, path, 'hello')
    const status = async (name: string, value: string): Promise<number> =>
      (await store.ask('HEAD', path, { headers: { [name]: value } })).status
    expect(await status('If-Match', HELLO)).toBe(200)
    expect(await status('If-Match', '"other"')).toBe(412)
    expect(await status('If-None-Match', '"other"')).toBe(200)
    expect(await status('If-Modified-Since', 'Fri, 02 Jan 2026 03:04:04 GMT')).toBe(200)
    expect(await status('If-Unmodified-Since', 'Fri, 02 Jan 2026 03:04:05 GMT')).toBe(200)
    expect(await status('If-Unmodified-Since', 'Fri, 02 Jan 2026 03:04:04 GMT')).toBe(412)
    expect(await status('If-Modified-Since', 'the day before')).toBe(200)
    const unchanged = await get({ 'If-None-Match': `"${HELLO}"` })
    expect([unchanged.status, unchanged.headers.etag, unchanged.text]).toEqual([304, HELLO, ''])
    const old = await get({ 'If-Modified-Since': 'Fri, 02 Jan 2026 03:04:05 GMT' })
    expect([old.status, old.headers.etag, old.text]).toEqual([304, undefined, ''])
  })

  it.each(['Fri, 02 Jan 2026 03:04:05 GMT', 'Friday, 02-Jan-26 03:04:05 GMT', 'Fri Jan  2 03:04:05 2026'])(
    'understand the date %s',
    async (date) => {
      await putObject(store, path, 'hello')
      expect((await get({ 'If-Modified-Since': date })).status).toBe(304)
    },
  )
})

describe('ranges', () => {
  const content = pattern(3000)
  beforeEach(() => putObject(store, path, content))

  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=1000-1100', 1000, 1101],
    ['bytes=1024-2047', 1024, 2048],
    ['bytes=2999-2999', 2999, 3000],
    ['bytes=2990-', 2990, 3000],
    ['bytes=-10', 2990, 3000],
    ['bytes=-3000', 0, 3000],
    ['bytes= 5 - 6', 5, 7],
  ])('%s', async (range, start, end) => {
    const got = await get({ Range: range })
    expect(got.status).toBe(206)
    expect(got.headers['content-range']).toBe(`bytes ${start}-${end - 1}/3000`)
    expect(got.headers['content-length']).toBe(String(end - start))
    expect(got.body).toEqual(content.subarray(start, end))
  })

  it.each([
    'bytes=0-3000',
    'bytes=3000-',
    'bytes=3000-3001',
    'bytes=-3001',
    'bytes=-0',
    'bytes=0-1,2990-3000',
  ])('%s is refused, not cut to fit', async (range) => {
    expect(fault(await get({ Range: range }))).toMatchObject({ name: 'rangeNotSatisfiable', code: 416 })
  })

  it.each(['bytes=2-1', 'bytes=a-b', 'bytes=-', 'bytes=', 'bytes=1', 'lines=1-2', 'bytes=0-1,x'])(
    '%s is overlooked',
    async (range) => {
      const got = await get({ Range: range })
      expect([got.status, got.body.length]).toEqual([200, 3000])
    },
  )

  it('of an empty object are all refused', async () => {
    await putObject(store, path, '')
    for (const range of ['bytes=0-', 'bytes=-1', 'bytes=0-0'])
      expect((await get({ Range: range })).status).toBe(416)
  })

  it('several of them come as parts', async () => {
    const got = await get({ Range: 'bytes=0-1,1020-1030,-2' })
    expect(got.status).toBe(206)
    expect(got.headers['content-length']).toBeUndefined()
    const [, boundary] = /^multipart\/byteranges; boundary=([0-9a-f]{32})$/.exec(
      got.headers['content-type'] ?? '',
    )!
    const part = (start: number, end: number): Buffer =>
      Buffer.concat([
        Buffer.from(`--${boundary!}\r\nContent-Range: bytes ${start}-${end}/3000\r\n`),
        Buffer.from('Content-Transfer-Encoding: binary\r\n\r\n'),
        content.subarray(start, end + 1),
        Buffer.from('\r\n'),
      ])
    const parts = [part(0, 1), part(1020, 1030), part(2998, 2999), Buffer.from(`--${boundary!}--\r\n`)]
    expect(got.body).toEqual(Buffer.concat(parts))
  })

  it('can be pinned to a content with If-Match', async () => {
    const etag = (await store.ask('HEAD', path)).headers.etag!
    expect((await get({ Range: 'bytes=0-9', 'If-Match': etag })).status).toBe(206)
    await putObject(store, path, pattern(3001))
    expect((await get({ Range: 'bytes=0-9', 'If-Match': etag })).status).toBe(412)
  })

  it('can be pinned to a version', async () => {
    const version = (await store.ask('HEAD', path)).headers['x-object-version']
    await putObject(store, path, 'replaced')
    const got = await get({ Range: 'bytes=2990-2999' }, `?version=${String(version)}`)
    expect([got.status, got.body]).toEqual([206, content.subarray(2990)])
  })

  it('hold with If-Range only for a known MD5', async () => {
    const root = (await store.ask('HEAD', path)).headers.etag!
    expect((await get({ Range: 'bytes=0-9', 'If-Range': root })).status).toBe(200)
    const date = 'Fri, 02 Jan 2026 03:04:05 GMT'
    expect((await get({ Range: 'bytes=0-9', 'If-Range': date })).status).toBe(200)
    const md5 = createHash('md5').update(content).digest('hex')
    await putObject(store, path, content, { headers: { ETag: md5 } })
    expect((await get({ Range: 'bytes=0-9', 'If-Range': `"${md5}"` })).status).toBe(206)
  })
})

describe('POST of metadata', () => {
  const post = (headers: Record<string, string>, query = '?update'): Promise<Answer> =>
    store.ask('POST', `${path}${query}`, { headers })
  const meta = async (): Promise<Record<string, unknown>> => {
    const { headers } = await store.ask('HEAD', path)
    const own = Object.entries(headers).filter(([name]) => name.startsWith('x-object-meta-'))
    return Object.fromEntries(own.map(([name, value]) => [name.slice('x-object-meta-'.length), value]))
  }

  it('adds with update and replaces without', async () => {
    await putObject(store, path, 'hello', { headers: { 'X-Object-Meta-A': '1', 'X-Object-Meta-B': '2' } })
    expect((await post({ 'X-Object-Meta-A': '', 'X-Object-Meta-C': '3' })).status).toBe(202)
    expect(await meta()).toEqual({ b: '2', c: '3' })
    expect((await post({ 'X-Object-Meta-D': '4' }, '')).status).toBe(202)
    expect(await meta()).toEqual({ d: '4' })
    await post({}, '')
    expect(await meta()).toEqual({})
  })

  it('makes a version, but not for sharing alone', async () => {
    await putObject(store, path, 'hello')
    const version = async (): Promise<string> =>
      String((await store.ask('HEAD', path)).headers['x-object-version'])
    await post({ 'X-Object-Sharing': 'read=*' })
    expect(await version()).toBe('1')
    await post({ 'X-Object-Meta-A': '1' })
    expect(await version()).toBe('2')
    expect((await get({}, '?version=1')).headers['x-object-meta-a']).toBeUndefined()
  })

  it('sets encoding and disposition, and neither type nor data', async () => {
    await putObject(store, path, 'hello')
    await store.ask('POST', `${path}?update`, {
      body: 'ignored',
      headers: { 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip', 'Content-Disposition': 'inline' },
    })
    const { headers } = await store.ask('HEAD', path)
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-encoding': 'gzip',
      'content-disposition': 'inline',
      'content-length': '5',
    })
    await post({ 'Content-Encoding': '' })
    expect((await store.ask('HEAD', path)).headers['content-encoding']).toBeUndefined()
  })

  it('fails without an object, against conditions and beyond limits', async () => {
    expect((await post({})).status).toBe(404)
    await putObject(store, path, 'hello', {
      headers: Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`X-Object-Meta-k${index}`, 'v'])),
    })
    expect((await post({ 'If-Match': '"other"' })).status).toBe(412)
    expect((await post({ 'If-None-Match': HELLO })).status).toBe(412)
    expect((await post({ 'X-Object-Meta-More': 'x' })).status).toBe(400)
    expect((await post({ 'X-Object-Meta-k0': 'x' })).status).toBe(202)
    expect((await store.ask('POST', `${path}?update`, { as: bob })).status).toBe(403)
  })
})

describe('versions', () => {
  it('are listed, also of a deleted object, without the deletions', async () => {
    await putObject(store, path, 'one')
    store.time += 1000
    await putObject(store, path, 'two')
    await store.ask('DELETE', path)
    const list = await get({}, '?format=json&version=list')
    expect(list.status).toBe(200)
    expect(list.json()).toEqual({
      versions: [
        [1, '1767323045.678000'],
        [2, '1767323046.678000'],
      ],
    })
    const xml = await get({}, '?format=xml&version=list')
    expect(xml.text).toContain(
      '<version><version>1</version><timestamp>1767323045.678000</timestamp></version>',
    )
    expect((await store.ask('GET', `${files}/never?version=list`)).status).toBe(404)
  })

  it('are read by number, with the date of the newest', async () => {
    await putObject(store, path, 'one', {
      headers: { 'X-Object-Sharing': 'read=*', 'X-Object-Public': 'true' },
    })
    store.time += 1000
    await putObject(store, path, 'two')
    const old = await get({}, '?version=1')
    expect(old.text).toBe('one')
    expect(old.headers).toMatchObject({
      'x-object-version': '1',
      'x-object-version-timestamp': 'Fri, 02 Jan 2026 03:04:05 GMT',
      'last-modified': 'Fri, 02 Jan 2026 03:04:06 GMT',
    })
    expect(old.headers['x-object-sharing']).toBeUndefined()
    expect(old.headers['x-object-public']).toBeUndefined()
    const now = (await store.ask('HEAD', path)).headers
    expect(now['x-object-sharing']).toBe('read=%2A')
    expect(now['x-object-public']).toContain('/public/')
    expect((await get({}, '?hashmap&version=1')).json()).toMatchObject({ bytes: 3 })
  })

  it.each(['0', '99', 'x', '1.0', '2', '3'])('%s is none of them', async (version) => {
    await putObject(store, path, 'one')
    await putObject(store, `${files}/other`, 'two')
    await store.ask('DELETE', path)
    expect((await get({}, `?version=${version}`)).status).toBe(404)
  })

  it('are not kept where the container does not want them', async () => {
    await store.ask('POST', `${files}?update`, { headers: { 'X-Container-Policy-Versioning': 'none' } })
    await putObject(store, path, 'one')
    await putObject(store, path, 'two')
    expect((await get({}, '?version=1')).status).toBe(404)
    expect((await get({}, '?version=list')).json()).toMatchObject({ versions: [[2, expect.any(String)]] })
  })

  it('of a deleted object can be restored by a copy', async () => {
    await putObject(store, path, 'precious')
    await store.ask('DELETE', path)
    const restored = await store.ask('PUT', path, {
      body: '',
      headers: { 'X-Copy-From': '/files/o', 'X-Source-Version': '1' },
    })
    expect(restored.status).toBe(201)
    expect((await get()).text).toBe('precious')
  })
})

describe('DELETE', () => {
  it('removes an object once', async () => {
    await putObject(store, path, 'hello')
    expect((await store.ask('DELETE', path)).status).toBe(204)
    expect((await store.ask('DELETE', path)).status).toBe(404)
    expect((await get()).status).toBe(404)
    expect((await store.ask('HEAD', files)).headers['x-container-object-count']).toBe('0')
  })

  it('with a delimiter takes what is below along', async () => {
    for (const name of ['o', 'o/a', 'o/b/c', 'ob']) await putObject(store, `${files}/${name}`, '')
    expect((await store.ask('DELETE', `${path}?delimiter=/`)).status).toBe(204)
    expect((await store.ask('GET', files)).text).toBe('ob\n')
  })

  it('with until forgets history and keeps what is live', async () => {
    await putObject(store, path, 'one')
    await putObject(store, path, 'two')
    store.time += 3000
    expect((await store.ask('DELETE', `${path}?until=${Math.floor(store.time / 1000)}`)).status).toBe(204)
    expect((await get()).text).toBe('two')
    expect((await get({}, '?version=1')).status).toBe(404)
    await store.ask('DELETE', path)
    store.time += 3000
    await store.ask('DELETE', `${path}?until=${Math.floor(store.time / 1000)}`)
    expect((await get({}, '?version=list')).status).toBe(404)
  })

  it('with an until that is no whole number is an ordinary one', async () => {
    await putObject(store, path, 'one')
    expect((await store.ask('DELETE', `${path}?until=1700000000.5`)).status).toBe(204)
    expect((await get()).status).toBe(404)
  })

  it('is for the owner, whatever is shared', async () => {
    await putObject(store, path, 'one', { headers: { 'X-Object-Sharing': 'write=*' } })
    expect(fault(await store.ask('DELETE', path, { as: bob }))).toMatchObject({
      name: 'forbidden',
      code: 403,
    })
    expect((await store.ask('DELETE', `${account}/absent/o`)).status).toBe(404)
  })
})

describe('a manifest', () => {
  it('reads as the objects with its prefix, in the order of their names', async () => {
    await putObject(store, `${files}/parts/2`, pattern(1500))
    await putObject(store, `${files}/parts/1`, 'first')
    const headers = { 'X-Object-Manifest': 'files/parts/' }
    expect((await putObject(store, path, '', { headers })).status).toBe(201)
    const whole = Buffer.concat([Buffer.from('first'), pattern(1500)])
    const got = await get()
    expect(got.body).toEqual(whole)
    expect(got.headers['x-object-manifest']).toBe('files/parts/')
    expect((await store.ask('HEAD', path)).headers['content-length']).toBe('1505')
    expect((await get({ Range: 'bytes=3-7' })).body).toEqual(whole.subarray(3, 8))
  })

  it('has the blocks of its parts one after the other as its hashmap', async () => {
    await putObject(store, `${files}/parts/2`, pattern(1500))
    await putObject(store, `${files}/parts/1`, 'first')
    await putObject(store, path, '', { headers: { 'X-Object-Manifest': 'files/parts/' } })
    const hashmap = async (of: string): Promise<{ bytes: number; hashes: string[] }> =>
      (await store.ask('GET', `${of}?hashmap&format=json`)).json() as { bytes: number; hashes: string[] }
    const [first, second] = [await hashmap(`${files}/parts/1`), await hashmap(`${files}/parts/2`)]
    expect(await hashmap(path)).toMatchObject({
      block_size: 1024,
      bytes: 1505,
      hashes: [...first.hashes, ...second.hashes],
    })
    await putObject(store, path, '', { headers: { 'X-Object-Manifest': 'files/nothing/' } })
    expect(await hashmap(path)).toMatchObject({ bytes: 0, hashes: [expect.stringMatching(/^e3b0c4/)] })
  })
})
