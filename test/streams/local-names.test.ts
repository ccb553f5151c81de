import { describe, expect, it } from 'vitest'
import { createLocalNames } from '../../src/streams/local-names.js'

const posix = { windows: false, folds: false }
const windows = { windows: true, folds: true }
const mac = { windows: false, folds: true }

describe('createLocalNames', () => {
  it.each([
    '..',
    '../a',
    'a/../../b',
    'a/..',
    '.',
    './a',
    'a/./b',
    '/etc/passwd',
    'a//b',
    'a/',
    '',
    'a\0b',
    '../../elsewhere/.ssh/authorized_keys',
  ])('refuses %j everywhere', (path) => {
    expect(createLocalNames(posix)(path, 'file')).toEqual(expect.any(String))
    expect(createLocalNames(windows)(path, 'file')).toEqual(expect.any(String))
  })

  const onlyElsewhere = [
    'a\\b',
    '..\\a',
    'C:a',
    'a:stream',
    'con',
    'a/NUL',
    'aux.txt',
    'com1',
    'LPT9.log',
    'com¹',
    'prn .txt',
    'CONOUT$',
    'a.',
    '...',
    'a ',
    'a?b',
    'a*',
    '<',
    'a|b',
    'a"b',
    'line\nbreak',
  ]
  it.each(onlyElsewhere)('refuses %j on Windows only', (path) => {
    expect(createLocalNames(windows)(path, 'file')).toEqual(expect.any(String))
    expect(createLocalNames(posix)(path, 'file')).toBeUndefined()
  })

  it.each(['a', 'a/b', '.hidden', 'a..b', 'com', 'console', 'com10', 'nul-a', 'ü/😀', 'a b'])(
    'takes %j everywhere',
    (path) => {
      expect(createLocalNames(windows)(path, 'file')).toBeUndefined()
      expect(createLocalNames(posix)(path, 'file')).toBeUndefined()
    },
  )

  /** What is refused of paths that are given in order. */
  function refused(rules: typeof posix, paths: readonly string[]): string[] {
    const names = createLocalNames(rules)
    return paths.filter((path) => names(path, path.endsWith('|') ? 'directory' : 'file') !== undefined)
  }

  it('refuses what is below a file, also with names between them', () => {
    expect(refused(posix, ['a', 'a!', 'a.txt', 'a/b', 'a/c/d', 'a0', 'b/c'])).toEqual(['a/b', 'a/c/d'])
    const names = createLocalNames(posix)
    expect(names('a', 'directory')).toBeUndefined()
    expect(names('a/b', 'file')).toBeUndefined()
  })

  it('refuses the name that another file has while it is downloaded', () => {
    expect(refused(posix, ['a', 'a.part', 'b.part', 'c/a.part'])).toEqual(['a.part'])
  })

  it('refuses what differs only in capitals or composition where that is the same file', () => {
    const paths = ['A/x', 'A/y', 'B', 'a/z', 'b', 'caf\u0065\u0301', 'caf\u00e9', 'stra\u00dfe']
    expect(refused(mac, paths)).toEqual(['a/z', 'b', 'caf\u00e9'])
    expect(refused(posix, paths)).toEqual([])
  })

  it('keeps apart what is in different directories', () => {
    expect(refused(mac, ['A/a', 'B/A', 'B/b/a', 'B/c/A', 'C/a'])).toEqual([])
  })

  it('finds the same file in other capitals also while it is downloaded, whichever comes first', () => {
    expect(refused(mac, ['X', 'x.PART'])).toEqual(['x.PART'])
    expect(refused(mac, ['X.PART', 'x'])).toEqual(['x'])
  })
})
