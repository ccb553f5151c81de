import { concatMap, map, type Observable } from 'rxjs'
import { call, type Api } from '../../../http/api.js'
import type { CallOptions } from '../../../http/types.js'
import { isStream, md5, withContent, type Content } from '../storage/content.js'
import { tagHeader } from '../storage/headers.js'
import { headerPath, type ObjectName } from '../storage/names.js'
import type { PutObject } from '../storage/schemas.js'
import { orEcho } from '../storage/writing.js'
import { newObjectHeaders, refuse, timeConditions } from './headers.js'
import { putContent } from './large-object-operations.js'
import { headSwiftObject, putSwiftStream } from './object-operations.js'
import type { SwiftWriteOptions } from './options.js'

export function writeSwiftObject(
  api: Api,
  name: ObjectName,
  content: Content,
  options: SwiftWriteOptions = {},
): Observable<PutObject> {
  const headers = creationHeaders(options)
  const write = withContent(content, 'content', (body) => {
    if (isStream(body)) return call(api, putSwiftStream, { name, headers, body }, options)
    const etag = md5(body)
    return call(api, putContent, { name, headers: { ...headers, etag }, body }, options).pipe(
      orEcho(() => recognise(api, name, etag, options)),
    )
  })
  return onlyIfMatching(api, name, options.ifMatch, options, write)
}

/** A dynamic large object: all objects whose names begin with that of `parts`, which are of the same account. */
export function writeSwiftManifest(
  api: Api,
  name: ObjectName,
  parts: ObjectName,
  options: SwiftWriteOptions = {},
): Observable<PutObject> {
  if (parts.account !== name.account) {
    throw new TypeError('parts: a manifest can only name objects of its own account')
  }
  const headers = { ...creationHeaders(options), 'x-object-manifest': headerPath(parts).slice(1) }
  return onlyIfMatching(
    api,
    name,
    options.ifMatch,
    options,
    call(api, putContent, { name, headers, body: '' }, options),
  )
}

function creationHeaders(options: SwiftWriteOptions): Record<string, string> {
  refuse(options, ['sharing', 'public', ...timeConditions], 'options')
  const ifNoneMatch: string | undefined = options.ifNoneMatch
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new TypeError("options.ifNoneMatch: Swift knows only '*' when something is written")
  }
  return {
    ...newObjectHeaders(options),
    ...tagHeader('if-none-match', ifNoneMatch, 'options.ifNoneMatch'),
  }
}

/** Swift does not look at `If-Match` when something is written; so a request before does. */
export function onlyIfMatching<T>(
  api: Api,
  name: ObjectName,
  ifMatch: string | undefined,
  options: CallOptions,
  request: Observable<T>,
): Observable<T> {
  if (ifMatch === undefined) return request
  return call(api, headSwiftObject, { name, conditions: { ifMatch } }, options).pipe(concatMap(() => request))
}

/** What is there, if it has this very content. */
function recognise(
  api: Api,
  name: ObjectName,
  etag: string,
  options: CallOptions,
): Observable<PutObject | undefined> {
  return call(api, headSwiftObject, { name }, options).pipe(
    map((found) => (found.etag === etag ? { etag, version: found.version } : undefined)),
  )
}
