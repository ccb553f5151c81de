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
import { TransferError, type Checkpoint } from '../../../../errors.js'
import type { Api } from '../../../../http/api.js'
import type { TransferEvent } from '../../../../streams/events.js'
import { createGate } from '../../../../streams/gate.js'
import type { Hasher } from '../../../../streams/hasher.js'
import { withResource } from '../../../../streams/resource.js'
import { sinkOf, type SinkInput } from '../../../../streams/sinks.js'
import { concurrencyOf, immediateRetry, transfer } from '../../../../streams/transfer.js'
import { fillAnywhere } from './anywhere.js'
import { downloadSmall, type Known } from './small.js'
import { fillInOrder, type Given } from './in-order.js'
import { describe, ObjectReplaced, stopped, type Content, type Download, type Order } from './job.js'
import { labelOf, objectName, type ObjectTarget } from '../../storage/names.js'
import type { ObjectInfo } from '../../storage/schemas.js'
import type { DownloadOptions } from '../../storage/transfer-options.js'

/** How often a download begins anew because the object was replaced under its hands. */
const MAX_RESTARTS = 3

/**
 * Downloads an object: reads its hashes, keeps the blocks that the destination has already, fetches the others in parallel and
 * verifies each (pithos dossier 10). A file has its name only when it is whole; until then it is `name.part`, which the next
 * attempt goes on with.
 *
 * Emits `planned`, `hashing` where something was there, `progress` and `done` with the object's info, and `retrying` wherever
 * something is fetched again. If the object is replaced meanwhile, it is planned anew and what still fits is kept.
 * Errors: what the server refuses as a whole comes as it is (401, 403, 404); all else that stops the transfer is a
 * `TransferError`. Unsubscribing closes requests and files.
 *
 * @param known - the object as it was just listed: a small one then takes one request
 */
export function download(
  { api, hasher }: { readonly api: Api; readonly hasher: Hasher },
  target: ObjectTarget,
  destination: SinkInput,
  options: DownloadOptions = {},
  known?: Known,
): Observable<TransferEvent<ObjectInfo>> {
  const name = objectName(target, 'target')
  const sink = sinkOf(destination, 'destination', options)
  const concurrency = concurrencyOf(options)
  const { version } = options
  if (version !== undefined && !(typeof version === 'number' && Number.isInteger(version) && version >= 0)) {
    throw new TypeError('options.version: expected the number of a version')
  }
  return transfer(api.runtime, options, (report) => {
    const order: Order = {
      api,
      hasher,
      name,
      options,
      version,
      receiving: createGate(concurrency),
      lanes: concurrency + hasher.threads,
      report,
    }
    const usual = describeCalmly(order).pipe(
      concatMap((content) =>
        withResource(
          () => sink.open(),
          (opened) => fill({ ...order, sink: opened, randomAccess: sink.randomAccess }, content),
        ),
      ),
    )
    const quick = known === undefined ? EMPTY : downloadSmall(order, sink, known)
    return quick.pipe(
      toArray(),
      concatMap((found) => (found.length > 0 ? found : usual)),
      catchError((error: unknown) => throwError(() => stopped(order, error))),
    )
  })
}

/** Looks at the object until two looks in a row agree. */
function describeCalmly(order: Order, restarts = 0): Observable<Content> {
  return describe(order).pipe(
    catchError((error: unknown) =>
      restart(order, error, restarts, () => describeCalmly(order, restarts + 1)),
    ),
  )
}

function restart<T>(
  { report }: Order,
  error: unknown,
  restarts: number,
  again: () => Observable<T>,
): Observable<T> {
  if (!(error instanceof ObjectReplaced)) return throwError(() => error)
  const { message, cause } = error
  if (restarts === MAX_RESTARTS) {
    return throwError(() => new TransferError(`${message}, again and again`, { cause, retryable: true }))
  }
  report.retrying(immediateRetry(restarts + 1, cause))
  return again()
}

function fill(job: Download, first: Content): Observable<ObjectInfo> {
  const { sink, report, randomAccess } = job
  const travelled = new Set<string>()
  const given: Given = { blockSize: 0, bytes: 0, hashes: [] }

  const attempt = (content: Content, existing: number, restarts: number): Observable<ObjectInfo> => {
    const checkpoint = randomAccess ? checkpointOf(job, content) : undefined
    const filling = defer(() => {
      report.planned(content.size, content.total, checkpoint)
      return randomAccess ? fillAnywhere(job, content, existing, travelled) : fillInOrder(job, content, given)
    })
    const finish = defer(() => sink.finish()).pipe(ignoreElements())
    return concat(filling, finish, of(content.info)).pipe(
      catchError((error: unknown) =>
        restart(job, error, restarts, () => {
          // Writes that were given up must not come after those of the next attempt.
          const settled = defer(() => sink.settled()).pipe(ignoreElements())
          const next = describeCalmly(job).pipe(
            concatMap((replaced) => attempt(replaced, content.size, restarts + 1)),
          )
          return concat(settled, next)
        }),
      ),
      catchError((error: unknown) => throwError(() => stopped(job, error, { checkpoint }))),
    )
  }
  return attempt(first, sink.existing, 0)
}

function checkpointOf({ name }: Download, { size, blockSize, blockHash, hashes }: Content): Checkpoint {
  return { version: 1, direction: 'download', object: labelOf(name), size, blockSize, blockHash, hashes }
}
