import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  filter,
  ignoreElements,
  mergeMap,
  of,
  range,
  repeat,
  tap,
  throwError,
  type Observable,
} from 'rxjs'
import { TransferError } from '../../../errors.js'
import { hashBlock } from '../../../streams/hashing.js'
import { createBlockBuffers } from '../../../streams/block-buffers.js'
import { blockShapeOf, type BlockShape } from './blocks.js'
import type { ObjectInfo } from './schemas.js'
import {
  BlocksChanged,
  describeContainer,
  finish,
  lostBlocks,
  putObject,
  sendBlock,
  stopped,
  type Plan,
  type Upload,
} from './upload-job.js'

/**
 * Uploads a stream, which is read once: each block is hashed and sent when it is there, as many at a time as are held
 * in memory. What the server has already is sent again, for it can be asked only when all hashes are known.
 */
export function uploadStream(job: Upload): Observable<ObjectInfo> {
  return describeContainer(job).pipe(
    concatMap((container) => {
      job.report.planned(Infinity, Infinity)
      return sendStream(job, blockShapeOf(container))
    }),
    concatMap((plan) => {
      job.report.measured(plan.size, plan.total)
      return putObject(job, plan).pipe(
        concatMap((answer) =>
          answer.kind === 'created' ? finish(job, plan, answer) : throwError(() => lostBlocks(answer.hashes)),
        ),
      )
    }),
    catchError((error: unknown) =>
      throwError(() => (error instanceof BlocksChanged ? new TransferError(error.message) : error)),
    ),
  )
}

/** Sends all blocks; emits what they make up. */
function sendStream(job: Upload, shape: BlockShape): Observable<Plan> {
  const { source, concurrency } = job
  const { blockSize, blockHash } = shape
  const buffers = createBlockBuffers(blockSize)
  const plan: Plan = { ...shape, size: Infinity, total: Infinity, hashes: [], known: 0, buffers }
  const sent = new Set<string>()
  let next = 0
  let size = 0
  let ended = false

  const sendNext = (buffer: Uint8Array): Observable<void> => {
    const index = next++
    return defer(() => source.read(index * blockSize, blockSize, buffer)).pipe(
      tap((block) => {
        size += block.length
        ended ||= block.length < blockSize
      }),
      filter((block) => block.length > 0),
      concatMap((block) =>
        defer(() => hashBlock(blockHash, block)).pipe(
          concatMap((hash) => {
            plan.hashes[index] = hash
            const isNew = !sent.has(hash)
            sent.add(hash)
            return sendOnce(job, plan, { index, hash, block }, isNew)
          }),
        ),
      ),
      catchError((error: unknown) => throwError(() => stopped(job, error, { part: index }))),
    )
  }

  // One loop for each block that may be held. Reads are answered in the order in which they were asked for.
  const loop = defer(() => buffers.borrow(sendNext)).pipe(repeat({ delay: () => (ended ? EMPTY : of(true)) }))
  return concat(
    range(0, concurrency).pipe(
      mergeMap(() => loop),
      ignoreElements(),
    ),
    defer(() => of({ ...plan, size, total: plan.hashes.length })),
  )
}

/** Sends a block unless one of the same content was sent before. */
function sendOnce(
  job: Upload,
  plan: Plan,
  part: { readonly index: number; readonly hash: string; readonly block: Uint8Array },
  isNew: boolean,
): Observable<void> {
  const bytes = part.block.length
  const sending = isNew ? sendBlock(job, plan, part, EMPTY) : of(undefined)
  return sending.pipe(
    tap(() => {
      const travelledBytes = isNew ? bytes : 0
      job.report.accepted({ bytes, parts: 1, reusedBytes: bytes - travelledBytes, travelledBytes })
    }),
  )
}
