import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import {
  startCloud,
  type CloudOptions,
  type EmbeddedCloud,
  type OpenstackCloud,
} from '../../../src/testing/cloud/index.js'
import {
  bodyOf,
  createByteStore,
  type Body,
  type ByteStore,
} from '../../../src/testing/cloud/openstack/swift/byte-store.js'
import { text } from './calls.js'
import { createCaller, Cut, md5, type Answer, type Ask, type Caller } from './openstack-store.js'

let cloud: EmbeddedCloud
let caller: Caller
let token: string
afterEach(async () => {
  caller.close()
  await cloud.close()
})

async function start(options: CloudOptions = {}): Promise<OpenstackCloud> {
  cloud = await startCloud({ clouds: ['openstack'], ...options })
  caller = createCaller(cloud.openstack.origin)
  token = await signIn()
  return cloud.openstack
}

async function signIn(): Promise<string> {
  const { user, key } = cloud.openstack.tempAuth
  const headers = { 'X-Auth-User': user, 'X-Auth-Key': key }
  return String((await caller.ask('GET', '/auth/v1.0', { headers })).headers['x-auth-token'])
}

const ask = (method: string, path: string, given: Ask = {}): Promise<Answer> =>
  caller.ask(method, `/v1/AUTH_test${path}`, {
    ...given,
    headers: { 'X-Auth-Token': token, ...given.headers },
  })

function pattern(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (index * 7) % 251))
}

describe('what /info says', () => {
  it('can be less: without a feature, its words mean nothing', async () => {
    await start({
      openstack: { info: { slo: null, tempurl: null, bulk_delete: null, object_versioning: null } },
    })
    const info = (await caller.ask('GET', '/info')).json()
    expect(Object.keys(info)).toEqual(['swift', 'container_quotas'])
    await ask('PUT', '/c', { headers: { 'X-Versions-Enabled': 'true' } })
    await ask('PUT', '/c/o?multipart-manifest=put', { body: '[]' })
    expect((await ask('GET', '/c/o')).text).toBe('[]')
    expect((await ask('HEAD', '/c')).headers).not.toHaveProperty('x-versions-enabled')
    expect((await ask('POST', '?bulk-delete', { body: 'c/o\n' })).status).toBe(204)
    expect((await ask('GET', '/c/o?temp_url_sig=x&temp_url_expires=1')).status).toBe(200)
  })

  it('can be other limits, which are kept', async () => {
    await start({ openstack: { info: { slo: { max_manifest_segments: 1 }, swift: { max_file_size: 4 } } } })
    expect((await caller.ask('GET', '/info')).json()).toMatchObject({
      slo: { max_manifest_segments: 1, max_manifest_size: 8_388_608 },
    })
    await ask('PUT', '/c')
    expect((await ask('PUT', '/c/o', { body: '12345' })).text).toBe('Your request is too large.')
    expect((await ask('PUT', '/c/o', { chunks: ['123', '45'] })).status).toBe(413)
    await ask('PUT', '/c/o', { body: '1234' })
    const body = JSON.stringify([{ path: '/c/o' }, { path: '/c/o' }])
    expect((await ask('PUT', '/c/slo?multipart-manifest=put', { body })).status).toBe(413)
  })

  it('has a limit of its own for pages', async () => {
    await start({ openstack: { listingLimit: 2 } })
    await ask('PUT', '/c')
    for (const name of ['a', 'b', 'c']) await ask('PUT', `/c/${name}`, { body: '' })
    expect((await ask('GET', '/c')).text).toBe('a\nb\n')
    expect(await ask('GET', '/c?limit=3')).toMatchObject({ status: 412, text: 'Maximum limit is 2' })
    expect((await caller.ask('GET', '/info')).json()['swift']).toMatchObject({ container_listing_limit: 2 })
  })
})

