import { isList, isObject, readSchema, text, type Json, type JsonObject } from './schema-reader.js'

// One OpenAPI document of STACKIT, as the embedded cloud reads it. The generator of the clients has a reader of its own:
// a mistake in one is to show against the other.

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const

export interface DocumentSource {
  readonly service: string
  readonly version: string
  readonly isDefault: boolean
  readonly document: JsonObject
  /** Values that the document tells in prose only, by schema. */
  readonly known: JsonObject
  readonly waiters: readonly JsonObject[]
}

export function readDocument(source: DocumentSource): JsonObject {
  const { document, known } = source
  const components = objectAt(document, 'components')
  const deref = (value: Json | undefined): JsonObject => {
    if (!isObject(value)) return {}
    const reference = value['$ref']
    if (typeof reference !== 'string') return value
    const [, , kind = '', name = ''] = reference.split('/')
    return deref(objectAt(components, kind)[name])
  }
  const operations: Record<string, Json> = {}
  for (const [path, item] of Object.entries(objectAt(document, 'paths'))) {
    if (!isObject(item)) continue
    for (const method of METHODS) {
      const operation = item[method]
      if (!isObject(operation)) continue
      const id = text(operation['operationId'])
      const parameters = readParameters([item['parameters'], operation['parameters']], deref, known)
      const body = readBody(deref(operation['requestBody']), known)
      const answers = readAnswers(objectAt(operation, 'responses'), deref, known)
      operations[id] = {
        method: method.toUpperCase(),
        path,
        ...(Object.keys(parameters).length > 0 ? { parameters } : {}),
        ...(body === undefined ? {} : { body }),
        ...answers,
        ...(isList(operation['security']) && operation['security'].length === 0 ? { open: true } : {}),
      }
    }
  }
  const schemas = Object.entries(objectAt(components, 'schemas'))
  return {
    service: source.service,
    version: source.version,
    ...(source.isDefault ? { default: true } : {}),
    operations,
    schemas: Object.fromEntries(schemas.map(([name, schema]) => [name, readSchema(schema, known, name)])),
    ...(source.waiters.length > 0 ? { waiters: source.waiters.map(readWaiter) } : {}),
  }
}

function readParameters(
  lists: readonly (Json | undefined)[],
  deref: (value: Json | undefined) => JsonObject,
  known: JsonObject,
): JsonObject {
  const parameters: Record<string, Json> = {}
  for (const list of lists) {
    for (const entry of isList(list) ? list : []) {
      const { in: place, name, required, schema, style, explode } = deref(entry)
      const comma = place === 'query' && explode === false
      parameters[text(name)] = {
        in: place ?? '',
        ...(required === true ? { required } : {}),
        ...(style === 'deepObject' ? { style: 'deep' } : comma ? { style: 'comma' } : {}),
        schema: readSchema(schema, known),
      }
    }
  }
  return parameters
}

function readBody(body: JsonObject, known: JsonObject): JsonObject | undefined {
  const content = Object.entries(objectAt(body, 'content'))
  const [first] = content
  if (first === undefined) return undefined
  const [, media] = first
  const types = content.map(([type]) => type)
  return {
    ...(body['required'] === true ? { required: true } : {}),
    ...(types.join() === 'application/json' ? {} : { types }),
    schema: readSchema(isObject(media) ? media['schema'] : undefined, known),
  }
}

function readAnswers(
  responses: JsonObject,
  deref: (value: Json | undefined) => JsonObject,
  known: JsonObject,
): JsonObject {
  const answers: Record<string, Json> = {}
  const errors: Record<string, Json> = {}
  const hasSuccess = Object.keys(responses).some((status) => status.startsWith('2'))
  for (const [status, response] of Object.entries(responses)) {
    const isSuccess = status.startsWith('2') || (!hasSuccess && status.startsWith('3'))
    const content = Object.entries(objectAt(deref(response), 'content'))
    const [first] = content
    const types = content.map(([type]) => type)
    const media = first?.[1]
    const schema = isObject(media) ? media['schema'] : undefined
    const answer = {
      ...(types.length === 0 || types.join() === 'application/json' ? {} : { types }),
      ...(schema === undefined ? {} : { schema: readSchema(schema, known) }),
    }
    if (isSuccess) answers[status] = answer
    else errors[status] = answer
  }
  return { answers, ...(Object.keys(errors).length > 0 ? { errors } : {}) }
}

function readWaiter(waiter: JsonObject): JsonObject {
  const polls = Array.isArray(waiter['poll']) ? (waiter['poll'] as JsonObject[]) : []
  const optional = (from: string, to: string): JsonObject => {
    const value = waiter[from]
    const isEmpty = value === null || value === undefined || (Array.isArray(value) && value.length === 0)
    return isEmpty ? {} : { [to]: value }
  }
  return {
    name: waiter['name'] ?? '',
    kind: waiter['kind'] ?? '',
    polls: polls.map((poll) => poll['operationId'] ?? ''),
    ...optional('stateField', 'field'),
    ...optional('success', 'success'),
    ...optional('failure', 'failure'),
    ...optional('goneStatuses', 'gone'),
  }
}

function objectAt(parent: JsonObject, key: string): JsonObject {
  const value = parent[key]
  return isObject(value) ? value : {}
}
