import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  finalize,
  merge,
  of,
  throwError,
  type Observable,
} from 'rxjs'
import { isCloudError, isHttpError, TransferError } from '../../../../errors.js'
import { call } from '../../../../http/api.js'
import { header } from '../../../../http/codecs.js'
import type { BodySink, HttpHeaders } from '../../../../http/types.js'
import type { BlockBuffers } from '../../../../streams/block-buffers.js'
import { createPieceIntake, type PieceIntake } from '../../../../streams/piece-intake.js'
import { PIECE_SIZE } from '../../../../streams/pieces.js'
import { immediateRetry } from '../../../../streams/transfer.js'
import { rangeHeader } from '../../storage/byte-ranges.js'
import { named, stateIn } from '../../storage/headers.js'
import { getObject } from '../../storage/object-operations.js'
import {
  bareTag,
  endOf,
  ObjectReplaced,
  stopped,
  told,
  type Content,
  type Download,
  type Part,
  type Place,
  type Run,
} from './job.js'
import { createVerifying } from './verify.js'

/** One piece is filled while another one is hashed and written, and a third one waits for neither. */
const PIECES = 3
/** How often a part is fetched whose hash is not the one it should be. */
const MAX_FETCHES = 3
/** How often in a row an answer may bring nothing. */
const MAX_EMPTY_ANSWERS = 3

/** Bytes of the buffer that a run needs. */
export function runBufferSize({ size }: Content): number {
  return size <= PIECE_SIZE ? Math.max(1, size) : PIECES * PIECE_SIZE
}

/**
 * Fetches a run, writes it where it belongs, and verifies each part. Parts that are wrong are fetched again.
 *
 * @param fetches - how often each may be fetched at most
 */
export function fetchRun(
  job: Download,
  content: Content,
  run: Run,
  buffers: BlockBuffers,
  fetches = MAX_FETCHES,
): Observable<never> {
  const fetch = (parts: Run, fetched: number): Observable<never> => {
    const wrong: Part[] = []
    const again = (part: Part): Observable<never> => {
      const error = new TransferError('bytes arrived that are not those their hash says', {
        part: part.index,
      })
      if (fetched === fetches) return throwError(() => stopped(job, error, { part: part.index }))
      job.report.retrying(immediateRetry(fetched, error), part.index)
      return fetch({ parts: [part] }, fetched + 1)
    }
    return concat(
      buffers.borrow((buffer) => receive(job, content, parts, buffer, wrong)),
      defer(() => concat(...wrong.map(again))),
    )
  }
  return fetch(run, 1)
}

function receive(
  job: Download,
  content: Content,
  run: Run,
  buffer: Uint8Array,
  wrong: Part[],
): Observable<never> {
  return defer(() => {
    const { parts, begun } = run
    const first = parts[0]
    const last = parts.at(-1)
    if (first === undefined || last === undefined) return EMPTY
    const verifying = createVerifying(job, run, wrong)
    const start = first.offset + (begun?.bytes ?? 0)
    const intake = createPieceIntake({
      buffers: piecesOf(buffer),
      start,
      border: bordersOf(parts),
      handOn: verifying.take,
    })
    const requests = request(job, content, intake, { place: first.place, parts, end: endOf(last) }, 0)
    const ending = defer(() => {
      intake.end()
      return EMPTY
    })
    return concat(
      start === endOf(first) ? verifying.finish() : EMPTY,
      merge(intake.work, concat(requests, ending)),
    ).pipe(finalize(verifying.leave))
  })
}

function piecesOf(buffer: Uint8Array): readonly Uint8Array[] {
  if (buffer.length <= PIECE_SIZE) return [buffer]
  return Array.from({ length: PIECES }, (_, turn) =>
    buffer.subarray(turn * PIECE_SIZE, (turn + 1) * PIECE_SIZE),
  )
}

/** Where the part ends that an offset is in; the offsets never fall. */
function bordersOf(parts: readonly Part[]): (offset: number) => number {
  let turn = 0
  return (offset) => {
    let part = parts[turn]
    while (part !== undefined && endOf(part) <= offset) part = parts[(turn += 1)]
    return part === undefined ? offset : endOf(part)
  }
}

