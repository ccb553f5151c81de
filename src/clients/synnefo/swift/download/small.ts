import { catchError, concatMap, EMPTY, of, throwError, type Observable } from 'rxjs'
import { isHttpError, ResponseFormatError } from '../../../../errors.js'
import { call } from '../../../../http/api.js'
import { md5 } from '../../storage/content.js'
import { named, stateIn } from '../../storage/headers.js'
import { getObject } from '../../storage/object-operations.js'
import type { Fetched } from '../../storage/small-files.js'
import { told, type Content, type Order } from './job.js'

/**
 * Fetches a small object, as a listing told it, with one request, and proves it by its MD5. Emits nothing if it is another one by
 * now.
 */
export function fetchListed(order: Order, { info, parts }: Content): Observable<Fetched> {
  const { api, name } = order
  const expected = parts[0]?.md5
  if (expected === undefined) return EMPTY
  return call(api, getObject, { name, conditions: { ifMatch: expected } }, told(order)).pipe(
    catchError((error: unknown) => {
      const isOther = isHttpError(error, 412) || error instanceof ResponseFormatError
      return isOther ? EMPTY : throwError(() => error)
    }),
    concatMap((response) => {
      const { body } = response
      if (body.length !== info.bytes || md5(body) !== expected) return EMPTY
      return of({ body, info: named(name, stateIn(response, body.length)) })
    }),
  )
}
