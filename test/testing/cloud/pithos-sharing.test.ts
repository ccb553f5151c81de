import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { alice, bob, carol, fault, putObject, startStore, type Answer, type Store } from './pithos-store.js'
import type { User } from '../../../src/testing/cloud/service.js'

const account = alice.id
const files = `${account}/files`
const path = `${files}/dir/o`
let store: Store

beforeEach(async () => {
  store = await startStore()
  await store.ask('PUT', files)
  await putObject(store, path, 'hello')
})
afterEach(() => store.close())

function share(sharing: string, object = path): Promise<Answer> {
  return store.ask('POST', `${object}?update`, { headers: { 'X-Object-Sharing': sharing } })
}

async function rights(user: User, object = path): Promise<string> {
  const read = await store.ask('GET', object, { as: user })
  const write = await store.ask('POST', `${object}?update`, {
    as: user,
    headers: { 'X-Object-Meta-By': user.name },
  })
  return `${read.status} ${write.status} ${String(read.headers['x-object-allowed-to'])}`
}

describe('sharing', () => {
  it('opens an object for reading or writing', async () => {
    expect(await rights(bob)).toBe('403 403 undefined')
    expect((await share(`read=${bob.id}`)).status).toBe(202)
    expect(await rights(bob)).toBe('200 403 read')
    expect(await rights(carol)).toBe('403 403 undefined')
    await share(`write=${bob.id}`)
    expect(await rights(bob)).toBe('200 202 write')
    await share('')
    expect(await rights(bob)).toBe('403 403 undefined')
    expect((await store.ask('HEAD', path)).headers['x-object-allowed-to']).toBeUndefined()
  })

  it('can be with everybody, and with groups of an account', async () => {
    await share('read=*')
    expect(await rights(carol)).toBe('200 403 read')
    await share(`write=${account}:friends`)
    expect(await rights(bob)).toBe('403 403 undefined')
    await store.ask('POST', `${account}?update`, { headers: { 'X-Account-Group-Friends': bob.id } })
    expect(await rights(bob)).toBe('200 202 write')
    expect(await rights(carol)).toBe('403 403 undefined')
  })

  it.each([
    ['read=A, b ;write=C', 'read=a,b; write=c'],
    ['read=a,b;write=b', 'read=a; write=b'],
    ['write=a;read=a', 'write=a'],
    ['read=a:g~1', 'read=a:g1'],
    ['read=*', 'read=%2A'],
  ])('%j is kept as %j', async (given, kept) => {
    await share(given)
    expect((await store.ask('HEAD', path)).headers['x-object-sharing']).toBe(kept)
  })

  it.each(['read', 'read=', 'read=a;', 'execute=a', 'a', 'write=,'])('%j is refused', async (sharing) => {
    expect(fault(await share(sharing))).toMatchObject({ name: 'badRequest', code: 400 })
  })

  it('is the owner’s to change', async () => {
    await share(`write=${bob.id}`)
    const headers = { 'X-Object-Sharing': 'read=*' }
    expect((await store.ask('POST', `${path}?update`, { as: bob, headers })).status).toBe(403)
    expect((await putObject(store, path, 'x', { as: bob, headers })).status).toBe(403)
    const published = { 'X-Object-Public': 'true' }
    expect((await store.ask('POST', `${path}?update`, { as: bob, headers: published })).status).toBe(403)
    expect((await store.ask('GET', path)).text).toBe('hello')
  })

  it('stays with the path when the object is replaced, and ends when it is deleted', async () => {
    await share('read=*')
    await putObject(store, path, 'new')
    expect((await store.ask('GET', path, { as: bob })).text).toBe('new')
    expect((await store.ask('GET', `${path}?version=1`, { as: bob })).text).toBe('hello')
    await store.ask('DELETE', path)
    expect((await store.ask('GET', path, { as: bob })).status).toBe(403)
    await putObject(store, path, 'again')
    expect((await store.ask('GET', path, { as: bob })).status).toBe(403)
  })

  it('comes down from the nearest directory object', async () => {
    await putObject(store, `${files}/dir`, '', { headers: { 'X-Object-Sharing': `write=${bob.id}` } })
    expect(await rights(bob)).toBe('403 403 undefined')
    const type = { 'Content-Type': 'application/directory; x=y' }
    await putObject(store, `${files}/dir`, '', { headers: type })
    expect(await rights(bob)).toBe('200 202 write')
    const { headers } = await store.ask('HEAD', path)
    expect(headers['x-object-sharing']).toBe(`write=${bob.id}`)
    expect(headers['x-object-shared-by']).toBe(`${files}/dir`)
    expect((await putObject(store, `${files}/dir/new`, 'theirs', { as: bob })).status).toBe(201)
    expect((await store.ask('HEAD', `${files}/dir/new`)).headers['x-object-modified-by']).toBe(bob.id)
    expect((await putObject(store, `${files}/outside`, 'theirs', { as: bob })).status).toBe(403)

    await putObject(store, `${files}/dir/sub`, '', {
      headers: { ...type, 'X-Object-Sharing': `read=${carol.id}` },
    })
    await putObject(store, `${files}/dir/sub/o`, '')
    expect(await rights(bob, `${files}/dir/sub/o`)).toBe('403 403 undefined')
    expect(await rights(carol, `${files}/dir/sub/o`)).toBe('200 403 read')
    await share(`read=${carol.id}`)
    expect(await rights(bob)).toBe('403 403 undefined')

    const list = await store.ask('GET', `${files}?format=json&prefix=dir/new`, { as: bob })
    expect(list.json()).toEqual([
      expect.objectContaining({
        name: 'dir/new',
        x_object_shared_by: `${files}/dir`,
        x_object_allowed_to: 'write',
      }),
    ])
    const nothing = await store.ask('GET', `${files}/dir/absent`, { as: bob })
    expect(nothing.status).toBe(404)
  })

  it('for writing does not open the container for blocks, but those of one’s own account serve', async () => {
    await share(`write=${bob.id}`)
    const block = { as: bob, body: 'theirs', headers: { 'Content-Type': 'application/octet-stream' } }
    expect((await store.ask('POST', `${files}?update`, block)).status).toBe(403)
    const posted = await store.ask('POST', `${bob.id}/any?update`, block)
    const put = await store.ask('PUT', `${path}?hashmap`, {
      as: bob,
      body: JSON.stringify({ bytes: 6, hashes: posted.json() as unknown }),
      headers: { 'Content-Type': 'text/plain' },
    })
    expect(put.status).toBe(201)
    expect((await store.ask('GET', path)).text).toBe('theirs')
  })

  it('can be set when the object is made', async () => {
    await putObject(store, `${files}/new`, 'x', { headers: { 'X-Object-Sharing': `read=${bob.id}` } })
    expect(await rights(bob, `${files}/new`)).toBe('200 403 read')
    const bad = await putObject(store, `${files}/bad`, 'x', { headers: { 'X-Object-Sharing': 'all' } })
    expect(bad.status).toBe(400)
  })
})

