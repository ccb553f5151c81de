import { inspect } from 'node:util'
import { firstValueFrom, take } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  and,
  createSlipstream,
  eq,
  ge,
  gt,
  le,
  lt,
  matches,
  missing,
  ne,
  or,
  present,
  property,
  startsWith,
  type FilterExpression,
} from '../../src/clients/slipstream/index.js'
import { ConfigurationError, NotFoundError, PermissionError, ValidationError } from '../../src/errors.js'
import { startCloud } from '../../src/testing/cloud/index.js'
import { configOf, done, errorOf, listOf, slipstreamSite } from './slipstream-site.js'

const site = slipstreamSite()

/** An event that names what it is about. */
const eventAbout = (name: string, more: object = {}): object => ({
  type: 'alarm',
  severity: 'low',
  timestamp: '2019-03-29T10:00:00.000Z',
  content: { resource: { href: 'run/none' }, state: 'noted' },
  name,
  ...more,
})
const sshKey = { href: 'credential-template/import-ssh-public-key', publicKey: 'ssh-ed25519 AAAA' }

describe('the entry point', () => {
  it('is asked once, and leads to each collection by its name and by its path', async () => {
    const { cimi } = site.clientOf()
    const sent = site.requestsFromNow({ path: '/api/cloud-entry-point' })
    const { baseUri, collections } = await firstValueFrom(cimi.entryPoint())
    expect(baseUri).toBe(`${site.slipstream.url}/api/`)
    expect(collections).toMatchObject({
      sessions: 'session',
      virtualMachines: 'virtual-machine',
      userParam: 'user-param',
      serviceAttributeNamespaces: 'service-attribute-namespace',
      externalObjects: 'external-object',
    })
    for (const [name, path] of Object.entries(collections)) {
      const { count } = await firstValueFrom(cimi.page(name, { last: 0 }))
      expect(await firstValueFrom(cimi.page(path, { last: 0 }))).toMatchObject({ count, resources: [] })
    }
    expect(sent()).toHaveLength(1)
  })

  it('does not have what there is not, and nobody is asked for that', async () => {
    const { cimi } = site.clientOf()
    await firstValueFrom(cimi.entryPoint())
    const sent = site.requestsFromNow()
    const error = await errorOf(cimi.search('planets'))
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error?.message).toContain("there is no 'planets'")
    expect(error?.message).toContain('virtualMachines')
    expect(sent()).toEqual([])
  })
})

describe('a resource', () => {
  it('is added, read, changed and removed', async () => {
    const { cimi } = site.clientOf()
    const sent = site.requestsFromNow()
    const added = await firstValueFrom(
      cimi.add('credentials', { name: 'key', description: 'of a test', credentialTemplate: sshKey }),
    )
    const id = String(added['resource-id'])
    expect(added).toMatchObject({ status: 201, message: `${id} created`, location: id })
    expect(await firstValueFrom(cimi.get(id))).toMatchObject({ id, name: 'key', type: 'ssh-public-key' })
    const part = await firstValueFrom(cimi.get(id, { select: ['name'] }))
    expect(part).toMatchObject({ id, name: 'key' })
    expect(part).not.toHaveProperty('publicKey')

    const edited = await firstValueFrom(cimi.edit(id, { name: 'renamed', properties: { a: 'b' } }))
    expect(edited).toMatchObject({ id, name: 'renamed', description: 'of a test', properties: { a: 'b' } })
    // What is named and not given is taken away.
    const cleared = await firstValueFrom(
      cimi.edit(id, { name: 'again' }, { select: ['name', 'description'] }),
    )
    expect(cleared).toMatchObject({ id, name: 'again', properties: { a: 'b' } })
    expect(cleared).not.toHaveProperty('description')

    expect(await firstValueFrom(cimi.remove(id))).toMatchObject({ status: 200, message: `${id} deleted` })
    const error = await errorOf(cimi.get(id))
    expect(error).toBeInstanceOf(NotFoundError)
    expect((error as NotFoundError).reason).toBe(`${id} not found`)
    expect(sent().filter(({ method }) => method === 'PUT' || method === 'DELETE')).toMatchObject([
      { path: '/api/credential' },
      { path: `/api/${id}`, search: '' },
      { path: `/api/${id}`, search: '%24select=name%2Cdescription' },
      { method: 'DELETE', path: `/api/${id}` },
    ])
  })

  it('is told as it is after an edit also by a server that only says that it did it', async () => {
    const cloud = await startCloud({ clouds: ['slipstream'], slipstream: { editAnswer: 'message' } })
    const client = createSlipstream(configOf(cloud))
    try {
      const id = cloud.slipstream.apiKey.key
      const edited = await firstValueFrom(client.cimi.edit(id, { name: 'renamed' }))
      expect(edited).toMatchObject({ id, name: 'renamed', type: 'api-key' })
      const calls = cloud.requests({ path: `/api/${id}` }).map(({ method }) => method)
      expect(calls).toEqual(['GET', 'PUT', 'GET'])
    } finally {
      client.close()
      await cloud.close()
    }
  })

  it('is operated by the last word of an operation, or by its whole name', async () => {
    const { cimi } = site.clientOf()
    const [object] = await listOf(cimi.search('externalObjects', { filter: eq('state', 'ready') }))
    expect(object?.operations?.map(({ rel }) => rel)).toContain(
      'http://sixsq.com/slipstream/1/action/download',
    )
    for (const rel of ['download', 'http://sixsq.com/slipstream/1/action/download']) {
      const { status, uri } = await firstValueFrom(cimi.operate(object?.id ?? '', rel))
      expect(status).toBe(200)
      expect(String(uri)).toContain('?signature=')
    }
    const described = await firstValueFrom(cimi.operate('session-template/internal', 'describe'))
    expect(described).toMatchObject({ username: { type: 'string' }, password: { type: 'password' } })
  })

  it('that does not offer something says what it offers', async () => {
    const { cimi } = site.clientOf()
    const id = String((await firstValueFrom(cimi.add('events', eventAbout('fixed'))))['resource-id'])
    const sent = site.requestsFromNow({ method: 'PUT' })
    const error = await errorOf(cimi.edit(id, { name: 'other' }))
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error?.message).toMatch(/does not offer 'edit' .* it offers: delete/)
    expect(sent()).toEqual([])
    expect(await errorOf(cimi.operate(id, 'start'))).toBeInstanceOf(ConfigurationError)
    const closed = await errorOf(cimi.add('connectors', { name: 'x' }))
    expect(closed?.message).toContain("connector does not offer 'add'")
    await done(cimi.remove(id))
  })

  it('of somebody else, and one that does not fit, are what the server says', async () => {
    const { cimi } = site.clientOf()
    expect(await errorOf(cimi.get('credential/exoscale-ch-gva-bob'))).toBeInstanceOf(PermissionError)
    const unfit = await errorOf(cimi.add('events', { type: 'party' }))
    expect(unfit).toBeInstanceOf(ValidationError)
    expect((unfit as ValidationError).reason).toContain('does not satisfy defined schema')
    expect(await errorOf(cimi.get('cloud-entry-point/nothing'))).toBeInstanceOf(NotFoundError)
  })
})

