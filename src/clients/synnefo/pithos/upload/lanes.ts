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
  repeat,
  throwError,
  type Observable,
} from 'rxjs'
import { createBlockBuffers } from '../../../../streams/block-buffers.js'
import { createGate } from '../../../../streams/gate.js'
import { hashBlock } from '../../../../streams/hashing.js'
import { createInquiry } from './inquiry.js'
import { askMissing, sendBlock } from './blocks.js'
import { stopped, type Plan, type Upload } from './job.js'
import type { Ledger } from '../../../../streams/ledger.js'

/** How the blocks of one upload are read. */
export interface Reading {
  /** Emits a block once, as it lies in the buffer or elsewhere. */
  read(index: number, buffer: Uint8Array): Observable<Uint8Array>
  /** A block is hashed; what follows waits until this completes. */
  hashed(block: Uint8Array): Observable<never>
}

/** Takes a block from where it is to the server. */
export interface Lanes {
  /** Blocks that are carried at a time. */
  readonly width: number
  /**
   * Reads and hashes a block, and unless `onlyHash`, asks for it and sends it if it is missing. Completes when that is done, or another
   * lane does it for a block of the same content.
   */
  carry(index: number, onlyHash: boolean): Observable<never>
}

/**
 * Each lane carries one block at a time from its source to the server, in one buffer. As many lanes as blocks may be sent at
 * a time and threads can hash: while some are sent, others are read, hashed and asked for.
 */
export function createLanes(job: Upload, plan: Plan, ledger: Ledger, reading: Reading): Lanes {
  const { hasher, concurrency } = job
  const buffers = createBlockBuffers(plan.bufferSize)
  const inquiry = createInquiry((hashes) => askMissing(job, plan, hashes))
  const sending = createGate(concurrency)

  const bring = (index: number, hash: string, block: Uint8Array): Observable<never> =>
    inquiry.isMissing(hash).pipe(
      concatMap((isMissing) => {
        if (!isMissing) {
          ledger.accept(hash, 'present')
          return EMPTY
        }
        return concat(
          sending.pass(sendBlock(job, plan, { index, hash, block }, EMPTY)),
          defer(() => {
            ledger.accept(hash, 'sent')
            return EMPTY
          }),
        )
      }),
    )
  const carryIn = (buffer: Uint8Array, index: number, onlyHash: boolean): Observable<never> =>
    reading.read(index, buffer).pipe(
      concatMap((block) =>
        defer(() => hashBlock(hasher, plan.blockHash, block)).pipe(
          concatMap((hash) => {
            plan.hashes[index] = hash
            const isFirst = ledger.note(index, hash, block.length)
            const then = isFirst && !onlyHash ? bring(index, hash, block) : EMPTY
            return concat(reading.hashed(block), then)
          }),
        ),
      ),
    )
  return {
    width: concurrency + hasher.threads,
    carry: (index, onlyHash) =>
      buffers
        .borrow((buffer) => carryIn(buffer, index, onlyHash))
        .pipe(catchError((error: unknown) => throwError(() => stopped(job, error, { part: index })))),
  }
}

/** Carries the blocks of these numbers, of a source any part of which can be read. */
export function carryRange(
  lanes: Lanes,
  { first, count, onlyHash }: { readonly first: number; readonly count: number; readonly onlyHash: boolean },
): Observable<never> {
  return range(first, count).pipe(
    mergeMap((index) => lanes.carry(index, onlyHash), lanes.width),
    ignoreElements(),
  )
}

/** Carries blocks until the source has ended, in the order in which they are read. */
export function carryUntil(lanes: Lanes, ended: () => boolean): Observable<never> {
  let next = 0
  const lane = defer(() => lanes.carry(next++, false)).pipe(
    repeat({ delay: () => (ended() ? EMPTY : of(true)) }),
  )
  return range(0, lanes.width).pipe(
    mergeMap(() => lane),
    ignoreElements(),
  )
}
