import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connectStore, Cut, md5, names, put, type Answer, type Store } from './openstack-store.js'

let store: Store
let container: string
let segments: string
beforeAll(async () => {
  store = await connectStore()
  container = await store.container()
  segments = await store.container()
})
afterAll(() => store.close())

const PARTS = ['aaaaa', 'bbbbbbb', 'ccc']
const WHOLE = PARTS.join('')
const ETAG = md5(PARTS.map((part) => md5(part)).join(''))

beforeEach(async () => {
  for (const [index, part] of PARTS.entries()) await put(store, `${segments}/s/${String(index)}`, part)
})

const manifest = () =>
  PARTS.map((part, index) => ({
    path: `${segments}/s/${String(index)}`,
    etag: md5(part),
    size_bytes: part.length,
  }))
const putManifest = (
  name: string,
  entries: unknown = manifest(),
  headers: Record<string, string> = {},
): Promise<Answer> =>
  store.ask('PUT', `${container}/${name}?multipart-manifest=put`, {
    body: typeof entries === 'string' ? entries : JSON.stringify(entries),
    headers,
  })

describe('static large objects', () => {
  it('are read as one, in whole and in part', async () => {
    const made = await putManifest('slo', manifest(), { 'Content-Type': 'a/b', 'X-Object-Meta-A': '1' })
    expect([made.status, made.headers.etag]).toEqual([201, `"${ETAG}"`])
    const head = await store.ask('HEAD', `${container}/slo`)
    expect(head.headers).toMatchObject({
      'content-length': String(WHOLE.length),
      'content-type': 'a/b',
      'x-static-large-object': 'True',
      'x-object-meta-a': '1',
      etag: `"${ETAG}"`,
    })
    expect(head.headers['x-manifest-etag']).toMatch(/^[0-9a-f]{32}$/)
    const get = (range?: string): Promise<Answer> =>
      store.ask('GET', `${container}/slo`, { headers: range === undefined ? {} : { Range: range } })
    expect((await get()).text).toBe(WHOLE)
    expect(await get('bytes=3-12')).toMatchObject({ status: 206, text: WHOLE.slice(3, 13) })
    expect((await get('bytes=10-100')).headers['content-range']).toBe('bytes 10-14/15')
    expect((await get('bytes=15-')).status).toBe(416)
    expect((await get('bytes=3-8,13-20')).text).toContain('Content-Range: bytes 13-14/15\r\n\r\ncc\r\n')
    const unchanged = { 'If-None-Match': ETAG }
    expect((await store.ask('GET', `${container}/slo`, { headers: unchanged })).status).toBe(304)
  })

  it('show their manifest, as it is kept and as it was sent', async () => {
    await putManifest('shown')
    const path = `${container}/shown?multipart-manifest=get`
    const kept = await store.ask('GET', path)
    expect(kept.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(kept.headers.etag).toBe(md5(kept.text))
    expect(kept.json()).toEqual(
      PARTS.map((part, index) => ({
        name: `${segments}/s/${String(index)}`,
        bytes: part.length,
        hash: md5(part),
        content_type: 'application/octet-stream',
        last_modified: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000$/),
      })),
    )
    const head = await store.ask('HEAD', `${container}/shown`)
    expect(head.headers['x-manifest-etag']).toBe(kept.headers.etag)
    const raw = await store.ask('GET', `${path}&format=raw`)
    expect(raw.json()).toEqual(manifest())
    expect((await putManifest('again', raw.text)).headers.etag).toBe(`"${ETAG}"`)
  })

  it('are listed with the length of the whole', async () => {
    await putManifest('listed')
    const listed = await store.ask('GET', `${container}?format=json&prefix=listed`)
    expect(listed.json()).toMatchObject([{ name: 'listed', bytes: WHOLE.length, slo_etag: `"${ETAG}"` }])
  })

  it('may use ranges of segments, data of their own, and each other', async () => {
    const made = await putManifest('ranges', [
      { path: `${segments}/s/1`, range: '2-4' },
      { path: `${segments}/s/0`, range: '-2' },
      { data: Buffer.from('hello').toString('base64') },
    ])
    expect(made.headers.etag).toBe(`"${md5(`${md5('bbbbbbb')}:2-4;${md5('aaaaa')}:3-4;${md5('hello')}`)}"`)
    expect((await store.ask('GET', `${container}/ranges`)).text).toBe('bbbaahello')
    await putManifest('outer', [{ path: `${container}/ranges` }, { path: `${segments}/s/2` }])
    expect((await store.ask('GET', `${container}/outer`)).text).toBe('bbbaahelloccc')
    const shown = await store.ask('GET', `${container}/outer?multipart-manifest=get`)
    expect(shown.json()).toMatchObject([{ sub_slo: true, bytes: 10 }, { bytes: 3 }])
  })

  it('report what is wrong with their segments', async () => {
    const wrong = [
      { path: `${segments}/absent` },
      { path: `${segments}/s/0`, etag: md5('other'), size_bytes: 6 },
      { path: `${segments}/s/1`, range: '20-40' },
    ]
    const json = await putManifest('wrong', wrong, { Accept: 'application/json' })
    expect([json.status, json.headers['content-type']]).toEqual([400, 'application/json'])
    const { Errors: errors } = json.json() as unknown as { Errors: [string, string][] }
    expect([...errors].sort()).toEqual(
      [
        [`${segments}/absent`, '404 Not Found'],
        [`${segments}/s/0`, 'Etag Mismatch'],
        [`${segments}/s/0`, 'Size Mismatch'],
        [`${segments}/s/1`, 'Unsatisfiable Range'],
      ].sort(),
    )
    const text = await putManifest('wrong', [wrong[0]])
    expect([text.headers['content-type'], text.text]).toEqual([
      'text/plain',
      `Errors:\n${segments}/absent, 404 Not Found\n`,
    ])
    expect((await store.ask('HEAD', `${container}/wrong`)).status).toBe(404)
  })

  it.each([
    ['nojson', 400, 'Manifest must be valid JSON.\n'],
    ['{}', 400, 'Manifest must be a list.\n'],
    ['[{"path":"/c"}]', 400, 'Index 0: path does not refer to an object.'],
    ['[{"path":5}]', 400, 'Index 0: "path" must be a string\n'],
    ['[{"path":"/c/o","size_bytes":"x"}]', 400, 'Index 0: invalid size_bytes\n'],
    ['[{"path":"/c/o","range":"zz"}]', 400, 'Index 0: invalid range\n'],
    ['[{"path":"/c/o","foo":1}]', 400, 'Index 0: extraneous keys "foo"\n'],
    ['[{"data":"aGk="}]', 400, 'Inline data segments require at least one object-backed segment.\n'],
    [
      JSON.stringify(Array(1001).fill({ path: '/c/o' })),
      413,
      'Number of object-backed segments must be <= 1000',
    ],
  ])('are not made of %.20s', async (body, status, text) => {
    const answer = await putManifest('never', body)
    expect(answer.status).toBe(status)
    expect(answer.text).toContain(text)
  })

  it('check the ETag of the whole, and what was there before', async () => {
    expect((await putManifest('etag', manifest(), { ETag: md5('other') })).status).toBe(422)
    expect((await putManifest('etag', manifest(), { ETag: ETAG, 'If-None-Match': '*' })).status).toBe(201)
    expect((await putManifest('etag', manifest(), { 'If-None-Match': '*' })).status).toBe(412)
  })

  it('break with their segments', async () => {
    await putManifest('broken')
    await put(store, `${segments}/s/1`, 'changed')
    const outcome = await store.ask('GET', `${container}/broken`).catch((error: unknown) => error)
    // The whole answer is refused as long as nothing of it has been sent.
    if (!(outcome instanceof Cut)) expect(outcome).toMatchObject({ status: 500 })
    await store.ask('DELETE', `${segments}/s/0`)
    expect((await store.ask('GET', `${container}/broken`)).status).toBe(409)
    expect((await store.ask('HEAD', `${container}/broken`)).status).toBe(200)
  })

  it('become ordinary objects by a copy, unless the manifest is copied', async () => {
    await putManifest('source')
    const copy = (query: string, name: string): Promise<Answer> =>
      store.ask('COPY', `${container}/source${query}`, { headers: { Destination: `${container}/${name}` } })
    expect((await copy('', 'flat')).headers.etag).toBe(md5(WHOLE))
    const flat = await store.ask('HEAD', `${container}/flat`)
    expect(flat.headers).not.toHaveProperty('x-static-large-object')
    expect((await copy('?multipart-manifest=get', 'same')).headers.etag).toBe(`"${ETAG}"`)
    expect((await store.ask('HEAD', `${container}/same`)).headers['x-static-large-object']).toBe('True')
  })

  it('keep what they are through a POST', async () => {
    await putManifest('posted', manifest(), { 'X-Object-Meta-A': '1' })
    await store.ask('POST', `${container}/posted`, { headers: { 'X-Object-Meta-B': '2' } })
    const { headers } = await store.ask('HEAD', `${container}/posted`)
    expect(headers).toMatchObject({ 'x-static-large-object': 'True', 'x-object-meta-b': '2' })
  })

  it('go alone or with their segments', async () => {
    await putManifest('deleted')
    expect((await store.ask('DELETE', `${container}/deleted`)).status).toBe(204)
    expect(await names(store, `${segments}?prefix=s/`)).toHaveLength(3)
    await putManifest('deleted')
    const remove = (name: string): Promise<Answer> =>
      store.ask('DELETE', `${container}/${name}?multipart-manifest=delete`, {
        headers: { Accept: 'application/json' },
      })
    const report = { 'Response Status': '200 OK', 'Response Body': '', Errors: [] }
    expect((await remove('deleted')).json()).toEqual({
      ...report,
      'Number Deleted': 4,
      'Number Not Found': 0,
    })
    expect(await names(store, `${segments}?prefix=s/`)).toEqual([])
    expect((await remove('deleted')).json()).toMatchObject({ 'Number Deleted': 0, 'Number Not Found': 1 })
    await put(store, `${container}/plain`, 'x')
    const plain = await remove('plain')
    expect(plain.status).toBe(200)
    expect(plain.json()).toMatchObject({
      'Response Status': '400 Bad Request',
      Errors: [[`${container}/plain`, 'Not an SLO manifest']],
    })
  })

  it('go as far as the sender may read their manifest and write to their segments', async () => {
    const shared = await store.container({ 'X-Container-Write': 'test2:tester2' })
    await store.ask('PUT', `${shared}/o?multipart-manifest=put`, { body: JSON.stringify(manifest()) })
    const remove = async (): Promise<unknown> => {
      const headers = { Accept: 'application/json' }
      return (
        await store.askAs('second', 'DELETE', `${shared}/o?multipart-manifest=delete`, { headers })
      ).json()
    }
    const unreadable = [[`${shared}/o`, 'Unable to load SLO manifest or segment.']]
    expect(await remove()).toMatchObject({ 'Number Deleted': 0, Errors: unreadable })
    await store.ask('POST', shared, { headers: { 'X-Container-Read': 'test2:tester2' } })
    expect(await remove()).toMatchObject({
      'Number Deleted': 1,
      Errors: PARTS.map((_, index) => [`${segments}/s/${String(index)}`, '403 Forbidden']),
    })
    expect(await names(store, shared)).toEqual([])
  })
})

