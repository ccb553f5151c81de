import { map, type Observable } from 'rxjs'
import { call, type Api } from '../../http/api.js'
import type { CallOptions } from '../../http/types.js'
import type { TransferEvent } from '../../streams/events.js'
import type { SinkInput } from '../../streams/sinks.js'
import type { SourceInput } from '../../streams/sources.js'
import { download } from './pithos/download.js'
import type { DownloadOptions } from './pithos/download-job.js'
import { listAllContainers, listAllObjects } from './pithos/listing.js'
import { containerName, objectName, type ContainerTarget, type ObjectTarget } from './pithos/names.js'
import {
  deleteContainer,
  deleteObject,
  headAccount,
  headContainer,
  headObject,
  named,
  putContainer,
} from './pithos/operations.js'
import type {
  AccountInfo,
  ContainerFilter,
  ContainerInfo,
  ContainerItem,
  ContainerSettings,
  ListItem,
  ObjectFilter,
  ObjectInfo,
} from './pithos/schemas.js'
import { upload } from './pithos/upload.js'
import type { UploadOptions } from './pithos/upload-job.js'

/** The containers of the account. */
export interface Containers {
  /** Emits each container; pages are requested as they are needed. */
  list(filter?: ContainerFilter, options?: CallOptions): Observable<ContainerItem>
  /** Emits what is known of a container, its block size among it. */
  get(container: ContainerTarget, options?: CallOptions): Observable<ContainerInfo>
  /** Creates a container, or changes the settings of the one that is there; emits which of the two. */
  create(
    container: ContainerTarget,
    settings?: ContainerSettings,
    options?: CallOptions,
  ): Observable<{ readonly created: boolean }>
  /** Removes an empty container; a 409 if it is not. */
  remove(container: ContainerTarget, options?: CallOptions): Observable<void>
}

/** The object store of Synnefo. Wrong targets and options throw a `TypeError` that names them. */
export interface Pithos {
  /** Emits what is known of an account: of the user's own without a name. */
  account(account?: string, options?: CallOptions): Observable<AccountInfo>
  readonly containers: Containers
  /** Emits the objects of a container, and `{ subdir }` for what a delimiter cuts off; pages are requested as they are needed. */
  list(container: ContainerTarget, filter?: ObjectFilter, options?: CallOptions): Observable<ListItem>
  /** Emits what is known of an object. */
  info(target: ObjectTarget, options?: CallOptions & Pick<DownloadOptions, 'version'>): Observable<ObjectInfo>
  /** Removes an object; its old versions stay. */
  remove(target: ObjectTarget, options?: CallOptions): Observable<void>
  /** Sends what the server lacks of a file, bytes or a stream, and makes an object of it; see `docs/transfers.md`. */
  upload(
    source: SourceInput,
    target: ObjectTarget,
    options?: UploadOptions,
  ): Observable<TransferEvent<ObjectInfo>>
  /** Fetches what the destination lacks of an object, each block verified; see `docs/transfers.md`. */
  download(
    target: ObjectTarget,
    destination: SinkInput,
    options?: DownloadOptions,
  ): Observable<TransferEvent<ObjectInfo>>
}

export function createPithos(api: Api): Pithos {
  return {
    account: (account, options) => call(api, headAccount, { account }, options),
    containers: {
      list: (filter = {}, options) => listAllContainers(api, filter, options),
      get: (container, options) => call(api, headContainer, containerName(container, 'container'), options),
      create: (container, settings = {}, options) =>
        call(api, putContainer, { name: containerName(container, 'container'), settings }, options),
      remove: (container, options) =>
        call(api, deleteContainer, containerName(container, 'container'), options),
    },
    list: (container, filter = {}, options) =>
      listAllObjects(api, containerName(container, 'container'), filter, options),
    info: (target, { version, ...options } = {}) => {
      const name = objectName(target, 'target')
      return call(api, headObject, { name, version }, options).pipe(map((state) => named(name, state)))
    },
    remove: (target, options) => call(api, deleteObject, objectName(target, 'target'), options),
    upload: (source, target, options) => upload(api, source, target, options),
    download: (target, destination, options) => download(api, target, destination, options),
  }
}
