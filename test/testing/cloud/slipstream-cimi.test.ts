import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCloud, type EmbeddedCloud, type SlipstreamCloud } from '../../../src/testing/cloud/index.js'
import { call, text, type Answer, type Json } from './calls.js'
import { cimiCalls, cookieOf, relsOf, type CimiCalls } from './cimi-calls.js'

let cloud: EmbeddedCloud
let slipstream: SlipstreamCloud
let nobody: CimiCalls
let jane: CimiCalls
let bob: CimiCalls
let privileged: CimiCalls
beforeAll(async () => {
  cloud = await startCloud({ clouds: ['slipstream'], clock: { manual: true }, seed: 7 })
  slipstream = cloud.slipstream
  nobody = cimiCalls(slipstream.url)
  jane = await loggedIn(slipstream, slipstream.user)
  bob = await loggedIn(slipstream, slipstream.otherUser)
  privileged = await loggedIn(slipstream, slipstream.privilegedUser)
})
afterAll(() => cloud.close())

async function loggedIn(server: SlipstreamCloud, user: object): Promise<CimiCalls> {
  const body = { sessionTemplate: { href: 'session-template/internal', ...user } }
  return cimiCalls(server.url, cookieOf(await cimiCalls(server.url).post('session', body)))
}
const cookieOfJane = async (): Promise<string> =>
  cookieOf(
    await nobody.post('session', {
      sessionTemplate: { href: 'session-template/internal', ...slipstream.user },
    }),
  )
const event = (more: object = {}): object => ({
  type: 'action',
  severity: 'low',
  timestamp: '2019-03-29T09:23:10.700Z',
  content: { resource: { href: 'run/1' }, state: 'Created' },
  ...more,
})

/** Ten offers of one kind, which nobody else looks at. */
const numbered = Array.from({ length: 10 }, (_, index) => ({
  id: `service-benchmark/${String(index)}`,
  name: `benchmark ${String(index)}`,
  weight: index,
  price: index / 4,
  even: index % 2 === 0,
  kind: index < 7 ? 'cpu' : 'disk',
  measured: `2019-03-${String(10 + index)}T10:00:00.000Z`,
  tags: index === 3 ? ['slow', 'old'] : ['fast'],
  connector: { href: `connector/c${String((index % 3) + 1)}` },
  'resource:vcpu': index + 1,
  properties: { rack: index === 4 ? 'r"4' : `r${String(index)}` },
  ...(index === 9 ? {} : { owner: index === 8 ? "O'Neill \\ Sons" : `owner${String(index)}` }),
}))
const seedBenchmarks = (): void => {
  for (const document of numbered) slipstream.documents.put('service-benchmark', document)
}
const benchmarks = async (parameters: Record<string, string>): Promise<Json> => {
  const answer = await jane.search('service-benchmark', parameters)
  expect(answer.status).toBe(200)
  return answer.json()
}
/** The numbers of those that a filter finds. */
const found = async (filter: string): Promise<string> => {
  const { serviceBenchmarks = [] } = (await benchmarks({ $filter: filter })) as unknown as Record<
    string,
    Json
  >
  return [...serviceBenchmarks].map(({ id }) => text(id).replace('service-benchmark/', '')).join('')
}

