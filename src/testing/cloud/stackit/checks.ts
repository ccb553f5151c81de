import type { Schema } from './documents.js'
import { fitsText } from './samples.js'
import { isFields, type Schemas } from './schemas.js'

/** Something wrong with a request, and where. */
export interface Complaint {
  /** By dots: `body.network.acl[0]`. */
  readonly place: string
  readonly text: string
}

/** What is wrong with a value that was sent, by its schema. Fields that only the server makes need not be there. */
export function check(schemas: Schemas, schema: Schema, value: unknown, place: string): readonly Complaint[] {
  const found = schemas.resolve(schema)
  const wrong = (text: string): readonly Complaint[] => [{ place, text }]
  // OpenAPI 3.0 lets a field that is only to be read be sent back; it means nothing.
  if (found.readOnly === true) return []
  if (value === null) return found.nullable === true ? [] : wrong('must not be null')
  const alternatives = found.oneOf ?? found.anyOf
  if (alternatives !== undefined) return checkChoice(schemas, found, alternatives, value, place)
  const shape = schemas.shape(found)
  if (shape !== undefined) {
    if (!isFields(value)) return wrong('must be an object')
    const missing = [...shape.required].filter(
      (name) => !(name in value) && schemas.resolve(shape.properties[name] ?? {}).readOnly !== true,
    )
    const inside = Object.entries(value).flatMap(([name, inner]) => {
      const property = shape.properties[name]
      if (property !== undefined) return check(schemas, property, inner, `${place}.${name}`)
      if (shape.extra === false) return [{ place: `${place}.${name}`, text: 'is not known' }]
      return typeof shape.extra === 'object' ? check(schemas, shape.extra, inner, `${place}.${name}`) : []
    })
    return [...missing.map((name) => ({ place: `${place}.${name}`, text: 'is required' })), ...inside]
  }
  switch (found.type) {
    case 'array': {
      if (!Array.isArray(value)) return wrong('must be an array')
      if (value.length < (found.minItems ?? 0))
        return wrong(`must have ${String(found.minItems)} items or more`)
      if (value.length > (found.maxItems ?? Infinity))
        return wrong(`must have ${String(found.maxItems)} items or fewer`)
      const items = found.items ?? {}
      return value.flatMap((item, index) => check(schemas, items, item, `${place}[${String(index)}]`))
    }
    case 'string':
      if (typeof value !== 'string') return wrong('must be a string')
      return fitsText(found, value) ? [] : wrong(textRule(found))
    case 'integer':
    case 'number':
      return checkNumber(found, value, wrong)
    case 'boolean':
      return typeof value === 'boolean' ? [] : wrong('must be true or false')
    case 'object':
      return isFields(value) ? [] : wrong('must be an object')
    default:
      return []
  }
}

function checkChoice(
  schemas: Schemas,
  choice: Schema,
  alternatives: readonly Schema[],
  value: unknown,
  place: string,
): readonly Complaint[] {
  const { discriminator } = choice
  if (discriminator !== undefined && isFields(value)) {
    const word = value[discriminator.propertyName]
    const target = typeof word === 'string' ? (discriminator.mapping?.[word] ?? word) : undefined
    const chosen = alternatives.find(({ $ref }) => $ref === target)
    if (chosen === undefined)
      return [{ place: `${place}.${discriminator.propertyName}`, text: 'is not one of the known kinds' }]
    return check(schemas, chosen, value, place)
  }
  // Alternatives overlap: one that takes it is enough.
  const complaints = alternatives.map((alternative) => check(schemas, alternative, value, place))
  return complaints.some(({ length }) => length === 0) ? [] : (complaints[0] ?? [])
}

function checkNumber(
  schema: Schema,
  value: unknown,
  wrong: (text: string) => readonly Complaint[],
): readonly Complaint[] {
  if (typeof value !== 'number') return wrong('must be a number')
  if (schema.type === 'integer' && !Number.isInteger(value)) return wrong('must be an integer')
  if (schema.enum !== undefined && !schema.enum.includes(value))
    return wrong('is not one of the known values')
  const { minimum, maximum } = schema
  if (minimum !== undefined && (schema.exclusiveMinimum === true ? value <= minimum : value < minimum))
    return wrong(`must not be below ${String(minimum)}`)
  if (maximum !== undefined && (schema.exclusiveMaximum === true ? value >= maximum : value > maximum))
    return wrong(`must not be above ${String(maximum)}`)
  return []
}

function textRule(schema: Schema): string {
  if (schema.enum !== undefined) return `must be one of ${schema.enum.map(String).join(', ')}`
  if (schema.pattern !== undefined) return `must match ${schema.pattern}`
  return `must have ${String(schema.minLength ?? 0)} to ${String(schema.maxLength ?? '…')} characters`
}

/** The value of a query or path parameter, as its schema has it; text where it is none. */
export function readText(schemas: Schemas, schema: Schema, texts: readonly string[]): unknown {
  const found = schemas.resolve(schema)
  const [text = ''] = texts
  switch (found.type) {
    case 'array':
      return texts.map((item) => readText(schemas, found.items ?? {}, [item]))
    case 'integer':
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    default:
      return text
  }
}
