import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  ignoreElements,
  mergeMap,
  of,
  range,
  tap,
  throwError,
  type Observable,
} from 'rxjs'
import { TransferError, type Checkpoint } from '../../../../errors.js'
import { createSaving } from '../../../../streams/checkpoint-saving.js'
import { createBlockBuffers } from '../../../../streams/block-buffers.js'
import { hashBlock } from '../../../../streams/hashing.js'
import { labelOf } from '../../storage/names.js'
import type { ContainerInfo, ObjectInfo } from '../../storage/schemas.js'
import { blockShapeOf, type BlockShape } from '../blocks.js'
import { carryRange, createLanes } from './lanes.js'
import { lostBlocks, sendBlock } from './blocks.js'
import {
  BlocksChanged,
  checkpointOf,
  describeContainer,
  describeObject,
  failChanged,
  failIfChanged,
  stopped,
  type Plan,
  type Upload,
} from './job.js'
import { finish, putObject } from './object.js'
import { createLedger, type Ledger } from '../../../../streams/ledger.js'

/** Bytes from which on the hashing threads are started while the container is still asked for. */
const LARGE = 2 ** 20
/** How often in a row the server may miss as many blocks as before, although they were sent. */
const MAX_IDLE_ROUNDS = 3

/** Uploads a source of known size, any part of which can be read at any time. */
export function uploadParts(job: Upload, size: number): Observable<ObjectInfo> {
  const begin = (container: ContainerInfo, isFirst: boolean): Observable<ObjectInfo> =>
    attempt(job, size, blockShapeOf(container)).pipe(
      catchError((error: unknown) => {
        if (!(error instanceof BlocksChanged)) return throwError(() => error)
        if (isFirst) return begin(error.container, false)
        return throwError(() => new TransferError(`${error.message} twice`))
      }),
    )
  if (size > LARGE) job.hasher.warm()
  return describeContainer(job).pipe(
    concatMap((container) => concat(checkQuota(job, container, size), begin(container, true))),
  )
}

/** Fails before anything is sent if the object cannot fit: the server says so only at the end (pithos dossier 9.5). */
function checkQuota(job: Upload, { quota, bytes }: ContainerInfo, size: number): Observable<never> {
  if (quota === undefined || quota === 0 || bytes === undefined || bytes + size <= quota) return EMPTY
  return describeObject(job).pipe(
    concatMap((replaced) => {
      const free = Math.max(0, quota - bytes + (replaced?.bytes ?? 0))
      if (size <= free) return EMPTY
      const message = `${size} bytes do not fit into container ${job.name.container}, of whose quota ${free} are left`
      return throwError(() => new TransferError(message))
    }),
  )
}

/** One run with one block size. */
function attempt(job: Upload, size: number, shape: BlockShape): Observable<ObjectInfo> {
  const { report, store } = job
  const load = store === undefined ? of(undefined) : defer(() => store.load())
  return load.pipe(
    concatMap((saved) => {
      const plan = planOf(job, size, shape, saved)
      const ledger = createLedger(report)
      report.planned(size, plan.total, checkpointOf(job, plan))
      report.accepted({ bytes: 0, parts: 0, reusedBytes: 0, travelledBytes: 0 })
      return concat(hashAndSend(job, plan, ledger), settle(job, plan, ledger)).pipe(
        catchError((error: unknown) =>
          throwError(() => stopped(job, error, { checkpoint: checkpointOf(job, plan) })),
        ),
      )
    }),
  )
}

function planOf(job: Upload, size: number, shape: BlockShape, saved: Checkpoint | undefined): Plan {
  const total = Math.ceil(size / shape.blockSize)
  const hashes = saved !== undefined && isOf(saved, job, size, shape) ? saved.hashes.slice(0, total) : []
  const bufferSize = Math.max(1, Math.min(size, shape.blockSize))
  return { ...shape, size, total, bufferSize, hashes, known: hashes.length }
}

/** Whether the hashes of an earlier run are those of this content, cut in the same way. */
function isOf(saved: Checkpoint, { source, name }: Upload, size: number, shape: BlockShape): boolean {
  return (
    source.mtimeMs !== undefined &&
    saved.mtimeMs === source.mtimeMs &&
    saved.size === size &&
    saved.direction === 'upload' &&
    saved.object === labelOf(name) &&
    saved.blockSize === shape.blockSize &&
    saved.blockHash === shape.blockHash
  )
}