describe('tokens', () => {
  it('live as long as the option says', async () => {
    await start({ openstack: { tokenLifetimeMs: 300 } })
    const first = token
    expect((await ask('GET', '')).status).toBeLessThan(300)
    await expect.poll(async () => (await ask('GET', '')).status, { timeout: 5000 }).toBe(401)
    token = await signIn()
    expect(token).not.toBe(first)
    expect((await ask('GET', '')).status).toBeLessThan(300)
  })

  it('of Keystone end when they say', async () => {
    const { keystone } = await start({ openstack: { tokenLifetimeMs: 300 } })
    const { id, secret } = keystone.applicationCredential
    const auth = { identity: { methods: ['application_credential'], application_credential: { id, secret } } }
    const answer = await caller.ask('POST', '/v3/auth/tokens', {
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ auth }),
    })
    const mine = String(answer.headers['x-subject-token'])
    const validate = async (): Promise<number> =>
      (
        await caller.ask('GET', '/v3/auth/tokens', {
          headers: { 'X-Auth-Token': mine, 'X-Subject-Token': mine },
        })
      ).status
    const end = Date.parse(text(answer.json()['token']?.['expires_at']))
    await expect.poll(validate, { timeout: 5000 }).toBe(401)
    expect(Date.now()).toBeGreaterThanOrEqual(end)
  })

  it('are revoked by their operator and by a fault', async () => {
    const { tempAuth } = await start()
    tempAuth.revoke()
    expect((await ask('GET', '')).status).toBe(401)
    token = await signIn()
    cloud.faults.add({ cloud: 'openstack', fault: { kind: 'token-revoked' } })
    expect((await ask('GET', '')).status).toBe(401)
    expect((await ask('GET', '')).status).toBe(401)
    token = await signIn()
    expect((await ask('GET', '')).status).toBeLessThan(300)
  })
})

describe('the cloud', () => {
  it('is the same in every run with a seed', async () => {
    const one = await start({ seed: 5 })
    const credential = one.keystone.applicationCredential
    const first = token
    caller.close()
    await cloud.close()
    expect((await start({ seed: 5 })).keystone.applicationCredential).toEqual(credential)
    expect(token).toBe(first)
  })

  it('meets faults and is on record like the others', async () => {
    await start()
    cloud.faults.add({
      cloud: 'openstack',
      path: '/v1/*',
      fault: { kind: 'status', status: 503, retryAfter: 1 },
    })
    expect((await ask('GET', '')).status).toBe(503)
    expect(cloud.requests({ cloud: 'openstack', path: '/v1/AUTH_test' })).toMatchObject([{ status: 503 }])
    expect(() => cloud.synnefo).toThrow('was not started')
  })

  it('forgets an upload that breaks off', async () => {
    await start()
    await ask('PUT', '/c')
    const upload = request(`${cloud.openstack.origin}/v1/AUTH_test/c/o`, {
      method: 'PUT',
      headers: { 'X-Auth-Token': token, 'Content-Length': 1000 },
    })
    upload.write('some')
    const gone = once(upload, 'error')
    await expect.poll(() => cloud.requests({ path: '/v1/AUTH_test/c/o' })[0]?.bytes).toBe(4)
    upload.destroy(new Error('enough'))
    await gone
    expect((await ask('GET', '/c/o')).status).toBe(404)
    expect(cloud.requests().every(({ defect }) => defect === undefined)).toBe(true)
  })

  it('cuts the body of a large object short where a segment is missing', async () => {
    await start()
    await ask('PUT', '/c')
    for (const name of ['a', 'b']) await ask('PUT', `/c/${name}`, { body: pattern(300_000) })
    const body = JSON.stringify([{ path: '/c/a' }, { path: '/c/b' }])
    await ask('PUT', '/c/slo?multipart-manifest=put', { body })
    await ask('DELETE', '/c/b')
    await expect(ask('GET', '/c/slo')).rejects.toBeInstanceOf(Cut)
    const range = { headers: { Range: 'bytes=0-299999' } }
    expect(md5((await ask('GET', '/c/slo', range)).body)).toBe(md5(pattern(300_000)))
    expect((await ask('GET', '/c/slo', { headers: { Range: 'bytes=300000-' } })).status).toBe(409)
  })

  it('reads on what is replaced or deleted meanwhile', async () => {
    await start({ openstack: { memoryLimit: 0 } })
    await ask('PUT', '/c')
    const content = Buffer.alloc(30_000_000, 'x')
    for (const name of ['a', 'b']) await ask('PUT', `/c/${name}`, { body: content })
    const body = JSON.stringify([{ path: '/c/a' }, { path: '/c/b' }])
    await ask('PUT', '/c/slo?multipart-manifest=put', { body })
    const reading = request(`${cloud.openstack.origin}/v1/AUTH_test/c/slo`, {
      headers: { 'X-Auth-Token': token },
    })
    reading.end()
    const [response] = (await once(reading, 'response')) as [IncomingMessage]
    for (const name of ['a', 'b', 'slo']) await ask('DELETE', `/c/${name}`)
    let length = 0
    for await (const piece of response) length += (piece as Buffer).length
    expect(length).toBe(60_000_000)
    expect(cloud.requests().every(({ defect }) => defect === undefined)).toBe(true)
  })

  it('keeps what does not fit into memory in a folder of its own', async () => {
    await start({ openstack: { memoryLimit: 300_000 } })
    await ask('PUT', '/c')
    const content = pattern(1_000_000)
    const put = await ask('PUT', '/c/o', { body: content })
    expect(put.headers.etag).toBe(md5(content))
    expect(md5((await ask('GET', '/c/o')).body)).toBe(md5(content))
    const range = { headers: { Range: 'bytes=250000-800000' } }
    expect(md5((await ask('GET', '/c/o', range)).body)).toBe(md5(content.subarray(250_000, 800_001)))
    await ask('COPY', '/c/o', { headers: { Destination: 'c/copy' } })
    await ask('DELETE', '/c/o')
    expect(md5((await ask('GET', '/c/copy')).body)).toBe(md5(content))
  })
})

