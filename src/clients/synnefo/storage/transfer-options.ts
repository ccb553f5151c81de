import type { CheckpointStore } from '../../../streams/checkpoints.js'
import type { TransferOptions } from '../../../streams/transfer.js'
import type { WriteConditions } from './options.js'
import type { NewObjectOptions } from './schemas.js'

/** How an upload may differ from the usual one. */
export interface UploadOptions extends TransferOptions, NewObjectOptions, WriteConditions {
  /**
   * File, or store, that keeps the hashes, so that an upload that was cut off need not hash again. Without it, running
   * the upload again sends only what is missing all the same.
   */
  readonly checkpoint?: string | CheckpointStore
}

/** How a download may differ from the usual one. */
export interface DownloadOptions extends TransferOptions {
  /** An old version: Pithos has numbers, Swift has texts. Default: the newest. */
  readonly version?: number | string
  /**
   * Whether a file gets its name only when its content has reached the disk. Default false: a power cut soon afterwards may leave one
   * that lacks some of it.
   */
  readonly durable?: boolean
  /** Only this entity tag; a 412 otherwise. */
  readonly ifMatch?: string
  /** Only if it is another one than this; a 304 otherwise. */
  readonly ifNoneMatch?: string
}
