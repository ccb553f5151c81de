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

const E = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const P0 = 'f90eb6607ad372adfbe184f04c1d29061464a6e187e54f8d1ecdfe0ee7a562eb'
const P1 = 'de57c680670beeddf586416c5cc9c248ff31a1c57c80f39909b1ddc6f0d86021'
const P2 = 'fae3e20c322438742281e0ffb188c0fb79985514304f3b55fd70402a1a92bdc8'
const P3 = 'b422144d8c3bd37af347a8dc3adab8c3bfca17e285b7739d710f3502e52b687b'
const HELLO = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'

const account = alice.id
let store: Store

beforeEach(async () => {
  store = await startStore()
  await store.ask('PUT', `${account}/files`)
})
afterEach(() => store.close())

function putHashmap(value: unknown, path = `${account}/files/big`, options: Ask = {}): Promise<Answer> {
  return store.ask('PUT', `${path}?format=json&hashmap`, {
    ...options,
    body: typeof value === 'string' ? value : JSON.stringify(value),
    headers: { 'Content-Type': 'video/mp4', ...options.headers },
  })
}

function postBlock(
  body: string | Uint8Array,
  options: Ask = {},
  container = `${account}/files`,
): Promise<Answer> {
  return store.ask('POST', `${container}?update&format=json`, {
    body,
    ...options,
    headers: { 'Content-Type': 'application/octet-stream', ...options.headers },
  })
}

describe('content identity', () => {
  const zeros = (length: number): Buffer => Buffer.alloc(length)
  const vectors: readonly [string, Buffer, readonly string[], string][] = [
    ['A1', zeros(0), [E], E],
    ['A2', Buffer.from('hello'), [HELLO], HELLO],
    ['A3', Buffer.from('hello\0\0\0'), [HELLO], HELLO],
    [
      'A4',
      Buffer.from('\0\0abc\0\0'),
      ['eef038a0d7129d34d9e20efa91191e6ab64b90fd624ffccc52b9e8216acf3ef5'],
      'eef038a0d7129d34d9e20efa91191e6ab64b90fd624ffccc52b9e8216acf3ef5',
    ],
    ['A5', pattern(1024), [P0], P0],
    [
      'A6',
      pattern(1025),
      [P0, '2f0fd1e89b8de1d57292742ec380ea47066e307ad645f5bc3adad8a06ff58608'],
      '63e2571ff55aa0a0cb2f6e025765046862fcb1b8d8ce816a160d7f49a71fa5b0',
    ],
    ['A7', pattern(3072), [P0, P1, P2], '65001632c4062991e12756a7e5ae8908cd5081755e5d825ba7f51b65e7862ac9'],
    [
      'A8',
      pattern(4097),
      [P0, P1, P2, P3, '4ae81572f06e1b88fd5ced7a1a000945432e83e1551e6f721ee9c00b8cc33260'],
      '8691832afc250a50fbc60fd0391bf1e8882278371aac83f68ef8340a1e82f831',
    ],
    ['A9', zeros(1024), [E], E],
    [
      'A10',
      Buffer.concat([pattern(1024), zeros(1024), pattern(10)]),
      [P0, E, 'c848e1013f9f04a9d63fa43ce7fd4af035152c7c669a4a404b67107cee5f2e4e'],
      '1bd761d2e4fb51ffbd5f68d4790774b0206fa4162067ab774e48fc224fc5b27a',
    ],
    ['A11', zeros(2048), [E, E], '2dba5dbc339e7316aea2683faf839c1b7b1ee2313db792112588118df066aa35'],
    [
      'A12',
      pattern(8192),
      [
        P0,
        P1,
        P2,
        P3,
        '85a0b35b394988342b47135b85afc81b0dbb875ba06e37fcc1c3472e136ea0bc',
        '878220247939bd6e8ba80feb88c75fe11710239438a6631358d2b1b2e47a63e4',
        'ca6b94df5df0edbe67d2ab0004601739bd6caac4c40ab4f048800b78663ff946',
        '4de48815f8438100d0e1ad1045da1e380c1e533895277fab59b981ecf7bb4734',
      ],
      '904c04b4068b959946f815d48de6882308805acf04bb7343b7ebd69d8b81e1ec',
    ],
  ]

  it.each(vectors)('%s', async (_, content, hashes, root) => {
    const put = await putObject(store, `${account}/files/vector`, content)
    expect([put.status, put.headers.etag]).toEqual([201, root])
    const map = await store.ask('GET', `${account}/files/vector?format=json&hashmap`)
    expect(map.json()).toEqual({ block_hash: 'sha256', block_size: 1024, bytes: content.length, hashes })
    expect(map.headers['x-object-hash']).toBe(root)
    expect((await store.ask('GET', `${account}/files/vector`)).body).toEqual(content)
  })

  it('holds for the real block size too (B4, B9)', async () => {
    const real = await startStore({ blockSize: 4 * 1024 ** 2 })
    await real.ask('PUT', `${account}/files`)
    const b4 = await putObject(real, `${account}/files/b4`, pattern(4_194_305))
    expect(b4.headers.etag).toBe('a18680cf3e488830d3b81afc8d3f725a06e36105cb586907dea84d09ac7c30c2')
    const b9 = await putObject(
      real,
      `${account}/files/b9`,
      Buffer.concat([pattern(5_242_880), zeros(1_048_576)]),
    )
    expect(b9.headers.etag).toBe('073d46c02df2b9b48dd7fa94e0a5bb65f1347a38cb5285bcd1ca1e3ccef0cabf')
    await real.close()
  })

  it('follows the hash of the store (sha1)', async () => {
    const other = await startStore({ blockHash: 'sha1' })
    await other.ask('PUT', `${account}/files`)
    const put = await putObject(other, `${account}/files/vector`, pattern(3072))
    expect(put.headers.etag).toBe('4f1b43c5cd0a884de9b9b8c9d8d56bab34f3be55')
    const map = await other.ask('GET', `${account}/files/vector?hashmap`)
    expect(map.json()).toMatchObject({
      block_hash: 'sha1',
      hashes: [
        '54c3cd050f7721a078235ae107bfec463cf92db6',
        '23ae4793bcb65587e83e2caf50c7dbafc9b0e11b',
        'e25acecb983a0bc17ba57137fb05952bc761d122',
      ],
    })
    expect((await other.ask('HEAD', `${account}/files`)).headers['x-container-block-hash']).toBe('sha1')
    await other.close()
  })
})

