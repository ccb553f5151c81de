import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  alice,
  bob,
  fault,
  putObject,
  startStore,
  type Answer,
  type Ask,
  type Store,
} from './pithos-store.js'

const account = alice.id
const files = `${account}/files`
let store: Store

beforeEach(async () => {
  store = await startStore()
  for (const name of ['files', 'other', 'trash']) await store.ask('PUT', `${account}/${name}`)
  await putObject(store, `${files}/src`, 'hello', {
    headers: {
      'Content-Type': 'text/plain',
      'X-Object-Meta-A': '1',
      'X-Object-Sharing': 'read=*',
      'X-Object-Public': 'true',
    },
  })
})
afterEach(() => store.close())

const head = async (path: string): Promise<Answer['headers']> =>
  (await store.ask('HEAD', `${account}/${path}`)).headers

/** Both ways to say the same, so that each fact is shown of both. */
const forms = [
  {
    form: 'PUT',
    run: (
      verb: 'Copy' | 'Move',
      from: string,
      to: string,
      headers: Record<string, string> = {},
      query = '',
      ask: Ask = {},
    ) =>
      store.ask('PUT', `${account}/${to}${query}`, {
        ...ask,
        headers: { 'Content-Length': '0', [`X-${verb}-From`]: `/${from}`, ...headers },
      }),
  },
  {
    form: 'method',
    run: (
      verb: 'Copy' | 'Move',
      from: string,
      to: string,
      headers: Record<string, string> = {},
      query = '',
      ask: Ask = {},
    ) =>
      store.ask(verb.toUpperCase(), `${account}/${from}${query}`, {
        ...ask,
        headers: { Destination: `/${to}`, ...headers },
      }),
  },
] as const

describe.each(forms)('$form', ({ run }) => {
  it('copies content, type and metadata into a new object without sharing', async () => {
    const answer = await run('Copy', 'files/src', 'other/dst', { 'X-Object-Meta-B': '2' })
    expect(answer.status).toBe(201)
    const source = await head('files/src')
    const copy = await head('other/dst')
    expect(answer.headers['x-object-version']).toBe(copy['x-object-version'])
    expect(copy).toMatchObject({
      etag: source.etag,
      'content-type': 'text/plain',
      'x-object-meta-a': '1',
      'x-object-meta-b': '2',
    })
    expect(copy['x-object-uuid']).not.toBe(source['x-object-uuid'])
    expect([copy['x-object-sharing'], copy['x-object-public']]).toEqual([undefined, undefined])
    expect(source['x-object-sharing']).toBe('read=%2A')
    expect((await store.ask('GET', `${account}/other/dst`)).text).toBe('hello')
  })

  it('moves the object itself, and prints no version', async () => {
    const before = await head('files/src')
    const answer = await run('Move', 'files/src', 'other/dst')
    expect(answer.status).toBe(201)
    expect(answer.headers['x-object-version']).toMatch(/^%28%5B\d+%5D, 5, 5%29$/)
    expect((await head('other/dst'))['x-object-uuid']).toBe(before['x-object-uuid'])
    expect((await store.ask('HEAD', `${files}/src`)).status).toBe(404)
    expect((await head('files'))['x-container-bytes-used']).toBe('0')
  })

  it('to itself keeps the object', async () => {
    expect((await run('Copy', 'files/src', 'files/src')).status).toBe(201)
    expect((await run('Move', 'files/src', 'files/src')).status).toBe(201)
    expect((await store.ask('GET', `${files}/src`)).text).toBe('hello')
    expect((await head('files'))['x-container-object-count']).toBe('1')
  })

  it('changes the type unless told not to', async () => {
    await run('Copy', 'files/src', 'other/a', { 'Content-Type': 'text/html' })
    expect((await head('other/a'))['content-type']).toBe('text/html')
    await run('Copy', 'files/src', 'other/b', { 'Content-Type': 'text/html' }, '?ignore_content_type')
    expect((await head('other/b'))['content-type']).toBe('text/plain')
  })

  it('shares and publishes the new one if asked', async () => {
    await run('Copy', 'files/src', 'other/a', {
      'X-Object-Sharing': `read=${bob.id}`,
      'X-Object-Public': 'True',
    })
    const copy = await head('other/a')
    expect(copy['x-object-sharing']).toBe(`read=${bob.id}`)
    expect(copy['x-object-public']).toContain('/public/')
    await run('Copy', 'files/src', 'other/b', { 'X-Object-Public': 'False' })
    expect((await head('other/b'))['x-object-public']).toBeUndefined()
  })

  it('takes what is below along with a delimiter', async () => {
    for (const name of ['src/a', 'src/b/c', 'srcx']) await putObject(store, `${files}/${name}`, name)
    expect((await run('Copy', 'files/src', 'other/dst', {}, '?delimiter=/')).status).toBe(201)
    expect((await store.ask('GET', `${account}/other`)).text).toBe('dst\ndst/a\ndst/b/c\n')
    expect((await run('Move', 'files/src', 'trash/src', {}, '?delimiter=/')).status).toBe(201)
    expect((await store.ask('GET', `${account}/trash`)).text).toBe('src\nsrc/a\nsrc/b/c\n')
    expect((await store.ask('GET', files)).text).toBe('srcx\n')
    expect((await store.ask('GET', `${account}/trash/src/b/c`)).text).toBe('src/b/c')
  })

  it('finds names that need coding', async () => {
    await putObject(store, `${files}/100%25%20%CE%BB`, 'x')
    expect((await run('Copy', 'files/100%25%20%CE%BB', 'other/50%25%20%CE%BC')).status).toBe(201)
    expect((await store.ask('GET', `${account}/other`)).text).toBe('50% μ\n')
  })

  it('misses sources and destinations that do not exist', async () => {
    expect((await run('Copy', 'files/absent', 'other/dst')).status).toBe(404)
    expect((await run('Copy', 'absent/src', 'other/dst')).status).toBe(404)
    expect((await run('Copy', 'files/src', 'absent/dst')).status).toBe(404)
    expect((await run('Copy', 'files/src', 'other/dst', { 'X-Source-Version': '99' })).status).toBe(404)
  })

  it('copies an old version', async () => {
    await putObject(store, `${files}/src`, 'changed')
    expect((await run('Copy', 'files/src', 'other/dst', { 'X-Source-Version': '1' })).status).toBe(201)
    expect((await store.ask('GET', `${account}/other/dst`)).text).toBe('hello')
  })
})