describe('a collection', () => {
  it('has its documents under its own key, and who may see it sees his', async () => {
    const mine = (await jane.search('virtual-machine')).json()
    expect(mine).toMatchObject({
      count: 2,
      id: 'virtual-machine',
      resourceURI: 'http://sixsq.com/slipstream/1/VirtualMachineCollection',
      acl: { rules: [{ principal: 'USER', type: 'ROLE', right: 'VIEW' }] },
      operations: [],
    })
    expect(mine).not.toHaveProperty('aggregations')
    const [machine] = [...(mine['virtualMachines'] ?? [])]
    expect(machine).toMatchObject({
      id: expect.stringMatching(/^virtual-machine\/[\da-f-]{36}$/) as string,
      resourceURI: 'http://sixsq.com/slipstream/1/VirtualMachine',
      created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      state: 'running',
      connector: { href: 'connector/exoscale-ch-gva' },
      deployment: { href: expect.stringMatching(/^run\//) as string, user: { href: 'user/jane' } },
      serviceOffer: { 'resource:vcpu': 2 },
      operations: [],
    })
    expect((await bob.search('virtual-machine')).json()['count']).toBe(1)
    expect((await privileged.search('virtual-machine')).json()['count']).toBe(3)
    expect((await bob.get(text(machine?.['id']))).json()['message']).toBe(
      `invalid credentials for '${text(machine?.['id'])}'`,
    )
  })

  it('is closed to strangers, but for some', async () => {
    for (const closed of ['virtual-machine', 'credential', 'service-offer', 'connector', 'job', 'user']) {
      const answer = await nobody.search(closed)
      expect([answer.status, answer.json()]).toEqual([403, { status: 403, message: 'credentials required' }])
    }
    for (const open of ['session', 'session-template', 'event', 'user-template']) {
      expect((await nobody.search(open)).status).toBe(200)
    }
    const template = (await nobody.search('user-template')).json()
    expect(template).toMatchObject({ count: 1, userTemplates: [{ id: 'user-template/self-registration' }] })
  })

  it('is written with indents and in ASCII', async () => {
    const { id } = slipstream.documents.put('connector', { name: 'Zürich 🏔' })
    const answer = await jane.get(id)
    expect(answer.text).toContain('"name": "Z\\u00fcrich \\ud83c\\udfd4"')
    expect(answer.text).toContain('{\n  "')
    expect(answer.json()['name']).toBe('Zürich 🏔')
    slipstream.documents.remove(id)
    expect((await jane.get(id)).status).toBe(404)
  })

  it('is found by GET as by PUT, with lists repeated or by commas', async () => {
    const filter = encodeURIComponent("connector/href='connector/exoscale-ch-gva' and resource:vcpu>=2")
    const get = await jane.get(
      `service-offer?$filter=${filter}&$select=name&$select=resource:vcpu&$orderby=resource:vcpu:desc&$last=1`,
    )
    const put = await jane.search('service-offer', {
      $filter: "connector/href='connector/exoscale-ch-gva' and resource:vcpu>=2",
      $select: 'name, resource:vcpu',
      $orderby: 'resource:vcpu:desc',
      $last: '1',
    })
    expect(get.json()).toMatchObject({ count: 2, serviceOffers: [{ 'resource:vcpu': 4 }] })
    expect(put.json()).toEqual(get.json())
    expect(Object.keys(put.json()['serviceOffers']?.[0] ?? {}).toSorted()).toEqual(
      ['name', 'resource:vcpu', 'acl', 'operations', 'resourceURI'].toSorted(),
    )
  })

  it('takes what the query says when a form says something else', async () => {
    const answer = await call('PUT', `${slipstream.url}/api/user-template?$last=0`, {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ $filter: "method='self-registration'" }).toString(),
    })
    expect(answer.json()).toMatchObject({ count: 1, userTemplates: [] })
  })
})

describe('paging', () => {
  beforeAll(seedBenchmarks)
  const page = async (parameters: Record<string, string>): Promise<string> => {
    const body = await benchmarks(parameters)
    expect(body['count']).toBe(10)
    return [...(body['serviceBenchmarks'] ?? [])].map(({ weight }) => text(weight)).join('')
  }

  it('counts before it cuts, from 1 on, the last one included', async () => {
    expect(await page({ $first: '1', $last: '3' })).toBe('012')
    expect(await page({ $first: '4', $last: '6' })).toBe('345')
    expect(await page({ $first: '9' })).toBe('89')
    expect(await page({ $last: '2' })).toBe('01')
    expect(await page({ $last: '0' })).toBe('')
    expect(await page({ $first: '5', $last: '4' })).toBe('')
    expect(await page({ $first: '11' })).toBe('')
    expect(await page({ $first: '0', $last: '2' })).toBe('01')
  })

  it('overlooks garbage', async () => {
    expect(await page({ $first: 'x', $last: '2' })).toBe('01')
    const answer = await jane.get('service-benchmark?$first=x&$first=3&$last=&$last=1.5&$last=4&$last=9')
    expect([...(answer.json()['serviceBenchmarks'] ?? [])].map(({ weight }) => weight)).toEqual([2, 3])
  })

  it('has an end', async () => {
    expect(await page({ $last: '10000' })).toBe('0123456789')
    const answer = await jane.search('service-benchmark', { $last: '10001' })
    expect(answer.status).toBe(500)
    expect(answer.json()['message']).toBe('Unexpected exception thrown: size 10001 too large; limit is 10000')
    expect((await jane.search('service-benchmark', { $first: '2', $last: '10001' })).status).toBe(200)
  })

  it('orders first', async () => {
    expect(await page({ $orderby: 'weight:desc', $last: '3' })).toBe('987')
    expect(await page({ $orderby: 'kind:desc,weight:desc' })).toBe('9876543210')
    expect(await page({ $orderby: 'kind,weight:desc' })).toBe('6543210987')
    expect(await page({ $orderby: 'resource:vcpu:desc', $last: '2' })).toBe('98')
    expect(await page({ $orderby: 'measured:desc', $last: '2' })).toBe('98')
    expect(await page({ $orderby: 'connector/href,weight', $last: '4' })).toBe('0369')
    // What has none comes last, either way.
    expect(await page({ $orderby: 'owner', $first: '10' })).toBe('9')
    expect(await page({ $orderby: 'owner:desc', $first: '10' })).toBe('9')
    const repeated = await jane.get('service-benchmark?$orderby=kind:desc&$orderby=weight&$last=1')
    expect(repeated.json()['serviceBenchmarks']?.[0]?.['weight']).toBe(7)
  })

  it('selects, also inside', async () => {
    const one = async (select: string): Promise<Json | undefined> =>
      (await benchmarks({ $select: select, $last: '1' }))['serviceBenchmarks']?.[0]
    expect(await one('connector/href,properties/none')).toEqual({
      connector: { href: 'connector/c1' },
      properties: {},
      resourceURI: 'http://sixsq.com/slipstream/1/ServiceBenchmark',
      acl: expect.any(Object) as object,
      operations: [],
    })
    expect(await one('*')).toMatchObject(numbered[0] ?? {})
    expect((await jane.get('service-benchmark/0?$select=name')).json()).toEqual({
      name: 'benchmark 0',
      resourceURI: 'http://sixsq.com/slipstream/1/ServiceBenchmark',
      acl: expect.any(Object) as object,
      operations: [],
    })
  })
})

