import {
  concat,
  concatMap,
  defer,
  EMPTY,
  filter,
  ignoreElements,
  map,
  merge,
  mergeMap,
  of,
  range,
  repeat,
  tap,
  throwError,
  type Observable,
} from 'rxjs'
import { TransferError } from '../../../../errors.js'
import { createBlockBuffers } from '../../../../streams/block-buffers.js'
import type { ObjectInfo } from '../../storage/schemas.js'
import type { SwiftLimits } from '../limits.js'
import { segmentPlace, segmentSizeFor } from '../segment-names.js'
import type { Plan, Upload } from './job.js'
import { putTogether } from './manifest.js'
import { heldPart } from './part.js'
import { createLanes } from './segments.js'
import { sendWhole } from './whole.js'

/** Uploads a stream, which is read once, and no further ahead than segments are held in memory. */
export function uploadStream(job: Upload, segmentSize: number): Observable<ObjectInfo> {
  const { report, source } = job
  return defer(() => {
    report.planned(Infinity, Infinity)
    const first = new Uint8Array(new SharedArrayBuffer(segmentSize))
    const peeked = new Uint8Array(1)
    return defer(() => source.read(0, segmentSize, first)).pipe(
      concatMap((block) =>
        (block.length < segmentSize
          ? of(0)
          : defer(() => source.read(segmentSize, 1, peeked)).pipe(map(({ length }) => length))
        ).pipe(
          concatMap((more) =>
            more === 0 ? sendOnly(job, block) : sendMany(job, segmentSize, block, peeked),
          ),
        ),
      ),
    )
  })
}

/** All there is fits into one request. */
function sendOnly(job: Upload, block: Uint8Array): Observable<ObjectInfo> {
  const { length } = block
  const part = heldPart(job, 0, length, of(block))
  job.report.measured(length, length === 0 ? 0 : 1)
  return part.digest().pipe(concatMap((md5) => sendWhole(job, part, md5, undefined)))
}

function sendMany(
  job: Upload,
  segmentSize: number,
  first: Uint8Array,
  peeked: Uint8Array,
): Observable<ObjectInfo> {
  return job.limits.pipe(
    concatMap((limits) => {
      const { max } = checkLimits(limits, segmentSize)
      const place = segmentPlace(job.name, job.options.segmentContainer, limits)
      const plan: Plan = { size: Infinity, segmentSize, total: Infinity, hashes: [], known: 0 }
      const buffers = createBlockBuffers(segmentSize)
      const reading = createReading(job, segmentSize, first, peeked)
      let size = 0
      let next = 0
      const lanes = createLanes(job, plan, place, ({ length }) => {
        size += length
        return EMPTY
      })
      const carry = (buffer: Uint8Array): Observable<never> =>
        defer(() => {
          const index = next++
          if (index >= max) return throwError(() => tooLong(max, segmentSize))
          return reading
            .read(index, buffer)
            .pipe(concatMap((block) => lanes.carry(heldPart(job, index, block.length, of(block)))))
        })
      const lane = defer(() => buffers.borrow(carry)).pipe(
        repeat({ delay: () => (reading.ended() ? EMPTY : of(true)) }),
      )
      return concat(
        merge(lanes.present, range(0, lanes.width).pipe(mergeMap(() => lane, lanes.width))).pipe(
          ignoreElements(),
        ),
        defer(() => {
          const measured = { ...plan, size, total: plan.hashes.length }
          job.report.measured(size, measured.total)
          const { present, ledger } = lanes
          return putTogether(job, { plan: measured, size, place, present, ledger })
        }),
      )
    }),
  )
}

function checkLimits(limits: SwiftLimits, segmentSize: number): { readonly max: number } {
  segmentSizeFor(segmentSize + 1, segmentSize, limits)
  return { max: limits.segments?.max ?? 0 }
}

function tooLong(max: number, segmentSize: number): TransferError {
  return new TransferError(
    `the stream is longer than ${max} segments of ${segmentSize} bytes: say a larger options.segmentSize`,
  )
}

/** The segments of a stream whose first one was read already, and with it the byte that follows. */
function createReading(
  { source }: Upload,
  segmentSize: number,
  first: Uint8Array,
  peeked: Uint8Array,
): { read(index: number, buffer: Uint8Array): Observable<Uint8Array>; ended(): boolean } {
  let ended = false
  const readOn = (index: number, buffer: Uint8Array): Observable<Uint8Array> => {
    if (index === 0) return of(first)
    const offset = index * segmentSize
    if (index > 1) return defer(() => source.read(offset, segmentSize, buffer))
    buffer.set(peeked)
    return defer(() => source.read(offset + 1, segmentSize - 1, buffer.subarray(1))).pipe(
      map(({ length }) => buffer.subarray(0, 1 + length)),
    )
  }
  return {
    ended: () => ended,
    read: (index, buffer) =>
      readOn(index, buffer).pipe(
        tap(({ length }) => {
          ended ||= length < segmentSize
        }),
        filter(({ length }) => length > 0),
      ),
  }
}
