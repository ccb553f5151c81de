import { catchError, concatMap, filter, map, of, takeWhile, throwError, type Observable } from 'rxjs'
import { isHttpError, ResponseFormatError } from '../../../errors.js'
import { call, type Api } from '../../../http/api.js'
import type { CallOptions } from '../../../http/types.js'
import { compareUtf8 } from '../../../streams/utf8-order.js'
import {
  conditionHeaders,
  metadataChangeHeaders,
  publicHeader,
  textHeader,
  type Parameters,
} from '../storage/headers.js'
import { listAll, listAllObjects } from '../storage/listing.js'
import { checkText, containerName, type ContainerTarget, type ObjectName } from '../storage/names.js'
import { deleteObject, postObject } from '../storage/object-operations.js'
import type { InfoOptions, ObjectChangeOptions } from '../storage/options.js'
import { readInfo } from '../storage/reading.js'
import type { Hashmap, ListItem, PageFilter } from '../storage/schemas.js'
import { sharingHeader } from '../storage/sharing.js'
import { wasRepeated } from '../storage/writing.js'
import { getHashmap } from './block-operations.js'
import {
  listSharingAccounts,
  listVersions,
  type ListedVersion,
  type SharingAccount,
} from './object-operations.js'
import type { PithosObjectChanges, PithosObjectFilter, RemoveOptions, VersionOptions } from './options.js'
import { checkUntil, checkVersion } from './past.js'

// --- listings -----------------------------------------------------------------------------------------------

export function listSharing(api: Api, page: PageFilter, options?: CallOptions): Observable<SharingAccount> {
  checkText(page.marker, 'filter.marker')
  return listAll(page, ({ limit, marker }) => call(api, listSharingAccounts, { limit, marker }, options))
}

export function listPithosObjects(
  api: Api,
  container: ContainerTarget,
  asked: PithosObjectFilter = {},
  options: InfoOptions = {},
): Observable<ListItem> {
  const name = containerName(container, 'container')
  const { path, shared, public: published, meta, until, ...wanted } = asked
  for (const key of ['path', 'prefix', 'delimiter', 'marker'] as const) checkText(asked[key], `filter.${key}`)
  const request = {
    parameters: {
      path,
      shared: shared === true ? true : undefined,
      public: published === true ? true : undefined,
      meta: meta === undefined ? undefined : queryOf(meta),
      until: checkUntil(until, 'filter.until'),
    } satisfies Parameters,
    headers: conditionHeaders(options),
  }
  const { prefix } = wanted
  if (prefix?.startsWith('/') !== true) return listAllObjects(api, name, wanted, request, options)
  return listBelowSlash(prefix, wanted, (narrowed) => listAllObjects(api, name, narrowed, request, options))
}

/**
 * The server takes slashes off the beginning of a prefix (pithos dossier 4.4), so that other objects would be listed. Here all names from
 * there on are listed, up to the first that comes after those.
 */
function listBelowSlash(
  prefix: string,
  { marker = '', delimiter, limit }: PithosObjectFilter,
  list: (narrowed: PageFilter) => Observable<ListItem>,
): Observable<ListItem> {
  if (delimiter !== undefined) {
    throw new TypeError(
      "filter.delimiter: not with a prefix that begins with '/', which the server cannot select by",
    )
  }
  const before = prefix.slice(0, -1)
  const start = compareUtf8(marker, before) > 0 ? marker : before
  const nameOf = (item: ListItem): string => ('subdir' in item ? String(item.subdir) : item.name)
  return list({ ...(start === '' ? {} : { marker: start }), ...(limit === undefined ? {} : { limit }) }).pipe(
    takeWhile((item) => nameOf(item).startsWith(prefix) || compareUtf8(nameOf(item), prefix) < 0),
    filter((item) => nameOf(item).startsWith(prefix)),
  )
}

function queryOf(meta: readonly string[]): string {
  if (!Array.isArray(meta) || meta.length === 0) {
    throw new TypeError('filter.meta: expected a list that is not empty')
  }
  for (const one of meta as readonly unknown[]) {
    if (typeof one !== 'string' || one === '' || one.includes(',')) {
      throw new TypeError('filter.meta: expected conditions without a comma in them')
    }
    checkText(one, 'filter.meta')
  }
  return meta.join(',')
}

// --- one object ---------------------------------------------------------------------------------------------

/** The block hashes of an object. */
export function readHashes(api: Api, name: ObjectName, options: VersionOptions = {}): Observable<Hashmap> {
  const version = checkVersion(options.version, 'options.version')
  return call(api, getHashmap, { name, version, conditions: options }, options)
}

export function readVersions(api: Api, name: ObjectName, options?: CallOptions): Observable<ListedVersion> {
  return call(api, listVersions, name, options).pipe(concatMap((versions) => versions))
}

export function changeObject(
  api: Api,
  name: ObjectName,
  changes: PithosObjectChanges,
  options: ObjectChangeOptions = {},
): Observable<void> {
  const { replace = false } = options
  const { metadata = {}, contentEncoding, contentDisposition, sharing, public: published } = changes
  const headers = {
    ...metadataChangeHeaders('object', metadata, 'changes.metadata', replace),
    ...textHeader('content-encoding', contentEncoding, 'changes.contentEncoding'),
    ...textHeader('content-disposition', contentDisposition, 'changes.contentDisposition'),
    ...(sharing === undefined
      ? {}
      : { 'x-object-sharing': sharing === null ? '' : sharingHeader(sharing, 'changes.sharing') }),
    ...(published === undefined ? {} : { 'x-object-public': publicHeader(published, 'changes.public') }),
    ...conditionHeaders(options),
  }
  return call(api, postObject, { name, replace, headers }, options)
}

/** Publishing does not tell where (pithos dossier 7.4). */
export function publishObject(api: Api, name: ObjectName, options?: CallOptions): Observable<string> {
  return changeObject(api, name, { public: true }, options).pipe(
    concatMap(() => readInfo(api, name, options)),
    map(({ publicUrl }) => {
      if (publicUrl !== undefined) return publicUrl
      throw new ResponseFormatError('the object is published, but the server does not tell where')
    }),
  )
}

/** Removes an object. If the first answer was lost, it is not there any more when asked for again. */
export function removeObject(
  api: Api,
  name: ObjectName,
  { until, recursive, ...options }: RemoveOptions = {},
): Observable<void> {
  const parameters = {
    until: checkUntil(until, 'options.until'),
    delimiter: recursive === true ? '/' : undefined,
  }
  return call(api, deleteObject, { name, parameters }, options).pipe(
    catchError((error: unknown) =>
      isHttpError(error, 404) && wasRepeated(error) ? of(undefined) : throwError(() => error),
    ),
  )
}