describe('filters', () => {
  beforeAll(seedBenchmarks)

  it('compare in all ways', async () => {
    const cases: [string, string][] = [
      ["kind='disk'", '789'],
      ['kind="disk"', '789'],
      ["kind!='disk'", '0123456'],
      ['weight=3', '3'],
      ["weight='3'", '3'],
      ['weight<3', '012'],
      ['weight<=3', '0123'],
      ['weight>7', '89'],
      ['weight>=7', '789'],
      ['price>2', '9'],
      ['even=true', '02468'],
      ['even=false', '13579'],
      ['even!=true', '13579'],
      ["name^='benchmark'", '0123456789'],
      ["name^='Benchmark'", ''],
      ["name=='BENCHMARK'", '0123456789'],
      ["name=='3 8'", '38'],
      ["name=='bench*'", '0123456789'],
      ["tags='slow'", '3'],
      ["tags!='slow'", '012456789'],
      ["connector/href='connector/c2'", '147'],
      ['resource:vcpu>9', '9'],
      ["owner>'owner6'", '7'],
      ["owner='O\\'Neill \\\\ Sons'", '8'],
      ['owner="O\'Neill \\\\ Sons"', '8'],
      ['owner=null', '9'],
      ['owner!=null', '012345678'],
      ["owner!='owner1'", '023456789'],
      ["nothing='x'", ''],
      ["nothing!='x'", '0123456789'],
      ['nothing=null', '0123456789'],
      ["property['rack']='r5'", '5'],
      ["property['rack']='r\"4'", '4'],
      ['property["rack"]!=\'r5\'', '012346789'],
      ["property['none']=null", '0123456789'],
      ["properties/rack='r5'", '5'],
    ]
    for (const [filter, numbers] of cases) expect([filter, await found(filter)]).toEqual([filter, numbers])
  })

  it('know dates', async () => {
    const cases: [string, string][] = [
      ['measured>2019-03-17', '789'],
      ['measured>2019-03-17T10:00:00Z', '89'],
      ['measured>=2019-03-17T10:00:00.000Z', '789'],
      ['measured>=2019-03-17T11:00:00+01:00', '789'],
      ["measured>'2019-03-17T10:00:00Z'", '89'],
      ['measured=2019-03-12T10:00:00Z', '2'],
      ['2019-03-17T10:00:00Z<measured', '89'],
    ]
    for (const [filter, numbers] of cases) expect([filter, await found(filter)]).toEqual([filter, numbers])
  })

  it('turn round, join and nest', async () => {
    const cases: [string, string][] = [
      ['5<weight', '6789'],
      ['5>=weight', '012345'],
      ["'disk'=kind", '789'],
      ["'benchmark 3'^=name", '3'],
      ['null=owner', '9'],
      ['true!=even', '13579'],
      ['weight=1 or weight=2 and weight=3', '1'],
      ['(weight=1 or weight=2) and weight=2', '2'],
      ['weight>1 and weight<8 and even=true', '246'],
      ["weight=1orweight=2orkind='disk'and even=true", '128'],
      ['(weight=1)and(kind="cpu")', '1'],
      ['  (  ( weight = 1 )  )  ', '1'],
      ["kind\n=\t'disk'and weight = 8", '8'],
      ["type^='x'and weight=1", ''],
      ['weight=true', ''],
      [`${'('.repeat(60)}weight=1${')'.repeat(60)}`, '1'],
    ]
    for (const [filter, numbers] of cases) expect([filter, await found(filter)]).toEqual([filter, numbers])
  })

  it('are all to be met when there are several; an empty one is none', async () => {
    const answer = await jane.get(
      "service-benchmark?$filter=weight>3 or weight=0&$filter=kind='cpu'&$filter=",
    )
    expect([...(answer.json()['serviceBenchmarks'] ?? [])].map(({ weight }) => weight)).toEqual([0, 4, 5, 6])
  })

  it('are refused when they are none', async () => {
    const wrong = [
      'weight',
      'weight=',
      '=3',
      'weight=3 and',
      'weight=3 weight=4',
      'weight=-3',
      'weight=1.5',
      'not weight=3',
      'weight~3',
      'weight=other',
      "kind='disk",
      "kind='a\\",
      'kind^=3',
      'name==3',
      "'x'==name",
      'even<true',
      'owner>null',
      '(weight=3',
      'weight=3)',
      '()',
      '9weight=3',
      'a:b:c=1',
      'a//b=1',
      "kind=['disk']",
      "kind intersects 'POINT(1 2)'",
      "property['rack']<'x'",
      "property['rack']=3",
      "property[rack]='x'",
      `${'('.repeat(50_000)}weight=1${')'.repeat(50_000)}`,
    ]
    for (const filter of wrong) {
      const answer = await jane.search('service-benchmark', { $filter: filter })
      expect([filter.slice(0, 40), answer.status]).toEqual([filter.slice(0, 40), 400])
      expect(answer.json()['message']).toMatch(/^Invalid CIMI filter\. /)
    }
  })

  it('are read however long they are', async () => {
    const many = Array.from({ length: 20_000 }, () => 'weight=3').join(' or ')
    expect(await found(many)).toBe('3')
    expect(await found(`name='${'x'.repeat(500_000)}' or weight=2`)).toBe('2')
  })
})

