import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  alice,
  bob,
  fault,
  pattern,
  putObject,
  startStore,
  type Answer,
  type Ask,
  type Store,
} from './pithos-store.js'

const account = alice.id
const files = `${account}/files`
const path = `${files}/o`
let store: Store

beforeEach(async () => {
  store = await startStore()
  await store.ask('PUT', files)
})
afterEach(() => store.close())

function update(
  range: string | undefined,
  body: string | Uint8Array | undefined,
  ask: Ask = {},
): Promise<Answer> {
  return store.ask('POST', `${path}?update`, {
    ...ask,
    ...(body !== undefined && { body }),
    headers: {
      'Content-Type': 'application/octet-stream',
      ...(range !== undefined && { 'Content-Range': range }),
      ...ask.headers,
    },
  })
}

function updateFrom(source: string, range: string, headers: Record<string, string> = {}): Promise<Answer> {
  return store.ask('POST', `${path}?update`, {
    headers: { 'X-Source-Object': source, 'Content-Range': range, ...headers },
  })
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn()
}

async function content(): Promise<Buffer> {
  return (await store.ask('GET', path)).body
}

describe('writing in place', () => {
  it('appends, overwrites, and makes a version of the same object each time', async () => {
    await putObject(store, path, 'hello', {
      headers: { 'Content-Type': 'text/plain', 'X-Object-Meta-A': '1' },
    })
    const before = (await store.ask('HEAD', path)).headers
    const appended = await update('bytes */*', ' world')
    expect(appended.status).toBe(204)
    expect((await content()).toString()).toBe('hello world')
    expect((await update('bytes 0-4/*', 'HELLO')).status).toBe(204)
    expect((await update('bytes 6-/*', 'W')).status).toBe(204)
    expect((await update('bytes 11-11/*', '!')).status).toBe(204)
    expect((await content()).toString()).toBe('HELLO World!')
    const after = (await store.ask('HEAD', path)).headers
    expect(after).toMatchObject({
      'content-type': 'text/plain',
      'x-object-uuid': before['x-object-uuid'],
      'x-object-version': '5',
      'x-object-meta-a': '1',
    })
    expect(appended.headers['x-object-version']).toBe('2')
    expect((await store.ask('GET', `${path}?version=2`)).headers.etag).toBe(appended.headers.etag)
  })

  it.each([
    ['inside a block', 3000, 'bytes 10-/*', 20],
    ['over the border of blocks', 3000, 'bytes 1000-/*', 50],
    ['over a whole block', 3000, 'bytes 1024-/*', 1024],
    ['over several blocks', 5000, 'bytes 700-/*', 3333],
    ['beyond the end', 3000, 'bytes 2500-/*', 2500],
    ['at the end', 3000, 'bytes */*', 2500],
    ['at the end of a full block', 2048, 'bytes */*', 2500],
    ['to an empty object', 0, 'bytes 0-/*', 2500],
  ])('%s', async (_, size, range, length) => {
    const old = pattern(size)
    const data = Buffer.alloc(length, 'x')
    await putObject(store, path, old)
    expect((await update(range, data)).status).toBe(204)
    const start = /\d+/.exec(range)
    const offset = start ? Number(start[0]) : size
    const expected = Buffer.concat([old.subarray(0, offset), data, old.subarray(offset + length)])
    expect(await content()).toEqual(expected)
    const fresh = await putObject(store, `${files}/fresh`, expected)
    expect((await store.ask('HEAD', path)).headers['x-object-hash']).toBe(fresh.headers.etag)
  })

  it('takes chunked bodies, whose length no range limits', async () => {
    await putObject(store, path, 'hello')
    const chunked = await update('bytes 0-0/*', undefined, { chunks: ['J', 'umbo'] })
    expect(chunked.status).toBe(204)
    expect((await content()).toString()).toBe('Jumbo')
  })

  it('checks range, length and total', async () => {
    await putObject(store, path, 'hello')
    const cases: [string | undefined, string | undefined, number][] = [
      [undefined, 'x', 400],
      ['bytes 6-6/*', 'x', 416],
      ['bytes 3-2/*', 'x', 416],
      ['bytes x-y/*', 'x', 416],
      ['0-1/*', 'xy', 416],
      ['bytes 0-0/6', 'x', 416],
      ['bytes 4-5/5', 'xy', 416],
      ['bytes 5-5/5', 'x', 416],
      ['bytes 0-1/*', 'x', 400],
      ['bytes 0-0/*', undefined, 411],
      ['bytes 0-0/5', 'J', 204],
    ]
    for (const [range, body, status] of cases) {
      expect([range, body, (await update(range, body)).status]).toEqual([range, body, status])
    }
  })

  it('is only done for exactly the right type', async () => {
    await putObject(store, path, 'hello')
    const headers = { 'Content-Type': 'application/octet-stream; charset=x' }
    expect((await update('bytes */*', '!', { headers })).status).toBe(202)
    expect((await content()).toString()).toBe('hello')
  })

  it('obeys conditions, permissions and quotas', async () => {
    expect((await update('bytes */*', 'x')).status).toBe(404)
    await putObject(store, path, 'hello', { headers: { 'X-Object-Sharing': `read=${bob.id}` } })
    expect((await update('bytes */*', 'x', { headers: { 'If-Match': '"other"' } })).status).toBe(412)
    expect((await update('bytes */*', 'x', { as: bob })).status).toBe(403)
    await store.ask('POST', `${path}?update`, { headers: { 'X-Object-Sharing': `write=${bob.id}` } })
    expect((await update('bytes */*', 'x', { as: bob })).status).toBe(204)
    expect((await store.ask('HEAD', path)).headers['x-object-modified-by']).toBe(bob.id)
    await store.ask('POST', `${files}?update`, { headers: { 'X-Container-Policy-Quota': '7' } })
    expect(fault(await update('bytes */*', 'xy'))).toMatchObject({ name: 'requestEntityTooLarge', code: 413 })
  })

  it('loses no byte when one appends while another is still sending', async () => {
    await putObject(store, path, '')
    const { hostname, port } = new URL(store.origin)
    const slow = request({
      hostname,
      port,
      method: 'POST',
      path: `/pithos/object-store/v1/${path}?update`,
      headers: {
        'X-Auth-Token': alice.name,
        'Content-Type': 'application/octet-stream',
        'Content-Range': 'bytes */*',
        'Transfer-Encoding': 'chunked',
      },
    })
    const answered = once(slow, 'response')
    slow.write('slow')
    const begun = (count: number): boolean => store.log.list({ method: 'POST' }).length === count
    await until(() => begun(1) && store.log.list({ method: 'POST' })[0]!.bytes === 4)
    const quick = update('bytes */*', 'quick')
    await until(() => begun(2))
    slow.end('er')
    const [response] = (await answered) as [IncomingMessage]
    response.resume()
    expect([response.statusCode, (await quick).status]).toEqual([204, 204])
    expect((await content()).toString()).toBe('slowerquick')
  })

  it('changes metadata along, and forgets it without update', async () => {
    await putObject(store, path, 'hello', { headers: { 'X-Object-Meta-A': '1' } })
    await update('bytes */*', '!', { headers: { 'X-Object-Meta-B': '2' } })
    expect((await store.ask('HEAD', path)).headers).toMatchObject({
      'x-object-meta-a': '1',
      'x-object-meta-b': '2',
    })
    await store.ask('POST', path, {
      body: '!',
      headers: { 'Content-Type': 'application/octet-stream', 'Content-Range': 'bytes */*' },
    })
    expect((await store.ask('HEAD', path)).headers['x-object-meta-a']).toBeUndefined()
  })
})

