import { concat, concatMap, defer, EMPTY, ignoreElements, map, of, throwError, type Observable } from 'rxjs'
import { TransferError, type Checkpoint } from '../../../../errors.js'
import { labelOf } from '../../storage/names.js'
import type { Plan, Upload } from './job.js'
import { createSaving, type Saving } from '../../../../streams/checkpoint-saving.js'

export function checkpointOf({ name, source }: Upload, plan: Plan): Checkpoint {
  const { size, segmentSize, hashes, known } = plan
  return {
    version: 1,
    direction: 'upload',
    object: labelOf(name),
    size,
    ...(source.mtimeMs === undefined ? {} : { mtimeMs: source.mtimeMs }),
    blockSize: segmentSize,
    blockHash: 'md5',
    hashes: hashes.slice(0, known),
  }
}

/** Emits the plan of a content of known size, with the hashes of an earlier run that are still good. */
export function planWithCheckpoint(job: Upload, size: number, segmentSize: number): Observable<Plan> {
  const { store } = job
  const load = store === undefined ? of(undefined) : defer(() => store.load())
  return load.pipe(
    map((saved) => {
      const total = Math.ceil(size / segmentSize)
      const plan = { size, segmentSize, total }
      const hashes = saved !== undefined && isOf(saved, job, plan) ? saved.hashes.slice(0, total) : []
      return { ...plan, hashes, known: hashes.length }
    }),
  )
}

function isOf(
  saved: Checkpoint,
  { source, name }: Upload,
  plan: Pick<Plan, 'size' | 'segmentSize'>,
): boolean {
  return (
    source.mtimeMs !== undefined &&
    saved.mtimeMs === source.mtimeMs &&
    saved.size === plan.size &&
    saved.direction === 'upload' &&
    saved.object === labelOf(name) &&
    saved.blockSize === plan.segmentSize &&
    saved.blockHash === 'md5'
  )
}

/** Keeps the checkpoint of an upload, if somebody wants it kept. */
export function savingOf(job: Upload, plan: Plan): Saving {
  return createSaving(job.store, job.api.runtime.scheduler, () => checkpointOf(job, plan))
}

export function forget({ store }: Upload): Observable<never> {
  return defer(() => store?.remove() ?? EMPTY).pipe(ignoreElements())
}

/** Fails if the source is not what it was when its hashes were made. */
export function checkSource(job: Upload): Observable<never> {
  return defer(() => job.source.changed?.() ?? of(false)).pipe(
    concatMap((isOther) => (isOther ? failChanged(job) : EMPTY)),
  )
}

/** The hashes are of no use any more. */
export function failChanged(job: Upload): Observable<never> {
  return concat(
    forget(job),
    throwError(() => sourceChanged()),
  )
}

export function sourceChanged(): TransferError {
  return new TransferError('the source has changed while it was read')
}
