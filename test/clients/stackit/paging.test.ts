import { lastValueFrom, Observable, take, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { createStackit, type ServiceDefinition } from '../../../src/clients/stackit/index.js'
import type { PageRow } from '../../../src/clients/stackit/service-definition.js'
import type { CallOptions } from '../../../src/http/types.js'
import { fakeTransport } from '../../../src/testing/fake-transport.js'
import { nowhere } from './definition.js'

type Args = Readonly<Record<string, unknown>>
interface Lists {
  readonly list: (args?: Args, options?: CallOptions) => Observable<unknown>
  readonly listAll: (args?: Args, options?: CallOptions) => Observable<unknown>
}

/** What a service answers to a query, by its parameters. */
type Answers = (query: Readonly<Record<string, string>>) => unknown

function paged(page: PageRow, answers: Answers) {
  const names = ['pageToken', 'cursor', 'page', 'pageSize', 'offset', 'limit', 'filter']
  const lists: ServiceDefinition<Lists> = {
    service: 'lists',
    version: 'v1',
    url: 'https://lists.api.stackit.cloud',
    schemas: JSON.stringify({ any: {} }),
    operations: {
      list: {
        method: 'GET',
        path: '/v1/list',
        parameters: Object.fromEntries(names.map((name) => [name, { in: 'query', schema: 'any' }])),
        success: { 200: { schema: 'any' } },
        page,
      },
    },
  }
  const transport = fakeTransport({
    'GET /v1/list': ({ path }) => ({
      json: answers(Object.fromEntries(new URLSearchParams(path.split('?')[1]))),
    }),
  })
  const { lists: client } = createStackit({
    transport,
    token: 't',
    credentialSources: nowhere,
    services: { lists },
  })
  const queries = () => transport.requests.map(({ path }) => path.split('?')[1] ?? '')
  return { client, queries, all: (args?: Args) => lastValueFrom(client.listAll(args).pipe(toArray())) }
}

const token: PageRow = { kind: 'token', next: 'nextPageToken', parameter: 'pageToken', items: 'items' }

/** Pages by name; the first one has none. */
function chain(
  pages: Readonly<Record<string, readonly [items: readonly unknown[], next?: unknown]>>,
): Answers {
  return ({ pageToken = '' }) => {
    const [items, nextPageToken] = pages[pageToken] ?? [['no such page']]
    return { items, ...(nextPageToken === undefined ? {} : { nextPageToken }) }
  }
}

describe('pages that name the next one', () => {
  it('are fetched to the end, with the arguments of the call', async () => {
    const { all, queries } = paged(token, chain({ '': [[1, 2], 'b c'], 'b c': [[3], 'd'], d: [[], ''] }))
    expect(await all({ pageSize: 2, filter: 'x' })).toEqual([1, 2, 3])
    expect(queries()).toEqual([
      'pageSize=2&filter=x',
      'pageToken=b%20c&pageSize=2&filter=x',
      'pageToken=d&pageSize=2&filter=x',
    ])
  })

  it.each([undefined, null, ''])('end where the next one is %j', async (next) => {
    const { all, queries } = paged(token, chain({ '': [[1], next] }))
    expect(await all()).toEqual([1])
    expect(queries()).toHaveLength(1)
  })

  it('may be empty on the way', async () => {
    const { all } = paged(token, chain({ '': [[], 'b'], b: [[1]] }))
    expect(await all()).toEqual([1])
  })

  it('are fetched as they are used', async () => {
    const { client, queries } = paged(token, chain({ '': [[1, 2], 'b'], b: [[3], 'c'], c: [[4]] }))
    expect(await lastValueFrom(client.listAll().pipe(take(2), toArray()))).toEqual([1, 2])
    expect(queries()).toHaveLength(1)
    expect(await lastValueFrom(client.listAll().pipe(take(3), toArray()))).toEqual([1, 2, 3])
    expect(queries()).toHaveLength(3)
  })

  it('begin where the caller says', async () => {
    const { all } = paged(token, chain({ '': [[1], 'b'], b: [[2]] }))
    expect(await all({ pageToken: 'b' })).toEqual([2])
  })

  it('name it in a deeper field, and may say that it is none', async () => {
    const cursor: PageRow = {
      kind: 'token',
      next: 'meta.nextCursor',
      more: 'meta.hasNextPage',
      parameter: 'cursor',
      items: 'data',
    }
    const { all, queries } = paged(cursor, ({ cursor: at }) =>
      at === undefined
        ? { data: [1], meta: { nextCursor: 'b', hasNextPage: true } }
        : { data: [2], meta: { nextCursor: 'c', hasNextPage: false } },
    )
    expect(await all()).toEqual([1, 2])
    expect(queries()).toEqual(['', 'cursor=b'])
  })

  it.each<[string, Readonly<Record<string, readonly [readonly unknown[], string]>>, number]>([
    ['at once', { '': [[1], 'a'], a: [[2], 'a'] }, 2],
    ['at the beginning', { '': [[1], 'a'], a: [[2], 'b'], b: [[3], 'a'] }, 4],
    [
      'far out',
      { '': [[1], 'a'], a: [[2], 'b'], b: [[3], 'c'], c: [[4], 'd'], d: [[5], 'e'], e: [[6], 'c'] },
      10,
    ],
  ])('that lead in a circle end as an error: %s', async (_, pages, most) => {
    const { all, queries } = paged(token, chain(pages))
    await expect(all()).rejects.toMatchObject({
      code: 'SKY_RESPONSE_FORMAT',
      operation: 'stackit.lists.list',
    })
    expect(queries().length).toBeLessThanOrEqual(most)
  })

  it.each([undefined, 'text', { items: 'none' }, [1]])(
    'need not be what they should be: %j',
    async (answer) => {
      const { all } = paged(token, () => answer)
      expect(await all()).toEqual([])
    },
  )
})

describe('pages that are counted', () => {
  const numbered: PageRow = {
    kind: 'number',
    parameter: 'page',
    items: 'items',
    last: 'pagination.totalPages',
  }
  const { last: _, ...open } = numbered
  const pages = [[1, 2], [3, 4], [5]]
  const answers =
    (totalPages?: unknown): Answers =>
    ({ page = '1' }) => ({
      items: pages[Number(page) - 1] ?? [],
      ...(totalPages === undefined ? {} : { pagination: { totalPages } }),
    })

  it.each([3, '3'])('are fetched up to the last: %j', async (last) => {
    const { all, queries } = paged(numbered, answers(last))
    expect(await all({ pageSize: 2 })).toEqual([1, 2, 3, 4, 5])
    expect(queries()).toEqual(['pageSize=2', 'page=2&pageSize=2', 'page=3&pageSize=2'])
  })

  it.each<[string, PageRow, unknown]>([
    ['there is no last', open, undefined],
    ['the last is not told', numbered, undefined],
    ['the last is far too far', numbered, 1e9],
  ])('end with an empty one where %s', async (_what, row, last) => {
    const { all, queries } = paged(row, answers(last))
    expect(await all()).toEqual([1, 2, 3, 4, 5])
    expect(queries()).toHaveLength(4)
  })

  it('end at once where there is nothing', async () => {
    const { all, queries } = paged(numbered, () => ({ items: [], pagination: { totalPages: 0 } }))
    expect(await all()).toEqual([])
    expect(queries()).toHaveLength(1)
  })

  it('begin where the caller says', async () => {
    const { all } = paged(numbered, answers(3))
    expect(await all({ page: 3 })).toEqual([5])
  })

  it('that are always the same are an error', async () => {
    const { all, queries } = paged(open, () => ({ items: [{ id: 'a' }] }))
    await expect(all()).rejects.toMatchObject({ code: 'SKY_RESPONSE_FORMAT' })
    expect(queries()).toHaveLength(2)
  })
})

describe('pages that begin at an item', () => {
  const row: PageRow = { kind: 'offset', parameter: 'offset', size: 'limit', items: 'items' }
  const items = [1, 2, 3, 4]
  const answers =
    (usual: number, told: boolean): Answers =>
    ({ offset = '0', limit = String(usual) }) => ({
      items: items.slice(Number(offset), Number(offset) + Number(limit)),
      ...(told ? { offset: Number(offset), limit: Number(limit) } : {}),
    })

  it.each<[string, Args, number, boolean, string[]]>([
    ['fewer come than were asked for', { limit: 3 }, 9, false, ['limit=3', 'offset=3&limit=3']],
    ['fewer come than the service gives', {}, 3, true, ['', 'offset=3']],
    ['none comes', { limit: 2 }, 9, false, ['limit=2', 'offset=2&limit=2', 'offset=4&limit=2']],
    ['none comes, of a service that tells nothing', {}, 3, false, ['', 'offset=3', 'offset=4']],
  ])('end where %s', async (_what, args, usual, told, expected) => {
    const { all, queries } = paged(row, answers(usual, told))
    expect(await all(args)).toEqual(items)
    expect(queries()).toEqual(expected)
  })

  it('that are always the same are an error', async () => {
    const { all, queries } = paged(row, () => ({ items: [1, 2], limit: 2 }))
    await expect(all()).rejects.toMatchObject({ code: 'SKY_RESPONSE_FORMAT' })
    expect(queries()).toHaveLength(2)
  })

  it('are none with a limit of 0', async () => {
    const { all, queries } = paged(row, answers(3, true))
    expect(await all({ limit: 0 })).toEqual([])
    expect(queries()).toHaveLength(1)
  })
})

it('wrong arguments throw at once, and nothing is sent before the subscription', () => {
  const { client, queries } = paged(token, () => ({}))
  expect(() => client.listAll({ nonsense: 1 })).toThrow(/^args\.nonsense/)
  expect(client.listAll()).toBeInstanceOf(Observable)
  expect(queries()).toEqual([])
})

it('every page is a call with the options that were given', async () => {
  const { client } = paged(token, chain({ '': [[1], 'b'], b: [[2]] }))
  const aborted = AbortSignal.abort(new Error('enough'))
  await expect(lastValueFrom(client.listAll({}, { signal: aborted }))).rejects.toThrow('enough')
})
