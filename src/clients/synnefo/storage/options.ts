import type { CallOptions } from '../../../http/types.js'
import type { NewObjectOptions } from './schemas.js'

/** When something is replaced or changed, and when not: the answer is an `HttpError` of status 412 then. */
export interface WriteConditions {
  /** Only if this is its entity tag. */
  readonly ifMatch?: string
  /** Only if this is not its entity tag; `'*'`: only if there is none yet. */
  readonly ifNoneMatch?: string
}

/** When something is read, by the time of its last change in whole seconds, and when not: 304 or 412. */
export interface TimeConditions {
  readonly ifModifiedSince?: Date
  readonly ifUnmodifiedSince?: Date
}

/** When an object is read, and when not: 304 for `ifNoneMatch` and `ifModifiedSince`, 412 for the others. */
export interface ReadConditions extends WriteConditions, TimeConditions {}

/** How an account, a container or a listing is looked at. */
export interface InfoOptions extends CallOptions, TimeConditions {}

/** How an object is looked at. */
export interface ObjectInfoOptions extends CallOptions, ReadConditions {
  /** Pithos has numbers, Swift has texts. Default: the newest. */
  readonly version?: number | string
}

/** Bytes of an object: from `offset` on, `length` of them or all; or the `last` ones. */
export type ByteRange = { readonly offset: number; readonly length?: number } | { readonly last: number }

/** How an object is read into memory. */
export interface ReadOptions extends ObjectInfoOptions {
  /** Default: all. What Pithos does not have, it does not cut off: a range beyond the end is a 416. */
  readonly range?: ByteRange
  /** Bytes at most; what is larger is an error. Default: the client's `connection.maxBodyBytes`. */
  readonly limit?: number
}

/** How an object is written. */
export interface WriteOptions extends CallOptions, NewObjectOptions, WriteConditions {}

/** How an account or a container is changed. */
export interface ChangeOptions extends CallOptions {
  /** Metadata that is not named is removed. Default: it stays. */
  readonly replace?: boolean
}

/** How an object is changed. */
export interface ObjectChangeOptions extends ChangeOptions, WriteConditions {}

/** How an object is copied or moved. Conditions are those of the destination. */
export interface CopyOptions extends CallOptions, WriteConditions {
  /** Of the source. Default: the newest. Not for moves. */
  readonly version?: number | string
  /** Of the new object. Default: that of the source. */
  readonly contentType?: string
  /** Added to that of the source. */
  readonly metadata?: Readonly<Record<string, string>>
}
