import { catchError, concatMap, defer, EMPTY, map, of, throwError, type Observable } from 'rxjs'
import { ResponseFormatError } from '../../../../errors.js'
import { call } from '../../../../http/api.js'
import { hashBlock } from '../../../../streams/hashing.js'
import type { Sink } from '../../../../streams/sinks.js'
import { requestOptions } from '../../../../streams/transfer.js'
import { named, stateIn } from '../../storage/headers.js'
import { getObject } from '../../storage/object-operations.js'
import type { ObjectInfo, ObjectItem } from '../../storage/schemas.js'
import type { BlockShapes } from '../block-shapes.js'
import type { Order } from './job.js'
import { SMALL, storeFetched, type Fetched } from '../../storage/small-files.js'

/** A small object as it was listed, and who knows how it was hashed. */
export interface Known {
  readonly item: ObjectItem
  readonly shapes: BlockShapes
}

/**
 * Fetches a small object with one request and proves it by the hash in the listing. Emits nothing if it is not small, or not what
 * was listed.
 */
export function downloadSmall(order: Order, sink: Sink, known: Known): Observable<ObjectInfo> {
  return fetchSmall(order, known).pipe(concatMap((fetched) => storeFetched(order.report, sink, fetched)))
}

function fetchSmall(
  { api, hasher, name, options, report }: Order,
  { item, shapes }: Known,
): Observable<Fetched> {
  const { bytes, x_object_hash: expected } = item
  if (bytes > SMALL) return EMPTY
  const told = requestOptions(options, (retry) => {
    report.retrying(retry)
  })
  const fetched = call(api, getObject, { name }, told).pipe(
    // More by now than is held in memory.
    catchError((error: unknown) => (error instanceof ResponseFormatError ? EMPTY : throwError(() => error))),
    map((response) => ({ body: response.body, info: named(name, stateIn(response, response.body.length)) })),
  )
  return shapes.of(name, told).pipe(
    concatMap(({ blockSize, blockHash }) => {
      if (bytes > blockSize) return EMPTY
      return fetched.pipe(
        concatMap(({ body, info }) =>
          defer(() => hashBlock(hasher, blockHash, body)).pipe(
            concatMap((hash) => (hash === expected && body.length === bytes ? of({ body, info }) : EMPTY)),
          ),
        ),
      )
    }),
  )
}
