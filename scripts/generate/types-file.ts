import type { NamedSchema, Operation, Service } from './model.js'
import { argumentFields, argumentsName } from './signatures.js'
import { fieldsText, isPlainObject, objectText, typeText } from './type-text.js'

/** The types of a service: those of its schemas, and the arguments of its operations. */
export function typesFile({ schemas, operations }: Service, ambient: readonly string[]): string {
  return [
    ...schemas.map(declaration),
    ...operations.map((operation) => argumentsDeclaration(operation, ambient)),
  ].join('\n')
}

function declaration({ name, schema }: NamedSchema): string {
  const remark = schema.deprecated === true ? '/** @deprecated */\n' : ''
  // An interface cannot tell of further fields beside its own without being one for all of them.
  if (isPlainObject(schema)) return `${remark}export interface ${name} ${objectText(schema)}\n`
  return `${remark}export type ${name} = ${typeText(schema)}\n`
}

function argumentsDeclaration(operation: Operation, ambient: readonly string[]): string {
  const name = argumentsName(operation)
  const fields = argumentFields(operation, ambient)
  if (fields.length === 0) return `export type ${name} = { readonly [name: string]: never }\n`
  return `export interface ${name} ${fieldsText(fields, '')}\n`
}
