import type { Exchange } from '../service.js'
import { usual } from './acts.js'
import type { Api, Behaviour, Call, World } from './call.js'
import { check, readText, type Complaint } from './checks.js'
import type { ServiceDocument } from './documents.js'
import { StackitFailure } from './failures.js'
import { createModel, segmentsOf, type Plan } from './kinds.js'
import { readLifecycles } from './lifecycles.js'
import type { Reply } from './reply.js'
import { findResource } from './resources.js'
import type { Fields } from './schemas.js'
import { createStore } from './store.js'

export function createApi(document: ServiceDocument, world: World, behaviour: Behaviour): Api {
  const hints = behaviour.hints ?? {}
  const model = createModel(document, hints)
  const lifecycles = readLifecycles(model, hints)
  const own = Object.entries(behaviour.lifecycles ?? {})
  return {
    world,
    model,
    hints,
    behaviour,
    store: createStore(),
    lifecycle(template) {
      // `v2 /instances/{}`, or `/instances/{}` for all versions.
      const found = own.find(([where]) => {
        const [end = '', version] = where.split(' ').reverse()
        return template.endsWith(end) && (version === undefined || template.startsWith(`/${version}/`))
      })?.[1]
      const read = lifecycles.get(template)
      return found === undefined ? read : { ...read, ...found }
    },
  }
}

/** The operation that a path and a method are for, with the parameters of the path. */
export interface Found {
  readonly plan: Plan
  readonly given: Readonly<Record<string, string>>
}

/** Finds operations by path; literal segments win over parameters. */
export function createFinder(api: Api): {
  find(method: string, segments: readonly string[]): Found | undefined
  methods(segments: readonly string[]): readonly string[]
} {
  const templates = api.model.plans.map((plan) => ({ plan, parts: plan.operation.path.split('/').slice(1) }))
  const weight = (parts: readonly string[]): string =>
    parts.map((part) => (part.includes('{') ? '1' : '0')).join('')
  templates.sort((left, right) => weight(left.parts).localeCompare(weight(right.parts)))
  const match = (
    parts: readonly string[],
    segments: readonly string[],
  ): Record<string, string> | undefined => {
    if (parts.length !== segments.length) return undefined
    const given: Record<string, string> = {}
    for (const [index, part] of parts.entries()) {
      const segment = segments[index] ?? ''
      const [, before = '', name = '', after = ''] = /^([^{]*)\{(\w+)\}(.*)$/.exec(part) ?? []
      if (name === '') {
        if (part !== segment) return undefined
      } else {
        const isThere = segment.length > before.length + after.length
        if (!isThere || !segment.startsWith(before) || !segment.endsWith(after)) return undefined
        given[name] = segment.slice(before.length, segment.length - after.length)
      }
    }
    return given
  }
  return {
    find(method, segments) {
      for (const { plan, parts } of templates) {
        if (plan.operation.method !== method) continue
        const given = match(parts, segments)
        if (given !== undefined) return { plan, given }
      }
      return undefined
    },
    methods: (segments) =>
      templates
        .filter(({ parts }) => match(parts, segments) !== undefined)
        .map(({ plan }) => plan.operation.method),
  }
}

/** Answers one request to an operation; throws what is no success. */
export async function answerCall(api: Api, { plan, given }: Found, exchange: Exchange): Promise<Reply> {
  const query = readQuery(api, plan, exchange)
  const body = await readBody(plan, exchange)
  const complaints = [...checkParameters(api, plan, given, query, exchange), ...checkBody(api, plan, body)]
  const [first] = complaints
  if (first !== undefined) throw new StackitFailure(400, `${first.place} ${first.text}`, complaints)
  const plain = pathOf(api, plan, given)
  const path = api.behaviour.locate?.(api, plain) ?? plain
  const call: Call = { api, plan, exchange, given, path, query, body }
  for (const { segments } of plan.parents)
    findResource(
      api,
      path
        .split('/')
        .slice(0, segments + 1)
        .join('/'),
    )
  const handler = api.behaviour.operations?.[plan.id] ?? usual
  const reply = await handler(call)
  return api.behaviour.after?.(call, reply) ?? reply
}

function pathOf(api: Api, plan: Plan, given: Readonly<Record<string, string>>): string {
  const parts = plan.operation.path.split('/').slice(1)
  const names = segmentsOf(plan.operation.path, api.hints)
  const filled = parts.map((part, index) =>
    names[index] === '{}'
      ? encodeURIComponent(given[part.slice(1, -1)] ?? '')
      : (names[index] ?? '').replace(/\{(\w+)\}/, (_, name: string) => encodeURIComponent(given[name] ?? '')),
  )
  return `/${filled.join('/')}`
}

function readQuery(api: Api, plan: Plan, exchange: Exchange): Fields {
  const read: Record<string, unknown> = {}
  for (const [name, { in: place, schema, style }] of Object.entries(plan.operation.parameters ?? {})) {
    if (place !== 'query') continue
    if (style === 'deep') {
      const deep = [...exchange.query].flatMap(([key, value]) =>
        key.startsWith(`${name}[`) && key.endsWith(']')
          ? [[key.slice(name.length + 1, -1), value] as const]
          : [],
      )
      if (deep.length > 0) read[name] = Object.fromEntries(deep)
      continue
    }
    const texts = exchange.query.getAll(name)
    if (texts.length === 0) continue
    const parts = style === 'comma' ? texts.flatMap((text) => text.split(',')) : texts
    read[name] = readText(api.model.schemas, schema, parts)
  }
  return read
}

function checkParameters(
  api: Api,
  plan: Plan,
  given: Readonly<Record<string, string>>,
  query: Fields,
  exchange: Exchange,
): readonly Complaint[] {
  return Object.entries(plan.operation.parameters ?? {}).flatMap(
    ([name, { in: place, required, schema }]) => {
      const value =
        place === 'query'
          ? query[name]
          : place === 'header'
            ? exchange.headers[name.toLowerCase()]
            : readText(api.model.schemas, schema, [given[name] ?? ''])
      if (value === undefined) return required === true ? [{ place: name, text: 'is required' }] : []
      return check(api.model.schemas, schema, value, name)
    },
  )
}

async function readBody({ operation }: Plan, exchange: Exchange): Promise<unknown> {
  const { body } = operation
  const text = body === undefined ? '' : (await exchange.body()).toString('utf8')
  if (body === undefined || text === '') return undefined
  const sent = (exchange.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const types = body.types ?? ['application/json']
  if (sent !== '' && !types.includes(sent))
    throw new StackitFailure(415, `Content type '${sent}' is not supported`)
  if (!(sent === '' ? (types[0] ?? '') : sent).includes('json')) return text
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new StackitFailure(400, 'The body is not JSON')
  }
}

function checkBody(api: Api, { operation }: Plan, value: unknown): readonly Complaint[] {
  const { body } = operation
  if (body === undefined) return []
  if (value === undefined) return body.required === true ? [{ place: 'body', text: 'is required' }] : []
  if (typeof value === 'string' && body.types?.some((type) => !type.includes('json')) === true) return []
  return check(api.model.schemas, body.schema, value, 'body')
}
