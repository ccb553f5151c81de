import { catchError, throwError, type Observable } from 'rxjs'
import type { Api } from '../../../http/api.js'
import { fileCheckpoint, type CheckpointStore } from '../../../streams/checkpoints.js'
import type { TransferEvent } from '../../../streams/events.js'
import { withResource } from '../../../streams/resource.js'
import { sourceOf, type SourceInput } from '../../../streams/sources.js'
import { concurrencyOf, transfer } from '../../../streams/transfer.js'
import { metadataHeaders, objectName, type ObjectTarget } from './names.js'
import type { ObjectInfo } from './schemas.js'
import { stopped, type UploadOptions } from './upload-job.js'
import { uploadParts } from './upload-parts.js'
import { uploadStream } from './upload-stream.js'

/**
 * Uploads a source as an object: hashes its blocks, asks which of them the server lacks, sends those, and puts the object
 * together from all (pithos dossier 9). A stream, which can be read only once, is hashed and sent block by block.
 *
 * Emits `planned`, `hashing`, `progress` and `done` with the object's info, and `retrying` wherever something is sent again.
 * Errors: what the server refuses as a whole comes as it is (401, 403, 404, 412, 413); all else that stops the transfer is
 * a `TransferError`. Unsubscribing closes requests and files; blocks that were accepted stay, so that the next attempt
 * does not send them again.
 */
export function upload(
  api: Api,
  input: SourceInput,
  target: ObjectTarget,
  options: UploadOptions = {},
): Observable<TransferEvent<ObjectInfo>> {
  const source = sourceOf(input, 'source')
  const name = objectName(target, 'target')
  const concurrency = concurrencyOf(options)
  const store = checkOptions(options, source.randomAccess)
  return transfer(api.runtime, options, (report) =>
    withResource(
      () => source.open(),
      (opened) => {
        const job = { api, name, options, concurrency, store, source: opened, report }
        return opened.size === undefined ? uploadStream(job) : uploadParts(job, opened.size)
      },
    ).pipe(catchError((error: unknown) => throwError(() => stopped({ api, name }, error)))),
  )
}

function checkOptions(options: UploadOptions, randomAccess: boolean): CheckpointStore | undefined {
  const { checkpoint, contentType, metadata } = options
  if (contentType !== undefined && !/^[\x21-\x7e][\x20-\x7e]*$/.test(contentType)) {
    throw new TypeError('options.contentType: expected printable ASCII')
  }
  if (metadata !== undefined) metadataHeaders('object', metadata, 'options.metadata')
  if (checkpoint === undefined) return undefined
  if (!randomAccess) {
    throw new TypeError('options.checkpoint: a stream is read only once, so its upload cannot be continued')
  }
  return typeof checkpoint === 'string' ? fileCheckpoint(checkpoint) : checkpoint
}
