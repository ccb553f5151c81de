import type { Operation, Schema, ServiceDocument } from './documents.js'
import { singular } from './samples.js'
import { createSchemas, type Schemas } from './schemas.js'

/** A kind of resource: what lies below a collection, or a resource that there is once. */
export interface Kind {
  /** Path of its members with `{}` for every parameter. */
  readonly template: string
  /** Path of its collection; none for what there is once. */
  readonly collection: string | undefined
  /** What `server` is in `/servers/{serverId}`. */
  readonly name: string
  readonly core: Schema | undefined
  /** Field of the core that holds its key, the last segment of its path. */
  readonly keyField: string | undefined
  /** Whether one can make some through the API; what one cannot is there from the beginning. */
  readonly isMade: boolean
  readonly operations: Readonly<Partial<Record<Operation['method'], Operation>>>
}

export type Act = 'list' | 'create' | 'clear' | 'bulk' | 'get' | 'write' | 'put' | 'remove' | 'view' | 'act'

/** What an operation does, as far as its path, its method and its answers tell. */
export interface Plan {
  readonly id: string
  readonly operation: Operation
  readonly act: Act
  readonly kind: Kind
  /** The kinds that its path leads through, with the number of segments of their members' paths. */
  readonly parents: readonly { readonly kind: Kind; readonly segments: number }[]
}

export interface Model {
  readonly document: ServiceDocument
  readonly schemas: Schemas
  readonly plans: readonly Plan[]
  plan(id: string): Plan | undefined
  /** The kind whose members have this path, parameters as values or as `{}`. */
  kindAt(segments: readonly string[]): Kind | undefined
}

/** What the paths of the documents do not tell. */
export interface ModelHints {
  /** Segments that mean another one: the object storage has `bucket/{name}` in `buckets`. */
  readonly segments?: Readonly<Record<string, string>>
  /** Ends of templates whose members come about without a request of their own. */
  readonly made?: readonly string[]
  /** Fields with the keys, by ends of templates, where their names do not tell. */
  readonly keys?: Readonly<Record<string, string>>
  /** Ends of templates of what there is once, and always, though it can be put and deleted. */
  readonly there?: readonly string[]
}

const ROOTS =
  /^\/[^/]+(\/(consumers|vendors))?\/(projects?|organizations|folders|users)\/\{\}(\/regions\/\{\})?$/
const REGION = /^\/[^/]+\/regions\/\{\}(\/project\/\{\})?$/

export function successSchema(operation: Operation | undefined): Schema | undefined {
  return Object.values(operation?.answers ?? {}).find(({ schema }) => schema !== undefined)?.schema
}

/** Segments of a path; parameters are `{}`, aliases are resolved. */
export function segmentsOf(path: string, hints: ModelHints): readonly string[] {
  return path
    .split('/')
    .slice(1)
    .map((segment) =>
      segment.startsWith('{') && segment.endsWith('}') ? '{}' : (hints.segments?.[segment] ?? segment),
    )
}

/** The property that wraps the resource in an answer: `zone` in `{ message, zone }`. */
export function wrapperOf(schemas: Schemas, schema: Schema): string | undefined {
  const shape = schemas.shape(schema)
  if (shape === undefined) return undefined
  const names = Object.keys(shape.properties)
  const objects = names.filter((name) => {
    const inner = schemas.shape(shape.properties[name] ?? {})
    return inner !== undefined && Object.keys(inner.properties).length > 0
  })
  const [only] = objects
  const beside = names.filter((name) => name !== only)
  return objects.length === 1 && beside.every((name) => BESIDE.has(name)) ? only : undefined
}
const BESIDE = new Set(['message', 'project', 'resourceId', 'resourceType', 'certificate'])

const SCALARS = new Set(['string', 'integer', 'number', 'boolean'])

