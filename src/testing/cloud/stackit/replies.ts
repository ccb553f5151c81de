import type { Call } from './call.js'
import type { Content } from './documents.js'
import { fit, fitFields } from './fit.js'
import { StackitFailure } from './failures.js'
import { itemSchema, itemsField, wrapperOf } from './kinds.js'
import { cutPage, filterItems } from './pages.js'
import type { Reply } from './reply.js'
import { listResources, originOf } from './resources.js'
import { at, hex, sample, type Origin } from './samples.js'
import type { Schema } from './documents.js'
import { isFields, type Fields } from './schemas.js'
import type { Resource } from './store.js'
import { collectionOf } from './store.js'

/** The status of a success: of several, whether it is new or already done decides. */
export function successStatus(call: Call, isNew: boolean): number {
  const statuses = Object.keys(call.plan.operation.answers).map(Number)
  const wanted =
    statuses.length === 1
      ? statuses[0]
      : isNew
        ? (statuses.find((one) => one === 201) ?? statuses[0])
        : undefined
  return wanted ?? (statuses.includes(202) && !statuses.includes(201) ? 202 : (statuses[0] ?? 200))
}

/** The answer of an operation that is about one resource, or about none. */
export function replyWith(
  call: Call,
  resource: Resource | undefined,
  options: { readonly known?: Fields; readonly status?: number; readonly isNew?: boolean } = {},
): Reply {
  const { api, plan } = call
  const { schemas } = api.model
  const status = options.status ?? successStatus(call, options.isNew ?? false)
  if (resource !== undefined && plan.operation.method === 'GET') {
    resource.looks += 1
    const { refused } = resource
    if (refused !== undefined) throw new StackitFailure(refused.status, refused.message)
  }
  const content = plan.operation.answers[String(status)]
  const schema = content?.schema
  if (content === undefined || schema === undefined) return { status }
  const origin = originFor(call, resource)
  const text = textReply(call, content, origin)
  if (text !== undefined) return { status, ...text }
  const field = itemsField(schemas, schema)
  const isGiven = field !== undefined && options.known !== undefined && field in options.known
  if (!isGiven && isListAnswer(call, schema)) return listReply(call, collectionFor(call, resource), status)
  const known = { ...(resource?.fields ?? {}), ...options.known }
  const wrapper = wrapperOf(schemas, schema)
  if (wrapper !== undefined && known[wrapper] === undefined) {
    const inner = schemas.shape(schema)?.properties[wrapper] ?? {}
    const { message: _message, ...own } = known
    const outer = { ...options.known, [wrapper]: fit(schemas, inner, own, at(origin, wrapper)) }
    const body = fitFields(schemas, schema, outer, origin)
    return { status, body: { ...body, [wrapper]: withExtra(body[wrapper], resource) } }
  }
  return { status, body: withExtra(fit(schemas, schema, known, origin), resource) }
}

function withExtra(body: unknown, resource: Resource | undefined): unknown {
  return isFields(body) && resource?.extra !== undefined ? { ...body, ...resource.extra } : body
}

function originFor(call: Call, resource: Resource | undefined): Origin {
  const { api, given, path } = call
  const own = resource === undefined ? undefined : originOf(api, resource)
  const names = Object.fromEntries(Object.entries(given).filter(([name]) => name !== 'name' && name !== 'id'))
  return {
    seed: own?.seed ?? `${api.world.seed}${path}`,
    time: own?.time ?? api.world.wallNow(),
    given: { ...own?.given, ...names, ...('projectId' in given ? { project: given['projectId'] } : {}) },
    // What is only to be looked at shows how it looks.
    ...(call.plan.act === 'view' || call.plan.act === 'act' ? { items: 1 } : {}),
  }
}

/** Text and bytes, if that is what the operation has, or what was asked for. */
function textReply(call: Call, content: Content, origin: Origin): Omit<Reply, 'status'> | undefined {
  const types = content.types ?? ['application/json']
  const wanted = (call.exchange.headers.accept ?? '').split(',').map((part) => part.split(';', 1)[0]?.trim())
  const type = types.find((one) => wanted.includes(one)) ?? types[0] ?? 'application/json'
  if (type.includes('json') || type === '*/*') return undefined
  const id = hex(origin.seed, 8)
  return { type, body: type === 'text/csv' ? `id,name\n${id},sample\n` : `sample ${id}\n` }
}

/** Whether an answer is the list of the collection that the call is about. */
function isListAnswer(call: Call, schema: Schema): boolean {
  const { plan, api } = call
  const { schemas } = api.model
  const { kind } = plan
  const field = itemsField(schemas, schema)
  if (kind.collection === undefined || field === undefined) return false
  if (plan.act === 'list') return true
  const properties = schemas.shape(schema)?.properties ?? {}
  return (
    !(kind.keyField !== undefined && kind.keyField in properties) && wrapperOf(schemas, schema) === undefined
  )
}

function collectionFor(call: Call, resource: Resource | undefined): string {
  if (resource !== undefined) return collectionOf(resource.path)
  return call.plan.operation.path.endsWith('}') && call.plan.act !== 'list'
    ? collectionOf(call.path)
    : call.path
}

export function listReply(call: Call, collection: string, status?: number): Reply {
  return replyWithItems(call, listResources(call.api, collection, call.plan.kind), status)
}

/** A page of these, as the query asks for. */
export function replyWithItems(
  call: Call,
  resources: readonly Resource[],
  status = successStatus(call, false),
): Reply {
  const { api, plan, query } = call
  const { schemas } = api.model
  const schema = plan.operation.answers[String(status)]?.schema
  if (schema === undefined) return { status }
  const refused = resources.find((resource) => resource.refused !== undefined)?.refused
  if (refused !== undefined) throw new StackitFailure(refused.status, refused.message)
  const kept = filterItems(resources, query)
  const page = cutPage({
    schemas,
    operation: plan.operation,
    query,
    items: kept,
    emptyLastPage: api.world.emptyLastPage,
  })
  const inner = itemSchema(schemas, schema) ?? {}
  const items = page.items.map((resource) => {
    const origin = originOf(api, resource)
    if (schemas.resolve(inner).type === 'string') return resource.key
    return fit(schemas, inner, resource.fields, origin)
  })
  const field = itemsField(schemas, schema)
  if (field === '') return { status, body: items }
  const origin = originFor(call, undefined)
  return { status, body: fitFields(schemas, schema, { ...page.beside, [field ?? 'items']: items }, origin) }
}

/** An answer made up as a whole. */
export function sampleReply(call: Call, status?: number): Reply {
  const code = status ?? successStatus(call, false)
  const content = call.plan.operation.answers[String(code)]
  if (content?.schema === undefined) return { status: code }
  const origin = originFor(call, undefined)
  const text = textReply(call, content, origin)
  return text === undefined
    ? { status: code, body: sample(call.api.model.schemas, content.schema, origin) }
    : { status: code, ...text }
}
