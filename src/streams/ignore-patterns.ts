import type { Ignore } from 'ignore'

/** Whether a path below a folder is left out. */
export type IgnoreTest = (path: string, isDirectory: boolean) => boolean

/** The matcher keeps what it has found for every path; it is made anew before that grows. */
const MAX_REMEMBERED = 10_000

/** Reads patterns as `.gitignore` has them; capitals count. */
export async function ignoreTest(patterns: readonly string[]): Promise<IgnoreTest> {
  if (patterns.length === 0) return () => false
  const { default: ignore } = await import('ignore')
  const create = (): Ignore => ignore({ ignoreCase: false }).add(patterns)
  let matcher = create()
  let asked = 0
  return (path, isDirectory) => {
    if (!ignore.isPathValid(path)) return false
    asked += 1
    if (asked % MAX_REMEMBERED === 0) matcher = create()
    return matcher.ignores(isDirectory ? `${path}/` : path)
  }
}
