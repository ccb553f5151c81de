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
  throttleTime,
  throwError,
  type Observable,
} from 'rxjs'
import { TransferError, type Checkpoint } from '../../../errors.js'
import { hashBlock } from '../../../streams/hashing.js'
import { createBlockBuffers } from '../../../streams/block-buffers.js'
import { blockShapeOf, type BlockShape } from './blocks.js'
import { labelOf } from './names.js'
import type { ContainerInfo, ObjectInfo } from './schemas.js'
import {
  BlocksChanged,
  checkpointOf,
  describeContainer,
  describeObject,
  finish,
  forget,
  lostBlocks,
  putObject,
  sendBlock,
  stopped,
  type Plan,
  type Upload,
} from './upload-job.js'

const CHECKPOINT_INTERVAL_MS = 1_000
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
      report.planned(size, plan.total, checkpointOf(job, plan))
      return concat(hashAll(job, plan), settle(job, plan)).pipe(
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
  const buffers = createBlockBuffers(Math.max(1, Math.min(size, shape.blockSize)))
  return { ...shape, size, total, hashes, known: hashes.length, buffers }
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

// --- hashing ------------------------------------------------------------------------------------------------

function hashAll(job: Upload, plan: Plan): Observable<never> {
  const { api, report, concurrency, store, source } = job
  const { size, total, known, hashes, buffers, blockHash, blockSize } = plan
  let hashed = Math.min(size, known * blockSize)

  const hashing = range(known, total - known).pipe(
    mergeMap(
      (index) =>
        buffers
          .borrow((buffer) =>
            readPart(job, plan, index, buffer).pipe(concatMap((block) => hashBlock(blockHash, block))),
          )
          .pipe(
            tap((hash) => {
              hashes[index] = hash
              while (hashes[plan.known] !== undefined) plan.known += 1
              hashed += lengthOf(plan, index)
              report.hashing(hashed, size)
            }),
          ),
      concurrency,
    ),
  )
  const changed = defer(() => source.changed?.() ?? of(false)).pipe(
    concatMap((is) => (is ? failChanged(job) : EMPTY)),
  )
  if (store === undefined) return concat(hashing.pipe(ignoreElements()), changed)
  const save = defer(() => store.save(checkpointOf(job, plan))).pipe(ignoreElements())
  const saving = hashing.pipe(
    throttleTime(CHECKPOINT_INTERVAL_MS, api.runtime.scheduler),
    concatMap(() => save),
  )
  return concat(saving, changed, save)
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

/** The hashes are of no use any more. */
function failChanged(job: Upload): Observable<never> {
  return concat(
    forget(job),
    throwError(() => new TransferError('the source has changed while it was read')),
  )
}

// --- sending ------------------------------------------------------------------------------------------------

/** All places of one block in the content. */
interface Places {
  readonly first: number
  bytes: number
  parts: number
}

/** Puts the object; as long as blocks are missing, sends them and puts it again. */
function settle(job: Upload, plan: Plan): Observable<ObjectInfo> {
  return defer(() => {
    const places = placesOf(plan)
    const accepted = new Set<string>()

    const round = (before: number, idle: number): Observable<ObjectInfo> =>
      putObject(job, plan).pipe(
        concatMap((answer) => {
          const missing = answer.kind === 'created' ? [] : answer.hashes
          acceptPresent(job, places, missing, accepted)
          if (answer.kind === 'created') return finish(job, plan, answer)
          const idleNow = missing.length < before ? 0 : idle + 1
          if (idleNow === MAX_IDLE_ROUNDS) return throwError(() => lostBlocks(missing))
          return concat(sendAll(job, plan, places, missing, accepted), round(missing.length, idleNow))
        }),
      )
    return round(Infinity, 0)
  })
}

function placesOf(plan: Plan): ReadonlyMap<string, Places> {
  const places = new Map<string, Places>()
  plan.hashes.forEach((hash, index) => {
    const known = places.get(hash)
    if (known === undefined) places.set(hash, { first: index, bytes: lengthOf(plan, index), parts: 1 })
    else {
      known.bytes += lengthOf(plan, index)
      known.parts += 1
    }
  })
  return places
}

/** Counts, once, what the server has without being sent it. */
function acceptPresent(
  { report }: Upload,
  places: ReadonlyMap<string, Places>,
  missing: readonly string[],
  accepted: Set<string>,
): void {
  const lacking = new Set(missing)
  let bytes = 0
  let parts = 0
  for (const [hash, place] of places) {
    if (lacking.has(hash) || accepted.has(hash)) continue
    accepted.add(hash)
    bytes += place.bytes
    parts += place.parts
  }
  report.accepted({ bytes, parts, reusedBytes: bytes, travelledBytes: 0 })
}

function sendAll(
  job: Upload,
  plan: Plan,
  places: ReadonlyMap<string, Places>,
  missing: readonly string[],
  accepted: Set<string>,
): Observable<never> {
  const { report, concurrency } = job
  const send = (hash: string): Observable<void> => {
    const place = places.get(hash)
    if (place === undefined) {
      return throwError(
        () => new TransferError(`the server asks for a block that is not of this object: ${hash}`),
      )
    }
    const { first, bytes, parts } = place
    return plan.buffers
      .borrow((buffer) => sendPart(job, plan, first, hash, buffer))
      .pipe(
        tap(() => {
          if (accepted.has(hash)) return
          accepted.add(hash)
          const travelledBytes = lengthOf(plan, first)
          report.accepted({ bytes, parts, reusedBytes: bytes - travelledBytes, travelledBytes })
        }),
        catchError((error: unknown) =>
          throwError(() => stopped(job, error, { part: first, checkpoint: checkpointOf(job, plan) })),
        ),
      )
  }
  return range(0, missing.length).pipe(
    mergeMap((turn) => send(missing[turn] ?? ''), concurrency),
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
): Observable<void> {
  return readPart(job, plan, index, buffer).pipe(
    concatMap((block) => {
      const unchanged = defer(() => hashBlock(plan.blockHash, block)).pipe(
        concatMap((now) => (now === hash ? EMPTY : failChanged(job))),
      )
      return sendBlock(job, plan, { index, hash, block }, unchanged)
    }),
  )
}
