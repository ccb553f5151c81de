import { describe, expect, it } from 'vitest'
import type { NamedSchema, Schema } from '../../scripts/generate/model.js'
import { Names } from '../../scripts/generate/names.js'
import type { OpenApiSchema } from '../../scripts/generate/open-api-document.js'
import { schemaReader, type SchemaNotes } from '../../scripts/generate/open-api-schemas.js'
import { jsonSchema } from '../../scripts/generate/schemas-file.js'
import { typeText } from '../../scripts/generate/type-text.js'

type Components = Readonly<Record<string, OpenApiSchema>>

function readAll(schemas: Components, notes: Partial<SchemaNotes> = {}): readonly NamedSchema[] {
  const document = { openapi: '3.0.4', paths: {}, components: { schemas } }
  return schemaReader(document, {
    names: new Names(),
    reserved: new Map([['Error', 'DnsError']]),
    values: () => undefined,
    secret: () => false,
    ...notes,
  }).named
}

/** What becomes of a schema named `Tested`, among others. */
function read(tested: OpenApiSchema, others: Components = {}, notes: Partial<SchemaNotes> = {}): Schema {
  const found = readAll({ ...others, Tested: tested }, notes).find(({ source }) => source === 'Tested')
  if (found === undefined) throw new Error('Tested was not read')
  return found.schema
}

/** Type and schema for checking, the layout of the type aside. */
function written(schema: Schema): { readonly type: string; readonly json: unknown } {
  return { type: typeText(schema).replaceAll(/\s+/g, ' '), json: jsonSchema(schema) }
}

const ref = (name: string): OpenApiSchema => ({ $ref: `#/components/schemas/${name}` })

