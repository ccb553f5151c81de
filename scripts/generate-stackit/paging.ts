import type { PageRow } from '../../src/clients/stackit/service-definition.js'
import type { Operation, Property, Schema, Service } from '../generate/model.js'

/** Query parameters that take the name of a page, each with the fields of the answer that may name the next one. */
const nextPages: readonly (readonly [parameter: string, ...fields: readonly string[]])[] = [
  ['pageToken', 'nextPageToken'],
  ['pageId', 'nextPageId'],
  ['pageIdentifier', 'nextPageIdentifier'],
  ['cursor', 'meta.nextCursor', 'nextCursor', 'cursor'],
]
const morePages = 'meta.hasNextPage'
const lastPages = ['totalPages', 'pagination.totalPages']

/**
 * How the pages of an operation's answer follow each other (stackit dossier 10), told by its parameters and the fields of its
 * answer; `undefined` where the whole comes at once, or where the answer does not say what to ask for next.
 */
export function pageOf(operation: Operation, { schemas }: Service): PageRow | undefined {
  const byName = new Map(schemas.map(({ name, schema }) => [name, schema]))
  const answer = operation.answers.find(
    ({ status, schema }) => status === 200 && schema !== undefined,
  )?.schema
  if (answer === undefined) return undefined
  const fields = fieldsOf(answer, byName)
  const takes = (name: string): boolean =>
    operation.parameters.some((parameter) => parameter.in === 'query' && parameter.name === name)
  const has = (path: string): boolean => fieldAt(answer, path.split('.'), byName) !== undefined
  const lists = fields.filter(({ schema }) => resolved(schema, byName).kind === 'array')
  const [list] = lists
  if (list === undefined || lists.length > 1) return undefined
  const items = list.name

  for (const [parameter, ...candidates] of nextPages) {
    const next = takes(parameter) ? candidates.find(has) : undefined
    if (next === undefined) continue
    return { kind: 'token', next, parameter, items, ...(has(morePages) ? { more: morePages } : {}) }
  }
  if (takes('page')) {
    const last = lastPages.find(has)
    return { kind: 'number', parameter: 'page', items, ...(last === undefined ? {} : { last }) }
  }
  if (takes('offset') && takes('limit')) return { kind: 'offset', parameter: 'offset', size: 'limit', items }
  return undefined
}

type ByName = ReadonlyMap<string, Schema>

function fieldAt(schema: Schema, [name, ...rest]: readonly string[], byName: ByName): Schema | undefined {
  if (name === undefined) return schema
  const field = fieldsOf(schema, byName).find((property) => property.name === name)
  return field === undefined ? undefined : fieldAt(field.schema, rest, byName)
}

function fieldsOf(schema: Schema, byName: ByName): readonly Property[] {
  const actual = resolved(schema, byName)
  return actual.kind === 'object' ? actual.properties : []
}

function resolved(schema: Schema, byName: ByName): Schema {
  let actual = schema
  while (actual.kind === 'reference') {
    const target = byName.get(actual.name)
    if (target === undefined) throw new Error(`there is no schema ${actual.name}`)
    actual = target
  }
  return actual
}