describe('aggregations', () => {
  beforeAll(seedBenchmarks)

  it('tell about all that was found, not about the page', async () => {
    const keys = [
      'min:weight',
      'max:weight',
      'sum:price',
      'avg:weight',
      'count:owner',
      'missing:owner',
      'cardinality:kind',
      'stats:weight',
      'terms:kind',
      'terms:connector/href',
      'max:measured',
    ]
    const body = await benchmarks({ $aggregation: keys.join(','), $last: '0', $filter: 'weight<10' })
    expect(body).toMatchObject({ count: 10, serviceBenchmarks: [] })
    expect(body['aggregations']).toMatchObject({
      'min:weight': { value: 0 },
      'max:weight': { value: 9 },
      'sum:price': { value: 11.25 },
      'avg:weight': { value: 4.5 },
      'count:owner': { value: 9 },
      'missing:owner': { doc_count: 1 },
      'cardinality:kind': { value: 2 },
      'stats:weight': { count: 10, min: 0, max: 9, avg: 4.5, sum: 45 },
      'terms:kind': {
        buckets: [
          { key: 'cpu', doc_count: 7 },
          { key: 'disk', doc_count: 3 },
        ],
      },
      'terms:connector/href': {
        buckets: [
          { key: 'connector/c1', doc_count: 4 },
          { key: 'connector/c2', doc_count: 3 },
          { key: 'connector/c3', doc_count: 3 },
        ],
      },
      'max:measured': { value: Date.parse('2019-03-19T10:00:00Z') },
    })
    expect(Object.keys(body['aggregations'] ?? {})).toEqual(keys)
  })

  it('know more about numbers', async () => {
    const body = await benchmarks({ $aggregation: 'extendedstats:weight,percentiles:weight' })
    const extended = body['aggregations']?.['extendedstats:weight']
    const percentiles = body['aggregations']?.['percentiles:weight']
    expect(extended).toMatchObject({ count: 10, sum: 45, sum_of_squares: 285, variance: 8.25 })
    expect(Number(extended?.['std_deviation'])).toBeCloseTo(2.8723, 4)
    expect(Number(extended?.['std_deviation_bounds']?.['upper'])).toBeCloseTo(4.5 + 2 * 2.8723, 3)
    expect(Object.keys(percentiles?.['values'] ?? {})).toEqual([
      '1.0',
      '5.0',
      '25.0',
      '50.0',
      '75.0',
      '95.0',
      '99.0',
    ])
    expect(percentiles?.['values']?.['50.0']).toBe(4.5)
  })

  it('find nothing in nothing', async () => {
    const keys = 'sum:none,avg:none,stats:none,extendedstats:none,percentiles:none,terms:none'
    const { aggregations } = (await benchmarks({ $aggregation: keys })) as unknown as { aggregations: Json }
    expect(aggregations).toMatchObject({
      'sum:none': { value: 0 },
      'avg:none': { value: null },
      'stats:none': { count: 0, min: null, max: null, avg: null, sum: 0 },
      'extendedstats:none': { variance: null },
      'percentiles:none': { values: { '50.0': null } },
      'terms:none': { buckets: [] },
    })
  })

  it('are refused when there is no such algorithm', async () => {
    for (const wrong of ['median:weight', 'weight', 'sum:', 'toString:weight']) {
      expect((await jane.search('service-benchmark', { $aggregation: wrong })).status).toBe(400)
    }
  })
})