describe('kinds of schemas', () => {
  it.each<[string, OpenApiSchema, string, unknown]>([
    [
      'a text with rules, its format left out',
      { type: 'string', format: 'uuid', minLength: 1, maxLength: 36, pattern: '^a\\d$' },
      'string',
      { type: 'string', minLength: 1, maxLength: 36, pattern: '^a\\d$' },
    ],
    [
      'known values are not the only ones',
      { type: 'string', enum: ['a', "it's", 'in progress'] },
      "'a' | 'it\\'s' | 'in progress' | (string & {})",
      { type: 'string', enum: ['a', "it's", 'in progress'] },
    ],
    [
      'values by the extension',
      { type: 'string', 'x-extensible-enum': ['a', 'b'] },
      "'a' | 'b' | (string & {})",
      { type: 'string', enum: ['a', 'b'] },
    ],
    [
      'null among the values',
      { type: 'string', nullable: true, enum: ['a', null] },
      "'a' | (string & {}) | null",
      { type: 'string', enum: ['a'], nullable: true },
    ],
    [
      'numbers of which some are known',
      { type: 'integer', enum: [1, 3], minimum: 0 },
      '1 | 3 | (number & {})',
      { type: 'integer', enum: [1, 3], minimum: 0 },
    ],
    [
      'bounds',
      { type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 9 },
      'number',
      { type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 9 },
    ],
    ['yes or no', { type: 'boolean', default: true } as OpenApiSchema, 'boolean', { type: 'boolean' }],
    ['anything', {}, 'unknown', {}],
    [
      'a list of what may be null',
      { type: 'array', items: { type: 'string', nullable: true }, minItems: 1, uniqueItems: true },
      'readonly (string | null)[]',
      { type: 'array', items: { type: 'string', nullable: true }, minItems: 1, uniqueItems: true },
    ],
    [
      'a list of lists',
      { type: 'array', items: { type: 'array', items: { type: 'string' } } },
      'readonly (readonly string[])[]',
      { type: 'array', items: { type: 'array', items: { type: 'string' } } },
    ],
    [
      'properties make an object',
      {
        properties: { '@type': { type: 'string' }, 'lua-time-limit': { type: 'integer' } },
        required: ['@type'],
      },
      "{ readonly '@type': string readonly 'lua-time-limit'?: number }",
      {
        type: 'object',
        properties: { '@type': { type: 'string' }, 'lua-time-limit': { type: 'integer' } },
        required: ['@type'],
      },
    ],
    [
      'an object without a shape',
      { type: 'object', format: 'json' },
      '{ readonly [name: string]: unknown }',
      { type: 'object' },
    ],
    [
      'a record',
      { type: 'object', additionalProperties: { type: 'integer' } },
      '{ readonly [name: string]: number }',
      { type: 'object', additionalProperties: { type: 'integer' } },
    ],
    [
      'an object with further fields',
      { properties: { a: { type: 'string' } }, additionalProperties: { type: 'integer' } },
      '{ readonly a?: string readonly [name: string]: unknown }',
      { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: { type: 'integer' } },
    ],
    [
      'an object with whatever else',
      { properties: { a: { type: 'string' } }, additionalProperties: true },
      '{ readonly a?: string readonly [name: string]: unknown }',
      { type: 'object', properties: { a: { type: 'string' } } },
    ],
    [
      'an object without further fields',
      { properties: { a: { type: 'string' } }, additionalProperties: false },
      '{ readonly a?: string }',
      { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false },
    ],
    [
      'what is required but never said is not asked for',
      { properties: { a: { type: 'string' } }, required: ['a', 'ghost'] },
      '{ readonly a: string }',
      { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
    ],
    [
      'a choice',
      { anyOf: [{ type: 'string' }, { type: 'integer' }, { type: 'string' }], nullable: true },
      'string | number | null',
      { anyOf: [{ type: 'string' }, { type: 'integer' }, { type: 'string' }], nullable: true },
    ],
  ])('%s', (_, schema, type, json) => {
    expect(written(read(schema))).toEqual({ type, json })
  })

  it('takes values that are told elsewhere', () => {
    const schema = read(
      { properties: { status: { type: 'string' }, name: { type: 'string' } } },
      {},
      { values: (way) => (way === 'Tested.status' ? ['ACTIVE'] : undefined) },
    )

    expect(written(schema).type).toBe("{ readonly status?: 'ACTIVE' | (string & {}) readonly name?: string }")
  })

  it('refuses a type that nobody knows, and a reference that leads nowhere', () => {
    expect(() => read({ type: 'file' })).toThrow('Tested: nobody knows the type file')
    expect(() => read(ref('Nobody'))).toThrow('#/components/schemas/Nobody leads nowhere')
  })
})

describe('names of types', () => {
  it('are identifiers, distinct, and not those of the language', () => {
    const names = readAll({
      'zone_models.ImportZoneJson': {},
      'create-intakePayload': {},
      error: {},
      HandlersInfraFlavor: {},
      'handlers_infra.Flavor': {},
    }).map(({ name }) => name)

    expect(names).toEqual([
      'ZoneModelsImportZoneJson',
      'CreateIntakePayload',
      'DnsError',
      'HandlersInfraFlavor',
      'HandlersInfraFlavor2',
    ])
  })

  it('are those that references mean', () => {
    expect(written(read({ properties: { e: ref('error') } }, { error: {} })).json).toEqual({
      type: 'object',
      properties: { e: { $ref: '#/definitions/DnsError' } },
    })
  })
})

describe('extensions', () => {
  const others: Components = {
    Base: {
      properties: { id: { type: 'string', readOnly: true }, kind: { type: 'string' } },
      required: ['id'],
    },
  }

  it('unwraps one member and keeps what is said beside it', () => {
    const schema = read(
      { properties: { base: { allOf: [ref('Base')], nullable: true, readOnly: true } } },
      others,
    )

    expect(schema).toMatchObject({
      properties: [
        { name: 'base', schema: { kind: 'reference', name: 'Base', nullable: true, readOnly: true } },
      ],
    })
    expect(written(schema)).toEqual({
      type: '{ readonly base?: Base | null }',
      json: { type: 'object', properties: { base: { $ref: '#/definitions/Base', nullable: true } } },
    })
  })

  it('puts the fields of all members together, the later ones first', () => {
    const schema = read(
      {
        allOf: [
          ref('Base'),
          { properties: { kind: { type: 'integer' }, more: { type: 'boolean' } }, required: ['more'] },
        ],
      },
      others,
    )

    expect(written(schema).type).toBe('{ readonly id: string readonly kind?: number readonly more: boolean }')
  })

  it('lets a member that only says what is required do so', () => {
    const schema = read({ allOf: [{ type: 'object', required: ['kind'] }, ref('Base')] }, others)

    expect(written(schema).json).toEqual({
      type: 'object',
      properties: { id: { type: 'string' }, kind: { type: 'string' } },
      required: ['id', 'kind'],
    })
  })

  it('sees what is said beside the only member', () => {
    const schema = read({ allOf: [ref('Base')], required: ['kind'] }, others)

    expect(written(schema).type).toBe('{ readonly id: string readonly kind: string }')
  })
})

describe('unions told apart by a field', () => {
  const others: Components = {
    Http: { properties: { type: { type: 'string' }, url: { type: 'string' } }, required: ['type'] },
    Bucket: { properties: { name: { type: 'string' } } },
  }
  const union: OpenApiSchema = {
    type: 'object',
    properties: { type: { type: 'string' } },
    required: ['type'],
    oneOf: [ref('Http'), ref('Bucket')],
    discriminator: {
      propertyName: 'type',
      mapping: { http: '#/components/schemas/Http', bucket: '#/components/schemas/Bucket' },
    },
  }

  it('have members that name their value, whether the members do or not', () => {
    const named = readAll({ ...others, Tested: { properties: { backend: union } } })

    expect(named.slice(0, 2).map(({ schema }) => typeText(schema).replaceAll(/\s+/g, ' '))).toEqual([
      "{ readonly type: 'http' readonly url?: string }",
      "{ readonly name?: string readonly type?: 'bucket' }",
    ])
  })

  it('fit if one member does, and say which field tells', () => {
    expect(written(read(union, others))).toEqual({
      type: 'Http | Bucket',
      json: {
        anyOf: [{ $ref: '#/definitions/Http' }, { $ref: '#/definitions/Bucket' }],
        discriminator: {
          propertyName: 'type',
          mapping: { http: '#/definitions/Http', bucket: '#/definitions/Bucket' },
        },
      },
    })
  })

  it('stay unions with one member, for those that are yet to come', () => {
    const single: OpenApiSchema = {
      oneOf: [ref('Http')],
      nullable: true,
      discriminator: { propertyName: 'type', mapping: { http: '#/components/schemas/Http' } },
    }

    expect(written(read(single, others))).toMatchObject({
      type: 'Http | null',
      json: { anyOf: [{ $ref: '#/definitions/Http' }], nullable: true },
    })
  })
})

describe('traits', () => {
  it('marks secrets with what is known of owner, field and siblings', () => {
    const asked: unknown[] = []
    const schema = read(
      { properties: { password: ref('Text'), size: { type: 'integer' } } },
      { Text: { type: 'string', format: 'password' } },
      {
        secret: (...what) => {
          asked.push(what)
          return what[3].format === 'password'
        },
      },
    )

    expect(schema).toMatchObject({
      properties: [{ schema: { secret: true } }, { schema: { kind: 'integer' } }],
    })
    expect(asked).toEqual([
      ['Tested', 'password', ['password', 'size'], { type: 'string', format: 'password' }],
      ['Tested', 'size', ['password', 'size'], { type: 'integer' }],
    ])
  })

  it('says what is deprecated', () => {
    expect(typeText(read({ properties: { old: { type: 'string', deprecated: true } } }))).toBe(
      '{\n  /** @deprecated */\n  readonly old?: string\n}',
    )
  })
})
