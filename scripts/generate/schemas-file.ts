import { camelCase, Names } from './names.js'
import type { Operation, Parameter, Schema, Service } from './model.js'
import { reachable, received, sent } from './reachable.js'

type Json = Readonly<Record<string, unknown>>

/** The schemas that values are checked with: of bodies and answers by their types' names, of parameters by names of their own. */
export interface CheckedSchemas {
  readonly schemas: Readonly<Record<string, Json>>
  readonly ofParameter: (parameter: Parameter) => string
}

export function checkedSchemas({ schemas, operations }: Service): CheckedSchemas {
  const parameters = operations.flatMap((operation) => operation.parameters)
  const used = reachable([...parameters.map(({ schema }) => schema), ...operations.flatMap(rootsOf)], schemas)
  const names = new Names(schemas.map(({ name }) => name))
  const byText = new Map<string, string>()
  const found: Record<string, Json> = {}
  for (const { name, schema } of parameters) {
    const json = jsonSchema(schema)
    const key = JSON.stringify(json)
    if (nameOf(schema) !== undefined || byText.has(key)) continue
    const keywords = Object.keys(json)
    const given = names.take(
      keywords.length === 1 && typeof json['type'] === 'string' ? json['type'] : camelCase(name),
    )
    byText.set(key, given)
    found[given] = json
  }
  for (const { name, schema } of schemas) if (used.has(name)) found[name] = jsonSchema(schema)
  return {
    schemas: found,
    ofParameter: ({ schema }) => nameOf(schema) ?? byText.get(JSON.stringify(jsonSchema(schema))) ?? '',
  }
}

function rootsOf(operation: Operation): readonly Schema[] {
  return [...sent(operation), ...received(operation)]
}

/** The schema's own name, where it is nothing but that. */
function nameOf(schema: Schema): string | undefined {
  return schema.kind === 'reference' && schema.nullable !== true ? schema.name : undefined
}

/** `export const schemas`, a schema on each line. */
export function schemasFile(schemas: Readonly<Record<string, Json>>): string {
  const rows = Object.entries(schemas).map(
    ([name, schema]) => `${JSON.stringify(name)}:${JSON.stringify(schema)}`,
  )
  const json = `{\n${rows.join(',\n')}\n}`
  return `export const schemas: string = \`${json.replaceAll(/[\\`]|\$(?=\{)/g, '\\$&')}\`\n`
}

/** A schema as JSON, as far as checking needs it. */
export function jsonSchema(schema: Schema): Json {
  const json = kindJson(schema)
  return schema.nullable === true ? { ...json, nullable: true } : json
}

function kindJson(schema: Schema): Json {
  switch (schema.kind) {
    case 'reference':
      return { $ref: reference(schema.name) }
    case 'string':
      return {
        type: 'string',
        ...listed(schema.values),
        ...said(schema, ['minLength', 'maxLength', 'pattern']),
      }
    case 'integer':
    case 'number':
      return {
        type: schema.kind,
        ...listed(schema.values),
        ...said(schema, ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']),
      }
    case 'boolean':
      return { type: 'boolean' }
    case 'array':
      return {
        type: 'array',
        items: jsonSchema(schema.items),
        ...said(schema, ['minItems', 'maxItems', 'uniqueItems']),
      }
    case 'object':
      return objectJson(schema)
    case 'union':
      return {
        anyOf: schema.members.map(jsonSchema),
        ...(schema.discriminator === undefined
          ? {}
          : { discriminator: discriminatorJson(schema.discriminator) }),
      }
    case 'unknown':
      return {}
  }
}

function objectJson(schema: Extract<Schema, { kind: 'object' }>): Json {
  const { properties, additional } = schema
  const required = properties.filter((property) => property.required).map(({ name }) => name)
  return {
    type: 'object',
    ...(properties.length === 0
      ? {}
      : {
          properties: Object.fromEntries(
            properties.map((property) => [property.name, jsonSchema(property.schema)]),
          ),
        }),
    ...(required.length === 0 ? {} : { required }),
    ...(additional === undefined || (additional !== false && additional.kind === 'unknown')
      ? {}
      : { additionalProperties: additional === false ? false : jsonSchema(additional) }),
    ...said(schema, ['minProperties', 'maxProperties']),
  }
}

function discriminatorJson({
  field,
  names,
}: {
  readonly field: string
  readonly names: Readonly<Record<string, string>>
}): Json {
  const mapping = Object.entries(names).map(([value, name]) => [value, reference(name)])
  return { propertyName: field, mapping: Object.fromEntries(mapping) as Json }
}

function reference(name: string): string {
  return `#/definitions/${name}`
}

function listed(values: readonly unknown[] | undefined): Json {
  return values === undefined ? {} : { enum: values }
}

function said<T extends object>(schema: T, keywords: readonly (keyof T & string)[]): Json {
  return Object.fromEntries(
    keywords.flatMap((keyword) => (schema[keyword] === undefined ? [] : [[keyword, schema[keyword]]])),
  )
}
