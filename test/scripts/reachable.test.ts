import { describe, expect, it } from 'vitest'
import type { NamedSchema, Operation, Schema } from '../../scripts/generate/model.js'
import { reachable, secretsOf, withoutReadOnlyDuties } from '../../scripts/generate/reachable.js'

const named = (name: string): Schema => ({ kind: 'reference', name })
const text: Schema = { kind: 'string' }
const schemas: readonly NamedSchema[] = [
  {
    name: 'Zone',
    schema: {
      kind: 'object',
      properties: [
        { name: 'id', schema: { ...text, readOnly: true }, required: true },
        { name: 'name', schema: text, required: true },
        { name: 'keys', schema: { kind: 'array', items: named('Key') }, required: false },
      ],
      additional: named('Extra'),
    },
  },
  {
    name: 'Key',
    schema: {
      kind: 'object',
      properties: [{ name: 'password', schema: { ...text, secret: true }, required: true }],
    },
  },
  { name: 'Extra', schema: { kind: 'union', members: [text, named('Key')] } },
  { name: 'Alone', schema: text },
]

function operation(parts: Partial<Operation>): Operation {
  return {
    id: 'Test',
    name: 'test',
    typeName: 'Test',
    method: 'POST',
    path: '/',
    parameters: [],
    answers: [],
    permissions: [],
    ...parts,
  }
}

const sending = operation({ body: { schema: named('Zone'), required: true, types: ['application/json'] } })
const receiving = operation({
  answers: [{ status: 200, schema: named('Zone'), types: ['application/json'] }],
})

describe('what is reachable', () => {
  it('are the schemas in lists, fields, rests and choices', () => {
    expect([...reachable([{ kind: 'array', items: named('Zone') }], schemas)].sort()).toEqual([
      'Extra',
      'Key',
      'Zone',
    ])
    expect([...reachable([named('Extra')], schemas)].sort()).toEqual(['Extra', 'Key'])
  })
})

describe('secrets', () => {
  it('are found at any depth, of what is sent and of what is answered', () => {
    expect(secretsOf(sending, schemas)).toEqual(['password'])
    expect(secretsOf(receiving, schemas)).toEqual(['password'])
    expect(secretsOf(operation({}), schemas)).toEqual([])
  })
})

describe('what only the service sends', () => {
  const requiredOf = (operations: readonly Operation[]): readonly string[] => {
    const [zone] = withoutReadOnlyDuties(schemas, operations)
    return zone?.schema.kind === 'object'
      ? zone.schema.properties.filter((p) => p.required).map((p) => p.name)
      : []
  }

  it('is not asked of who calls', () => {
    expect(requiredOf([sending])).toEqual(['name'])
  })

  it('is certain in an answer', () => {
    expect(requiredOf([receiving])).toEqual(['id', 'name'])
  })
})
