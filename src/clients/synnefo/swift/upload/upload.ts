import { catchError, concatMap, throwError, type Observable } from 'rxjs'
import type { Api } from '../../../../http/api.js'
import { fileCheckpoint, type CheckpointStore } from '../../../../streams/checkpoints.js'
import type { TransferEvent } from '../../../../streams/events.js'
import type { Hasher } from '../../../../streams/hasher.js'
import { withResource } from '../../../../streams/resource.js'
import { sourceOf, type SourceInput } from '../../../../streams/sources.js'
import { concurrencyOf, transfer } from '../../../../streams/transfer.js'
import { objectName, type ObjectTarget } from '../../storage/names.js'
import type { ObjectInfo } from '../../storage/schemas.js'
import { createFeatures } from '../features.js'
import { createSwiftLimits, type SwiftLimits } from '../limits.js'
import { planWithCheckpoint } from './checkpoint.js'
import { stopped } from './job.js'
import { checkUploadOptions, type SwiftUploadOptions } from './options.js'
import { uploadSegments } from './segments.js'
import { uploadStream } from './stream.js'
import { uploadWhole } from './whole.js'

export type { SwiftUploadOptions } from './options.js'

/** What transfers of one client share. */
export interface SwiftTransfers {
  readonly api: Api
  readonly hasher: Hasher
  /** From `createSwiftLimits`: asked for once. */
  readonly limits?: Observable<SwiftLimits>
}

const DEFAULT_SEGMENT = 64 * 2 ** 20
/** They are held in memory. */
const DEFAULT_STREAM_SEGMENT = 16 * 2 ** 20

/**
 * Uploads a source as an object: in one request up to the size of a segment, else as a static large object, whose segments are
 * hashed, sent if they are not there, and put together (pithos dossier 14.2). Up to 64 KiB that is exactly one request.
 *
 * Emits `planned`, `hashing`, `progress` and `done` with the object's info, and `retrying` wherever something is sent again.
 * Errors: what the server refuses as a whole comes as it is (401, 403, 404, 412, 413); all else that stops the transfer is
 * a `TransferError`. Unsubscribing closes requests and files; segments that were accepted stay, so that the next attempt
 * does not send them again.
 */
export function uploadToSwift(
  { api, hasher, limits = createSwiftLimits(createFeatures(api)) }: SwiftTransfers,
  input: SourceInput,
  target: ObjectTarget,
  options: SwiftUploadOptions = {},
): Observable<TransferEvent<ObjectInfo>> {
  const source = sourceOf(input, 'source')
  const name = objectName(target, 'target')
  const concurrency = concurrencyOf(options)
  checkUploadOptions(name, options)
  const store = storeOf(options, source.randomAccess)
  return transfer(api.runtime, options, (report) =>
    withResource(
      () => source.open(),
      (opened) => {
        const job = { api, hasher, limits, name, options, concurrency, store, source: opened, report }
        const { size } = opened
        if (size === undefined) return uploadStream(job, options.segmentSize ?? DEFAULT_STREAM_SEGMENT)
        const { segmentSize = DEFAULT_SEGMENT } = options
        if (size > segmentSize) return uploadSegments(job, size, segmentSize)
        return planWithCheckpoint(job, size, segmentSize).pipe(concatMap((plan) => uploadWhole(job, plan)))
      },
    ).pipe(catchError((error: unknown) => throwError(() => stopped({ api, name }, error)))),
  )
}

function storeOf({ checkpoint }: SwiftUploadOptions, randomAccess: boolean): CheckpointStore | undefined {
  if (checkpoint === undefined) return undefined
  if (!randomAccess) {
    throw new TypeError('options.checkpoint: a stream is read only once, so its upload cannot be continued')
  }
  return typeof checkpoint === 'string' ? fileCheckpoint(checkpoint) : checkpoint
}
