import { createHash } from 'node:crypto'
import { catchError, concatMap, filter, map, of, throwError, toArray, type Observable } from 'rxjs'
import { isHttpError, TransferError } from '../../../../errors.js'
import { call } from '../../../../http/api.js'
import { named } from '../../storage/headers.js'
import { listAllObjects } from '../../storage/listing.js'
import type { ListItem, ObjectInfo, ObjectItem } from '../../storage/schemas.js'
import { bareTag, ObjectReplaced, told, type Content, type Order, type Part, type Place } from './job.js'
import {
  getManifest,
  headLargeObject,
  type ListedSegment,
  type SwiftObject,
} from '../large-object-operations.js'

const md5Pattern = /^[0-9a-f]{32}$/

/** Looks at the object, and at its segments if it has some. */
export function describe(order: Order): Observable<Content> {
  const { api, name, options } = order
  const { version, ifMatch, ifNoneMatch } = options
  const conditions = {
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
  }
  return call(api, headLargeObject, { name, version, conditions }, told(order)).pipe(
    concatMap((found) => {
      const info = named(name, found.state)
      if (found.isStatic) return describeStatic(order, found, info)
      return info.manifest === undefined ? of(plainContent(order, info)) : describeDynamic(order, info)
    }),
  )
}

/** What a listing tells is enough for an object without segments. */
export function listedContent(order: Order, item: ObjectItem | undefined): Content | undefined {
  if (item === undefined || order.options.version !== undefined || order.options.ifNoneMatch !== undefined) {
    return undefined
  }
  const { bytes, hash = '', content_type: contentType, last_modified: lastModified } = item
  // A dynamic large object is listed as empty (pithos dossier 14.3).
  if (bytes === 0 || item['slo_etag'] !== undefined || !md5Pattern.test(hash)) return undefined
  if (order.options.ifMatch !== undefined && bareTag(order.options.ifMatch) !== hash) return undefined
  const { container, object } = order.name
  const info: ObjectInfo = {
    container,
    name: object,
    bytes,
    contentType,
    etag: hash,
    hash: undefined,
    version: undefined,
    uuid: undefined,
    manifest: undefined,
    modifiedBy: undefined,
    lastModified,
    metadata: {},
  }
  return { ...plainContent(order, info), isListed: true }
}

function plainContent(order: Order, info: ObjectInfo): Content {
  const { bytes: size, etag = '' } = info
  const place = placeOf(order, info)
  const md5 = md5Pattern.test(etag) ? etag : undefined
  const parts = size === 0 ? [] : [{ index: 0, offset: 0, length: size, md5, place }]
  return { size, parts, isPlain: true, info, isListed: false }
}

function placeOf({ name, options }: Order, { etag }: ObjectInfo): Place {
  return { name, version: options.version, etag, start: 0 }
}

// --- static large objects (pithos dossier 14.2) ---------------------------------------------------------------

function describeStatic(order: Order, { manifestEtag }: SwiftObject, info: ObjectInfo): Observable<Content> {
  const { api, name, options } = order
  const wanted = { name, version: options.version, etag: manifestEtag }
  return call(api, getManifest, wanted, told(order)).pipe(
    catchError((error: unknown) =>
      throwError(() => (isHttpError(error, 412) ? new ObjectReplaced(error) : error)),
    ),
    map((segments) => {
      const place = placeOf(order, info)
      const content = contentOf(segments.map(sizedSegment), info, () => place)
      if (content.size === info.bytes) return content
      throw new ObjectReplaced(
        new TransferError(`its segments have ${content.size} bytes, but it has ${info.bytes}`),
      )
    }),
  )
}

/** How many bytes a segment is in the object, and their hash if there is one. */
type SizedSegment = Pick<Part, 'length' | 'md5'>

function sizedSegment(segment: ListedSegment): SizedSegment {
  if (typeof segment.data === 'string') {
    const bytes = Buffer.from(segment.data, 'base64')
    return { length: bytes.length, md5: createHash('md5').update(bytes).digest('hex') }
  }
  const {
    bytes,
    hash,
    range,
    sub_slo: isLarge = false,
  } = segment as Extract<ListedSegment, { bytes: number }>
  if (range !== undefined) return { length: lengthOfRange(range), md5: undefined }
  return { length: bytes, md5: !isLarge && md5Pattern.test(hash) ? hash : undefined }
}

function lengthOfRange(range: string): number {
  const match = /^(\d+)-(\d+)$/.exec(range)
  if (match === null) throw new TransferError(`the manifest names a range that cannot be read: ${range}`)
  return Number(match[2]) - Number(match[1]) + 1
}

// --- dynamic large objects (pithos dossier 14.3) --------------------------------------------------------------

/** Its segments are fetched one by one: in one request, the server holds them back. */
function describeDynamic(order: Order, info: ObjectInfo): Observable<Content> {
  const { account } = order.name
  const { manifest = '' } = info
  const slash = manifest.indexOf('/')
  const container = {
    ...(account === undefined ? {} : { account }),
    container: slash < 0 ? manifest : manifest.slice(0, slash),
  }
  const prefix = slash < 0 ? '' : manifest.slice(slash + 1)
  return listAllObjects(order.api, container, prefix === '' ? {} : { prefix }, {}, told(order)).pipe(
    filter(isFilled),
    map((item) => {
      const { name, bytes, hash = '' } = item
      const tag = item['slo_etag']
      const isLarge = typeof tag === 'string'
      return {
        length: bytes,
        md5: !isLarge && md5Pattern.test(hash) ? hash : undefined,
        name: { ...container, object: name },
        etag: isLarge ? tag : hash === '' ? undefined : hash,
      }
    }),
    toArray(),
    map((segments) =>
      contentOf(segments, info, ({ name, etag }, start) => ({ name, etag, start, version: undefined })),
    ),
  )
}

function isFilled(item: ListItem): item is ObjectItem {
  return typeof item.name === 'string' && item.bytes !== 0
}

function contentOf<S extends SizedSegment>(
  segments: readonly S[],
  info: ObjectInfo,
  place: (segment: S, start: number) => Place,
): Content {
  let size = 0
  const parts = segments.map((segment, index) => {
    const { length, md5 } = segment
    const offset = size
    size += length
    return { index, offset, length, md5, place: place(segment, offset) }
  })
  return { size, parts, isPlain: false, info: { ...info, bytes: size }, isListed: false }
}
