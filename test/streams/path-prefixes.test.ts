import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPathPrefixes } from '../../src/streams/path-prefixes.js'
import { compareUtf8 } from '../../src/streams/utf8-order.js'

describe('createPathPrefixes', () => {
  it('holds a path, and what is below it, as if all of them were remembered', () => {
    const path = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.'), minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(fc.uniqueArray(path, { maxLength: 30 }), fc.func(fc.boolean()), (paths, isPrefix) => {
        const prefixes = createPathPrefixes()
        const added: string[] = []
        for (const each of paths.toSorted(compareUtf8)) {
          const expected = added.some((prefix) => each === prefix || each.startsWith(`${prefix}/`))
          expect(prefixes.hold(each)).toBe(expected)
          if (isPrefix(each)) {
            prefixes.add(each)
            added.push(each)
          }
        }
      }),
    )
  })

  it('knows which path is one of them', () => {
    const prefixes = createPathPrefixes()
    prefixes.add('a')
    prefixes.add('ab')
    expect(prefixes.has('a', 'ab.part')).toBe(true)
    expect(prefixes.has('ab', 'ab.part')).toBe(true)
    expect(prefixes.has('b', 'b.part')).toBe(false)
  })
})
