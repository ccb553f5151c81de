import { concatMap, map, takeWhile, type Observable } from 'rxjs'
import { ResponseFormatError } from '../../../errors.js'
import { call, type Api } from '../../../http/api.js'
import { header } from '../../../http/codecs.js'
import type { CallOptions, HttpResponse } from '../../../http/types.js'
import { paginate } from '../../../operators/paginate.js'
import { checkRange, partsOf } from '../storage/byte-ranges.js'
import { isStream, md5, withContent, type Content } from '../storage/content.js'
import { tagHeader, typeHeader, type Parameters } from '../storage/headers.js'
import { listAll } from '../storage/listing.js'
import {
  checkText,
  containerName,
  headerPath,
  type ContainerTarget,
  type ObjectName,
} from '../storage/names.js'
import type { ByteRange } from '../storage/options.js'
import { receive } from '../storage/reading.js'
import type { PutObject } from '../storage/schemas.js'
import { orEcho } from '../storage/writing.js'
import { withVersions, type Features } from './features.js'
import {
  expiryHeaders,
  metadataHeader,
  metadataHeaders,
  namedSwift,
  newObjectHeaders,
  plainHeader,
  refuse,
  swiftStateIn,
  timeConditions,
} from './headers.js'
import { putContent } from './large-object-operations.js'
import {
  getSwiftObject,
  headRawObject,
  headSwiftObject,
  listSwiftObjects,
  listSwiftVersions,
  postSwiftObject,
  putSwiftStream,
} from './object-operations.js'
import type {
  SwiftChangeOptions,
  SwiftInfoOptions,
  SwiftObjectChanges,
  SwiftObjectFilter,
  SwiftReadOptions,
  SwiftWriteOptions,
} from './options.js'
import { checkVersion } from './removing.js'
import type {
  SwiftListItem,
  SwiftObjectContent,
  SwiftObjectInfo,
  SwiftObjectParts,
  SwiftVersion,
} from './schemas.js'

// --- listings ---------------------------------------------------------------------------------------------------

export function listAllSwiftObjects(
  api: Api,
  container: ContainerTarget,
  filter: SwiftObjectFilter = {},
  options: CallOptions = {},
): Observable<SwiftListItem> {
  const name = containerName(container, 'container')
  refuse(filter, ['until', 'shared', 'public', 'meta'], 'filter')
  refuse(options, timeConditions, 'options')
  const { prefix, delimiter, path, ...page } = filter
  for (const key of ['prefix', 'delimiter', 'path', 'marker'] as const) checkText(filter[key], `filter.${key}`)
  if (path !== undefined && (prefix !== undefined || delimiter !== undefined)) {
    throw new TypeError('filter.path: not together with prefix or delimiter')
  }
  return listAll<SwiftListItem>(page, (wanted) =>
    call(api, listSwiftObjects, { name, parameters: { ...wanted, prefix, delimiter, path } }, options),
  )
}

/** Entries of one page of versions. */
const PAGE = 1000

/** The versions of an object come before all others with this prefix, the newest first. */
export function readSwiftVersions(
  api: Api,
  features: Features,
  name: ObjectName,
  options?: CallOptions,
): Observable<SwiftVersion> {
  const { object } = name
  const page = (after?: SwiftVersion): Observable<readonly SwiftVersion[]> => {
    const parameters: Parameters = {
      versions: true,
      prefix: object,
      limit: PAGE,
      marker: after?.name,
      version_marker: after?.version_id,
    }
    return call(api, listSwiftVersions, { name, parameters }, options)
  }
  const versions = paginate(
    page(),
    (present) => (present.length < PAGE ? undefined : page(present.at(-1))),
    (items) => items,
  ).pipe(takeWhile((version) => version.name === object))
  return withVersions(features, options, versions)
}

// --- looking and reading ----------------------------------------------------------------------------------------

export function readSwiftInfo(
  api: Api,
  name: ObjectName,
  options: SwiftInfoOptions = {},
): Observable<SwiftObjectInfo> {
  const { version } = options
  checkVersion(version)
  return call(api, headSwiftObject, { name, version, conditions: options }, options).pipe(
    map((state) => ofVersion(namedSwift(name, state), version)),
  )
}

export function readSwiftObject(
  api: Api,
  name: ObjectName,
  { range, ...options }: SwiftReadOptions = {},
): Observable<SwiftObjectContent> {
  if (range !== undefined) checkRange(range, 'options.range')
  const ranges = range === undefined ? [] : [range]
  return receiveSwift(api, name, ranges, options, (response) => {
    const { body } = response
    if (range === undefined) return { info: infoOf(name, response, body.length), bytes: body, offset: 0 }
    const { total, parts } = partsOf(response, ranges)
    const [part = { bytes: new Uint8Array(), offset: 0 }] = parts
    return { info: infoOf(name, response, total), ...part }
  })
}