describe('truncating', () => {
  it('keeps the last block as it was: the stale tail', async () => {
    await putObject(store, path, pattern(3000))
    const before = (await store.ask('GET', `${path}?hashmap`)).json() as { hashes: string[] }
    const cut = await updateFrom('/files/o', 'bytes 0-1999/*', { 'X-Object-Bytes': '2000' })
    expect(cut.status).toBe(204)
    expect(await content()).toEqual(pattern(2000))
    const map = (await store.ask('GET', `${path}?hashmap`)).json() as { bytes: number; hashes: string[] }
    expect(map).toMatchObject({ bytes: 2000, hashes: before.hashes.slice(0, 2) })
    const honest = await putObject(store, `${files}/honest`, pattern(2000))
    expect(cut.headers.etag).not.toBe(honest.headers.etag)
  })

  it('lets what is appended later come in front of the stale tail', async () => {
    await putObject(store, path, '0123456789')
    await updateFrom('/files/o', 'bytes 0-3/*', { 'X-Object-Bytes': '4' })
    await update('bytes */*', 'ab')
    expect((await content()).toString()).toBe('0123ab')
    const map = (await store.ask('GET', `${path}?hashmap`)).json() as { hashes: string[] }
    const whole = await putObject(store, `${files}/whole`, '0123ab6789')
    expect(map.hashes).toEqual([whole.headers.etag])
  })

  it('to nothing leaves an empty object', async () => {
    await putObject(store, path, pattern(3000))
    const cut = await updateFrom('/files/o', 'bytes 0-0/*', { 'X-Object-Bytes': '0' })
    expect(cut.headers.etag).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect((await store.ask('HEAD', path)).headers['content-length']).toBe('0')
  })

  it('cannot make an object longer, and wants a number', async () => {
    await putObject(store, path, 'hello')
    expect((await update('bytes 0-0/*', 'J', { headers: { 'X-Object-Bytes': '9' } })).status).toBe(204)
    expect((await content()).toString()).toBe('Jello')
    expect((await update('bytes 0-0/*', 'h', { headers: { 'X-Object-Bytes': 'x' } })).status).toBe(400)
    const kamaki = await updateFrom('/files/o', 'bytes 0-5/*', { 'X-Object-Bytes': '5' })
    expect(fault(kamaki)).toMatchObject({ name: 'badRequest', code: 400 })
  })
})

