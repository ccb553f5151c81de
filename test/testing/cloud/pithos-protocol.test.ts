import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alice, bob, fault, PREFIX, putObject, startStore, type Answer, type Store } from './pithos-store.js'

let store: Store
const account = alice.id

beforeAll(async () => {
  store = await startStore({ bodyLimit: 4096 })
  await store.ask('PUT', `${account}/files`)
})
afterAll(() => store.close())

describe('who may ask', () => {
  it('refuses a request without a token as unauthorized', async () => {
    const answer = await store.ask('GET', account, { as: null })
    expect(answer.status).toBe(401)
    expect(answer.json()).toEqual({
      unauthorized: { code: 401, message: 'Access denied. No authentication token', details: '' },
    })
  })

  it.each([
    ['new', 'Invalid X-Auth-Token'],
    ['old', 'Authentication expired'],
  ])('passes the refusal of a wrong token (%s) on as a fault', async (name, message) => {
    const answer = await store.ask('GET', account, { as: { id: '', name } })
    expect(answer.status).toBe(401)
    const { details, ...rest } = fault(answer)
    expect(rest).toEqual({ name: 'fault', code: 401, message: 'UNAUTHORIZED' })
    expect(JSON.parse(details)).toEqual({ unauthorized: { code: 401, message, details: '' } })
  })

  it('looks at the token of the query before that of the header', async () => {
    const asked = (query: string, as: { id: string; name: string } | null): Promise<number> =>
      store.ask('HEAD', `${account}?X-Auth-Token=${query}`, { as }).then(({ status }) => status)
    expect(await asked('alice', null)).toBe(204)
    expect(await asked('alice', { id: '', name: 'wrong' })).toBe(204)
    expect(await asked('wrong', alice)).toBe(401)
  })

  it('lets old clients log in without checking anything', async () => {
    const headers = { 'X-Auth-User': 'me', 'X-Auth-Key': 'secret' }
    const answer = await store.ask('GET', '', { as: null, headers })
    expect(answer.status).toBe(204)
    expect(answer.headers['x-auth-token']).toBe('secret')
    expect(answer.headers['x-storage-url']).toBe(`${store.origin}${PREFIX}/v1/me`)
    expect((await store.ask('GET', '', { as: null, headers: { 'X-Auth-User': 'me' } })).status).toBe(400)
    expect((await store.ask('GET', '', { as: null, headers: { 'X-Auth-Key': 'secret' } })).status).toBe(400)
  })
})

describe('where things are', () => {
  it.each([PREFIX, `${PREFIX}/`, `${PREFIX}/v1`, `${PREFIX}/v1.0/${account}`, `${PREFIX}/v2/${account}`])(
    'knows nothing at %s',
    async (path) => {
      const answer = await store.ask('GET', path)
      expect(answer.status).toBe(400)
      expect(fault(answer)).toMatchObject({ name: 'badRequest', message: 'API endpoint not found' })
    },
  )

  it('bears a slash after account and container', async () => {
    expect((await store.ask('HEAD', `${account}/`)).status).toBe(204)
    const container = await store.ask('HEAD', `${account}/files/`)
    expect(container.status).toBe(204)
    expect(container.headers['x-container-block-size']).toBe('1024')
  })

  it.each([
    ['/leading'],
    ['a//b'],
    ['a/../b'],
    ['./x'],
    ['dir/'],
    ['space '],
    ['50%'],
    ['ελ/η'],
    ['q?#&'],
    ['\u{1f600}'],
  ])('keeps the object name %j as it is', async (name) => {
    const path = `${account}/files/${name.split('/').map(encodeURIComponent).join('/')}`
    expect((await putObject(store, path, name)).status).toBe(201)
    expect((await store.ask('GET', path)).text).toBe(name)
    const names = (await store.ask('GET', `${account}/files?format=json`)).json() as { name: string }[]
    expect(names.map((entry) => entry.name)).toContain(name)
    expect((await store.ask('DELETE', path)).status).toBe(204)
  })

  it('limits the names of containers and objects', async () => {
    const put = (path: string): Promise<number> => putObject(store, path, '').then(({ status }) => status)
    expect((await store.ask('PUT', `${account}/${'c'.repeat(256)}`)).status).toBe(201)
    expect((await store.ask('PUT', `${account}/${'c'.repeat(257)}`)).status).toBe(400)
    expect(await put(`${account}/files/${'o'.repeat(1024)}`)).toBe(201)
    expect(await put(`${account}/files/${'o'.repeat(1025)}`)).toBe(400)
  })

  it.each([
    ['PUT', '', 'GET'],
    ['PUT', account, 'HEAD,GET,POST'],
    ['COPY', `${account}/files`, 'HEAD,GET,PUT,POST,DELETE'],
    ['PATCH', `${account}/files/o`, 'HEAD,GET,PUT,COPY,MOVE,POST,DELETE'],
  ])('says what is allowed instead of %s /%s', async (method, path, allowed) => {
    const answer = await store.ask(method, path)
    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe(allowed)
    expect(fault(answer).name).toBe('notAllowed')
  })
})