describe('adding, editing and deleting', () => {
  const add = (template: object, more: object = {}): Promise<Answer> =>
    jane.post('credential', { ...more, credentialTemplate: template })
  const sshKey = { href: 'credential-template/import-ssh-public-key', publicKey: 'ssh-rsa AAAA' }

  it('goes all the way round', async () => {
    expect(relsOf((await jane.search('credential', { $last: '0' })).json())).toEqual(['add'])
    expect(relsOf((await jane.search('virtual-machine', { $last: '0' })).json())).toEqual([])
    const made = await add(sshKey, { name: 'mine', description: 'a key', properties: { a: 'b' } })
    expect(made.status).toBe(201)
    const id = text(made.headers.location)
    expect(made.json()).toEqual({ status: 201, message: `${id} created`, 'resource-id': id })
    const before = (await jane.get(id)).json()
    expect(before).toMatchObject({
      id,
      type: 'ssh-public-key',
      method: 'import-ssh-public-key',
      publicKey: 'ssh-rsa AAAA',
      name: 'mine',
      operations: [
        { rel: 'edit', href: id },
        { rel: 'delete', href: id },
      ],
    })

    const edited = await jane.put(id, {
      name: 'ours',
      id: 'credential/other',
      created: 'long ago',
      type: 'api-key',
    })
    expect(edited.status).toBe(200)
    expect(edited.json()).toMatchObject(
      Object.assign({}, before, { name: 'ours', updated: expect.any(String) as string }),
    )
    const dropped = await jane.put(`${id}?$select=description,properties,name,id,acl,created`, {
      name: 'mine again',
    })
    expect(dropped.json()).toEqual({
      ...Object.fromEntries(
        Object.entries(before).filter(([name]) => !['description', 'properties'].includes(name)),
      ),
      name: 'mine again',
      updated: expect.any(String) as string,
    })
    expect((await jane.get(id)).json()).toEqual(dropped.json())

    const gone = await jane.remove(id)
    expect([gone.status, gone.json()]).toEqual([
      200,
      { status: 200, message: `${id} deleted`, 'resource-id': id },
    ])
    for (const answer of [await jane.get(id), await jane.put(id, {}), await jane.remove(id)]) {
      expect([answer.status, answer.json()]).toEqual([
        404,
        { status: 404, message: `${id} not found`, 'resource-id': id },
      ])
    }
  })

  it('is for the owner, who may share', async () => {
    const id = text((await add(sshKey)).headers.location)
    const refused = [
      await bob.get(id),
      await bob.put(id, { name: 'x' }),
      await bob.remove(id),
      await nobody.get(id),
    ]
    for (const answer of refused) {
      expect([answer.status, answer.json()['message']]).toEqual([403, `invalid credentials for '${id}'`])
    }
    const acl = (right: string): object => ({
      acl: { owner: { principal: 'jane', type: 'USER' }, rules: [{ principal: 'bob', type: 'USER', right }] },
    })
    await jane.put(id, acl('VIEW'))
    const seen = await bob.get(id)
    expect([seen.status, relsOf(seen.json())]).toEqual([200, []])
    expect((await bob.put(id, { name: 'x' })).status).toBe(403)
    await jane.put(id, acl('MODIFY'))
    expect(relsOf((await bob.get(id)).json())).toEqual(['edit', 'delete'])
    expect((await bob.put(id, { name: 'x' })).status).toBe(200)
    expect(relsOf((await privileged.get(id)).json())).toEqual(['edit', 'delete'])
    expect((await privileged.remove(id)).status).toBe(200)
  })

  it('takes templates as they are', async () => {
    const cloudKey = { href: 'credential-template/store-cloud-cred-exoscale-ch-gva', key: 'k', secret: 's' }
    const id = text((await add(cloudKey)).headers.location)
    expect((await jane.get(id)).json()).toMatchObject({
      type: 'cloud-cred-exoscale-ch-gva',
      key: 'k',
      connector: { href: 'connector/exoscale-ch-gva' },
      quota: 20,
    })
    const mine = (
      await jane.search('credential', { $filter: "type^='cloud-cred'and connector/href!=null" })
    ).json()
    expect(mine['count']).toBe(3)
    await jane.remove(id)
    const cases: [object, number, RegExp][] = [
      [{ href: 'credential-template/none' }, 404, /^credential-template\/none not found$/],
      [{ href: 'connector/exoscale-ch-gva' }, 404, /not found$/],
      [{}, 400, /credentialTemplate\.href/],
      [{ href: 'credential-template/import-ssh-public-key' }, 400, /publicKey - missing/],
      [{ ...sshKey, more: 1 }, 400, /more - unknown/],
    ]
    for (const [template, status, message] of cases) {
      const answer = await add(template)
      expect(answer.status).toBe(status)
      expect(answer.json()['message']).toMatch(message)
    }
  })

  it('refuses bodies that are none', async () => {
    const id = text((await add(sshKey)).headers.location)
    for (const body of ['{', '[]', '"x"', '']) {
      const headers = { cookie: await cookieOfJane(), 'content-type': 'application/json' }
      for (const [method, path] of [
        ['POST', 'credential'],
        ['PUT', id],
      ] as const) {
        const answer = await call(method, `${slipstream.url}/api/${path}`, { headers, body })
        expect([answer.status, answer.json()]).toEqual([400, { status: 400, message: 'invalid request' }])
      }
    }
  })
  it('answers an edit with a message, if the server is of that kind', async () => {
    const own = await startCloud({ clouds: ['slipstream'], slipstream: { editAnswer: 'message' } })
    try {
      const calls = await loggedIn(own.slipstream, own.slipstream.user)
      const { id } = own.slipstream.documents.put('credential', { name: 'before' })
      expect((await calls.put(id, { name: 'after' })).json()).toEqual({
        status: 200,
        message: `updated ${id}`,
        'resource-id': id,
      })
      expect((await calls.get(id)).json()['name']).toBe('after')
    } finally {
      await own.close()
    }
  })
})

