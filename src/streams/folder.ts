import { isUtf8 } from 'node:buffer'
import { lstat, type Dirent, type Stats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'
import { concatMap, defer, EMPTY, of } from 'rxjs'
import { TransferError } from '../errors.js'
import type { Feed } from './feed.js'
import type { IgnoreTest } from './ignore-patterns.js'
import { reasonOf } from './sources.js'
import { compareUtf8 } from './utf8-order.js'

/** What becomes of symbolic links: they are passed over and told, followed inside of the folder, or failures. */
export type Symlinks = 'skip' | 'follow' | 'error'

/** What is in a folder. Paths are relative to it, with `/` between their parts; that of a directory ends in `/`. */
export type FolderEntry =
  | { readonly kind: 'file'; readonly path: string; readonly location: string; readonly bytes: number }
  | { readonly kind: 'skipped'; readonly path: string; readonly reason: string }
  | { readonly kind: 'failed'; readonly path: string; readonly error: TransferError }

export interface WalkOptions {
  readonly symlinks: Symlinks
  readonly ignored: IgnoreTest
  /** A folder that is not there is an empty one. Default: an error. */
  readonly mayBeMissing?: boolean
}

/** Files looked at together. */
const BATCH = 256

/** A directory that is being walked. */
interface Level {
  /** Ends in `/`, but for the folder itself. */
  readonly path: string
  readonly location: string
  /** Without links; only where links are followed. */
  readonly real: string
  /** Names in order; those of directories end in `/`. */
  readonly names: readonly string[]
  /** What need not be looked at again, by name. */
  readonly known: ReadonlyMap<string, FolderEntry>
  /** Links that are followed, by name, with what they lead to. */
  readonly links: ReadonlyMap<string, string>
  next: number
}

/**
 * All files below a folder, in the order of the bytes of their paths. Holds the names of one directory on each level, and no
 * open file. A directory that cannot be read is a `failed` entry; the folder itself is the feed's error.
 */
export function walkFolder(folder: string, options: WalkOptions): Feed<FolderEntry> {
  const levels: Level[] = []
  let begun = false
  const nextBatch = async (): Promise<readonly FolderEntry[]> => {
    if (!begun) levels.push(...(await openFolder(folder, options)))
    begun = true
    const batch: FolderEntry[] = []
    for (let level = levels.at(-1); level !== undefined && batch.length < BATCH; level = levels.at(-1)) {
      const name = level.names[level.next]
      if (name === undefined) levels.pop()
      else if (name.endsWith('/')) {
        level.next += 1
        try {
          levels.push(await openLevel(level, name, levels, options))
        } catch (error) {
          batch.push(failed(level.path + name, error))
        }
      } else batch.push(...(await describeFiles(level, BATCH - batch.length)))
    }
    return batch
  }
  return () => defer(nextBatch).pipe(concatMap((batch) => (batch.length === 0 ? EMPTY : of(batch))))
}

/** Whether there is a directory, or a link to one, at this path. */
export async function isDirectory(path: string): Promise<boolean> {
  const present = await stat(path).catch(() => undefined)
  return present?.isDirectory() === true
}

// --- directories --------------------------------------------------------------------------------------------

async function openFolder(folder: string, options: WalkOptions): Promise<readonly Level[]> {
  try {
    const real = await realpath(folder)
    if (!(await stat(real)).isDirectory()) throw new TransferError('it is not a directory')
    return [await readLevel({ path: '', location: folder, real }, [real], options)]
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && options.mayBeMissing === true) return []
    throw new TransferError(`cannot read the folder ${folder}: ${whyNot(error)}`, { cause: error })
  }
}

function openLevel(
  parent: Level,
  name: string,
  levels: readonly Level[],
  options: WalkOptions,
): Promise<Level> {
  const plain = name.slice(0, -1)
  const level = {
    path: parent.path + name,
    location: join(parent.location, plain),
    real: parent.links.get(plain) ?? join(parent.real, plain),
  }
  return readLevel(level, [...levels.map(({ real }) => real), level.real], options)
}

