import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { alice, pattern, putObject, startStore, type Answer, type Store } from './pithos-store.js'

let store: Store
afterEach(() => store.close())

const path = `${alice.id}/files/object`

async function start(memoryLimit: number): Promise<void> {
  store = await startStore({ memoryLimit })
  await store.ask('PUT', `${alice.id}/files`)
}

it('keeps blocks in memory as long as there is room', async () => {
  await start(8192)
  await putObject(store, path, pattern(8192))
  expect(store.folder()).toBeUndefined()
  expect((await store.ask('GET', path)).body).toEqual(pattern(8192))
})

it('writes what does not fit to a file a block, under its hash and without the zeros at its end', async () => {
  await start(2048)
  const content = Buffer.concat([pattern(3072), Buffer.from('hello'), Buffer.alloc(1019), Buffer.alloc(1024)])
  await putObject(store, path, content)
  const folder = store.folder()!
  const files = await Promise.all(
    (await readdir(folder)).map(async (name) => [name, (await stat(join(folder, name))).size] as const),
  )
  expect(new Map(files)).toEqual(
    new Map([
      ['fae3e20c322438742281e0ffb188c0fb79985514304f3b55fd70402a1a92bdc8', 1024],
      ['2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824', 5],
    ]),
  )
  expect((await store.ask('GET', path)).body).toEqual(content)
  const part = await store.ask('GET', path, { headers: { Range: 'bytes=2000-4000' } })
  expect(part.body).toEqual(content.subarray(2000, 4001))
})

it('stores a block once, also when it comes several times at once', async () => {
  await start(0)
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) => putObject(store, `${path}${index}`, pattern(2048))),
  )
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 201))
  expect(await readdir(store.folder()!)).toHaveLength(2)
  for (let index = 0; index < 8; index += 1) {
    expect((await store.ask('GET', `${path}${index}`)).body).toEqual(pattern(2048))
  }
})

it('updates blocks in files', async () => {
  await start(0)
  await putObject(store, path, pattern(3000))
  const update = await store.ask('POST', `${path}?update`, {
    body: 'changed',
    headers: { 'Content-Type': 'application/octet-stream', 'Content-Range': 'bytes 1020-1026/*' },
  })
  expect(update.status).toBe(204)
  const expected = Buffer.from(pattern(3000))
  expected.write('changed', 1020)
  expect((await store.ask('GET', path)).body).toEqual(expected)
})

it('misses a block again that was lost, and takes it again', async () => {
  await start(1024)
  await putObject(store, path, pattern(2048))
  const { hashes } = (await store.ask('GET', `${path}?hashmap`)).json() as { hashes: string[] }
  const put = (): Promise<Answer> =>
    store.ask('PUT', `${path}?hashmap`, {
      body: JSON.stringify({ bytes: 2048, hashes }),
      headers: { 'Content-Type': 'a/b' },
    })
  expect(hashes.map((hash) => store.pithos.forgetBlock(hash))).toEqual([true, true])
  expect(store.pithos.forgetBlock(hashes[0]!)).toBe(false)
  expect((await put()).json()).toEqual(hashes)
  await putObject(store, `${path}2`, pattern(2048))
  expect((await put()).status).toBe(201)
  expect((await store.ask('GET', path)).body).toEqual(pattern(2048))
})

it('cuts new objects to a new block size, and reads and changes old ones in theirs', async () => {
  await start(8192)
  await putObject(store, path, pattern(3000))
  store.pithos.setBlockSize(512)
  const head = await store.ask('HEAD', `${alice.id}/files`)
  expect(head.headers['x-container-block-size']).toBe('512')
  await putObject(store, `${path}2`, pattern(3000))
  const map = async (name: string): Promise<[number, number]> => {
    const { block_size, hashes } = (await store.ask('GET', `${name}?hashmap`)).json() as {
      block_size: number
      hashes: string[]
    }
    return [block_size, hashes.length]
  }
  expect([await map(path), await map(`${path}2`)]).toEqual([
    [1024, 3],
    [512, 6],
  ])
  const headers = { 'X-Source-Object': '/files/object2', 'Content-Range': 'bytes */*' }
  expect((await store.ask('POST', `${path}?update`, { headers })).status).toBe(204)
  expect(await map(path)).toEqual([1024, 6])
  expect((await store.ask('GET', path)).body).toEqual(Buffer.concat([pattern(3000), pattern(3000)]))
  expect(() => {
    store.pithos.setBlockSize(0)
  }).toThrow(TypeError)
})

