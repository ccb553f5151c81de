import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareUtf8 } from '../../src/streams/utf8-order.js'

describe('compareUtf8', () => {
  it('orders as the bytes are ordered', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', '/', '.', 'é', '\uffff', '\ue000', '😀', '\u{10ffff}'),
    })
    fc.assert(
      fc.property(text, text, (left, right) => {
        const bytes = Buffer.compare(Buffer.from(left), Buffer.from(right))
        expect(Math.sign(compareUtf8(left, right))).toBe(bytes)
      }),
      { numRuns: 500 },
    )
  })

  it('puts what is beyond U+FFFF last, other than a comparison of strings does', () => {
    expect(['😀', '\uffff'].toSorted()).toEqual(['😀', '\uffff'])
    expect(['😀', '\uffff'].toSorted(compareUtf8)).toEqual(['\uffff', '😀'])
  })
})
