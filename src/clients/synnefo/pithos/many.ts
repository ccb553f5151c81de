import { catchError, concatMap, EMPTY, map, mergeMap, of, range, throwError } from 'rxjs'
import { isHttpError } from '../../../errors.js'
import { call, type Api } from '../../../http/api.js'
import type { Hasher } from '../../../streams/hasher.js'
import { listAllObjects } from '../storage/listing.js'
import type { ManyStorage } from '../storage/many-storage.js'
import { deleteObject } from '../storage/object-operations.js'
import { createBlockShapes } from './block-shapes.js'
import { contentRoot } from './content-root.js'
import { download } from './download/download.js'
import { upload } from './upload/upload.js'

/** Objects that are removed at a time: Pithos has no request for many. */
const REMOVED_AT_A_TIME = 8

/** What Pithos does for those who move many files. */
export function createPithosMany(parts: { readonly api: Api; readonly hasher: Hasher }): ManyStorage {
  const { api, hasher } = parts
  const shapes = createBlockShapes(api)
  return {
    cloud: api.cloud,
    id: 'synnefo.pithos',
    runtime: api.runtime,
    list: (container, filter, options) => listAllObjects(api, container, filter, {}, options),
    upload: (path, target, options) => upload(parts, path, target, options, 'in one request'),
    download: (target, path, options, item) => download(parts, target, path, options, { item, shapes }),
    removeAll: (container, names, options) =>
      range(0, names.length).pipe(
        mergeMap((index) => {
          const name = { ...container, object: names[index] ?? '' }
          return call(api, deleteObject, { name }, options).pipe(
            catchError((error: unknown) => (isHttpError(error, 404) ? EMPTY : throwError(() => error))),
          )
        }, REMOVED_AT_A_TIME),
      ),
    isSame: (path, target, item, options) =>
      item.x_object_hash === undefined
        ? of(false)
        : shapes.of(target, options).pipe(
            concatMap((shape) => contentRoot(hasher, path, shape)),
            map((root) => root === item.x_object_hash),
          ),
  }
}
