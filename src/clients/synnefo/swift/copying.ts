import { concatMap, map, type Observable } from 'rxjs'
import { call, type Api } from '../../../http/api.js'
import { tagHeader, typeHeader } from '../storage/headers.js'
import { encodeHeader, headerPath, type ObjectName } from '../storage/names.js'
import type { PutObject } from '../storage/schemas.js'
import { checkVersion, withVersions, type Features } from './features.js'
import { keptHeaders, refuse, timeConditions } from './headers.js'
import { copySwiftTo, putSwiftCopy } from './object-operations.js'
import type { SwiftCopyOptions } from './options.js'
import { removeSwiftObject } from './removing.js'
import { onlyIfMatching } from './writing.js'

/**
 * Copies an object. Conditions that go with the request are those of the source (measured), so that of the destination is looked at before.
 */
export function copySwiftObject(
  api: Api,
  features: Features,
  from: ObjectName,
  to: ObjectName,
  options: SwiftCopyOptions = {},
): Observable<PutObject> {
  const { version, contentType, ifMatch, sourceIfMatch, sourceIfNoneMatch, freshMetadata, manifest } = options
  refuse(options, ['recursive', 'sharing', 'public', ...timeConditions], 'options')
  if ('ifNoneMatch' in options && options.ifNoneMatch !== undefined) {
    throw new TypeError('options.ifNoneMatch: Swift cannot look at the destination of a copy with it')
  }
  checkVersion(version)
  const headers = {
    ...(contentType === undefined ? {} : typeHeader(contentType)),
    ...keptHeaders(options),
    ...tagHeader('if-match', sourceIfMatch, 'options.sourceIfMatch'),
    ...tagHeader('if-none-match', sourceIfNoneMatch, 'options.sourceIfNoneMatch'),
    ...(freshMetadata === true ? { 'x-fresh-metadata': 'true' } : {}),
  }
  const parameters = {
    'version-id': version,
    'multipart-manifest': manifest === true ? 'get' : undefined,
  } as const
  const copied = isSent(from, to, version)
    ? call(
        api,
        copySwiftTo,
        { name: from, headers: { ...headers, ...destinationHeaders(to) }, parameters },
        options,
      )
    : call(
        api,
        putSwiftCopy,
        { name: to, headers: { ...headers, ...sourceHeaders(from) }, parameters },
        options,
      )
  const checked = onlyIfMatching(api, to, ifMatch, options, copied)
  return version === undefined ? checked : withVersions(features, options, checked)
}

/**
 * Whether the request goes to the source, and sends a copy, rather than to the destination, and fetches one. A header cannot name the user's
 * own account, and old versions are copied from where they are.
 */
function isSent(from: ObjectName, to: ObjectName, version: string | undefined): boolean {
  if (from.account === undefined) return to.account !== undefined || version !== undefined
  return to.account !== undefined && version !== undefined
}

function sourceHeaders(from: ObjectName): Record<string, string> {
  return {
    'x-copy-from': headerPath(from),
    ...(from.account === undefined ? {} : { 'x-copy-from-account': encodeHeader(from.account) }),
  }
}

function destinationHeaders(to: ObjectName): Record<string, string> {
  return {
    destination: headerPath(to),
    ...(to.account === undefined ? {} : { 'destination-account': encodeHeader(to.account) }),
  }
}

/** How an object is moved. */
export type SwiftMoveOptions = Omit<SwiftCopyOptions, 'version'>

/** Copies an object and removes the source: what Swift makes of `X-Move-From` is an empty object (pithos dossier 14.1). */
export function moveSwiftObject(
  api: Api,
  features: Features,
  from: ObjectName,
  to: ObjectName,
  options: SwiftMoveOptions = {},
): Observable<PutObject> {
  if ('version' in options && options.version !== undefined) {
    throw new TypeError('options.version: an old version cannot be moved; copy it')
  }
  if (from.container === to.container && from.object === to.object) {
    if (from.account === to.account) throw new TypeError('to: the object is there already')
    if (from.account === undefined || to.account === undefined) {
      throw new TypeError('to: it may be the object itself; name the accounts of both')
    }
  }
  const { retry, timeout, signal, headers, onRetry } = options
  const removal = removeSwiftObject(api, features, from, {
    ...(retry === undefined ? {} : { retry }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(signal === undefined ? {} : { signal }),
    ...(headers === undefined ? {} : { headers }),
    ...(onRetry === undefined ? {} : { onRetry }),
    // The segments are those of the destination now.
    ...(options.manifest === true ? { segments: false } : {}),
  })
  return copySwiftObject(api, features, from, to, options).pipe(
    concatMap((copy) => removal.pipe(map(() => copy))),
  )
}

/** Copies an old version over what is there now. */
export function restoreSwiftVersion(
  api: Api,
  features: Features,
  name: ObjectName,
  version: string,
  options: SwiftCopyOptions = {},
): Observable<PutObject> {
  if (typeof version !== 'string' || version === '') {
    throw new TypeError('version: expected a text, as the versions of Swift are')
  }
  return copySwiftObject(api, features, name, name, { ...options, version, manifest: true })
}
