import { catchError, throwError, type Observable } from 'rxjs'
import type { Api } from '../../../../http/api.js'
import { fileCheckpoint, type CheckpointStore } from '../../../../streams/checkpoints.js'
import type { TransferEvent } from '../../../../streams/events.js'
import { withResource } from '../../../../streams/resource.js'
import type { Hasher } from '../../../../streams/hasher.js'
import { sourceOf, type SourceInput } from '../../../../streams/sources.js'
import { concurrencyOf, transfer } from '../../../../streams/transfer.js'
import { metadataHeaders, objectName, type ObjectTarget } from '../../storage/names.js'
import type { ObjectInfo } from '../../storage/schemas.js'
import type { UploadOptions } from '../../storage/transfer-options.js'
import { stopped } from './job.js'
import { SMALL } from '../../storage/small-files.js'
import { uploadSmall } from './small.js'
import { uploadParts } from './parts.js'
import { uploadStream } from './stream.js'

/**
 * Uploads a source as an object: hashes its blocks, asks which of them the server lacks, sends those, and puts the object
 * together from all (pithos dossier 9). A stream, which can be read only once, is hashed and sent block by block.
 *
 * Emits `planned`, `hashing`, `progress` and `done` with the object's info, and `retrying` wherever something is sent again.
 * Errors: what the server refuses as a whole comes as it is (401, 403, 404, 412, 413); all else that stops the transfer is
 * a `TransferError`. Unsubscribing closes requests and files; blocks that were accepted stay, so that the next attempt
 * does not send them again.
 *
 * @param small - how a source is sent for which a question about its blocks costs more than sending it
 */
export function upload(
  { api, hasher }: { readonly api: Api; readonly hasher: Hasher },
  input: SourceInput,
  target: ObjectTarget,
  options: UploadOptions = {},
  small: 'in blocks' | 'in one request' = 'in blocks',
): Observable<TransferEvent<ObjectInfo>> {
  const source = sourceOf(input, 'source')
  const name = objectName(target, 'target')
  const concurrency = concurrencyOf(options)
  const store = checkOptions(options, source.randomAccess)
  return transfer(api.runtime, options, (report) =>
    withResource(
      () => source.open(),
      (opened) => {
        const job = { api, hasher, name, options, concurrency, store, source: opened, report }
        const { size } = opened
        if (size === undefined) return uploadStream(job)
        return small === 'in one request' && size <= SMALL ? uploadSmall(job, size) : uploadParts(job, size)
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