describe('what is not there', () => {
  it('is told apart', async () => {
    const [machine] = [...((await jane.search('virtual-machine')).json()['virtualMachines'] ?? [])]
    const id = text(machine?.['id'])
    const cases: [string, string, number, string][] = [
      ['GET', 'nothing', 404, 'unknown resource'],
      ['GET', '', 404, 'unknown resource'],
      ['GET', 'nothing/at/all/here', 404, 'unknown resource'],
      ['GET', 'virtual-machine/none', 404, 'virtual-machine/none not found'],
      ['GET', '%E0%A4%A/%zz', 404, 'unknown resource'],
      ['POST', 'virtual-machine', 405, 'invalid method (post) for /api/virtual-machine'],
      ['DELETE', 'virtual-machine', 405, 'invalid method (delete) for /api/virtual-machine'],
      ['PATCH', 'credential', 405, 'invalid method (patch) for /api/credential'],
      ['PUT', id, 405, `invalid method (put) for /api/${id}`],
      ['DELETE', id, 405, `invalid method (delete) for /api/${id}`],
      ['POST', id, 405, `invalid method (post) for /api/${id}`],
      [
        'POST',
        `${id}/start`,
        404,
        `undefined action (post, ["virtual-machine" "start"]) for /api/${id}/start`,
      ],
      [
        'GET',
        'session-template/internal/describe',
        404,
        'undefined action (get, ["session-template" "describe"])',
      ],
      ['POST', 'session-template/none/describe', 404, 'session-template/none not found'],
    ]
    const cookie = cookieOf(
      await nobody.post('session', {
        sessionTemplate: { href: 'session-template/internal', ...slipstream.user },
      }),
    )
    for (const [method, path, status, message] of cases) {
      const answer = await call(method, `${slipstream.url}/api/${path}`, { headers: { cookie } })
      expect([method, path, answer.status]).toEqual([method, path, status])
      expect(answer.json()['status']).toBe(status)
      expect(text(answer.json()['message'])).toContain(message)
    }
  })
})

