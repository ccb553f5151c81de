import { parentPath, type ModuleContent, type ModuleVersion } from './module-model.js'

/** All versions of all modules, by path without `module/`. */
export interface ModuleStore {
  /** The newest version that is not deleted. */
  latest(path: string): ModuleVersion | undefined
  /** Also a deleted one. */
  version(path: string, version: number): ModuleVersion | undefined
  /** Those that are not deleted, newest first. */
  versions(path: string): readonly ModuleVersion[]
  /** The latest of each module in a project; of the root with an empty path. */
  children(path: string): readonly ModuleVersion[]
  published(): readonly ModuleVersion[]
  /** A new version; nothing of the module is published any more (slipstream dossier 4.1). */
  add(content: ModuleContent): ModuleVersion
  /** The newest version, or that one, by a path that may end in one. */
  find(path: string, version: number | undefined): ModuleVersion | undefined
}

const FIRST_VERSION = 1792

export function createModuleStore(wallNow: () => number): ModuleStore {
  // Oldest version first.
  const modules = new Map<string, ModuleVersion[]>()
  const childPaths = new Map<string, Set<string>>()
  let lastVersion = FIRST_VERSION - 1

  const all = (path: string): readonly ModuleVersion[] => modules.get(path) ?? []
  const latest = (path: string): ModuleVersion | undefined => all(path).findLast((module) => !module.deleted)
  const version = (path: string, wanted: number): ModuleVersion | undefined =>
    all(path).find((module) => module.version === wanted)
  return {
    latest,
    version,
    find: (path, wanted) => (wanted === undefined ? latest(path) : version(path, wanted)),
    versions: (path) =>
      all(path)
        .filter((module) => !module.deleted)
        .reverse(),
    children: (path) => [...(childPaths.get(path) ?? [])].flatMap((child) => latest(child) ?? []),
    published: () =>
      [...modules.values()].flatMap((versions) =>
        versions.filter((module) => module.published !== undefined && !module.deleted),
      ),
    add(content) {
      const { path } = content
      const versions = modules.get(path) ?? []
      const now = wallNow()
      for (const older of versions) older.published = undefined
      const module: ModuleVersion = {
        ...content,
        version: ++lastVersion,
        creation: latest(path)?.creation ?? now,
        lastModified: now,
        deleted: false,
        published: undefined,
      }
      modules.set(path, [...versions, module])
      const parent = parentPath(path)
      childPaths.set(parent, (childPaths.get(parent) ?? new Set()).add(path))
      return module
    },
  }
}