describe('an upload by hashmap', () => {
  it('is told what is missing, sends that, and is created', async () => {
    const map = { bytes: 4096, hashes: [P0, P1, P0, P2] }
    const first = await putHashmap(map)
    expect(first.status).toBe(409)
    expect(first.json()).toEqual([P0, P1, P2])
    expect((await store.ask('HEAD', `${account}/files/big`)).status).toBe(404)

    const blocks = [pattern(3072).subarray(0, 1024), pattern(3072).subarray(1024, 2048)]
    expect((await postBlock(blocks[0]!)).json()).toEqual([P0])
    expect((await putHashmap(map)).json()).toEqual([P1, P2])
    expect((await postBlock(blocks[1]!)).json()).toEqual([P1])
    expect((await postBlock(pattern(3072).subarray(2048))).json()).toEqual([P2])

    const created = await putHashmap(map)
    expect(created.status).toBe(201)
    expect(created.headers['x-object-version']).toMatch(/^\d+$/)
    expect(created.headers.etag).toMatch(/^[0-9a-f]{64}$/)
    expect(created.text).toBe('')
    const got = await store.ask('GET', `${account}/files/big`)
    expect(got.body).toEqual(
      Buffer.concat([blocks[0]!, blocks[1]!, blocks[0]!, pattern(3072).subarray(2048)]),
    )
    expect(got.headers['content-type']).toBe('video/mp4')
  })

  it('sends only the blocks that changed', async () => {
    await putObject(store, `${account}/files/big`, pattern(3072))
    const changed = await putHashmap({ bytes: 3072, hashes: [P0, HELLO, P2] })
    expect(changed.json()).toEqual([HELLO])
  })

  it('shares blocks with other accounts', async () => {
    await store.ask('PUT', `${bob.id}/files`, { as: bob })
    await putObject(store, `${bob.id}/files/theirs`, pattern(1024), { as: bob })
    expect((await putHashmap({ bytes: 1024, hashes: [P0] })).status).toBe(201)
  })

  it('misses the block of zeros as well, until somebody sends one zero', async () => {
    const map = { bytes: 2048, hashes: [E, E] }
    expect((await putHashmap(map)).json()).toEqual([E])
    expect((await postBlock('')).text).toBe('')
    expect((await putHashmap(map)).status).toBe(409)
    expect((await postBlock(Buffer.alloc(1))).json()).toEqual([E])
    expect((await putHashmap(map)).status).toBe(201)
    expect((await store.ask('GET', `${account}/files/big`)).body).toEqual(Buffer.alloc(2048))
  })

  it('needs no zeros at the end of a block', async () => {
    await postBlock('hello')
    await putHashmap({ bytes: 8, hashes: [HELLO] })
    expect((await store.ask('GET', `${account}/files/big`)).text).toBe('hello\0\0\0')
  })

  it.each([[[]], [[E]]])('of nothing with hashes %j needs no block', async (hashes) => {
    const created = await putHashmap({ bytes: 0, hashes })
    expect([created.status, created.headers.etag]).toEqual([201, E])
    expect((await store.ask('GET', `${account}/files/big?hashmap`)).json()).toMatchObject({
      bytes: 0,
      hashes: [E],
    })
    expect((await store.ask('GET', `${account}/files/big`)).headers['content-length']).toBe('0')
  })

  it('overlooks keys that it does not know, and an ETag', async () => {
    await postBlock('hello')
    const map = { bytes: 5, hashes: [HELLO], block_size: 1, block_hash: 'md5' }
    expect((await putHashmap(map, undefined, { headers: { ETag: 'nonsense' } })).status).toBe(201)
    const [entry] = (await store.ask('GET', `${account}/files?format=json`)).json() as { hash: string }[]
    expect(entry!.hash).toBe('')
  })

  it('may write hashes in capitals', async () => {
    expect((await putHashmap({ bytes: 1, hashes: [P0.toUpperCase()] })).json()).toEqual([P0])
  })

  it.each([
    ['no JSON', 'hashes'],
    ['XML', '<object bytes="1"><hash>ab</hash></object>'],
    ['no object', [1]],
    ['no bytes', { hashes: [P0] }],
    ['no hashes', { bytes: 1 }],
    ['hashes that are no list', { bytes: 1, hashes: P0 }],
    ['negative bytes', { bytes: -1, hashes: [] }],
    ['too few hashes', { bytes: 1025, hashes: [P0] }],
    ['too many hashes', { bytes: 1024, hashes: [P0, P0] }],
    ['a hash for nothing', { bytes: 0, hashes: [P0] }],
    ['two hashes for nothing', { bytes: 0, hashes: [E, E] }],
    ['no hex', { bytes: 1, hashes: ['xy'] }],
    ['half a byte', { bytes: 1, hashes: ['abc'] }],
    ['a hash that is no text', { bytes: 1, hashes: [7] }],
  ])('is a bad request with %s', async (_, body) => {
    const answer = await putHashmap(body)
    expect(fault(answer)).toMatchObject({ name: 'badRequest', code: 400 })
  })
})

