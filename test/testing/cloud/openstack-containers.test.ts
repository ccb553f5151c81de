import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectStore, names, put, type Store } from './openstack-store.js'

let store: Store
beforeAll(async () => {
  store = await connectStore()
})
afterAll(() => store.close())

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/

describe('accounts', () => {
  it('keep metadata until it is emptied or removed', async () => {
    const headers = { 'X-Account-Meta-Colour_Of': 'blue%20', 'X-Account-Meta-Empty': '' }
    expect((await store.ask('POST', '', { headers })).status).toBe(204)
    const head = await store.ask('HEAD', '')
    expect(head.status).toBe(204)
    expect(head.headers).toMatchObject({ 'x-account-meta-colour-of': 'blue%20', 'accept-ranges': 'bytes' })
    expect(head.headers).not.toHaveProperty('x-account-meta-empty')
    await store.ask('POST', '', { headers: { 'X-Remove-Account-Meta-Colour-Of': 'x' } })
    expect((await store.ask('HEAD', '')).headers).not.toHaveProperty('x-account-meta-colour-of')
  })

  it.each([
    [{ 'X-Account-Meta-': 'x' }, 'Metadata name cannot be empty'],
    [{ [`X-Account-Meta-${'a'.repeat(129)}`]: 'x' }, 'Metadata name too long'],
    [{ 'X-Account-Meta-A': 'x'.repeat(257) }, 'Metadata value longer than 256: x-account-meta-A'],
    [
      Object.fromEntries(Array.from({ length: 91 }, (_, index) => [`X-Account-Meta-A${String(index)}`, 'x'])),
      'Too many metadata items; max 90',
    ],
    [
      Object.fromEntries(
        Array.from({ length: 30 }, (_, index) => [`X-Account-Meta-A${String(index)}`, 'x'.repeat(200)]),
      ),
      'Total metadata too large; max 4096',
    ],
  ])('limit metadata', async (headers, problem) => {
    const answer = await store.ask('POST', '', { headers })
    expect([answer.status, answer.headers['content-type']]).toEqual([400, 'text/plain'])
    expect(answer.text).toContain(problem)
  })

  it('cannot be made or deleted', async () => {
    const answer = await store.ask('DELETE', '')
    expect(answer.status).toBe(405)
    expect(String(answer.headers.allow).split(', ').sort()).toEqual(['GET', 'HEAD', 'OPTIONS', 'POST'])
    expect((await store.ask('PUT', '', { body: '' })).status).toBe(405)
  })

  it('list their containers as text, JSON and XML', async () => {
    const container = await store.container()
    await put(store, `${container}/o`, '12345')
    const name = container.slice(1)
    const prefix = `prefix=${name}&end_marker=${name}.`
    expect(await names(store, `?${prefix}`)).toEqual([name])
    const json = await store.ask('GET', `?${prefix}&format=json`)
    expect(json.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(json.json()).toEqual([
      expect.objectContaining({ name, count: expect.any(Number), last_modified: expect.stringMatching(ISO) }),
    ])
    const xml = await store.ask('GET', `?${prefix}`, { headers: { Accept: 'application/xml' } })
    expect([xml.headers['content-type'], xml.headers.vary]).toEqual([
      'application/xml; charset=utf-8',
      'Accept',
    ])
    expect(xml.text).toContain(`<account name="AUTH_test">\n<container><name>${name}</name><count>`)
    const none = await store.ask('GET', '?prefix=no-such-container')
    expect([none.status, none.text]).toEqual([204, ''])
    expect((await store.ask('GET', '', { headers: { Accept: 'image/png' } })).status).toBe(406)
  })
})

describe('containers', () => {
  it('are made once, changed by PUT and POST, and deleted when empty', async () => {
    const container = await store.container({ 'X-Container-Meta-A': '1' })
    const again = await store.ask('PUT', `${container}/`, { headers: { 'X-Container-Meta-B': '2' } })
    expect(again.status).toBe(202)
    expect((await store.ask('POST', container, { headers: { 'X-Container-Meta-A': '' } })).status).toBe(204)
    const head = await store.ask('HEAD', container)
    expect(head.status).toBe(204)
    expect(head.headers).toMatchObject({
      'x-container-meta-b': '2',
      'x-container-object-count': '0',
      'x-container-bytes-used': '0',
      'x-storage-policy': 'Policy-0',
    })
    expect(head.headers).not.toHaveProperty('x-container-meta-a')
    expect(head.headers).not.toHaveProperty('x-container-block-size')
    await put(store, `${container}/o`, 'abc')
    expect((await store.ask('HEAD', container)).headers).toMatchObject({
      'x-container-object-count': '1',
      'x-container-bytes-used': '3',
    })
    expect((await store.ask('DELETE', container)).status).toBe(409)
    await store.ask('DELETE', `${container}/o`)
    expect((await store.ask('DELETE', container)).status).toBe(204)
    for (const method of ['GET', 'POST', 'DELETE']) {
      expect((await store.ask(method, container)).status).toBe(404)
    }
  })

  it('have names of at most 256 bytes', async () => {
    const answer = await store.ask('PUT', `/${'c'.repeat(257)}`)
    expect([answer.status, answer.text]).toEqual([400, 'Container name length of 257 longer than 256'])
  })

  it('know one storage policy', async () => {
    const container = await store.container({ 'X-Storage-Policy': 'Policy-0' })
    const answer = await store.ask('PUT', `${container}x`, { headers: { 'X-Storage-Policy': 'gold' } })
    expect([answer.status, answer.text]).toEqual([400, "Invalid X-Storage-Policy 'gold'"])
  })

  it('enforce quotas', async () => {
    const container = await store.container({ 'X-Container-Meta-Quota-Bytes': '10' })
    const answer = await store.ask('PUT', `${container}/o`, { body: '12345678901' })
    expect([answer.status, answer.text]).toEqual([413, 'Upload exceeds quota.'])
    await put(store, `${container}/o`, '1234567890')
    const bad = await store.ask('POST', container, { headers: { 'X-Container-Meta-Quota-Count': 'few' } })
    expect([bad.status, bad.text]).toEqual([400, 'Invalid count quota.'])
  })
})

describe('listings of objects', () => {
  const OBJECTS = ['a', 'd/', 'd/a', 'd/b', 'd/c/x', 'e', 'é', '😀', '\uff5e']
  let container: string
  beforeAll(async () => {
    container = await store.container()
    for (const name of OBJECTS) await put(store, `${container}/${encodeURI(name)}`, 'x')
  })
  const list = (query: string): Promise<string[]> => names(store, `${container}?${query}`)

  it('go by the bytes of the names', async () => {
    expect(await list('')).toEqual(['a', 'd/', 'd/a', 'd/b', 'd/c/x', 'e', 'é', '\uff5e', '😀'])
    expect(await list('reverse=true&limit=2')).toEqual(['😀', '\uff5e'])
  })

  it.each([
    ['marker=d/b&end_marker=e', ['d/c/x']],
    ['marker=e&end_marker=d/a&reverse=on', ['d/c/x', 'd/b']],
    ['marker=d/a&end_marker=e&reverse=on', []],
    ['prefix=d/&limit=2', ['d/', 'd/a']],
    ['limit=0', []],
    ['delimiter=/&limit=3', ['a', 'd/', 'e']],
    ['delimiter=/&marker=d/&limit=1', ['e']],
    ['delimiter=/&marker=d/a&limit=2', ['d/', 'e']],
    ['delimiter=/&prefix=d/', ['d/', 'd/a', 'd/b', 'd/c/']],
    ['delimiter=/&reverse=yes&marker=e', ['d/', 'a']],
    ['path=d', ['d/a', 'd/b']],
    ['path=d/', ['d/a', 'd/b']],
    ['path=&end_marker=f', ['a', 'd/', 'e']],
  ])('%s', async (query, expected) => {
    expect(await list(query)).toEqual(expected)
  })

  it('have a largest page', async () => {
    const answer = await store.ask('GET', `${container}?limit=10001`)
    expect([answer.status, answer.text]).toEqual([412, 'Maximum limit is 10000'])
    expect((await store.ask('GET', `${container}?limit=many`)).status).toBe(200)
    expect((await store.ask('GET', `${container}?marker=%FF`)).status).toBe(400)
  })

  it('describe objects and folders', async () => {
    const json = await store.ask('GET', `${container}?format=json&delimiter=/&end_marker=e`)
    expect(json.json()).toEqual([
      {
        name: 'a',
        bytes: 1,
        hash: '9dd4e461268c8034f5c8564e155c67a6',
        content_type: 'application/octet-stream',
        last_modified: expect.stringMatching(ISO),
      },
      { subdir: 'd/' },
    ])
    const unicode = await store.ask('GET', `${container}?format=json&prefix=%C3%A9`)
    expect(unicode.text).toContain('"name": "\\u00e9"')
    const xml = await store.ask('GET', `${container}?format=xml&delimiter=/&end_marker=e`)
    expect(xml.text).toMatch(
      /^<\?xml version="1.0" encoding="UTF-8"\?>\n<container name="c-[^"]+"><object><name>a<\/name><hash>[0-9a-f]{32}<\/hash><bytes>1<\/bytes><content_type>application\/octet-stream<\/content_type><last_modified>[^<]+<\/last_modified><\/object><subdir name="d\/"><name>d\/<\/name><\/subdir><\/container>$/,
    )
  })
})

