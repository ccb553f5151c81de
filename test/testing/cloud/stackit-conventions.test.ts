import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { behaviourOf } from '../../../src/testing/cloud/stackit/behaviours/index.js'
import { DOCUMENTS } from '../../../src/testing/cloud/stackit/documents.js'
import { describeWithDocuments } from '../../api-documents.js'
import { call, text, type Answer } from './calls.js'
import { logIn } from './stackit-preparation.js'
import { useStackit } from './stackit-site.js'

const site = useStackit({ seed: 7 })
const { get, post, put, remove } = site
const names = (answer: Answer, field: string): unknown[] =>
  [...answer.json()[field]!].map((one) => one['displayName'] ?? one['name'])

describe('pages', () => {
  const region = (version: string): string => site.path('~').replace('/v2/', `/${version}/`)

  it('follow by tokens', async () => {
    const topics = `${region('v1beta')}/topics`
    for (const displayName of ['a', 'b', 'c']) await post('pubsub', topics, { displayName })
    const first = await get('pubsub', `${topics}?pageSize=2`)
    expect(names(first, 'topics')).toEqual(['a', 'b'])
    const second = await get(
      'pubsub',
      `${topics}?pageSize=2&pageToken=${text(first.json()['nextPageToken'])}`,
    )
    expect(names(second, 'topics')).toEqual(['c'])
    expect(second.json()).not.toHaveProperty('nextPageToken')
    expect((await get('pubsub', `${topics}?pageToken=nonsense`)).status).toBe(400)
  })

  it('follow by ids, with sizes as text', async () => {
    for (const name of ['a', 'b', 'c'])
      site.stackit.resources.put('certificates', site.path(`~/certificates/${name}`), { name })
    const first = await get('certificates', '~/certificates?pageSize=2')
    expect(first.status, first.text).toBe(200)
    expect(names(first, 'items')).toEqual(['a', 'b'])
    const second = await get(
      'certificates',
      `~/certificates?pageSize=2&pageId=${text(first.json()['nextPageId'])}`,
    )
    expect(names(second, 'items')).toEqual(['c'])
  })

  it('have numbers', async () => {
    const instances = `${region('v3')}/instances`
    for (const name of ['one', 'two', 'three'])
      site.stackit.resources.put('postgres-flex', `${instances}/${randomUUID()}`, { name })
    const second = await get('postgres-flex', `${instances}?page=2&size=2`)
    expect(names(second, 'instances')).toEqual(['three'])
    expect(second.json()['pagination']).toMatchObject({ page: 2, size: 2, totalPages: 2, totalRows: 3 })
    expect(names(await get('postgres-flex', `${instances}?page=3&size=2`), 'instances')).toEqual([])

    const zones = '/v1/projects/{project}/zones'
    for (const name of ['a', 'b', 'c']) await post('dns', zones, { name, dnsName: `${name}.example.org` })
    const page = await get('dns', `${zones}?pageSize=2&page=2&orderBy[name]=DESC`)
    expect(names(page, 'zones')).toEqual(['a'])
    expect(page.json()).toMatchObject({ itemsPerPage: 2, totalItems: 3, totalPages: 2 })
  })

  it('begin at an item', async () => {
    for (const name of ['b', 'c'])
      await post('resource-manager', '/v2/folders', { name, containerParentId: site.stackit.organizationId })
    const query = `containerParentId=${site.stackit.organizationId}&limit=2`
    const first = await get('resource-manager', `/v2/folders?${query}`)
    expect([names(first, 'items').length, first.json()]).toMatchObject([2, { offset: 0, limit: 2 }])
    expect(names(await get('resource-manager', `/v2/folders?${query}&offset=2`), 'items')).toEqual(['c'])
  })

  it('follow by cursors, also in what is told about the list', async () => {
    const range = 'start-time-range=2026-01-01T00:00:00Z&end-time-range=2026-02-01T00:00:00Z'
    const log = await get('auditlog', `/v2/projects/{project}?${range}&limit=1`)
    expect(log.json()['limit']).toBe(1)
    const next = await get(
      'auditlog',
      `/v2/projects/{project}?${range}&limit=1&cursor=${text(log.json()['cursor'])}`,
    )
    expect(next.json()).not.toHaveProperty('cursor')
    const products = await get('pim', '/v2/products?pageSize=1')
    expect([...products.json()['data']!]).toHaveLength(1)
    const cursor = text(products.json()['meta']?.['nextCursor'])
    expect((await get('pim', `/v2/products?pageSize=1&cursor=${cursor}`)).json()['meta']).not.toHaveProperty(
      'nextCursor',
    )
  })
})

