import { catchError, concat, concatMap, defer, forkJoin, map, of, throwError, type Observable } from 'rxjs'
import { isHttpError } from '../../../../errors.js'
import { conditionHeaders } from '../../storage/headers.js'
import { newObjectHeaders } from '../headers.js'
import type { ObjectInfo } from '../../storage/schemas.js'
import { wasRepeated } from '../../storage/writing.js'
import { putContent, type SwiftObject } from '../large-object-operations.js'
import { checkpointOf, checkSource, savingOf, forget } from './checkpoint.js'
import { checkMatch, describeObject, infoOf, stopped, type Plan, type Upload } from './job.js'
import { removeSegments } from './orphans.js'
import { bufferSizeFor, partOf, sendPart, type Part } from './part.js'

/** Bytes up to which it is not worth a request to see whether the object is there already. */
const SMALL = 64 * 1024

/** Uploads a source as an object without segments. */
export function uploadWhole(job: Upload, plan: Plan): Observable<ObjectInfo> {
  const { report } = job
  const { size, hashes, total } = plan
  return defer(() => {
    const bufferSize = bufferSizeFor(size)
    const buffer =
      size <= SMALL ? new Uint8Array(bufferSize) : new Uint8Array(new SharedArrayBuffer(bufferSize))
    const part = partOf(job, plan, 0, buffer)
    const saving = savingOf(job, plan)
    const digest = defer(() => (hashes[0] === undefined ? part.digest() : of(hashes[0]))).pipe(
      concatMap((md5) => {
        if (total > 0) hashes[0] = md5
        plan.known = total
        report.hashing(size, size)
        return concat(saving.now(), of(md5))
      }),
    )
    report.planned(size, total, checkpointOf(job, plan))
    const send = (md5: string, present: SwiftObject | undefined): Observable<ObjectInfo> =>
      concat(checkSource(job), sendWhole(job, part, md5, present))
    const sent =
      size <= SMALL
        ? digest.pipe(concatMap((md5) => send(md5, undefined)))
        : forkJoin([digest, describeObject(job)]).pipe(
            concatMap(([md5, present]) =>
              present !== undefined && isSame(job, present, size, md5)
                ? concat(checkSource(job), keep(job, present, total))
                : send(md5, present),
            ),
          )
    return concat(sent, forget(job)).pipe(
      catchError((error: unknown) =>
        throwError(() => stopped(job, error, { checkpoint: checkpointOf(job, plan) })),
      ),
    )
  })
}

/** Puts a part as the whole object. */
export function sendWhole(
  job: Upload,
  part: Part,
  md5: string,
  present: SwiftObject | undefined,
): Observable<ObjectInfo> {
  const { name, options, report } = job
  const { length: bytes } = part
  const headers = { ...newObjectHeaders(options), ...conditionHeaders(options) }
  const put = sendPart(job, part, md5, { operation: putContent, name, headers }).pipe(
    catchError((error: unknown) => {
      const fail = throwError(() => error)
      // The echo of a success whose answer was lost.
      if (!isHttpError(error, 412) || !wasRepeated(error)) return fail
      return describeObject(job).pipe(
        concatMap((there) =>
          there?.state.etag === md5 && there.state.bytes === bytes ? of(there.state) : fail,
        ),
      )
    }),
    map((done) => {
      report.accepted({ bytes, parts: bytes === 0 ? 0 : 1, reusedBytes: 0, travelledBytes: bytes })
      return infoOf(job, bytes, done)
    }),
  )
  const orphans = present?.isStatic === true ? removeSegments(job) : of()
  return concat(checkMatch(job), put, orphans)
}

/** Whether the object is there with this content, and putting it again would change nothing. */
function isSame({ options }: Upload, { state, isStatic }: SwiftObject, size: number, md5: string): boolean {
  const {
    contentType = 'application/octet-stream',
    contentEncoding,
    contentDisposition,
    metadata = {},
    ifMatch,
    ifNoneMatch,
  } = options
  if (ifMatch !== undefined || ifNoneMatch !== undefined) return false
  if (isStatic || state.manifest !== undefined || state.bytes !== size || state.etag !== md5) return false
  const wanted = Object.entries(metadata)
  return (
    state.contentType === contentType &&
    state.contentEncoding === contentEncoding &&
    state.contentDisposition === contentDisposition &&
    Object.keys(state.metadata).length === wanted.length &&
    wanted.every(([key, value]) => state.metadata[key.toLowerCase().replaceAll('_', '-')] === value)
  )
}

function keep({ name, report }: Upload, { state }: SwiftObject, parts: number): Observable<ObjectInfo> {
  return defer(() => {
    const { bytes } = state
    report.accepted({ bytes, parts, reusedBytes: bytes, travelledBytes: 0 })
    return of({ container: name.container, name: name.object, ...state })
  })
}
