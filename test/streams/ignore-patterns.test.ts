import { describe, expect, it } from 'vitest'
import { ignoreTest } from '../../src/streams/ignore-patterns.js'

describe('ignoreTest', () => {
  it('reads patterns as .gitignore has them', async () => {
    const ignored = await ignoreTest(['# a comment', '*.log', '!keep.log', 'build/', '/top', 'a/**/z'])
    expect(ignored('x/y.log', false)).toBe(true)
    expect(ignored('keep.log', false)).toBe(false)
    expect(ignored('build', true)).toBe(true)
    expect(ignored('build', false)).toBe(false)
    expect(ignored('x/build/y', false)).toBe(true)
    expect(ignored('top', false)).toBe(true)
    expect(ignored('x/top', false)).toBe(false)
    expect(ignored('a/b/c/z', false)).toBe(true)
    expect(ignored('Y.LOG', false)).toBe(false)
  })

  it('ignores nothing without patterns', async () => {
    const ignored = await ignoreTest([])
    expect(ignored('a', false)).toBe(false)
  })

  it.each(['../a.log', '/a.log', '', './a.log'])(
    'leaves %j, which is no path below a folder, to others',
    async (path) => {
      const ignored = await ignoreTest(['*.log'])
      expect(ignored(path, false)).toBe(false)
    },
  )

  it('goes on after more paths than it remembers', async () => {
    const ignored = await ignoreTest(['*9'])
    const found = Array.from({ length: 20_500 }, (_, index) => ignored(`f${String(index)}`, false))
    expect(found.filter(Boolean)).toHaveLength(2_050)
  })
})
