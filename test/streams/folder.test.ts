import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { defer, lastValueFrom, map, repeat, takeWhile, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { isDirectory, walkFolder, type FolderEntry, type WalkOptions } from '../../src/streams/folder.js'
import { ignoreTest } from '../../src/streams/ignore-patterns.js'
import { useFolder } from './folder.js'

const at = useFolder()

function write(...paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(at(path)), { recursive: true })
    writeFileSync(at(path), path)
  }
}

async function walk(options: Partial<WalkOptions> = {}, folder = at()): Promise<FolderEntry[]> {
  const feed = walkFolder(folder, { symlinks: 'skip', ignored: () => false, ...options })
  const batches = await lastValueFrom(
    defer(() => feed().pipe(toArray())).pipe(
      repeat(),
      takeWhile((batch) => batch.length > 0),
      map(([batch = []]) => batch),
      toArray(),
    ),
  )
  return batches.flat()
}

/** What was found, in short. */
function short(entries: readonly FolderEntry[]): string[] {
  return entries.map((entry) => {
    if (entry.kind === 'file') return entry.path
    const why = entry.kind === 'skipped' ? entry.reason : entry.error.message.replace(/^.*: /, '')
    return `${entry.kind} ${entry.path}: ${why}`
  })
}

describe('walkFolder', () => {
  it('finds all files, in the order of the bytes of their whole paths', async () => {
    const names = ['a.txt', 'a/b', 'a/b.c/d', 'a/b/c', 'a0', 'a!', '\uffff', '😀/x', '😀', 'Z', 'é']
    write(...names.filter((name) => !names.some((other) => other.startsWith(`${name}/`))))
    mkdirSync(at('empty'))
    const paths = short(await walk())
    expect(paths).toEqual(['Z', 'a!', 'a.txt', 'a/b.c/d', 'a/b/c', 'a0', 'é', '\uffff', '😀/x'])
    expect(paths).toEqual(paths.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
  })

  it('tells sizes and where the files are', async () => {
    write('a/b')
    expect(await walk()).toEqual([{ kind: 'file', path: 'a/b', location: at('a/b'), bytes: 3 }])
  })

  it('finds more files than it looks at together', async () => {
    write(
      ...Array.from(
        { length: 700 },
        (_, index) => `d${String(index % 2)}/f${String(index).padStart(3, '0')}`,
      ),
    )
    const paths = short(await walk())
    expect(paths).toHaveLength(700)
    expect(paths).toEqual(paths.toSorted())
  })

  it('leaves out what is ignored, and does not look into ignored directories', async () => {
    write('a/x.log', 'a/y', 'node_modules/b/c', 'z.log')
    const test = await ignoreTest(['*.log', 'node_modules/'])
    const asked: string[] = []
    const ignored = (path: string, directory: boolean): boolean => {
      asked.push(path)
      return test(path, directory)
    }
    expect(short(await walk({ ignored }))).toEqual(['a/y'])
    expect(asked.toSorted()).toEqual(['a', 'a/x.log', 'a/y', 'node_modules', 'z.log'])
  })

  it('tells what is no file', async () => {
    execFileSync('mkfifo', [at('pipe')])
    write('a')
    symlinkSync('a', at('link'))
    expect(short(await walk())).toEqual([
      'a',
      'skipped link: it is a symbolic link',
      'skipped pipe: it is a pipe',
    ])
  })

  it('tells names that are no text, and takes those that have its replacement by right', async () => {
    write('right\ufffd')
    writeFileSync(Buffer.concat([Buffer.from(at('bad')), Buffer.from([0xff])]), '')
    expect(short(await walk())).toEqual(['failed bad\ufffd: its name is not valid UTF-8', 'right\ufffd'])
  })

  it('follows links inside of the folder only, and no circles', async () => {
    write('d/a', 'd/deep/b', 'file')
    symlinkSync('../file', at('d/to-file'))
    symlinkSync('d', at('to-directory'))
    symlinkSync('..', at('d/deep/up'))
    symlinkSync('.', at('self'))
    symlinkSync(dirname(at()), at('out'))
    symlinkSync('/etc/passwd', at('passwd'))
    symlinkSync('nowhere', at('dangling'))
    symlinkSync('mutual', at('mutual'))
    const circle = 'it is a symbolic link to a directory that it is in'
    const out = 'it is a symbolic link that leads out of the folder'
    expect(short(await walk({ symlinks: 'follow' }))).toEqual([
      'd/a',
      'd/deep/b',
      `failed d/deep/up: ${circle}`,
      'd/to-file',
      'failed dangling: there is no such file',
      'file',
      'failed mutual: it is a symbolic link that leads to itself',
      `failed out: ${out}`,
      `failed passwd: ${out}`,
      `failed self: ${circle}`,
      'to-directory/a',
      'to-directory/deep/b',
      `failed to-directory/deep/up: ${circle}`,
      'to-directory/to-file',
    ])
  })

  it('fails links where they are errors, and goes on', async () => {
    write('a')
    symlinkSync('a', at('b'))
    expect(short(await walk({ symlinks: 'error' }))).toEqual(['a', 'failed b: it is a symbolic link'])
  })

  it('begins at a folder that is itself a link', async () => {
    write('real/a')
    symlinkSync('real', at('link'))
    expect(short(await walk({}, at('link')))).toEqual(['a'])
    expect(short(await walk({ symlinks: 'follow' }, at('link')))).toEqual(['a'])
  })

  it('fails a folder that is none', async () => {
    write('file')
    await expect(walk({}, at('none'))).rejects.toThrow(
      /^cannot read the folder .*none: there is no such file$/,
    )
    await expect(walk({}, at('file'))).rejects.toThrow(/it is not a directory$/)
    expect(await walk({ mayBeMissing: true }, at('none'))).toEqual([])
  })
})

describe('a directory that cannot be read', () => {
  // The system lets root read everything: a directory that is gone when its turn comes is one that cannot be read.
  it('is a failure, and the others are found', async () => {
    write('a/b', 'c/d', 'e/f')
    const ignored = (path: string): boolean => {
      if (path === 'a/b') execFileSync('rm', ['-r', at('c')])
      return false
    }
    expect(short(await walk({ ignored }))).toEqual(['a/b', 'failed c/: there is no such file', 'e/f'])
  })
})

describe('isDirectory', () => {
  it('follows links', async () => {
    write('d/a')
    symlinkSync('d', at('link'))
    expect(await Promise.all(['d', 'link', 'd/a', 'none'].map((path) => isDirectory(at(path))))).toEqual([
      true,
      true,
      false,
      false,
    ])
  })
})
