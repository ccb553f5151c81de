import { afterEach, beforeEach, expect, it } from 'vitest'
import { startCloud, type EmbeddedCloud, type SynnefoAccount } from '../../../src/testing/cloud/index.js'
import { call, text, type Answer, type Json } from './calls.js'

let cloud: EmbeddedCloud
let base: string

beforeEach(async () => {
  const quota = { 'pithos.diskspace': 1000 }
  cloud = await startCloud({ clouds: ['synnefo'], synnefo: { quota, listingLimit: 2 } })
  base = `${cloud.synnefo.url}/pithos/object-store/v1`
  await ask('PUT', 'files')
})
afterEach(() => cloud.close())

function ask(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
  account: SynnefoAccount = cloud.synnefo,
): Promise<Answer> {
  const url = `${base}/${cloud.synnefo.user.id}/${path}`
  return call(method, url, { token: account.token, headers, ...(body !== undefined && { body }) })
}

const put = (path: string, bytes: number): Promise<Answer> =>
  ask('PUT', path, { 'content-type': 'a/b' }, 'x'.repeat(bytes))

async function diskspace(project = cloud.synnefo.user.id): Promise<Json> {
  const { url, token } = cloud.synnefo
  return (await call('GET', `${url}/account/v1.0/quotas`, { token })).json()[project]!['pithos.diskspace']!
}

it('shows in the identity service what live objects take', async () => {
  expect(await diskspace()).toMatchObject({ usage: 0, limit: 1000 })
  await put('files/a', 600)
  expect(await diskspace()).toMatchObject({ usage: 600, pending: 0, project_usage: 600 })
  await put('files/a', 200)
  await put('files/b', 300)
  expect(await diskspace()).toMatchObject({ usage: 500 })
  await ask('MOVE', 'files/b', { destination: '/files/c' })
  expect(await diskspace()).toMatchObject({ usage: 500 })
  await ask('DELETE', 'files?delimiter=/')
  expect(await diskspace()).toMatchObject({ usage: 0 })
})

it('passes the refusal of the identity service on as a fault, and the container’s quota comes before it', async () => {
  expect((await put('files/a', 1000)).status).toBe(201)
  const over = await put('files/b', 1)
  expect(over.status).toBe(413)
  const { message, details, code } = over.json()['fault']!
  expect({ message, code }).toEqual({ message: 'REQUEST ENTITY TOO LARGE', code: 413 })
  expect(JSON.parse(text(details))).toMatchObject({
    overLimit: {
      code: 413,
      data: {
        name: 'NoCapacityError',
        limit: 1000,
        usage: 1000,
        provision: { resource: 'pithos.diskspace', quantity: 1 },
      },
    },
  })
  expect((await ask('HEAD', 'files/b')).status).toBe(404)
  // A move needs no room, and neither does a smaller content.
  expect((await ask('MOVE', 'files/a', { destination: '/files/moved' })).status).toBe(201)
  expect((await put('files/moved', 900)).status).toBe(201)
  await ask('POST', 'files?update', { 'x-container-policy-quota': '950' })
  expect(Object.keys((await put('files/b', 200)).json())).toEqual(['requestEntityTooLarge'])
  expect(await diskspace()).toMatchObject({ usage: 900 })
})

it('tells the quota of each project, and counts a container where its policy says', async () => {
  const { sharedProjectId, user } = cloud.synnefo
  const { headers } = await ask('HEAD', '')
  const shared = Number(headers[`x-account-policy-quota-${sharedProjectId}`])
  expect(headers[`x-account-policy-quota-${user.id}`]).toBe('1000')
  expect(headers['x-account-policy-quota']).toBe(String(1000 + shared))
  await put('files/a', 900)
  const reassigned = await ask('POST', 'files?update', { 'x-container-policy-project': sharedProjectId })
  expect(reassigned.status).toBe(202)
  expect([await diskspace(), await diskspace(sharedProjectId)]).toMatchObject([{ usage: 0 }, { usage: 900 }])
  expect((await put('files/b', 900)).status).toBe(201)
  const back = await ask('POST', 'files?update', { 'x-container-policy-project': '' })
  expect([back.status, Object.keys(back.json())]).toEqual([413, ['fault']])
  expect((await ask('HEAD', 'files')).headers['x-container-policy-project']).toBe(sharedProjectId)
})

it('knows no project that the user is not in', async () => {
  const headers = { 'x-container-policy-project': cloud.synnefo.other.user.id }
  for (const answer of [await ask('PUT', 'new', headers), await ask('POST', 'files?update', headers)]) {
    expect([answer.status, Object.keys(answer.json())]).toEqual([404, ['fault']])
  }
  expect((await ask('HEAD', 'new')).status).toBe(404)
})

it('charges the owner for what others write', async () => {
  await put('files/a', 1)
  const { other } = cloud.synnefo
  await ask('POST', 'files/a?update', { 'x-object-sharing': `write=${other.user.id}` })
  const written = await ask('PUT', 'files/a', { 'content-type': 'a/b' }, 'x'.repeat(700), other)
  expect(written.status).toBe(201)
  expect(await diskspace()).toMatchObject({ usage: 700 })
})

it('takes the size of a page of listings, and lets its operator damage and lose blocks', async () => {
  for (const name of ['a', 'b', 'c']) await put(`files/${name}`, 1)
  expect((await ask('GET', 'files?limit=100')).text).toBe('a\nb\n')
  const post = (): Promise<Answer> =>
    ask('POST', 'files?update&format=json', { 'content-type': 'application/octet-stream' }, 'hello')
  const right = (await post()).json()[0]
  cloud.synnefo.corruptNextBlocks()
  expect((await post()).json()[0]).not.toBe(right)
  cloud.synnefo.loseNextBlocks()
  expect((await post()).json()[0]).toBe(right)
  expect(cloud.synnefo.forgetBlock(text(right))).toBe(false)
  cloud.synnefo.setBlockHash('sha1')
  expect((await post()).json()[0]).toBe('aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d')
})