describe('events', () => {
  it('are added and deleted by users, and seen by their owner', async () => {
    expect(relsOf((await jane.search('event', { $last: '0' })).json())).toEqual(['add'])
    const made = await jane.post('event', event())
    expect(made.status).toBe(201)
    const id = text(made.headers.location)
    const seen = (await jane.get(id)).json()
    expect(seen).toMatchObject(event())
    expect(relsOf(seen)).toEqual(['delete'])
    expect((await jane.put(id, { severity: 'high' })).status).toBe(405)
    expect((await bob.get(id)).status).toBe(403)
    expect((await nobody.search('event')).json()).toMatchObject({ count: 0, events: [], operations: [] })
    expect((await nobody.post('event', event())).status).toBe(403)
    expect((await jane.remove(id)).status).toBe(200)
    expect((await jane.get(id)).status).toBe(404)
  })

  it('come newest first', async () => {
    const times = ['2019-03-29T09:00:00.000Z', '2019-03-29T11:00:00.000Z', '2019-03-29T10:00:00.000Z']
    for (const timestamp of times) {
      await jane.post(
        'event',
        event({ timestamp, content: { resource: { href: 'run/order' }, state: timestamp } }),
      )
    }
    const listed = async (parameters: Record<string, string>): Promise<unknown[]> => {
      const filter = "content/resource/href='run/order'"
      const more = parameters['$filter'] === undefined ? filter : `${filter} and ${parameters['$filter']}`
      const body = (await jane.search('event', { ...parameters, $filter: more })).json()
      return [...(body['events'] ?? [])].map(({ timestamp }) => text(timestamp).slice(11, 13))
    }
    expect(await listed({})).toEqual(['11', '10', '09'])
    expect(await listed({ $orderby: 'timestamp' })).toEqual(['09', '10', '11'])
    expect(await listed({ $filter: 'timestamp>2019-03-29T09:00:00.000Z' })).toEqual(['11', '10'])
    expect(
      await listed({ $filter: "(type='state' or type='action') and timestamp>'2019-03-29T10:00:00Z'" }),
    ).toEqual(['11'])
  })

  it('tell the story of a run to its owner, one after the other', async () => {
    const deployed = await call('POST', `${slipstream.url}/run`, {
      headers: { cookie: await cookieOfJane(), 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        refqname: 'module/apps/WordPress/wordpress',
        'bypass-ssh-check': 'true',
      }).toString(),
    })
    expect(deployed.status).toBe(201)
    const run = new URL(text(deployed.headers.location)).pathname.slice(1)
    cloud.clock.advance(3_600_000)
    const $filter = `content/resource/href='${run}' and (type='state' or type='action')`
    const { events = [] } = (await jane.search('event', { $filter })).json() as unknown as Record<
      string,
      Json
    >
    const states = [...events].map(({ content }) => text(content?.['state']))
    expect(states).toContain('Created')
    expect(states.indexOf('Ready')).toBeLessThan(states.indexOf('Executing'))
    expect(states.indexOf('Executing')).toBeLessThan(states.indexOf('Provisioning'))
    const times = [...events].map(({ timestamp }) => text(timestamp))
    expect(new Set(times).size).toBe(times.length)
    for (const stranger of [bob, nobody]) {
      expect((await stranger.search('event', { $filter })).json()['count']).toBe(0)
    }
  })

  it('have to be of their form', async () => {
    const wrong = [
      { type: 'other' },
      { severity: 'odd' },
      { timestamp: 'yesterday' },
      { content: { state: 'x' } },
      { content: { resource: { href: 'run/1' } } },
      { more: 1 },
    ]
    for (const more of wrong) {
      const answer = await jane.post('event', event(more))
      expect(answer.status).toBe(400)
      expect(answer.json()['message']).toMatch(/^resource does not satisfy defined schema:\n/)
    }
  })
})

