import { catchError, concatMap, of, throwError, type Observable } from 'rxjs'
import { isCloudError, isHttpError } from '../../../errors.js'
import { call, type Api } from '../../../http/api.js'
import { isStream, md5, withContent, type Content } from './content.js'
import { conditionHeaders, newObjectHeaders } from './headers.js'
import { headerPath, type ObjectName } from './names.js'
import { putObject, putStream } from './object-operations.js'
import type { WriteOptions } from './options.js'
import type { PutObject } from './schemas.js'

/** Emits the object if it has this very content by now, nothing else. */
export type Recognise = (name: ObjectName, content: Uint8Array) => Observable<PutObject | undefined>

/** Makes an object with one request. The server verifies what is at hand by its MD5 (pithos dossier 7.2). */
export function writeObject(
  api: Api,
  name: ObjectName,
  content: Content,
  options: WriteOptions = {},
  recognise: Recognise,
): Observable<PutObject> {
  const headers = { ...newObjectHeaders(options), ...conditionHeaders(options) }
  return withContent(content, 'content', (body) => {
    if (isStream(body)) return call(api, putStream, { name, headers, body }, options)
    return call(api, putObject, { name, headers: { ...headers, etag: md5(body) }, body }, options).pipe(
      orEcho(() => recognise(name, body)),
    )
  })
}

/** An object that reads as all whose names begin with that of `parts`. */
export function writeManifest(
  api: Api,
  name: ObjectName,
  parts: ObjectName,
  options: WriteOptions = {},
): Observable<PutObject> {
  const headers = {
    ...newObjectHeaders(options),
    ...conditionHeaders(options),
    'x-object-manifest': headerPath(parts).slice(1),
  }
  return call(api, putObject, { name, headers, body: '' }, options)
}

/**
 * A condition that is no longer met when a request is sent again may be the echo of its own success, whose answer was lost
 * (pithos dossier 9.5).
 *
 * @param find - emits the result if what is there now is what was to be made
 */
export function orEcho<T>(find: () => Observable<T | undefined>): (source: Observable<T>) => Observable<T> {
  return (source) =>
    source.pipe(
      catchError((error: unknown) => {
        const fail = throwError(() => error)
        if (!isHttpError(error, 412) || !wasRepeated(error)) return fail
        return find().pipe(
          catchError(() => fail),
          concatMap((found) => (found === undefined ? fail : of(found))),
        )
      }),
    )
}

/** Whether a request was sent more than once before it failed. */
export function wasRepeated(error: unknown): boolean {
  return isCloudError(error) && error.attempts > 1
}
