import { concatMap, defer, every, map, of, range, type Observable } from 'rxjs'
import { TransferError } from '../../../errors.js'
import { call } from '../../../http/api.js'
import { digestPieces, PIECE_SIZE, readPieces } from '../../../streams/pieces.js'
import { withResource } from '../../../streams/resource.js'
import { sourceOf, type OpenSource } from '../../../streams/sources.js'
import type { ManyStorage } from '../storage/many-storage.js'
import type { ObjectItem } from '../storage/schemas.js'
import { downloadFromSwift } from './download/download.js'
import type { Features } from './features.js'
import { getManifest, type ListedSegment } from './large-object-operations.js'
import { listAllSwiftObjects } from './listing.js'
import { removeManyObjects } from './removing.js'
import { uploadToSwift, type SwiftTransfers } from './upload/upload.js'

/** What Swift does for those who move many files. */
export function createSwiftMany(transfers: SwiftTransfers, features: Features): ManyStorage {
  const { api, hasher } = transfers
  const digest = (source: OpenSource, offset: number, length: number): Observable<string> => {
    const buffer = new Uint8Array(new SharedArrayBuffer(2 * PIECE_SIZE))
    const pieces = readPieces(source, { offset, length, buffer, tooShort })
    return defer(() => digestPieces(hasher, 'md5', pieces))
  }
  const hasSegments = (source: OpenSource, segments: readonly ListedSegment[]): Observable<boolean> => {
    let offset = 0
    return range(0, segments.length).pipe(
      concatMap((index) => {
        const segment = segments[index]
        // Of parts of segments, and of large objects among them, no hash is told.
        if (!isProven(segment)) return of(false)
        const { hash, bytes } = segment
        offset += bytes
        return digest(source, offset - bytes, bytes).pipe(map((md5) => md5 === hash))
      }),
      every((isSame) => isSame),
    )
  }
  return {
    cloud: api.cloud,
    id: 'openstack.storage',
    runtime: api.runtime,
    list: (container, filter, options) => listAllSwiftObjects(api, container, filter, options),
    upload: (path, target, options) => uploadToSwift(transfers, path, target, options),
    download: (target, path, options, known) => downloadFromSwift(transfers, target, path, options, known),
    removeAll: (container, names, options) =>
      removeManyObjects(api, features, container, names, options).pipe(map(() => undefined)),
    isSame: (path, target, known, options) =>
      withResource(
        () => sourceOf(path, 'path').open(),
        (source) =>
          isLarge(known)
            ? call(api, getManifest, { name: target }, options).pipe(
                concatMap((segments) => hasSegments(source, segments)),
              )
            : digest(source, 0, known.bytes).pipe(map((md5) => md5 === known.hash)),
      ),
  }
}

function isLarge(item: ObjectItem): boolean {
  return item['slo_etag'] !== undefined
}

/** Whether the hash in the manifest is that of the bytes which the segment adds. */
function isProven(
  segment: ListedSegment | undefined,
): segment is Extract<ListedSegment, { readonly hash: string }> {
  return segment !== undefined && 'hash' in segment && segment.range === undefined && segment.sub_slo !== true
}

function tooShort(): TransferError {
  return new TransferError('the file has changed while it was compared')
}
