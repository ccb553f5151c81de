import { defer, EMPTY, filter, of, take, toArray, concatMap, type Observable } from 'rxjs'
import { TransferError, type CloudName } from '../../../errors.js'
import type { CallOptions } from '../../../http/types.js'
import type { Runtime } from '../../../runtime.js'
import type { TransferEvent } from '../../../streams/events.js'
import type { Feed } from '../../../streams/feed.js'
import { ignoreTest, type IgnoreTest } from '../../../streams/ignore-patterns.js'
import { pathOf } from '../../../streams/sources.js'
import { requestOptions, type TransferOptions } from '../../../streams/transfer.js'
import type { TransferManyOptions } from '../../../streams/transfer-many.js'
import { compareUtf8 } from '../../../streams/utf8-order.js'
import { containerName, labelOf, objectName, type ContainerName, type ObjectName } from './names.js'
import type { ListItem, ObjectFilter, ObjectInfo, ObjectItem } from './schemas.js'
import type { DownloadOptions, UploadOptions } from './transfer-options.js'

/** What a store must be able to do for many files to be moved. */
export interface ManyStorage {
  readonly cloud: CloudName
  /** `synnefo.pithos`: what the names of operations begin with. */
  readonly id: string
  readonly runtime: Runtime
  /** Objects in the order of the bytes of their names, those after `marker`. */
  list(container: ContainerName, filter: ObjectFilter, options: CallOptions): Observable<ListItem>
  upload(path: string, target: ObjectName, options: UploadOptions): Observable<TransferEvent<ObjectInfo>>
  /** @param known - the object as it was listed */
  download(
    target: ObjectName,
    path: string,
    options: DownloadOptions,
    known: ObjectItem,
  ): Observable<TransferEvent<ObjectInfo>>
  /** Removes objects; those that are not there are as good. */
  removeAll(container: ContainerName, names: readonly string[], options: CallOptions): Observable<void>
  /** Whether a file has the content of an object of its size: by hash, never by time. */
  isSame(path: string, target: ObjectName, known: ObjectItem, options: CallOptions): Observable<boolean>
}

/** A container, or what is below a prefix in it: `'container'`, `'container/prefix'`, split at the first `/`; or the parts. */
export type FolderTarget = string | FolderName
export interface FolderName extends ContainerName {
  readonly prefix?: string
}

/** What all that move many files have in common. */
export interface ManyOptions extends TransferManyOptions {
  /** Patterns, as `.gitignore` has them, of what is left out on both sides. */
  readonly ignore?: readonly string[]
}

/** Where in a container the files of a folder are. */
export interface FolderPlace {
  readonly container: ContainerName
  /** What the names of all objects begin with. */
  readonly prefix: string
  /** What comes before the path of a file in the name of its object. */
  readonly base: string
  /** For messages. */
  readonly label: string
}

/**
 * Reads a target; throws a `TypeError` that names the argument if it does not name a container.
 *
 * @param match - whether the prefix is a directory, or the beginning of names
 */
export function folderPlace(
  target: FolderTarget,
  argument: string,
  match: 'directory' | 'text' = 'directory',
): FolderPlace {
  const { prefix: given = '', ...container } = typeof target === 'string' ? splitTarget(target) : target
  containerName(container, argument)
  const closed = given === '' || given.endsWith('/') ? given : `${given}/`
  objectName({ ...container, object: `${closed}x` }, argument)
  const prefix = match === 'text' ? given : closed
  const base = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  return { container, prefix, base, label: labelOf({ ...container, object: prefix }) }
}

function splitTarget(target: string): FolderName {
  const slash = target.indexOf('/')
  if (slash < 0) return { container: target }
  return { container: target.slice(0, slash), prefix: target.slice(slash + 1) }
}

/** Reads a folder; throws a `TypeError` if it is none. */
export function folderPath(folder: string | URL): string {
  if (folder instanceof URL) return pathOf(folder, 'folder')
  if (typeof folder === 'string' && folder !== '') return folder
  throw new TypeError('folder: expected a path or a file URL')
}

/** Of the transfer of one file: retries are told by its events, and the signal is that of the whole. */
export function fileOptions(options: ManyOptions, parts: number): TransferOptions {
  const { onRetry: _told, ...request } = requestOptions(options, () => undefined)
  return { ...request, concurrency: parts }
}

/** Reads the patterns, when it is subscribed to. Throws a `TypeError` if they are none. */
export function ignoring({ ignore = [] }: ManyOptions): Observable<IgnoreTest> {
  if (!Array.isArray(ignore) || !ignore.every((pattern) => typeof pattern === 'string')) {
    throw new TypeError('options.ignore: expected a list of patterns')
  }
  return defer(() => ignoreTest(ignore))
}

/** The objects that stand for directories: empty, and of this type (pithos dossier 7.2). */
export function isDirectoryMarker({ bytes, content_type: type = '' }: ObjectItem): boolean {
  return bytes === 0 && /^application\/(directory|folder)\s*(;|$)/i.test(type)
}

/** An object, with its path below the folder. */
export interface ListedObject {
  readonly path: string
  readonly item: ObjectItem
}

/** Whether an object is left out, by the patterns that leave out files. */
export function isIgnored(ignored: IgnoreTest, { path, item }: ListedObject): boolean {
  return isDirectoryMarker(item) ? ignored(path.replace(/\/$/, ''), true) : ignored(path, false)
}

/** Entries of one page; no more are held. */
const PAGE = 10_000

/** The objects whose names begin with the prefix, a page at a time. */
export function listFolder(
  storage: ManyStorage,
  { container, prefix, base, label }: FolderPlace,
  options: CallOptions,
): Feed<ListedObject> {
  let last: string | undefined
  let isLastPage = false
  const listed = (item: ObjectItem): ListedObject => {
    // Two sides are compared, and pages follow each other, by this order.
    if (last !== undefined && compareUtf8(last, item.name) >= 0) {
      throw new TransferError(
        `the objects of ${label} are not listed in the order of their bytes: ${item.name}`,
      )
    }
    last = item.name
    return { path: item.name.slice(base.length), item }
  }
  return () => {
    if (isLastPage) return EMPTY
    const wanted = { ...(prefix === '' ? {} : { prefix }), ...(last === undefined ? {} : { marker: last }) }
    return storage.list(container, { ...wanted, limit: PAGE }, options).pipe(
      take(PAGE),
      filter(isObject),
      toArray(),
      concatMap((page) => {
        isLastPage = page.length < PAGE
        return page.length === 0 ? EMPTY : of(page.map(listed))
      }),
    )
  }
}

function isObject(item: ListItem): item is ObjectItem {
  return typeof item.name === 'string'
}
