import { tooLarge } from './failure.js'

/** Who says how much space a user has, by project, and keeps the count. Only live objects count. */
export interface Diskspace {
  /** Bytes that a user may use, by project. */
  limits(userId: string): ReadonlyMap<string, number>
  /** Throws what the sender is answered when the user may not use this many bytes more. */
  check(userId: string, projectId: string, bytes: number): void
  /** Counts bytes as used, and negative ones as given back. */
  use(userId: string, projectId: string, bytes: number): void
}

/** The object store's own quota: so many bytes for each account, whatever the projects. */
export function localDiskspace(limit: number): Diskspace {
  const used = new Map<string, number>()
  const usedBy = (userId: string): number => used.get(userId) ?? 0
  return {
    limits: (userId) => new Map([[userId, limit]]),
    check(userId, _projectId, bytes) {
      if (bytes > 0 && usedBy(userId) + bytes > limit) {
        throw tooLarge(`Quota error: Account exceeds its quota of ${limit} bytes`)
      }
    },
    use(userId, _projectId, bytes) {
      used.set(userId, usedBy(userId) + bytes)
    },
  }
}
