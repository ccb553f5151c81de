import type { Operation, Schema, Service } from '../generate/model.js'

// What stands in the answers of an operation.

/** The first of these fields that an answer has at a place, as a path by dots. */
export function answerField(
  service: Service,
  operation: Operation,
  place: string,
  names: readonly string[],
): string | undefined {
  const known = answerFields(service, operation, place)
  const name = names.find((wanted) => known.includes(wanted))
  if (name === undefined) return undefined
  return place === '' ? name : `${place}.${name}`
}

/** Names of the fields that an answer has at a place: a path by dots, or empty for the top. */
export function answerFields(service: Service, { answers }: Operation, place: string): readonly string[] {
  const schemas = answers.flatMap(({ schema }) => (schema === undefined ? [] : [schema]))
  const reached = (place === '' ? [] : place.split('.')).reduce<readonly Schema[]>(
    (at, name) => at.flatMap((schema) => propertiesOf(service, schema).get(name) ?? []),
    schemas,
  )
  return [...new Set(reached.flatMap((schema) => [...propertiesOf(service, schema).keys()]))]
}

function propertiesOf(service: Service, schema: Schema): ReadonlyMap<string, Schema> {
  switch (schema.kind) {
    case 'reference': {
      const named = service.schemas.find(({ name }) => name === schema.name)
      return named === undefined ? new Map() : propertiesOf(service, named.schema)
    }
    case 'object':
      return new Map(schema.properties.map((property) => [property.name, property.schema]))
    case 'union':
      return new Map(schema.members.flatMap((member) => [...propertiesOf(service, member)]))
    default:
      return new Map()
  }
}