describe('dynamic large objects', () => {
  const putDynamic = (name: string, to: string): Promise<Answer> =>
    store.ask('PUT', `${container}/${name}`, { body: '', headers: { 'X-Object-Manifest': to } })

  it('are what is there when they are read', async () => {
    const made = await putDynamic('dlo', `${segments.slice(1)}/s/`)
    expect([made.status, made.headers.etag]).toEqual([201, md5('')])
    const head = await store.ask('HEAD', `${container}/dlo`)
    expect(head.headers).toMatchObject({
      'content-length': String(WHOLE.length),
      'x-object-manifest': `${segments.slice(1)}/s/`,
      etag: `"${ETAG}"`,
    })
    const range = { headers: { Range: 'bytes=4-7' } }
    expect(await store.ask('GET', `${container}/dlo`, range)).toMatchObject({ status: 206, text: 'abbb' })
    const several = { headers: { Range: 'bytes=0-1,4-5' } }
    expect(await store.ask('GET', `${container}/dlo`, several)).toMatchObject({ status: 200, text: WHOLE })
    await store.ask('DELETE', `${segments}/s/1`)
    expect((await store.ask('GET', `${container}/dlo`)).text).toBe('aaaaaccc')
    const own = await store.ask('GET', `${container}/dlo?multipart-manifest=get`)
    expect([own.text, own.headers.etag]).toEqual(['', md5('')])
  })

  it('lose what they are by a copy, unless the copy is given a manifest of its own', async () => {
    await putDynamic('lost', `${segments.slice(1)}/s/`)
    const copy = (name: string, headers: Record<string, string> = {}, query = ''): Promise<Answer> =>
      store.ask('COPY', `${container}/lost${query}`, {
        headers: { Destination: `${container}/${name}`, ...headers },
      })
    await copy('flat-dlo')
    const flat = await store.ask('HEAD', `${container}/flat-dlo`)
    expect(flat.headers.etag).toBe(md5(WHOLE))
    expect(flat.headers).not.toHaveProperty('x-object-manifest')
    const other = { 'X-Object-Manifest': `${segments.slice(1)}/s/1` }
    expect((await copy('given', other)).headers.etag).toBe(md5(WHOLE))
    expect((await store.ask('GET', `${container}/given`)).text).toBe(PARTS[1])
    await copy('kept', other, '?multipart-manifest=get')
    expect((await store.ask('GET', `${container}/kept`)).text).toBe(WHOLE)
    expect((await copy('never', { 'X-Object-Manifest': 'seg' })).status).toBe(400)
  })

  it('are after a POST what it says: the same, another one, or their own bytes', async () => {
    const manifest = `${segments.slice(1)}/s/`
    await store.ask('PUT', `${container}/posted-dlo`, {
      body: 'own',
      headers: { 'X-Object-Manifest': manifest, 'X-Object-Meta-A': '1', 'Content-Language': 'de' },
    })
    const post = async (headers: Record<string, string>): Promise<Answer> => {
      expect((await store.ask('POST', `${container}/posted-dlo`, { headers })).status).toBe(202)
      return store.ask('GET', `${container}/posted-dlo`)
    }
    const same = await post({ 'X-Object-Manifest': manifest, 'X-Object-Meta-B': '2' })
    expect(same).toMatchObject({ text: WHOLE, headers: { etag: `"${ETAG}"`, 'x-object-meta-b': '2' } })
    expect(same.headers['x-object-manifest']).toBe(manifest)
    expect(same.headers).not.toHaveProperty('x-object-meta-a')
    expect(same.headers).not.toHaveProperty('content-language')
    const other = await post({ 'X-Object-Manifest': `${manifest}1` })
    expect([other.text, other.headers['x-object-manifest']]).toEqual([PARTS[1], `${manifest}1`])
    const none = await post({ 'X-Object-Meta-B': '2' })
    expect([none.text, none.headers.etag]).toEqual(['own', md5('own')])
    expect(none.headers).not.toHaveProperty('x-object-manifest')
    expect((await post({ 'X-Object-Manifest': manifest })).text).toBe(WHOLE)
  })

  it('can be spoilt by a POST, which takes any manifest', async () => {
    await put(store, `${container}/spoilt`, 'own')
    for (const manifest of ['', 'seg']) {
      const headers = { 'X-Object-Manifest': manifest }
      expect((await store.ask('POST', `${container}/spoilt`, { headers })).status).toBe(202)
      const read = await store.ask('GET', `${container}/spoilt`)
      expect([read.status, read.text]).toEqual([500, 'An error occurred'])
      const own = await store.ask('GET', `${container}/spoilt?multipart-manifest=get`)
      expect([own.text, own.headers['x-object-manifest']]).toEqual(['own', manifest])
    }
  })

  it('need a container and a prefix', async () => {
    for (const to of ['', 'seg', '/seg/x', 'seg//x', 'seg/x?y']) {
      const answer = await putDynamic('never', to)
      expect([answer.status, answer.text]).toEqual([
        400,
        'X-Object-Manifest must be in the format container/prefix',
      ])
    }
    await putDynamic('nowhere', 'no-such-container/x')
    expect((await store.ask('GET', `${container}/nowhere`)).status).toBe(404)
  })
})

