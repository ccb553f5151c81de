import { z } from 'zod'
import { describe, expect, it } from 'vitest'
import { viewOf } from '../../../src/clients/stackit/schema-views.js'

const fits = (schema: object, value: unknown): boolean =>
  z.fromJSONSchema(viewOf(schema, 'request'), { defaultTarget: 'openapi-3.0' }).safeParse(value).success

describe('a pattern', () => {
  it.each(['Käse 12', 'сыр-7', 'сыр'])('of letters of all scripts is left to the service: %s', (text) => {
    expect(fits({ type: 'string', pattern: '^[\\p{L}\\p{N} -]{1,32}$' }, text)).toBe(true)
  })

  it('may escape what needs no escape', () => {
    const schema = { type: 'string', pattern: '^[a-z\\-\\/]+\\:$' }
    expect(fits(schema, 'a-/:')).toBe(true)
    expect(fits(schema, 'A')).toBe(false)
  })
})
