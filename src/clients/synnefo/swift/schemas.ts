import { z } from 'zod'
import type { ObjectPart } from '../storage/byte-ranges.js'
import {
  directoryItem,
  objectItem,
  type AccountInfo,
  type ContainerInfo,
  type DirectoryItem,
  type ObjectInfo,
} from '../storage/schemas.js'

/** What is known of an account. `quota` may only be set by the operator of the store. */
export interface SwiftAccountInfo extends AccountInfo {
  /** Objects in all containers. Lags behind, like `bytes` and `containers`. */
  readonly objects: number | undefined
}

/** What is known of a container. `quota` absent: unlimited; 0: nothing fits. */
export interface SwiftContainerInfo extends ContainerInfo {
  /** Who may read, beside the account's own users; told to those only. */
  readonly read: readonly string[]
  /** Who may write, beside the account's own users; told to those only. */
  readonly write: readonly string[]
  /** Where the store keeps its objects. */
  readonly storagePolicy: string | undefined
}

/**
 * What is known of an object. Its entity tag is the MD5 of its content; that of a large object is in quotes and of another kind (pithos
 * dossier 14.1).
 */
export interface SwiftObjectInfo extends ObjectInfo {
  /** Whether it is a static large object. A dynamic one names its parts in `manifest`. */
  readonly isStatic: boolean
  /** When it goes by itself. */
  readonly deleteAt: Date | undefined
}

/** An object, or part of it, held in memory. */
export interface SwiftObjectContent {
  /** `bytes` of it are those of the whole object. */
  readonly info: SwiftObjectInfo
  readonly bytes: Uint8Array
  /** Where the bytes begin in the object. */
  readonly offset: number
}

/** Several parts of one object, all of the same content. */
export interface SwiftObjectParts {
  readonly info: SwiftObjectInfo
  /** In the order in which the server sent them. */
  readonly parts: readonly ObjectPart[]
}

/** What became of objects that were to be removed. */
export interface RemovedObjects {
  readonly removed: number
  /** Not there to begin with. */
  readonly missing: number
}

/** What the store can do and where its limits are, as it says itself; what is optional is there only if the store has it. */
export const swiftFeatures = z.looseObject({
  swift: z
    .looseObject({
      version: z.string().optional(),
      max_file_size: z.number().optional(),
      max_object_name_length: z.number().optional(),
      max_container_name_length: z.number().optional(),
      container_listing_limit: z.number().optional(),
    })
    .optional(),
  slo: z
    .looseObject({ max_manifest_segments: z.number().optional(), min_segment_size: z.number().optional() })
    .optional(),
  dlo: z.looseObject({}).optional(),
  bulk_delete: z.looseObject({ max_deletes_per_request: z.number().optional() }).optional(),
  object_versioning: z.looseObject({}).optional(),
  tempurl: z
    .looseObject({
      methods: z.array(z.string()).optional(),
      allowed_digests: z.array(z.string()).optional(),
    })
    .optional(),
})
export type SwiftFeatures = Readonly<z.infer<typeof swiftFeatures>>

// --- listings. Times are in UTC, though they do not say so (pithos dossier 14.1) --------------------------------

export const swiftObjectItem = objectItem.extend({
  /** Of a static large object: its entity tag, in quotes. `hash` is that of its manifest. */
  slo_etag: z.string().optional(),
})
/** An object in a listing, under its names on the wire. */
export type SwiftObjectItem = Readonly<z.infer<typeof swiftObjectItem>>
export type SwiftListItem = SwiftObjectItem | DirectoryItem

export const anySwiftItem = z.union([z.looseObject({ name: z.string() }), directoryItem])
export const describedSwiftItem = z.union([directoryItem, swiftObjectItem])

export const swiftVersion = swiftObjectItem.extend({
  /** `'null'`: of an object that was written while no versions were kept. */
  version_id: z.string(),
  is_latest: z.boolean(),
})
/** A version of an object, under its names on the wire. That of a removal is empty and of the type `application/x-deleted;…`. */
export type SwiftVersion = Readonly<z.infer<typeof swiftVersion>>