/** Reads several ranges of an object with one request. */
export function readSwiftRanges(
  api: Api,
  name: ObjectName,
  ranges: readonly ByteRange[],
  options: Omit<SwiftReadOptions, 'range'> = {},
): Observable<SwiftObjectParts> {
  if (!Array.isArray(ranges) || ranges.length === 0) {
    throw new TypeError('ranges: expected a list that is not empty')
  }
  ranges.forEach((range, index) => {
    checkRange(range, `ranges[${index}]`)
  })
  return receiveSwift(api, name, ranges, options, (response) => {
    const { total, parts } = partsOf(response, ranges)
    return { info: infoOf(name, response, total), parts }
  })
}

function receiveSwift<T extends { readonly info: SwiftObjectInfo }>(
  api: Api,
  name: ObjectName,
  ranges: readonly ByteRange[],
  options: Omit<SwiftReadOptions, 'range'>,
  contentOf: (response: HttpResponse) => T,
): Observable<T> {
  const { version } = options
  checkVersion(version)
  return receive(api, name, ranges, options, getSwiftObject).pipe(
    map((response) => {
      const content = contentOf(response)
      ofVersion(content.info, version)
      return content
    }),
  )
}

function infoOf(name: ObjectName, response: HttpResponse, bytes: number): SwiftObjectInfo {
  return namedSwift(name, swiftStateIn(response, bytes))
}

/** A store that keeps no versions answers with what is there now, whatever was asked for. */
function ofVersion(info: SwiftObjectInfo, version: string | undefined): SwiftObjectInfo {
  if (version === undefined || info.version === version) return info
  throw new ResponseFormatError(
    `version ${version} was asked for, but the answer is of ${info.version === undefined ? 'none' : String(info.version)}`,
    { issues: ['x-object-version-id: not the version that was asked for'] },
  )
}

// --- writing ----------------------------------------------------------------------------------------------------

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

// --- changing ---------------------------------------------------------------------------------------------------

/** What is kept with an object beside metadata, and would be lost if it were not said again. */
const keptWithObjects = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
  'x-delete-at',
  'x-object-manifest',
  'x-robots-tag',
]

/** Swift replaces all that is kept with an object; so it is read first, and said again with the changes. */
export function changeSwiftObject(
  api: Api,
  name: ObjectName,
  changes: SwiftObjectChanges,
  options: SwiftChangeOptions = {},
): Observable<void> {
  const { replace = false, ifMatch } = options
  refuse(changes, ['sharing', 'public'], 'changes')
  refuse(options, ['ifNoneMatch', ...timeConditions], 'options')
  const { set, removed } = changesOf(changes)
  const conditions = ifMatch === undefined ? {} : { ifMatch }
  return call(api, headRawObject, { name, conditions }, options).pipe(
    concatMap((present) => {
      const kept = Object.entries(keptIn(present, replace)).filter(([header]) => !removed.has(header))
      return call(api, postSwiftObject, { name, headers: { ...Object.fromEntries(kept), ...set } }, options)
    }),
  )
}

function keptIn(response: HttpResponse, withoutMetadata: boolean): Record<string, string> {
  const names = Object.keys(response.headers).filter(
    (name) => keptWithObjects.includes(name) || (!withoutMetadata && name.startsWith('x-object-meta-')),
  )
  return Object.fromEntries(names.map((name) => [name, header(response, name) ?? '']))
}

function changesOf(changes: SwiftObjectChanges): {
  readonly set: Readonly<Record<string, string>>
  readonly removed: ReadonlySet<string>
} {
  const { metadata = {}, contentType, contentEncoding, contentDisposition, deleteAt, deleteAfter } = changes
  const values = Object.entries(metadata).filter((change): change is [string, string] => change[1] !== null)
  return {
    set: {
      ...metadataHeaders('object', Object.fromEntries(values), 'changes.metadata'),
      ...(contentType === undefined ? {} : typeHeader(contentType)),
      ...plainHeader('content-encoding', contentEncoding ?? undefined, 'changes.contentEncoding'),
      ...plainHeader('content-disposition', contentDisposition ?? undefined, 'changes.contentDisposition'),
      ...expiryHeaders(deleteAt ?? undefined, deleteAfter, 'changes'),
    },
    removed: new Set([
      ...Object.keys(metadata).map((name) => metadataHeader('object', name)),
      ...(contentEncoding === null ? ['content-encoding'] : []),
      ...(contentDisposition === null ? ['content-disposition'] : []),
      ...(deleteAt !== undefined || deleteAfter !== undefined ? ['x-delete-at'] : []),
    ]),
  }
}
