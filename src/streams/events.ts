import type { Checkpoint, CloudError, OperationRef } from '../errors.js'

/**
 * What a long-running operation tells. The stream ends with `done` and completion, or with an error.
 * `S` is the resource as polled, `R` the result.
 */
export type OperationEvent<S, R = S> =
  | { readonly kind: 'submitted'; readonly ref: OperationRef }
  | {
      readonly kind: 'progress'
      readonly ref: OperationRef
      readonly state: string
      /** 0 to 100, never falling; absent where the cloud gives no measure. */
      readonly percent?: number
      /** What the cloud itself says of its progress, in its words. */
      readonly message?: string
      readonly snapshot: S
      readonly polls: number
      readonly elapsedMs: number
    }
  | {
      readonly kind: 'retrying'
      readonly ref?: OperationRef
      readonly attempt: number
      readonly delayMs: number
      readonly error: CloudError
    }
  | {
      readonly kind: 'done'
      readonly ref: OperationRef
      readonly result: R
      readonly polls: number
      readonly elapsedMs: number
    }

/**
 * What a watched collection tells: one `snapshot`, then what happens to its items. It ends with an error, or when the watcher's
 * `until` says so.
 */
export type CollectionEvent<T> =
  | { readonly kind: 'snapshot'; readonly items: readonly T[] }
  | { readonly kind: 'added' | 'changed' | 'removed'; readonly item: T }
  | {
      readonly kind: 'retrying'
      /** 1 for the first failing poll in a row. */
      readonly attempt: number
      readonly delayMs: number
      readonly error: CloudError
    }

/**
 * What an upload or a download tells. Bytes never fall, and count only what was accepted: by the server, or by the sink.
 * While the length of a stream is not known, `totalBytes` and `totalParts` are `Infinity`. The stream ends with `done` and
 * completion, or with an error.
 */
export type TransferEvent<R> =
  | {
      /** Comes again if the object or its block size turns out to be another one. */
      readonly kind: 'planned'
      readonly totalBytes: number
      readonly totalParts: number
      /** Absent where nothing can be continued: the source or the sink is a stream. */
      readonly checkpoint?: Checkpoint
    }
  | { readonly kind: 'hashing'; readonly bytes: number; readonly totalBytes: number }
  | {
      readonly kind: 'progress'
      readonly bytes: number
      readonly totalBytes: number
      readonly parts: number
      readonly totalParts: number
      /** Bytes that did not have to travel. */
      readonly reusedBytes: number
      /** Smoothed rate of the bytes that travelled. */
      readonly bytesPerSecond: number
    }
  | {
      readonly kind: 'retrying'
      /** Index of the part; absent for a request that concerns the whole. */
      readonly part?: number
      readonly attempt: number
      readonly delayMs: number
      readonly error: CloudError
    }
  | {
      /** The server's hash of this part covers more than the part and so proves nothing (pithos dossier 8, stale tail). */
      readonly kind: 'unverified'
      readonly part: number
      readonly bytes: number
    }
  | {
      readonly kind: 'done'
      readonly result: R
      readonly bytes: number
      readonly reusedBytes: number
      /** Bytes that no hash proves; more than 0 only for the last part of an object that was truncated in place. */
      readonly unverifiedBytes: number
      readonly elapsedMs: number
    }
