import { concatMap, type Observable } from 'rxjs'
import type { Api } from '../../http/api.js'
import type { CallOptions } from '../../http/types.js'
import type { Hasher } from '../../streams/hasher.js'
import { changeAccount, readAccount } from './pithos/account.js'
import {
  changeContainer,
  clearContainer,
  createContainer,
  listPithosContainers,
  purgeContainer,
  readContainer,
  removeContainer,
} from './pithos/containers.js'
import { copyObject, moveObject, restoreVersion } from './pithos/copying.js'
import {
  appendContent,
  overwriteContent,
  overwriteFromObject,
  recogniseContent,
  truncateObject,
} from './pithos/data-updates.js'
import { download } from './pithos/download/download.js'
import { createPithosMany } from './pithos/many.js'
import type { ListedVersion, SharingAccount } from './pithos/object-operations.js'
import {
  changeObject,
  listPithosObjects,
  listSharing,
  publishObject,
  readHashes,
  readVersions,
  removeObject,
} from './pithos/objects.js'
import type {
  DataOptions,
  OverwriteFromOptions,
  Past,
  PithosAccountChanges,
  PithosContainerChanges,
  PithosContainerFilter,
  PithosContainerSettings,
  PithosCopyOptions,
  PithosInfoOptions,
  PithosObjectChanges,
  PithosObjectFilter,
  RemoveOptions,
  VersionOptions,
} from './pithos/options.js'
import { checkVersion } from './pithos/past.js'
import { upload } from './pithos/upload/upload.js'
import type { Containers, Storage, StorageAccount } from './storage.js'
import type { Content } from './storage/content.js'
import { manyMethods } from './storage/many.js'
import { objectName, type ContainerTarget, type ObjectName, type ObjectTarget } from './storage/names.js'
import type {
  ByteRange,
  ChangeOptions,
  InfoOptions,
  ObjectChangeOptions,
  ReadOptions,
} from './storage/options.js'
import { readInfo, readObject, readRanges, type ObjectParts } from './storage/reading.js'
import type {
  AccountInfo,
  ContainerInfo,
  ContainerItem,
  Hashmap,
  ListItem,
  ObjectInfo,
  PageFilter,
  PutObject,
  Sharing,
} from './storage/schemas.js'
import { writeManifest, writeObject } from './storage/writing.js'

/**
 * The object store of Synnefo. Wrong targets and options throw a `TypeError` that names them.
 *
 * Versions are numbers. Old ones stay, unless the container keeps none (`versioning: 'none'`). Somebody else's container or object
 * is named by its parts: `{ account, container, object }`.
 */
export interface Pithos extends Storage {
  readonly account: PithosAccount
  readonly containers: PithosContainers
  /** Emits the accounts that share something with the user; pages are requested as they are needed. */
  sharedWithMe(filter?: PageFilter, options?: CallOptions): Observable<SharingAccount>
  list(container: ContainerTarget, filter?: PithosObjectFilter, options?: InfoOptions): Observable<ListItem>
  info(target: ObjectTarget, options?: VersionOptions): Observable<ObjectInfo>
  /** Emits several ranges of an object, all of the same content. One request. */
  readRanges(
    target: ObjectTarget,
    ranges: readonly ByteRange[],
    options?: Omit<ReadOptions, 'range'>,
  ): Observable<ObjectParts>
  /** Emits the hashes of an object's blocks. */
  hashes(target: ObjectTarget, options?: VersionOptions): Observable<Hashmap>
  /** Emits each version of an object, also of one that was removed. */
  versions(target: ObjectTarget, options?: CallOptions): Observable<ListedVersion>
  /** Copies an old version over what is there now, which becomes an old version itself. Sharing and publication stay. */
  restore(target: ObjectTarget, version: number, options?: CallOptions): Observable<PutObject>
  update(target: ObjectTarget, changes: PithosObjectChanges, options?: ObjectChangeOptions): Observable<void>
  /** Shares an object with users and groups, in place of those it was shared with; a directory, with all below it. */
  share(target: ObjectTarget, sharing: Sharing, options?: CallOptions): Observable<void>
  /** Shares an object with nobody. */
  unshare(target: ObjectTarget, options?: CallOptions): Observable<void>
  /** Publishes an object; emits the address at which anybody can read it. Two requests. */
  publish(target: ObjectTarget, options?: CallOptions): Observable<string>
  unpublish(target: ObjectTarget, options?: CallOptions): Observable<void>
  /**
   * Copies an object: its metadata, but neither sharing nor publication. One request, also with all below it (`recursive`),
   * which may be sent again after a failure on the way.
   */
  copy(from: ObjectTarget, to: ObjectTarget, options?: PithosCopyOptions): Observable<PutObject>
  /**
   * Moves an object of the user's own; it keeps its UUID. The server does not tell its version. Not tried again after a failure
   * on the way, for it might be moved by then.
   */
  move(
    from: ObjectTarget,
    to: ObjectTarget,
    options?: Omit<PithosCopyOptions, 'version'>,
  ): Observable<PutObject>
  /** Removes an object; its old versions stay. With `until`, removes those up to then instead. */
  remove(target: ObjectTarget, options?: RemoveOptions): Observable<void>
  /** Moves an object to the container `trash`, which is created if need be. */
  trash(target: ObjectTarget, options?: CallOptions): Observable<PutObject>
  /** Moves an object back from the container `trash`; a 412 if there is another one in its place. */
  untrash(target: ObjectTarget, options?: CallOptions): Observable<PutObject>
  /**
   * Adds to the end of an object. One request, so that nothing comes between; after a failure on the way it is sent again only with
   * `ifMatch`. A 412 then may be the echo of the first attempt, which only a look at the object can tell.
   */
  append(target: ObjectTarget, content: Content, options?: DataOptions): Observable<PutObject>
  /** Replaces bytes of an object from an offset on, and makes it longer if they reach beyond its end. The offset is at most its size (416). */
  overwrite(
    target: ObjectTarget,
    offset: number,
    content: Content,
    options?: DataOptions,
  ): Observable<PutObject>
  /** Cuts an object off at a size, which must not be larger than it is (400). Two requests; one if it has that size. */
  truncate(target: ObjectTarget, size: number, options?: DataOptions): Observable<PutObject>
  /** Puts the beginning of another object into an object, without its coming here. */
  overwriteFrom(
    target: ObjectTarget,
    source: ObjectTarget,
    options?: OverwriteFromOptions,
  ): Observable<PutObject>
}

