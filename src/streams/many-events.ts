import type { CloudError } from '../errors.js'

/** What became of a file. In a dry run: what would become of it. */
export type FileAction = 'uploaded' | 'downloaded' | 'unchanged' | 'removed' | 'skipped'

/** A file that is under way. */
export interface ActiveFile {
  readonly path: string
  readonly bytes: number
  readonly totalBytes: number
}

/**
 * What a transfer of many files tells. Paths are those below the folder, with `/` between their parts. Bytes never fall. The
 * stream ends with `done` and completion, or, also if only some of the files failed, with an error.
 */
export type TransferManyEvent<R> =
  | {
      /** Comes with the first files that are found, and when all are. */
      readonly kind: 'planned'
      readonly totalFiles: number
      readonly totalBytes: number
      /** Whether the totals are final; until then they grow. */
      readonly complete: boolean
    }
  | {
      readonly kind: 'progress'
      /** Transferred, or found to be there already. */
      readonly files: number
      readonly failedFiles: number
      readonly totalFiles: number
      readonly bytes: number
      readonly totalBytes: number
      /** Bytes that did not have to travel. */
      readonly reusedBytes: number
      /** Smoothed rate of the bytes that travelled. */
      readonly bytesPerSecond: number
      readonly complete: boolean
      /** No more than the files at a time. */
      readonly active: readonly ActiveFile[]
    }
  | {
      readonly kind: 'file'
      readonly path: string
      readonly action: FileAction
      /** Why it was skipped. */
      readonly reason?: string
      /** What the server says of an object that was transferred. */
      readonly result?: R
    }
  | {
      readonly kind: 'retrying'
      /** Absent for a request that concerns all. */
      readonly path?: string
      /** Index of the part; absent for a request that concerns the whole file. */
      readonly part?: number
      readonly attempt: number
      readonly delayMs: number
      readonly error: CloudError
    }
  | {
      /** The server's hash of this part proves nothing (pithos dossier 8, stale tail). */
      readonly kind: 'unverified'
      readonly path: string
      readonly part: number
      readonly bytes: number
    }
  | { readonly kind: 'failed'; readonly path: string; readonly error: CloudError }
  | { readonly kind: 'done'; readonly result: TransferSummary }

/** What a transfer of many files came to; in a dry run, what it would have come to. */
export interface TransferSummary {
  /** Files by what became of them. */
  readonly uploaded: number
  readonly downloaded: number
  readonly unchanged: number
  readonly removed: number
  readonly skipped: number
  /** Of all files that were transferred or found to be there already. */
  readonly bytes: number
  /** Bytes that did not have to travel. */
  readonly reusedBytes: number
  /** Bytes that no hash proves. */
  readonly unverifiedBytes: number
  readonly elapsedMs: number
}
