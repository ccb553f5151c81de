import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { connectStore, names, put, type Answer, type Store } from './openstack-store.js'

let store: Store
let container: string
beforeAll(async () => {
  store = await connectStore()
})
afterAll(() => store.close())
beforeEach(async () => {
  container = await store.container({ 'X-Versions-Enabled': 'true' })
})

interface Version {
  readonly name: string
  readonly bytes: number
  readonly version_id: string
  readonly is_latest: boolean
  readonly content_type: string
}

async function write(body: string): Promise<string> {
  return String((await put(store, `${container}/o`, body)).headers['x-object-version-id'])
}

async function versions(query = ''): Promise<Version[]> {
  return (await store.ask('GET', `${container}?versions&format=json${query}`)).json() as unknown as Version[]
}

const get = (query = ''): Promise<Answer> => store.ask('GET', `${container}/o${query}`)

it('every PUT makes a version, and each can be read', async () => {
  const [one, two] = [await write('one'), await write('two!')]
  const current = await get()
  expect([current.text, current.headers['x-object-version-id']]).toEqual(['two!', two])
  expect(current.headers['content-location']).toBe(`${store.first.root}${container}/o?version-id=${two}`)
  const older = await get(`?version-id=${one}`)
  expect([older.text, older.headers['x-object-version-id']]).toEqual(['one', one])
  expect(await versions()).toMatchObject([
    { name: 'o', bytes: 4, version_id: two, is_latest: true },
    { name: 'o', bytes: 3, version_id: one, is_latest: false },
  ])
  expect((await store.ask('HEAD', container)).headers).toMatchObject({
    'x-versions-enabled': 'True',
    'x-container-object-count': '1',
    'x-container-bytes-used': '7',
  })
})

it('versions are paged by name and version', async () => {
  const [one, two] = [await write('one'), await write('two')]
  await put(store, `${container}/p`, 'x')
  expect((await versions('&limit=1')).map((version) => version.version_id)).toEqual([two])
  const rest = await versions(`&limit=2&marker=o&version_marker=${two}`)
  expect(rest.map(({ name }) => name)).toEqual(['o', 'p'])
  expect(rest[0]?.version_id).toBe(one)
  expect((await versions('&marker=o')).map(({ name }) => name)).toEqual(['p'])
  const alone = await store.ask('GET', `${container}?versions&version_marker=${two}`)
  expect([alone.status, alone.text]).toEqual([400, 'version_marker param requires marker'])
  expect((await store.ask('GET', `${container}?versions&format=xml`)).status).toBe(406)
})

it('DELETE leaves a marker, and the versions behind it', async () => {
  const one = await write('one')
  const removed = await store.ask('DELETE', `${container}/o`)
  const marker = String(removed.headers['x-object-version-id'])
  expect(removed.status).toBe(204)
  expect((await get()).status).toBe(404)
  expect(await names(store, container)).toEqual([])
  expect(await versions()).toMatchObject([
    { version_id: marker, is_latest: true, content_type: 'application/x-deleted;swift_versions_deleted=1' },
    { version_id: one, is_latest: false },
  ])
  expect((await get(`?version-id=${marker}`)).status).toBe(404)
  expect((await get(`?version-id=${one}`)).text).toBe('one')
  const full = await store.ask('DELETE', container)
  expect([full.status, full.text]).toEqual([409, 'Delete all versions before deleting container.'])
})

it('PUT of a version makes it the current one', async () => {
  const [one] = [await write('one'), await write('two')]
  const restore = (id: string, body = ''): Promise<Answer> =>
    store.ask('PUT', `${container}/o?version-id=${id}`, { body })
  expect((await restore(one)).status).toBe(201)
  expect((await get()).text).toBe('one')
  expect(await versions()).toMatchObject([{ is_latest: false }, { version_id: one, is_latest: true }])
  expect((await restore('1.00000')).status).toBe(404)
  expect((await restore(one, 'body')).text).toBe('PUT version-id requests require a zero byte body')
})

it('DELETE of a version is for good', async () => {
  const [one, two] = [await write('one'), await write('two')]
  const remove = (id: string): Promise<Answer> => store.ask('DELETE', `${container}/o?version-id=${id}`)
  const removed = await remove(two)
  expect([removed.status, removed.headers['x-object-current-version-id']]).toEqual([204, 'null'])
  expect((await get()).status).toBe(404)
  expect((await remove(two)).status).toBe(404)
  expect((await remove(one)).status).toBe(204)
  expect(await versions()).toEqual([])
  expect((await store.ask('DELETE', container)).status).toBe(204)
})

it('a version cannot be posted to, nor named wrongly', async () => {
  const one = await write('one')
  expect((await store.ask('POST', `${container}/o?version-id=${one}`)).status).toBe(400)
  expect(await get('?version-id=abc')).toMatchObject({ status: 400, text: 'Invalid version parameter' })
  expect((await get('?version-id=123')).status).toBe(404)
})

it('a version can be copied', async () => {
  const [one] = [await write('one'), await write('two')]
  const headers = { Destination: `${container}/copy` }
  const answer = await store.ask('COPY', `${container}/o?version-id=${one}`, { headers })
  expect(answer.headers['x-copied-from-version-id']).toBe(one)
  expect((await store.ask('GET', `${container}/copy`)).text).toBe('one')
})

it('what is written without versioning has no id', async () => {
  const one = await write('one')
  await store.ask('POST', container, { headers: { 'X-Versions-Enabled': 'false' } })
  expect((await put(store, `${container}/o`, 'plain')).headers).not.toHaveProperty('x-object-version-id')
  expect((await get()).headers['x-object-version-id']).toBe('null')
  expect(await versions()).toMatchObject([
    { version_id: 'null', is_latest: true },
    { version_id: one, is_latest: false },
  ])
  expect((await get('?version-id=null')).text).toBe('plain')
  await put(store, `${container}/o`, 'replaced')
  expect(await versions()).toHaveLength(2)
})

it('what was there before versioning becomes a version', async () => {
  const before = await store.container()
  await put(store, `${before}/o`, 'before')
  await store.ask('POST', before, { headers: { 'X-Versions-Enabled': 'true' } })
  await put(store, `${before}/o`, 'after')
  const listed = (await store.ask('GET', `${before}?versions&format=json`)).json() as unknown as Version[]
  expect(listed).toHaveLength(2)
  const older = await store.ask('GET', `${before}/o?version-id=${String(listed[1]?.version_id)}`)
  expect(older.text).toBe('before')
})

it('a container without versions lists its objects as null versions', async () => {
  const plain = await store.container()
  await put(store, `${plain}/o`, 'x')
  const listed = await store.ask('GET', `${plain}?versions&format=json`)
  expect(listed.json()).toMatchObject([{ name: 'o', version_id: 'null', is_latest: true }])
  const answer = await store.ask('GET', `${plain}/o?version-id=1.00000`)
  expect([answer.status, answer.text]).toEqual([
    400,
    'version-aware operations require that the container is versioned',
  ])
})
