import fc from 'fast-check'
import { list, object, type Json, type SpecDocument } from './open-api.js'

/** Which of the values that a schema allows. */
export interface Choice {
  /** In a request there is nothing that is only read, in an answer nothing that is only written. */
  readonly side: 'request' | 'answer'
  /** Whether what may be left out is there. */
  readonly all: boolean
  /** Which alternative, and which word of those that are listed; of what may be null, odd turns are. */
  readonly turn: number
}

/** Values that a schema of the document allows, as awkward as it lets them be. */
export interface Values {
  readonly of: (schema: Json, choice: Choice) => unknown
  /** How many turns there are before the same comes again: the alternatives of the widest choice. */
  readonly turns: (schema: Json) => number
  /** References and what is put together resolved: one schema with all that it says. */
  readonly flat: (schema: Json) => Json
}

export function valuesOf({ resolve }: Pick<SpecDocument, 'resolve'>): Values {
  const flat = (schema: Json): Json => {
    const { allOf, ...own } = resolve(schema)
    if (allOf === undefined) return own
    return [...list(allOf).map((part) => flat(object(part))), own].reduce<Json>(
      (whole, part) => ({
        ...whole,
        ...part,
        ...merged('properties', whole, part),
        ...(whole['required'] === undefined && part['required'] === undefined
          ? {}
          : { required: [...list(whole['required']), ...list(part['required'])] }),
      }),
      {},
    )
  }

  const of = (schema: Json, choice: Choice, place = ''): unknown => {
    const found = flat(schema)
    if (found['nullable'] === true && choice.all && choice.turn % 2 === 1) return null
    const alternatives = list(found['oneOf'] ?? found['anyOf'])
    if (alternatives.length > 0) return alternative(found, alternatives, choice, place)
    const words = list(found['enum'])
    if (words.length > 0) return words[(choice.turn + lastIndexIn(place)) % words.length]
    switch (kindOf(found)) {
      case 'object':
        return record(found, choice, place)
      case 'array':
        return items(found, choice, place)
      case 'boolean':
        return choice.turn % 2 === 0
      case 'integer':
        return between(found, 7)
      case 'number':
        return between(found, 7.5)
      case 'string':
        return textOf(found, place)
      default:
        return choice.all ? { 'any thing': [1, 'ü', null, { deep: true }] } : {}
    }
  }

  function alternative(found: Json, all: readonly unknown[], choice: Choice, place: string): unknown {
    const chosen = object(all[choice.turn % all.length])
    const value = of(chosen, choice, place)
    const { oneOf: _one, anyOf: _any, ...rest } = found
    // Some say beside their alternatives what all of these have.
    const own = kindOf(rest) === 'object' ? object(record(rest, choice, place)) : {}
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const discriminator = object(found['discriminator'])
    const field = discriminator['propertyName']
    if (typeof field !== 'string') return { ...own, ...value }
    const word = Object.entries(object(discriminator['mapping'])).find(
      ([, target]) => target === chosen['$ref'],
    )
    return { ...own, ...value, [field]: word?.[0] ?? String(chosen['$ref']).split('/').at(-1) }
  }

  function record(found: Json, choice: Choice, place: string): unknown {
    const hidden = choice.side === 'request' ? 'readOnly' : 'writeOnly'
    const properties = Object.entries(object(found['properties'])).filter(
      ([, property]) => flat(object(property))[hidden] !== true,
    )
    const required = list(found['required'])
    const least = Number(found['minProperties'] ?? 0)
    const made: Record<string, unknown> = {}
    for (const [name, property] of properties) {
      if (choice.all || required.includes(name) || Object.keys(made).length < least) {
        made[name] = of(object(property), choice, `${place}.${name}`)
      }
    }
    const more = found['additionalProperties']
    const isOpen = more === true || (more === undefined && properties.length === 0)
    const wanted = choice.all ? Math.min(1, Number(found['maxProperties'] ?? 1)) : 0
    for (let index = Object.keys(made).length; index < Math.max(least, wanted); index += 1) {
      if (typeof more === 'object')
        made[`key ${String(index)}`] = of(object(more), choice, `${place}.${String(index)}`)
      else if (isOpen) made[`key ${String(index)}`] = 'any value'
    }
    return made
  }

  function items(found: Json, choice: Choice, place: string): unknown {
    const least = Number(found['minItems'] ?? 0)
    const most = Number(found['maxItems'] ?? Infinity)
    const count = choice.all ? Math.min(most, Math.max(least, 2)) : least
    const made = Array.from({ length: count }, (_, index) =>
      of(object(found['items']), choice, `${place}[${String(index)}]`),
    )
    if (found['uniqueItems'] !== true) return made
    const once = new Map(made.map((item) => [JSON.stringify(item), item]))
    return [...once.values()]
  }

  const turns = (schema: Json, seen: readonly unknown[] = []): number => {
    const found = flat(schema)
    const alternatives = list(found['oneOf'] ?? found['anyOf'])
    const parts = [
      ...alternatives,
      ...Object.values(object(found['properties'])),
      found['items'],
      found['additionalProperties'],
    ].map(object)
    const inner = parts
      .filter((part) => Object.keys(part).length > 0 && !seen.includes(part['$ref'] ?? part))
      .map((part) => turns(part, [...seen, part['$ref'] ?? part]))
    return Math.max(1, alternatives.length, ...inner)
  }

  return { of, turns, flat }
}

