import type { Api, Call } from './call.js'
import { StackitFailure } from './failures.js'
import type { Kind } from './kinds.js'
import { isGoing, type Lifecycle, type Walk } from './lifecycles.js'
import { at, fitsText, sample, uuid, type Origin } from './samples.js'
import { isFields, textOf, type Fields } from './schemas.js'
import { collectionOf, type Resource } from './store.js'

export function originOf(api: Api, resource: Resource): Origin {
  return { seed: `${api.world.seed}${resource.path}`, time: resource.time, given: resource.given }
}

/** Makes a resource of what was sent, and puts it into the collection. What the server makes is filled in. */
export function makeResource(
  api: Api,
  options: {
    readonly kind: Kind
    /** Path of the collection, or of what there is once. */
    readonly below: string
    readonly given: Readonly<Record<string, string>>
    readonly sent?: unknown
    readonly key?: string
    /** Wall time of its making, ms. Default: now. */
    readonly time?: number
  },
): Resource {
  const { kind, below, time = api.world.wallNow() } = options
  const sent = isFields(options.sent) ? options.sent : {}
  const key = kind.collection === undefined ? '' : (options.key ?? keyFor(api, kind, below, sent))
  const path = kind.collection === undefined ? below : `${below}/${encodeURIComponent(key)}`
  if (api.store.get(path) !== undefined)
    throw new StackitFailure(409, `${titleOf(kind)} ${key} exists already`)
  const given = {
    ...withoutNames(options.given),
    ...synonyms(options.given),
    ...(kind.collection === undefined ? {} : { [`${camel(kind.name)}Id`]: key }),
  }
  const resource: Resource = { kind, path, key, fields: {}, given, time, looks: 0 }
  resource.fields = { ...initial(api, resource), ...withAliases(api, kind, sent) }
  if (kind.keyField !== undefined && kind.collection !== undefined) {
    const schema = api.model.schemas.shape(kind.core ?? {})?.properties[kind.keyField]
    const isNumber =
      schema !== undefined && /integer|number/.test(api.model.schemas.resolve(schema).type ?? '')
    resource.fields[kind.keyField] = isNumber ? Number(key) : key
  }
  api.store.add(resource)
  return resource
}

/** What a server says of a resource at once: required fields, those it alone makes, dates, its state. */
function initial(api: Api, resource: Resource): Record<string, unknown> {
  const { schemas } = api.model
  const origin = originOf(api, resource)
  const core = resource.kind.core
  const shape = core === undefined ? undefined : schemas.shape(core)
  if (core === undefined) return {}
  if (shape === undefined) {
    const value = sample(schemas, core, origin)
    return isFields(value) ? { ...value } : {}
  }
  const made: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(shape.properties)) {
    const found = schemas.resolve(schema)
    if (found.writeOnly === true) continue
    const isMade = found.readOnly === true && found.type !== 'array' && !RARE.test(name)
    if (shape.required.has(name) || isMade || USUAL.test(name))
      made[name] = sample(schemas, schema, at(origin, name), name)
    else if (found.default !== undefined) made[name] = found.default
  }
  return made
}
const RARE =
  /error|message|reason|delet|destroy|progress|last|finished|ended|password|secret|server|device|resources/i
const USUAL =
  /^(id|guid|name|status|state|createdAt|created|createTime|creationTime|created_at|create_time|region|version)$/

/** `instanceName` is the name of an instance. */
function withAliases(api: Api, kind: Kind, sent: Fields): Fields {
  const names = Object.keys(api.model.schemas.shape(kind.core ?? {})?.properties ?? {})
  const found: Record<string, unknown> = { ...sent }
  for (const name of names) {
    const long = `${camel(kind.name)}${name.slice(0, 1).toUpperCase()}${name.slice(1)}`
    if (!(name in sent) && long in sent) found[name] = sent[long]
  }
  return found
}

function keyFor(api: Api, kind: Kind, below: string, sent: Fields): string {
  const { keyField, core } = kind
  const { schemas } = api.model
  const schema = keyField === undefined ? undefined : schemas.shape(core ?? {})?.properties[keyField]
  const found = schema === undefined ? undefined : schemas.resolve(schema)
  const own = keyField === undefined ? undefined : sent[keyField]
  const isOwn = found?.readOnly !== true && !/^(id|guid)$/.test(keyField ?? '')
  if (isOwn && (typeof own === 'string' || typeof own === 'number')) return String(own)
  if (found?.type === 'integer' || found?.type === 'number') {
    const taken = api.store.list(below).map(({ key }) => Number(key))
    return String(Math.max(0, ...taken) + 1)
  }
  const id = api.world.chance.uuid()
  if (found === undefined || (fitsText(found, id) && !/name|email/i.test(keyField ?? ''))) return id
  const made = sample(schemas, found, { seed: id, time: api.world.wallNow(), given: {} }, keyField)
  return typeof made === 'string' ? made : id
}

/** Finds a resource by its path; what is not there, or is not yet to be seen, is a 404 or what else its kind answers. */
export function findResource(api: Api, path: string): Resource {
  const resource = api.store.get(path) ?? seeded(api, path)
  if (resource === undefined || resource.isLate === true) {
    const status = resource === undefined ? api.store.gone(path) : undefined
    const kind = resource?.kind ?? api.model.kindAt(segments(path))
    const key = decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
    throw new StackitFailure(status ?? api.behaviour.missing ?? 404, `${titleOf(kind)} ${key} was not found`)
  }
  return resource
}

export function segments(path: string): readonly string[] {
  return path.split('/').slice(1)
}

