import { catchError, concat, concatMap, defer, of, tap, throwError, type Observable } from 'rxjs'
import { isHttpError, TransferError } from '../../../../errors.js'
import { call } from '../../../../http/api.js'
import type { Operation, StreamingBody } from '../../../../http/types.js'
import { digestPieces, PIECE_SIZE, readPieces } from '../../../../streams/pieces.js'
import { immediateRetry } from '../../../../streams/transfer.js'
import type { NewObjectRequest } from '../../storage/object-operations.js'
import type { SwiftPut } from '../large-object-operations.js'
import { failChanged, sourceChanged } from './checkpoint.js'
import { lengthOf, told, type Plan, type Upload } from './job.js'

/** Bytes of a part that is held in memory, and so read only once. */
const MOST_HELD = 16 * 2 ** 20
/** How often a part is sent that arrives as something else. */
const MAX_SENDINGS = 3

/** Content that is sent in one request. */
export interface Part {
  readonly index: number
  readonly length: number
  /** Emits the MD5. */
  digest(): Observable<string>
  /** Emits what a request sends. */
  body(): Observable<Uint8Array | StreamingBody>
}

/** Bytes of the buffer that parts of this size need. */
export function bufferSizeFor(partSize: number): number {
  return partSize <= MOST_HELD ? Math.max(1, partSize) : 2 * PIECE_SIZE
}

/** A part of a source any part of which can be read again. What is larger than memory should hold is read once more to be sent. */
export function partOf(job: Upload, plan: Plan, index: number, buffer: Uint8Array): Part {
  const { source, hasher } = job
  const offset = index * plan.segmentSize
  const length = lengthOf(plan, index)
  if (length <= buffer.length) {
    const read = defer(() => source.read(offset, length, buffer)).pipe(
      concatMap((block) => (block.length < length ? failChanged(job) : of(block))),
    )
    return heldPart(job, index, length, read)
  }
  const pieces = readPieces(source, { offset, length, buffer, tooShort: sourceChanged })
  return {
    index,
    length,
    digest: () => defer(() => digestPieces(hasher, 'md5', pieces)),
    body: () => of(pieces),
  }
}

/** A part that is held in memory from its first use on. */
export function heldPart(
  { hasher }: Pick<Upload, 'hasher'>,
  index: number,
  length: number,
  read: Observable<Uint8Array>,
): Part {
  let held: Uint8Array | undefined
  const body = defer(() =>
    held === undefined
      ? read.pipe(
          tap((block) => {
            held = block
          }),
        )
      : of(held),
  )
  return {
    index,
    length,
    digest: () => body.pipe(concatMap((block) => hasher.digest('md5', block))),
    body: () => body,
  }
}

/** Sends a part until it arrives as it was hashed; the server compares (pithos dossier 14.1). */
export function sendPart(
  job: Upload,
  part: Part,
  md5: string,
  {
    operation,
    ...request
  }: Omit<NewObjectRequest, 'body'> & {
    readonly operation: Operation<NewObjectRequest, SwiftPut>
  },
): Observable<SwiftPut> {
  const { api, report } = job
  const send = (sending: number): Observable<SwiftPut> =>
    part.body().pipe(
      concatMap((body) => {
        // Of a stream, nobody else knows the length.
        const length = typeof body === 'function' ? { 'content-length': String(part.length) } : {}
        const headers = { ...request.headers, ...length, etag: md5 }
        return call(api, operation, { ...request, headers, body }, told(job, part.index))
      }),
      catchError((error: unknown) => {
        if (!isHttpError(error, 422)) return throwError(() => error)
        const unchanged = part.digest().pipe(concatMap((now) => (now === md5 ? [] : failChanged(job))))
        const again = defer(() => {
          if (sending === MAX_SENDINGS) return throwError(() => damaged(part, error))
          report.retrying(immediateRetry(sending, error), part.index)
          return send(sending + 1)
        })
        return concat(unchanged, again)
      }),
    )
  return send(1)
}

function damaged({ index: part }: Part, cause: unknown): TransferError {
  return new TransferError('other bytes arrive at the server than were sent', {
    part,
    cause,
    retryable: true,
  })
}