function merged(keyword: string, left: Json, right: Json): Json {
  if (left[keyword] === undefined && right[keyword] === undefined) return {}
  return { [keyword]: { ...object(left[keyword]), ...object(right[keyword]) } }
}

export function kindOf(schema: Json): string | undefined {
  const { type, properties, items, additionalProperties } = schema
  if (typeof type === 'string') return type
  if (properties !== undefined || additionalProperties !== undefined) return 'object'
  return items === undefined ? undefined : 'array'
}

function lastIndexIn(place: string): number {
  return Number(/\[(\d+)\]$/.exec(place)?.[1] ?? 0)
}

function between(schema: Json, wanted: number): number {
  const low = Number(schema['minimum'] ?? -Infinity) + (schema['exclusiveMinimum'] === true ? 1 : 0)
  return Math.min(Number(schema['maximum'] ?? Infinity), Math.max(low, wanted))
}

/**
 * Values that a schema does not allow: one for each thing that it says of kind, length, spelling and size. What may be spelt in
 * letters of all scripts is left to the service.
 */
export function wrongValues(schema: Json): readonly unknown[] {
  const { minLength, maxLength, pattern, minimum, maximum, minItems, maxItems } = schema
  const kind = kindOf(schema)
  const exclusive = schema['exclusiveMinimum'] === true ? 0 : 1
  return [
    ...(kind === undefined ? [] : [kind === 'string' ? 17 : 'a text', kind === 'array' ? {} : []]),
    ...(kind === 'integer' ? [7.5] : []),
    ...(Number(minLength) > 0 ? ['x'.repeat(Number(minLength) - 1)] : []),
    ...(maxLength === undefined ? [] : ['x'.repeat(Number(maxLength) + 1)]),
    ...(typeof pattern === 'string' && !pattern.includes('\\p{')
      ? misspelt.filter((text) => !regular(pattern).test(text))
      : []),
    ...(minimum === undefined ? [] : [Number(minimum) - exclusive]),
    ...(maximum === undefined ? [] : [Number(maximum) + 1]),
    ...(Number(minItems) > 0 ? [[]] : []),
    ...(maxItems === undefined ? [] : [Array.from({ length: Number(maxItems) + 1 }, () => 'x')]),
  ]
}
const misspelt = ['!?', '\u0001', 'ü'.repeat(20)]

// --- texts ------------------------------------------------------------------------------------------------------

/** Whatever an address, a query or a JSON text might stumble over. */
const awkward = 'a b/ü?c=d&e#f%2F+"\\€:@[]{}'

const byFormat: Readonly<Record<string, string>> = {
  uuid: '0b0e1c4e-5a52-4f3e-8a8e-3a7d5c8f0001',
  'date-time': '2026-01-02T03:04:05.678Z',
  date: '2026-01-02',
  byte: 'c8O8w58=',
  email: 'jane+doe@example.org',
  uri: 'https://example.org/a%20b?c=d&e=f',
}

function textOf(schema: Json, place: string): string {
  const least = Number(schema['minLength'] ?? 0)
  const most = Number(schema['maxLength'] ?? Infinity)
  const { pattern, format } = schema
  const fits = (text: string): boolean =>
    text.length >= least &&
    text.length <= most &&
    (typeof pattern !== 'string' || regular(pattern).test(text))
  const known = byFormat[String(format)]
  if (known !== undefined && fits(known)) return known
  if (typeof pattern === 'string') return matching(pattern, least, most)
  return `${awkward}${place}`.padEnd(least, 'x').slice(0, most)
}

function regular(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u')
  } catch {
    return new RegExp(pattern)
  }
}

/** For patterns of which no text is easily made up. */
const wellKnown = [awkward, 'é à', ...Object.values(byFormat), '198.18.0.1', '198.18.0.0/15', '2001:db8::1']

const matched = new Map<string, string>()

function matching(pattern: string, least: number, most: number): string {
  const key = `${String(least)} ${String(most)} ${pattern}`
  const known = matched.get(key)
  if (known !== undefined) return known
  const expression = regular(pattern)
  const fits = (text: string): boolean => text.length >= least && text.length <= most && expression.test(text)
  const text =
    wellKnown.find(fits) ??
    fc.sample(fc.stringMatching(expression, { size: '=' }).filter(fits), { numRuns: 1, seed: 1 })[0] ??
    ''
  matched.set(key, text)
  return text
}
