import { firstValueFrom, lastValueFrom, map, take } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  and,
  contains,
  disjoint,
  eq,
  gt,
  intersects,
  ne,
  oneOf,
  or,
  property,
  startsWith,
  within,
  type CimiSearch,
  type FilterExpression,
  type NuvlaClient,
} from '../../src/clients/slipstream/index.js'
import { ConfigurationError, NotFoundError, ValidationError } from '../../src/errors.js'
import type { TrafficEvent } from '../../src/http/types.js'
import { clientOf, errorOf, itemsOf, nuvlaOf, sentTo, strangerOf } from './nuvla-site.js'

const namesOf = (client: NuvlaClient, collection: string, filter: FilterExpression): Promise<unknown[]> =>
  itemsOf(client.cimi.search(collection, { filter, orderBy: 'name' }).pipe(map(({ name }) => name)))

describe('the dialect', () => {
  it('has names without a prefix, and finds resources', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const bodies: string[] = []
    const spied = clientOf(cloud, {
      middleware: [
        (next) => (request, handler) => {
          if (request.path === '/api/module') bodies.push(String(request.body))
          return next(request, handler)
        },
      ],
    })
    const query = {
      filter: ne('subtype', 'project'),
      select: ['name', 'parent-path'],
      orderBy: 'path:desc',
      aggregation: 'terms:subtype',
      last: 1,
    } satisfies CimiSearch
    const page = await firstValueFrom(spied.cimi.page('module', query))
    expect(page).toMatchObject({
      count: 2,
      operations: [],
      resources: [{ id: cloud.nuvla.modules.application, name: 'wordpress', 'parent-path': 'apps' }],
    })
    expect(page.aggregations?.['terms:subtype']).toMatchObject({
      buckets: [
        { key: 'application', doc_count: 1 },
        { key: 'component', doc_count: 1 },
      ],
    })
    expect(Object.fromEntries(new URLSearchParams(bodies[0]))).toEqual({
      filter: "subtype!='project'",
      select: 'id,name,parent-path',
      orderby: 'path:desc',
      aggregation: 'terms:subtype',
      last: '1',
    })
    const none = await firstValueFrom(client.cimi.page('module', { last: 0 }))
    expect(none).toMatchObject({ count: 3, resources: [] })
  })

  it('offers operations by plain words', async () => {
    const cloud = await nuvlaOf()
    const { deployments } = clientOf(cloud)
    const { id, operations } = await firstValueFrom(deployments.create(cloud.nuvla.modules.component))
    expect(operations).toContainEqual({ rel: 'start', href: `${id}/start` })
    expect(operations).toContainEqual({ rel: 'delete', href: id })
  })

  it('asks for the entry point once', async () => {
    const cloud = await nuvlaOf()
    const { cimi } = clientOf(cloud)
    await Promise.all([itemsOf(cimi.search('module')), itemsOf(cimi.search('job'))])
    await itemsOf(cimi.search('event'))
    expect(cloud.requests({ path: '/api/cloud-entry-point' })).toHaveLength(1)
    const error = await errorOf(cimi.search('modules'))
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error.message).toMatch(/there is no 'modules' in this cloud; it has: .*\bmodule\b/)
  })

  it('has nothing of the older API', async () => {
    const client = clientOf(await nuvlaOf())
    expect(Object.keys(client).sort()).toEqual(
      ['api', 'cimi', 'close', 'deployments', 'jobs', 'session', 'tokens', 'traffic'].sort(),
    )
  })
})

