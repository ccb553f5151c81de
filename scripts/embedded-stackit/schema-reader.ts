// What the embedded cloud needs of a schema, without prose and vendor keywords.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = Readonly<Record<string, Json>>

const KEPT = [
  'type',
  'format',
  'enum',
  'nullable',
  'readOnly',
  'writeOnly',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
  'default',
] as const
const REFERENCE = '#/components/schemas/'

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isList(value: unknown): value is readonly Json[] {
  return Array.isArray(value)
}

export function text(value: Json | undefined): string {
  if (typeof value !== 'string') throw new Error('This is no text')
  return value
}

export function nameOf(reference: Json | undefined): string {
  const target = text(reference)
  if (!target.startsWith(REFERENCE)) throw new Error(`Not a reference to a schema: ${target}`)
  return target.slice(REFERENCE.length)
}

/** `known` adds the values that the documents tell in prose only, by `Schema` and `Schema.property`. */
export function readSchema(schema: Json | undefined, known: JsonObject, place = ''): JsonObject {
  if (!isObject(schema)) return {}
  if (schema['$ref'] !== undefined) return { $ref: nameOf(schema['$ref']) }
  const read: Record<string, Json> = {}
  for (const keyword of KEPT) {
    const value = schema[keyword]
    if (value !== undefined) read[keyword] = value
  }
  const values = schema['x-extensible-enum'] ?? known[place]
  if (values !== undefined && schema['enum'] === undefined) read['known'] = values
  if (isObject(schema['properties'])) {
    const { properties } = schema
    read['properties'] = mapValues(properties, (property, name) =>
      readSchema(property, known, `${place}.${name}`),
    )
  }
  if (Array.isArray(schema['required']) && schema['required'].length > 0) {
    read['required'] = schema['required']
  }
  if (schema['items'] !== undefined) read['items'] = readSchema(schema['items'], known, `${place}[]`)
  const extra = schema['additionalProperties']
  if (typeof extra === 'boolean') read['additionalProperties'] = extra
  else if (extra !== undefined) read['additionalProperties'] = readSchema(extra, known, `${place}.*`)
  for (const keyword of ['oneOf', 'anyOf'] as const) {
    const alternatives = schema[keyword]
    if (isList(alternatives)) read[keyword] = alternatives.map((one) => readSchema(one, known, place))
  }
  if (isObject(schema['discriminator'])) {
    const { propertyName, mapping } = schema['discriminator']
    read['discriminator'] = {
      propertyName: propertyName ?? '',
      ...(isObject(mapping) ? { mapping: mapValues(mapping, (target) => nameOf(target)) } : {}),
    }
  }
  const parts = schema['allOf']
  if (isList(parts)) {
    const [only] = parts
    // Documents wrap a reference so that flags can stand beside it.
    if (parts.length === 1 && isObject(only) && read['properties'] === undefined) {
      return { ...readSchema(only, known, place), ...read }
    }
    read['allOf'] = parts.map((part) => readSchema(part, known, place))
  }
  return read
}

export function mapValues<T>(
  record: Readonly<Record<string, T>>,
  map: (value: T, key: string) => Json,
): JsonObject {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]))
}
