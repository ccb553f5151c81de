import { catchError, concatMap, map, reduce, throwError, type Observable } from 'rxjs'
import { isHttpError } from '../../../../errors.js'
import { call } from '../../../../http/api.js'
import { listAllObjects } from '../../storage/listing.js'
import { putContainer } from '../../storage/container-operations.js'
import { headSegmentRules } from '../large-object-operations.js'
import { keyOf, type SegmentPlace } from '../segment-names.js'
import { told, type Upload } from './job.js'

/** Emits once the keys of the segments that an object has. */
export function listSegments(job: Upload, place: SegmentPlace): Observable<ReadonlySet<string>> {
  const { container, prefix } = place
  // Below a delimiter are the segments of other objects, whose names begin with that of this one.
  return listAllObjects(job.api, container, { prefix, delimiter: '/' }, {}, told(job)).pipe(
    reduce((keys, item) => {
      const key = keyOf(place, item)
      return key === undefined ? keys : keys.add(key)
    }, new Set<string>()),
  )
}

/** Like `listSegments`; makes the container if it is not there, with the storage policy of the object's own. */
export function prepareSegments(job: Upload, place: SegmentPlace): Observable<ReadonlySet<string>> {
  const { api, name } = job
  const make = call(api, headSegmentRules, name, told(job)).pipe(
    concatMap(({ policy }) => {
      const headers = policy === undefined ? {} : { 'x-storage-policy': policy }
      return call(api, putContainer, { name: place.container, headers }, told(job))
    }),
    map(() => new Set<string>()),
  )
  return listSegments(job, place).pipe(
    catchError((error: unknown) => (isHttpError(error, 404) ? make : throwError(() => error))),
  )
}
