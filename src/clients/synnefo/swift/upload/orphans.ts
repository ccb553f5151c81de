import { catchError, concatMap, defer, EMPTY, ignoreElements, mergeMap, range, type Observable } from 'rxjs'
import { call } from '../../../../http/api.js'
import { deleteObject } from '../../storage/object-operations.js'
import type { ObjectName } from '../../storage/names.js'
import { bulkDelete, headSegmentRules } from '../large-object-operations.js'
import { segmentName, segmentPlace, type SegmentPlace } from '../segment-names.js'
import { listSegments } from './inventory.js'
import { told, type Upload } from './job.js'

/**
 * Removes segments that no object needs any more. Not where old versions of objects are kept: theirs may be among them. What cannot
 * be removed stays: the upload itself is done.
 */
export function removeOrphans(job: Upload, place: SegmentPlace, keys: readonly string[]): Observable<never> {
  if (keys.length === 0 || job.options.leaveSegments === true) return EMPTY
  const names = keys.map((key) => segmentName(place, key))
  return call(job.api, headSegmentRules, job.name, told(job)).pipe(
    concatMap(({ isVersioned }) => (isVersioned ? EMPTY : removeAll(job, place, names))),
    ignoreElements(),
    catchError(() => EMPTY),
  )
}

/** Removes all segments of an object that has none any more. */
export function removeSegments(job: Upload): Observable<never> {
  const { name, options } = job
  return job.limits.pipe(
    concatMap((limits) => {
      const place = segmentPlace(name, options.segmentContainer, limits)
      return listSegments(job, place).pipe(concatMap((keys) => removeOrphans(job, place, [...keys])))
    }),
    catchError(() => EMPTY),
  )
}

function removeAll(
  job: Upload,
  { container }: SegmentPlace,
  names: readonly ObjectName[],
): Observable<unknown> {
  const { api, limits, concurrency } = job
  return limits.pipe(
    concatMap(({ maxBulkDeletes }) => {
      if (maxBulkDeletes === undefined) {
        return range(0, names.length).pipe(mergeMap((turn) => removeOne(job, names[turn]), concurrency))
      }
      return range(0, Math.ceil(names.length / maxBulkDeletes)).pipe(
        concatMap((turn) => {
          const batch = names.slice(turn * maxBulkDeletes, (turn + 1) * maxBulkDeletes)
          return call(api, bulkDelete, { account: container.account, names: batch }, told(job))
        }),
      )
    }),
  )
}

function removeOne(job: Upload, name: ObjectName | undefined): Observable<unknown> {
  if (name === undefined) return EMPTY
  return defer(() => call(job.api, deleteObject, { name }, told(job))).pipe(catchError(() => EMPTY))
}
