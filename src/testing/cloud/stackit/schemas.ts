import type { Schema, ServiceDocument } from './documents.js'

export type Fields = Readonly<Record<string, unknown>>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What is written as it is; nothing for all that is not. */
export function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : ''
}

/** The schemas of one document, seen through references. */
export interface Schemas {
  /** The schema itself, its flags on top of those of what it refers to. */
  resolve(schema: Schema): Schema
  /** All properties of an object, those of its parts included; nothing if it is none or a choice. */
  shape(schema: Schema): Shape | undefined
}

export interface Shape {
  readonly properties: Readonly<Record<string, Schema>>
  readonly required: ReadonlySet<string>
  /** What else it may hold. */
  readonly extra: boolean | Schema | undefined
}

export function createSchemas(document: Pick<ServiceDocument, 'schemas'>): Schemas {
  const shapes = new Map<Schema, Shape | undefined>()
  const wholes = new Map<Schema, Shape | undefined>()
  const resolve = (schema: Schema): Schema => {
    if (schema.$ref === undefined) return schema
    const { $ref, ...flags } = schema
    const target = document.schemas[$ref]
    if (target === undefined) throw new Error(`There is no schema ${$ref}`)
    const found = resolve(target)
    return Object.keys(flags).length === 0 ? found : { ...found, ...flags }
  }
  const readWhole = (schema: Schema): Shape | undefined => {
    const found = resolve(schema)
    if (found.properties === undefined && found.allOf === undefined) {
      if (found.type !== 'object' || found.oneOf !== undefined || found.anyOf !== undefined) return undefined
      return { properties: {}, required: new Set(found.required), extra: found.additionalProperties }
    }
    const parts = (found.allOf ?? []).map(whole)
    const properties = Object.assign(
      {},
      ...parts.map((part) => part?.properties),
      found.properties,
    ) as Record<string, Schema>
    const required = new Set([
      ...parts.flatMap((part) => [...(part?.required ?? [])]),
      ...(found.required ?? []),
    ])
    const extra =
      found.additionalProperties ?? parts.map((part) => part?.extra).find((value) => value !== undefined)
    return { properties, required, extra }
  }
  const whole = (schema: Schema): Shape | undefined => {
    if (!wholes.has(schema)) wholes.set(schema, readWhole(schema))
    return wholes.get(schema)
  }
  // A part may require what another one describes; what none does is a slip of the documents (stackit dossier 9).
  const readShape = (schema: Schema): Shape | undefined => {
    const found = whole(schema)
    if (found === undefined) return undefined
    const required = [...found.required].filter((name) => name in found.properties)
    return { ...found, required: new Set(required) }
  }
  const shape = (schema: Schema): Shape | undefined => {
    if (!shapes.has(schema)) shapes.set(schema, readShape(schema))
    return shapes.get(schema)
  }
  return { resolve, shape }
}
