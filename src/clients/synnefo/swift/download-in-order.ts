import { concatMap, defer, ignoreElements, range, throwError, type Observable } from 'rxjs'
import { TransferError } from '../../../errors.js'
import { createBlockBuffers } from '../../../streams/block-buffers.js'
import { runsOf } from './download-anywhere.js'
import type { Content, Download } from './download-job.js'
import { fetchRun, runBufferSize } from './download-run.js'

/** What a stream has been given. It cannot be taken back. */
export interface Given {
  bytes: number
}

/** Fills a stream from the first byte to the last, and so with one request at a time. What is wrong cannot be fetched again. */
export function fillInOrder(job: Download, content: Content, given: Given): Observable<never> {
  if (given.bytes > 0) {
    const message = 'the object was replaced while it was read, and what was written cannot be taken back'
    return throwError(() => new TransferError(message))
  }
  const { sink } = job
  const noting = {
    ...job,
    sink: {
      ...sink,
      write: (offset: number, bytes: Uint8Array) => {
        given.bytes += bytes.length
        return sink.write(offset, bytes)
      },
    },
  }
  return defer(() => {
    const runs = runsOf(content.parts, 1)
    const buffers = createBlockBuffers(runBufferSize(content))
    return range(0, runs.length).pipe(
      concatMap((turn) => fetchRun(noting, content, runs[turn] ?? { parts: [] }, buffers, 1)),
      ignoreElements(),
    )
  })
}
