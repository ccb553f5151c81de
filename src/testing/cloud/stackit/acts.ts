import type { Call } from './call.js'
import { StackitFailure } from './failures.js'
import { itemSchema, successSchema, type Kind } from './kinds.js'
import type { Reply } from './reply.js'
import { listReply, replyWith } from './replies.js'
import {
  changeResource,
  findResource,
  listResources,
  makeResource,
  startUsualWalk,
  startWalk,
  type WalkDetails,
} from './resources.js'
import { isFields } from './schemas.js'
import { collectionOf, type Resource } from './store.js'

/** What an operation does unless its service has something of its own in mind. */
export function usual(call: Call): Reply {
  switch (call.plan.act) {
    case 'list':
      return listReply(call, call.path)
    case 'create':
      return create(call)
    case 'get':
      return replyWith(call, isAlwaysThere(call) ? present(call) : findResource(call.api, call.path))
    case 'write':
      return write(call)
    case 'put':
      return put(call)
    case 'remove':
      return remove(call)
    case 'clear':
      return clear(call)
    case 'bulk':
      return bulk(call)
    case 'view':
    case 'act':
      return replyWith(call, parentOf(call))
  }
}

/** The nearest resource on the way to what the call is about. */
export function parentOf(call: Call): Resource | undefined {
  const last = call.plan.parents.at(-1)
  if (last === undefined) return undefined
  return findResource(
    call.api,
    call.path
      .split('/')
      .slice(0, last.segments + 1)
      .join('/'),
  )
}

/** Makes a resource in the collection of the call, and lets it walk. */
export function makeFrom(call: Call, sent: unknown, options: MakeOptions = {}): Resource {
  const { api, given } = call
  const { kind = call.plan.kind, below = call.path, key, details } = options
  const collection = below.split('/').at(-1) ?? ''
  const limit = api.world.limits.get(`${api.model.document.service} ${collection}`)
  if (limit !== undefined && api.store.list(below).length >= limit)
    throw new StackitFailure(409, `The quota for ${collection} is used up`)
  const resource = makeResource(api, { kind, below, given, sent, ...(key === undefined ? {} : { key }) })
  if (options.isStill !== true) startUsualWalk(call, resource, 'create', details)
  api.behaviour.made?.(call, resource)
  return resource
}

export interface MakeOptions {
  readonly key?: string | undefined
  readonly kind?: Kind
  /** Path of the collection. */
  readonly below?: string
  readonly details?: WalkDetails
  /** It does not walk. */
  readonly isStill?: true
}

function create(call: Call): Reply {
  const { body } = call
  // Some take a whole list at once.
  const [name] = isFields(body) ? Object.keys(body) : []
  const list = isFields(body) && name !== undefined && isListOf(call, name) ? body[name] : undefined
  if (Array.isArray(list)) {
    const made = list.map((sent) => makeFrom(call, sent))
    return replyWith(call, made[0], { isNew: true })
  }
  return replyWith(call, makeFrom(call, body), { isNew: true })
}

function isListOf(call: Call, name: string): boolean {
  const { schemas } = call.api.model
  const answer = successSchema(call.plan.operation)
  return itemSchema(schemas, answer) !== undefined && name in (schemas.shape(answer ?? {})?.properties ?? {})
}

/** What there is once is there without being made, unless it can be made and taken away. */
function isAlwaysThere({ api, plan: { kind } }: Call): boolean {
  const { PUT, POST, DELETE } = kind.operations
  const isMade = (PUT !== undefined || POST !== undefined) && DELETE !== undefined
  // A project or a region is there, whatever may be switched on in it.
  const isThere =
    kind.template.endsWith('/{}') || api.hints.there?.some((end) => kind.template.endsWith(end)) === true
  return kind.collection === undefined && (isThere || !isMade)
}

function present(call: Call): Resource {
  const { api, path, given, plan } = call
  return api.store.get(path) ?? makeResource(api, { kind: plan.kind, below: path, given })
}

function write(call: Call): Reply {
  const { api, plan, body, path } = call
  const resource = isAlwaysThere(call) ? present(call) : findResource(api, path)
  changeResource(api, resource, body, plan.operation.method === 'PATCH')
  startUsualWalk(call, resource, 'update')
  return replyWith(call, resource)
}

/** Makes it where it is not, else writes over it. */
function put(call: Call): Reply {
  const { api, plan, path, body } = call
  if (isAlwaysThere(call) || api.store.get(path) !== undefined) return write(call)
  const key =
    plan.kind.collection === undefined ? undefined : decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
  const below = plan.kind.collection === undefined ? path : collectionOf(path)
  return replyWith(call, makeFrom(call, body, { key, below }), { isNew: true })
}

function remove(call: Call): Reply {
  const { api, path } = call
  const resource = isAlwaysThere(call) ? present(call) : findResource(api, path)
  const isWalking = startUsualWalk(call, resource, 'remove')
  if (!isWalking) api.store.remove(path)
  return replyWith(call, resource)
}

/** Takes away what the query names, or all of a collection. */
function clear(call: Call): Reply {
  const { api, plan, query, path } = call
  const keys = Object.values(query).flat().map(String)
  const members = listResources(api, path, plan.kind)
  const chosen = keys.length === 0 ? members : members.filter(({ key }) => keys.includes(key))
  for (const resource of chosen) {
    const walk = api.lifecycle(plan.kind.template)?.remove
    if (walk === undefined) api.store.remove(resource.path)
    else startWalk(call, resource, walk)
  }
  return replyWith(call, undefined)
}

/** Writes over several of a collection by their keys; with PUT, over all of it. */
function bulk(call: Call): Reply {
  const { api, plan, body, path } = call
  const { kind, operation } = plan
  const sent = Array.isArray(body) ? (body as unknown[]) : [body]
  const keyOf = (one: unknown): string | undefined => {
    const value = isFields(one) && kind.keyField !== undefined ? one[kind.keyField] : undefined
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
  }
  if (operation.method === 'PUT' && Array.isArray(body)) {
    const keys = sent.map(keyOf)
    for (const { key, path: old } of api.store.list(path)) if (!keys.includes(key)) api.store.remove(old)
  }
  let last: Resource | undefined
  for (const one of sent) {
    const key = keyOf(one)
    const old = key === undefined ? undefined : api.store.get(`${path}/${encodeURIComponent(key)}`)
    if (old === undefined) last = makeFrom(call, one)
    else {
      changeResource(api, old, one, operation.method === 'PATCH')
      last = old
    }
  }
  return replyWith(call, last)
}
