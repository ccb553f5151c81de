import type { Kind } from './kinds.js'

/** A resource of the cloud. */
export interface Resource {
  readonly kind: Kind
  /** `/v2/projects/…/servers/…`, segments percent-encoded. */
  readonly path: string
  readonly key: string
  /** All that is known of it, by the names that its documents use. */
  fields: Record<string, unknown>
  /** Parameters of the path that it was made by. */
  readonly given: Readonly<Record<string, string>>
  /** Wall time of its making, ms. */
  readonly time: number
  /** What an operator put there besides what its documents know. */
  extra?: Readonly<Record<string, unknown>>
  /** It is there, but not yet to be seen by its path. */
  isLate?: boolean
  /** It is gone from lists, and not yet from its path. */
  isUnlisted?: boolean
  /** What it is asked for by its path is answered with this error. */
  refused?: { readonly status: number; readonly message: string }
  /** How often it was asked for since its present walk began. */
  looks: number
  /** Calls the walk off. */
  stop?: () => void
}

/** The resources of one service in one version. */
export interface Store {
  add(resource: Resource): void
  get(path: string): Resource | undefined
  /** Of a collection, oldest first. */
  list(collection: string): readonly Resource[]
  /** All below a path. */
  below(path: string): readonly Resource[]
  /** Takes it away with all below it. With a status, its path answers so from then on, else with 404. */
  remove(path: string, status?: number): void
  /** The status of what was taken away. */
  gone(path: string): number | undefined
  /** True once for each collection. */
  isFirst(collection: string): boolean
}

export function createStore(): Store {
  const resources = new Map<string, Resource>()
  const collections = new Map<string, Map<string, Resource>>()
  const gone = new Map<string, number>()
  const seen = new Set<string>()
  const drop = (path: string): void => {
    resources.get(path)?.stop?.()
    resources.delete(path)
    collections.get(collectionOf(path))?.delete(path)
  }
  const below = (path: string): readonly Resource[] =>
    [...resources.values()].filter((resource) => resource.path.startsWith(`${path}/`))
  return {
    add(resource) {
      const { path } = resource
      gone.delete(path)
      resources.set(path, resource)
      const collection = collectionOf(path)
      const members = collections.get(collection) ?? new Map<string, Resource>()
      members.set(path, resource)
      collections.set(collection, members)
    },
    get: (path) => resources.get(path),
    list: (collection) =>
      [...(collections.get(collection)?.values() ?? [])].filter(({ kind }) => kind.collection !== undefined),
    below,
    remove(path, status) {
      for (const resource of below(path)) drop(resource.path)
      drop(path)
      for (const collection of [...seen]) if (collection.startsWith(`${path}/`)) seen.delete(collection)
      if (status !== undefined) gone.set(path, status)
    },
    gone: (path) => gone.get(path),
    isFirst(collection) {
      if (seen.has(collection)) return false
      seen.add(collection)
      return true
    },
  }
}

export function collectionOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
