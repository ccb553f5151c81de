import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCloud, type EmbeddedCloud, type NuvlaCloud } from '../../../src/testing/cloud/index.js'
import { call, text, type Answer } from './calls.js'
import { cimiCalls, cookieOf, relsOf, type CimiCalls } from './cimi-calls.js'

let cloud: EmbeddedCloud
let nuvla: NuvlaCloud
let cookie: string
let jane: CimiCalls
beforeAll(async () => {
  cloud = await startCloud({ clouds: ['nuvla'], clock: { manual: true } })
  nuvla = cloud.nuvla
  const { username, password } = nuvla.user
  const template = { href: 'session-template/password', username, password }
  cookie = cookieOf(await cimiCalls(nuvla.url).post('session', { template }))
  jane = cimiCalls(nuvla.url, cookie)
})
afterAll(() => cloud.close())

describe('a search', () => {
  it('has names without a prefix, and finds resources', async () => {
    const put = await jane.search('module', {
      filter: "subtype!='project'",
      select: 'name,path',
      orderby: 'path:desc',
      aggregation: 'terms:subtype',
      last: '1',
    })
    expect(put.json()).toMatchObject({
      count: 2,
      id: 'module',
      'resource-type': 'module-collection',
      aggregations: {
        'terms:subtype': {
          buckets: [
            { key: 'application', doc_count: 1 },
            { key: 'component', doc_count: 1 },
          ],
        },
      },
      resources: [{ name: 'wordpress', path: 'apps/wordpress', 'resource-type': 'module' }],
    })
    const query = "filter=subtype!='project'&select=name&select=path&orderby=path:desc&last=1"
    expect((await jane.get(`module?${query}&aggregation=terms:subtype`)).json()).toEqual(put.json())
  })

  it('overlooks names with the prefix of SlipStream', async () => {
    expect((await jane.search('module', { $last: '0' })).json()['resources']).toHaveLength(3)
    expect((await jane.search('module', { last: '0' })).json()['resources']).toEqual([])
  })

  it('filters by lists', async () => {
    const names = async (filter: string): Promise<unknown[]> => {
      const body = (await jane.search('module', { filter, orderby: 'name' })).json()
      return [...(body['resources'] ?? [])].map(({ name }) => name)
    }
    expect(await names("name=['nginx','wordpress']")).toEqual(['nginx', 'wordpress'])
    expect(await names('name != [ \'nginx\' , "wordpress" ]')).toEqual(['apps'])
    expect(await names("name=['nginx'] and subtype^='comp'")).toEqual(['nginx'])
    for (const wrong of ["name<['a']", "name=['a'", 'name=[]', 'name=[null]', "property['a']='b'"]) {
      expect((await jane.search('module', { filter: wrong })).status).toBe(400)
    }
  })

  it('filters by places', async () => {
    const names = async (filter: string): Promise<unknown[]> => {
      const body = (await jane.search('nuvlabox', { filter, orderby: 'name' })).json()
      return [...(body['resources'] ?? [])].map(({ name }) => text(name).replace('edge in ', ''))
    }
    const geneva = 'POLYGON((6 46, 6.3 46, 6.3 46.4, 6 46.4, 6 46))'
    const holed = 'POLYGON((5 45, 10 45, 10 48, 5 48, 5 45), (6 46, 6.3 46, 6.3 46.4, 6 46.4, 6 46))'
    expect(await names(`location intersects '${geneva}'`)).toEqual(['Geneva'])
    expect(await names(`location within "${geneva}"`)).toEqual(['Geneva'])
    expect(await names(`location disjoint '${geneva}'`)).toEqual(['Zurich'])
    expect(await names(`location contains '${geneva}'`)).toEqual([])
    expect(await names("location contains 'Point(6.14 46.2)'")).toEqual(['Geneva'])
    expect(await names("location intersects 'POINT ( 8.54 47.37 )'")).toEqual(['Zurich'])
    expect(await names("location within 'ENVELOPE(5, 10, 48, 45)' and online=true")).toEqual(['Geneva'])
    expect(await names(`location within '${holed}'`)).toEqual(['Zurich'])
    expect(await names(`name!=null and (location within '${geneva}' or online=false)`)).toEqual([
      'Geneva',
      'Zurich',
    ])
    expect(await names(`state intersects '${geneva}'`)).toEqual([])
    for (const wrong of ['LINESTRING(1 2, 3 4)', 'POINT(1)', 'POLYGON((1 2))', 'BBOX(1,2,3)', 'here', '']) {
      expect((await jane.search('nuvlabox', { filter: `location within '${wrong}'` })).status).toBe(400)
    }
    expect((await jane.search('nuvlabox', { filter: 'location within 3' })).status).toBe(400)
  })

  it('shows plain words for actions', async () => {
    const made = await jane.post('deployment', { module: { href: nuvla.modules.component } })
    const id = text(made.headers.location)
    const { operations } = (await jane.get(id)).json()
    expect(operations).toContainEqual({ rel: 'start', href: `${id}/start` })
    expect(operations).toContainEqual({ rel: 'edit', href: id })
    expect(relsOf((await jane.search('deployment', { last: '0' })).json())).toEqual(['add'])
  })
})

