/** Paths that stand for all that is below them. They are added, and asked for, in the order of their bytes. */
export interface PathPrefixes {
  add(path: string): void
  /** Whether one of them is this path, or a directory above it. */
  hold(path: string): boolean
  /** Whether this path is one of them, where `path` is the one that it is asked for, and begins with it. */
  has(prefix: string, path: string): boolean
}

/** Remembers only what can still matter: in the order of bytes, paths that begin alike follow each other. */
export function createPathPrefixes(): PathPrefixes {
  const prefixes: string[] = []
  const forgetBefore = (path: string): void => {
    for (let last = prefixes.at(-1); last !== undefined && !path.startsWith(last); last = prefixes.at(-1)) {
      prefixes.pop()
    }
  }
  return {
    add: (path) => {
      forgetBefore(path)
      prefixes.push(path)
    },
    hold: (path) => {
      forgetBefore(path)
      return prefixes.some(({ length }) => path.length === length || path[length] === '/')
    },
    has: (prefix, path) => {
      forgetBefore(path)
      return prefixes.includes(prefix)
    },
  }
}
