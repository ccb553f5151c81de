import { catchError, concat, concatMap, defer, map, throwError, type Observable } from 'rxjs'
import { isHttpError } from '../../../../errors.js'
import { call } from '../../../../http/api.js'
import { immediateRetry, requestOptions } from '../../../../streams/transfer.js'
import { md5 } from '../../storage/content.js'
import { conditionHeaders, newObjectHeaders } from '../../storage/headers.js'
import { putObject } from '../../storage/object-operations.js'
import type { ObjectInfo } from '../../storage/schemas.js'
import { failChanged, failIfChanged, type Upload } from './job.js'
import { infoOf } from './object.js'

/** How often a content is sent that arrives as another one. */
const MAX_SENDINGS = 3

/** Uploads a small source with one request, in which the server compares the content with its MD5 (pithos dossier 7.2). */
export function uploadSmall(job: Upload, size: number): Observable<ObjectInfo> {
  const { source, report } = job
  const parts = size === 0 ? 0 : 1
  return defer(() => {
    report.planned(size, parts)
    return source.read(0, size, new Uint8Array(size))
  }).pipe(
    concatMap((content) => {
      if (content.length < size) return failChanged(job)
      return concat(failIfChanged(job), send(job, content, 1))
    }),
    map((info) => {
      report.accepted({ bytes: size, parts, reusedBytes: 0, travelledBytes: size })
      return info
    }),
  )
}

function send(job: Upload, content: Uint8Array, sending: number): Observable<ObjectInfo> {
  const { api, name, options, report } = job
  const headers = { ...newObjectHeaders(options), ...conditionHeaders(options), etag: md5(content) }
  const told = requestOptions(options, (retry) => {
    report.retrying(retry)
  })
  return call(api, putObject, { name, headers, body: content }, told).pipe(
    map((put) => infoOf(job, content.length, put)),
    catchError((error: unknown) => {
      if (!isHttpError(error, 422) || sending === MAX_SENDINGS) return throwError(() => error)
      report.retrying(immediateRetry(sending, error))
      return send(job, content, sending + 1)
    }),
  )
}
