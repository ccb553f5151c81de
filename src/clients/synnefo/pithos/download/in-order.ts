import {
  concat,
  defer,
  ignoreElements,
  mergeMap,
  Observable,
  of,
  range,
  throwError,
  type Subscriber,
} from 'rxjs'
import { TransferError } from '../../../../errors.js'
import { hashOfNothing } from '../../../../streams/hashing.js'
import { createBlockBuffers } from '../../../../streams/block-buffers.js'
import { fetchBlock, lengthOf, type Content, type Download } from './job.js'

/** What a stream has been given. It cannot be taken back. */
export interface Given {
  blockSize: number
  bytes: number
  readonly hashes: string[]
}

/**
 * Fills a stream from the first byte to the last. Blocks are fetched ahead, as many as are held in memory, and written in
 * their order. An object that was replaced can go on only if it begins with what the stream has been given.
 */
export function fillInOrder(job: Download, content: Content, given: Given): Observable<never> {
  const { sink, report, lanes } = job
  const { size, total, blockSize, blockHash, hashes } = content
  const first = given.hashes.length
  if (first > 0 && !continues(content, given)) {
    const message = 'the object was replaced while it was read, and what was written cannot be taken back'
    return throwError(() => new TransferError(message))
  }
  const buffers = createBlockBuffers(Math.max(1, Math.min(size, blockSize)))
  const queue = createQueue(first)
  const zeros = hashOfNothing(blockHash)
  given.blockSize = blockSize
  report.accepted({ bytes: given.bytes, parts: first, reusedBytes: 0, travelledBytes: 0 })

  return range(first, total - first).pipe(
    mergeMap(
      (index) =>
        buffers.borrow((buffer) => {
          const length = lengthOf(content, index)
          const isZero = hashes[index] === zeros
          const load = isZero ? defer(() => of(buffer.fill(0))) : fetchBlock(job, content, index, buffer)
          return concat(
            load,
            queue.turn(index),
            defer(() => sink.write(index * blockSize, buffer.subarray(0, length))),
            defer(() => {
              given.hashes.push(hashes[index] ?? '')
              given.bytes += length
              report.accepted({
                bytes: length,
                parts: 1,
                reusedBytes: isZero ? length : 0,
                travelledBytes: isZero ? 0 : length,
              })
              queue.advance()
              return of()
            }),
          )
        }),
      lanes,
    ),
    ignoreElements(),
  )
}

function continues({ size, blockSize, hashes }: Content, given: Given): boolean {
  return (
    given.blockSize === blockSize &&
    given.bytes <= size &&
    given.hashes.every((hash, index) => hash === hashes[index])
  )
}

/** Lets those who wait go one after the other, by their numbers. */
function createQueue(first: number): { turn(number: number): Observable<never>; advance(): void } {
  const waiting = new Map<number, Subscriber<never>>()
  let current = first
  return {
    turn: (number) =>
      new Observable<never>((subscriber) => {
        if (number === current) {
          subscriber.complete()
          return undefined
        }
        waiting.set(number, subscriber)
        return () => {
          waiting.delete(number)
        }
      }),
    advance: () => {
      current += 1
      waiting.get(current)?.complete()
    },
  }
}
