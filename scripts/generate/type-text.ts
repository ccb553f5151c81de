import type { Property, Schema } from './model.js'
import { propertyName, text } from './names.js'

/** A schema as TypeScript. `indent` is that of the line it begins on. */
export function typeText(schema: Schema, indent = ''): string {
  const type = plainType(schema, indent)
  return schema.nullable === true ? `${type} | null` : type
}

function plainType(schema: Schema, indent: string): string {
  switch (schema.kind) {
    case 'reference':
      return schema.name
    case 'string':
      if (schema.values === undefined) return 'string'
      return alternatives([...schema.values.map(text), ...(schema.closed === true ? [] : ['(string & {})'])])
    case 'integer':
    case 'number':
      return schema.values === undefined
        ? 'number'
        : alternatives([...schema.values.map(String), '(number & {})'])
    case 'boolean':
      return 'boolean'
    case 'array':
      return `readonly ${grouped(schema.items, indent)}[]`
    case 'object':
      return objectText(schema, indent)
    case 'union':
      return alternatives(schema.members.map((member) => typeText(member, indent)))
    case 'unknown':
      return 'unknown'
  }
}

function alternatives(types: readonly string[]): string {
  return [...new Set(types)].join(' | ')
}

/** In brackets, where `[]` would bind tighter. */
function grouped(schema: Schema, indent: string): string {
  const type = typeText(schema, indent)
  const choice = schema.kind === 'union' ? schema.members.length > 1 : 'values' in schema
  return schema.nullable === true || schema.kind === 'array' || choice ? `(${type})` : type
}

/** Whether it can be an interface: nothing but fields. */
export function isPlainObject(schema: Schema): schema is Extract<Schema, { kind: 'object' }> {
  return schema.kind === 'object' && schema.nullable !== true && schema.properties.length > 0
}

export function objectText(schema: Extract<Schema, { kind: 'object' }>, indent = ''): string {
  const rest = restText(schema, indent)
  if (schema.properties.length > 0)
    return fieldsText(schema.properties, indent, rest === undefined ? [] : [rest])
  return `{ ${rest ?? 'readonly [name: string]: unknown'} }`
}

/** Lines of an object type. */
export function fieldsText(
  properties: readonly Property[],
  indent: string,
  rest: readonly string[] = [],
): string {
  const inner = `${indent}  `
  const lines = properties.flatMap(({ name, schema, required }) => [
    ...(schema.deprecated === true ? ['/** @deprecated */'] : []),
    `readonly ${propertyName(name)}${required ? '' : '?'}: ${typeText(schema, inner)}`,
  ])
  return `{\n${[...lines, ...rest].map((line) => `${inner}${line}\n`).join('')}${indent}}`
}

function restText(
  { additional, properties }: Extract<Schema, { kind: 'object' }>,
  indent: string,
): string | undefined {
  if (additional === undefined) return undefined
  if (additional === false) return properties.length === 0 ? 'readonly [name: string]: never' : undefined
  // Fields with types of their own must fit the rest as well.
  return `readonly [name: string]: ${properties.length === 0 ? typeText(additional, indent) : 'unknown'}`
}