/** @param chain - the directories that it is in, without links, from the folder to itself */
async function readLevel(
  level: Pick<Level, 'path' | 'location' | 'real'>,
  chain: readonly string[],
  { symlinks, ignored }: WalkOptions,
): Promise<Level> {
  const { path, location } = level
  const entries = await readdir(location, { withFileTypes: true })
  const readable = await readableNames(location, entries)
  const names: string[] = []
  const known = new Map<string, FolderEntry>()
  const links = new Map<string, string>()

  for (const entry of entries) {
    const { name } = entry
    if (!readable(name)) {
      names.push(name)
      known.set(name, failed(path + name, new TransferError('its name is not valid UTF-8')))
      continue
    }
    if (ignored(path + name, entry.isDirectory())) continue
    if (entry.isDirectory()) names.push(`${name}/`)
    else if (entry.isFile()) names.push(name)
    else if (!entry.isSymbolicLink() || symlinks === 'skip') {
      names.push(name)
      known.set(name, { kind: 'skipped', path: path + name, reason: `it is ${kindOf(entry)}` })
    } else {
      try {
        if (symlinks === 'error') throw new TransferError('it is a symbolic link')
        const target = await follow(join(location, name), chain)
        if (target.isDirectory && ignored(path + name, true)) continue
        links.set(name, target.real)
        names.push(target.isDirectory ? `${name}/` : name)
      } catch (error) {
        names.push(name)
        known.set(name, failed(path + name, error))
      }
    }
  }
  names.sort(compareUtf8)
  return { ...level, names, known, links, next: 0 }
}

/** A name that is no text comes with a sign in place of what cannot be read, which may be in a name by right. */
async function readableNames(
  location: string,
  entries: readonly Dirent[],
): Promise<(name: string) => boolean> {
  if (!entries.some(({ name }) => name.includes('\ufffd'))) return () => true
  const raw = await readdir(location, { encoding: 'buffer' })
  const texts = new Set(raw.filter((name) => isUtf8(name)).map((name) => name.toString()))
  return (name) => texts.has(name)
}

/** Where a link leads: not out of the folder, and not to a directory that it is in itself. */
async function follow(
  link: string,
  chain: readonly string[],
): Promise<{ readonly real: string; readonly isDirectory: boolean }> {
  const real = await realpath(link)
  if (!chain.slice(0, 1).some((folder) => isWithin(real, folder))) {
    throw new TransferError('it is a symbolic link that leads out of the folder')
  }
  const target = await stat(real)
  if (!target.isDirectory() && !target.isFile()) throw new TransferError('it leads to what is not a file')
  if (target.isDirectory() && chain.some((directory) => isWithin(directory, real))) {
    throw new TransferError('it is a symbolic link to a directory that it is in')
  }
  return { real, isDirectory: target.isDirectory() }
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

// --- files --------------------------------------------------------------------------------------------------

/** What is next in a directory, at most `count` names and up to the next directory. */
async function describeFiles(level: Level, count: number): Promise<readonly FolderEntry[]> {
  const { names, next } = level
  let end = next
  while (end < names.length && end - next < count && names[end]?.endsWith('/') === false) end += 1
  level.next = end
  return await Promise.all(names.slice(next, end).map((name) => describeFile(level, name)))
}

function describeFile({ path, location, known, links }: Level, name: string): Promise<FolderEntry> {
  const entry = known.get(name)
  if (entry !== undefined) return Promise.resolve(entry)
  const file = { path: path + name, location: join(location, name) }
  // A quarter of what the variant with promises costs, and there may be very many files.
  return new Promise((resolve) => {
    lstat(links.get(name) ?? file.location, (error, stats: Stats | undefined) => {
      if (stats?.isFile() === true) resolve({ kind: 'file', ...file, bytes: stats.size })
      else resolve(failed(file.path, error ?? new TransferError('it is not a file any more')))
    })
  })
}

function failed(path: string, error: unknown): FolderEntry {
  const message = `cannot read ${path}: ${whyNot(error)}`
  return { kind: 'failed', path, error: new TransferError(message, { cause: error }) }
}

function whyNot(error: unknown): string {
  return codeOf(error) === 'ELOOP' ? 'it is a symbolic link that leads to itself' : reasonOf(error)
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function kindOf(entry: Dirent): string {
  if (entry.isSymbolicLink()) return 'a symbolic link'
  if (entry.isFIFO()) return 'a pipe'
  if (entry.isSocket()) return 'a socket'
  return entry.isBlockDevice() || entry.isCharacterDevice() ? 'a device' : 'neither a file nor a directory'
}
