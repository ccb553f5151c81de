import { concatMap, defer, map, type Observable } from 'rxjs'
import { TransferError } from '../../../errors.js'
import { openDestination, type DestinationFolder } from '../../../streams/destination-folder.js'
import type { TransferEvent } from '../../../streams/events.js'
import { feedAfter, mapFeed, type Feed } from '../../../streams/feed.js'
import type { IgnoreTest } from '../../../streams/ignore-patterns.js'
import { createLocalNames, type LocalNames } from '../../../streams/local-names.js'
import type { TransferManyEvent } from '../../../streams/many-events.js'
import { requestOptions } from '../../../streams/transfer.js'
import { transferMany, type Settled, type Work } from '../../../streams/transfer-many.js'
import {
  fileOptions,
  folderPath,
  folderPlace,
  ignoring,
  isDirectoryMarker,
  isIgnored,
  listFolder,
  type FolderPlace,
  type FolderTarget,
  type ListedObject,
  type ManyOptions,
  type ManyStorage,
} from './many-storage.js'
import type { ObjectInfo } from './schemas.js'

export interface DownloadManyOptions extends ManyOptions {
  /**
   * What a prefix stands for: `'directory'` is what is below it, so that `a/b` has `a/b/c` but not `a/bc`; `'text'` is every name
   * that begins so, and paths begin after its last `/`. Default `'directory'`.
   */
  readonly match?: 'directory' | 'text'
}

/**
 * Downloads all objects below a prefix: `prefix/a/b.txt` becomes `a/b.txt` in the folder, which is made if it is not there.
 *
 * Emits `planned`, `progress`, a `file` for each object, and `done`. A name that can be no file below the folder is `failed`, and
 * so is all else that concerns one object; at the end that is a `TransferError`. Unsubscribing closes all requests and files.
 */
export function downloadMany(
  storage: ManyStorage,
  target: FolderTarget,
  folder: string | URL,
  options: DownloadManyOptions = {},
): Observable<TransferManyEvent<ObjectInfo>> {
  const place = folderPlace(target, 'target', matchOf(options))
  const path = folderPath(folder)
  const ignored = ignoring(options)
  const label = {
    what: `download of ${place.label} to ${path}`,
    cloud: storage.cloud,
    operation: `${storage.id}.downloadMany`,
  }
  return transferMany(storage.runtime, options, label, (retrying) => {
    const listed = listFolder(storage, place, requestOptions(options, retrying))
    const opened = (test: IgnoreTest, side: LocalSide): Feed<Work<ObjectInfo>> =>
      mapFeed(listed, (object) =>
        isIgnored(test, object) ? undefined : downloadWork(storage, place, options, side, object),
      )
    const work = feedAfter(() =>
      ignored.pipe(
        concatMap((test) =>
          defer(() => openDestination(path)).pipe(map((destination) => opened(test, localSide(destination)))),
        ),
      ),
    )
    return { feed: work }
  })
}

function matchOf({ match = 'directory' }: DownloadManyOptions): 'directory' | 'text' {
  if (['directory', 'text'].includes(match)) return match
  throw new TypeError(`options.match: expected 'directory' or 'text', not ${match}`)
}

/** Where objects become files. */
export interface LocalSide {
  readonly destination: DestinationFolder
  readonly names: LocalNames
}

export function localSide(destination: DestinationFolder): LocalSide {
  const windows = process.platform === 'win32'
  return { destination, names: createLocalNames({ windows, folds: destination.folds }) }
}

/** What is to be done for an object, asked for in the order of the listing; nothing for the folder itself. */
export function downloadWork(
  storage: ManyStorage,
  { container }: FolderPlace,
  options: ManyOptions,
  { destination, names }: LocalSide,
  { path, item }: ListedObject,
): Work<ObjectInfo> | undefined {
  const isDirectory = isDirectoryMarker(item)
  const local = isDirectory ? path.replace(/\/$/, '') : path
  if (isDirectory && local === '') return undefined
  const problem = names(local, isDirectory ? 'directory' : 'file')
  if (problem !== undefined) {
    return { kind: 'failed', path, error: new TransferError(`cannot write ${path}: ${problem}`) }
  }
  const makeDirectory = (): Observable<Settled> =>
    defer(() => destination.makeDirectory(local)).pipe(
      map((isNew) => ({ kind: 'settled', action: isNew ? 'downloaded' : 'unchanged' })),
    )
  const download = (parts: number): Observable<TransferEvent<ObjectInfo>> =>
    defer(() => destination.place(local)).pipe(
      concatMap((location) =>
        storage.download({ ...container, object: item.name }, location, fileOptions(options, parts), item),
      ),
    )
  const move = isDirectory ? makeDirectory : download
  return { kind: 'move', path, bytes: item.bytes, action: 'downloaded', move }
}
