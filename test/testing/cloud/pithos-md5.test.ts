import { createHash } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { alice, pattern, putObject, startStore, type Store } from './pithos-store.js'

const files = `${alice.id}/files`
const path = `${files}/object`
let store: Store

beforeEach(async () => {
  store = await startStore({ updateMd5: true })
  await store.ask('PUT', files)
})
afterEach(() => store.close())

const md5 = (content: string | Uint8Array): string => createHash('md5').update(content).digest('hex')

async function tags(object = path): Promise<unknown[]> {
  const { headers } = await store.ask('HEAD', object)
  const list = (await store.ask('GET', `${files}?format=json`)).json() as { name: string; hash: string }[]
  const listed = list.find(({ name }) => object.endsWith(`/${name}`))
  return [headers.etag, listed?.hash]
}

it('is the entity tag of data and of hashmaps, beside the Merkle root', async () => {
  const content = pattern(3000)
  const put = await putObject(store, path, content)
  expect([put.status, put.headers.etag]).toEqual([201, md5(content)])
  expect(await tags()).toEqual([md5(content), md5(content)])
  const root = (await store.ask('HEAD', path)).headers['x-object-hash']
  expect(root).toMatch(/^[0-9a-f]{64}$/)
  const { bytes, hashes } = (await store.ask('GET', `${path}?hashmap`)).json() as {
    bytes: number
    hashes: string[]
  }
  const again = await store.ask('PUT', `${path}2?hashmap`, {
    body: JSON.stringify({ bytes, hashes }),
    headers: { 'Content-Type': 'a/b' },
  })
  expect([again.status, again.headers.etag]).toEqual([201, md5(content)])
  expect((await store.ask('HEAD', `${path}2`)).headers['x-object-hash']).toBe(root)
})

it('follows updates, truncation and copies', async () => {
  await putObject(store, path, 'hello')
  const append = await store.ask('POST', `${path}?update`, {
    body: ' world',
    headers: { 'Content-Type': 'application/octet-stream', 'Content-Range': 'bytes */*' },
  })
  expect([append.status, append.headers.etag]).toEqual([204, md5('hello world')])
  const truncate = await store.ask('POST', `${path}?update`, {
    headers: {
      'Content-Range': 'bytes 0-3/*',
      'X-Object-Bytes': '4',
      'X-Source-Object': '/files/object',
    },
  })
  expect([truncate.status, await tags()]).toEqual([204, [md5('hell'), md5('hell')]])
  await store.ask('COPY', path, { headers: { Destination: '/files/copy' } })
  expect(await tags(`${files}/copy`)).toEqual([md5('hell'), md5('hell')])
})

it('is what conditions look at', async () => {
  await putObject(store, path, 'hello')
  const get = async (headers: Record<string, string>): Promise<number> =>
    (await store.ask('GET', path, { headers })).status
  const root = String((await store.ask('HEAD', path)).headers['x-object-hash'])
  expect(await get({ 'If-Match': md5('hello') })).toBe(200)
  expect(await get({ 'If-Match': root })).toBe(412)
  expect(await get({ 'If-None-Match': md5('hello') })).toBe(304)
  expect(await get({ Range: 'bytes=0-0', 'If-Range': md5('hello') })).toBe(206)
  const lost = await putObject(store, path, 'new', { headers: { 'If-Match': root } })
  expect(lost.status).toBe(412)
})
