import {
  concat,
  concatMap,
  defer,
  EMPTY,
  ignoreElements,
  mergeMap,
  of,
  range,
  tap,
  type Observable,
} from 'rxjs'
import { createBlockBuffers } from '../../../../streams/block-buffers.js'
import {
  digestPieces,
  hashPieces,
  lengthWithoutZeros,
  PIECE_SIZE,
  readPieces,
} from '../../../../streams/pieces.js'
import { TransferError } from '../../../../errors.js'
import { endOf, type Content, type Download, type Part, type Run } from './job.js'
import { fetchRun, runBufferSize } from './run.js'

/**
 * Fills a sink that takes any part at any time: keeps what is there and right, and fetches the rest with a few requests, each for
 * as many parts as lie together.
 *
 * @param existing - bytes that are in the sink already
 */
export function fillAnywhere(job: Download, content: Content, existing: number): Observable<never> {
  const { sink } = job
  const { size } = content
  const there = Math.min(existing, size)
  return concat(
    defer(() => sink.resize(size)).pipe(ignoreElements()),
    content.isPlain ? fillPlain(job, content, there) : fillParts(job, content, there),
  )
}

// --- an object without segments -------------------------------------------------------------------------------

/** Goes on with what is there; its hash proves the whole in the end, or it is all fetched anew. */
function fillPlain(job: Download, content: Content, existing: number): Observable<never> {
  const { parts } = content
  const buffers = createBlockBuffers(runBufferSize(content))
  const [part] = parts
  if (part?.md5 === undefined || existing === 0) return fetchRun(job, content, { parts }, buffers)
  return beginWith(job, content, part, existing).pipe(
    concatMap((run) => fetchRun(job, content, run, buffers)),
  )
}

/** Emits what is left to be fetched. The file was made as long as it is to be before it was filled: what was not reached is zeros. */
function beginWith(
  { sink, hasher, report }: Download,
  content: Content,
  part: Part,
  existing: number,
): Observable<Run> {
  return defer(() => {
    const { length } = part
    const buffer = new Uint8Array(new SharedArrayBuffer(2 * PIECE_SIZE))
    return defer(() => lengthWithoutZeros(sink, existing, buffer)).pipe(
      concatMap((reached) => {
        // Of the pieces that were under way together, the last one may have been written alone.
        const bytes = reached === length ? length : Math.max(0, reached - runBufferSize(content))
        const hash = hasher.begin('md5')
        const pieces = readPieces(sink, { offset: 0, length: bytes, buffer, tooShort })
        return concat(
          defer(() => hashPieces(hash, pieces)).pipe(ignoreElements()),
          defer(() => {
            report.hashing(bytes, length)
            report.accepted({ bytes, parts: 0, reusedBytes: bytes, travelledBytes: 0 })
            return of({ parts: [part], begun: { bytes, hash } })
          }),
        )
      }),
    )
  })
}

function tooShort(): TransferError {
  return new TransferError('what was there of the file is there no more')
}

// --- an object of segments ------------------------------------------------------------------------------------

function fillParts(job: Download, content: Content, existing: number): Observable<never> {
  const { concurrency } = job
  const present = new Set<number>()
  return concat(
    findPresent(job, content, existing, present),
    defer(() => {
      acceptPresent(job, content, present)
      const runs = runsOf(
        content.parts.filter(({ index }) => !present.has(index)),
        concurrency,
      )
      const buffers = createBlockBuffers(runBufferSize(content))
      return range(0, runs.length).pipe(
        mergeMap((turn) => {
          const run = runs[turn]
          return run === undefined ? EMPTY : fetchRun(job, content, run, buffers)
        }, concurrency),
        ignoreElements(),
      )
    }),
  )
}

/** Hashes what is in the sink already, and notes which parts are right. */
function findPresent(
  { sink, hasher, report }: Download,
  { parts }: Content,
  existing: number,
  present: Set<number>,
): Observable<never> {
  const candidates = parts.filter((part) => part.md5 !== undefined && endOf(part) <= existing)
  const total = candidates.reduce((sum, { length }) => sum + length, 0)
  const buffers = createBlockBuffers(2 * PIECE_SIZE)
  let hashed = 0
  return range(0, candidates.length).pipe(
    mergeMap((turn) => {
      const part = candidates[turn]
      if (part === undefined) return EMPTY
      const { offset, length, index, md5 } = part
      return buffers.borrow((buffer) =>
        defer(() => digestPieces(hasher, 'md5', readPieces(sink, { offset, length, buffer, tooShort }))).pipe(
          tap((found) => {
            if (found === md5) present.add(index)
            hashed += length
            report.hashing(hashed, total)
          }),
        ),
      )
    }, hasher.threads),
    ignoreElements(),
  )
}

function acceptPresent(
  { report, travelled }: Download,
  { parts }: Content,
  present: ReadonlySet<number>,
): void {
  const there = parts.filter(({ index }) => present.has(index))
  const bytes = there.reduce((sum, { length }) => sum + length, 0)
  const reused = there.filter(({ md5 = '' }) => !travelled.has(md5))
  const reusedBytes = reused.reduce((sum, { length }) => sum + length, 0)
  report.accepted({ bytes, parts: there.length, reusedBytes, travelledBytes: 0 })
}

/** Parts that lie together in one object make a run; as many runs as may be fetched at a time, of about the same size. */
export function runsOf(parts: readonly Part[], concurrency: number): readonly Run[] {
  const total = parts.reduce((sum, { length }) => sum + length, 0)
  const share = Math.ceil(total / concurrency)
  const runs: Part[][] = []
  let bytes = 0
  for (const part of parts) {
    const run = runs.at(-1)
    const last = run?.at(-1)
    const follows = last !== undefined && endOf(last) === part.offset && last.place === part.place
    if (run === undefined || !follows || bytes + part.length / 2 > share) {
      runs.push([part])
      bytes = part.length
    } else {
      run.push(part)
      bytes += part.length
    }
  }
  return runs.map((run) => ({ parts: run }))
}
