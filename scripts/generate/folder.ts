import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** Texts by their paths below a folder. */
export type Files = ReadonlyMap<string, string>

/** Writes files below a folder, and removes whatever else is in those of its folders that are `owned`. */
export function writeFolder(folder: string, files: Files, owned: readonly string[]): void {
  for (const path of strangersIn(folder, files, owned)) rmSync(join(folder, path))
  for (const [path, content] of files) {
    const target = join(folder, path)
    if (readIfThere(target) === content) continue
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, content)
  }
}

/** Paths of what is not as `writeFolder` would leave it. */
export function differencesIn(folder: string, files: Files, owned: readonly string[]): readonly string[] {
  const changed = [...files].filter(([path, content]) => readIfThere(join(folder, path)) !== content)
  return [...changed.map(([path]) => path), ...strangersIn(folder, files, owned)].sort()
}

function strangersIn(folder: string, files: Files, owned: readonly string[]): readonly string[] {
  return owned
    .flatMap((inner) => filesIn(join(folder, inner)).map((path) => join(inner, path)))
    .filter((path) => !files.has(path))
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
