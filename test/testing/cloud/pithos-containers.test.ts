import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { alice, bob, fault, putObject, startStore, type Store } from './pithos-store.js'

const account = alice.id
const files = `${account}/files`
let store: Store

beforeEach(async () => {
  store = await startStore({ listingLimit: 6 })
  await store.ask('PUT', files)
})
afterEach(() => store.close())

describe('a container', () => {
  it('is created once, then updated', async () => {
    const first = await store.ask('PUT', `${account}/new`, { headers: { 'X-Container-Meta-A': '1' } })
    const second = await store.ask('PUT', `${account}/new`, { headers: { 'X-Container-Meta-B': '2' } })
    expect([first.status, second.status]).toEqual([201, 202])
    const { status, headers } = await store.ask('HEAD', `${account}/new`)
    expect(status).toBe(204)
    expect(headers).toMatchObject({
      'x-container-object-count': '0',
      'x-container-bytes-used': '0',
      'x-container-block-size': '1024',
      'x-container-block-hash': 'sha256',
      'x-container-object-meta': '',
      'x-container-policy-quota': '0',
      'x-container-policy-versioning': 'auto',
      'x-container-policy-project': account,
      'x-container-meta-a': '1',
      'x-container-meta-b': '2',
      'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT',
    })
  })

  it('is 404 where there is none', async () => {
    for (const method of ['HEAD', 'GET', 'DELETE']) {
      expect((await store.ask(method, `${account}/absent`)).status).toBe(404)
    }
    expect((await store.ask('POST', `${account}/absent`)).status).toBe(404)
    const policy = { headers: { 'X-Container-Policy-Quota': '1' } }
    expect((await store.ask('POST', `${account}/absent?update`, policy)).status).toBe(404)
  })

  it('takes policies, and their defaults back', async () => {
    const post = (headers: Record<string, string>): Promise<number> =>
      store.ask('POST', `${files}?update`, { headers }).then(({ status }) => status)
    const policy = async (): Promise<unknown[]> => {
      const { headers } = await store.ask('HEAD', files)
      return ['quota', 'versioning', 'project'].map((name) => headers[`x-container-policy-${name}`])
    }
    const set = {
      'X-Container-Policy-Quota': '100',
      'X-Container-Policy-Versioning': 'none',
      'X-Container-Policy-Project': 'p1',
    }
    expect(await post(set)).toBe(202)
    expect(await policy()).toEqual(['100', 'none', 'p1'])
    expect(await post({ 'X-Container-Policy-Versioning': 'auto' })).toBe(202)
    expect(await policy()).toEqual(['100', 'auto', 'p1'])
    expect(await post({ 'X-Container-Policy-Quota': '', 'X-Container-Policy-Project': '' })).toBe(202)
    expect(await policy()).toEqual(['0', 'auto', account])
  })

  it.each([
    ['X-Container-Policy-Quota', '-1'],
    ['X-Container-Policy-Quota', '1.5'],
    ['X-Container-Policy-Quota', 'much'],
    ['X-Container-Policy-Versioning', 'manual'],
    ['X-Container-Policy-Colour', 'red'],
  ])('refuses the policy %s: %s', async (name, value) => {
    const headers = { [name]: value }
    expect((await store.ask('PUT', `${account}/bad`, { headers })).status).toBe(400)
    expect((await store.ask('POST', `${files}?update`, { headers })).status).toBe(400)
    expect((await store.ask('HEAD', `${account}/bad`)).status).toBe(404)
  })

  it('holds its quota in bytes', async () => {
    await store.ask('POST', `${files}?update`, { headers: { 'X-Container-Policy-Quota': '100' } })
    const over = await putObject(store, `${files}/o`, Buffer.alloc(101))
    expect(fault(over)).toMatchObject({ name: 'requestEntityTooLarge', code: 413 })
    expect((await putObject(store, `${files}/o`, Buffer.alloc(100))).status).toBe(201)
    expect((await putObject(store, `${files}/o`, Buffer.alloc(99))).status).toBe(201)
    expect((await putObject(store, `${files}/p`, Buffer.alloc(2))).status).toBe(413)
  })

  it('replaces metadata only without update', async () => {
    await store.ask('POST', `${files}?update`, { headers: { 'X-Container-Meta-A': '1' } })
    await store.ask('POST', `${files}?update`, { headers: { 'X-Container-Meta-B': '2' } })
    expect((await store.ask('HEAD', files)).headers).toMatchObject({
      'x-container-meta-a': '1',
      'x-container-meta-b': '2',
    })
    await store.ask('POST', files, { headers: { 'X-Container-Meta-C': '3' } })
    const { headers } = await store.ask('HEAD', files)
    expect(Object.keys(headers).filter((name) => name.startsWith('x-container-meta'))).toEqual([
      'x-container-meta-c',
    ])
  })

  it('says which metadata its objects have', async () => {
    await putObject(store, `${files}/a`, '', {
      headers: { 'X-Object-Meta-Two': '2', 'X-Object-Meta-One': '1' },
    })
    await putObject(store, `${files}/b`, '', { headers: { 'X-Object-Meta-One': '1' } })
    expect((await store.ask('HEAD', files)).headers['x-container-object-meta']).toBe('One,Two')
  })

  it('answers to conditions of time', async () => {
    const since = { 'If-Modified-Since': 'Fri, 02 Jan 2026 03:04:05 GMT' }
    expect((await store.ask('GET', files, { headers: since })).status).toBe(304)
    store.time += 1000
    await putObject(store, `${files}/o`, '')
    expect((await store.ask('GET', files, { headers: since })).status).toBe(200)
    const unmodified = { 'If-Unmodified-Since': 'Fri, 02 Jan 2026 03:04:05 GMT' }
    expect((await store.ask('HEAD', files, { headers: unmodified })).status).toBe(412)
  })

  it('is not changed by others', async () => {
    for (const method of ['PUT', 'POST', 'DELETE']) {
      const answer = await store.ask(method, `${files}?update`, { as: bob })
      expect(fault(answer)).toMatchObject({ name: 'forbidden', code: 403 })
    }
    expect((await store.ask('HEAD', files, { as: bob })).status).toBe(403)
    expect((await store.ask('HEAD', `${account}/absent`, { as: bob })).status).toBe(403)
  })

  it('shows others little, once something in it is shared with them', async () => {
    const headers = { 'X-Object-Meta-One': '1', 'X-Object-Sharing': `read=${bob.id}` }
    await putObject(store, `${files}/a`, 'x', { headers })
    await putObject(store, `${files}/b`, '', { headers: { 'X-Object-Meta-Two': '2' } })
    const head = await store.ask('HEAD', files, { as: bob })
    expect(head.status).toBe(204)
    expect(Object.keys(head.headers).filter((name) => name.startsWith('x-container'))).toEqual([
      'x-container-block-size',
      'x-container-block-hash',
      'x-container-object-meta',
    ])
    expect(head.headers['x-container-object-meta']).toBe('One')
    const list = await store.ask('GET', `${files}?format=json`, { as: bob })
    expect(list.json()).toEqual([expect.objectContaining({ name: 'a', x_object_allowed_to: 'read' })])
    expect((await store.ask('GET', `${files}?public`, { as: bob })).status).toBe(403)
    expect((await store.ask('GET', `${files}?until=2000000000`, { as: bob })).status).toBe(403)
  })
})