/** The property with the items of a list; empty for a list that is nothing but an array. */
export function itemsField(schemas: Schemas, schema: Schema | undefined): string | undefined {
  if (schema === undefined) return undefined
  const found = schemas.resolve(schema)
  if (found.type === 'array') return ''
  const shape = schemas.shape(found)
  const arrays = Object.entries(shape?.properties ?? {}).filter(([, property]) => {
    const { type, items } = schemas.resolve(property)
    return type === 'array' && items !== undefined && !SCALARS.has(schemas.resolve(items).type ?? '')
  })
  return arrays.length === 1
    ? arrays[0]?.[0]
    : arrays.find(([name]) => name === 'items' || name === 'rules')?.[0]
}

export function itemSchema(schemas: Schemas, schema: Schema | undefined): Schema | undefined {
  const field = itemsField(schemas, schema)
  if (schema === undefined || field === undefined) return undefined
  if (field === '') return schemas.resolve(schema).items
  return schemas.resolve(schemas.shape(schema)?.properties[field] ?? {}).items
}

export function createModel(document: ServiceDocument, hints: ModelHints): Model {
  const schemas = createSchemas(document)
  const byTemplate = new Map<string, Partial<Record<Operation['method'], Operation>>>()
  const parameterNames = new Map<string, string>()
  for (const operation of Object.values(document.operations)) {
    const template = `/${segmentsOf(operation.path, hints).join('/')}`
    const methods = byTemplate.get(template) ?? {}
    methods[operation.method] = operation
    byTemplate.set(template, methods)
    const last = operation.path.split('/').at(-1) ?? ''
    const isPlain = operation.path.replace(/\{\w+\}/g, '{}') === template
    if (last.startsWith('{') && (isPlain || !parameterNames.has(template)))
      parameterNames.set(template, last.slice(1, -1))
  }
  const isRoot = (template: string): boolean =>
    document.service !== 'resource-manager' && (ROOTS.test(template) || REGION.test(template))
  const isList = (template: string): boolean => {
    const get = byTemplate.get(template)?.GET
    const schema = successSchema(get)
    if (get === undefined || itemsField(schemas, schema) === undefined) return false
    if (byTemplate.has(`${template}/{}`) || byTemplate.get(template)?.POST !== undefined) return true
    const others = Object.values(byTemplate.get(template) ?? {}).length
    return others === 1 && !Object.keys(schemas.shape(schema ?? {})?.properties ?? {}).includes('headline')
  }
  const isCollection = (template: string): boolean => {
    const item = isRoot(`${template}/{}`) ? undefined : byTemplate.get(`${template}/{}`)
    return isList(template) || (item !== undefined && byTemplate.has(template) && item.GET !== undefined)
  }

  const kinds = new Map<string, Kind>()
  const kindOf = (template: string): Kind => {
    const known = kinds.get(template)
    if (known !== undefined) return known
    const isMember = template.endsWith('/{}') && !isRoot(template)
    const collection = isMember ? template.slice(0, -3) : undefined
    const operations = byTemplate.get(template) ?? {}
    const whole = collection === undefined ? {} : (byTemplate.get(collection) ?? {})
    const answer = successSchema(operations.GET)
    const core =
      unwrap(schemas, answer) ??
      itemSchema(schemas, successSchema(whole.GET)) ??
      unwrap(schemas, successSchema(operations.PUT ?? whole.POST))
    const literal = (collection ?? template).split('/').filter((segment) => segment !== '{}')
    const kind: Kind = {
      template,
      collection,
      name: singular(literal.at(-1) ?? ''),
      core,
      keyField:
        collection === undefined
          ? undefined
          : (Object.entries(hints.keys ?? {}).find(([end]) => template.endsWith(end))?.[1] ??
            keyField(schemas, core, parameterNames.get(template))),
      isMade:
        [operations.PUT, operations.POST, whole.POST, whole.PUT].some((one) => one !== undefined) ||
        (hints.made ?? []).some((end) => template.endsWith(end)),
      operations: collection === undefined ? operations : { ...whole, ...operations },
    }
    kinds.set(template, kind)
    return kind
  }

  const planOf = (id: string, operation: Operation): Plan => {
    const segments = segmentsOf(operation.path, hints)
    const template = `/${segments.join('/')}`
    const parents = segments.flatMap((segment, index) => {
      const prefix = `/${segments.slice(0, index + 1).join('/')}`
      const isItem = segment === '{}' && index + 1 < segments.length && !isRoot(prefix)
      const isKept =
        isItem && (byTemplate.get(prefix)?.GET !== undefined || isCollection(prefix.slice(0, -3)))
      return isKept ? [{ kind: kindOf(prefix), segments: index + 1 }] : []
    })
    const found = (act: Act, kind: Kind): Plan => ({ id, operation, act, kind, parents })
    const { method } = operation
    if (template.endsWith('/{}') && !isRoot(template)) {
      const kind = kindOf(template)
      if (method === 'GET')
        return found(isCollection(template.slice(0, -3)) || kind.isMade ? 'get' : 'view', kind)
      if (method === 'DELETE') return found('remove', kind)
      if (method === 'POST') return found('put', kind)
      const canMake = byTemplate.get(kind.collection ?? '')?.POST !== undefined
      return found(method === 'PUT' && !canMake ? 'put' : 'write', kind)
    }
    if (isCollection(template)) {
      const acts = { GET: 'list', POST: 'create', DELETE: 'clear', PUT: 'bulk', PATCH: 'bulk' } as const
      return found(acts[method], kindOf(`${template}/{}`))
    }
    const methods = byTemplate.get(template) ?? {}
    const kind = kindOf(template)
    if (methods.GET === undefined) return found('act', kind)
    if (method === 'GET') return found(Object.keys(methods).length > 1 ? 'get' : 'view', kind)
    return found(method === 'DELETE' ? 'remove' : method === 'PATCH' ? 'write' : 'put', kind)
  }
  const plans = Object.entries(document.operations).map(([id, operation]) => planOf(id, operation))
  const byId = new Map(plans.map((plan) => [plan.id, plan]))
  return {
    document,
    schemas,
    plans,
    plan: (id) => byId.get(id),
    kindAt(segments) {
      const templates = [...byTemplate.keys(), ...kinds.keys()]
      const wanted = segmentsOf(`/${segments.join('/')}`, hints)
      const match = templates.find((template) => {
        const parts = template.split('/').slice(1)
        return (
          parts.length === wanted.length &&
          parts.every((part, index) => part === '{}' || part === wanted[index])
        )
      })
      return match === undefined ? undefined : kindOf(match)
    },
  }
}

function unwrap(schemas: Schemas, schema: Schema | undefined): Schema | undefined {
  if (schema === undefined) return undefined
  const wrapper = wrapperOf(schemas, schema)
  return wrapper === undefined ? schema : schemas.shape(schema)?.properties[wrapper]
}

function keyField(
  schemas: Schemas,
  core: Schema | undefined,
  parameter: string | undefined,
): string | undefined {
  const names = Object.keys(schemas.shape(core ?? {})?.properties ?? {})
  const isId = parameter === undefined || /(^id|Id|Ref)$/.test(parameter)
  const candidates = [
    parameter,
    parameter?.replace(/^alert(Name|Record)$/, (_, word: string) => (word === 'Name' ? 'alert' : 'record')),
    ...(isId ? ['id', 'guid', 'uuid', 'key'] : []),
    ...(parameter === 'versionNumber' ? ['number'] : []),
    ...(/email$/i.test(parameter ?? '') ? ['email'] : []),
    'name',
    'displayName',
    'username',
    'id',
    'receiver',
  ]
  const found = candidates.find((candidate) => candidate !== undefined && names.includes(candidate))
  return found ?? names.find((name) => /(Id|ID)$/.test(name) && isId)
}