it('names new blocks by a new hash, and reads and changes old objects by theirs', async () => {
  await start(8192)
  await putObject(store, path, pattern(3072))
  store.pithos.setBlockHash('sha1')
  expect((await store.ask('HEAD', `${alice.id}/files`)).headers['x-container-block-hash']).toBe('sha1')
  const map = async (name: string): Promise<{ block_hash: string; hashes: string[] }> =>
    (await store.ask('GET', `${name}?hashmap`)).json() as { block_hash: string; hashes: string[] }
  const old = await map(path)
  // What was named by the old hash is no answer to one that was made with the new.
  const again = await store.ask('PUT', `${path}2?hashmap`, {
    body: JSON.stringify({ bytes: 1024, hashes: ['54c3cd050f7721a078235ae107bfec463cf92db6'] }),
    headers: { 'Content-Type': 'a/b' },
  })
  expect(again.status).toBe(409)
  const put = await putObject(store, `${path}2`, pattern(3072))
  // Root of the sha1 vector in section 9.2 of the dossier.
  expect(put.headers.etag).toBe('4f1b43c5cd0a884de9b9b8c9d8d56bab34f3be55')
  const headers = { 'X-Source-Object': '/files/object2', 'Content-Range': 'bytes */*' }
  expect((await store.ask('POST', `${path}?update`, { headers })).status).toBe(204)
  expect(await map(path)).toMatchObject({ block_hash: 'sha256', hashes: [...old.hashes, ...old.hashes] })
  expect(await map(`${path}2`)).toMatchObject({ block_hash: 'sha1' })
  expect((await store.ask('GET', path)).body).toEqual(Buffer.concat([pattern(3072), pattern(3072)]))
  expect(() => {
    store.pithos.setBlockHash('none')
  }).toThrow(TypeError)
})

describe('blocks that meet with a mishap', () => {
  const content = pattern(2048)
  const post = async (body: Uint8Array): Promise<string[]> =>
    (
      await store.ask('POST', `${alice.id}/files?update&format=json`, {
        body,
        headers: { 'Content-Type': 'application/octet-stream' },
      })
    ).json() as string[]
  const put = async (hashes: readonly string[]): Promise<Answer> =>
    store.ask('PUT', `${path}?hashmap`, {
      body: JSON.stringify({ bytes: 2048, hashes }),
      headers: { 'Content-Type': 'a/b' },
    })
  // Vector A7 of the dossier.
  const hashes = [
    'f90eb6607ad372adfbe184f04c1d29061464a6e187e54f8d1ecdfe0ee7a562eb',
    'de57c680670beeddf586416c5cc9c248ff31a1c57c80f39909b1ddc6f0d86021',
  ]

  it('are damaged on the way: the answer has other hashes, and those sent stay missing', async () => {
    await start(8192)
    store.pithos.corruptNextBlocks(1)
    const [first, second] = await post(content)
    expect(first).not.toBe(hashes[0])
    expect(second).toBe(hashes[1])
    expect((await put(hashes)).json()).toEqual([hashes[0]])
    expect(await post(content.subarray(0, 1024))).toEqual([hashes[0]])
    expect((await put(hashes)).status).toBe(201)
    expect((await store.ask('GET', path)).body).toEqual(content)
  })

  it('are lost after they were confirmed: the next PUT asks for them again', async () => {
    await start(8192)
    store.pithos.loseNextBlocks(1)
    expect(await post(content)).toEqual(hashes)
    expect((await put(hashes)).json()).toEqual([hashes[0]])
    expect(await post(content)).toEqual(hashes)
    expect((await put(hashes)).status).toBe(201)
    expect(() => {
      store.pithos.loseNextBlocks(-1)
    }).toThrow(TypeError)
  })
})
