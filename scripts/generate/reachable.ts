import type { NamedSchema, Operation, Schema } from './model.js'

/** Schemas directly inside of a schema. */
export function partsOf(schema: Schema): readonly Schema[] {
  switch (schema.kind) {
    case 'array':
      return [schema.items]
    case 'object':
      return [
        ...schema.properties.map((property) => property.schema),
        ...(schema.additional === undefined || schema.additional === false ? [] : [schema.additional]),
      ]
    case 'union':
      return schema.members
    default:
      return []
  }
}

/** Names of the schemas that the given ones need, directly or through others. */
export function reachable(from: readonly Schema[], schemas: readonly NamedSchema[]): ReadonlySet<string> {
  const byName = new Map(schemas.map(({ name, schema }) => [name, schema]))
  const found = new Set<string>()
  const pending = [...from]
  for (let schema = pending.pop(); schema !== undefined; schema = pending.pop()) {
    if (schema.kind !== 'reference') {
      pending.push(...partsOf(schema))
    } else if (!found.has(schema.name)) {
      found.add(schema.name)
      const target = byName.get(schema.name)
      if (target !== undefined) pending.push(target)
    }
  }
  return found
}

/** What an operation sends in its body. */
export function sent({ body }: Operation): readonly Schema[] {
  return body?.schema === undefined ? [] : [body.schema]
}

/** What an operation is answered with. */
export function received({ answers }: Operation): readonly Schema[] {
  return answers.flatMap(({ schema }) => (schema === undefined ? [] : [schema]))
}

/** Names of fields with secrets, at any depth of the request and the answer. */
export function secretsOf(operation: Operation, schemas: readonly NamedSchema[]): readonly string[] {
  const roots = [...sent(operation), ...received(operation)]
  const names = reachable(roots, schemas)
  const found = new Set<string>()
  const pending = schemas.filter(({ name }) => names.has(name)).map(({ schema }) => schema)
  for (let schema = pending.pop(); schema !== undefined; schema = pending.pop()) {
    pending.push(...partsOf(schema))
    if (schema.kind !== 'object') continue
    for (const property of schema.properties) if (property.schema.secret === true) found.add(property.name)
  }
  return [...found].sort()
}

/** Fields that only the service sends are not asked of who calls it. */
export function withoutReadOnlyDuties(
  schemas: readonly NamedSchema[],
  operations: readonly Operation[],
): readonly NamedSchema[] {
  const names = reachable(operations.flatMap(sent), schemas)
  return schemas.map((named) =>
    names.has(named.name) ? { ...named, schema: relieved(named.schema) } : named,
  )
}

function relieved(schema: Schema): Schema {
  switch (schema.kind) {
    case 'array':
      return { ...schema, items: relieved(schema.items) }
    case 'object':
      return {
        ...schema,
        properties: schema.properties.map((property) => ({
          ...property,
          schema: relieved(property.schema),
          required: property.required && property.schema.readOnly !== true,
        })),
      }
    case 'union':
      return { ...schema, members: schema.members.map(relieved) }
    default:
      return schema
  }
}
