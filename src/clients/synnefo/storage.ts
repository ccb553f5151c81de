import type { Observable } from 'rxjs'
import type { CallOptions } from '../../http/types.js'
import type { TransferEvent } from '../../streams/events.js'
import type { TransferManyEvent } from '../../streams/many-events.js'
import type { SinkInput } from '../../streams/sinks.js'
import type { SourceInput } from '../../streams/sources.js'
import type { Content } from './storage/content.js'
import type { ContainerTarget, ObjectTarget } from './storage/names.js'
import type {
  ChangeOptions,
  CopyOptions,
  InfoOptions,
  ObjectChangeOptions,
  ObjectInfoOptions,
  ReadOptions,
  WriteOptions,
} from './storage/options.js'
import type {
  AccountChanges,
  AccountInfo,
  ContainerChanges,
  ContainerFilter,
  ContainerInfo,
  ContainerItem,
  ContainerSettings,
  ListItem,
  ObjectChanges,
  ObjectContent,
  ObjectFilter,
  ObjectInfo,
  PutObject,
} from './storage/schemas.js'
import type { DownloadManyOptions } from './storage/download-many.js'
import type { FolderTarget } from './storage/many-storage.js'
import type { SyncOptions, SyncUpOptions } from './storage/sync.js'
import type { UploadManyOptions } from './storage/upload-many.js'
import type { DownloadOptions, UploadOptions } from './storage/transfer-options.js'

/**
 * What every dialect of the object store can do. All methods are cold. Wrong targets and arguments throw a `TypeError` that names them.
 * A condition that is not met is an `HttpError` of status 304 (`ifNoneMatch` and `ifModifiedSince` when reading) or 412.
 */
export interface Storage {
  readonly account: StorageAccount
  readonly containers: Containers
  /** Emits the objects of a container, and `{ subdir }` for what a delimiter cuts off; pages are requested as they are needed. */
  list(container: ContainerTarget, filter?: ObjectFilter, options?: InfoOptions): Observable<ListItem>
  /** Emits what is known of an object. One request. */
  info(target: ObjectTarget, options?: ObjectInfoOptions): Observable<ObjectInfo>
  /**
   * Emits an object, or part of it, held in memory. One request. What is larger than `limit` is a `ResponseFormatError`: for that
   * there is `download`.
   */
  read(target: ObjectTarget, options?: ReadOptions): Observable<ObjectContent>
  /**
   * Makes an object of a text, bytes, a `Blob` or a stream, in one request. What is at hand is verified by the server (422), and
   * sent again after a failure on the way; a stream is neither. For what is large there is `upload`.
   */
  write(target: ObjectTarget, content: Content, options?: WriteOptions): Observable<PutObject>
  /** Makes an empty object that stands for a directory. */
  createDirectory(target: ObjectTarget, options?: WriteOptions): Observable<PutObject>
  /** Makes an object that reads as all objects whose names begin with `parts` (`'container/prefix'`), in the order of their names. */
  createManifest(target: ObjectTarget, parts: ObjectTarget, options?: WriteOptions): Observable<PutObject>
  /** Changes what is kept with an object, not its content. */
  update(target: ObjectTarget, changes: ObjectChanges, options?: ObjectChangeOptions): Observable<void>
  /** Copies an object, with its metadata, on the server. */
  copy(from: ObjectTarget, to: ObjectTarget, options?: CopyOptions): Observable<PutObject>
  /** Moves an object on the server. */
  move(from: ObjectTarget, to: ObjectTarget, options?: Omit<CopyOptions, 'version'>): Observable<PutObject>
  /** Removes an object. */
  remove(target: ObjectTarget, options?: CallOptions): Observable<void>
  /** Makes an object of a file, bytes or a stream, sending only what the server lacks; see `docs/transfers.md`. */
  upload(
    source: SourceInput,
    target: ObjectTarget,
    options?: UploadOptions,
  ): Observable<TransferEvent<ObjectInfo>>
  /** Fetches what the destination lacks of an object, verified; see `docs/transfers.md`. */
  download(
    target: ObjectTarget,
    destination: SinkInput,
    options?: DownloadOptions,
  ): Observable<TransferEvent<ObjectInfo>>
  /** Uploads all files below a folder: `a/b.txt` in it becomes `prefix/a/b.txt`; see `docs/transfers.md`. */
  uploadMany(
    folder: string | URL,
    target: FolderTarget,
    options?: UploadManyOptions,
  ): Observable<TransferManyEvent<ObjectInfo>>
  /** Downloads all objects below a prefix into a folder, out of which no name leads; see `docs/transfers.md`. */
  downloadMany(
    target: FolderTarget,
    folder: string | URL,
    options?: DownloadManyOptions,
  ): Observable<TransferManyEvent<ObjectInfo>>
  /** Uploads what differs, by size or by hash; with `remove`, removes the objects that are no files. */
  syncUp(
    folder: string | URL,
    target: FolderTarget,
    options?: SyncUpOptions,
  ): Observable<TransferManyEvent<ObjectInfo>>
  /** Downloads what differs, by size or by hash; with `remove`, removes the files that are no objects. */
  syncDown(
    target: FolderTarget,
    folder: string | URL,
    options?: SyncOptions,
  ): Observable<TransferManyEvent<ObjectInfo>>
}

/** An account, which holds containers: the user's own, or one that is named. */
export interface StorageAccount {
  /** Emits what is known of an account. One request. */
  get(options?: InfoOptions & { readonly account?: string }): Observable<AccountInfo>
  /** Changes what is kept with the user's own account. */
  update(changes: AccountChanges, options?: ChangeOptions): Observable<void>
}

/** The containers of an account. */
export interface Containers {
  /** Emits each container; pages are requested as they are needed. */
  list(filter?: ContainerFilter, options?: InfoOptions): Observable<ContainerItem>
  /** Emits what is known of a container. One request. */
  get(container: ContainerTarget, options?: InfoOptions): Observable<ContainerInfo>
  /** Creates a container, or changes the settings of the one that is there; emits which of the two. */
  create(
    container: ContainerTarget,
    settings?: ContainerSettings,
    options?: CallOptions,
  ): Observable<{ readonly created: boolean }>
  /** Changes the settings of a container. */
  update(container: ContainerTarget, changes: ContainerChanges, options?: ChangeOptions): Observable<void>
  /** Removes an empty container; a 409 if it is not. */
  remove(container: ContainerTarget, options?: CallOptions): Observable<void>
  /** Removes all objects of a container; it stays. */
  clear(container: ContainerTarget, options?: CallOptions): Observable<void>
}
