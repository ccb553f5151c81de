import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  filter,
  of,
  tap,
  throwError,
  type Observable,
} from 'rxjs'
import { TransferError } from '../../../../errors.js'
import type { ObjectInfo } from '../../storage/schemas.js'
import { blockShapeOf, type BlockShape } from '../blocks.js'
import { carryUntil, createLanes } from './lanes.js'
import { lostBlocks } from './blocks.js'
import { BlocksChanged, describeContainer, type Plan, type Upload } from './job.js'
import { finish, putObject } from './object.js'
import { createLedger } from '../../../../streams/ledger.js'

/** Uploads a stream, which is read once, and no further ahead than blocks are held in memory. */
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

/** Sends what the server lacks; emits what all of it makes up. */
function sendStream(job: Upload, shape: BlockShape): Observable<Plan> {
  const { blockSize } = shape
  const plan = { ...shape, size: Infinity, total: Infinity, bufferSize: blockSize, hashes: [], known: 0 }
  let size = 0
  let ended = false
  const read = (index: number, buffer: Uint8Array): Observable<Uint8Array> =>
    defer(() => job.source.read(index * blockSize, blockSize, buffer)).pipe(
      tap((block) => {
        ended ||= block.length < blockSize
      }),
      filter((block) => block.length > 0),
    )
  const hashed = (block: Uint8Array): Observable<never> => {
    size += block.length
    return EMPTY
  }
  const lanes = createLanes(job, plan, createLedger(job.report), { read, hashed })
  return concat(
    carryUntil(lanes, () => ended),
    defer(() => of({ ...plan, size, total: plan.hashes.length })),
  )
}