describe('conditions', () => {
  it('of the PUT forms are on the destination', async () => {
    const copy = (headers: Record<string, string>): Promise<number> =>
      forms[0].run('Copy', 'files/src', 'other/dst', headers).then(({ status }) => status)
    expect(await copy({ 'If-Match': '*' })).toBe(412)
    expect(await copy({ 'If-None-Match': '*' })).toBe(201)
    expect(await copy({ 'If-None-Match': '*' })).toBe(412)
  })

  it('of the methods are on the source', async () => {
    const { etag } = await head('files/src')
    const copy = (headers: Record<string, string>): Promise<number> =>
      forms[1].run('Copy', 'files/src', 'other/dst', headers).then(({ status }) => status)
    expect(await copy({ 'If-None-Match': '*' })).toBe(412)
    expect(await copy({ 'If-Match': '"other"' })).toBe(412)
    expect(await copy({ 'If-Match': etag! })).toBe(201)
  })
})

describe('requests that name the other object badly', () => {
  it.each(['files/src', '/files', '/files/', '//src', ''])('%j', async (name) => {
    const put = await store.ask('PUT', `${account}/other/o`, {
      headers: { 'Content-Length': '0', 'X-Copy-From': name },
    })
    expect(fault(put)).toMatchObject({ name: 'badRequest', code: 400 })
    const copy = await store.ask('COPY', `${files}/src`, { headers: { Destination: name } })
    expect(copy.status).toBe(400)
  })

  it('or have no length, or no destination', async () => {
    const noLength = await store.ask('PUT', `${account}/other/o`, {
      headers: { 'X-Copy-From': '/files/src' },
    })
    expect(fault(noLength)).toMatchObject({ name: 'lengthRequired', code: 411 })
    expect((await store.ask('MOVE', `${files}/src`)).status).toBe(400)
  })
})

describe('between accounts', () => {
  beforeEach(() => store.ask('PUT', `${bob.id}/mine`, { as: bob }))

  it('what may be read may be copied', async () => {
    const put = await store.ask('PUT', `${bob.id}/mine/o`, {
      as: bob,
      headers: { 'Content-Length': '0', 'X-Copy-From': '/files/src', 'X-Source-Account': account },
    })
    expect(put.status).toBe(201)
    const copy = await store.ask('COPY', `${files}/src`, { as: bob, headers: { Destination: '/mine/p' } })
    expect(copy.status).toBe(201)
    expect((await store.ask('GET', `${bob.id}/mine/p`, { as: bob })).text).toBe('hello')
    await store.ask('POST', `${files}/src?update`, { headers: { 'X-Object-Sharing': '' } })
    const closed = await store.ask('COPY', `${files}/src`, { as: bob, headers: { Destination: '/mine/p' } })
    expect(closed.status).toBe(403)
  })

  it('nothing is moved', async () => {
    const put = await store.ask('PUT', `${bob.id}/mine/o`, {
      as: bob,
      headers: { 'Content-Length': '0', 'X-Move-From': '/files/src', 'X-Source-Account': account },
    })
    expect(fault(put)).toMatchObject({ name: 'forbidden', code: 403 })
    const move = await store.ask('MOVE', `${files}/src`, { as: bob, headers: { Destination: '/mine/o' } })
    expect(move.status).toBe(403)
    expect((await store.ask('HEAD', `${files}/src`)).status).toBe(200)
  })

  it('the destination must be open for writing', async () => {
    const copy = (): Promise<Answer> =>
      store.ask('COPY', `${files}/src`, {
        headers: { Destination: '/mine/dir/o', 'Destination-Account': bob.id },
      })
    expect((await copy()).status).toBe(403)
    await putObject(store, `${bob.id}/mine/dir`, '', {
      as: bob,
      headers: { 'Content-Type': 'application/directory', 'X-Object-Sharing': `write=${account}` },
    })
    expect((await copy()).status).toBe(201)
  })
})

it('a container’s quota holds for copies, and not for what moves inside it', async () => {
  await store.ask('POST', `${files}?update`, { headers: { 'X-Container-Policy-Quota': '9' } })
  expect((await forms[0].run('Copy', 'files/src', 'files/dst')).status).toBe(413)
  expect((await forms[0].run('Move', 'files/src', 'files/dst')).status).toBe(201)
  expect((await head('files'))['x-container-bytes-used']).toBe('5')
})
