import { catchError, EMPTY, ignoreElements, of, throwError, type Observable } from 'rxjs'
import { isHttpError, type Checkpoint } from '../../../../errors.js'
import { call, type Api } from '../../../../http/api.js'
import type { CallOptions } from '../../../../http/types.js'
import type { CheckpointStore } from '../../../../streams/checkpoints.js'
import type { Hasher } from '../../../../streams/hasher.js'
import type { OpenSource } from '../../../../streams/sources.js'
import { interrupted, requestOptions, type TransferReport } from '../../../../streams/transfer.js'
import { labelOf, type ObjectName } from '../../storage/names.js'
import type { ObjectInfo } from '../../storage/schemas.js'
import { headLargeObject, type SwiftObject, type SwiftPut } from '../large-object-operations.js'
import type { SwiftLimits } from '../limits.js'
import type { SwiftUploadOptions } from './options.js'

/** What all steps of one upload work on. */
export interface Upload {
  readonly api: Api
  readonly hasher: Hasher
  readonly limits: Observable<SwiftLimits>
  readonly name: ObjectName
  readonly options: SwiftUploadOptions
  readonly concurrency: number
  readonly store: CheckpointStore | undefined
  readonly source: OpenSource
  readonly report: TransferReport
}

/** The content, cut in segments of one size. */
export interface Plan {
  readonly size: number
  readonly segmentSize: number
  readonly total: number
  /** MD5 of the segments, filled while hashing. */
  readonly hashes: string[]
  /** Segments from the first one on whose hashes are known. */
  known: number
}

const DEFAULT_TYPE = 'application/octet-stream'

export function lengthOf({ size, segmentSize }: Plan, index: number): number {
  return Math.min(segmentSize, size - index * segmentSize)
}

/** The options of a request; its retries are told. */
export function told({ options, report }: Upload, part?: number): CallOptions {
  return requestOptions(options, (retry) => {
    report.retrying(retry, part)
  })
}

/** Emits what is there under the object's name, or `undefined`. */
export function describeObject(job: Upload): Observable<SwiftObject | undefined> {
  return call(job.api, headLargeObject, { name: job.name }, told(job)).pipe(
    catchError((error: unknown) => (isHttpError(error, 404) ? of(undefined) : throwError(() => error))),
  )
}

/** Fails with a 412 unless the object is the one that the caller wants replaced: Swift does not look when it is put. */
export function checkMatch(job: Upload): Observable<never> {
  const { ifMatch } = job.options
  if (ifMatch === undefined) return EMPTY
  return call(job.api, headLargeObject, { name: job.name, conditions: { ifMatch } }, told(job)).pipe(
    ignoreElements(),
  )
}

/** The object as it was put. */
export function infoOf({ name, options }: Upload, bytes: number, put: SwiftPut): ObjectInfo {
  const { contentType = DEFAULT_TYPE, contentEncoding, contentDisposition, metadata = {} } = options
  return {
    container: name.container,
    name: name.object,
    bytes,
    contentType,
    etag: put.etag,
    hash: undefined,
    version: put.version,
    uuid: undefined,
    modifiedBy: undefined,
    manifest: undefined,
    lastModified: put.lastModified,
    metadata: Object.fromEntries(
      Object.entries(metadata).map(([key, value]) => [key.toLowerCase().replaceAll('_', '-'), value]),
    ),
    contentEncoding,
    contentDisposition,
  }
}

/** These refuse the whole, whichever of its requests they answer. */
const refusals = [401, 403, 404, 413]

/** The error of the stream: a `TransferError`, unless the server has refused the upload as a whole. */
export function stopped(
  { api, name }: Pick<Upload, 'api' | 'name'>,
  error: unknown,
  where: { readonly part?: number; readonly checkpoint?: Checkpoint } = {},
): unknown {
  if (isHttpError(error) && refusals.includes(error.status)) return error
  return interrupted(error, {
    what: `upload of ${labelOf(name)}`,
    cloud: api.cloud,
    operation: 'openstack.storage.upload',
    ...where,
  })
}
