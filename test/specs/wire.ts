import { expect } from 'vitest'
import type { HttpRequest } from '../../src/http/types.js'
import type { Arguments } from './arguments.js'
import { object, successesOf, type SpecOperation, type SpecParameter } from './open-api.js'

// What went over the wire, read as a server reads it, and held against the document (stackit dossier 5).

export function expectPath(sent: string, { path, parameters }: SpecOperation, args: Arguments): void {
  const [raw = ''] = sent.split('?', 1)
  // RFC 3986: whatever else is not a slash is encoded.
  expect(raw).toMatch(/^(?:\/(?:[\w\-.~!$&'()*+,;=:@]|%[\dA-F]{2})*)+$/)
  const segments = raw.split('/')
  const template = path.split('/')
  expect(segments).toHaveLength(template.length)
  const found = template.flatMap((part, index) => parametersIn(part, segments[index] ?? ''))
  const wanted = parameters.filter(({ in: place }) => place === 'path')
  expect(Object.fromEntries(found)).toEqual(
    Object.fromEntries(wanted.map(({ name }) => [name, String(args[name])])),
  )
}

/** Values of the parameters of one segment, `{resourceId}:addRoleBinding`. */
function parametersIn(template: string, segment: string): readonly (readonly [string, string])[] {
  const names = [...template.matchAll(/\{([^}]+)\}/g)].map(([, name = '']) => name)
  const literals = template.split(/\{[^}]+\}/).map((text) => text.replaceAll(/[.$()]/g, '\\$&'))
  const match = new RegExp(`^${literals.join('(.+)')}$`).exec(segment)
  expect(match, `${segment} as ${template}`).not.toBeNull()
  return names.map((name, index) => [name, decodeURIComponent(match?.[index + 1] ?? '')])
}

export function expectQuery(sent: string, { parameters }: SpecOperation, args: Arguments): void {
  const at = sent.indexOf('?')
  const raw = at < 0 ? '' : sent.slice(at + 1)
  expect(at >= 0 && raw === '', 'a question mark and nothing behind it').toBe(false)
  // A plus would be taken for a space.
  expect(raw).toMatch(/^(?:[\w\-.~!$&'()*,;=:@/?[\]]|%[\dA-F]{2})*$/)
  const pairs = raw === '' ? [] : raw.split('&').map((pair) => cut(pair))
  const wanted = parameters
    .filter(({ in: place, name }) => place === 'query' && args[name] !== undefined)
    .flatMap((parameter) => pairsOf(parameter, args[parameter.name]))
  expect(sorted(pairs.map(([name, value]) => [decodeURIComponent(name), value]))).toEqual(sorted(wanted))
}

function cut(pair: string): readonly [string, string] {
  const at = pair.indexOf('=')
  return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
}

type Pairs = readonly (readonly [string, string])[]

const sorted = (pairs: Pairs): readonly string[] =>
  pairs.map(([name, value]) => `${name}=${value.split(',').map(decodeURIComponent).join('\u0000')}`).sort()

/** OpenAPI 3.0, styles of a query: `form` by default, and exploded unless the document says otherwise. */
function pairsOf({ name, style = 'form', explode = true }: SpecParameter, value: unknown): Pairs {
  const text = (inner: unknown): string => encodeURIComponent(String(inner))
  if (Array.isArray(value)) {
    return explode ? value.map((item) => [name, text(item)]) : [[name, value.map(text).join(',')]]
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
    if (style === 'deepObject') return entries.map(([key, inner]) => [`${name}[${key}]`, text(inner)])
    expect(explode, `${name} is an object that is not exploded`).toBe(true)
    return entries.map(([key, inner]) => [key, text(inner)])
  }
  return [[name, text(value)]]
}

export function expectHeaders(
  { headers, body }: HttpRequest,
  operation: SpecOperation,
  args: Arguments,
  authorization: string | undefined,
): void {
  const given = operation.parameters
    .filter(({ in: place, name }) => place === 'header' && args[name] !== undefined)
    .map(({ name }) => [name.toLowerCase(), String(args[name])] as const)
  const { 'user-agent': agent, accept, 'content-type': type, ...others } = { ...headers }
  const { accept: chosen, ...parameters } = Object.fromEntries(given)
  expect(agent).toMatch(/^skystream\/\d/)
  expect(others).toEqual({ ...parameters, ...(authorization === undefined ? {} : { authorization }) })
  const offered = successesOf(operation).flatMap(([, content]) => [...content.keys()])
  if (chosen !== undefined) expect(accept).toBe(chosen)
  else if (offered.length === 0 || offered.includes('application/json'))
    expect(accept).toBe('application/json')
  else expect(String(accept).split(', ').sort()).toEqual([...new Set(offered)].sort())
  if (body === undefined) expect(type).toBeUndefined()
  else expect([...(operation.body?.content.keys() ?? [])]).toContain(type)
}

export function expectBody({ headers, body }: HttpRequest, args: Arguments): void {
  const wanted = args['body']
  if (wanted === undefined) {
    expect(body).toBeUndefined()
    return
  }
  const text = typeof body === 'string' ? body : Buffer.from(body as Uint8Array).toString()
  if (headers['content-type'] === 'application/x-www-form-urlencoded') {
    const fields = Object.entries(object(wanted)).map(([name, value]) => [name, String(value)])
    expect([...new URLSearchParams(text)].sort()).toEqual(fields.sort())
  } else if (headers['content-type']?.startsWith('text/') === true) {
    expect(text).toBe(wanted)
  } else {
    expect(JSON.parse(text)).toEqual(wanted)
  }
}
