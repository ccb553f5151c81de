import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  ignoreElements,
  map,
  of,
  throwError,
  type Observable,
} from 'rxjs'
import { isHttpError, TransferError, type Checkpoint } from '../../../../errors.js'
import { call, type Api } from '../../../../http/api.js'
import type { CheckpointStore } from '../../../../streams/checkpoints.js'
import type { Hasher } from '../../../../streams/hasher.js'
import type { OpenSource } from '../../../../streams/sources.js'
import { interrupted, requestOptions, type TransferReport } from '../../../../streams/transfer.js'
import { headContainer } from '../../storage/container-operations.js'
import { named } from '../../storage/headers.js'
import { labelOf, type ObjectName } from '../../storage/names.js'
import { headObject } from '../../storage/object-operations.js'
import type { ContainerInfo, ObjectInfo } from '../../storage/schemas.js'
import type { UploadOptions } from '../../storage/transfer-options.js'
import type { BlockShape } from '../blocks.js'

/** What all steps of one upload work on. */
export interface Upload {
  readonly api: Api
  readonly hasher: Hasher
  readonly name: ObjectName
  readonly options: UploadOptions
  readonly concurrency: number
  readonly store: CheckpointStore | undefined
  readonly source: OpenSource
  readonly report: TransferReport
}

/** The content, cut in blocks of one size. */
export interface Plan extends BlockShape {
  readonly size: number
  readonly total: number
  /** Of a buffer that holds any of the blocks. */
  readonly bufferSize: number
  /** Filled while hashing. */
  readonly hashes: string[]
  /** Blocks from the first one on whose hashes are known. */
  known: number
}

/** The container's blocks are not what they were when the plan was made. */
export class BlocksChanged extends Error {
  readonly container: ContainerInfo
  constructor(container: ContainerInfo) {
    super('the block size of the container has changed')
    this.container = container
  }
}

/** The hashes are of no use any more. */
export function failChanged(job: Upload): Observable<never> {
  return concat(
    forget(job),
    throwError(() => new TransferError('the source has changed while it was read')),
  )
}

/** To be asked when all is read and nothing is committed. */
export function failIfChanged(job: Upload): Observable<never> {
  return defer(() => job.source.changed?.() ?? of(false)).pipe(
    concatMap((is) => (is ? failChanged(job) : EMPTY)),
  )
}

export function describeContainer({ api, name, options, report }: Upload): Observable<ContainerInfo> {
  const told = requestOptions(options, (retry) => {
    report.retrying(retry)
  })
  return call(api, headContainer, name, told)
}

/** Emits what is there under the object's name, or `undefined`. */
export function describeObject({ api, name, options, report }: Upload): Observable<ObjectInfo | undefined> {
  const told = requestOptions(options, (retry) => {
    report.retrying(retry)
  })
  return call(api, headObject, { name }, told).pipe(
    map((state) => named(name, state)),
    catchError((error: unknown) => (isHttpError(error, 404) ? of(undefined) : throwError(() => error))),
  )
}

export function checkpointOf({ name, source }: Upload, plan: Plan): Checkpoint {
  const { size, blockSize, blockHash, hashes, known } = plan
  return {
    version: 1,
    direction: 'upload',
    object: labelOf(name),
    size,
    ...(source.mtimeMs === undefined ? {} : { mtimeMs: source.mtimeMs }),
    blockSize,
    blockHash,
    hashes: hashes.slice(0, known),
  }
}

export function forget({ store }: Upload): Observable<never> {
  return defer(() => store?.remove() ?? EMPTY).pipe(ignoreElements())
}

/** The error of the stream: a `TransferError`, unless the server has refused the upload as a whole. */
export function stopped(
  { api, name }: Pick<Upload, 'api' | 'name'>,
  error: unknown,
  where: { readonly part?: number; readonly checkpoint?: Checkpoint } = {},
): unknown {
  if (error instanceof BlocksChanged) return error
  return interrupted(error, {
    what: `upload of ${labelOf(name)}`,
    cloud: api.cloud,
    operation: 'synnefo.pithos.upload',
    ...where,
  })
}
