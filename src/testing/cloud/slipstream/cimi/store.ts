import type { Chance } from '../../chance.js'
import type { Fields } from './json.js'

export interface Document {
  /** `<collection>/<the rest>` */
  readonly id: string
  readonly [field: string]: unknown
}

/** All documents of a server, by collection, in the order in which they came. */
export interface DocumentStore {
  /** Fills in what every document has: id, type, created, updated. What is given wins. */
  add(collection: string, fields: Fields): Document
  readonly get: (id: string) => Document | undefined
  readonly list: (collection: string) => readonly Document[]
  /** Merges over the stored document; undefined values take an attribute away. */
  update(id: string, changes: Fields): Document
  readonly remove: (id: string) => void
}

export function createDocumentStore(options: {
  readonly chance: Chance
  readonly wallNow: () => number
  /** The type attribute of a collection's documents. */
  readonly typed: (collection: string) => Fields
}): DocumentStore {
  const { chance, wallNow, typed } = options
  const collections = new Map<string, Map<string, Document>>()
  const folderOf = (collection: string): Map<string, Document> => {
    const known = collections.get(collection)
    if (known !== undefined) return known
    const made = new Map<string, Document>()
    collections.set(collection, made)
    return made
  }
  const get = (id: string): Document | undefined => collections.get(collectionOf(id))?.get(id)
  return {
    get,
    add(collection, fields) {
      const now = new Date(wallNow()).toISOString()
      const { id: given } = fields
      const id = typeof given === 'string' ? given : `${collection}/${chance.uuid()}`
      const document = { ...typed(collection), created: now, updated: now, ...fields, id }
      folderOf(collection).set(id, document)
      return document
    },
    list: (collection) => [...(collections.get(collection)?.values() ?? [])],
    update(id, changes) {
      const before = get(id)
      if (before === undefined) throw new Error(`There is no ${id} to update`)
      const merged = { ...before, updated: new Date(wallNow()).toISOString(), ...changes, id }
      const document = Object.fromEntries(
        Object.entries<unknown>(merged).filter(([, value]) => value !== undefined),
      ) as unknown as Document
      folderOf(collectionOf(id)).set(id, document)
      return document
    },
    remove(id) {
      collections.get(collectionOf(id))?.delete(id)
    },
  }
}

function collectionOf(id: string): string {
  return id.split('/', 1).join('')
}
