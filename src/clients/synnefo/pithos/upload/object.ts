import { catchError, concat, concatMap, defer, map, of, throwError, type Observable } from 'rxjs'
import { isHttpError, TransferError } from '../../../../errors.js'
import { call } from '../../../../http/api.js'
import { merkleRoot } from '../../../../streams/hashing.js'
import { requestOptions } from '../../../../streams/transfer.js'
import { conditionHeaders, newObjectHeaders } from '../../storage/headers.js'
import type { ObjectInfo, PutObject } from '../../storage/schemas.js'
import { putHashmap, type PutAnswer } from '../block-operations.js'
import { checkShape } from './blocks.js'
import { describeObject, forget, type Plan, type Upload } from './job.js'

const DEFAULT_TYPE = 'application/octet-stream'

/**
 * Asks for the object to be put together. A refusal that may be the echo of a success whose answer was lost is looked
 * into; so is one that a changed block size would explain (pithos dossier 9.5).
 */
export function putObject(job: Upload, plan: Plan): Observable<PutAnswer> {
  const { api, name, options, report } = job
  const headers = { ...newObjectHeaders(options), ...conditionHeaders(options) }
  return defer(() => {
    let repeated = false
    const told = requestOptions(options, (retry) => {
      repeated = true
      report.retrying(retry)
    })
    const { size, hashes } = plan
    const object = { name, bytes: size, hashes, headers }
    return call(api, putHashmap, object, told).pipe(
      catchError((error: unknown) => {
        const fail = throwError(() => error)
        if (isHttpError(error, 400)) return concat(checkShape(job, plan), fail)
        return repeated && isHttpError(error, 412) ? concatEcho(job, plan, fail) : fail
      }),
    )
  })
}

function concatEcho(job: Upload, plan: Plan, fail: Observable<never>): Observable<PutAnswer> {
  return describeObject(job).pipe(
    concatMap((present) => {
      if (present === undefined || !isContent(present, plan)) return fail
      return of({ kind: 'created' as const, etag: present.etag, version: present.version })
    }),
  )
}

function isContent(present: ObjectInfo, { size, blockHash, hashes }: Plan): boolean {
  return present.bytes === size && present.hash === merkleRoot(blockHash, hashes)
}

/** Looks at what was put together, forgets the checkpoint, and emits the object's info. */
export function finish(
  job: Upload,
  plan: Plan,
  created: Extract<PutAnswer, { kind: 'created' }>,
): Observable<ObjectInfo> {
  const described = describeObject(job).pipe(
    map((present) => {
      if (present !== undefined && isContent(present, plan)) return present
      if (present !== undefined && present.version === created.version) {
        throw new TransferError('the server put another object together than was sent')
      }
      // Somebody has replaced or removed it since.
      const { size, blockHash, hashes } = plan
      return infoOf(job, size, { ...created, hash: merkleRoot(blockHash, hashes) })
    }),
  )
  return concat(described, forget(job))
}

/** What is known of an object from having put it. */
export function infoOf(
  { name, options }: Upload,
  size: number,
  { etag, version, hash }: PutObject & { readonly hash?: string },
): ObjectInfo {
  return {
    container: name.container,
    name: name.object,
    bytes: size,
    contentType: options.contentType ?? DEFAULT_TYPE,
    etag,
    hash,
    version,
    uuid: undefined,
    manifest: undefined,
    modifiedBy: undefined,
    lastModified: undefined,
    metadata: options.metadata ?? {},
  }
}
