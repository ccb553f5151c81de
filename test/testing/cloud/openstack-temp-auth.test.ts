import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectStore, type Store } from './openstack-store.js'

let store: Store
beforeAll(async () => {
  store = await connectStore()
})
afterAll(() => store.close())

const signIn = (headers: Record<string, string>, path = '/auth/v1.0') =>
  store.caller.ask('GET', path, { headers })

describe('TempAuth', () => {
  it('gives a token and the storage URL, and the same token again', async () => {
    const answer = await signIn({ 'X-Auth-User': 'test:tester', 'X-Auth-Key': 'testing' })
    expect(answer.status).toBe(200)
    expect(answer.headers['x-auth-token']).toMatch(/^AUTH_tk[0-9a-f]{32}$/)
    expect(answer.headers['x-storage-token']).toBe(answer.headers['x-auth-token'])
    expect(answer.headers['x-storage-url']).toBe(`${store.origin}/v1/AUTH_test`)
    expect(Number(answer.headers['x-auth-token-expires'])).toBeGreaterThan(0)
    expect(answer.headers['x-trans-id']).toMatch(/^tx[0-9a-f]{21}-[0-9a-f]{10}$/)
    expect(answer.headers['x-openstack-request-id']).toBe(answer.headers['x-trans-id'])
    const again = await signIn({ 'X-Storage-User': 'test:tester', 'X-Storage-Pass': 'testing' })
    expect(again.headers['x-auth-token']).toBe(answer.headers['x-auth-token'])
  })

  it.each([
    [{ 'X-Auth-User': 'test:tester', 'X-Auth-Key': 'wrong' }, 'unknown'],
    [{ 'X-Auth-User': 'elsewhere:tester', 'X-Auth-Key': 'testing' }, 'elsewhere'],
    [{ 'X-Auth-User': 'tester', 'X-Auth-Key': 'testing' }, 'unknown'],
    [{}, 'unknown'],
  ])('refuses %j', async (headers, realm) => {
    const answer = await signIn(headers)
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe(`Swift realm="${realm}"`)
    expect(answer.text).toContain('<h1>Unauthorized</h1>')
  })

  it('has other addresses, and knows no others', async () => {
    const headers = { 'X-Auth-User': 'test:tester', 'X-Auth-Key': 'testing' }
    expect((await signIn(headers, '/auth/v1/test/auth')).status).toBe(200)
    expect((await signIn(headers, '/auth/v1.0/')).status).toBe(200)
    expect((await signIn(headers, '/auth/v2.0')).status).toBe(400)
    expect((await store.caller.ask('POST', '/auth/v1.0', { headers })).status).toBe(405)
  })
})

describe('tokens in the store', () => {
  it('are needed: 401 without one or with a bad one, 403 in an account of somebody else', async () => {
    const { root } = store.first
    for (const token of [undefined, 'bad', 'AUTH_tk00000000000000000000000000000000']) {
      const answer = await store.caller.ask('GET', root, {
        headers: token === undefined ? {} : { 'X-Auth-Token': token },
      })
      expect(answer.status).toBe(401)
      expect(answer.headers['www-authenticate']).toBe('Swift realm="AUTH_test"')
    }
    const foreign = await store.askAs('second', 'GET', '')
    expect([foreign.status, foreign.text]).toEqual([
      403,
      '<html><h1>Forbidden</h1><p>Access was denied to this resource.</p></html>',
    ])
  })

  it('may be left out for /info and /healthcheck', async () => {
    const info = await store.caller.ask('GET', '/info')
    expect(info.json()).toMatchObject({
      swift: { max_file_size: 5_368_709_122, container_listing_limit: 10_000 },
      slo: { max_manifest_segments: 1000, min_segment_size: 1 },
      bulk_delete: { max_deletes_per_request: 10_000 },
      tempurl: { allowed_digests: ['sha1', 'sha256', 'sha512'] },
    })
    expect((await store.caller.ask('GET', '/healthcheck')).text).toBe('OK')
    expect((await store.caller.ask('POST', '/info', { body: '' })).status).toBe(405)
  })

  it('do not help where there is no such address', async () => {
    const headers = { 'X-Auth-Token': store.first.token }
    const status = async (path: string): Promise<number> =>
      (await store.caller.ask('GET', path, { headers })).status
    expect(await status('/v1')).toBe(412)
    expect(await status('/v2/AUTH_test')).toBe(400)
    expect(await status('/v1//c/o')).toBe(412)
    expect(await status('/v1.0/AUTH_test')).toBeLessThan(300)
    expect(await status('/v1/AUTH_test/c/%FF')).toBe(412)
    expect(await status('/v1/AUTH_test/c/%00')).toBe(412)
  })
})