describe('a search', () => {
  it('fetches pages as they are consumed, in the order that was asked for', async () => {
    const { cimi } = site.clientOf()
    for (const name of ['c', 'a', 'e', 'b', 'd', 'g', 'f']) {
      await done(cimi.add('events', eventAbout(`paged-${name}`)))
    }
    const sent = site.requestsFromNow({ path: '/api/event' })
    const query = { filter: startsWith('name', 'paged-'), orderBy: 'name:asc', pageSize: 3 }
    const names = async (more: object, count = Infinity): Promise<string> => {
      const found = await listOf(cimi.search('events', { ...query, ...more }).pipe(take(count)))
      return found.map(({ name }) => name?.slice('paged-'.length)).join('')
    }
    expect(await names({})).toBe('abcdefg')
    expect(sent()).toHaveLength(3)
    expect(sent()[0]).toMatchObject({
      method: 'PUT',
      search: '',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    })
    expect(await names({}, 3)).toBe('abc')
    expect(sent()).toHaveLength(4)
    expect(await names({ last: 3 })).toBe('abc')
    expect(sent()).toHaveLength(5)
    expect(await names({ first: 2, last: 5 })).toBe('bcde')
    expect(await names({ first: 8 })).toBe('')
    expect(await names({ orderBy: ['severity', 'name:desc'] })).toBe('gfedcba')
    expect(await firstValueFrom(cimi.page('events', { ...query, last: 0 }))).toMatchObject({
      count: 7,
      resources: [],
      operations: [{ rel: 'add', href: 'event' }],
    })
    const selected = await listOf(cimi.search('events', { ...query, select: ['name'] }))
    expect(selected[0]).toMatchObject({ name: 'paged-a' })
    expect(selected[0]?.id).toMatch(/^event\//)
    expect(selected[0]).not.toHaveProperty('severity')
  })

  it.each([
    "it's",
    'a "word"',
    String.raw`back\slash`,
    String.raw`\'`,
    "' or name!='x",
    "x') or (id!='",
    'true',
    'null',
    '12',
    '2019-03-29',
    'many  spaces\tand\nlines',
    '& + % = ; / ? #',
    'Zoë 雲 \u{1f327}',
  ])('finds the value %j and nothing else', async (value) => {
    const { cimi } = site.clientOf()
    await done(cimi.add('events', eventAbout(value)))
    await done(cimi.add('events', eventAbout(value, { type: 'system', properties: { [value]: value } })))
    const found = async (filter: FilterExpression): Promise<unknown[]> =>
      (await listOf(cimi.search('events', { filter }))).map(({ name }) => name)
    expect(await found(eq('name', value))).toEqual([value, value])
    expect(await found(and(eq('type', 'alarm'), eq('name', value)))).toEqual([value])
    expect(await found(and(startsWith('name', value), eq('type', 'system')))).toEqual([value])
    expect(await found(property(value, value))).toEqual([value])
    const others = await found(ne('name', value))
    expect(others.length).toBeGreaterThan(0)
    expect(others).not.toContain(value)
  })

  it('has filters of every kind', async () => {
    const { cimi } = site.clientOf()
    for (const hour of ['10', '11', '12']) {
      const timestamp = `2001-01-01T${hour}:00:00.000Z`
      const more = hour === '11' ? { description: 'a lucky hour' } : {}
      await done(cimi.add('events', eventAbout(hour, { timestamp, ...more })))
    }
    const eleven = new Date('2001-01-01T11:00:00Z')
    const early = lt('timestamp', new Date('2002-01-01T00:00:00Z'))
    const found = async (filter: FilterExpression | string): Promise<string> => {
      const orderBy = 'timestamp'
      const both = typeof filter === 'string' ? filter : and(early, filter)
      return (await listOf(cimi.search('events', { filter: both, orderBy }))).map(({ name }) => name).join()
    }
    expect(await found(gt('timestamp', eleven))).toBe('12')
    expect(await found(ge('timestamp', eleven))).toBe('11,12')
    expect(await found(lt('timestamp', eleven))).toBe('10')
    expect(await found(le('timestamp', '2001-01-01T11:00:00Z'))).toBe('10,11')
    expect(await found(present('description'))).toBe('11')
    expect(await found(missing('description'))).toBe('10,12')
    expect(await found(matches('description', 'lucky'))).toBe('11')
    expect(await found(or(eq('name', '10'), eq('name', '12')))).toBe('10,12')
    expect(await found(and(or(eq('name', '10'), eq('name', '12')), ne('name', '10')))).toBe('12')
    expect(await found("'2001-01-01T11:00:00.000Z' < timestamp and timestamp < 2002-01-01")).toBe('12')

    const offers = async (filter: FilterExpression): Promise<number> =>
      (await firstValueFrom(cimi.page('serviceOffers', { filter, last: 0 }))).count
    expect(await offers(gt('resource:vcpu', 1))).toBe(4)
    expect(await offers(and(eq('resource:vcpu', 1), eq('connector/href', 'connector/ec2-eu-west')))).toBe(1)
    const credentials = cimi.page('credentials', { filter: eq('enabled', true), last: 0 })
    expect((await firstValueFrom(credentials)).count).toBeGreaterThan(1)
  })

  it('aggregates', async () => {
    const { cimi } = site.clientOf()
    const query = { last: 0, aggregation: ['sum:resource:vcpu', 'terms:resource:instanceType'] }
    const { count, resources, aggregations } = await firstValueFrom(cimi.page('serviceOffers', query))
    expect(resources).toEqual([])
    expect(aggregations).toMatchObject({ 'sum:resource:vcpu': { value: 14 } })
    expect(aggregations?.['terms:resource:instanceType']).toMatchObject({
      buckets: expect.arrayContaining([{ key: 'Small', doc_count: 2 }]) as unknown,
    })
    expect(count).toBe(6)
  })

  it('that the server does not understand is an error in its words', async () => {
    const { cimi } = site.clientOf()
    const error = await errorOf(cimi.search('events', { filter: 'name==' }))
    expect(error).toBeInstanceOf(ValidationError)
    expect((error as ValidationError).reason).toMatch(/^Invalid CIMI filter\. /)
  })
})

describe('credentials', () => {
  it('for clouds are told from others, and narrowed down', async () => {
    const { credentials } = site.clientOf()
    const ids = async (query?: Parameters<typeof credentials.clouds>[0]): Promise<string[]> =>
      (await listOf(credentials.clouds(query))).map(({ id }) => id)
    const both = ['credential/exoscale-ch-gva-jane', 'credential/ec2-eu-west-jane']
    expect(await ids()).toEqual(both)
    const connector = 'connector/ec2-eu-west'
    expect(await ids({ filter: eq('connector/href', connector) })).toEqual(both.slice(1))
    expect(await ids({ filter: `connector/href='${connector}' or name='none'` })).toEqual(both.slice(1))
  })

  it('that are made are told once, to who asks for the secret by name', async () => {
    const { cimi } = site.clientOf()
    const credentialTemplate = { href: 'credential-template/generate-api-key' }
    const added = await firstValueFrom(cimi.add('credentials', { credentialTemplate }))
    const secret = String(added['secretKey'])
    expect(secret.split('.').map(({ length }) => length)).toEqual([6, 6, 6, 6, 6])
    expect(inspect(added)).not.toContain(secret)
    const key = String(added['resource-id'])
    expect(await listOf(site.clientOf({ key, secret }).deployments.list())).toEqual([])
  })
})
