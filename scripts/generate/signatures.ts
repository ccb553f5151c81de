import type { Operation, Parameter, Property, Schema, Service } from './model.js'

// What a method of the client takes and gives.

/** Name of the type of an operation's argument object. */
export function argumentsName({ typeName }: Operation): string {
  return `${typeName}Arguments`
}

/** The fields of an operation's argument object. Parameters that the client's configuration gives may be left out. */
export function argumentFields(
  { parameters, body }: Operation,
  ambient: readonly string[],
): readonly Property[] {
  const fields = parameters.map(({ name, schema, required, deprecated, ...parameter }) => ({
    name,
    schema: deprecated === undefined ? schema : { ...schema, deprecated },
    required: required && !isAmbient({ name, in: parameter.in }, ambient),
  }))
  if (body === undefined) return fields
  return [...fields, { name: 'body', schema: bodySchema(body), required: body.required }]
}

function isAmbient(parameter: Pick<Parameter, 'name' | 'in'>, ambient: readonly string[]): boolean {
  return parameter.in === 'path' && ambient.includes(parameter.name)
}

function bodySchema({ schema, types }: NonNullable<Operation['body']>): Schema {
  const words: Schema = { kind: 'string' }
  if (schema === undefined) return words
  return types.some(isText) ? { kind: 'union', members: [schema, words] } : schema
}

export function isText(type: string): boolean {
  return type.startsWith('text/')
}

/** What an operation's method emits, and the types of the service in it. */
export function resultText({ answers }: Operation): {
  readonly text: string
  readonly types: readonly string[]
} {
  const types = answers.flatMap(({ schema }) => (schema?.kind === 'reference' ? [schema.name] : []))
  const parts = answers.flatMap(({ schema, types: media }) => [
    ...(schema?.kind === 'reference' ? [schema.name] : []),
    ...media
      .filter((type) => schema === undefined || !isJson(type))
      .map((type) => (isText(type) ? 'string' : 'Uint8Array')),
    ...(media.length === 0 ? ['undefined'] : []),
  ])
  const distinct = [...new Set(parts)]
  return { text: distinct.length === 1 && distinct[0] === 'undefined' ? 'void' : distinct.join(' | '), types }
}

function isJson(type: string): boolean {
  return type === 'application/json' || type.endsWith('+json')
}

/** The type of the items of a paged operation, found by the way to them in the answer. */
export function itemText(
  operation: Operation,
  items: string,
  { schemas }: Service,
): { readonly text: string; readonly types: readonly string[] } {
  const answer = operation.answers.find(({ schema }) => schema !== undefined)?.schema
  if (answer?.kind !== 'reference') throw new Error(`${operation.id}: pages without a type`)
  const byName = new Map(schemas.map(({ name, schema }) => [name, schema]))
  const resolved = (schema: Schema | undefined): Schema | undefined =>
    schema?.kind === 'reference' ? resolved(byName.get(schema.name)) : schema
  let text = answer.name
  let schema = resolved(answer)
  for (const step of items === '' ? [] : items.split('.')) {
    if (schema?.kind !== 'object') throw new Error(`${operation.id}: no ${items} in its answer`)
    schema = resolved(schema.properties.find(({ name }) => name === step)?.schema)
    text = `NonNullable<${text}['${step}']>`
  }
  if (schema?.kind !== 'array') throw new Error(`${operation.id}: ${items} is no list`)
  if (schema.items.kind === 'reference') return { text: schema.items.name, types: [schema.items.name] }
  return { text: `${text}[number]`, types: [answer.name] }
}
