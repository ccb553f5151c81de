import { pascalCase, type Names } from './names.js'
import type { NamedSchema, Property, Schema, SchemaTraits } from './model.js'
import { referenced, type OpenApiDocument, type OpenApiSchema } from './open-api-document.js'

/** What is known of a document beyond its text. */
export interface SchemaNotes {
  /** Names of types that are taken. */
  readonly names: Names
  /** Names that a type should not have, and what it gets instead. */
  readonly reserved: ReadonlyMap<string, string>
  /** Values that a plain text may have, by the way to it: `Server.status`, `ServerStatus`. */
  readonly values: (way: string) => readonly string[] | undefined
  /** Whether a field's value must not be shown. */
  readonly secret: (
    owner: string,
    field: string,
    siblings: readonly string[],
    schema: OpenApiSchema,
  ) => boolean
}

/** Reads schemas of one document. */
export interface SchemaReader {
  /** A schema that stands at `way`, for instance `CreateZone.body`. */
  read(schema: OpenApiSchema, way: string): Schema
  /** What a schema is once references are followed. */
  resolve(schema: OpenApiSchema): OpenApiSchema
  /** Those of the document, in its order. */
  readonly named: readonly NamedSchema[]
}

/** Objects have fields, with or without saying that they are objects. */
function isObject(schema: OpenApiSchema): boolean {
  return (
    schema.type === 'object' || schema.properties !== undefined || schema.additionalProperties !== undefined
  )
}

/** What a schema wraps only to say something beside it: that it is nullable, that only the service sends it. */
function wrapped({ allOf = [], properties, required }: OpenApiSchema): OpenApiSchema | undefined {
  return allOf.length === 1 && properties === undefined && required === undefined ? allOf[0] : undefined
}

export function schemaReader(document: OpenApiDocument, notes: SchemaNotes): SchemaReader {
  const components = document.components?.schemas ?? {}
  const typeNames = new Map(
    Object.keys(components).map((source) => {
      const name = pascalCase(source)
      return [source, notes.names.take(notes.reserved.get(name) ?? name)]
    }),
  )
  const literals = discriminatorValues(components)

  function component(reference: string): OpenApiSchema {
    const found = components[referenced(reference)]
    if (found === undefined) throw new Error(`${reference} leads nowhere`)
    return found
  }

  function nameOf(reference: string): string {
    return typeNames.get(referenced(reference)) ?? fail(`${reference} leads nowhere`)
  }

  function resolve(schema: OpenApiSchema): OpenApiSchema {
    if (schema.$ref !== undefined) return resolve(component(schema.$ref))
    const only = wrapped(schema)
    return only === undefined ? schema : resolve(only)
  }

  function read(schema: OpenApiSchema, way: string): Schema {
    return { ...kindOf(schema, way), ...traitsOf(schema) }
  }

  function kindOf(schema: OpenApiSchema, way: string): Schema {
    if (schema.$ref !== undefined) return { kind: 'reference', name: nameOf(schema.$ref) }
    if (schema.allOf !== undefined) return extensionOf(schema, schema.allOf, way)
    const members = schema.oneOf ?? schema.anyOf
    if (members !== undefined) return unionOf(schema, members, way)
    if (isObject(schema)) return objectOf(schema, way, way)
    switch (schema.type) {
      case 'string':
        return textOf(schema, way)
      case 'integer':
      case 'number':
        return numberOf(schema, schema.type)
      case 'boolean':
        return { kind: 'boolean' }
      case 'array':
        return {
          kind: 'array',
          items: schema.items === undefined ? { kind: 'unknown' } : read(schema.items, `${way}[]`),
          ...pick(schema, ['minItems', 'maxItems', 'uniqueItems']),
        }
      case undefined:
        return schema.enum === undefined ? { kind: 'unknown' } : textOf(schema, way)
      default:
        return fail(`${way}: nobody knows the type ${schema.type}`)
    }
  }

  function textOf(schema: OpenApiSchema, way: string): Schema {
    const listed = schema.enum ?? schema['x-extensible-enum']
    const values = listed?.filter((value) => typeof value === 'string') ?? notes.values(way)
    return {
      kind: 'string',
      ...(values === undefined || values.length === 0 ? {} : { values }),
      ...pick(schema, ['minLength', 'maxLength', 'pattern']),
    }
  }

  function unionOf({ discriminator }: OpenApiSchema, members: readonly OpenApiSchema[], way: string): Schema {
    const union = {
      kind: 'union',
      members: members.map((member, index) => read(member, `${way}|${index}`)),
    } as const
    if (discriminator === undefined) return union
    const references = Object.entries(discriminator.mapping ?? {})
    const names = Object.fromEntries(references.map(([value, reference]) => [value, nameOf(reference)]))
    return { ...union, discriminator: { field: discriminator.propertyName, names } }
  }

  /** One reference with traits beside it is the reference; more members are one object with the fields of all. */
  function extensionOf(schema: OpenApiSchema, members: readonly OpenApiSchema[], way: string): Schema {
    const only = wrapped(schema)
    return only === undefined ? objectOf(mergedObject(schema, members, way), way, way) : read(only, way)
  }

  /** The fields of all members; a later member may say anew what a field is. */
  function mergedObject(
    schema: OpenApiSchema,
    members: readonly OpenApiSchema[],
    way: string,
  ): OpenApiSchema {
    const { allOf: _, ...own } = schema
    const parts = [...members, own].map((member) => {
      const part = resolve(member)
      if (part.allOf !== undefined) return mergedObject(part, part.allOf, way)
      if (part.oneOf ?? part.anyOf) throw new Error(`${way}: a union cannot be extended`)
      return part
    })
    return {
      type: 'object',
      properties: Object.assign({}, ...parts.map(({ properties }) => properties ?? {})) as Record<
        string,
        OpenApiSchema
      >,
      required: [...new Set(parts.flatMap(({ required }) => required ?? []))],
      ...pick(parts.findLast((part) => part.additionalProperties !== undefined) ?? {}, [
        'additionalProperties',
      ]),
    }
  }

  function objectOf(schema: OpenApiSchema, way: string, owner: string): Schema {
    const fields = Object.entries(schema.properties ?? {})
    const siblings = fields.map(([name]) => name)
    const required = new Set(schema.required)
    const properties = fields.map(([name, field]): Property => {
      const literal = literals.get(owner)?.get(name)
      const value = literal === undefined ? read(field, `${way}.${name}`) : literalOf(field, literal)
      const secret = notes.secret(owner, name, siblings, resolve(field))
      return { name, schema: secret ? { ...value, secret } : value, required: required.has(name) }
    })
    for (const [name, values] of literals.get(owner) ?? []) {
      if (!siblings.includes(name)) {
        properties.push({
          name,
          schema: { kind: 'string', values, closed: true },
          required: required.has(name),
        })
      }
    }
    return {
      kind: 'object',
      properties,
      ...additionalOf(schema, way),
      ...pick(schema, ['minProperties', 'maxProperties']),
    }
  }

  function additionalOf(schema: OpenApiSchema, way: string): { readonly additional?: Schema | false } {
    const { additionalProperties } = schema
    if (additionalProperties === undefined) return {}
    if (additionalProperties === false) return { additional: false }
    return {
      additional:
        additionalProperties === true ? { kind: 'unknown' } : read(additionalProperties, `${way}{}`),
    }
  }

  return {
    read,
    resolve,
    named: Object.entries(components).map(([source, schema]) => ({
      name: typeNames.get(source) ?? fail(source),
      source,
      schema: read(schema, source),
    })),
  }
}

