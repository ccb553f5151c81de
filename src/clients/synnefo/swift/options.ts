import type { CallOptions } from '../../../http/types.js'
import type { ContainerTarget } from '../storage/names.js'
import type { ChangeOptions, ReadConditions, ReadOptions } from '../storage/options.js'
import type {
  ContainerChanges,
  ContainerSettings,
  NewObjectOptions,
  ObjectChanges,
  ObjectFilter,
  PageFilter,
} from '../storage/schemas.js'

/** Which containers are listed. */
export interface SwiftContainerFilter extends PageFilter {
  /** Name of another account: `AUTH_…`. Default: the user's own. */
  readonly account?: string
  readonly prefix?: string
}

/** What a container can be created with. */
export interface SwiftContainerSettings extends ContainerSettings {
  /**
   * Who may read, beside the account's own users: `'project:user'`, `'project:*'`, `'.r:*'` for everybody (with `'.rlistings'`
   * also the listing), `'.r:-.example.com'`. See OpenStack's access control lists.
   */
  readonly read?: readonly string[]
  /** Who may write, beside the account's own users. */
  readonly write?: readonly string[]
  /** Where the store keeps the objects; one of those in `features().swift.policies`. Cannot be changed. */
  readonly storagePolicy?: string
}

/** What can be changed with a container. What is not named stays; `null` goes back to what the server does by itself. */
export interface SwiftContainerChanges extends ContainerChanges {
  /** Who may read; `null` or none: only the account's own users. */
  readonly read?: readonly string[] | null
  /** Who may write; `null` or none: only the account's own users. */
  readonly write?: readonly string[] | null
}

/** Which objects are listed. */
export interface SwiftObjectFilter extends ObjectFilter {
  /** Objects right in this folder, without folders below it. In place of `prefix` and `delimiter`. */
  readonly path?: string
}

/** When an object goes by itself: at a moment, in whole seconds, or so many seconds after the server got the request. */
export interface Expiry {
  readonly deleteAt?: Date
  readonly deleteAfter?: number
}

/** How an object is looked at. */
export interface SwiftInfoOptions extends CallOptions, ReadConditions {
  /** Default: the newest. */
  readonly version?: string
}

/** How an object is read into memory. A range is cut off at the end of the object; one that begins there is a 416. */
export interface SwiftReadOptions extends SwiftInfoOptions, Pick<ReadOptions, 'limit' | 'range'> {}

/** How an object is written. */
export interface SwiftWriteOptions extends CallOptions, Omit<NewObjectOptions, 'sharing' | 'public'>, Expiry {
  /** Only if this is its entity tag. Looked at by a request before, for Swift does not when it is written. */
  readonly ifMatch?: string
  /** `'*'`: only if there is none yet. Looked at when it is written. */
  readonly ifNoneMatch?: '*'
}

/** What can be changed with an object besides its content. What is not named stays; `null` removes. */
export interface SwiftObjectChanges extends Omit<ObjectChanges, 'contentEncoding' | 'contentDisposition'> {
  readonly contentType?: string
  readonly contentEncoding?: string | null
  readonly contentDisposition?: string | null
  readonly deleteAt?: Date | null
  /** Seconds after the server got the request. */
  readonly deleteAfter?: number
}

/** How an object is changed. */
export interface SwiftChangeOptions extends ChangeOptions {
  /** Only if this is its entity tag, a moment before the change. */
  readonly ifMatch?: string
}

/** How an object is copied. */
export interface SwiftCopyOptions extends CallOptions, Omit<NewObjectOptions, 'sharing' | 'public'>, Expiry {
  /** Of the source. Default: the newest. */
  readonly version?: string
  /** Only if this is the entity tag of what is at the destination. Looked at by a request before. */
  readonly ifMatch?: string
  /** Only if this is the entity tag of the source. */
  readonly sourceIfMatch?: string
  /** Only if this is not the entity tag of the source; a 304 if it is. */
  readonly sourceIfNoneMatch?: string
  /** Metadata, expiry and the like of the source stay behind; its type does not. Default: they come along. */
  readonly freshMetadata?: boolean
  /**
   * Of a large object, copies only what names its segments, which both objects have in common then: they are gone for both when
   * one of them is removed with its segments, or is replaced by an upload. Default: the content is copied, at most as much as an object holds
   * that has no segments.
   */
  readonly manifest?: boolean
}

/** How an object is removed. */
export interface SwiftRemoveOptions extends CallOptions {
  /**
   * Whether the segments of a static large object go with it. Default: yes, unless it stays as an old version. `false` also spares
   * the request that looks whether it is one.
   */
  readonly segments?: boolean
  /** Removes this version, for good. */
  readonly version?: string
}

/** Where the key of temporary addresses is kept. */
export interface TemporaryUrlKeyOptions extends CallOptions {
  /** For the objects of this container only. Default: for those of the account. */
  readonly container?: ContainerTarget
  /** Which of the two keys that hold side by side, so that one can follow the other. Default 1. */
  readonly slot?: 1 | 2
}

/** What a temporary address is good for. */
export interface TemporaryUrlOptions {
  /** Of the account or of the container, as it was set by `setTemporaryUrlKey`. */
  readonly key: string
  /** With `GET`, `PUT` and `POST` goes `HEAD`. */
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** When it ends, or in how many seconds. */
  readonly expires: Date | number
  /** Good for all objects whose names begin like this; the target is one of them. Default: for the target only. */
  readonly prefix?: string
  /** Name under which a browser saves it. */
  readonly fileName?: string
  /** Whether a browser shows it rather than saving it. */
  readonly inline?: boolean
  /** Default `sha256`. Old stores know only `sha1`; see `features().tempurl`. */
  readonly digest?: 'sha1' | 'sha256' | 'sha512'
}