/** All of a collection; what nobody can make is there from the beginning. */
export function listResources(api: Api, collection: string, kind: Kind): readonly Resource[] {
  if (!kind.isMade && api.store.isFirst(collection)) {
    for (const number of [1, 2]) {
      const key = seedKey(api, kind, collection, number)
      const path = `${collection}/${encodeURIComponent(key)}`
      if (api.store.get(path) === undefined) {
        makeResource(api, {
          kind,
          below: collection,
          given: givenOf(kind, collection),
          key,
          time: api.world.wallNow() - 3_600_000 * (3 - number),
        })
      }
    }
  }
  return api.store.list(collection).filter(({ isUnlisted, isLate }) => isUnlisted !== true && isLate !== true)
}

function seeded(api: Api, path: string): Resource | undefined {
  const kind = api.model.kindAt(segments(path))
  if (kind === undefined || kind.isMade || kind.collection === undefined) return undefined
  listResources(api, collectionOf(path), kind)
  return api.store.get(path)
}

function seedKey(api: Api, kind: Kind, collection: string, number: number): string {
  const { schemas } = api.model
  const schema = schemas.shape(kind.core ?? {})?.properties[kind.keyField ?? '']
  const seed = `${api.world.seed}${collection} ${String(number)}`
  if (schema === undefined) return uuid(seed)
  const made = sample(schemas, schema, { seed, time: 0, given: {} }, kind.keyField)
  // Of a field with few values, both would have the same.
  const text = String(made)
  const { enum: values, known } = schemas.resolve(schema)
  return textOf((values ?? known)?.[number - 1] ?? text)
}

/** Parameters of the path of a collection, by the names that its documents have for them. */
export function givenOf(kind: Kind, collection: string): Readonly<Record<string, string>> {
  const whole = kind.operations.GET ?? Object.values(kind.operations)[0]
  const names = whole?.path.split('/').slice(1) ?? []
  return Object.fromEntries(
    segments(collection).flatMap((value, index) => {
      const name = names[index] ?? ''
      return name.startsWith('{') ? [[name.slice(1, -1), decodeURIComponent(value)]] : []
    }),
  )
}

/** A name says nothing about fields of that name elsewhere. */
function withoutNames(given: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).filter(([name]) => !/^(id|name)$/.test(name)))
}

function synonyms(given: Readonly<Record<string, string>>): Record<string, string> {
  const region = given['region'] ?? given['regionId']
  const project = given['projectId']
  return {
    ...(region === undefined ? {} : { region, regionId: region }),
    ...(project === undefined ? {} : { project }),
  }
}

export function camel(name: string): string {
  return name.replace(/[-_]+(\w)/g, (_, letter: string) => letter.toUpperCase())
}

export function titleOf(kind: Kind | undefined): string {
  const name = (kind?.name ?? 'resource').replace(/[-_]+/g, ' ')
  return `The ${name}`
}

/** Writes what was sent over what is there; with `merge`, objects are merged and null takes a key away. */
export function changeResource(api: Api, resource: Resource, sent: unknown, merge: boolean): void {
  if (isFields(sent)) {
    const known = withAliases(api, resource.kind, sent)
    const { keyField } = resource.kind
    const { [keyField ?? '']: key = resource.fields[keyField ?? ''] } = resource.fields
    resource.fields = merge ? mergePatch(resource.fields, known) : { ...resource.fields, ...known }
    if (keyField !== undefined && key !== undefined) resource.fields[keyField] = key
  }
  for (const name of ['updatedAt', 'updateTime', 'updated', 'updated_at', 'update_time', 'updateFinished'])
    if (name in resource.fields) resource.fields[name] = new Date(api.world.wallNow()).toISOString()
}

function mergePatch(target: Fields, patch: Fields): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...target }
  for (const [name, value] of Object.entries(patch)) {
    const old = merged[name]
    if (isFields(value) && isFields(old)) merged[name] = withoutNulls(mergePatch(old, value))
    else merged[name] = value
  }
  return merged
}

function withoutNulls(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
}

export interface WalkDetails {
  readonly done?: () => void
  readonly failed?: (message: string) => void
  readonly vanish?: () => void
  readonly ms?: number
  readonly field?: string
}

/** Begins a walk that this call asked for. */
export function startWalk(call: Call, resource: Resource, walk: Walk, details: WalkDetails = {}): void {
  const { api, plan } = call
  const { steps, walks } = api.world
  const isRemoval = isGoing(walk)
  const usualMs = walk.appears === true ? steps.appearMs : isRemoval ? steps.deleteMs : steps.updateMs
  walks.start({
    service: api.model.document.service,
    operationId: plan.id,
    resource,
    field: details.field ?? api.lifecycle(resource.kind.template)?.field,
    walk,
    ms: details.ms ?? usualMs,
    ...(details.done === undefined ? {} : { done: details.done }),
    failed(message) {
      api.behaviour.failed?.(resource, message)
      details.failed?.(message)
    },
    vanish:
      details.vanish ??
      (() => {
        api.store.remove(resource.path, walk.gone)
      }),
  })
}

/** Begins the walk that resources of this kind take at such an occasion; false if they take none. */
export function startUsualWalk(
  call: Call,
  resource: Resource,
  purpose: keyof Omit<Lifecycle, 'field'>,
  details: WalkDetails = {},
): boolean {
  const walk = call.api.lifecycle(resource.kind.template)?.[purpose]
  if (walk === undefined) return false
  const ms = purpose === 'create' && walk.appears !== true ? { ms: call.api.world.steps.createMs } : {}
  startWalk(call, resource, walk, { ...ms, ...details })
  return true
}
