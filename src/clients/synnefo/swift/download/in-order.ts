import { concatMap, defer, ignoreElements, range, throwError, type Observable } from 'rxjs'
import { TransferError } from '../../../../errors.js'
import { createBlockBuffers } from '../../../../streams/block-buffers.js'
import { runsOf } from './anywhere.js'
import type { Content, Download } from './job.js'
import { fetchRun, runBufferSize } from './run.js'

/** Fills a stream from the first byte to the last, and so with one request at a time. What was written cannot be fetched again. */
export function fillInOrder(job: Download, content: Content): Observable<never> {
  return defer(() => {
    if (job.given.bytes > 0) {
      const message = 'the object was replaced while it was read, and what was written cannot be taken back'
      return throwError(() => new TransferError(message))
    }
    const runs = runsOf(content.parts, 1)
    const buffers = createBlockBuffers(runBufferSize(content))
    return range(0, runs.length).pipe(
      concatMap((turn) => fetchRun(job, content, runs[turn] ?? { parts: [] }, buffers, 1)),
      ignoreElements(),
    )
  })
}