describe('the order of decisions of a hashmap PUT', () => {
  const missing = { bytes: 1, hashes: ['ab'] }

  it('looks at conditions before anything else', async () => {
    await putObject(store, `${account}/files/big`, 'x')
    const answer = await store.ask('PUT', `${account}/files/big?hashmap`, {
      headers: { 'If-None-Match': '*' },
    })
    expect(fault(answer)).toMatchObject({ name: 'preconditionFailed', code: 412 })
    const absent = await putHashmap('no JSON', `${account}/files/absent`, { headers: { 'If-Match': '*' } })
    expect(absent.status).toBe(412)
  })

  it('says 403 when the look for a condition is not allowed, and 404 of a container counts as nothing there', async () => {
    await store.ask('PUT', `${bob.id}/files`, { as: bob })
    const others = await putHashmap('no JSON', `${bob.id}/files/o`, { headers: { 'If-None-Match': '*' } })
    expect(others.status).toBe(403)
    const nowhere = await putHashmap(missing, `${account}/nowhere/o`, { headers: { 'If-None-Match': '*' } })
    expect(nowhere.status).toBe(409)
  })

  it('wants a length and a type before it reads', async () => {
    const path = `${account}/files/big?hashmap`
    const noType = await store.ask('PUT', path, { body: 'no JSON' })
    expect(fault(noType)).toMatchObject({ name: 'lengthRequired', code: 411 })
    const noLength = await store.ask('PUT', path, { headers: { 'Content-Type': 'a/b' } })
    expect(noLength.status).toBe(411)
    const chunked = await store.ask('PUT', path, {
      headers: { 'Content-Type': 'a/b' },
      chunks: [JSON.stringify({ bytes: 0, hashes: [] })],
    })
    expect(chunked.status).toBe(201)
  })

  it('reports missing blocks before it looks at permission, container and quota', async () => {
    await store.ask('PUT', `${bob.id}/files`, { as: bob })
    await store.ask('POST', `${account}/files?update`, { headers: { 'X-Container-Policy-Quota': '4' } })
    const big = { bytes: 5, hashes: [HELLO] }
    const places = [`${bob.id}/files/o`, `${account}/nowhere/o`, `${account}/files/o`]
    for (const place of places) {
      const answer = await putHashmap(big, place)
      expect([answer.status, answer.json()]).toEqual([409, [HELLO]])
    }
    await postBlock('hello')
    const statuses = await Promise.all(places.map((place) => putHashmap(big, place)))
    expect(statuses.map(({ status }) => status)).toEqual([403, 404, 413])
    expect(fault(statuses[2]!)).toMatchObject({ name: 'requestEntityTooLarge' })
    expect(fault(statuses[2]!).message).toMatch(/^Quota error: /)
  })

  it('takes a hash of the wrong length for one that is missing', async () => {
    expect((await putHashmap(missing)).json()).toEqual(['ab'])
  })
})

