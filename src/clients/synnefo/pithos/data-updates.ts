import { concatMap, every, map, mergeMap, of, range, type Observable } from 'rxjs'
import { call, type Api } from '../../../http/api.js'
import { hashBlock } from '../../../streams/hashing.js'
import type { Hasher } from '../../../streams/hasher.js'
import { wholeNumber } from '../storage/arguments.js'
import { isStream, withContent, type Content, type ContentBody } from '../storage/content.js'
import { conditionHeaders } from '../storage/headers.js'
import { encodeHeader, headerPath, type ObjectName } from '../storage/names.js'
import { headObject } from '../storage/object-operations.js'
import type { Hashmap, PutObject } from '../storage/schemas.js'
import { getHashmap } from './block-operations.js'
import { postData, postRepeatableData } from './object-operations.js'
import type { DataOptions, OverwriteFromOptions } from './options.js'
import { checkVersion } from './past.js'

/** Only this very type makes a POST a change of the data (pithos dossier 8). */
const dataType = { 'content-type': 'application/octet-stream' }

/** Adds content to the end of an object, with one request: what comes in several has no order. */
export function appendContent(
  api: Api,
  name: ObjectName,
  content: Content,
  options: DataOptions = {},
): Observable<PutObject> {
  const headers = { ...dataType, 'content-range': 'bytes */*', ...conditionHeaders(options) }
  return withContent(content, 'content', (body) => {
    const operation = options.ifMatch === undefined || isStream(body) ? postData : postRepeatableData
    return call(api, operation, { name, headers, body }, options)
  })
}

/** Puts content in the place of what is at an offset. Done twice, it is the same. */
export function overwriteContent(
  api: Api,
  name: ObjectName,
  offset: number,
  content: Content,
  options: DataOptions = {},
): Observable<PutObject> {
  wholeNumber('offset', offset)
  const conditions = conditionHeaders(options)
  return withContent(content, 'content', (body) => {
    const headers = { ...dataType, 'content-range': rangeOf(offset, body), ...conditions }
    return call(api, isStream(body) ? postData : postRepeatableData, { name, headers, body }, options)
  })
}

function rangeOf(offset: number, body: ContentBody): string {
  if (isStream(body)) return `bytes ${offset}-/*`
  if (body.length === 0) throw new TypeError('content: it is empty, so there is nothing to put there')
  return closedRange(offset, body.length)
}

function closedRange(offset: number, length: number): string {
  return `bytes ${offset}-${offset + length - 1}/*`
}

/** Cuts an object off. Of that size already, it stays as it is. */
export function truncateObject(
  api: Api,
  name: ObjectName,
  size: number,
  options: DataOptions = {},
): Observable<PutObject> {
  wholeNumber('size', size)
  const headers = {
    'content-range': closedRange(0, Math.max(1, size)),
    'x-object-bytes': String(size),
    ...sourceHeaders(name, undefined),
    ...conditionHeaders(options),
  }
  const { ifMatch, ifNoneMatch } = options
  const conditions = {
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
  }
  return call(api, headObject, { name, conditions }, options).pipe(
    concatMap(({ bytes, etag, version }) =>
      bytes === size ? of({ etag, version }) : call(api, postRepeatableData, { name, headers }, options),
    ),
  )
}

/** Puts the beginning of another object in the place of what is at an offset, or behind the end. */
export function overwriteFromObject(
  api: Api,
  name: ObjectName,
  source: ObjectName,
  options: OverwriteFromOptions = {},
): Observable<PutObject> {
  const { offset, length, size, ifMatch } = options
  const version = checkVersion(options.version, 'options.version')
  const headers = {
    'content-range': sourceRange(offset, length),
    ...sourceHeaders(source, version),
    ...(size === undefined ? {} : { 'x-object-bytes': String(wholeNumber('options.size', size)) }),
    ...conditionHeaders(options),
  }
  // What is appended, or read from where it is written to, is another thing the second time.
  const isRepeatable = ifMatch !== undefined || (offset !== undefined && !isSame(name, source))
  return call(api, isRepeatable ? postRepeatableData : postData, { name, headers }, options)
}

function sourceRange(offset: number | undefined, length: number | undefined): string {
  if (offset === undefined) {
    if (length !== undefined) throw new TypeError('options.length: only with an offset')
    return 'bytes */*'
  }
  wholeNumber('options.offset', offset)
  return length === undefined
    ? `bytes ${offset}-/*`
    : closedRange(offset, wholeNumber('options.length', length, 1))
}

function sourceHeaders(source: ObjectName, version: number | undefined): Record<string, string> {
  return {
    'x-source-object': headerPath(source),
    ...(source.account === undefined ? {} : { 'x-source-account': encodeHeader(source.account) }),
    ...(version === undefined ? {} : { 'x-source-version': String(version) }),
  }
}

/** Whether two names may be of one object: the user's own account can be named or not. */
function isSame(one: ObjectName, other: ObjectName): boolean {
  return one.container === other.container && one.object === other.object
}

/** Emits the object if its blocks are those of the content. */
export function recogniseContent(
  api: Api,
  hasher: Hasher,
  name: ObjectName,
  content: Uint8Array,
): Observable<PutObject | undefined> {
  const isContent = ({ block_hash: algorithm, block_size: size, hashes }: Hashmap): Observable<boolean> =>
    range(0, Math.ceil(content.length / size)).pipe(
      mergeMap(
        (index) => hashBlock(hasher, algorithm, content.subarray(index * size, (index + 1) * size)),
        1,
      ),
      every((hash, index) => hash === hashes[index]),
    )
  return call(api, headObject, { name }).pipe(
    concatMap(({ bytes, etag, version }) => {
      if (bytes !== content.length || etag === undefined) return of(undefined)
      return call(api, getHashmap, { name, conditions: { ifMatch: etag } }).pipe(
        concatMap(isContent),
        map((is) => (is ? { etag, version } : undefined)),
      )
    }),
  )
}