describe('the form of answers', () => {
  it('is chosen by query, then by the end of the path, then by Accept', async () => {
    const typeOf = async (path: string, accept?: string): Promise<string | undefined> => {
      const headers = accept === undefined ? {} : { Accept: accept }
      return (await store.ask('GET', path, { headers })).headers['content-type']
    }
    await store.ask('PUT', `${account}/list.xml`)
    const json = 'application/json; charset=UTF-8'
    const xml = 'application/xml; charset=UTF-8'
    expect(await typeOf(account)).toBe('text/plain; charset=UTF-8')
    expect(await typeOf(account, 'application/json')).toBe(json)
    expect(await typeOf(account, 'text/html, application/xml;q=0.9')).toBe(xml)
    expect(await typeOf(`${account}?format=xml`, 'application/json')).toBe(xml)
    expect(await typeOf(`${account}?format=yaml`, 'application/json')).toBe(json)
    expect(await typeOf(`${account}/list.xml`, 'application/json')).toBe(xml)
    expect(await typeOf(`${account}/list.xml?format=json`)).toBe(json)
    await store.ask('DELETE', `${account}/list.xml`)
  })

  it('is XML for hashmaps, hashes of blocks and accounts too', async () => {
    const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
    const hash = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
    await putObject(store, `${account}/files/map`, 'hello', { headers: { 'X-Object-Sharing': 'read=*' } })
    expect((await store.ask('GET', `${account}/files/map?hashmap&format=xml`)).text).toBe(
      `${declaration}<object name="map" bytes="5" block_size="1024" block_hash="sha256"><hash>${hash}</hash></object>`,
    )
    const post = (query: string, accept?: string): Promise<Answer> =>
      store.ask('POST', `${account}/files?update${query}`, {
        body: 'hello',
        headers: { 'Content-Type': 'application/octet-stream', ...(accept && { Accept: accept }) },
      })
    expect((await post('&format=xml')).text).toBe(`${declaration}<hashes><hash>${hash}</hash></hashes>`)
    expect((await post('', 'application/xml')).text).toBe((await post('&format=xml')).text)
    expect((await post('')).json()).toEqual([hash])
    const accounts = await store.ask('GET', '?format=xml', { as: bob })
    expect(accounts.text).toContain(`${declaration}<accounts><account><name>${account}</name><last_modified>`)
    await store.ask('DELETE', `${account}/files/map`)
  })

  it('is XML for errors about names that end so, and JSON for a PUT of such an object', async () => {
    const missing = await store.ask('GET', `${account}/files/absent.xml`)
    expect(missing.status).toBe(404)
    expect(missing.text).toContain(
      '<itemNotFound code="404"><message>Object does not exist</message><details></details>',
    )
    const put = await store.ask('PUT', `${account}/files/absent.xml`, { body: '' })
    expect(fault(put)).toMatchObject({ name: 'lengthRequired', code: 411 })
    const hashmap = await store.ask('PUT', `${account}/files/absent.xml?hashmap&format=xml`, {
      body: JSON.stringify({ bytes: 1, hashes: ['ab'] }),
      headers: { 'Content-Type': 'a/b' },
    })
    expect(hashmap.status).toBe(409)
    expect(hashmap.json()).toEqual(['ab'])
  })

  it('is an object with one named fault for errors, and nothing for errors of HEAD', async () => {
    const answer = await store.ask('GET', `${account}/absent?format=json`)
    expect(answer.headers['content-type']).toBe('application/json; charset=UTF-8')
    expect(answer.json()).toEqual({
      itemNotFound: { code: 404, message: 'Container does not exist', details: '' },
    })
    const head = await store.ask('HEAD', `${account}/absent`)
    expect([head.status, head.text]).toEqual([404, ''])
  })

  it('is never cached', async () => {
    for (const path of [account, `${account}/absent`]) {
      const { headers } = await store.ask('GET', path)
      expect(headers['cache-control']).toBe('no-cache, no-store, must-revalidate')
      expect(headers.vary).toBe('X-Auth-Token')
    }
  })
})