describe('DELETE of a container', () => {
  it('refuses one with live objects; deleted ones do not count', async () => {
    await putObject(store, `${files}/o`, '')
    const refused = await store.ask('DELETE', files)
    expect(fault(refused)).toMatchObject({ name: 'conflict', code: 409 })
    await store.ask('DELETE', `${files}/o`)
    expect((await store.ask('DELETE', files)).status).toBe(204)
    expect((await store.ask('HEAD', files)).status).toBe(404)
  })

  it('with a delimiter deletes the objects and keeps the container', async () => {
    for (const name of ['a', 'b/c', 'd/e/f']) await putObject(store, `${files}/${name}`, 'x')
    expect((await store.ask('DELETE', `${files}?delimiter=/`)).status).toBe(204)
    expect((await store.ask('HEAD', files)).headers).toMatchObject({
      'x-container-object-count': '0',
      'x-container-bytes-used': '0',
    })
  })

  it('with until forgets history and keeps container and objects', async () => {
    await putObject(store, `${files}/live`, 'old')
    await putObject(store, `${files}/gone`, 'x')
    await store.ask('DELETE', `${files}/gone`)
    store.time += 2000
    await putObject(store, `${files}/live`, 'new')
    expect((await store.ask('DELETE', `${files}?until=${Math.floor(store.time / 1000)}`)).status).toBe(204)
    const versions = await store.ask('GET', `${files}/live?version=list`)
    expect((versions.json() as { versions: unknown[] }).versions).toHaveLength(1)
    expect((await store.ask('GET', `${files}/live`)).text).toBe('new')
    expect((await store.ask('GET', `${files}/gone?version=list`)).status).toBe(404)
  })

  it('with an until that is no whole number is an ordinary one', async () => {
    await putObject(store, `${files}/o`, '')
    expect((await store.ask('DELETE', `${files}?until=1700000000.5`)).status).toBe(409)
    await store.ask('DELETE', `${files}/o`)
    expect((await store.ask('DELETE', `${files}?until=1700000000.5`)).status).toBe(204)
    expect((await store.ask('HEAD', files)).status).toBe(404)
  })
})