/** For each member of unions that are told apart by a field: that field, and its values. */
function discriminatorValues(
  components: Readonly<Record<string, OpenApiSchema>>,
): ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, Map<string, string[]>>()
  const visit = (schema: OpenApiSchema): void => {
    const {
      discriminator,
      oneOf = [],
      anyOf = [],
      allOf = [],
      properties = {},
      items,
      additionalProperties,
    } = schema
    if (discriminator !== undefined) {
      const { propertyName, mapping } = discriminator
      for (const [value, reference] of Object.entries(mapping ?? {})) {
        const member = referenced(reference)
        const fields = found.get(member) ?? new Map<string, string[]>()
        const values = fields.get(propertyName) ?? []
        if (!values.includes(value)) values.push(value)
        found.set(member, fields.set(propertyName, values))
      }
    }
    for (const part of [...oneOf, ...anyOf, ...allOf, ...Object.values(properties)]) visit(part)
    if (items !== undefined) visit(items)
    if (typeof additionalProperties === 'object') visit(additionalProperties)
  }
  Object.values(components).forEach(visit)
  return found
}

function literalOf(field: OpenApiSchema, values: readonly string[]): Schema {
  return { kind: 'string', values, closed: true, ...traitsOf(field) }
}

function numberOf(schema: OpenApiSchema, kind: 'integer' | 'number'): Schema {
  const values = schema.enum?.filter((value) => typeof value === 'number')
  return {
    kind,
    ...(values === undefined ? {} : { values }),
    ...pick(schema, ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']),
  }
}

function traitsOf(schema: OpenApiSchema): SchemaTraits {
  return {
    ...(schema.nullable === true ? { nullable: true } : {}),
    ...(schema.readOnly === true ? { readOnly: true } : {}),
    ...(schema.writeOnly === true ? { writeOnly: true } : {}),
    ...(schema.deprecated === true ? { deprecated: true } : {}),
  }
}

/** Those of the keys that are there. */
function pick<T extends object, K extends keyof T>(
  from: T,
  keys: readonly K[],
): { [P in K]?: Exclude<T[P], undefined> } {
  return Object.fromEntries(keys.flatMap((key) => (from[key] === undefined ? [] : [[key, from[key]]]))) as {
    [P in K]?: Exclude<T[P], undefined>
  }
}

function fail(message: string): never {
  throw new Error(message)
}
