import { concat, defer, ignoreElements, of, type Observable } from 'rxjs'
import { withResource } from '../../../streams/resource.js'
import type { Sink } from '../../../streams/sinks.js'
import type { TransferReport } from '../../../streams/transfer.js'
import type { ObjectInfo } from './schemas.js'

/** Up to so many bytes, a question costs more than moving the content. */
export const SMALL = 64 * 1024

/** An object that was fetched whole, and proven. */
export interface Fetched {
  readonly body: Uint8Array
  readonly info: ObjectInfo
}

/** Puts what was fetched where it is to go; emits its info. */
export function storeFetched(
  report: TransferReport,
  sink: Sink,
  { body, info }: Fetched,
): Observable<ObjectInfo> {
  return defer(() => {
    const bytes = body.length
    const parts = bytes === 0 ? 0 : 1
    report.planned(bytes, parts)
    const stored = sink.store === undefined ? storeOpen(sink, body) : defer(() => sink.store?.(body) ?? [])
    return concat(
      stored.pipe(ignoreElements()),
      defer(() => {
        report.accepted({ bytes, parts, reusedBytes: 0, travelledBytes: bytes })
        return of(info)
      }),
    )
  })
}

function storeOpen(sink: Sink, body: Uint8Array): Observable<unknown> {
  return withResource(
    () => sink.open(),
    (opened) =>
      concat(
        defer(() => opened.resize(body.length)),
        defer(() => opened.write(0, body)),
        defer(() => opened.finish()),
      ),
  )
}