/** An account of Pithos. */
export interface PithosAccount extends StorageAccount {
  get(options?: PithosInfoOptions & { readonly account?: string }): Observable<AccountInfo>
  update(changes: PithosAccountChanges, options?: ChangeOptions): Observable<void>
}

/** Containers of Pithos. */
export interface PithosContainers extends Containers {
  list(filter?: PithosContainerFilter, options?: InfoOptions): Observable<ContainerItem>
  /** Emits what is known of a container, its block size among it. */
  get(container: ContainerTarget, options?: PithosInfoOptions): Observable<ContainerInfo>
  create(
    container: ContainerTarget,
    settings?: PithosContainerSettings,
    options?: CallOptions,
  ): Observable<{ readonly created: boolean }>
  update(
    container: ContainerTarget,
    changes: PithosContainerChanges,
    options?: ChangeOptions,
  ): Observable<void>
  /** Removes the old versions, up to a moment, of all objects in a container; it stays, and so do its objects. */
  purge(container: ContainerTarget, past: Required<Past>, options?: CallOptions): Observable<void>
}

/** Where what is not wanted goes, by convention (pithos dossier 12). */
const TRASH = 'trash'

/** @param hasher - hashes the blocks of transfers */
export function createPithos(api: Api, hasher: Hasher): Pithos {
  const nameOf = (target: ObjectTarget): ObjectName => objectName(target, 'target')
  const pithos: Pithos = {
    account: {
      get: (options) => readAccount(api, options),
      update: (changes, options) => changeAccount(api, changes, options),
    },
    containers: {
      list: (filter, options) => listPithosContainers(api, filter, options),
      get: (container, options) => readContainer(api, container, options),
      create: (container, settings, options) => createContainer(api, container, settings, options),
      update: (container, changes, options) => changeContainer(api, container, changes, options),
      remove: (container, options) => removeContainer(api, container, options),
      clear: (container, options) => clearContainer(api, container, options),
      purge: (container, past, options) => purgeContainer(api, container, past, options),
    },
    sharedWithMe: (filter = {}, options) => listSharing(api, filter, options),
    list: (container, filter, options) => listPithosObjects(api, container, filter, options),
    info: (target, options) => readInfo(api, nameOf(target), checked(options)),
    read: (target, options) => readObject(api, nameOf(target), checked(options)),
    readRanges: (target, ranges, options) => readRanges(api, nameOf(target), ranges, checked(options)),
    hashes: (target, options) => readHashes(api, nameOf(target), options),
    versions: (target, options) => readVersions(api, nameOf(target), options),
    restore: (target, version, options) => restoreVersion(api, nameOf(target), version, options),
    write: (target, content, options) =>
      writeObject(api, nameOf(target), content, options, (name, written) =>
        recogniseContent(api, hasher, name, written),
      ),
    createDirectory: (target, options) =>
      pithos.write(target, '', { contentType: 'application/directory', ...options }),
    createManifest: (target, parts, options) =>
      writeManifest(api, nameOf(target), objectName(parts, 'parts'), options),
    update: (target, changes, options) => changeObject(api, nameOf(target), changes, options),
    share: (target, sharing, options) => pithos.update(target, { sharing }, options),
    unshare: (target, options) => pithos.update(target, { sharing: null }, options),
    publish: (target, options) => publishObject(api, nameOf(target), options),
    unpublish: (target, options) => pithos.update(target, { public: false }, options),
    copy: (from, to, options) => copyObject(api, objectName(from, 'from'), objectName(to, 'to'), options),
    move: (from, to, options) => moveObject(api, objectName(from, 'from'), objectName(to, 'to'), options),
    remove: (target, options) => removeObject(api, nameOf(target), options),
    trash: (target, options) => {
      const move = pithos.move(target, { container: TRASH, object: nameOf(target).object }, options)
      return pithos.containers.create(TRASH, {}, options).pipe(concatMap(() => move))
    },
    untrash: (target, options) =>
      pithos.move({ container: TRASH, object: nameOf(target).object }, target, {
        ...options,
        ifNoneMatch: '*',
      }),
    append: (target, content, options) => appendContent(api, nameOf(target), content, options),
    overwrite: (target, offset, content, options) =>
      overwriteContent(api, nameOf(target), offset, content, options),
    truncate: (target, size, options) => truncateObject(api, nameOf(target), size, options),
    overwriteFrom: (target, source, options) =>
      overwriteFromObject(api, nameOf(target), objectName(source, 'source'), options),
    upload: (source, target, options) => upload({ api, hasher }, source, target, options),
    ...manyMethods(createPithosMany({ api, hasher })),
    download: (target, destination, options) => download({ api, hasher }, target, destination, options),
  }
  return pithos
}

function checked<T extends { readonly version?: number | string }>(options: T | undefined): T | undefined {
  checkVersion(options?.version, 'options.version')
  return options
}