describe('access for others', () => {
  let container: string
  beforeAll(async () => {
    container = await store.container()
    await put(store, `${container}/o`, 'hello')
  })
  const allow = (headers: Record<string, string>): Promise<unknown> =>
    store.ask('POST', container, { headers })
  const status = async (who: 'second' | 'nobody', method: string, path: string): Promise<number> =>
    (await store.askAs(who, method, `${container}${path}`, method === 'PUT' ? { body: 'x' } : {})).status

  it.each(['test2:tester2', 'test2', 'other, test2:tester2'])('by name: %s', async (list) => {
    await allow({ 'X-Container-Read': list })
    expect(await status('second', 'GET', '/o')).toBe(200)
    expect(await status('second', 'GET', '')).toBe(200)
    expect(await status('second', 'PUT', '/o')).toBe(403)
    expect(await status('nobody', 'GET', '/o')).toBe(401)
    const { headers } = await store.askAs('second', 'HEAD', container)
    expect(headers).not.toHaveProperty('x-container-read')
  })

  it('for everybody, with listings only on top of it', async () => {
    await allow({ 'X-Container-Read': '.r:*' })
    expect(await status('nobody', 'GET', '/o')).toBe(200)
    expect(await status('nobody', 'GET', '/absent')).toBe(404)
    expect(await status('nobody', 'GET', '')).toBe(401)
    await allow({ 'X-Container-Read': '.r:*,.rlistings' })
    expect(await status('nobody', 'GET', '')).toBe(200)
    await allow({ 'X-Remove-Container-Read': 'x' })
    expect(await status('nobody', 'GET', '/o')).toBe(401)
  })

  it('by referrer', async () => {
    await allow({ 'X-Container-Read': ' .referrer : .example.com , .r:-bad.example.com' })
    expect((await store.ask('HEAD', container)).headers['x-container-read']).toBe(
      '.r:.example.com,.r:-bad.example.com',
    )
    const from = async (host: string): Promise<number> =>
      (await store.askAs('nobody', 'GET', `${container}/o`, { headers: { Referer: `http://${host}/x` } }))
        .status
    expect(await from('www.example.com')).toBe(200)
    expect(await from('bad.example.com')).toBe(401)
    expect(await from('example.org')).toBe(401)
  })

  it('to write, which is not to read', async () => {
    await allow({ 'X-Container-Read': '', 'X-Container-Write': 'test2:tester2' })
    expect(await status('second', 'PUT', '/theirs')).toBe(201)
    expect(await status('second', 'GET', '/theirs')).toBe(403)
    expect(await status('second', 'POST', '')).toBe(403)
    expect(await status('second', 'DELETE', '/theirs')).toBe(204)
    const bad = await store.ask('POST', container, { headers: { 'X-Container-Write': '.r:*' } })
    expect([bad.status, bad.text]).toEqual([400, "Referrers not allowed in write ACL: '.r:*'"])
  })
})
