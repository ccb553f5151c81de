import { describe, expect, it } from 'vitest'
import type { Operation, Property, Schema, Service } from '../../scripts/generate/model.js'
import { openDocuments } from '../../scripts/generate-stackit/documents.js'
import { pageOf } from '../../scripts/generate-stackit/paging.js'
import { readService } from '../../scripts/generate-stackit/service.js'
import { describeWithDocuments, stackitSpecs } from '../api-documents.js'

const text: Schema = { kind: 'string' }
const list: Schema = { kind: 'array', items: text }
const object = (fields: Readonly<Record<string, Schema>>): Schema => ({
  kind: 'object',
  properties: Object.entries(fields).map(([name, schema]): Property => ({ name, schema, required: false })),
})

/** A list that takes these parameters and answers with these fields. */
function pagesOf(parameters: readonly string[], fields: Readonly<Record<string, Schema>>, status = 200) {
  const operation: Operation = {
    id: 'ListThings',
    name: 'listThings',
    typeName: 'ListThings',
    method: 'GET',
    path: '/things',
    parameters: parameters.map((name) => ({ name, in: 'query', required: false, schema: text })),
    answers: [{ status, types: ['application/json'], schema: { kind: 'reference', name: 'Things' } }],
    permissions: [],
  }
  const service: Service = {
    service: 'things',
    version: 'v1',
    standard: true,
    name: 'things',
    typeName: 'Things',
    url: 'https://things.api.stackit.cloud',
    schemas: [
      { name: 'Things', schema: object(fields) },
      { name: 'List', schema: list },
    ],
    operations: [operation],
  }
  return pageOf(operation, service)
}

describe('the pages of an operation', () => {
  it.each([
    ['pageToken', 'nextPageToken'],
    ['pageId', 'nextPageId'],
    ['pageIdentifier', 'nextPageIdentifier'],
    ['cursor', 'nextCursor'],
    ['cursor', 'cursor'],
  ])('are named: %s, %s', (parameter, next) => {
    expect(pagesOf([parameter, 'pageSize'], { [next]: text, things: list })).toEqual({
      kind: 'token',
      next,
      parameter,
      items: 'things',
    })
  })

  it('are named deeper down, and may say whether there is another', () => {
    const meta = { nextCursor: text, hasNextPage: { kind: 'boolean' } } as const
    expect(pagesOf(['cursor'], { data: list, meta: object(meta) })).toEqual({
      kind: 'token',
      next: 'meta.nextCursor',
      more: 'meta.hasNextPage',
      parameter: 'cursor',
      items: 'data',
    })
  })

  it.each<[Readonly<Record<string, Schema>>, object]>([
    [{ totalPages: text }, { last: 'totalPages' }],
    [{ pagination: object({ totalPages: text }) }, { last: 'pagination.totalPages' }],
    [{}, {}],
  ])('are counted: %j', (fields, expected) => {
    const things: Schema = { kind: 'reference', name: 'List' }
    expect(pagesOf(['page'], { ...fields, things })).toEqual({
      kind: 'number',
      parameter: 'page',
      items: 'things',
      ...expected,
    })
  })

  it('begin at an item', () => {
    expect(pagesOf(['offset', 'limit'], { items: list })).toEqual({
      kind: 'offset',
      parameter: 'offset',
      size: 'limit',
      items: 'items',
    })
  })

  it.each<[string, readonly string[], Readonly<Record<string, Schema>>, number?]>([
    ['no parameter', [], { nextPageToken: text, items: list }],
    ['no name of a next page', ['cursor', 'limit'], { items: list }],
    ['no list', ['pageToken'], { nextPageToken: text }],
    ['two lists', ['pageToken'], { nextPageToken: text, items: list, errors: list }],
    ['no answer', ['pageToken'], { nextPageToken: text, items: list }, 202],
    ['no way to go on', ['limit'], { items: list }],
  ])('are none with %s', (_, parameters, fields, status) => {
    expect(pagesOf(parameters, fields, status)).toBeUndefined()
  })
})

describeWithDocuments('the documents', () => {
  it('have pages of each style of stackit dossier 10', () => {
    const { index, read } = openDocuments(stackitSpecs)
    const styles: Record<string, string[]> = {}
    for (const row of index) {
      const service = readService(row, read(row))
      for (const operation of service.operations) {
        const page = pageOf(operation, service)
        if (page === undefined) continue
        const key =
          page.kind === 'token'
            ? `${page.parameter} ${page.next}`
            : `${page.kind} ${page.kind === 'number' ? (page.last ?? '') : page.size}`
        ;(styles[key] ??= []).push(`${row.service}/${row.version}`)
      }
    }
    const counts = Object.entries(styles).map(([key, where]) => [key, where.length, new Set(where).size])
    expect(counts.sort()).toEqual([
      ['cursor cursor', 9, 3],
      ['cursor meta.nextCursor', 14, 2],
      ['cursor nextCursor', 2, 2],
      ['number pagination.totalPages', 13, 3],
      ['number totalPages', 3, 2],
      ['offset limit', 3, 1],
      ['pageId nextPageId', 7, 5],
      ['pageIdentifier nextPageIdentifier', 2, 1],
      ['pageToken nextPageToken', 13, 5],
    ])
  })
})
