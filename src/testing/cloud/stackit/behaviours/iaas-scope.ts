import type { Api, Call } from '../call.js'
import { StackitFailure } from '../failures.js'
import { makeFrom, type MakeOptions } from '../acts.js'
import { findResource, segments } from '../resources.js'
import type { Kind } from '../kinds.js'
import type { Resource } from '../store.js'

/** `/v2/projects/…/regions/…` of a path, or what stands for it in versions without regions. */
export function scopeOf(path: string): string {
  return /^\/[^/]+\/(?:projects|organizations)\/[^/]+(?:\/regions\/[^/]+)?/.exec(path)?.[0] ?? path
}

export function kindIn(api: Api, collection: string): Kind {
  const kind = api.model.kindAt([...segments(collection), 'x'])
  if (kind === undefined) throw new Error(`${collection} has no members`)
  return kind
}

/** All of a collection of the project and region of a call. */
export function allIn(call: Call, collection: string): readonly Resource[] {
  return call.api.store.list(`${scopeOf(call.path)}/${collection}`)
}

/** By key; what is not there is a 404. */
export function oneIn(call: Call, collection: string, key: unknown): Resource {
  return findResource(call.api, `${scopeOf(call.path)}/${collection}/${encodeURIComponent(String(key))}`)
}

/** Makes one in a collection other than that of the call. */
export function makeIn(
  call: Call,
  collection: string,
  sent: unknown,
  options: Omit<MakeOptions, 'kind' | 'below'> = {},
): Resource {
  const below = collection.startsWith('/') ? collection : `${scopeOf(call.path)}/${collection}`
  return makeFrom(call, sent, { ...options, kind: kindIn(call.api, below), below })
}

export function conflict(message: string): StackitFailure {
  return new StackitFailure(409, message)
}
