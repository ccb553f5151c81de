/** A schema as JSON, of the keywords that the generator writes. */
export type SchemaDocument = Readonly<Record<string, unknown>>

/** For whom a schema is read: what is sent is held to more than what comes back. */
export type SchemaView = 'request' | 'answer'

/** Says something about the length, the size or the spelling of a value. */
const requestOnly = [
  'minLength',
  'maxLength',
  'pattern',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
]
/** Says what a value is. */
const both = ['type', '$ref', 'nullable', 'required']

/**
 * A schema as a check of ours may use it (stackit dossier 9): values that are listed are those known today and others are let
 * through, as are further fields. Of an answer only kinds and required fields are looked at.
 */
export function viewOf(schema: unknown, view: SchemaView): SchemaDocument {
  if (!isDocument(schema)) return {}
  const seen: Record<string, unknown> = {}
  for (const keyword of view === 'request' ? [...both, ...requestOnly] : both) {
    if (keyword in schema && !isUnknownPattern(keyword, schema[keyword])) seen[keyword] = schema[keyword]
  }
  if (isDocument(schema['properties'])) {
    const properties = Object.entries(schema['properties'])
    seen['properties'] = Object.fromEntries(
      properties.map(([name, property]) => [name, viewOf(property, view)]),
    )
  }
  if (isDocument(schema['additionalProperties'])) {
    seen['additionalProperties'] = viewOf(schema['additionalProperties'], view)
  }
  if ('items' in schema) seen['items'] = viewOf(schema['items'], view)
  if (Array.isArray(schema['anyOf'])) seen['anyOf'] = alternativesView(schema, schema['anyOf'], view)
  return seen
}

/** `\p{L}`, letters of all scripts, is known with the flag `u` alone, and zod sets none: such texts the service has to judge. */
function isUnknownPattern(keyword: string, value: unknown): boolean {
  return keyword === 'pattern' && typeof value === 'string' && value.includes('\\p{')
}

/** Where a field tells the alternatives apart, a value of it that is not known fits, whatever else is there. */
function alternativesView(
  schema: SchemaDocument,
  alternatives: readonly unknown[],
  view: SchemaView,
): readonly SchemaDocument[] {
  const { discriminator } = schema
  const mapping = isDocument(discriminator) ? discriminator['mapping'] : undefined
  if (!isDocument(discriminator) || !isDocument(mapping)) {
    return alternatives.map((alternative) => viewOf(alternative, view))
  }
  const field = String(discriminator['propertyName'])
  const values = Object.entries(mapping)
  const withField = (property: SchemaDocument): SchemaDocument => ({
    type: 'object',
    properties: { [field]: property },
    required: [field],
  })
  const known = values.map(([value, $ref]) => ({ allOf: [withField({ enum: [value] }), { $ref }] }))
  const other = {
    type: 'string',
    pattern: `^(?!(?:${values.map(([value]) => literally(value)).join('|')})$)`,
  }
  // Twice: what fails a pattern alone zod takes for the alternative that was meant.
  return [...known, withField({ anyOf: [other, other] })]
}

/** A pattern for exactly this text. */
function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

function isDocument(value: unknown): value is SchemaDocument {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
