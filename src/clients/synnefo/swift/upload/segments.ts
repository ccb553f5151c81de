import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  ignoreElements,
  merge,
  mergeMap,
  of,
  range,
  ReplaySubject,
  share,
  throwError,
  type Observable,
} from 'rxjs'
import { createBlockBuffers } from '../../../../streams/block-buffers.js'
import { createGate } from '../../../../streams/gate.js'
import type { ObjectInfo } from '../../storage/schemas.js'
import { createLedger, type Ledger } from '../../../../streams/ledger.js'
import { putSegment } from '../large-object-operations.js'
import type { SwiftLimits } from '../limits.js'
import { segmentKey, segmentName, segmentPlace, segmentSizeFor, type SegmentPlace } from '../segment-names.js'
import { checkpointOf, checkSource, savingOf, forget, planWithCheckpoint } from './checkpoint.js'
import { prepareSegments } from './inventory.js'
import { stopped, type Plan, type Upload } from './job.js'
import { putTogether } from './manifest.js'
import { bufferSizeFor, partOf, sendPart, type Part } from './part.js'

/** Uploads a source, any part of which can be read at any time, as a static large object. */
export function uploadSegments(job: Upload, size: number, wanted: number): Observable<ObjectInfo> {
  return job.limits.pipe(
    concatMap((limits) =>
      planWithCheckpoint(job, size, segmentSizeFor(size, wanted, limits)).pipe(
        concatMap((plan) => uploadPlan(job, plan, limits)),
      ),
    ),
  )
}

function uploadPlan(job: Upload, plan: Plan, limits: SwiftLimits): Observable<ObjectInfo> {
  const { report, name, options, concurrency } = job
  const { size, total } = plan
  const buffers = createBlockBuffers(bufferSizeFor(plan.segmentSize))
  const place = segmentPlace(name, options.segmentContainer, limits)
  const saving = savingOf(job, plan)
  let hashed = 0
  const lanes = createLanes(job, plan, place, ({ length }) => {
    hashed += length
    report.hashing(hashed, size)
    return saving.ifDue()
  })
  const carry = (index: number): Observable<never> =>
    buffers.borrow((buffer) => lanes.carry(partOf(job, plan, index, buffer)))
  const carryAll = merge(lanes.present, range(0, total).pipe(mergeMap(carry, lanes.width))).pipe(
    ignoreElements(),
  )
  const sendAgain = (keys: readonly string[]): Observable<never> =>
    range(0, keys.length).pipe(
      mergeMap((turn) => {
        const key = keys[turn] ?? ''
        const index = lanes.ledger.placeOf(key)?.index ?? 0
        return buffers.borrow((buffer) => lanes.send(partOf(job, plan, index, buffer), key))
      }, concurrency),
      ignoreElements(),
    )
  return defer(() => {
    report.planned(size, total, checkpointOf(job, plan))
    return concat(
      carryAll,
      checkSource(job),
      saving.now(),
      putTogether(job, { plan, size, place, present: lanes.present, ledger: lanes.ledger, sendAgain }),
      forget(job),
    )
  }).pipe(
    catchError((error: unknown) =>
      throwError(() => stopped(job, error, { checkpoint: checkpointOf(job, plan) })),
    ),
  )
}

/** Takes segments from where they are to the server. */
export interface Lanes {
  /** Segments that are carried at a time: while some are sent, others are read and hashed. */
  readonly width: number
  readonly ledger: Ledger
  /** Emits the keys of the segments that were there before; asked for once, and best while the first segment is hashed. */
  readonly present: Observable<ReadonlySet<string>>
  /** Hashes a segment, and sends it unless it is there or another one of the same content is sent. */
  carry(part: Part): Observable<never>
  /** Sends a segment whatever is there. */
  send(part: Part, key: string): Observable<never>
}

/** @param hashed - told of each segment whose hash is known; what follows waits until it completes */
export function createLanes(
  job: Upload,
  plan: Plan,
  place: SegmentPlace,
  hashed: (part: Part) => Observable<never>,
): Lanes {
  const { hasher, concurrency, report } = job
  const { hashes } = plan
  const ledger = createLedger(report)
  // More at a time would end at the same time, and leave nothing to be hashed while they are sent.
  const hashing = createGate(hasher.threads)
  const sending = createGate(concurrency)
  const present = prepareSegments(job, place).pipe(
    share({
      connector: () => new ReplaySubject(1),
      resetOnComplete: false,
      resetOnError: false,
    }),
  )

  const send = (part: Part, key: string): Observable<never> =>
    concat(
      sendPart(job, part, hashes[part.index] ?? '', {
        operation: putSegment,
        name: segmentName(place, key),
        headers: { 'content-type': 'application/octet-stream' },
      }).pipe(ignoreElements()),
      defer(() => {
        ledger.accept(key, 'sent')
        return EMPTY
      }),
    )
  const bring = (part: Part, key: string): Observable<never> =>
    present.pipe(
      concatMap((keys) => {
        if (!keys.has(key)) return sending.pass(send(part, key))
        ledger.accept(key, 'present')
        return EMPTY
      }),
    )
  const hash = (part: Part): Observable<string> => {
    const known = hashes[part.index]
    return known === undefined ? hashing.pass(part.digest()) : of(known)
  }
  const failAt = (index: number) => (error: unknown) => throwError(() => stopped(job, error, { part: index }))

  return {
    width: concurrency + hasher.threads,
    ledger,
    present,
    carry: (part) =>
      hash(part).pipe(
        concatMap((md5) => {
          const { index, length } = part
          hashes[index] = md5
          while (hashes[plan.known] !== undefined) plan.known += 1
          const key = segmentKey(md5, length)
          const isFirst = ledger.note(index, key, length)
          return concat(hashed(part), isFirst ? bring(part, key) : EMPTY)
        }),
        catchError(failAt(part.index)),
      ),
    send: (part, key) => send(part, key).pipe(catchError(failAt(part.index))),
  }
}
