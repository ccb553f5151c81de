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
import { isHttpError, TransferError, type Checkpoint } from '../../../errors.js'
import { call, type Api } from '../../../http/api.js'
import type { CheckpointStore } from '../../../streams/checkpoints.js'
import { lengthWithoutTrailingNuls, merkleRoot } from '../../../streams/hashing.js'
import type { OpenSource } from '../../../streams/sources.js'
import type { BlockBuffers } from '../../../streams/block-buffers.js'
import {
  immediateRetry,
  interrupted,
  requestOptions,
  type TransferOptions,
  type TransferReport,
} from '../../../streams/transfer.js'
import type { BlockShape } from './blocks.js'
import { labelOf, type ObjectName } from './names.js'
import { headContainer, headObject, named, postBlock, putHashmap, type PutAnswer } from './operations.js'
import type { ContainerInfo, ObjectInfo } from './schemas.js'

/** How an upload may differ from the usual one. */
export interface UploadOptions extends TransferOptions {
  /** Of the object. Default `application/octet-stream`. */
  readonly contentType?: string
  /** Names and values that are kept with the object. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Replaces only the object of this entity tag; a 412 otherwise. */
  readonly ifMatch?: string
  /** `'*'` creates, and replaces nothing; a 412 otherwise. */
  readonly ifNoneMatch?: string
  /**
   * File, or store, that keeps the hashes, so that an upload that was cut off need not hash again. Without it, running
   * the upload again sends only what is missing all the same.
   */
  readonly checkpoint?: string | CheckpointStore
}

/** What all steps of one upload work on. */
export interface Upload {
  readonly api: Api
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
  /** Filled while hashing. */
  readonly hashes: string[]
  /** Blocks from the first one on whose hashes are known. */
  known: number
  readonly buffers: BlockBuffers
}

/** The container's blocks are not what they were when the plan was made. */
export class BlocksChanged extends Error {
  readonly container: ContainerInfo
  constructor(container: ContainerInfo) {
    super('the block size of the container has changed')
    this.container = container
  }
}

const DEFAULT_TYPE = 'application/octet-stream'
/** How often a block is sent that the server stores under another hash. */
const MAX_SENDINGS = 3

// --- blocks -------------------------------------------------------------------------------------------------

/**
 * Sends a block until the server stores it under its hash.
 *
 * @param check - what to look at before it is sent again: fails if that would be of no use
 */
export function sendBlock(
  job: Upload,
  plan: Plan,
  { index, hash, block }: { readonly index: number; readonly hash: string; readonly block: Uint8Array },
  check: Observable<never>,
): Observable<void> {
  const { report } = job
  const send = (sending: number): Observable<void> =>
    postBlockOf(job, block, index).pipe(
      concatMap((stored) => {
        if (stored.length === 1 && stored[0] === hash) return of(undefined)
        const error = new TransferError('the server stored a block under another hash than its own', {
          part: index,
        })
        const again = defer(() => {
          if (sending === MAX_SENDINGS) return throwError(() => error)
          report.retrying(immediateRetry(sending, error), index)
          return send(sending + 1)
        })
        return concat(check, checkShape(job, plan), again)
      }),
    )
  return send(1)
}

/** Zeros at the end are the same block without them; but no bytes are no block (pithos dossier 9.3). */
function postBlockOf(job: Upload, block: Uint8Array, part: number): Observable<readonly string[]> {
  const { api, name, options, report } = job
  const content = block.subarray(0, Math.max(1, lengthWithoutTrailingNuls(block)))
  const told = requestOptions(options, (retry) => {
    report.retrying(retry, part)
  })
  // Blocks belong to no container, but only those of one's own account may be posted to (pithos dossier 9.3).
  return call(api, postBlock, { container: name.container, block: content }, told)
}

/** Fails with `BlocksChanged` if the container has another block size or hash than the plan. */
function checkShape(job: Upload, { blockSize, blockHash }: BlockShape): Observable<never> {
  return describeContainer(job).pipe(
    concatMap((container) =>
      container.blockSize === blockSize && container.blockHash === blockHash
        ? EMPTY
        : throwError(() => new BlocksChanged(container)),
    ),
  )
}

export function lostBlocks(hashes: readonly string[]): TransferError {
  const some = hashes.slice(0, 3).join(', ')
  return new TransferError(`the server still misses blocks that were sent: ${hashes.length}, such as ${some}`)
}

// --- the container and the object ---------------------------------------------------------------------------

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

/**
 * Asks for the object to be put together. A refusal that may be the echo of a success whose answer was lost is looked
 * into; so is one that a changed block size would explain (pithos dossier 9.5).
 */
export function putObject(job: Upload, plan: Plan): Observable<PutAnswer> {
  const { api, name, options, report } = job
  const { contentType = DEFAULT_TYPE, metadata = {}, ifMatch, ifNoneMatch } = options
  return defer(() => {
    let repeated = false
    const told = requestOptions(options, (retry) => {
      repeated = true
      report.retrying(retry)
    })
    const { size, hashes } = plan
    const object = { name, bytes: size, hashes, contentType, metadata, ifMatch, ifNoneMatch }
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
      return infoOf(job, plan, created)
    }),
  )
  return concat(described, forget(job))
}

function infoOf(
  { name, options }: Upload,
  { size, blockHash, hashes }: Plan,
  { etag, version }: { readonly etag: string | undefined; readonly version: number | undefined },
): ObjectInfo {
  return {
    container: name.container,
    name: name.object,
    bytes: size,
    contentType: options.contentType ?? DEFAULT_TYPE,
    etag,
    hash: merkleRoot(blockHash, hashes),
    version,
    uuid: undefined,
    manifest: undefined,
    modifiedBy: undefined,
    lastModified: undefined,
    metadata: options.metadata ?? {},
  }
}

// --- the checkpoint and the end -----------------------------------------------------------------------------

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
