import { createPathPrefixes } from './path-prefixes.js'

/** What the file system makes of names. */
export interface LocalNameRules {
  /** Whether names must be such as Windows takes. */
  readonly windows: boolean
  /** Whether names that differ only in capitals, or in how accents are composed, are the same file. */
  readonly folds: boolean
}

/** Says why there can be no such file below the folder; `undefined` if there can. */
export type LocalNames = (path: string, kind: 'file' | 'directory') => string | undefined

/** How a file is called while it is downloaded. */
const PART = '.part'
/** What Windows takes for a device, whatever follows the first dot. */
const device = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])( *\.|$)/i
/** Control characters among them. */
const refused = /[\0-\x1f<>:"|?*\\]/

/**
 * Checks the paths that a server has for files, with `/` between their parts: none leads out of the folder, and no two are
 * the same file. They are given in the order of their bytes; what is remembered is one directory at most.
 */
export function createLocalNames({ windows, folds }: LocalNameRules): LocalNames {
  const files = createPathPrefixes()
  const taken = createTakenNames()
  return (path, kind) => {
    const parts = path.split('/')
    const problem = firstProblem(parts, windows)
    if (problem !== undefined) return problem
    if (files.hold(path)) return 'it is below what is a file'
    if (path.endsWith(PART) && files.has(path.slice(0, -PART.length), path)) {
      return `another file has this name while it is downloaded`
    }
    const twin = folds ? taken(parts) : undefined
    if (twin !== undefined) return `to this file system it is the same as ${twin}`
    if (kind === 'file') files.add(path)
    return undefined
  }
}

function firstProblem(parts: readonly string[], windows: boolean): string | undefined {
  for (const part of parts) {
    const problem = problemOf(part, windows)
    if (problem !== undefined) return problem
  }
  return undefined
}

function problemOf(part: string, windows: boolean): string | undefined {
  if (part === '') return 'a part of its name is empty'
  if (part === '.' || part === '..') return `its name leads elsewhere: '${part}'`
  if (part.includes('\0')) return 'its name has a NUL'
  if (!windows) return undefined
  if (refused.test(part)) return 'its name has a character that Windows refuses'
  if (part.endsWith('.') || part.endsWith(' ')) return 'its name ends in what Windows cuts off'
  return device.test(part) ? `to Windows '${part}' is a device` : undefined
}

/** Tells the name that a path, or a directory above it, was given before in other letters. */
function createTakenNames(): (parts: readonly string[]) => string | undefined {
  // For each directory on the way to the last path: what is in it.
  let way: readonly string[] = []
  const levels: Map<string, string>[] = []
  return (parts) => {
    let same = 0
    while (same < parts.length - 1 && same < way.length && parts[same] === way[same]) same += 1
    levels.length = same + 1
    for (let index = same; index < parts.length; index += 1) {
      const part = parts[index] ?? ''
      const names = (levels[index] ??= new Map<string, string>())
      const twin = twinOf(part, names, index === parts.length - 1)
      if (twin !== undefined) {
        way = parts.slice(0, index)
        return [...way, twin].join('/')
      }
      names.set(fold(part), part)
    }
    way = parts.slice(0, -1)
    return undefined
  }
}

function fold(part: string): string {
  return part.normalize('NFC').toUpperCase().toLowerCase()
}

function twinOf(part: string, names: ReadonlyMap<string, string>, isLast: boolean): string | undefined {
  const folded = fold(part)
  const twin = names.get(folded)
  if (twin !== undefined && twin !== part) return twin
  if (!isLast) return undefined
  // What this one, or the other one, is called while it is downloaded.
  return (
    names.get(folded + PART) ?? (folded.endsWith(PART) ? names.get(folded.slice(0, -PART.length)) : undefined)
  )
}
