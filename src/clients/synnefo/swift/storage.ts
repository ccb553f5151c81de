import type { Observable } from 'rxjs'
import type { Api, Endpoint } from '../../../http/api.js'
import type { CallOptions } from '../../../http/types.js'
import type { TransferEvent } from '../../../streams/events.js'
import type { Hasher } from '../../../streams/hasher.js'
import type { SourceInput } from '../../../streams/sources.js'
import type { Containers, Storage, StorageAccount } from '../storage.js'
import type { Content } from '../storage/content.js'
import { manyMethods } from '../storage/many.js'
import { objectName, type ContainerTarget, type ObjectName, type ObjectTarget } from '../storage/names.js'
import type { ByteRange, ChangeOptions } from '../storage/options.js'
import type { AccountChanges, ContainerItem, ObjectInfo, PutObject } from '../storage/schemas.js'
import { changeSwiftAccount, readSwiftAccount } from './account.js'
import { changeSwiftObject } from './changing.js'
import { clearSwiftContainer } from './clearing.js'
import {
  changeSwiftContainer,
  createSwiftContainer,
  listAllSwiftContainers,
  readSwiftContainer,
  removeSwiftContainer,
} from './containers.js'
import { copySwiftObject, moveSwiftObject, restoreSwiftVersion, type SwiftMoveOptions } from './copying.js'
import { downloadFromSwift } from './download/download.js'
import { createFeatures } from './features.js'
import { createSwiftLimits } from './limits.js'
import { listAllSwiftObjects, readSwiftVersions } from './listing.js'
import type {
  SwiftChangeOptions,
  SwiftContainerChanges,
  SwiftContainerFilter,
  SwiftContainerSettings,
  SwiftCopyOptions,
  SwiftInfoOptions,
  SwiftObjectChanges,
  SwiftObjectFilter,
  SwiftReadOptions,
  SwiftRemoveOptions,
  SwiftWriteOptions,
  TemporaryUrlKeyOptions,
  TemporaryUrlOptions,
} from './options.js'
import { createSwiftMany } from './many.js'
import { readSwiftInfo, readSwiftObject, readSwiftRanges } from './reading.js'
import { removeManyObjects, removeSwiftObject } from './removing.js'
import type {
  RemovedObjects,
  SwiftAccountInfo,
  SwiftContainerInfo,
  SwiftFeatures,
  SwiftListItem,
  SwiftObjectContent,
  SwiftObjectInfo,
  SwiftObjectParts,
  SwiftVersion,
} from './schemas.js'
import { setTemporaryUrlKey, temporaryUrl } from './temporary-url.js'
import { uploadToSwift, type SwiftUploadOptions } from './upload/upload.js'
import { writeSwiftManifest, writeSwiftObject } from './writing.js'

/**
 * The object store of OpenStack. Wrong targets and options, and those that the store would take no notice of, throw a `TypeError` that
 * names them.
 *
 * Accounts are named `AUTH_…`. Versions are texts, and are kept where a container has `versioning: 'auto'`.
 */
export interface SwiftStorage extends Storage {
  readonly account: SwiftAccount
  readonly containers: SwiftContainers
  /** Emits what the store says that it can do. One request, once for each client. */
  features(options?: CallOptions): Observable<SwiftFeatures>
  list(
    container: ContainerTarget,
    filter?: SwiftObjectFilter,
    options?: CallOptions,
  ): Observable<SwiftListItem>
  info(target: ObjectTarget, options?: SwiftInfoOptions): Observable<SwiftObjectInfo>
  read(target: ObjectTarget, options?: SwiftReadOptions): Observable<SwiftObjectContent>
  /** Emits several ranges of an object, all of the same content. One request. */
  readRanges(
    target: ObjectTarget,
    ranges: readonly ByteRange[],
    options?: Omit<SwiftReadOptions, 'range'>,
  ): Observable<SwiftObjectParts>
  write(target: ObjectTarget, content: Content, options?: SwiftWriteOptions): Observable<PutObject>
  createDirectory(target: ObjectTarget, options?: SwiftWriteOptions): Observable<PutObject>
  /**
   * Makes a dynamic large object. What is read of it is put together when it is read; a store may serve that at one object a second
   * (pithos dossier 14.3).
   */
  createManifest(
    target: ObjectTarget,
    parts: ObjectTarget,
    options?: SwiftWriteOptions,
  ): Observable<PutObject>
  /**
   * Changes what is kept with an object. Two requests, for Swift replaces all of it: what somebody else changes between them is
   * undone, also with `ifMatch`.
   */
  update(target: ObjectTarget, changes: SwiftObjectChanges, options?: SwiftChangeOptions): Observable<void>
  /** Copies an object with its metadata. One request, unless `ifMatch` or `version` ask for another one. */
  copy(from: ObjectTarget, to: ObjectTarget, options?: SwiftCopyOptions): Observable<PutObject>
  /**
   * Copies an object, and removes the source as `remove` does. What somebody writes to the source in between is lost; if only the
   * removal fails, the object is at both places.
   */
  move(from: ObjectTarget, to: ObjectTarget, options?: SwiftMoveOptions): Observable<PutObject>
  /**
   * Removes an object, with its segments if it is a static large object: two requests, one with `segments: false`. The parts of a
   * dynamic large object stay.
   */
  remove(target: ObjectTarget, options?: SwiftRemoveOptions): Observable<void>
  /**
   * Removes objects of a container, many in one request where the store can; segments of large ones stay. Those that are not there are
   * counted. The error of a request says which of its objects could not be removed first; those after it are not sent.
   */
  removeMany(
    container: ContainerTarget,
    names: readonly string[],
    options?: CallOptions,
  ): Observable<RemovedObjects>
  /** Emits each version of an object, the newest first, also of one that was removed. */
  versions(target: ObjectTarget, options?: CallOptions): Observable<SwiftVersion>
  /** Copies an old version over what is there now, which becomes an old version itself. */
  restore(target: ObjectTarget, version: string, options?: CallOptions): Observable<PutObject>
  /**
   * Makes an object of a file, bytes or a stream; what is larger than a segment becomes a static large object, of which only segments
   * that are not there are sent; see `docs/transfers.md`.
   */
  upload(
    source: SourceInput,
    target: ObjectTarget,
    options?: SwiftUploadOptions,
  ): Observable<TransferEvent<ObjectInfo>>
  /**
   * Emits an address that opens an object, or all below a prefix, without a token. Computed here, with the time of here, and at each
   * subscription; it is a secret itself.
   */
  temporaryUrl(target: ObjectTarget, options: TemporaryUrlOptions): Observable<string>
  /** Sets the key that temporary addresses are signed with; `null` removes it. Addresses signed with another key end. */
  setTemporaryUrlKey(key: string | null, options?: TemporaryUrlKeyOptions): Observable<void>
}

