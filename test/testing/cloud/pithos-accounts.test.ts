import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { alice, bob, carol, fault, putObject, startStore, type Answer, type Store } from './pithos-store.js'

const account = alice.id
let store: Store

beforeEach(async () => {
  store = await startStore({ accountQuota: 5000 })
})
afterEach(() => store.close())

function post(headers: Record<string, string>, update = true): Promise<Answer> {
  return store.ask('POST', `${account}${update ? '?update' : ''}`, { headers })
}

describe('HEAD of an account', () => {
  it('counts containers and bytes', async () => {
    await store.ask('PUT', `${account}/a`)
    await store.ask('PUT', `${account}/b`)
    await putObject(store, `${account}/a/o`, 'hello')
    const { status, headers } = await store.ask('HEAD', account)
    expect(status).toBe(204)
    expect(headers).toMatchObject({
      'x-account-container-count': '2',
      'x-account-bytes-used': '5',
      'x-account-policy-quota': '5000',
      [`x-account-policy-quota-${account}`]: '5000',
      'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT',
    })
    expect(headers['x-account-until-timestamp']).toBeUndefined()
  })

  it('shows the past with until, if that is a whole number of seconds', async () => {
    await store.ask('PUT', `${account}/a`)
    await putObject(store, `${account}/a/o`, 'hello')
    const then = Math.ceil(store.time / 1000)
    store.time += 10_000
    await store.ask('PUT', `${account}/b`)
    await putObject(store, `${account}/a/o`, 'hello again')
    const past = await store.ask('HEAD', `${account}?until=${then}`)
    expect(past.headers).toMatchObject({
      'x-account-container-count': '1',
      'x-account-bytes-used': '5',
      'x-account-until-timestamp': 'Fri, 02 Jan 2026 03:04:06 GMT',
    })
    for (const ignored of [`${then}.5`, `-${then}`, 'now']) {
      const now = await store.ask('HEAD', `${account}?until=${ignored}`)
      expect(now.headers['x-account-bytes-used']).toBe('11')
    }
  })

  it('answers 304 and 412 to conditions of time', async () => {
    const ask = (headers: Record<string, string>): Promise<number> =>
      store.ask('HEAD', account, { headers }).then(({ status }) => status)
    await ask({})
    const same = 'Fri, 02 Jan 2026 03:04:05 GMT'
    const before = 'Fri, 02 Jan 2026 03:04:04 GMT'
    expect(await ask({ 'If-Modified-Since': same })).toBe(304)
    expect(await ask({ 'If-Modified-Since': before })).toBe(204)
    expect(await ask({ 'If-Unmodified-Since': same })).toBe(204)
    expect(await ask({ 'If-Unmodified-Since': before })).toBe(412)
  })
})

describe('the list of containers', () => {
  it('describes each one in JSON', async () => {
    await store.ask('PUT', `${account}/b`, { headers: { 'X-Container-Policy-Quota': '100' } })
    await store.ask('PUT', `${account}/a`, { headers: { 'X-Container-Policy-Versioning': 'none' } })
    await putObject(store, `${account}/a/o`, 'hello')
    const list = await store.ask('GET', `${account}?format=json`)
    expect(list.status).toBe(200)
    expect(list.headers['x-account-container-count']).toBe('2')
    const last_modified = '2026-01-02T03:04:05.678000+00:00'
    expect(list.json()).toEqual([
      {
        name: 'a',
        count: 1,
        bytes: 5,
        last_modified,
        x_container_policy: { quota: '0', versioning: 'none', project: account },
      },
      {
        name: 'b',
        count: 0,
        bytes: 0,
        last_modified,
        x_container_policy: { quota: 100, versioning: 'auto', project: account },
      },
    ])
  })

  it('is a name a line as text, and 204 when there is none', async () => {
    const empty = await store.ask('GET', account)
    expect([empty.status, empty.text]).toEqual([204, ''])
    expect((await store.ask('GET', `${account}?format=json`)).json()).toEqual([])
    await store.ask('PUT', `${account}/b`)
    await store.ask('PUT', `${account}/%CE%BB`)
    const list = await store.ask('GET', account)
    expect([list.status, list.text]).toEqual([200, 'b\nλ\n'])
  })

  it('is XML when asked for', async () => {
    await store.ask('PUT', `${account}/a%26b`)
    const list = await store.ask('GET', `${account}?format=xml`)
    expect(list.text).toMatch(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n<account name=".*"><container>/)
    expect(list.text).toContain('<name>a&amp;b</name><count>0</count>')
  })

  it('comes in pages', async () => {
    for (const name of ['a', 'b', 'c']) await store.ask('PUT', `${account}/${name}`)
    const page = async (query: string): Promise<string> =>
      (await store.ask('GET', `${account}?${query}`)).text
    expect(await page('limit=2')).toBe('a\nb\n')
    expect(await page('limit=2&marker=b')).toBe('c\n')
    expect(await page('limit=0')).toBe('a\nb\nc\n')
  })

  it('can be of what is shared or public only', async () => {
    for (const name of ['a', 'b', 'c']) {
      await store.ask('PUT', `${account}/${name}`)
      await putObject(store, `${account}/${name}/o`, '')
    }
    await store.ask('POST', `${account}/b/o?update`, { headers: { 'X-Object-Sharing': 'read=*' } })
    await store.ask('POST', `${account}/c/o?update`, { headers: { 'X-Object-Public': 'true' } })
    const list = async (query: string): Promise<string> =>
      (await store.ask('GET', `${account}?${query}`)).text
    expect(await list('shared')).toBe('b\n')
    expect(await list('public')).toBe('c\n')
    expect(await list('shared&public')).toBe('b\nc\n')
  })

  it('of the past has containers that were there, with a timestamp', async () => {
    await store.ask('PUT', `${account}/a`)
    store.time += 10_000
    await store.ask('PUT', `${account}/b`)
    const until = Math.floor(store.time / 1000)
    const list = (await store.ask('GET', `${account}?format=json&until=${until}`)).json() as unknown[]
    expect(list).toEqual([
      expect.objectContaining({ name: 'a', x_container_until_timestamp: expect.any(String) }),
    ])
  })
})

