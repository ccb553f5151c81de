import { z } from 'zod'

// --- what is told -------------------------------------------------------------------------------------------

/**
 * What is known of an account (pithos dossier 5). For an account of somebody else, only `lastModified`. Names of metadata and of
 * groups are told in lower case, with `-` for `_`: servers keep them without regard to either.
 */
export interface AccountInfo {
  readonly containers: number | undefined
  readonly bytes: number | undefined
  /** Bytes over all projects; 0 or absent: unlimited. */
  readonly quota: number | undefined
  /** Bytes by the project that is charged. */
  readonly projectQuotas: Readonly<Record<string, number>>
  /** Members by the name of their group. */
  readonly groups: Readonly<Record<string, readonly string[]>>
  /** As of when, if that was asked for. */
  readonly until: string | undefined
  readonly lastModified: string | undefined
  readonly metadata: Readonly<Record<string, string>>
}

/** What is known of a container (pithos dossier 6). For one of somebody else: the block size, its hash, `lastModified`. */
export interface ContainerInfo {
  /** Objects in it. */
  readonly count: number | undefined
  readonly bytes: number | undefined
  /** Of Pithos, and only there. */
  readonly blockSize: number | undefined
  /** Name of the algorithm that blocks are hashed with. */
  readonly blockHash: string | undefined
  /** Bytes; 0: unlimited. */
  readonly quota: number | undefined
  /** `auto`: old versions are kept; `none`: they are not. */
  readonly versioning: string | undefined
  /** Project that is charged. */
  readonly project: string | undefined
  /** As of when, if that was asked for. */
  readonly until: string | undefined
  readonly lastModified: string | undefined
  readonly metadata: Readonly<Record<string, string>>
  /** Names of metadata that objects in it have. */
  readonly objectMetadata: readonly string[]
}

/** Whom an object is shared with: UUIDs of users, `<uuid of the owner>:<group>`, or `*` for everybody (pithos dossier 7.4). */
export interface Sharing {
  readonly read?: readonly string[]
  /** May read as well. */
  readonly write?: readonly string[]
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
  /** Pithos has numbers, Swift has texts. */
  readonly version: number | string | undefined
  readonly uuid: string | undefined
  /** `container/prefix` of the objects that it is put together from, if it is. */
  readonly manifest: string | undefined
  readonly modifiedBy: string | undefined
  readonly lastModified: string | undefined
  readonly metadata: Readonly<Record<string, string>>
  readonly contentEncoding?: string | undefined
  readonly contentDisposition?: string | undefined
  /** Absent where it is not shared, and where a version was asked for. */
  readonly sharing?: Sharing | undefined
  /** Path of the directory that it has its sharing from; its own if it is from itself. */
  readonly sharedBy?: string | undefined
  /** What somebody else's object may be used for: `read` or `write`. */
  readonly allowedTo?: string | undefined
  /** Where it is published; told to the owner. */
  readonly publicUrl?: string | undefined
}

/** An object, or part of it, held in memory. */
export interface ObjectContent {
  /** `bytes` of it are those of the whole object. */
  readonly info: ObjectInfo
  readonly bytes: Uint8Array
  /** Where the bytes begin in the object. */
  readonly offset: number
}

/** An object as it was put, changed or copied. What the server does not tell is `undefined`; `info` tells more. */
export interface PutObject {
  readonly etag: string | undefined
  readonly version: number | string | undefined
}

// --- what is asked for and changed --------------------------------------------------------------------------

/** What a container can be created with. */
export interface ContainerSettings {
  /** Bytes; 0: unlimited. */
  readonly quota?: number
  /** `auto` keeps old versions, `none` does not. */
  readonly versioning?: 'auto' | 'none'
  readonly metadata?: Readonly<Record<string, string>>
}

/** What can be changed with a container. What is not named stays; `null` goes back to what the server does by itself. */
export interface ContainerChanges {
  /** Bytes; 0: unlimited. */
  readonly quota?: number | null
  readonly versioning?: 'auto' | 'none' | null
  readonly metadata?: MetadataChanges
}

/** What can be changed with an account. */
export interface AccountChanges {
  readonly metadata?: MetadataChanges
}

/** Metadata by its names; `null` removes. */
export type MetadataChanges = Readonly<Record<string, string | null>>

/** What is kept with a new object. */
export interface NewObjectOptions {
  /** Default `application/octet-stream`. */
  readonly contentType?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly contentEncoding?: string
  readonly contentDisposition?: string
  /** Pithos only. */
  readonly sharing?: Sharing
  /** Whether anybody may read it at its public address. Pithos only. */
  readonly public?: boolean
}

/** What can be changed with an object besides its content. What is not named stays. */
export interface ObjectChanges {
  readonly metadata?: MetadataChanges
  readonly contentEncoding?: string
  readonly contentDisposition?: string
}

// --- listings -----------------------------------------------------------------------------------------------

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

/** Which part of a listing is wanted. */
export interface PageFilter {
  /** Names after this one. */
  readonly marker?: string
  /** Entries of one page, at most 10,000; the listing has them all. Default 10,000. */
  readonly limit?: number
}

/** Which objects are listed. */
export interface ObjectFilter extends PageFilter {
  readonly prefix?: string
  /** Objects with this text after the prefix are listed as one `{ subdir }`. */
  readonly delimiter?: string
}

/** Which containers are listed. */
export type ContainerFilter = PageFilter

// --- blocks -------------------------------------------------------------------------------------------------

export const hashmap = z.looseObject({
  block_hash: z.string(),
  block_size: z.number().int().positive(),
  bytes: z.number().int().nonnegative(),
  hashes: z.array(z.string()),
})
export type Hashmap = Readonly<z.infer<typeof hashmap>>

export const hashList = z.array(z.string())
