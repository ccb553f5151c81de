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
import type { Runtime } from '../../../runtime.js'
import type { Hasher } from '../../../streams/hasher.js'
import { lengthWithoutTrailingNuls, merkleRoot } from '../../../streams/hashing.js'
import type { OpenSource } from '../../../streams/sources.js'
import {
  immediateRetry,
  interrupted,
  requestOptions,
  type TransferReport,
} from '../../../streams/transfer.js'
import type { BlockShape } from './blocks.js'
import { labelOf, type ObjectName } from '../storage/names.js'
import { conditionHeaders, named, newObjectHeaders } from '../storage/headers.js'
import { headContainer } from '../storage/container-operations.js'
import { headObject } from '../storage/object-operations.js'
import { postBlock, putHashmap, type PutAnswer } from './block-operations.js'
import type { ContainerInfo, ObjectInfo, PutObject } from '../storage/schemas.js'
import type { UploadOptions } from '../storage/transfer-options.js'

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

const DEFAULT_TYPE = 'application/octet-stream'
/** How often a block is sent that the server stores under another hash. */
const MAX_SENDINGS = 3

// --- blocks -------------------------------------------------------------------------------------------------

/**
 * Sends a block until the server stores it under its hash; completes then.
 *
 * @param check - what to look at before it is sent again: fails if that would be of no use
 */
export function sendBlock(
  job: Upload,
  plan: Plan,
  { index, hash, block }: { readonly index: number; readonly hash: string; readonly block: Uint8Array },
  check: Observable<never>,
): Observable<never> {
  const { report } = job
  const send = (sending: number): Observable<never> =>
    postBlockOf(job, block, index).pipe(
      concatMap((stored) => {
        if (stored.length === 1 && stored[0] === hash) return EMPTY
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

/**
 * Emits which of the hashes the server lacks. A hash that nothing has is among those that it is told, so that it never puts an object
 * together from them, and answers with what is missing before it looks at anything else (pithos dossier 9.3).
 */
export function askMissing(
  job: Upload,
  plan: Plan,
  hashes: readonly string[],
): Observable<readonly string[]> {
  const { api, name, options, report } = job
  return defer(() => {
    const told = requestOptions(options, (retry) => {
      report.retrying(retry)
    })
    const unheardOf = randomHash(api.runtime, hashes[0]?.length ?? 0)
    const question = {
      name,
      bytes: (hashes.length + 1) * plan.blockSize,
      hashes: [...hashes, unheardOf],
      headers: newObjectHeaders({}),
    }
    return call(api, putHashmap, question, told).pipe(
      catchError((error: unknown) => {
        const fail = throwError(() => error)
        return isHttpError(error, 400) ? concat(checkShape(job, plan), fail) : fail
      }),
      map((answer) => {
        if (answer.kind === 'missing') return answer.hashes
        throw new TransferError('the server has put an object together from a block that it cannot have')
      }),
    )
  })
}

function randomHash({ random }: Runtime, length: number): string {
  return Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join('')
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