describe('POST to an account', () => {
  it('adds metadata with update and replaces it without', async () => {
    expect((await post({ 'X-Account-Meta-A': '1', 'X-Account-Meta-B': '2' })).status).toBe(202)
    await post({ 'X-Account-Meta-A': '', 'X-Account-Meta-C': '3' })
    const added = (await store.ask('HEAD', account)).headers
    expect([added['x-account-meta-a'], added['x-account-meta-b'], added['x-account-meta-c']]).toEqual([
      undefined,
      '2',
      '3',
    ])
    await post({ 'X-Account-Meta-D': '4' }, false)
    const replaced = (await store.ask('HEAD', account)).headers
    expect([replaced['x-account-meta-b'], replaced['x-account-meta-d']]).toEqual([undefined, '4'])
  })

  it('keeps groups under lower-case names', async () => {
    await post({ 'X-Account-Group-Friends': `${bob.id}, ${carol.id}`, 'X-Account-Group-b': bob.id })
    const headers = (await store.ask('HEAD', account)).headers
    expect(headers['x-account-group-friends']).toBe(`${bob.id},${carol.id}`)
    await post({ 'X-Account-Group-Friends': '' })
    expect((await store.ask('HEAD', account)).headers['x-account-group-friends']).toBeUndefined()
    await post({}, false)
    expect((await store.ask('HEAD', account)).headers['x-account-group-b']).toBe(bob.id)
    await post({ 'X-Account-Group-C': carol.id }, false)
    expect((await store.ask('HEAD', account)).headers['x-account-group-b']).toBeUndefined()
  })

  it.each([
    ['a dash in a name', { 'X-Account-Group-A-B': bob.id }],
    ['an underscore in a name', { 'X-Account-Group-A_B': bob.id }],
    ['an unknown member', { 'X-Account-Group-A': `${bob.id},nobody` }],
    ['too many members', { 'X-Account-Group-A': Array.from({ length: 33 }, () => bob.id).join(',') }],
    [
      'too many groups',
      Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`X-Account-Group-g${index}`, bob.id])),
    ],
  ])('refuses groups with %s', async (_, headers) => {
    expect(fault(await post(headers))).toMatchObject({ name: 'badRequest', code: 400 })
  })

  it('changes no policy', async () => {
    expect((await post({ 'X-Account-Policy-Quota': '1' })).status).toBe(202)
    expect((await store.ask('HEAD', account)).headers['x-account-policy-quota']).toBe('5000')
  })

  it('is for the owner', async () => {
    const answer = await store.ask('POST', `${account}?update`, { as: bob })
    expect(fault(answer)).toMatchObject({ name: 'forbidden', code: 403 })
  })

  it('is not needed for the quota to hold', async () => {
    await store.ask('PUT', `${account}/a`)
    await store.ask('PUT', `${account}/b`)
    expect((await putObject(store, `${account}/a/o`, Buffer.alloc(3000))).status).toBe(201)
    expect((await putObject(store, `${account}/b/o`, Buffer.alloc(2001))).status).toBe(413)
    expect((await putObject(store, `${account}/b/o`, Buffer.alloc(2000))).status).toBe(201)
    const moved = await store.ask('MOVE', `${account}/a/o`, { headers: { Destination: '/b/moved' } })
    expect(moved.status).toBe(201)
  })
})

describe('somebody else’s account', () => {
  beforeEach(async () => {
    await store.ask('PUT', `${account}/private`)
    await store.ask('PUT', `${account}/shared`)
    await putObject(store, `${account}/shared/o`, 'x')
  })
  const share = (): Promise<Answer> =>
    store.ask('POST', `${account}/shared/o?update`, { headers: { 'X-Object-Sharing': `read=${bob.id}` } })

  it('is closed as long as it shares nothing', async () => {
    expect((await store.ask('HEAD', account, { as: bob })).status).toBe(403)
    expect((await store.ask('GET', '?format=json', { as: bob })).json()).toEqual([])
    await share()
    expect((await store.ask('HEAD', account, { as: carol })).status).toBe(403)
  })

  it('shows only when it was changed, and the containers that share something', async () => {
    await share()
    const { status, headers } = await store.ask('HEAD', account, { as: bob })
    expect(status).toBe(204)
    expect(headers['last-modified']).toBe('Fri, 02 Jan 2026 03:04:05 GMT')
    expect(Object.keys(headers).filter((name) => name.startsWith('x-account'))).toEqual([])
    const last_modified = '2026-01-02T03:04:05.678000+00:00'
    const list = await store.ask('GET', `${account}?format=json`, { as: bob })
    expect(list.json()).toEqual([{ name: 'shared', last_modified }])
    expect((await store.ask('GET', '?format=json', { as: bob })).json()).toEqual([
      { name: account, last_modified },
    ])
    expect((await store.ask('GET', '', { as: bob })).text).toBe(`${account}\n`)
    expect((await store.ask('GET', '?format=json')).json()).toEqual([])
  })

  it('has no past and no public list for others', async () => {
    await share()
    expect((await store.ask('HEAD', `${account}?until=2000000000`, { as: bob })).status).toBe(403)
    expect((await store.ask('GET', `${account}?public`, { as: bob })).status).toBe(403)
  })
})
