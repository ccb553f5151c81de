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

/** What an upload or a download tells. Bytes never fall, and count only what was accepted: by the server, or by the sink. */
export type TransferEvent<R> =
  | {
      readonly kind: 'planned'
      readonly totalBytes: number
      readonly totalParts: number
      readonly checkpoint: Checkpoint
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
      readonly part: number
      readonly attempt: number
      readonly delayMs: number
      readonly error: CloudError
    }
  | {
      readonly kind: 'done'
      readonly result: R
      readonly bytes: number
      readonly reusedBytes: number
      readonly elapsedMs: number
    }