// --- hashing and sending ------------------------------------------------------------------------------------

/**
 * Hashes the blocks whose hashes are not known yet, and sends those that the server lacks while others are still hashed. A content of so
 * few blocks that all are hashed at once is only hashed: one question for all of them is enough.
 */
function hashAndSend(job: Upload, plan: Plan, ledger: Ledger): Observable<never> {
  const { api, report, store } = job
  const { size, total, known, hashes, blockSize } = plan
  const saving = createSaving(store, api.runtime.scheduler, () => checkpointOf(job, plan))
  let hashed = Math.min(size, known * blockSize)
  hashes.forEach((hash, index) => ledger.note(index, hash, lengthOf(plan, index)))

  const reading = {
    read: (index: number, buffer: Uint8Array) => readPart(job, plan, index, buffer),
    hashed: (block: Uint8Array) => {
      while (hashes[plan.known] !== undefined) plan.known += 1
      hashed += block.length
      report.hashing(hashed, size)
      return saving.ifDue()
    },
  }
  const lanes = createLanes(job, plan, ledger, reading)
  const carried = carryRange(lanes, { first: known, count: total - known, onlyHash: total <= lanes.width })
  return concat(carried, failIfChanged(job), saving.now())
}

function lengthOf({ size, blockSize }: Plan, index: number): number {
  return Math.min(blockSize, size - index * blockSize)
}

function readPart(job: Upload, plan: Plan, index: number, buffer: Uint8Array): Observable<Uint8Array> {
  const length = lengthOf(plan, index)
  return defer(() => job.source.read(index * plan.blockSize, length, buffer)).pipe(
    concatMap((block) => (block.length < length ? failChanged(job) : of(block))),
  )
}

// --- what is still missing ------------------------------------------------------------------------------------

/** Puts the object; as long as blocks are missing, sends them and puts it again. */
function settle(job: Upload, plan: Plan, ledger: Ledger): Observable<ObjectInfo> {
  const round = (before: number, idle: number): Observable<ObjectInfo> =>
    putObject(job, plan).pipe(
      concatMap((answer) => {
        const missing = answer.kind === 'created' ? [] : answer.hashes
        ledger.acceptAllBut(missing)
        if (answer.kind === 'created') return finish(job, plan, answer)
        const idleNow = missing.length < before ? 0 : idle + 1
        if (idleNow === MAX_IDLE_ROUNDS) return throwError(() => lostBlocks(missing))
        return concat(sendAll(job, plan, ledger, missing), round(missing.length, idleNow))
      }),
    )
  return defer(() => round(Infinity, 0))
}

function sendAll(job: Upload, plan: Plan, ledger: Ledger, missing: readonly string[]): Observable<never> {
  const buffers = createBlockBuffers(plan.bufferSize)
  const send = (hash: string): Observable<never> => {
    const place = ledger.placeOf(hash)
    if (place === undefined) {
      return throwError(
        () => new TransferError(`the server asks for a block that is not of this object: ${hash}`),
      )
    }
    const { index } = place
    return buffers
      .borrow((buffer) => sendPart(job, plan, index, hash, buffer))
      .pipe(
        tap({
          complete: () => {
            ledger.accept(hash, 'sent')
          },
        }),
        catchError((error: unknown) =>
          throwError(() => stopped(job, error, { part: index, checkpoint: checkpointOf(job, plan) })),
        ),
      )
  }
  return range(0, missing.length).pipe(
    mergeMap((turn) => send(missing[turn] ?? ''), job.concurrency),
    ignoreElements(),
  )
}

/** Reads a block a second time and sends it; fails if it is not the one that was hashed. */
function sendPart(
  job: Upload,
  plan: Plan,
  index: number,
  hash: string,
  buffer: Uint8Array,
): Observable<never> {
  return readPart(job, plan, index, buffer).pipe(
    concatMap((block) => {
      const unchanged = defer(() => hashBlock(job.hasher, plan.blockHash, block)).pipe(
        concatMap((now) => (now === hash ? EMPTY : failChanged(job))),
      )
      return sendBlock(job, plan, { index, hash, block }, unchanged)
    }),
  )
}
