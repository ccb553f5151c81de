import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
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

it('a version can be copied by a PUT, also to where there are no versions', async () => {
  const [one, two] = [await write('one'), await write('two')]
  const plain = await store.container()
  const copy = (target: string, id: string, from = `${container}/o`): Promise<Answer> =>
    store.ask('PUT', `${target}?version-id=${id}`, { headers: { 'X-Copy-From': from } })
  const made = await copy(`${container}/copy`, one)
  expect([made.status, made.headers['x-copied-from-version-id']]).toEqual([201, one])
  const current = await store.ask('GET', `${container}/copy`)
  expect([current.text, current.headers['x-object-version-id']]).toEqual([
    'one',
    made.headers['x-object-version-id'],
  ])
  expect((await copy(`${plain}/copy`, one)).status).toBe(201)
  expect((await store.ask('GET', `${plain}/copy`)).text).toBe('one')
  const third = (await copy(`${container}/o`, one)).headers['x-object-version-id']
  expect((await get()).text).toBe('one')
  expect((await versions('&prefix=o')).map((version) => version.version_id)).toEqual([third, two, one])
  const unknown = await copy(`${container}/never`, '1.00000')
  expect([unknown.status, (await copy(`${container}/never`, 'abc')).text]).toEqual([
    404,
    'Invalid version parameter',
  ])
  expect(await copy(`${container}/never`, one, `${plain}/copy`)).toMatchObject({
    status: 400,
    text: 'version-aware operations require that the container is versioned',
  })
  const unversioned = await copy(`${container}/last`, 'null', `${plain}/copy`)
  expect([unversioned.status, unversioned.headers['x-copied-from-version-id']]).toEqual([201, 'null'])
})

describe('a version of a static large object', () => {
  let segments: string
  beforeEach(async () => {
    segments = await store.container()
    for (const name of ['1', '2', '3']) await put(store, `${segments}/${name}`, name.repeat(4))
  })

  async function writeLarge(path: string, parts: readonly string[]): Promise<string> {
    const body = JSON.stringify(parts.map((part) => ({ path: part })))
    const made = await store.ask('PUT', `${path}?multipart-manifest=put`, { body })
    expect(made.status).toBe(201)
    return String(made.headers['x-object-version-id'])
  }

  /** Deleted, not found, and the errors. */
  async function remove(path: string, id?: string): Promise<unknown[]> {
    const version = id === undefined ? '' : `&version-id=${id}`
    const answer = await store.ask('DELETE', `${path}?multipart-manifest=delete${version}`, {
      headers: { Accept: 'application/json' },
    })
    expect(answer.status).toBe(200)
    const report = answer.json() as unknown as Record<string, unknown>
    return [report['Number Deleted'], report['Number Not Found'], report['Errors']]
  }

  it('goes with its segments, and leaves the others', async () => {
    const one = await writeLarge(`${container}/o`, [`${segments}/1`])
    const two = await writeLarge(`${container}/o`, [`${segments}/2`, `${segments}/3`])
    expect(await remove(`${container}/o`, one)).toEqual([2, 0, []])
    expect(await names(store, segments)).toEqual(['2', '3'])
    expect(await versions()).toMatchObject([{ version_id: two, is_latest: true }])
    expect((await get()).text).toBe('22223333')
    expect(await remove(`${container}/o`, two)).toEqual([3, 0, []])
    expect([await versions(), await names(store, segments)]).toEqual([[], []])
    expect(await remove(`${container}/o`, two)).toEqual([0, 1, []])
    expect(await versions()).toEqual([])
  })

  it('goes when it is behind a marker, or has no id', async () => {
    const one = await writeLarge(`${container}/o`, [`${segments}/1`])
    expect(await remove(`${container}/o`)).toEqual([2, 0, []])
    const [marker] = await versions()
    expect(await remove(`${container}/o`, marker?.version_id)).toEqual([0, 1, []])
    expect(await remove(`${container}/o`, one)).toEqual([1, 1, []])
    expect(await versions()).toEqual([marker])
    const plain = await store.container()
    await writeLarge(`${plain}/o`, [`${segments}/2`])
    expect(await remove(`${plain}/o`, 'null')).toEqual([2, 0, []])
    expect([await names(store, plain), await names(store, segments)]).toEqual([[], ['3']])
  })

  it('leaves markers where its segments have versions', async () => {
    await write('segment')
    const made = await writeLarge(`${container}/large`, [`${container}/o`])
    expect(await remove(`${container}/large`, made)).toEqual([2, 0, []])
    expect(await versions()).toMatchObject([
      { name: 'o', is_latest: true, bytes: 0 },
      { name: 'o', is_latest: false, bytes: 7 },
    ])
  })

  it('is asked for by the same id in what it is made of, which is then not found', async () => {
    await writeLarge(`${container}/inner`, [`${segments}/1`])
    const outer = await writeLarge(`${container}/outer`, [`${container}/inner`, `${segments}/2`])
    expect(await remove(`${container}/outer`, outer)).toEqual([2, 1, []])
    expect(await names(store, container)).toEqual(['inner'])
    const plain = await store.container()
    await writeLarge(`${plain}/inner`, [`${segments}/1`])
    const mixed = await writeLarge(`${container}/outer`, [`${plain}/inner`, `${segments}/3`])
    expect(await remove(`${container}/outer`, mixed)).toEqual([
      2,
      0,
      [[`${plain}/inner`, 'Unable to load SLO manifest or segment.']],
    ])
    expect(await names(store, segments)).toEqual(['1'])
  })

  it('is named rightly, and is one', async () => {
    const failure = 'Unable to load SLO manifest or segment.'
    const plain = await store.container()
    await writeLarge(`${plain}/o`, [`${segments}/1`])
    expect(await remove(`${plain}/o`, '1.00000')).toEqual([0, 0, [[`${plain}/o`, failure]]])
    expect(await remove(`${container}/o`, 'abc')).toEqual([0, 0, [[`${container}/o`, failure]]])
    const small = await write('small')
    expect(await remove(`${container}/o`, small)).toEqual([0, 0, [[`${container}/o`, 'Not an SLO manifest']]])
    expect((await get()).text).toBe('small')
    expect(await remove(`${container}/absent`)).toEqual([0, 1, []])
    expect(await versions('&prefix=absent')).toEqual([])
    expect(await remove('/no-such-container/o', '1.00000')).toEqual([
      0,
      0,
      [['/no-such-container/o', failure]],
    ])
  })
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
