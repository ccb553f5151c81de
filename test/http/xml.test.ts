import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ResponseFormatError } from '../../src/errors.js'
import type { DecodeContext } from '../../src/http/types.js'
import { xml } from '../../src/http/xml.js'
import { operationOf, responseOf } from './requests.js'

const context: DecodeContext = {
  operation: operationOf(),
  cloud: 'slipstream',
  watched: false,
  now: () => 0,
  drift: () => undefined,
}
const read = (body: string) => xml(responseOf(200, body), context)

describe('xml', () => {
  it('reads a document', () => {
    const { root } = read('<?xml version="1.0"?><run status="Done"><item>a &amp; b</item></run>')
    expect(root?.name).toBe('run')
    expect(root?.attributes).toEqual({ status: 'Done' })
    expect(root?.text).toBe('a & b')
  })

  it.each([
    ['an entity of its own', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', 'body has a document type'],
    [
      'a file',
      '<!doctype a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
      'body has a document type',
    ],
    ['an unknown entity', '<a>&x;</a>', 'body is not XML: '],
    ['a tag left open', '<a>', 'body is not XML: '],
    ['nothing', '', 'body is not XML: '],
    ['JSON', '{}', 'body is not XML: '],
  ])('refuses %s', (_what, body, issue) => {
    expect(() => read(body)).toThrow(ResponseFormatError)
    expect(() => read(body)).toThrow(issue)
  })

  it('shows no secret of a broken document', () => {
    try {
      read('<a password="hunter2"><b></a>')
    } catch (error) {
      expect(inspect(error)).toContain('test.things.do')
      expect(inspect(error)).not.toContain('hunter2')
      return
    }
    throw new Error('expected an error')
  })
})