describe('with an empty last page', () => {
  const own = useStackit({ stackit: { emptyLastPage: true } })
  it('the last token leads to nothing', async () => {
    const topics = own.path('~/topics').replace('/v2/', '/v1beta/')
    await own.post('pubsub', topics, { displayName: 'a' })
    const first = await own.get('pubsub', `${topics}?pageSize=1`)
    const last = await own.get(
      'pubsub',
      `${topics}?pageSize=1&pageToken=${text(first.json()['nextPageToken'])}`,
    )
    expect(last.json()).toEqual({ topics: [] })
  })
})

describe('errors', () => {
  const cases: [string, string, readonly string[]][] = [
    ['iaas', `~/servers/${randomUUID()}`, ['code', 'msg']],
    ['alb', '~/load-balancers/none', ['code', 'message']],
    ['dns', `/v1/projects/{project}/zones/${randomUUID()}`, ['message']],
    ['cdn', `/v1/projects/{project}/distributions/${randomUUID()}`, ['message']],
    ['valkey', `~/instances/${randomUUID()}`, ['description', 'error']],
    ['mongodb-flex', `~/instances/${randomUUID()}`, ['code', 'message']],
    ['git', `/v1beta/projects/{project}/instances/${randomUUID()}`, ['message']],
    ['secrets-manager', `/v1/projects/{project}/instances/${randomUUID()}`, ['message']],
    ['server-backup', `~/servers/${randomUUID()}/backups/${randomUUID()}`, ['message', 'status']],
    ['vpn', `/v1/projects/{project}/regions/eu01/gateways/${randomUUID()}`, ['error']],
    [
      'service-account',
      `/v2/projects/{project}/service-accounts/none@example.org/federations`,
      ['error', 'message', 'path', 'status', 'timeStamp'],
    ],
  ]
  it.each(cases)('of %s have its shape', async (service, path, fields) => {
    const answer = await get(service, path)
    expect(answer.status, answer.text).toBe(404)
    expect(Object.keys(answer.json())).toEqual(expect.arrayContaining([...fields]))
    expect(answer.headers['x-trace-id']).toMatch(/^[\da-f]{32}$/)
  })

  it('of logs are text', async () => {
    const answer = await get('logs', site.path(`~/instances/${randomUUID()}`).replace('/v2/', '/v1/'))
    expect([answer.status, answer.headers['content-type']]).toEqual([404, 'text/plain'])
  })

  it('name what is wrong with a request', async () => {
    const refused = async (sent: unknown): Promise<unknown> => {
      const answer = await post('iaas', '~/volumes', sent)
      expect(answer.status).toBe(400)
      return answer.json()['msg']
    }
    expect(await refused(undefined)).toBe('body is required')
    expect(await refused({})).toBe('body.availabilityZone is required')
    expect(await refused({ availabilityZone: 7 })).toBe('body.availabilityZone must be a string')
    expect(await refused({ availabilityZone: 'eu01-1', size: 'big' })).toBe('body.size must be a number')
    expect(await refused({ availabilityZone: 'eu01-1', name: '!' })).toContain('body.name must match')
    expect(await refused({ availabilityZone: 'eu01-1', source: { id: 'x' } })).toBe(
      'body.source.type is required',
    )
    expect((await get('cost', `/v3/costs/${randomUUID()}`)).json()).toEqual({ msg: 'from is required' })
    const zones = '/v1/projects/{project}/zones'
    expect((await get('dns', `${zones}?pageSize=0`)).status).toBe(400)
    expect((await post('dns', zones, { name: 'z' })).json()['message']).toBe('body.dnsName is required')
  })

  it('tell methods and paths that are not there', async () => {
    expect((await put('iaas', '~/servers')).status).toBe(405)
    expect((await get('iaas', '~/nothing')).status).toBe(404)
    expect((await get('nothing', '~/servers')).status).toBe(404)
  })
})

