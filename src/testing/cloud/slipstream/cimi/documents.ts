import type { Fields } from './json.js'
import type { Document, DocumentStore } from './store.js'

/** The documents of a server as its operator sees them: all, whoever they belong to. */
export interface Documents {
  /**
   * Puts a document in, over the one with the same `id` if there is one. What it lacks is filled in: an id, its type, its
   * dates, and an access list that gives it to the user.
   */
  put(collection: string, document: Fields): Document
  get(id: string): Document | undefined
  list(collection: string): readonly Document[]
  remove(id: string): void
}

export function createDocuments(store: DocumentStore, acl: Fields): Documents {
  return {
    put(collection, document) {
      const { id } = document
      if (id !== undefined && (typeof id !== 'string' || !id.startsWith(`${collection}/`)))
        throw new TypeError(`id must be text that begins with ${collection}/`)
      return store.add(collection, { acl, ...document })
    },
    get: store.get,
    list: store.list,
    remove: store.remove,
  }
}
