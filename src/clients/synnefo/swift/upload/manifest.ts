import { catchError, concat, concatMap, defer, map, of, throwError, type Observable } from 'rxjs'
import { isHttpError, TransferError } from '../../../../errors.js'
import { call } from '../../../../http/api.js'
import type { Ledger } from '../../../../streams/ledger.js'
import { conditionHeaders } from '../../storage/headers.js'
import { newObjectHeaders } from '../headers.js'
import type { ObjectInfo } from '../../storage/schemas.js'
import { wasRepeated } from '../../storage/writing.js'
import { putManifest, type SwiftPut } from '../large-object-operations.js'
import { namedSegment, segmentKey, segmentName, staticEtag, type SegmentPlace } from '../segment-names.js'
import { checkMatch, describeObject, infoOf, lengthOf, told, type Plan, type Upload } from './job.js'
import { removeOrphans } from './orphans.js'

/** What a static large object is put together from. */
export interface Assembly {
  readonly plan: Plan
  readonly size: number
  readonly place: SegmentPlace
  /** Keys of the segments that were there before. */
  readonly present: Observable<ReadonlySet<string>>
  readonly ledger: Ledger
  /** Sends segments that are not there although they were; absent where they cannot be read again. */
  readonly sendAgain?: (keys: readonly string[]) => Observable<never>
}

/** How often in a row the server may miss as many segments as before, although they were sent. */
const MAX_IDLE_ROUNDS = 3

/**
 * Puts the object; as long as segments are missing, sends them and puts it again. Then removes the segments of what was replaced
 * (pithos dossier 14.2).
 */
export function putTogether(job: Upload, assembly: Assembly): Observable<ObjectInfo> {
  const { size } = assembly
  return defer(() => {
    const needed = neededKeys(assembly)
    return concat(
      checkMatch(job),
      putUntilComplete(job, assembly, needed).pipe(map((done) => infoOf(job, size, done))),
      removeOthers(job, assembly, needed),
    )
  })
}

/** To be asked for when everything is hashed. */
function neededKeys({ plan }: Assembly): ReadonlySet<string> {
  return new Set(plan.hashes.map((md5, index) => segmentKey(md5, lengthOf(plan, index))))
}

function putUntilComplete(
  job: Upload,
  assembly: Assembly,
  needed: ReadonlySet<string>,
): Observable<SwiftPut> {
  const { place, sendAgain } = assembly
  const round = (before: number, idle: number): Observable<SwiftPut> =>
    put(job, assembly).pipe(
      catchError((error: unknown) => {
        const missing = missingIn(error, place, needed)
        if (missing === undefined) return throwError(() => error)
        const idleNow = missing.length < before ? 0 : idle + 1
        if (sendAgain === undefined || idleNow === MAX_IDLE_ROUNDS) return throwError(() => lost(missing))
        return concat(sendAgain(missing), round(missing.length, idleNow))
      }),
    )
  return round(Infinity, 0)
}

function removeOthers(
  job: Upload,
  { present, place }: Assembly,
  needed: ReadonlySet<string>,
): Observable<never> {
  return present.pipe(
    concatMap((there) => {
      const others = [...there].filter((key) => !needed.has(key))
      return removeOrphans(job, place, others)
    }),
  )
}

function put(job: Upload, { plan, place, size }: Assembly): Observable<SwiftPut> {
  const { api, name, options } = job
  return defer(() => {
    const etag = staticEtag(plan.hashes)
    const segments = plan.hashes.map((md5, index) => namedSegment(place, md5, lengthOf(plan, index)))
    const headers = { ...newObjectHeaders(options), ...conditionHeaders(options), etag }
    return call(api, putManifest, { name, headers, segments }, told(job)).pipe(
      catchError((error: unknown) => {
        const fail = throwError(() => error)
        // The echo of a success whose answer was lost.
        if (!isHttpError(error, 412) || !wasRepeated(error)) return fail
        return describeObject(job).pipe(
          concatMap((there) =>
            there?.state.etag === `"${etag}"` && there.state.bytes === size ? of(there.state) : fail,
          ),
        )
      }),
    )
  })
}

/** The keys of the segments that a refusal names, if it is about segments, and about those alone that belong to the object. */
function missingIn(
  error: unknown,
  place: SegmentPlace,
  keys: ReadonlySet<string>,
): readonly string[] | undefined {
  if (!isHttpError(error, 400) || !Array.isArray(error.faultDetails)) return undefined
  const { container, object: prefix } = segmentName(place, '')
  const folder = `/${container}/${prefix}`
  const named = error.faultDetails.map((fault: unknown) => {
    const path = Array.isArray(fault) ? String(fault[0]) : ''
    return path.startsWith(folder) ? path.slice(folder.length) : ''
  })
  return named.length > 0 && named.every((key) => keys.has(key)) ? [...new Set(named)] : undefined
}

function lost(keys: readonly string[]): TransferError {
  const some = keys.slice(0, 3).join(', ')
  return new TransferError(
    `the server does not find segments that were sent: ${keys.length}, such as ${some}`,
    { retryable: true },
  )
}