describe('the hands of the operator', () => {
  it('put what no request can make', async () => {
    const path = site.path(`~/volumes/${randomUUID()}`)
    const made = site.stackit.resources.put('iaas', path, { status: 'LEVITATING', color: 'blue' })
    expect(made).toMatchObject({ status: 'LEVITATING' })
    expect((await get('iaas', path)).json()).toMatchObject({ status: 'LEVITATING', color: 'blue' })
    expect(site.stackit.resources.get('iaas', path)).toMatchObject({ color: 'blue' })
    expect(site.stackit.resources.list('iaas', path.replace(/\/[^/]+$/, ''))).toHaveLength(1)
    site.stackit.resources.remove('iaas', path)
    expect((await get('iaas', path)).status).toBe(404)
  })

  it('must name what there is', () => {
    const { stackit } = site
    expect(() => stackit.failNext('nothing')).toThrow('STACKIT has no service nothing')
    expect(() => stackit.stall('iaas', 'Nothing')).toThrow('iaas has no operation Nothing')
    expect(() => stackit.resources.put('iaas', '/v2/nothing')).toThrow('iaas has nothing at /v2/nothing')
  })

  it('turn what has no bad state into an error', async () => {
    const path = site.path('~/intake-runners').replace('/v2/', '/v1beta/')
    site.stackit.failNext('intake')
    const sent = { displayName: 'runner', maxMessageSizeKiB: 1, maxMessagesPerHour: 1 }
    const id = text((await post('intake', path, sent)).json()['id'])
    site.cloud.clock.advance(20_000)
    expect((await get('intake', `${path}/${id}`)).status).toBe(500)
    expect((await remove('intake', `${path}/${id}`)).status).toBe(204)
  })
})

it('says nothing, with a type or without', async () => {
  const region = site.path('~').replace('/v2/', '/v1/')
  const instances = '/v1/projects/{project}/instances'
  const made = (await post('secrets-manager', instances, { name: 'vault' })).json()
  const changed = await put('secrets-manager', `${instances}/${text(made['id'])}`, { name: 'other' })
  expect([changed.status, changed.headers['content-type'], changed.text]).toEqual([
    201,
    'application/json',
    '',
  ])
  const rings = await post('kms', `${region}/keyrings`, { displayName: 'ring' })
  const gone = await remove('kms', `${region}/keyrings/${text(rings.json()['id'])}`)
  expect([gone.status, gone.headers['content-type'], gone.text]).toEqual([204, undefined, ''])
})

it('gives text to who asks for it', async () => {
  const headers = { authorization: `Bearer ${await logIn(site.stackit)}`, accept: 'text/csv' }
  const url = `${site.stackit.endpoint('cost')}/v3/costs/${randomUUID()}?from=2026-01-01&to=2026-02-01`
  const answer = await call('GET', url, { headers })
  expect([answer.status, answer.headers['content-type'], answer.text.split('\n')[0]]).toEqual([
    200,
    'text/csv',
    'id,name',
  ])
})

it('does by hand only what there is to be done', () => {
  const unknown = DOCUMENTS.services().flatMap((service) => {
    const known = new Set(DOCUMENTS.of(service).flatMap(({ operations }) => Object.keys(operations)))
    const own = Object.keys(behaviourOf(service).operations ?? {})
    return own.filter((id) => !known.has(id)).map((id) => `${service} ${id}`)
  })
  expect(unknown).toEqual([])
})

describeWithDocuments('the data', () => {
  it('is generated from the documents', () => {
    const printed = execFileSync('npx', ['tsx', 'scripts/embedded-stackit/generate.ts', '--check'], {
      encoding: 'utf8',
    })
    expect(printed).toContain('72 documents')
  })
})
