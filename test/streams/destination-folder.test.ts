import { existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openDestination } from '../../src/streams/destination-folder.js'
import { useFolder } from './folder.js'

const at = useFolder()

describe('openDestination', () => {
  it('makes the folder, and leaves nothing in it', async () => {
    const { folds } = await openDestination(at('a/b'))
    expect(readdirSync(at('a/b'))).toEqual([])
    writeFileSync(at('a/b/x'), '')
    expect(folds).toBe(existsSync(at('a/b/X')))
  })

  it('fails where there is a file', async () => {
    writeFileSync(at('file'), '')
    await expect(openDestination(at('file'))).rejects.toThrow(/^cannot write .*file: /)
  })

  it('makes nothing in a dry run', async () => {
    await openDestination(at('a'), { dryRun: true })
    expect(existsSync(at('a'))).toBe(false)
  })

  it('makes directories once for all files that are placed together', async () => {
    const folder = await openDestination(at())
    const places = await Promise.all(['a/b/c', 'a/b/d', 'a/e', 'f'].map((path) => folder.place(path)))
    expect(places).toEqual(['a/b/c', 'a/b/d', 'a/e', 'f'].map((path) => at(path)))
    expect(lstatSync(at('a/b')).isDirectory()).toBe(true)
  })

  it('says whether a directory is new', async () => {
    const folder = await openDestination(at())
    expect(await folder.makeDirectory('a/b')).toBe(true)
    expect(await folder.makeDirectory('a/b')).toBe(false)
    expect(await folder.makeDirectory('a')).toBe(false)
  })

  it('never goes through a link, nor through a file', async () => {
    mkdirSync(at('elsewhere'))
    mkdirSync(at('root'))
    symlinkSync('../elsewhere', at('root/link'))
    writeFileSync(at('root/file'), '')
    const folder = await openDestination(at('root'))
    const link = /^cannot write link\/.*: link is a symbolic link, which is not followed$/
    await expect(folder.place('link/a')).rejects.toThrow(link)
    await expect(folder.place('link/a/b')).rejects.toThrow(link)
    await expect(folder.makeDirectory('link')).rejects.toThrow(/link is a symbolic link/)
    await expect(folder.place('file/a')).rejects.toThrow(/^cannot write file\/a: file is not a directory$/)
    await expect(folder.remove('link/a')).rejects.toThrow(/link is a symbolic link/)
    expect(readdirSync(at('elsewhere'))).toEqual([])
  })

  it('forgets a failure: what is right later is right', async () => {
    writeFileSync(at('a'), '')
    const folder = await openDestination(at())
    await expect(folder.place('a/b')).rejects.toThrow(/a is not a directory/)
    await folder.remove('a')
    expect(await folder.place('a/b')).toBe(at('a/b'))
  })

  it('removes files, and directories that are empty then', async () => {
    mkdirSync(at('a/b/c'), { recursive: true })
    mkdirSync(at('d'))
    mkdirSync(at('e'))
    for (const path of ['a/b/c/x', 'd/y', 'd/z', 'e/w']) writeFileSync(at(path), '')
    const folder = await openDestination(at())
    for (const path of ['a/b/c/x', 'd/y', 'e/w', 'none', 'none/x']) await folder.remove(path)
    await folder.removeEmpty(['a/b/c', 'd', 'e', ''], new Set(['e']))
    expect(readdirSync(at()).toSorted()).toEqual(['d', 'e'])
    expect(readdirSync(at('d'))).toEqual(['z'])
  })

  it('refuses to remove a directory as a file', async () => {
    mkdirSync(at('a'))
    const folder = await openDestination(at())
    await expect(folder.remove('a')).rejects.toThrow(/^cannot write a: /)
  })
})
