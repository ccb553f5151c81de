/** What `fileTrouble` says of a file that is not there. */
export const missingFile = 'does not exist'

const troubles: Readonly<Record<string, string>> = {
  ENOENT: missingFile,
  ENOTDIR: missingFile,
  EACCES: 'may not be read',
  EPERM: 'may not be read',
  EISDIR: 'is a folder',
}

/** Why a file of the user's could not be read, to be put behind its name. Node's own words would repeat the path. */
export function fileTrouble(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  return troubles[code] ?? `cannot be read (${code})`
}