/** An account of Swift. */
export interface SwiftAccount extends StorageAccount {
  get(options?: CallOptions & { readonly account?: string }): Observable<SwiftAccountInfo>
  update(changes: AccountChanges, options?: ChangeOptions): Observable<void>
}

/** Containers of Swift. */
export interface SwiftContainers extends Containers {
  list(filter?: SwiftContainerFilter, options?: CallOptions): Observable<ContainerItem>
  get(container: ContainerTarget, options?: CallOptions): Observable<SwiftContainerInfo>
  create(
    container: ContainerTarget,
    settings?: SwiftContainerSettings,
    options?: CallOptions,
  ): Observable<{ readonly created: boolean }>
  update(
    container: ContainerTarget,
    changes: SwiftContainerChanges,
    options?: ChangeOptions,
  ): Observable<void>
  /** Removes all objects of a container as `remove` does; it stays, and so do old versions. */
  clear(container: ContainerTarget, options?: Omit<SwiftRemoveOptions, 'version'>): Observable<void>
}

/**
 * @param hasher - hashes the contents of transfers
 * @param store - where the account of the user is
 */
export function createSwiftStorage(api: Api, hasher: Hasher, store: Observable<Endpoint>): SwiftStorage {
  const features = createFeatures(api)
  const transfers = { api, hasher, limits: createSwiftLimits(features) }
  const nameOf = (target: ObjectTarget): ObjectName => objectName(target, 'target')
  return {
    account: {
      get: (options) => readSwiftAccount(api, options),
      update: (changes, options) => changeSwiftAccount(api, changes, options),
    },
    containers: {
      list: (filter, options) => listAllSwiftContainers(api, filter, options),
      get: (container, options) => readSwiftContainer(api, container, options),
      create: (container, settings, options) =>
        createSwiftContainer(api, features, container, settings, options),
      update: (container, changes, options) =>
        changeSwiftContainer(api, features, container, changes, options),
      remove: (container, options) => removeSwiftContainer(api, container, options),
      clear: (container, options) => clearSwiftContainer(api, features, container, options),
    },
    features,
    list: (container, filter, options) => listAllSwiftObjects(api, container, filter, options),
    info: (target, options) => readSwiftInfo(api, nameOf(target), options),
    read: (target, options) => readSwiftObject(api, nameOf(target), options),
    readRanges: (target, ranges, options) => readSwiftRanges(api, nameOf(target), ranges, options),
    write: (target, content, options) => writeSwiftObject(api, nameOf(target), content, options),
    createDirectory: (target, options) =>
      writeSwiftObject(api, nameOf(target), '', { contentType: 'application/directory', ...options }),
    createManifest: (target, parts, options) =>
      writeSwiftManifest(api, nameOf(target), objectName(parts, 'parts'), options),
    update: (target, changes, options) => changeSwiftObject(api, nameOf(target), changes, options),
    copy: (from, to, options) =>
      copySwiftObject(api, features, objectName(from, 'from'), objectName(to, 'to'), options),
    move: (from, to, options) =>
      moveSwiftObject(api, features, objectName(from, 'from'), objectName(to, 'to'), options),
    remove: (target, options) => removeSwiftObject(api, features, nameOf(target), options),
    removeMany: (container, names, options) => removeManyObjects(api, features, container, names, options),
    versions: (target, options) => readSwiftVersions(api, features, nameOf(target), options),
    restore: (target, version, options) =>
      restoreSwiftVersion(api, features, nameOf(target), version, options),
    upload: (source, target, options) => uploadToSwift(transfers, source, target, options),
    download: (target, destination, options) => downloadFromSwift(transfers, target, destination, options),
    ...manyMethods(createSwiftMany(transfers, features)),
    temporaryUrl: (target, options) => temporaryUrl(api, store, nameOf(target), options),
    setTemporaryUrlKey: (key, options) => setTemporaryUrlKey(api, key, options),
  }
}