describe('filters', () => {
  it('know lists', async () => {
    const client = clientOf(await nuvlaOf())
    const find = (filter: FilterExpression): Promise<unknown[]> => namesOf(client, 'module', filter)
    expect(await find(oneOf('name', ['nginx', 'wordpress']))).toEqual(['nginx', 'wordpress'])
    expect(await find(and(oneOf('name', ['nginx', 'apps']), startsWith('subtype', 'comp')))).toEqual([
      'nginx',
    ])
    expect(await find(oneOf('name', ["o'hara", 'back\\slash', '"]']))).toEqual([])
    expect(await errorOf(client.cimi.search('module', { filter: property('a', 'b') }))).toBeInstanceOf(
      ValidationError,
    )
  })

  it('know places', async () => {
    const client = clientOf(await nuvlaOf())
    const find = (filter: FilterExpression): Promise<unknown[]> => namesOf(client, 'nuvlabox', filter)
    const geneva = 'POLYGON((6 46, 6.3 46, 6.3 46.4, 6 46.4, 6 46))'
    expect(await find(within('location', geneva))).toEqual(['edge in Geneva'])
    expect(await find(intersects('location', 'POINT(8.54 47.37)'))).toEqual(['edge in Zurich'])
    expect(await find(disjoint('location', geneva))).toEqual(['edge in Zurich'])
    expect(await find(contains('location', 'POINT(6.14 46.2)'))).toEqual(['edge in Geneva'])
    expect(await find(or(within('location', geneva), eq('online', false)))).toHaveLength(2)
    const error = await errorOf(client.cimi.search('nuvlabox', { filter: within('location', 'somewhere') }))
    expect(error).toMatchObject({ status: 400, reason: expect.stringContaining('CIMI filter') as string })
  })

  it.each(["it's", 'back\\slash', '"quoted"', 'ünïcödé ☃ 𝒜', "' or name!='", 'tab\tand\nline', '%24&=+'])(
    'find %j by itself',
    async (name) => {
      const cloud = await nuvlaOf()
      const { cimi, deployments } = clientOf(cloud)
      const { component } = cloud.nuvla.modules
      const { id } = await firstValueFrom(deployments.create(component, { name }))
      await firstValueFrom(deployments.create(component, { name: 'another' }))
      expect(await itemsOf(cimi.search('deployment', { filter: eq('name', name) }))).toMatchObject([
        { id, name },
      ])
    },
  )
})

describe('pages', () => {
  it('come as they are consumed', async () => {
    const cloud = await nuvlaOf()
    for (let index = 0; index < 25; index++) {
      cloud.nuvla.documents.put('event', {
        category: 'user',
        severity: 'low',
        content: { state: String(index) },
      })
    }
    const { cimi } = clientOf(cloud)
    const events = cimi.search('event', { filter: eq('category', 'user'), pageSize: 10 })
    expect(await itemsOf(events.pipe(take(5)))).toHaveLength(5)
    expect(cloud.requests({ path: '/api/event' })).toHaveLength(1)
    const ids = (await itemsOf(events)).map(({ id }) => id)
    expect(new Set(ids).size).toBe(25)
    expect(cloud.requests({ path: '/api/event' })).toHaveLength(4)
    expect(
      await itemsOf(cimi.search('event', { first: 24, pageSize: 1, filter: eq('category', 'user') })),
    ).toHaveLength(2)
  })

  it('of events begin with the latest, and can be followed by their time', async () => {
    const cloud = await nuvlaOf()
    const { cimi, deployments } = clientOf(cloud)
    const { id } = await firstValueFrom(
      deployments.create(cloud.nuvla.modules.component, { parent: cloud.nuvla.credential }),
    )
    await lastValueFrom(cimi.operate(id, 'start'))
    const own = eq('content/resource/href', id)
    const events = await itemsOf(cimi.search('event', { filter: own }))
    expect(events.map(({ content }) => (content as { state: string }).state)).toEqual(['STARTING', 'CREATED'])
    const [, created] = events
    const since = new Date(created?.['timestamp'] as string)
    const later = await itemsOf(cimi.search('event', { filter: and(own, gt('timestamp', since)) }))
    expect(later.map((event) => event.id)).toEqual([events[0]?.id])
  })
})

