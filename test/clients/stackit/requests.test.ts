import { inspect } from 'node:util'
import { lastValueFrom } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { CloudError } from '../../../src/errors.js'
import type { CallOptions, HttpRequest } from '../../../src/http/types.js'
import { zooClient } from './definition.js'

const anything = { 'GET /*': {}, 'POST /*': { status: 200 }, 'PATCH /*': { status: 202 } }

/** The request that a call makes; an answer that does not fit is of no interest here. */
async function requestOf(name: string, args: object, options?: CallOptions): Promise<HttpRequest> {
  const { cloud, requests } = zooClient(anything, { organizationId: 'o1' })
  await lastValueFrom(cloud.zoo[name]!(args as never, options)).catch(() => undefined)
  expect(requests).toHaveLength(1)
  return requests[0]!
}

/** What is wrong with arguments, one by one. */
function problemsOf(name: string, args: object): string[] {
  const { cloud, requests } = zooClient({}, { organizationId: 'o1' })
  try {
    cloud.zoo[name]!(args as never)
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    expect(requests).toEqual([])
    return (error as TypeError).message.split('; ')
  }
  return []
}

const animal = { name: 'ann', kind: 'cat' }

describe('a path', () => {
  it.each([
    ['plain-1', 'plain-1'],
    ['a b/c', 'a%20b%2Fc'],
    ["it's (*)!", 'it%27s%20%28%2A%29%21'],
    ['robot@sa.stackit.cloud', 'robot%40sa.stackit.cloud'],
    ['ä%', '%C3%A4%25'],
  ])('has each argument as one segment: %s', async (keeper, encoded) => {
    const { path } = await requestOf('feed', { keeper, times: 7 })
    expect(path).toBe(`/v2/organizations/o1/${encoded}:feed/7`)
  })

  it.each(['', '.', '..'])('is not led elsewhere: "%s"', (keeper) => {
    expect(problemsOf('feed', { keeper, times: 1 })).toEqual([
      'args.keeper: must not be empty, nor made of dots',
    ])
  })
})

describe('a query', () => {
  const queryOf = async (args: object): Promise<string> =>
    (await requestOf('search', { must: 'm', ...args })).path.replace('/v2/search?', '')

  it.each<[object, string]>([
    [{}, 'must=m'],
    [{ limit: undefined }, 'must=m'],
    [{ 'name[eq]': 'a b&c' }, 'name[eq]=a%20b%26c&must=m'],
    [{ ids: ['x', 'y,z'] }, 'ids=x&ids=y%2Cz&must=m'],
    [{ ids: [] }, 'must=m'],
    [{ 'key[eq]': ['x', 'y,z'] }, 'key[eq]=x,y%2Cz&must=m'],
    [{ 'key[eq]': [] }, 'must=m'],
    [
      { label_selector: { environment: 'production', 'a/b': 'c' } },
      'label_selector[environment]=production&label_selector[a%2Fb]=c&must=m',
    ],
    [{ filters: { direction: 'in', port: '1' } }, 'direction=in&port=1&must=m'],
    [{ details: true }, 'details=true&must=m'],
    [{ details: false, limit: 5 }, 'details=false&limit=5&must=m'],
    // Values that are listed are those known today.
    [{ direction: 'sideways' }, 'direction=sideways&must=m'],
  ])('of %j is %s', async (args, expected) => {
    expect(await queryOf(args)).toBe(expected)
  })

  it('is not there without parameters', async () => {
    expect((await requestOf('backup', {})).path).toBe('/v2/backup')
  })
})

describe('headers', () => {
  it('come from arguments, by their names', async () => {
    const { headers } = await requestOf('addAnimal', { 'X-Request-ID': 'r1', body: animal })
    expect(headers).toMatchObject({ 'x-request-id': 'r1', 'content-type': 'application/json' })
    expect(problemsOf('addAnimal', { 'X-Request-ID': 'a\r\nb: c', body: animal })).toEqual([
      'args.X-Request-ID: cannot stand in a header',
    ])
  })

  it.each<[string, object, string]>([
    ['getAnimal', { animalId: 'a' }, 'application/json'],
    ['search', { must: 'm' }, 'application/json'],
    ['backup', {}, 'application/octet-stream'],
    ['log', {}, 'text/csv, text/plain'],
    ['report', {}, 'application/json'],
    ['report', { Accept: 'text/csv' }, 'text/csv'],
  ])('ask for what %s offers, %j', async (name, args, accept) => {
    expect((await requestOf(name, args)).headers).toMatchObject({ accept })
  })
})

describe('a body', () => {
  it.each<[string, unknown, string, string, string?]>([
    [
      'addAnimal',
      { ...animal, label: null, diet: undefined },
      'application/json',
      '{"name":"ann","kind":"cat","label":null}',
    ],
    ['importAnimals', { items: [] }, 'application/json', '{"items":[]}'],
    ['importAnimals', 'a,b', 'text/csv', 'a,b'],
    ['importAnimals', 'a b', 'text/plain', 'a b', 'text/plain'],
    ['patchAnimal', animal, 'application/json', JSON.stringify(animal)],
    ['patchAnimal', [{ op: 'remove' }], 'application/json-patch+json', '[{"op":"remove"}]'],
    [
      'grant',
      { grant_type: 'urn:a b', n: 1, not: null },
      'application/x-www-form-urlencoded',
      'grant_type=urn%3Aa+b&n=1',
    ],
  ])('of %s, %j, is %s', async (name, body, type, expected, wanted) => {
    const options = wanted === undefined ? {} : { headers: { 'Content-Type': wanted } }
    const request = await requestOf(name, { body }, options)
    expect(request.headers['content-type']).toBe(type)
    expect(request.body).toBe(expected)
  })

  it('may be left out where it is not required', async () => {
    const request = await requestOf('feed', { keeper: 'k', times: 1 })
    expect(request.body).toBeUndefined()
    expect(request.headers).not.toHaveProperty('content-type')
    expect(problemsOf('addAnimal', {})).toEqual(['args.body: is missing'])
  })
})

