import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  ignoreElements,
  of,
  throwError,
  toArray,
  type Observable,
} from 'rxjs'
import { TransferError } from '../../../../errors.js'
import type { TransferEvent } from '../../../../streams/events.js'
import { withResource } from '../../../../streams/resource.js'
import { sinkOf, type Sink, type SinkInput } from '../../../../streams/sinks.js'
import { concurrencyOf, immediateRetry, transfer } from '../../../../streams/transfer.js'
import { objectName, type ObjectTarget } from '../../storage/names.js'
import type { ObjectInfo, ObjectItem } from '../../storage/schemas.js'
import { SMALL, storeFetched } from '../../storage/small-files.js'
import type { DownloadOptions } from '../../storage/transfer-options.js'
import { fillAnywhere } from './anywhere.js'
import { describe, listedContent } from './content.js'
import { fillInOrder } from './in-order.js'
import { checkpointOf, ObjectReplaced, stopped, type Content, type Download, type Order } from './job.js'
import { fetchListed } from './small.js'
import type { SwiftTransfers } from '../upload/upload.js'

/** How often a download begins anew because the object was replaced under its hands. */
const MAX_RESTARTS = 3

/**
 * Downloads an object: looks at it, keeps what the destination has of it already, fetches the rest and verifies it by MD5, each segment by
 * its own (pithos dossier 14.2, 14.3). A file has its name only when it is whole; until then it is `name.part`, which the next
 * attempt goes on with. What goes to a stream is verified after it was written.
 *
 * Emits `planned`, `hashing` where something was there, `progress` and `done` with the object's info, `retrying` wherever
 * something is fetched again, and `unverified` for parts of which the server tells no hash. If the object is replaced meanwhile, it is
 * planned anew and what still fits is kept. Errors: what the server refuses as a whole comes as it is (401, 403, 404, 412,
 * 304); all else that stops the transfer is a `TransferError`. Unsubscribing closes requests and files.
 *
 * @param listed - the object as a listing told it: then, if it has no segments, it is fetched with one request
 */
export function downloadFromSwift(
  { api, hasher }: Omit<SwiftTransfers, 'limits'>,
  target: ObjectTarget,
  destination: SinkInput,
  options: DownloadOptions = {},
  listed?: ObjectItem,
): Observable<TransferEvent<ObjectInfo>> {
  const name = objectName(target, 'target')
  const sink = sinkOf(destination, 'destination', options)
  const concurrency = concurrencyOf(options)
  const { version } = options
  if (version !== undefined && typeof version !== 'string') {
    throw new TypeError('options.version: the versions of Swift are texts')
  }
  return transfer(api.runtime, options, (report) => {
    const order: Order = { api, hasher, name, options, concurrency, report }
    const known = listedContent(order, listed)
    const usual = defer(() => (known === undefined ? describe(order) : of(known))).pipe(
      concatMap((content) => fill(order, sink, content)),
    )
    const isSmall = known !== undefined && known.size <= SMALL
    const quick = isSmall ? fetchListed(order, known) : EMPTY
    return quick.pipe(
      concatMap((fetched) => storeFetched(report, sink, fetched)),
      toArray(),
      concatMap((found) => (found.length > 0 ? found : usual)),
      catchError((error: unknown) => throwError(() => stopped(order, error))),
    )
  })
}

function fill(order: Order, sink: Sink, first: Content): Observable<ObjectInfo> {
  return withResource(
    () => sink.open(),
    (opened) => {
      const job: Download = { ...order, sink: opened, given: { bytes: 0 }, travelled: new Set() }
      const attempt = (content: Content, existing: number, restarts: number): Observable<ObjectInfo> => {
        const checkpoint = sink.randomAccess ? checkpointOf(job, content) : undefined
        const filling = defer(() => {
          job.report.planned(content.size, content.parts.length, checkpoint)
          return sink.randomAccess ? fillAnywhere(job, content, existing) : fillInOrder(job, content)
        })
        const finish = defer(() => opened.finish()).pipe(ignoreElements())
        return concat(
          filling,
          finish,
          defer(() => of(content.info)),
        ).pipe(
          catchError((error: unknown) =>
            restart(job, error, restarts, (replaced) =>
              attempt(replaced, replaced.isPlain ? 0 : content.size, restarts + 1),
            ),
          ),
          catchError((error: unknown) => throwError(() => stopped(job, error, { checkpoint }))),
        )
      }
      return attempt(first, opened.existing, 0)
    },
  )
}

/** Looks at the object again if it was replaced. */
function restart<T>(
  job: Download,
  error: unknown,
  restarts: number,
  again: (content: Content) => Observable<T>,
): Observable<T> {
  if (!(error instanceof ObjectReplaced)) return throwError(() => error)
  const { message, cause } = error
  if (restarts === MAX_RESTARTS) {
    return throwError(() => new TransferError(`${message}, again and again`, { cause, retryable: true }))
  }
  job.report.retrying(immediateRetry(restarts + 1, cause))
  // Writes that were given up must not come after those of the next attempt.
  const settled = defer(() => job.sink.settled()).pipe(ignoreElements())
  return concat(settled, describe(job)).pipe(concatMap(again))
}
