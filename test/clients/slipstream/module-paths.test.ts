import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  isModuleRoot,
  modulePath,
  moduleReference,
  moduleVersion,
  unversionedModulePath,
} from '../../../src/clients/slipstream/module-paths.js'

describe('the path of a module', () => {
  it.each(['a/b', '/a/b', 'a/b/', '/a/b/', 'module/a/b', '/module/a/b', '//module//a/b//'])(
    'is the same as %s (defect 7 of the reference)',
    (path) => {
      expect([moduleReference(path), modulePath(path)]).toEqual(['module/a/b', '/module/a/b'])
    },
  )

  it('loses one module/ only, and none of a longer name', () => {
    expect(moduleReference('module/module/a')).toBe('module/module/a')
    expect(moduleReference('modules/a')).toBe('module/modules/a')
  })

  it('keeps its version, or loses it', () => {
    expect(modulePath('a/b/7')).toBe('/module/a/b/7')
    expect(unversionedModulePath('a/b/7')).toBe('/module/a/b')
    expect(unversionedModulePath('a/b7')).toBe('/module/a/b7')
    expect(unversionedModulePath('7')).toBe('/module/7')
  })

  it('is encoded where it is sent, and only there', () => {
    expect(modulePath('a b/c?d/ü#')).toBe('/module/a%20b/c%3Fd/%C3%BC%23')
    expect(moduleReference('a b/ü')).toBe('module/a b/ü')
  })

  it.each(['', '/', 'module', 'module/', 'a//b', 'a/./b', '..', 'a/..', undefined, null, 7])(
    'is not %j',
    (path) => {
      expect(() => modulePath(path as string, 'target')).toThrow(/^target: expected the path of a module/)
      expect(() => moduleReference(path as string)).toThrow(TypeError)
    },
  )

  it('leads to the root if there is nothing in it', () => {
    expect([undefined, '', '/', 'module', '/module/'].every(isModuleRoot)).toBe(true)
    expect(['a', 'modules', 'module/a'].some(isModuleRoot)).toBe(false)
  })
})

describe('moduleVersion', () => {
  it.each([
    ['module/a/b/7', { path: 'a/b', version: 7 }],
    ['/module/a/b/7', { path: 'a/b', version: 7 }],
    ['https://cloud.test/prefix/module/a/b/7/', { path: 'a/b', version: 7 }],
    ['module/a/b', { path: 'a/b' }],
    ['module/a/module/b/1', { path: 'a/module/b', version: 1 }],
    ['a/b/7', { path: 'a/b', version: 7 }],
    ['module/7', { path: '7' }],
    ['', { path: '' }],
  ])('reads %s', (uri, expected) => {
    expect(moduleVersion(uri)).toEqual(expected)
  })

  it('reads what is written', () => {
    const name = fc.stringMatching(/^[A-Za-z][\w .-]{0,8}$/)
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), fc.nat(), (names, version) => {
        const path = names.join('/')
        fc.pre(!path.startsWith('module'))
        expect(moduleVersion(`${moduleReference(path)}/${String(version)}`)).toEqual({ path, version })
      }),
    )
  })
})