describe('users', () => {
  it('of the XML side are those of this one', async () => {
    const xml =
      '<user name="carol" password="s3cret-of-carol" email="c@example.org" firstName="Carol" lastName="C"/>'
    const login = {
      username: slipstream.privilegedUser.username,
      password: slipstream.privilegedUser.password,
    }
    const session = await nobody.post('session', {
      sessionTemplate: { href: 'session-template/internal', ...login },
    })
    const put = await call('PUT', `${slipstream.url}/user/carol`, {
      headers: { cookie: cookieOf(session), accept: 'application/xml', 'content-type': 'application/xml' },
      body: xml,
    })
    expect(put.status).toBe(201)
    const carol = await loggedIn(slipstream, { username: 'carol', password: 's3cret-of-carol' })
    expect((await carol.search('user')).json()).toMatchObject({
      count: 1,
      users: [{ id: 'user/carol', username: 'carol', emailAddress: 'c@example.org', firstName: 'Carol' }],
    })
  })
})

describe('external objects', () => {
  it('are downloaded by a link that needs no cookie', async () => {
    const body = (
      await jane.search('external-object', { $filter: 'state="ready" and objectType="report"' })
    ).json()
    expect(body['count']).toBe(1)
    const [report] = [...(body['externalObjects'] ?? [])]
    const rel = 'http://sixsq.com/slipstream/1/action/download'
    const href = `${text(report?.['id'])}/download`
    expect(report?.['operations']).toEqual([{ rel, href }])
    const answer = await jane.post(href)
    expect(answer.status).toBe(200)
    const uri = text(answer.json()['uri'])
    const content = await call('GET', uri)
    expect([content.status, content.text]).toEqual([200, 'Everything went well.\n'])
    expect((await call('GET', uri.replace(/signature=./, 'signature=_'))).status).toBe(403)
    expect((await call('POST', uri)).status).toBe(405)
    expect((await bob.post(href)).status).toBe(403)
    slipstream.documents.put('external-object', Object.assign({}, report, { state: 'new' }))
    expect(relsOf((await jane.get(text(report?.['id']))).json())).toEqual([])
    expect((await jane.post(href)).status).toBe(409)
  })
})

describe('the operator', () => {
  it('puts documents where he wants', async () => {
    const made = slipstream.documents.put('job', { state: 'RUNNING', progress: 10 })
    expect(made.id).toMatch(/^job\//)
    expect((await jane.get(made.id)).json()).toMatchObject({ state: 'RUNNING', progress: 10 })
    slipstream.documents.put('job', { id: made.id, state: 'SUCCESS' })
    expect((await jane.get(made.id)).json()['state']).toBe('SUCCESS')
    expect(slipstream.documents.list('job')).toHaveLength(1)
    expect(() => slipstream.documents.put('job', { id: 'jobs/1' })).toThrow('job/')
  })
})

it('has the same ids and secrets for the same seed', async () => {
  const own = await startCloud({ clouds: ['slipstream', 'nuvla'], seed: 7 })
  const again = await startCloud({ clouds: ['slipstream', 'nuvla'], seed: 7 })
  const other = await startCloud({ clouds: ['slipstream', 'nuvla'], seed: 8 })
  try {
    const facts = ({ slipstream: one, nuvla: two }: EmbeddedCloud): unknown[] => [
      one.apiKey,
      one.documents.list('virtual-machine').map(({ id }) => id),
      two.apiKey,
      two.modules,
      two.user.id,
    ]
    expect(facts(again)).toEqual(facts(own))
    expect(facts(other)).not.toEqual(facts(own))
    expect(own.slipstream.apiKey).toEqual(slipstream.apiKey)
  } finally {
    await Promise.all([own, again, other].map((each) => each.close()))
  }
})

it('can be spoiled by faults like every other cloud', async () => {
  cloud.faults.add({ cloud: 'slipstream', path: '/api/connector', fault: { kind: 'status', status: 503 } })
  cloud.faults.add({ cloud: 'slipstream', path: '/api/connector', fault: { kind: 'malformed-body' } })
  expect((await jane.get('connector')).status).toBe(503)
  const half = await jane.get('connector')
  expect(half.status).toBe(200)
  expect(() => half.json()).toThrow(SyntaxError)
  expect((await jane.get('connector')).json()['count']).toBe(2)
})
