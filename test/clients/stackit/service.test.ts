import { firstValueFrom, lastValueFrom } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { createStackit, type StackitClient } from '../../../src/clients/stackit/index.js'
import { ConfigurationError, type CloudError } from '../../../src/errors.js'
import { fakeTransport } from '../../../src/testing/fake-transport.js'
import { nowhere, oldZoo, zoo, zooClient, type Zoo } from './definition.js'

const animal = { name: 'ann', kind: 'cat' }

describe('a service', () => {
  it('has a method for each operation, under the name that it was given', async () => {
    const { cloud, requests } = zooClient({
      'GET /v2/projects/p1/regions/eu01/animals/a1': { json: animal },
    })
    expectTypeOf(cloud.zoo).toEqualTypeOf<Zoo>()
    expect(Object.keys(cloud.zoo)).toEqual(Object.keys(zoo.operations))
    expect(await firstValueFrom(cloud.zoo['getAnimal']!({ animalId: 'a1' }))).toEqual(animal)
    expect(requests[0]).toMatchObject({
      origin: 'https://big-zoo.api.stackit.cloud',
      method: 'GET',
      headers: { authorization: 'Bearer the-token', accept: 'application/json' },
      operation: { id: 'stackit.bigZoo.getAnimal' },
    })
  })

  it('sends nothing before the subscription, and anew for each', async () => {
    const { cloud, requests } = zooClient({ 'DELETE /v2/keeper': {} })
    const removal = cloud.zoo['removeKeeper']!()
    expect(requests).toEqual([])
    await lastValueFrom(removal)
    await lastValueFrom(removal)
    expect(requests).toHaveLength(2)
  })

  it('goes without a token where none is needed', async () => {
    const { cloud, requests } = zooClient({ 'POST /token': {} }, { token: undefined })
    await lastValueFrom(cloud.zoo['grant']!({ body: { grant_type: 'a b' } }))
    expect(requests).toHaveLength(1)
    expect(requests[0]?.headers).not.toHaveProperty('authorization')
    expect(requests[0]?.origin).toBe('https://big-zoo.api.stackit.cloud')
  })

  it('cannot have a name that the client needs, and is not there if it was not asked for', () => {
    expect(() => createStackit({ services: { tokens: zoo }, anonymous: true })).toThrow(
      /^services\.tokens: the client needs/,
    )
    expectTypeOf<keyof StackitClient>().toEqualTypeOf<
      'anonymousApi' | 'api' | 'close' | 'tokens' | 'traffic'
    >()
  })

  it('takes the options of a call', async () => {
    const { cloud, requests } = zooClient({ 'DELETE /v2/keeper': { status: 503 } })
    const headers = { 'X-Mine': '1' }
    await expect(
      lastValueFrom(cloud.zoo['removeKeeper']!({}, { retry: false, headers })),
    ).rejects.toMatchObject({
      status: 503,
    })
    expect(requests).toHaveLength(1)
    expect(requests[0]?.headers).toMatchObject({ 'x-mine': '1' })
  })
})

describe('what the configuration gives', () => {
  const routes = { 'GET /*': { json: animal }, 'POST /*': { status: 204 } }

  it('goes where the path has it, and a call may differ', async () => {
    const { cloud, requests } = zooClient(routes, { organizationId: 'o1' })
    const { getAnimal, feed } = cloud.zoo
    await lastValueFrom(getAnimal!({ animalId: 'a', projectId: 'p2', region: 'eu02' }))
    await lastValueFrom(feed!({ keeper: 'k', times: 2 }))
    await lastValueFrom(
      feed!({ keeper: 'k', times: 2, organizationId: 'o2', projectId: 'unused', region: 'unused' }),
    )
    expect(requests.map(({ path }) => path)).toEqual([
      '/v2/projects/p2/regions/eu02/animals/a',
      '/v2/organizations/o1/k:feed/2',
      '/v2/organizations/o2/k:feed/2',
    ])
  })

  it('is missed by name, when the method is called', () => {
    const { cloud } = zooClient(routes, { projectId: ' ', region: '' })
    const { getAnimal, feed } = cloud.zoo
    const failureOf = (act: () => unknown): ConfigurationError => {
      try {
        act()
      } catch (error) {
        if (error instanceof ConfigurationError) return error
        throw error
      }
      throw new Error('it did not throw')
    }
    expect(failureOf(() => getAnimal!({ animalId: 'a' })).message).toMatch(
      /^args\.projectId: is missing; give it to the call, or the option projectId to createStackit/,
    )
    const region = failureOf(() => getAnimal!({ animalId: 'a', projectId: 'p' }))
    expect(region.message).toMatch(/^args\.region: is missing/)
    expect(region.lookedAt).toEqual([
      'args.region: not set',
      'option region: not set',
      'environment variable STACKIT_REGION: not set',
    ])
    expect(failureOf(() => feed!({ keeper: 'k', times: 1 })).message).toMatch(
      /^args\.organizationId: is missing/,
    )
  })

  it.each([
    [{ region: undefined }, 'eu02'],
    [{ region: '' }, 'eu02'],
    [{ region: 'eu01' }, 'eu01'],
  ])('takes the region from STACKIT_REGION only without the option: %j', async (config, region) => {
    const { cloud, requests } = zooClient(routes, {
      ...config,
      credentialSources: { ...nowhere, env: { STACKIT_REGION: 'eu02' } },
    } as never)
    await lastValueFrom(cloud.zoo['getAnimal']!({ animalId: 'a' }))
    expect(requests[0]?.path).toContain(`/regions/${region}/`)
  })
})