describe('bulk delete', () => {
  const JSON_REPORT = { Accept: 'application/json', 'Content-Type': 'text/plain' }
  const remove = (body: string, headers: Record<string, string> = JSON_REPORT): Promise<Answer> =>
    store.ask('POST', '?bulk-delete', { body, headers })

  it('takes lines of names and reports', async () => {
    const bulk = await store.container()
    for (const name of ['a', 'b%20c', '%C3%A9']) await put(store, `${bulk}/${name}`, 'x')
    const name = bulk.slice(1)
    const answer = await remove(`${name}/a\n\n/${name}/b%20c\n${name}/%C3%A9\n${name}/absent\nnowhere/x\n`)
    expect([answer.status, answer.json()]).toEqual([
      200,
      {
        'Response Status': '200 OK',
        'Response Body': '',
        'Number Deleted': 3,
        'Number Not Found': 2,
        Errors: [],
      },
    ])
    const whole = await remove(`${name}\n`, { Accept: 'text/plain', 'Content-Type': 'text/plain' })
    expect(whole.text).toBe(
      'Number Deleted: 1\nNumber Not Found: 0\nResponse Body: \nResponse Status: 200 OK\nErrors:\n',
    )
  })

  it('tells what could not be deleted', async () => {
    const bulk = await store.container()
    await put(store, `${bulk}/a`, 'x')
    const full = await remove(`${bulk.slice(1)}\n`)
    expect(full.json()).toMatchObject({
      'Response Status': '400 Bad Request',
      Errors: [[bulk.slice(1), '409 Conflict']],
    })
    const ask = { body: `${bulk.slice(1)}/a\n`, headers: JSON_REPORT }
    const foreign = await store.askAs('second', 'POST', '?bulk-delete', ask)
    expect(foreign.json()).toMatchObject({ Errors: [[`${bulk.slice(1)}/a`, '403 Forbidden']] })
    const xml = await remove(`${bulk.slice(1)}\n`, {
      Accept: 'application/xml',
      'Content-Type': 'text/plain',
    })
    expect(xml.text).toContain(
      `<errors>\n<object><name>${bulk.slice(1)}</name><status>409 Conflict</status></object>\n</errors>`,
    )
  })

  it.each([
    ['', {}, '400 Bad Request', 'Invalid bulk delete.'],
    ['c/o\n', { 'Content-Type': 'a/b' }, '406 Not Acceptable', ''],
    [
      Array.from({ length: 10_001 }, (_, index) => `c/${String(index)}`).join('\n'),
      {},
      '413 Request Entity Too Large',
      'Maximum Bulk Deletes: 10000 per request',
    ],
  ])('%.10s is refused, with 200 all the same', async (body, headers, status, text) => {
    const answer = await remove(body, { ...JSON_REPORT, ...headers })
    expect(answer.status).toBe(200)
    expect(answer.json()).toMatchObject({ 'Response Status': status, 'Response Body': text })
  })
})
