import { lstat, mkdir, mkdtemp, rmdir, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { TransferError } from '../errors.js'
import { reasonOf } from './sources.js'
import { compareUtf8 } from './utf8-order.js'

/** A folder that files are written below, never through a link that lies in it. Paths have `/` between their parts. */
export interface DestinationFolder {
  /** Whether names that differ only in capitals, or in how accents are composed, are the same file here. */
  readonly folds: boolean
  /** Makes the directories above a file. Resolves with where the file is. */
  place(path: string): Promise<string>
  /** Resolves with whether it was not there yet. */
  makeDirectory(path: string): Promise<boolean>
  /** Removes a file; one that is not there is as good. */
  remove(path: string): Promise<void>
  /** Removes those of the directories, and of those above them, that are empty and that are not to be kept. */
  removeEmpty(directories: Iterable<string>, keep: ReadonlySet<string>): Promise<void>
}

/** Directories remembered to be ones. */
const MAX_REMEMBERED = 1_000

/**
 * Makes the folder if it is not there. Rejects with a `TransferError` that says what cannot be written, and why.
 *
 * @param options.dryRun - writes nothing now; and nothing must be written to it later
 */
export async function openDestination(
  folder: string,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Promise<DestinationFolder> {
  const root = resolve(folder)
  if (dryRun) return destinationIn(root, false)
  return writing(folder, async () => {
    await mkdir(root, { recursive: true })
    return destinationIn(root, await foldsNames(root))
  })
}

function destinationIn(root: string, folds: boolean): DestinationFolder {
  const directories = new Map<string, Promise<boolean>>()

  /** Once for all files that come after each other, and together. */
  const directory = (path: string): Promise<boolean> => {
    const known = directories.get(path)
    if (known !== undefined) return known
    if (directories.size >= MAX_REMEMBERED) directories.clear()
    const making = make(path)
    directories.set(path, making)
    making.catch(() => directories.delete(path))
    return making
  }
  const make = async (path: string): Promise<boolean> => {
    await above(path)
    const made = await makeDirectory(join(root, path))
    if (made !== undefined) throw new TransferError(`${path} is ${made}`)
    return true
  }
  const above = async (path: string): Promise<void> => {
    const slash = path.lastIndexOf('/')
    if (slash > 0) await directory(path.slice(0, slash))
  }

  return {
    folds,
    place: (path) =>
      writing(path, async () => {
        await above(path)
        return join(root, path)
      }),
    makeDirectory: (path) =>
      writing(path, async () => {
        const present = await lstat(join(root, path)).catch(() => undefined)
        await directory(path)
        return present === undefined
      }),
    remove: (path) =>
      writing(path, async () => {
        await checkAbove(root, path)
        await unlink(join(root, path)).catch(ignoreMissing)
      }),
    removeEmpty: async (emptied, keep) => {
      for (const path of deepestFirst(emptied)) {
        if (!keep.has(path)) await rmdir(join(root, path)).catch(() => undefined)
      }
      directories.clear()
    },
  }
}

/** Rejects if a directory above the path is a link now. */
async function checkAbove(root: string, path: string): Promise<void> {
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const present = await lstat(join(root, path.slice(0, slash))).catch(() => undefined)
    if (present?.isSymbolicLink() === true)
      throw new TransferError(`${path.slice(0, slash)} is a symbolic link`)
  }
}

/** What is there instead, if that is not a directory. */
async function makeDirectory(location: string): Promise<string | undefined> {
  try {
    await mkdir(location)
    return undefined
  } catch (error) {
    const present = await lstat(location).catch(() => undefined)
    if (present === undefined) throw error
    if (present.isDirectory()) return undefined
    return present.isSymbolicLink() ? 'a symbolic link, which is not followed' : 'not a directory'
  }
}

function deepestFirst(directories: Iterable<string>): readonly string[] {
  const all = new Set<string>()
  for (const directory of directories) {
    for (let path = directory; path !== '' && path !== '.' && !all.has(path); path = dirname(path))
      all.add(path)
  }
  return [...all].sort(compareUtf8).reverse()
}

/** Tries with a directory that has nobody else's name. */
async function foldsNames(root: string): Promise<boolean> {
  const probe = await mkdtemp(join(root, '.skystream-\u00e9-'))
  try {
    const name = basename(probe)
    const twins = [name.toUpperCase(), name.normalize('NFD')]
    const present = await Promise.all(twins.map((twin) => lstat(join(root, twin)).catch(() => undefined)))
    return present.some((twin) => twin !== undefined)
  } finally {
    await rmdir(probe)
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
}

async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new TransferError(`cannot write ${path}: ${reasonOf(error)}`, { cause: error })
  }
}
