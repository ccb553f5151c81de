import { forkJoin, map, type Observable } from 'rxjs'
import { call, type Api } from '../../../http/api.js'
import type { CallOptions } from '../../../http/types.js'
import { conditionHeaders, keptHeaders, tagHeader, typeHeader, type Parameters } from '../storage/headers.js'
import { encodeHeader, headerPath, type ObjectName } from '../storage/names.js'
import { headObject, putCopy } from '../storage/object-operations.js'
import type { PutObject } from '../storage/schemas.js'
import { orEcho } from '../storage/writing.js'
import { copyTo, moveTo, putMove } from './object-operations.js'
import type { PithosCopyOptions } from './options.js'
import { checkVersion } from './past.js'

/** Copies an object; with conditions of the source by the method that knows them, COPY (pithos dossier 7.5). */
export function copyObject(
  api: Api,
  from: ObjectName,
  to: ObjectName,
  options: PithosCopyOptions = {},
): Observable<PutObject> {
  const version = checkVersion(options.version, 'options.version')
  const headers = {
    ...newHeaders(options),
    ...(version === undefined ? {} : { 'x-source-version': String(version) }),
  }
  const parameters = parametersOf(options)
  if (hasSourceConditions(options)) {
    const request = { name: from, headers: { ...headers, ...destinationHeaders(to, options) }, parameters }
    return call(api, copyTo, request, options)
  }
  const request = {
    name: to,
    headers: {
      ...headers,
      'x-copy-from': headerPath(from),
      ...accountOf(from),
      ...conditionHeaders(options),
    },
    parameters,
  }
  return call(api, putCopy, request, options).pipe(orEcho(() => findCopy(api, from, to, version)))
}

/** Moves an object; what it is sent for twice, it is sent for once only: moved, it is not there any more. */
export function moveObject(
  api: Api,
  from: ObjectName,
  to: ObjectName,
  options: Omit<PithosCopyOptions, 'version'> = {},
): Observable<PutObject> {
  if ('version' in options && options.version !== undefined) {
    throw new TypeError('options.version: an old version cannot be moved; copy it')
  }
  const headers = newHeaders(options)
  const parameters = parametersOf(options)
  if (hasSourceConditions(options)) {
    const request = { name: from, headers: { ...headers, ...destinationHeaders(to, options) }, parameters }
    return call(api, moveTo, request, options)
  }
  const request = {
    name: to,
    headers: {
      ...headers,
      'x-move-from': headerPath(from),
      ...accountOf(from),
      ...conditionHeaders(options),
    },
    parameters,
  }
  return call(api, putMove, request, options)
}

/** Copies an old version over what is there now. */
export function restoreVersion(
  api: Api,
  name: ObjectName,
  version: number,
  options: CallOptions = {},
): Observable<PutObject> {
  checkVersion(version, 'version')
  return copyObject(api, name, name, { ...options, version })
}

function newHeaders({ contentType, ...kept }: PithosCopyOptions): Record<string, string> {
  return { ...typeHeader(contentType), ...keptHeaders(kept) }
}

/** Without a type of its own, the copy has that of the source, whatever anybody on the way adds to the request. */
function parametersOf({ contentType, recursive }: PithosCopyOptions): Parameters {
  return {
    delimiter: recursive === true ? '/' : undefined,
    ignore_content_type: contentType === undefined ? true : undefined,
  }
}

function hasSourceConditions({ sourceIfMatch, sourceIfNoneMatch, ...options }: PithosCopyOptions): boolean {
  if (sourceIfMatch === undefined && sourceIfNoneMatch === undefined) return false
  if (options.ifMatch === undefined && options.ifNoneMatch === undefined) return true
  throw new TypeError('options.sourceIfMatch: conditions are either of the source or of the destination')
}

function destinationHeaders(
  to: ObjectName,
  { sourceIfMatch, sourceIfNoneMatch }: PithosCopyOptions,
): Record<string, string> {
  return {
    destination: headerPath(to),
    ...(to.account === undefined ? {} : { 'destination-account': encodeHeader(to.account) }),
    ...tagHeader('if-match', sourceIfMatch, 'options.sourceIfMatch'),
    ...tagHeader('if-none-match', sourceIfNoneMatch, 'options.sourceIfNoneMatch'),
  }
}

function accountOf({ account }: ObjectName): Record<string, string> {
  return account === undefined ? {} : { 'x-source-account': encodeHeader(account) }
}

/** What is at the destination, if it has the content of the source. */
function findCopy(
  api: Api,
  from: ObjectName,
  to: ObjectName,
  version: number | undefined,
): Observable<PutObject | undefined> {
  return forkJoin([call(api, headObject, { name: from, version }), call(api, headObject, { name: to })]).pipe(
    map(([source, present]) =>
      source.hash !== undefined && source.hash === present.hash && source.bytes === present.bytes
        ? { etag: present.etag, version: present.version }
        : undefined,
    ),
  )
}