describe('headers', () => {
  it('are decoded when they come and encoded when they go', async () => {
    const path = `${account}/files/coded`
    await putObject(store, path, '', {
      headers: {
        'X-Object-Meta-%CE%95%CE%BB': '%CE%BB 100%25 (a+b)',
        'Content-Disposition': 'attachment; filename="%CE%BB.txt"',
      },
    })
    const { headers } = await store.ask('HEAD', path)
    expect(headers['x-object-meta-%ce%95%ce%bb']).toBe('%CE%BB 100%25 %28a%2Bb%29')
    expect(headers['content-disposition']).toBe('attachment; filename="%CE%BB.txt"')
  })

  it('lose every ~, coded or not', async () => {
    const path = `${account}/files/tilde`
    await putObject(store, path, '', { headers: { 'X-Object-Meta-A': '~/x%7Ey' } })
    expect((await store.ask('HEAD', path)).headers['x-object-meta-a']).toBe('/xy')
  })

  it('are refused when they hold raw bytes beyond ASCII', async () => {
    const { hostname, port } = new URL(store.origin)
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        socket.end(
          Buffer.concat([
            Buffer.from(
              `HEAD ${PREFIX}/v1/${account}?format=json HTTP/1.1\r\nHost: x\r\nX-Auth-Token: alice\r\n`,
            ),
            Buffer.from('X-Account-Meta-A: \u03bb\r\nConnection: close\r\n\r\n'),
          ]),
        )
      })
      let text = ''
      socket.on('data', (data: Buffer) => (text += data.toString()))
      socket.on('end', () => {
        resolve(text)
      })
      socket.on('error', reject)
    })
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    const undecodable = await store.ask('POST', `${account}?update`, {
      headers: { 'X-Account-Meta-A': '%FF' },
    })
    expect(fault(undecodable)).toMatchObject({ code: 400, message: 'Bad character in headers.' })
  })

  it('make keys of metadata uniform', async () => {
    const path = `${account}/files/keys`
    await putObject(store, path, '', { headers: { 'X-Object-Meta-my_KEY-nAme': '1' } })
    await store.ask('POST', `${path}?update`, { headers: { 'X-Object-Meta-MY-key_name': '2' } })
    const { headers } = await store.ask('HEAD', path)
    expect(headers['x-object-meta-my-key-name']).toBe('2')
    const container = await store.ask('HEAD', `${account}/files`)
    expect(container.headers['x-container-object-meta']?.toString().split(',')).toContain('My-Key-Name')
  })

  it('limit metadata: 114 characters of a key, 256 of a value, 32 items, 90 headers', async () => {
    const put = async (meta: Record<string, string>): Promise<number> => {
      const headers = Object.fromEntries(
        Object.entries(meta).map(([key, value]) => [`X-Object-Meta-${key}`, value]),
      )
      return (await putObject(store, `${account}/files/limits`, '', { headers })).status
    }
    const items = (count: number, value: string): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, value]))
    expect(await put({ ['k'.repeat(114)]: 'v'.repeat(256) })).toBe(201)
    expect(await put({ ['k'.repeat(115)]: 'v' })).toBe(400)
    expect(await put({ k: 'v'.repeat(257) })).toBe(400)
    expect(await put(items(32, 'v'))).toBe(201)
    expect(await put(items(33, 'v'))).toBe(400)
    expect(await put(items(90, ''))).toBe(201)
    expect(await put(items(91, ''))).toBe(400)
  })
})

describe('bodies', () => {
  it('are refused when they are too long, announced or not', async () => {
    const path = `${account}/files/long`
    const announced = await putObject(store, path, Buffer.alloc(4097))
    expect(fault(announced)).toMatchObject({ code: 400, message: 'Maximum size is reached' })
    const chunked = await store.ask('PUT', path, {
      headers: { 'Content-Type': 'a/b' },
      chunks: [Buffer.alloc(4096), Buffer.alloc(1)],
    })
    expect(chunked.status).toBe(400)
    expect((await putObject(store, path, Buffer.alloc(4096))).status).toBe(201)
  })

  it('that are refused midway leave the connection usable', async () => {
    const refused = await store.ask('PUT', `${account}/files/long`, {
      headers: { 'Content-Type': 'a/b' },
      chunks: Array.from({ length: 64 }, () => Buffer.alloc(65_536)),
    })
    expect(refused.status).toBe(400)
    expect((await store.ask('HEAD', `${account}/files`)).status).toBe(204)
  })
})
