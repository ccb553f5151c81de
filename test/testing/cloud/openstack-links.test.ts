import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connectStore, put, type Answer, type Ask, type Store } from './openstack-store.js'

let store: Store
let container: string
let path: string
const expires = Math.floor(Date.now() / 1000) + 1000

beforeAll(async () => {
  store = await connectStore()
  await store.ask('POST', '', {
    headers: { 'X-Account-Meta-Temp-URL-Key': 'first', 'X-Account-Meta-Temp-URL-Key-2': 'second' },
  })
  container = await store.container({ 'X-Container-Meta-Temp-URL-Key': 'third' })
  path = `${store.first.root}${container}/dir/o.txt`
  await store.ask('PUT', `${container}/dir/o.txt`, {
    body: 'hello',
    headers: { 'X-Object-Meta-Secret': 's', 'X-Object-Meta-Public-A': 'p' },
  })
})
afterAll(() => store.close())

function sign(text: string, key = 'first', digest = 'sha256'): string {
  return createHmac(digest, key).update(text).digest('hex')
}

function follow(
  method: string,
  query: Readonly<Record<string, string>>,
  ask: Ask = {},
  at = path,
): Promise<Answer> {
  return store.caller.ask(method, `${at}?${new URLSearchParams(query).toString()}`, ask)
}

function signed(method: string, key?: string, digest?: string, at = path): Record<string, string> {
  const text = `${method}\n${String(expires)}\n${at}`
  return { temp_url_sig: sign(text, key, digest), temp_url_expires: String(expires) }
}

it.each([
  ['first', 'sha256'],
  ['second', 'sha256'],
  ['third', 'sha256'],
  ['first', 'sha1'],
  ['first', 'sha512'],
])('a link signed with the %s key and %s needs no token', async (key, digest) => {
  const answer = await follow('GET', signed('GET', key, digest))
  expect([answer.status, answer.text]).toEqual([200, 'hello'])
  expect(answer.headers).toMatchObject({
    'content-disposition': `attachment; filename="o.txt"; filename*=UTF-8''o.txt`,
    expires: new Date(expires * 1000).toUTCString(),
    'x-object-meta-public-a': 'p',
  })
  expect(answer.headers).not.toHaveProperty('x-object-meta-secret')
})

it('the signature may be Base64, the end an instant', async () => {
  const digest = createHmac('sha512', 'first')
    .update(`GET\n${String(expires)}\n${path}`)
    .digest('base64url')
  const base64 = { temp_url_sig: `sha512:${digest}`, temp_url_expires: String(expires) }
  expect((await follow('GET', base64)).status).toBe(200)
  const instant = `${new Date(expires * 1000).toISOString().slice(0, 19)}Z`
  expect((await follow('GET', { ...signed('GET'), temp_url_expires: instant })).status).toBe(200)
})

it('a link is for one method; any that reads or writes is good for HEAD', async () => {
  expect((await follow('GET', signed('PUT'))).status).toBe(401)
  expect((await follow('GET', signed('HEAD'))).status).toBe(401)
  for (const method of ['HEAD', 'GET', 'PUT']) {
    expect((await follow('HEAD', signed(method))).status).toBe(200)
  }
})

it('ranges are served', async () => {
  const answer = await follow('GET', signed('GET'), { headers: { Range: 'bytes=0-1' } })
  expect([answer.status, answer.text]).toEqual([206, 'he'])
})

it('the name to save as can be chosen', async () => {
  const disposition = async (more: Record<string, string>): Promise<unknown> =>
    (await follow('GET', { ...signed('GET'), ...more })).headers['content-disposition']
  expect(await disposition({ filename: 'a b"é' })).toBe(
    `attachment; filename="a b%22%C3%A9"; filename*=UTF-8''a%20b%22%C3%A9`,
  )
  expect(await disposition({ inline: '' })).toBe('inline')
  expect(await disposition({ inline: '', filename: 'x' })).toBe(`inline; filename="x"; filename*=UTF-8''x`)
})

it('a prefix and a range of addresses can be signed', async () => {
  const root = `${store.first.root}${container}/`
  const prefixed = (prefix: string): Promise<Answer> =>
    follow('GET', {
      temp_url_sig: sign(`GET\n${String(expires)}\nprefix:${root}${prefix}`),
      temp_url_expires: String(expires),
      temp_url_prefix: prefix,
    })
  expect((await prefixed('dir/')).status).toBe(200)
  expect((await prefixed('')).status).toBe(200)
  expect((await prefixed('other/')).status).toBe(401)
  const ranged = (range: string): Promise<Answer> =>
    follow('GET', {
      temp_url_sig: sign(`ip=${range}\nGET\n${String(expires)}\n${path}`),
      temp_url_expires: String(expires),
      temp_url_ip_range: range,
    })
  expect((await ranged('127.0.0.1')).status).toBe(200)
  expect((await ranged('127.0.0.0/8')).status).toBe(200)
  expect((await ranged('10.0.0.0/8')).status).toBe(401)
})

it.each([
  ['a wrong key', () => signed('GET', 'wrong')],
  ['a digest that is not allowed', () => signed('GET', 'first', 'md5')],
  ['no signature', () => ({ temp_url_expires: String(expires) })],
  ['no end', () => ({ temp_url_sig: signed('GET')['temp_url_sig'] ?? '' })],
  ['an end that is none', () => ({ ...signed('GET'), temp_url_expires: 'soon' })],
  ['an end that has passed', () => ({ temp_url_sig: sign(`GET\n100\n${path}`), temp_url_expires: '100' })],
])('%s is refused, even with a token', async (_, query) => {
  const headers = { 'X-Auth-Token': store.first.token }
  const answer = await follow('GET', query(), { headers })
  expect([answer.status, answer.text]).toEqual([401, '401 Unauthorized: Temp URL invalid\n'])
  expect(answer.headers['www-authenticate']).toBe('Swift realm="unknown"')
})

it('links can upload and delete, but make no manifests', async () => {
  const at = `${store.first.root}${container}/up%20load`
  const name = `${store.first.root}${container}/up load`
  const link = (method: string): Record<string, string> => signed(method, 'third', 'sha256', name)
  expect((await follow('PUT', link('PUT'), { body: 'data' }, at)).status).toBe(201)
  expect((await follow('GET', link('GET'), {}, at)).text).toBe('data')
  const headers = { 'X-Object-Manifest': 'c/p' }
  expect((await follow('PUT', link('PUT'), { body: '', headers }, at)).status).toBe(400)
  expect((await follow('POST', link('POST'), { headers }, at)).status).toBe(400)
  expect((await follow('DELETE', link('DELETE'), {}, at)).status).toBe(204)
})

it('the key of a container is for that container only', async () => {
  const other = await store.container()
  await put(store, `${other}/o`, 'x')
  const at = `${store.first.root}${other}/o`
  expect((await follow('GET', signed('GET', 'third', 'sha256', at), {}, at)).status).toBe(401)
  expect((await follow('GET', signed('GET', 'first', 'sha256', at), {}, at)).status).toBe(200)
})