describe('writing from another object', () => {
  beforeEach(() => putObject(store, `${files}/source`, Buffer.alloc(3000, 's')))

  it.each([
    ['at a border of blocks', 5000, 'bytes 1024-2223/*', 1200],
    ['inside blocks', 5000, 'bytes 700-2899/*', 2200],
    ['all of it', 5000, 'bytes 100-/*', 3000],
    ['at the end', 2500, 'bytes */*', 3000],
    ['at the end of a full block', 2048, 'bytes */*', 3000],
  ])('%s', async (_, size, range, length) => {
    const old = pattern(size)
    await putObject(store, path, old)
    expect((await updateFrom('/files/source', range)).status).toBe(204)
    const start = /\d+/.exec(range)
    const offset = start ? Number(start[0]) : size
    const data = Buffer.alloc(length, 's')
    expect(await content()).toEqual(
      Buffer.concat([old.subarray(0, offset), data, old.subarray(offset + length)]),
    )
  })

  it('brings bytes beyond the end along when a last block is taken over whole', async () => {
    await putObject(store, path, pattern(1024))
    await updateFrom('/files/source', 'bytes 1024-1123/*')
    expect(await content()).toEqual(Buffer.concat([pattern(1024), Buffer.alloc(100, 's')]))
    const map = (await store.ask('GET', `${path}?hashmap`)).json() as { hashes: string[] }
    const source = (await store.ask('GET', `${files}/source?hashmap`)).json() as { hashes: string[] }
    expect(map.hashes[1]).toBe(source.hashes[0])
  })

  it('restores an old version of the object itself', async () => {
    await putObject(store, path, pattern(2500))
    const old = (await store.ask('HEAD', path)).headers
    await putObject(store, path, pattern(4000))
    const restored = await updateFrom('/files/o', 'bytes 0-/*', {
      'X-Source-Version': String(old['x-object-version']),
      'X-Object-Bytes': '2500',
    })
    expect(restored.status).toBe(204)
    expect(await content()).toEqual(pattern(2500))
  })

  it('fails for sources that are too short, absent, closed or badly named', async () => {
    await putObject(store, path, pattern(5000))
    expect((await updateFrom('/files/source', 'bytes 0-3000/*')).status).toBe(400)
    expect((await updateFrom('/files/absent', 'bytes 0-1/*')).status).toBe(404)
    expect((await updateFrom('files/source', 'bytes 0-1/*')).status).toBe(400)
    expect((await updateFrom('/files/source', 'bytes 0-1/*', { 'X-Source-Version': '99' })).status).toBe(404)
    expect((await updateFrom('/files/source', 'bytes 0-1/*', { 'X-Source-Account': bob.id })).status).toBe(
      403,
    )
  })
})