// --- requests -------------------------------------------------------------------------------------------------

/** What one answer after the other is asked for. */
interface Wanted {
  readonly place: Place
  readonly parts: readonly Part[]
  readonly end: number
}

/** Asks for what is left, until everything is there or an answer brings nothing again and again. */
function request(
  job: Download,
  content: Content,
  intake: PieceIntake,
  wanted: Wanted,
  emptyAnswers: number,
): Observable<never> {
  return defer(() => {
    const { place, parts, end } = wanted
    const from = intake.position()
    if (from === end) return EMPTY
    const { index } = parts.find((part) => from < endOf(part)) ?? {}
    const isWhole = from === 0 && end === content.size && place.start === 0
    const answer = createAnswer(intake, content, wanted, from)
    const conditions = place.etag === undefined ? {} : { ifMatch: place.etag }
    const range = isWhole ? undefined : rangeHeader([{ offset: from - place.start, length: end - from }])
    const { name, version } = place
    return call(
      job.api,
      getObject,
      { name, version, conditions, range, sink: answer.sink },
      told(job, index),
    ).pipe(
      catchError((error: unknown) => {
        if (answer.wasCut()) return of(undefined)
        return throwError(() => stopped(job, replacement(error, answer.isOther()), { part: index }))
      }),
      concatMap(() => {
        const came = intake.position() > from
        if (came || emptyAnswers + 1 < MAX_EMPTY_ANSWERS) {
          return request(job, content, intake, wanted, came ? 0 : emptyAnswers + 1)
        }
        const error = new TransferError('the server sent less than it was asked for', { retryable: true })
        return throwError(() => stopped(job, error, { part: index }))
      }),
    )
  })
}

/** The object is not there any more as it was: it does not meet the condition, or is not as long. */
function replacement(error: unknown, isOther: boolean): unknown {
  const isGone = isHttpError(error, 412) || isHttpError(error, 416)
  return isCloudError(error) && (isGone || isOther) ? new ObjectReplaced(error) : error
}

interface Answer {
  readonly sink: BodySink
  /** Whether it broke off after some of it had come, and so is gone on with elsewhere than where it began. */
  wasCut(): boolean
  /** Whether it is that of another object than it should be. */
  isOther(): boolean
}

/**
 * What is done with an answer. A request that is sent again by the retry layer asks for the same bytes as before: after some have
 * come, it is given up as soon as it is answered, and another one asks for what is left.
 */
function createAnswer(intake: PieceIntake, content: Content, { place, end }: Wanted, from: number): Answer {
  let cut = false
  let other = false
  let skip = 0
  const begin = (status: number, headers: HttpHeaders): void => {
    if (intake.position() > from) {
      cut = true
      throw new TransferError('the answer was cut off')
    }
    const etag = header({ headers }, 'etag')
    if (place.etag !== undefined && etag !== undefined && bareTag(etag) !== bareTag(place.etag)) {
      other = true
      throw new TransferError('the answer is that of another object')
    }
    const first = /^bytes (\d+)-/.exec(header({ headers }, 'content-range') ?? '')?.[1]
    // A server may ignore the range.
    skip = from - place.start - (status === 206 ? Number(first ?? from - place.start) : 0)
    if (skip < 0) throw new TransferError('the server sent another range than it was asked for')
    if (content.isListed) {
      const { container, name: object } = content.info
      const state = stateIn({ status, headers, body: NOTHING }, content.size)
      content.info = named({ container, object }, state)
      content.isListed = false
    }
  }
  return {
    wasCut: () => cut,
    isOther: () => other,
    sink: {
      begin,
      write: (chunk, resume) => {
        const useful = chunk.subarray(Math.min(skip, chunk.length)).subarray(0, end - intake.position())
        skip = Math.max(0, skip - chunk.length)
        return intake.write(useful, resume)
      },
    },
  }
}
const NOTHING = new Uint8Array()