describe('its bytes', () => {
  let folder: string
  let store: ByteStore
  const stored = (): Promise<string[]> => readdir(folder)
  const keep = (...pieces: Buffer[]) =>
    store.keep(bodyOf(pieces), Infinity, () => {
      throw new Error('too long')
    })
  const readWhole = async (bytes: Awaited<ReturnType<typeof keep>>): Promise<Buffer> => {
    const pieces: Uint8Array[] = []
    for await (const piece of bytes.read(0, bytes.length)) pieces.push(piece)
    return Buffer.concat(pieces)
  }
  const open = async (memoryLimit: number): Promise<void> => {
    await start()
    folder = await mkdtemp(join(tmpdir(), 'openstack-bytes-'))
    store = createByteStore({ folder: () => Promise.resolve(folder), memoryLimit, label: 'bytes' })
  }
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('go to a file when memory is full, and come back from both', async () => {
    await open(262_144)
    const content = pattern(600_000)
    const bytes = await keep(content.subarray(0, 262_144), content.subarray(262_144))
    expect([bytes.length, bytes.md5]).toEqual([600_000, md5(content)])
    expect(await stored()).toEqual(['bytes-1'])
    expect(md5(await readWhole(bytes))).toBe(md5(content))
    bytes.release()
    await expect.poll(stored).toEqual([])
    const again = await keep(content.subarray(0, 262_144))
    expect(await stored()).toEqual([])
    again.release()
  })

  it('stay as long as anybody holds or reads them', async () => {
    await open(0)
    const content = pattern(600_000)
    const bytes = await keep(content)
    const reading = readWhole(bytes.retain())
    bytes.release()
    bytes.release()
    expect(md5(await reading)).toBe(md5(content))
    await expect.poll(stored).toEqual([])
  })

  it('leave nothing behind when their source fails', async () => {
    await open(0)
    const failing = async function* (): AsyncGenerator<Buffer> {
      yield pattern(300_000)
      throw new Error('broken off')
    }
    const never = (): never => {
      throw new Error('too long')
    }
    await expect(store.keep(bodyOf(failing()), Infinity, never)).rejects.toThrow('broken off')
    await expect(store.keep(bodyOf([pattern(10)]), 9, never)).rejects.toThrow('too long')
    const cutWhileWritten: Body = (take) => {
      void take(pattern(300_000))
      return Promise.reject(new Error('cut'))
    }
    await expect(store.keep(cutWhileWritten, Infinity, never)).rejects.toThrow('cut')
    await expect.poll(stored).toEqual([])
  })
})