describe('arguments are refused', () => {
  it.each<[string, string, object, string[]]>([
    ['a parameter that is missing', 'search', {}, ['args.must: is missing']],
    ['one of the path that is missing', 'feed', { times: 1 }, ['args.keeper: is missing']],
    ['one of another kind', 'search', { must: 1 }, ['args.must: expected string, received number']],
    [
      'a number as a text',
      'search',
      { must: 'm', limit: '5' },
      ['args.limit: expected number, received string'],
    ],
    ['half a number', 'search', { must: 'm', limit: 1.5 }, ['args.limit: expected int, received number']],
    ['no number', 'search', { must: 'm', limit: Number.NaN }, ['args.limit: expected number, received NaN']],
    ['too much', 'search', { must: 'm', limit: 101 }, ['args.limit: Too big: expected number to be <=100']],
    ['a text as a list', 'search', { must: 'm', ids: 'x' }, ['args.ids: expected array, received string']],
    ['an item', 'search', { must: 'm', ids: ['x', 1] }, ['args.ids[1]: expected string, received number']],
    ['a pattern', 'search', { must: 'm', code: 'A' }, ['args.code: must match pattern /^[a-z]+$/']],
    [
      'a length',
      'search',
      { must: 'm', short: 'abcdef' },
      ['args.short: Too big: expected string to have <=5 characters'],
    ],
    [
      'several, all named',
      'search',
      { limit: 0, details: 'yes', pagesize: 1 },
      [
        'args.details: expected boolean, received string',
        'args.limit: Too small: expected number to be >=1',
        'args.must: is missing',
        'args.pagesize: there is no such parameter',
      ],
    ],
    ['a body where there is none', 'backup', { body: {} }, ['args.body: there is no such parameter']],
    [
      'fields that are missing',
      'addAnimal',
      { body: {} },
      ['args.body.name: is missing', 'args.body.kind: is missing'],
    ],
    ['no object', 'addAnimal', { body: 'ann' }, ['args.body: expected object, received string']],
    [
      'deep fields',
      'addAnimal',
      { body: { ...animal, legs: -1, friends: [{ name: 'b' }, {}] } },
      ['args.body.legs: Too small: expected number to be >=0', 'args.body.friends[1].name: is missing'],
    ],
    [
      'too many items',
      'addAnimal',
      { body: { ...animal, friends: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] } },
      ['args.body.friends: Too big: expected array to have <=2 items'],
    ],
    [
      'a null',
      'addAnimal',
      { body: { ...animal, legs: null } },
      ['args.body.legs: expected number, received null'],
    ],
    [
      'the form that a field names',
      'addAnimal',
      { body: { ...animal, diet: { type: 'meat', kilos: 'two' } } },
      ['args.body.diet.kilos: expected number, received string'],
    ],
    [
      'a form without its field',
      'addAnimal',
      { body: { ...animal, diet: {} } },
      ['args.body.diet.type: is missing'],
    ],
    [
      'the form that is closest',
      'addAnimal',
      { body: { ...animal, home: { depth: 'deep', name: 'n' } } },
      ['args.body.home.depth: expected number, received string'],
    ],
    [
      'a text that is not offered',
      'patchAnimal',
      { body: 'x' },
      ['args.body: expected object, received string'],
    ],
  ])('for %s', (_, name, args, expected) => {
    expect(problemsOf(name, args).sort()).toEqual([...expected].sort())
  })

  it.each<[string, object]>([
    ['a value that is not listed', { ...animal, kind: 'unicorn' }],
    ['a field that is not known', { ...animal, horn: 1 }],
    ['a null where it may be', { ...animal, label: null }],
    ['a form that is not known', { ...animal, diet: { type: 'grxss', anything: 1 } }],
    ['a form that is known', { ...animal, diet: { type: 'gr.ss' } }],
  ])('but not for %s', (_, body) => {
    expect(problemsOf('addAnimal', { body })).toEqual([])
  })
})

it('a secret that is sent is seen nowhere else, even if the service repeats it', async () => {
  const password = 'two "lines"\n& more'
  const echoed = { message: `no good: ${password}`, code: 400 }
  const { cloud } = zooClient({
    'POST /v2/projects/p1/animals': [
      { status: 400, json: echoed },
      { status: 400, body: encodeURIComponent(password) },
    ],
  })
  const events: unknown[] = []
  cloud.traffic.subscribe((event) => events.push(event))
  const call = cloud.zoo['addAnimal']!({ body: { ...animal, credentials: { password, user: 'u' } } })
  for (let turn = 0; turn < 2; turn++) {
    const error = await lastValueFrom(call).catch((thrown: unknown) => thrown as CloudError)
    expect(error).toMatchObject({ status: 400 })
    for (const shown of [inspect(error), JSON.stringify(error), inspect(events, { depth: 9 })]) {
      expect(shown).not.toMatch(/lines/)
    }
  }
})
