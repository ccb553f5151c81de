import { check } from './checks.js'
import type { Schema } from './documents.js'
import { at, fitsText, mark, sample, type Origin } from './samples.js'
import { isFields, type Fields, type Schemas } from './schemas.js'

/** A value of this schema that tells what is known; what must be there and is not known is made up. */
export function fit(schemas: Schemas, schema: Schema, known: unknown, origin: Origin, name = ''): unknown {
  const found = schemas.resolve(schema)
  if (known === undefined) return sample(schemas, found, origin, name)
  if (known === null) return found.nullable === true ? null : sample(schemas, found, origin, name)
  const alternatives = found.oneOf ?? found.anyOf
  if (alternatives !== undefined) return fitChoice(schemas, found, alternatives, known, origin, name)
  const shape = schemas.shape(found)
  if (shape !== undefined) {
    return isFields(known) ? fitFields(schemas, found, known, origin) : sample(schemas, found, origin, name)
  }
  if (found.type === 'array') {
    if (!Array.isArray(known)) return sample(schemas, found, origin, name)
    const items = found.items ?? {}
    return known.map((item, index) => fit(schemas, items, item, at(origin, String(index)), name))
  }
  return isOfType(found, known) ? known : sample(schemas, found, origin, name)
}

/** Words beyond those that the documents know are let through: real services have such, and operators may want some. */
function isOfType({ enum: _words, ...schema }: Schema, value: unknown): boolean {
  switch (schema.type) {
    case 'string':
      return typeof value === 'string' && fitsText(schema, value)
    case 'boolean':
      return typeof value === 'boolean'
    case 'number':
      return typeof value === 'number'
    case 'integer':
      return Number.isInteger(value)
    case 'object':
      return isFields(value)
    default:
      return true
  }
}

/** Of an object: the properties that the schema knows, by name. */
export function fitFields(
  schemas: Schemas,
  schema: Schema,
  known: Fields,
  origin: Origin,
): Record<string, unknown> {
  const shape = schemas.shape(schema)
  const made: Record<string, unknown> = {}
  if (shape === undefined) return { ...known }
  for (const [property, inner] of Object.entries(shape.properties)) {
    const { writeOnly } = schemas.resolve(inner)
    const value = known[property]
    if (writeOnly === true || (value === undefined && !shape.required.has(property))) continue
    made[property] = fit(schemas, inner, value, at(origin, property), property)
  }
  // A schema without properties is a free form, one that says what else there may be takes it.
  const isOpen =
    shape.extra !== undefined ? shape.extra !== false : Object.keys(shape.properties).length === 0
  if (isOpen) {
    for (const [property, value] of Object.entries(known)) {
      if (property in shape.properties || value === undefined) continue
      made[property] =
        typeof shape.extra === 'object'
          ? fit(schemas, shape.extra, value, at(origin, property), property)
          : value
    }
  }
  return made
}

function fitChoice(
  schemas: Schemas,
  choice: Schema,
  alternatives: readonly Schema[],
  known: unknown,
  origin: Origin,
  name: string,
): unknown {
  const word = choice.discriminator && isFields(known) ? known[choice.discriminator.propertyName] : undefined
  const named =
    typeof word === 'string'
      ? alternatives.find(({ $ref }) => $ref === (choice.discriminator?.mapping?.[word] ?? word))
      : undefined
  const chosen =
    named ??
    alternatives.find((alternative) => tells(schemas, alternative, known)) ??
    alternatives.find((alternative) => check(schemas, alternative, known, '').length === 0)
  if (chosen === undefined) return sample(schemas, choice, origin, name)
  return mark(choice, chosen, fit(schemas, chosen, known, origin, name))
}

/** Whether an alternative takes a value and knows all that is in it. */
function tells(schemas: Schemas, alternative: Schema, known: unknown): boolean {
  if (check(schemas, alternative, known, '').length > 0) return false
  const shape = schemas.shape(alternative)
  return (
    shape === undefined || !isFields(known) || Object.keys(known).every((name) => name in shape.properties)
  )
}