describe('publishing', () => {
  const publish = (value: string, object = path): Promise<Answer> =>
    store.ask('POST', `${object}?update`, { headers: { 'X-Object-Public': value } })
  const url = async (): Promise<string | undefined> =>
    (await store.ask('HEAD', path)).headers['x-object-public']?.toString()
  const read = (address: string, method = 'GET', headers: Record<string, string> = {}): Promise<Answer> =>
    store.ask(method, new URL(address).pathname, { as: null, headers })

  it('gives an object a URL that needs no token and tells nothing of the store', async () => {
    const answer = await publish('true')
    expect([answer.status, answer.headers['x-object-public']]).toEqual([202, undefined])
    const address = await url()
    expect(address).toMatch(new RegExp(`^${store.origin}/pithos/public/[0-9a-zA-Z]{10,22}$`))
    const got = await read(address!)
    expect([got.status, got.text]).toEqual([200, 'hello'])
    expect(got.headers['content-disposition']).toBe('inline; filename="o"')
    expect(Object.keys(got.headers).filter((name) => name.startsWith('x-'))).toEqual([])
    const head = await read(address!, 'HEAD')
    expect([head.status, head.headers['content-length'], head.text]).toEqual([200, '5', ''])
    expect((await read(address!, 'GET', { Range: 'bytes=1-2' })).text).toBe('el')
    expect((await read(address!, 'GET', { 'If-None-Match': '*' })).status).toBe(304)
    const put = await read(address!, 'PUT')
    expect([put.status, put.headers.allow]).toEqual([405, 'GET,HEAD'])
  })

  it('keeps its URL while the object changes, and loses it when it is withdrawn or deleted', async () => {
    await publish('TRUE')
    const first = await url()
    await putObject(store, path, 'new')
    await publish('true')
    expect(await url()).toBe(first)
    expect((await read(first!)).text).toBe('new')
    await publish('false')
    expect(await url()).toBeUndefined()
    expect((await read(first!)).status).toBe(404)
    await publish('true')
    const second = await url()
    expect(second).not.toBe(first)
    await store.ask('DELETE', path)
    expect((await read(second!)).status).toBe(404)
    expect((await read(`${store.origin}/pithos/public/unknown`)).status).toBe(404)
  })

  it('is withdrawn by an empty value, and refuses what is neither true nor false', async () => {
    await publish('true')
    expect((await publish('')).status).toBe(202)
    expect(await url()).toBeUndefined()
    expect((await publish('maybe')).status).toBe(400)
  })

  it('is read with ranges and conditions as any object is', async () => {
    await publish('true')
    const address = (await url())!
    expect((await read(address, 'GET', { Range: 'bytes=0-5' })).status).toBe(416)
    const parts = await read(address, 'GET', { Range: 'bytes=0-0,4-4' })
    expect([parts.status, parts.headers['content-type']]).toEqual([
      206,
      expect.stringMatching(/^multipart\/byteranges; boundary=/),
    ])
    expect((await read(address, 'HEAD', { 'If-Match': 'other' })).status).toBe(412)
    expect(
      (await read(address, 'HEAD', { 'If-Modified-Since': 'Fri, 02 Jan 2026 03:04:05 GMT' })).status,
    ).toBe(304)
    const attached = await store.ask('GET', `${new URL(address).pathname}?disposition-type=attachment`, {
      as: null,
    })
    expect(attached.headers['content-disposition']).toBe('attachment; filename="o"')
    expect(fault(await read(`${address}x`))).toMatchObject({ name: 'itemNotFound', code: 404 })
  })

  it('is not shown to others', async () => {
    await share('read=*')
    await publish('true')
    const { headers } = await store.ask('HEAD', path, { as: bob })
    expect(headers['x-object-public']).toBeUndefined()
    expect(headers['x-object-sharing']).toBe('read=%2A')
  })

  it('ends with the container', async () => {
    await publish('true')
    const address = await url()
    await store.ask('DELETE', path)
    await store.ask('DELETE', files)
    expect((await read(address!)).status).toBe(404)
  })
})
