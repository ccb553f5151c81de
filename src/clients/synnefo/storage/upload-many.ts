import { map, type Observable } from 'rxjs'
import { isHttpError, type CloudError } from '../../../errors.js'
import { feedAfter, mapFeed } from '../../../streams/feed.js'
import { walkFolder, type FolderEntry, type Symlinks } from '../../../streams/folder.js'
import type { TransferManyEvent } from '../../../streams/many-events.js'
import { transferMany, type Move, type Work } from '../../../streams/transfer-many.js'
import {
  fileOptions,
  folderPath,
  folderPlace,
  ignoring,
  type FolderPlace,
  type FolderTarget,
  type ManyOptions,
  type ManyStorage,
} from './many-storage.js'
import type { ObjectInfo } from './schemas.js'

export interface UploadManyOptions extends ManyOptions {
  /** What becomes of symbolic links: passed over, followed inside of the folder, or failures. Default `'skip'`. */
  readonly symlinks?: Symlinks
  /** Of the object that is made of the file of this path. Default: that of a single upload. */
  readonly contentType?: (path: string) => string | undefined
}

/**
 * Uploads all files below a folder: `a/b.txt` in it becomes `prefix/a/b.txt`.
 *
 * Emits `planned`, `progress`, a `file` for each file, and `done`. Errors: what concerns all files at once; what concerns
 * one is `failed`, and at the end a `TransferError`. Unsubscribing closes all requests and files.
 */
export function uploadMany(
  storage: ManyStorage,
  folder: string | URL,
  target: FolderTarget,
  options: UploadManyOptions = {},
): Observable<TransferManyEvent<ObjectInfo>> {
  const path = folderPath(folder)
  const place = folderPlace(target, 'target')
  const symlinks = symlinksOf(options)
  const ignored = ignoring(options)
  const label = {
    what: `upload of ${path} to ${place.label}`,
    cloud: storage.cloud,
    operation: `${storage.id}.uploadMany`,
  }
  return transferMany(storage.runtime, options, label, () => {
    const entries = feedAfter(() =>
      ignored.pipe(map((test) => walkFolder(path, { symlinks, ignored: test }))),
    )
    return {
      feed: mapFeed(entries, (entry) => uploadWork(storage, place, options, entry)),
      isFatal: isNoContainer,
    }
  })
}

export function symlinksOf({ symlinks = 'skip' }: UploadManyOptions): Symlinks {
  if (['skip', 'follow', 'error'].includes(symlinks)) return symlinks
  throw new TypeError(`options.symlinks: expected 'skip', 'follow' or 'error', not ${symlinks}`)
}

/** An upload is told of no other missing thing. */
export function isNoContainer(error: CloudError): boolean {
  return isHttpError(error, 404) || isHttpError(error.cause, 404)
}

function uploadWork(
  storage: ManyStorage,
  place: FolderPlace,
  options: UploadManyOptions,
  entry: FolderEntry,
): Work<ObjectInfo> {
  return entry.kind === 'file' ? uploadOf(storage, place, options, entry) : entry
}

/** The upload of a file, done when it is asked for. */
export function uploadOf(
  storage: ManyStorage,
  { container, base }: FolderPlace,
  options: UploadManyOptions,
  { path, location, bytes }: Extract<FolderEntry, { readonly kind: 'file' }>,
): Move<ObjectInfo> {
  return {
    kind: 'move',
    path,
    bytes,
    action: 'uploaded',
    move: (parts) => {
      const contentType = options.contentType?.(path)
      return storage.upload(
        location,
        { ...container, object: base + path },
        {
          ...fileOptions(options, parts),
          ...(contentType === undefined ? {} : { contentType }),
        },
      )
    },
  }
}