describe('the list of objects', () => {
  const fill = async (...names: string[]): Promise<void> => {
    for (const name of names) await putObject(store, `${files}/${encodeURI(name)}`, '')
  }
  const names = async (query = ''): Promise<string[]> => {
    const list = (await store.ask('GET', `${files}?format=json&${query}`)).json()
    return (list as { name?: string; subdir?: string }[]).map(
      ({ name, subdir }) => name ?? `[${subdir ?? ''}]`,
    )
  }

  it('describes each one in JSON', async () => {
    await putObject(store, `${files}/o`, 'hello', {
      headers: { 'Content-Type': 'text/plain', ETag: '5d41402abc4b2a76b9719d911017c592' },
    })
    const list = await store.ask('GET', `${files}?format=json`)
    expect(list.headers['x-container-object-count']).toBe('1')
    const root = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
    expect(list.json()).toEqual([
      {
        name: 'o',
        bytes: 5,
        hash: '5d41402abc4b2a76b9719d911017c592',
        content_type: 'text/plain',
        last_modified: '2026-01-02T03:04:05.678000+00:00',
        x_object_hash: root,
        x_object_uuid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        x_object_version: 1,
        x_object_version_timestamp: '1767323045.678000',
        x_object_modified_by: account,
        available: 1,
        map_check_timestamp: '1767323045.678000',
      },
    ])
  })

  it('is text by default, 204 when there is nothing, and can be XML', async () => {
    expect((await store.ask('GET', files)).status).toBe(204)
    const empty = await store.ask('GET', `${files}?format=xml`)
    expect([empty.status, empty.text]).toEqual([
      200,
      '<?xml version="1.0" encoding="UTF-8"?>\n<container name="files"></container>',
    ])
    await fill('a/b', 'c')
    expect((await store.ask('GET', `${files}?delimiter=/`)).text).toBe('a/\nc\n')
    const xml = (await store.ask('GET', `${files}?delimiter=/&format=xml`)).text
    expect(xml).toContain('<container name="files"><subdir name="a/"/><object><name>c</name><bytes>0</bytes>')
  })

  it('is in the order of UTF-8', async () => {
    await fill('b', 'a', '\uffee', '\u{1f600}', 'é', 'Z')
    expect(await names()).toEqual(['Z', 'a', 'b', 'é', '\uffee', '\u{1f600}'])
  })

  it('comes in pages of at most the server’s limit', async () => {
    await fill('a', 'b', 'c', 'd', 'e', 'f', 'g')
    expect(await names('limit=2')).toEqual(['a', 'b'])
    expect(await names('limit=2&marker=b')).toEqual(['c', 'd'])
    expect(await names('marker=bb')).toEqual(['c', 'd', 'e', 'f', 'g'])
    expect(await names('marker=g')).toEqual([])
    for (const limit of ['0', 'x', '-1', '7', '100000']) expect(await names(`limit=${limit}`)).toHaveLength(6)
  })

  it('can be cut down by a prefix, whose leading slashes do not count', async () => {
    await fill('a', 'ab', 'abc', 'b', '/a')
    expect(await names('prefix=ab')).toEqual(['ab', 'abc'])
    expect(await names('prefix=//ab')).toEqual(['ab', 'abc'])
    expect(await names('prefix=/a')).toEqual(['a', 'ab', 'abc'])
    expect(await names('prefix=ab&marker=ab')).toEqual(['abc'])
  })

  it('folds names below a delimiter', async () => {
    await fill('a', 'p/1', 'p/2', 'p/q/3', 'z/1')
    expect(await names('delimiter=/')).toEqual(['a', '[p/]', '[z/]'])
    expect(await names('delimiter=/&prefix=p/')).toEqual(['p/1', 'p/2', '[p/q/]'])
    expect(await names('delimiter=/&limit=2')).toEqual(['a', '[p/]'])
  })

  it('repeats a folder that is given as the marker, but not one with U+FFFF after it', async () => {
    await fill('a', 'p/1', 'p/2', 'z/1')
    expect(await names('delimiter=/&limit=1&marker=p/')).toEqual(['[p/]'])
    expect(await names(`delimiter=/&limit=1&marker=${encodeURIComponent('p/\uffff')}`)).toEqual(['[z/]'])
  })

  it('leaves folders with only deleted objects out', async () => {
    await fill('p/1', 'z')
    await store.ask('DELETE', `${files}/p/1`)
    expect(await names('delimiter=/')).toEqual(['z'])
  })

  it('of a path has no folders, and the path rules over prefix and delimiter', async () => {
    await fill('a', 'p/1', 'p/2', 'p/q/3')
    expect(await names('path=p')).toEqual(['p/1', 'p/2'])
    expect(await names('path=p/&prefix=a&delimiter=1')).toEqual(['p/1', 'p/2'])
  })

  it('can be chosen by metadata', async () => {
    const put = (name: string, headers: Record<string, string>): Promise<unknown> =>
      putObject(store, `${files}/${name}`, '', { headers })
    await put('a', { 'X-Object-Meta-Colour': 'red', 'X-Object-Meta-My-Size': '3' })
    await put('b', { 'X-Object-Meta-Colour': 'blue' })
    await put('c', { 'X-Object-Meta-My-Size': '5' })
    const chosen = (meta: string): Promise<string[]> => names(`meta=${encodeURIComponent(meta)}`)
    expect(await chosen('Colour')).toEqual(['a', 'b'])
    expect(await chosen('!colour')).toEqual(['c'])
    expect(await chosen('Colour=red')).toEqual(['a'])
    expect(await chosen('Colour!=red')).toEqual(['b'])
    expect(await chosen('my_size<=3')).toEqual(['a'])
    expect(await chosen('My-Size>=4')).toEqual(['c'])
    expect(await chosen('My-Size<4')).toEqual(['a'])
    expect(await chosen('My-Size>3')).toEqual(['c'])
    expect(await chosen('Colour,My-Size')).toEqual(['a'])
  })

  it('can be of what is shared or public only', async () => {
    await fill('a', 'b', 'c')
    await store.ask('POST', `${files}/b?update`, { headers: { 'X-Object-Sharing': 'read=*' } })
    await store.ask('POST', `${files}/c?update`, { headers: { 'X-Object-Public': 'true' } })
    expect(await names('shared')).toEqual(['b'])
    expect(await names('public')).toEqual(['c'])
    expect(await names('shared&public')).toEqual(['b', 'c'])
    const list = (await store.ask('GET', `${files}?format=json&shared&public`)).json()
    expect(list).toEqual([
      expect.objectContaining({ name: 'b', x_object_sharing: 'read=*' }),
      expect.objectContaining({
        name: 'c',
        x_object_public: expect.stringContaining(`${store.origin}/pithos/public/`) as string,
      }),
    ])
  })

  it('of the past shows what was there then, without dates of modification and sharing', async () => {
    await fill('a', 'gone')
    await store.ask('POST', `${files}/a?update`, { headers: { 'X-Object-Sharing': 'read=*' } })
    const then = Math.ceil(store.time / 1000)
    store.time += 5000
    await store.ask('DELETE', `${files}/gone`)
    await putObject(store, `${files}/a`, 'longer')
    await fill('new')
    expect(await names()).toEqual(['a', 'new'])
    const past = await store.ask('GET', `${files}?format=json&until=${then}`)
    const list = past.json() as Record<string, unknown>[]
    expect(list.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['a', 0],
      ['gone', 0],
    ])
    expect(Object.keys(list[0]!)).not.toContain('last_modified')
    expect(Object.keys(list[0]!)).not.toContain('x_object_sharing')
    expect(past.headers).toMatchObject({
      'x-container-object-count': '2',
      'x-container-until-timestamp': 'Fri, 02 Jan 2026 03:04:06 GMT',
    })
    expect((await store.ask('HEAD', `${files}?until=1000`)).status).toBe(404)
  })
})
