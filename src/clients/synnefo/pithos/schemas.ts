import { z } from 'zod'

/** What is known of an account (pithos dossier 5). For an account of somebody else, only `lastModified`. */
export interface AccountInfo {
  readonly containers: number | undefined
  readonly bytes: number | undefined
  /** Bytes over all projects; 0 or absent: unlimited. */
  readonly quota: number | undefined
  readonly lastModified: string | undefined
  readonly metadata: Readonly<Record<string, string>>
}

/** What is known of a container (pithos dossier 6). For one of somebody else: the block size, its hash, `lastModified`. */
export interface ContainerInfo {
  /** Objects in it. */
  readonly count: number | undefined
  readonly bytes: number | undefined
  readonly blockSize: number | undefined
  /** Name of the algorithm that blocks are hashed with. */
  readonly blockHash: string | undefined
  /** Bytes; 0: unlimited. */
  readonly quota: number | undefined
  readonly versioning: string | undefined
  readonly project: string | undefined
  readonly lastModified: string | undefined
  readonly metadata: Readonly<Record<string, string>>
}

/** What a container can be created with. */
export interface ContainerSettings {
  /** Bytes; 0: unlimited. */
  readonly quota?: number
  /** `auto` keeps old versions, `none` does not. */
  readonly versioning?: 'auto' | 'none'
  /** Project that is charged. */
  readonly project?: string
  readonly metadata?: Readonly<Record<string, string>>
}

/** What is known of an object (pithos dossier 7). */
export interface ObjectInfo {
  readonly container: string
  readonly name: string
  readonly bytes: number
  readonly contentType: string | undefined
  /** Opaque; for conditions. */
  readonly etag: string | undefined
  /** Merkle root over the blocks: the identity of the content. */
  readonly hash: string | undefined
  readonly version: number | undefined
  readonly uuid: string | undefined
  /** `container/prefix` of the objects that it is put together from, if it is. */
  readonly manifest: string | undefined
  readonly modifiedBy: string | undefined
  readonly lastModified: string | undefined
  readonly metadata: Readonly<Record<string, string>>
}

const count = z.union([z.number(), z.string()])

export const containerItem = z.looseObject({
  name: z.string(),
  count: z.number().optional(),
  bytes: z.number().optional(),
  last_modified: z.string().optional(),
  x_container_policy: z
    .looseObject({
      quota: count.optional(),
      versioning: z.string().optional(),
      project: z.string().optional(),
    })
    .optional(),
})
/** A container in a listing, under its names on the wire. */
export type ContainerItem = Readonly<z.infer<typeof containerItem>>

export const objectItem = z.looseObject({
  name: z.string(),
  bytes: z.number(),
  /** MD5, or empty (pithos dossier 7.3). */
  hash: z.string().optional(),
  content_type: z.string().optional(),
  last_modified: z.string().optional(),
  /** Merkle root. */
  x_object_hash: z.string().optional(),
  x_object_uuid: z.string().optional(),
  x_object_version: z.number().optional(),
  /** Seconds since the epoch. */
  x_object_version_timestamp: count.optional(),
  x_object_modified_by: z.string().optional(),
  x_object_sharing: z.string().optional(),
  x_object_public: z.string().optional(),
})
/** An object in a listing, under its names on the wire. */
export type ObjectItem = Readonly<z.infer<typeof objectItem>>

export const directoryItem = z.looseObject({ subdir: z.string() })
/** What stands for all objects below a common prefix, in a listing with a delimiter. */
export type DirectoryItem = Readonly<z.infer<typeof directoryItem>>

export type ListItem = ObjectItem | DirectoryItem

/** Which objects are listed. */
export interface ObjectFilter {
  readonly prefix?: string
  /** Objects with this text after the prefix are listed as one `{ subdir }`. */
  readonly delimiter?: string
  /** Names after this one. */
  readonly marker?: string
  /** Entries of one page, at most 10,000; the listing has them all. Default 10,000. */
  readonly limit?: number
}

/** Which containers are listed. */
export type ContainerFilter = Pick<ObjectFilter, 'marker' | 'limit'>

export const hashmap = z.looseObject({
  block_hash: z.string(),
  block_size: z.number().int().positive(),
  bytes: z.number().int().nonnegative(),
  hashes: z.array(z.string()),
})
export type Hashmap = Readonly<z.infer<typeof hashmap>>

export const hashList = z.array(z.string())