describe('modules and credentials', () => {
  it('modules are found by path, with what they are made of', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const [module] = await itemsOf(client.cimi.search('module', { filter: eq('path', 'apps/wordpress') }))
    expect(module).toMatchObject({
      id: cloud.nuvla.modules.application,
      subtype: 'application',
      versions: [{ commit: 'first' }, { commit: 'newer image' }],
    })
    expect(await firstValueFrom(client.cimi.get(`${module?.id ?? ''}_1`))).toMatchObject({
      path: 'apps/wordpress',
    })
    expect(await errorOf(client.cimi.get(`${module?.id ?? ''}_2`))).toBeInstanceOf(NotFoundError)
    expect(await errorOf(strangerOf(cloud).cimi.get(module?.id ?? ''))).toBeInstanceOf(ConfigurationError)
  })

  it('a credential is added, edited, selected and removed', async () => {
    const cloud = await nuvlaOf()
    const { cimi } = clientOf(cloud)
    const infrastructure = startsWith('subtype', 'infrastructure-service')
    const [swarm] = await itemsOf(cimi.search('credential', { filter: infrastructure }))
    const added = await firstValueFrom(
      cimi.add('credential', {
        name: 'mine',
        template: {
          href: 'credential-template/infrastructure-service-swarm',
          parent: swarm?.parent,
          ca: 'the-ca',
          cert: 'the-cert',
          key: 'the-key',
        },
      }),
    )
    const id = added['resource-id'] ?? ''
    expect(added).toMatchObject({ status: 201, message: `${id} created`, location: id })
    const edited = await firstValueFrom(cimi.edit(id, { name: 'ours' }))
    expect(edited).toMatchObject({ id, name: 'ours', parent: swarm?.parent })
    const less = await firstValueFrom(cimi.edit(id, { ca: 'another-ca' }, { select: ['name', 'ca'] }))
    expect(less).not.toHaveProperty('name')
    const selected = await firstValueFrom(cimi.get(id, { select: ['subtype'] }))
    expect(selected).toMatchObject({ id, subtype: 'infrastructure-service-swarm' })
    expect(selected).not.toHaveProperty('parent')
    expect(await firstValueFrom(cimi.remove(id))).toMatchObject({ status: 200, message: `${id} deleted` })
    const gone = await errorOf(cimi.get(id))
    expect(gone).toBeInstanceOf(NotFoundError)
    expect(gone).toMatchObject({ reason: `${id} not found` })
  })

  it('what is not offered is not asked for', async () => {
    const cloud = await nuvlaOf()
    const { cimi } = clientOf(cloud)
    const { application } = cloud.nuvla.modules
    const removal = await errorOf(cimi.remove(application))
    expect(removal).toBeInstanceOf(ConfigurationError)
    expect(removal.message).toContain(`${application} does not offer 'delete'`)
    expect(await errorOf(cimi.add('module', { path: 'mine' }))).toBeInstanceOf(ConfigurationError)
    expect(sentTo(cloud)).toEqual([`GET /api/${application}`, 'PUT /api/module'])
  })

  it("schema errors are the server's words", async () => {
    const { cimi } = clientOf(await nuvlaOf())
    const error = await errorOf(
      cimi.add('credential', { template: { href: 'credential-template/generate-api-key', ttl: 'x' } }),
    )
    expect(error).toBeInstanceOf(ValidationError)
    expect(error).toMatchObject({
      operation: 'nuvla.cimi.add',
      reason: expect.stringContaining('ttl') as string,
    })
  })
})

it('nothing that the embedded cloud answers drifts from what the client knows', async () => {
  const cloud = await nuvlaOf()
  const client = clientOf(cloud)
  const drifts: TrafficEvent[] = []
  client.traffic.subscribe((event) => {
    if (event.kind === 'drift') drifts.push(event)
  })
  const { application } = cloud.nuvla.modules
  const { id } = await firstValueFrom(
    client.deployments.create(application, { parent: cloud.nuvla.credential }),
  )
  await lastValueFrom(client.cimi.operate(id, 'start'))
  cloud.clock.advance(20_000)
  expect((await firstValueFrom(client.deployments.get(id))).state).toBe('STARTED')
  expect(await itemsOf(client.jobs.list())).toHaveLength(1)
  expect((await itemsOf(client.deployments.parameters(id))).length).toBeGreaterThan(5)
  expect(drifts).toEqual([])
})
