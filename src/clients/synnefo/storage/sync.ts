import { join } from 'node:path'
import {
  catchError,
  concat,
  concatMap,
  defer,
  filter,
  ignoreElements,
  map,
  of,
  range,
  throwError,
  toArray,
  type Observable,
} from 'rxjs'
import { isHttpError } from '../../../errors.js'
import { openDestination, type DestinationFolder } from '../../../streams/destination-folder.js'
import { feedAfter, mapFeed, mergeFeeds, type Feed, type Pair } from '../../../streams/feed.js'
import { isDirectory, walkFolder, type FolderEntry } from '../../../streams/folder.js'
import type { IgnoreTest } from '../../../streams/ignore-patterns.js'
import type { FileAction, TransferManyEvent } from '../../../streams/many-events.js'
import { cloudErrorOf, type ManyLabel } from '../../../streams/many-report.js'
import { createPathPrefixes } from '../../../streams/path-prefixes.js'
import { requestOptions } from '../../../streams/transfer.js'
import {
  transferMany,
  type Afterwards,
  type Move,
  type MoveEvent,
  type TellRetry,
  type Work,
} from '../../../streams/transfer-many.js'
import { downloadWork, localSide } from './download-many.js'
import {
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
import type { ObjectInfo, ObjectItem } from './schemas.js'
import { isNoContainer, symlinksOf, uploadOf, type UploadManyOptions } from './upload-many.js'

export interface SyncOptions extends ManyOptions {
  /**
   * Whether what the other side has more is removed from it, when all else has succeeded. What is ignored or skipped stays.
   * Default `false`.
   */
  readonly remove?: boolean
  /** Only tells what would be done. Default `false`. */
  readonly dryRun?: boolean
}
export type SyncUpOptions = SyncOptions & UploadManyOptions

/** Names in one request to remove them. */
const REMOVED_TOGETHER = 1_000

type Matched = Pair<FolderEntry, ListedObject>

/**
 * Makes the objects below a prefix what the files of a folder are: uploads what is not there, or is of another size or another
 * content, by hash.
 *
 * Emits what `uploadMany` emits; files that are there already are `unchanged`. Errors and teardown are the same; nothing is
 * removed before everything else has succeeded.
 */
export function syncUp(
  storage: ManyStorage,
  folder: string | URL,
  target: FolderTarget,
  options: SyncUpOptions = {},
): Observable<TransferManyEvent<ObjectInfo>> {
  const path = folderPath(folder)
  const place = folderPlace(target, 'target')
  const symlinks = symlinksOf(options)
  const ignored = ignoring(options)
  const label = labelFor(storage, 'syncUp', `sync of ${path} to ${place.label}`)
  return transferMany(storage.runtime, options, label, (retrying) => {
    const extras: string[] = []
    const markers: string[] = []
    const kept = createPathPrefixes()
    const listed = listFolder(storage, place, requestOptions(options, retrying))

    const workOf = ({ left, right }: Matched): Work<ObjectInfo> | undefined => {
      if (left === undefined) {
        const isExtra = right !== undefined && options.remove === true && !kept.hold(right.path)
        if (isExtra) (isDirectoryMarker(right.item) ? markers : extras).push(right.path)
        return undefined
      }
      if (left.kind === 'skipped') kept.add(left.path)
      if (left.kind !== 'file') return left
      const upload = uploadOf(storage, place, options, left)
      return unlessSame(storage, place, options, retrying, upload, left, right?.item)
    }
    const feed = feedAfter(() =>
      ignored.pipe(
        map((test) => {
          const walked = walkFolder(path, { symlinks, ignored: test })
          return mapFeed(mergeFeeds(walked, unlessIgnored(listed, test)), workOf)
        }),
      ),
    )

    const remove = removal(storage, place, options, retrying)
    const afterwards = defer(() =>
      concat(
        remove(extras),
        remove(markers, (name) => isFolderIn(path, name)),
      ),
    )
    return { feed, afterwards, isFatal: isNoContainer }
  })
}

/**
 * Makes the files of a folder what the objects below a prefix are: downloads what is not there, or is of another size or
 * another content, by hash.
 *
 * Emits what `downloadMany` emits; files that are there already are `unchanged`. Errors and teardown are the same; nothing is
 * removed before everything else has succeeded.
 */
export function syncDown(
  storage: ManyStorage,
  target: FolderTarget,
  folder: string | URL,
  options: SyncOptions = {},
): Observable<TransferManyEvent<ObjectInfo>> {
  const place = folderPlace(target, 'target')
  const path = folderPath(folder)
  const ignored = ignoring(options)
  const { dryRun = false } = options
  const label = labelFor(storage, 'syncDown', `sync of ${place.label} to ${path}`)
  return transferMany(storage.runtime, options, label, (retrying) => {
    const extras: string[] = []
    const directories = new Set<string>()
    const listed = listFolder(storage, place, requestOptions(options, retrying))

    const begin = (test: IgnoreTest, destination: DestinationFolder): Feed<Work<ObjectInfo>> => {
      const side = localSide(destination)
      const workOf = ({ left, right }: Matched): Work<ObjectInfo> | undefined => {
        if (right !== undefined) {
          const work = downloadWork(storage, place, options, side, right)
          if (isDirectoryMarker(right.item)) directories.add(right.path.replace(/\/$/, ''))
          if (left?.kind === 'failed') return left
          return work?.kind === 'move'
            ? unlessSame(storage, place, options, retrying, work, left, right.item)
            : work
        }
        if (left?.kind !== 'file') return left
        if (options.remove === true) extras.push(left.path)
        return undefined
      }
      const walked = walkFolder(path, { symlinks: 'skip', ignored: test, mayBeMissing: dryRun })
      return mapFeed(mergeFeeds(walked, unlessIgnored(listed, test)), workOf)
    }

    let destination: DestinationFolder | undefined
    const feed = feedAfter(() =>
      ignored.pipe(
        concatMap((test) =>
          defer(() => openDestination(path, { dryRun })).pipe(
            map((opened) => {
              destination = opened
              return begin(test, opened)
            }),
          ),
        ),
      ),
    )
    const afterwards = defer(() => clear(destination, extras, directories, dryRun))
    return { feed, afterwards }
  })
}

function labelFor({ cloud, id }: ManyStorage, verb: string, what: string): ManyLabel {
  return { what, cloud, operation: `${id}.${verb}` }
}

function unlessIgnored(listed: Feed<ListedObject>, ignored: IgnoreTest): Feed<ListedObject> {
  return mapFeed(listed, (object) => (isIgnored(ignored, object) ? undefined : object))
}

/** Moves a file only if the other side has not the same. */
function unlessSame(
  storage: ManyStorage,
  { container }: FolderPlace,
  options: SyncOptions,
  retrying: TellRetry,
  work: Move<ObjectInfo>,
  local: FolderEntry | undefined,
  item: ObjectItem | undefined,
): Move<ObjectInfo> {
  const told = requestOptions(options, (retry) => {
    retrying(retry, work.path)
  })
  const move = (parts: number): Observable<MoveEvent<ObjectInfo>> =>
    options.dryRun === true ? settled(work.action) : work.move(parts)
  if (local?.kind !== 'file' || item?.bytes !== local.bytes || isDirectoryMarker(item))
    return { ...work, move }
  const compared = defer(() =>
    storage.isSame(local.location, { ...container, object: item.name }, item, told),
  ).pipe(
    // It is gone since it was listed.
    catchError((error: unknown) => (isHttpError(error, 404) ? of(false) : throwError(() => error))),
  )
  return {
    ...work,
    move: (parts) => compared.pipe(concatMap((isSame) => (isSame ? settled('unchanged') : move(parts)))),
  }
}

function settled(action: FileAction): Observable<MoveEvent<ObjectInfo>> {
  return of({ kind: 'settled', action })
}

// --- removal ------------------------------------------------------------------------------------------------

/** Removes the objects of these paths, but for those that are to be kept. */
function removal(
  storage: ManyStorage,
  { container, base }: FolderPlace,
  options: SyncOptions,
  retrying: TellRetry,
): (paths: readonly string[], isKept?: (path: string) => Observable<boolean>) => Observable<Afterwards> {
  const request = requestOptions(options, retrying)
  const removeBatch = (batch: readonly string[]): Observable<Afterwards> => {
    const names = batch.map((path) => base + path)
    const told = of(...batch.map((path) => ({ kind: 'removed', path }) as const))
    if (options.dryRun === true || batch.length === 0) return told
    return concat(storage.removeAll(container, names, request).pipe(ignoreElements()), told)
  }
  return (paths, isKept = () => of(false)) =>
    range(0, Math.ceil(paths.length / REMOVED_TOGETHER)).pipe(
      concatMap((index) =>
        each(paths.slice(index * REMOVED_TOGETHER, (index + 1) * REMOVED_TOGETHER)).pipe(
          concatMap((path) =>
            isKept(path).pipe(
              filter((isKeeper) => !isKeeper),
              map(() => path),
            ),
          ),
          toArray(),
        ),
      ),
      concatMap(removeBatch),
    )
}

function isFolderIn(folder: string, path: string): Observable<boolean> {
  return defer(() => isDirectory(join(folder, path)))
}

/** Removes the files of these paths, and the directories that are empty then, but for those that the server has. */
function clear(
  destination: DestinationFolder | undefined,
  paths: readonly string[],
  directories: ReadonlySet<string>,
  dryRun: boolean,
): Observable<Afterwards> {
  const removed = (path: string): Afterwards => ({ kind: 'removed', path })
  if (destination === undefined || dryRun) return each(paths).pipe(map(removed))
  const files = each(paths).pipe(
    concatMap((path) =>
      defer(() => destination.remove(path)).pipe(
        map(() => removed(path)),
        catchError((error: unknown) => of({ kind: 'failed', path, error: cloudErrorOf(error) } as const)),
      ),
    ),
  )
  const emptied = defer(() => destination.removeEmpty(paths.map(directoryOf), directories))
  return concat(files, emptied.pipe(ignoreElements()))
}

function directoryOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

function each<T>(items: readonly T[]): Observable<T> {
  return range(0, items.length).pipe(concatMap((index) => items.slice(index, index + 1)))
}