describe('blocks sent to a container', () => {
  it('are cut when they are too long', async () => {
    const answer = await postBlock(pattern(3000))
    expect(answer.status).toBe(202)
    const hashes = answer.json() as string[]
    expect(hashes.slice(0, 2)).toEqual([P0, P1])
    expect(hashes).toHaveLength(3)
    const last = await postBlock(pattern(3000).subarray(2048))
    expect(last.json()).toEqual([hashes[2]])
  })

  it('may come chunked, in pieces of any size', async () => {
    const whole = pattern(2048)
    const chunks = [whole.subarray(0, 1), whole.subarray(1, 1500), whole.subarray(1500)]
    const answer = await store.ask('POST', `${account}/files?update`, {
      headers: { 'Content-Type': 'application/octet-stream' },
      chunks,
    })
    expect(answer.json()).toEqual([P0, P1])
  })

  it('are accepted for containers that do not exist, but only in one’s own account', async () => {
    expect((await postBlock('hello', {}, `${account}/nowhere`)).json()).toEqual([HELLO])
    expect((await store.ask('HEAD', `${account}/nowhere`)).status).toBe(404)
    const others = await postBlock('hello', { as: bob })
    expect(fault(others)).toMatchObject({ name: 'forbidden', code: 403 })
  })

  it('are missed by a container that does not exist when there is more to do', async () => {
    const withMeta = { headers: { 'X-Container-Meta-A': 'b' } }
    expect((await postBlock('hello', withMeta, `${account}/nowhere`)).status).toBe(404)
    const replacing = await store.ask('POST', `${account}/nowhere`, {
      body: 'hello',
      headers: { 'Content-Type': 'application/octet-stream' },
    })
    expect(replacing.status).toBe(404)
  })

  it('are only those of exactly the right type', async () => {
    const answer = await postBlock('hello', { headers: { 'Content-Type': 'application/octet-stream; a=b' } })
    expect([answer.status, answer.text]).toEqual([202, ''])
    expect((await putHashmap({ bytes: 5, hashes: [HELLO] })).status).toBe(409)
  })
})