describe('modules', () => {
  it('are found with and without a version', async () => {
    const { application } = nuvla.modules
    expect((await jane.get(application)).json()).toMatchObject({
      path: 'apps/wordpress',
      'parent-path': 'apps',
      subtype: 'application',
      versions: [{ commit: 'first' }, { commit: 'newer image' }],
      content: {
        urls: expect.arrayContaining([['wordpress', 'http://${hostname}:${tcp.80}']]) as unknown,
        'output-parameters': [{ name: 'hostname' }, { name: 'tcp.80' }],
      },
    })
    expect((await jane.get(`${application}_1`)).json()['id']).toBe(application)
    expect((await jane.get(`${application}_2`)).status).toBe(404)
    expect((await cimiCalls(nuvla.url).get(application)).status).toBe(403)
  })
})

describe('credentials', () => {
  it('of infrastructures are there, are made, edited and deleted', async () => {
    const filter = "subtype^='infrastructure-service'"
    const body = (await jane.search('credential', { filter })).json()
    expect([...(body['resources'] ?? [])].map(({ id }) => id)).toEqual([
      nuvla.credential,
      nuvla.edgeCredential,
    ])
    const parent = text(body['resources']?.[0]?.['parent'])
    expect((await jane.get(parent)).json()).toMatchObject({ subtype: 'swarm', state: 'STARTED' })
    const template = {
      href: 'credential-template/infrastructure-service-swarm',
      parent,
      ca: 'a',
      cert: 'b',
      key: 'c',
    }
    const made = await jane.post('credential', { name: 'new', template })
    const id = text(made.headers.location)
    const edited = (await jane.put(id, { name: 'newer', subtype: 'api-key' })).json()
    expect(edited).toMatchObject({ id, name: 'newer', subtype: 'infrastructure-service-swarm', parent })
    expect(relsOf(edited)).toEqual(['edit', 'delete'])
    expect((await jane.put(`${id}?select=name,ca`, { ca: 'z' })).json()).not.toHaveProperty('name')
    expect((await jane.remove(id)).status).toBe(200)
    const { key: _key, ...less } = template
    const wrong: [unknown, number][] = [
      [{ template: less }, 400],
      [{ template: { ...template, more: 1 } }, 400],
      [{ template: { href: 'credential-template/none' } }, 404],
      [{ template: {} }, 400],
      [{}, 400],
      [{ template: { href: 'credential-template/generate-api-key', ttl: -1 } }, 400],
    ]
    for (const [wanted, status] of wrong) expect((await jane.post('credential', wanted)).status).toBe(status)
  })
})

describe('bulk deletion', () => {
  const removeMany = (headers: Record<string, string>, filter?: string): Promise<Answer> =>
    call('DELETE', `${nuvla.url}/api/deployment`, {
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: filter === undefined ? '' : new URLSearchParams({ filter }).toString(),
    })

  it('takes what a filter finds and what may go', async () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      nuvla.documents.put('deployment', {
        id: `deployment/${name}`,
        state: name === 'c' ? 'STARTED' : 'CREATED',
      })
    }
    nuvla.documents.put('deployment', {
      id: 'deployment/e',
      state: 'CREATED',
      acl: { owners: ['user/other'] },
    })
    const filter = "id='deployment/a' or id='deployment/b' or id='deployment/c' or id='deployment/e'"
    expect((await removeMany({}, filter)).json()).toEqual({
      status: 400,
      message: 'Bulk request should contain bulk http header.',
    })
    expect((await removeMany({ bulk: 'yes' })).json()['message']).toBe(
      'Bulk request should contain a non empty cimi filter.',
    )
    const answer = await removeMany({ bulk: 'yes' }, filter)
    expect(answer.status).toBe(200)
    expect(answer.json()).toMatchObject({ total: 2, deleted: 2, failures: [] })
    const left = ['a', 'b', 'c', 'd', 'e'].filter(
      (name) => nuvla.documents.get(`deployment/${name}`) !== undefined,
    )
    expect(left).toEqual(['c', 'd', 'e'])
    expect(
      (await call('DELETE', `${nuvla.url}/api/module`, { headers: { cookie, bulk: 'yes' } })).status,
    ).toBe(405)
  })
})