describe('the address of a service', () => {
  it('has the region in the host where the definition has it, of several versions side by side', async () => {
    const { cloud, requests } = zooClient({ 'DELETE /v2/keeper': {}, 'GET /*': { json: animal } })
    await lastValueFrom(cloud.oldZoo['removeKeeper']!())
    await lastValueFrom(cloud.zoo['removeKeeper']!())
    await lastValueFrom(cloud.oldZoo['getAnimal']!({ animalId: 'a', region: 'eu02' }))
    expect(requests.map(({ origin }) => origin)).toEqual([
      'https://zoo.api.eu01.stackit.cloud',
      'https://big-zoo.api.stackit.cloud',
      'https://zoo.api.eu02.stackit.cloud',
    ])
  })

  it.each(['eu03', 'EU01', 'eu01.', 'evil.example.org/'])(
    'is none for a region that there is not: %s',
    (region) => {
      const { cloud } = zooClient({}, { region })
      expect(() => cloud.oldZoo['removeKeeper']!()).toThrow(
        /^there is no region ".*"; big-zoo v1 has the regions: eu01, eu02/,
      )
    },
  )

  it('cannot be made of a region that nobody vouches for, if it could lead elsewhere', () => {
    const { regions: _, ...open } = oldZoo
    const make = (region: string) =>
      createStackit({
        services: { open },
        region,
        token: 't',
        transport: fakeTransport({ 'DELETE /v2/keeper': {} }),
        credentialSources: nowhere,
      })
    expect(() => make('evil.example.org/').open['removeKeeper']!()).toThrow(/no region/)
    expect(() => make('xx99').open['removeKeeper']!()).not.toThrow()
  })

  it('needs a region', () => {
    const { cloud } = zooClient({}, { region: '' })
    expect(() => cloud.oldZoo['removeKeeper']!()).toThrow(/^the option region is missing; .* eu01, eu02/)
    expect(() => cloud.zoo['removeKeeper']!()).not.toThrow()
  })

  it('may be another one, of a service or of one version; a slash at its end does not matter', async () => {
    const { cloud, requests } = zooClient(
      { 'DELETE /here/v2/keeper': {}, 'DELETE /there/v2/keeper': {} },
      {
        endpoints: { 'big-zoo': 'https://example.org/here/', 'big-zoo/v1': 'https://example.org/there' },
        region: '',
      },
    )
    await lastValueFrom(cloud.zoo['removeKeeper']!())
    await lastValueFrom(cloud.oldZoo['removeKeeper']!())
    expect(requests.map(({ origin, path }) => origin + path)).toEqual([
      'https://example.org/here/v2/keeper',
      'https://example.org/there/v2/keeper',
    ])
    expect(() => zooClient({}, { endpoints: { 'big-zoo/v1': 'nowhere' } })).toThrow(
      /^endpoints\.big-zoo\/v1: expected/,
    )
  })

  it('is not plain http on another machine', async () => {
    const { cloud, requests } = zooClient({}, { endpoints: { 'big-zoo': 'http://example.org' } })
    const error = await lastValueFrom(cloud.zoo['removeKeeper']!()).catch(
      (thrown: unknown) => thrown as CloudError,
    )
    expect(error).toMatchObject({ code: 'SKY_CONFIGURATION' })
    expect(requests).toEqual([])
  })
})
