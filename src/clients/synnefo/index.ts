import { concatMap, from, type Observable, type ObservableInput } from 'rxjs'
import { authorize } from '../../auth/authorize.js'
import { staticToken } from '../../auth/static-token.js'
import type { TokenSource } from '../../auth/token.js'
import { TokenSubject } from '../../auth/token-subject.js'
import { ConfigurationError } from '../../errors.js'
import { call, endpointOf, type Api } from '../../http/api.js'
import { createApi, createCore, type ClientOptions } from '../../http/client.js'
import type { CallOptions, TrafficEvent } from '../../http/types.js'
import { createHasher } from '../../streams/hasher.js'
import { getFlavor, listFlavors, listImages } from './compute-operations.js'
import { synnefoErrors } from './errors.js'
import {
  attachSynnefo,
  authenticate,
  createIdentity,
  type EndpointOverrides,
  type Identity,
  type SynnefoToken,
} from './identity.js'
import { createPithos, type Pithos } from './pithos.js'
import type { Flavor, Id, Image } from './schemas.js'
import { createServers, type Servers } from './servers.js'

export type { Pithos, PithosAccount, PithosContainers } from './pithos.js'
export type { ListedVersion, SharingAccount } from './pithos/object-operations.js'
export type {
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
export type { Containers, Storage, StorageAccount } from './storage.js'
export type { ObjectPart } from './storage/byte-ranges.js'
export type { Content } from './storage/content.js'
export type { ContainerName, ContainerTarget, ObjectName, ObjectTarget } from './storage/names.js'
export type {
  ByteRange,
  ChangeOptions,
  CopyOptions,
  InfoOptions,
  ObjectChangeOptions,
  ObjectInfoOptions,
  ReadConditions,
  ReadOptions,
  TimeConditions,
  WriteConditions,
  WriteOptions,
} from './storage/options.js'
export type { ObjectParts } from './storage/reading.js'
export type {
  AccountChanges,
  AccountInfo,
  ContainerChanges,
  ContainerFilter,
  ContainerInfo,
  ContainerItem,
  ContainerSettings,
  DirectoryItem,
  Hashmap,
  ListItem,
  MetadataChanges,
  NewObjectOptions,
  ObjectChanges,
  ObjectContent,
  ObjectFilter,
  ObjectInfo,
  ObjectItem,
  PageFilter,
  PutObject,
  Sharing,
} from './storage/schemas.js'
export type { DownloadOptions, UploadOptions } from './storage/transfer-options.js'
export type { ServerFilter } from './compute-operations.js'
export type { CatalogEntry, EndpointOverrides, Identity, SynnefoToken, SynnefoUser } from './identity.js'
export type { CreatedServer, Flavor, Id, Image, Server, ServerSpec, ServerStatus } from './schemas.js'
export type { AttachOptions, RebootOptions, Servers, ServerWatchOptions } from './servers.js'

export interface SynnefoConfig extends ClientOptions {
  /** The authentication address: `https://accounts.example.org/identity/v2.0`. The only address a user has. */
  readonly authUrl: string
  /** The token of the user, from the cloud's "API access" page. */
  readonly token: string
  /**
   * Gives another token when the present one nears its end or was refused: from a vault, a file, a browser. The API itself cannot
   * renew a token (synnefo-compute dossier 4.3).
   */
  readonly renew?: () => string | ObservableInput<string>
  /** Addresses that win over the catalogue's, by service type: `{ compute: 'https://…' }`. */
  readonly endpoints?: EndpointOverrides
}

/** What a flavor is chosen from. */
export interface Flavors {
  /** Emits each flavor. */
  list(options?: CallOptions): Observable<Flavor>
  get(id: Id, options?: CallOptions): Observable<Flavor>
}

/** What a server is built from. */
export interface Images {
  /** Emits each image that the user may see: own, shared and public. */
  list(options?: CallOptions): Observable<Image>
}

export interface SynnefoClient {
  readonly identity: Identity
  readonly servers: Servers
  readonly flavors: Flavors
  readonly images: Images
  readonly pithos: Pithos
  /** The token as it changes; `tokens.value` is its state now. */
  readonly tokens: TokenSource<SynnefoToken>
  /** Hot: what goes over the wire, for people to watch. */
  readonly traffic: Observable<TrafficEvent>
  /** What `call` needs to run an operation of your own on this client. */
  readonly api: Api
  /** Closes connections and timers; requests under way fail. */
  close(): void
}

/**
 * A client for one user of one Synnefo cloud. Nothing is sent before the first subscription; then the token is
 * validated, and the catalogue that comes with it says where the services are.
 *
 * @throws ConfigurationError if `authUrl` or `token` is missing or malformed
 */
export function createSynnefo(config: SynnefoConfig): SynnefoClient {
  checkConfig(config)
  const core = createCore(config)
  const hasher = createHasher()
  const { runtime, traffic } = core
  const { endpoints = {} } = config
  const identityApi = createApi(core, { cloud: 'synnefo', errors: synnefoErrors, endpoint: config.authUrl })
  const tokens = new TokenSubject<SynnefoToken>({
    cloud: 'synnefo',
    runtime,
    traffic,
    acquire: staticToken({
      cloud: 'synnefo',
      runtime,
      value: config.token,
      validate: (token: string) => call(identityApi, authenticate, { token }),
      ...(config.renew === undefined ? {} : { renew: config.renew }),
    }),
  })
  const api = createApi(core, {
    cloud: 'synnefo',
    errors: synnefoErrors,
    authorize: authorize(tokens, attachSynnefo(endpoints)),
  })
  return {
    identity: createIdentity(identityApi, tokens, endpoints),
    servers: createServers(api),
    flavors: {
      list: (options) =>
        call(api, listFlavors, undefined, options).pipe(concatMap((flavors) => from(flavors))),
      get: (id, options) => call(api, getFlavor, { id }, options),
    },
    images: {
      list: (options) => call(api, listImages, undefined, options).pipe(concatMap((images) => from(images))),
    },
    pithos: createPithos(api, hasher),
    tokens,
    traffic: traffic.events,
    api,
    close: () => {
      tokens.close()
      hasher.close()
      core.close()
    },
  }
}

function checkConfig({ authUrl, token, endpoints = {} }: Partial<SynnefoConfig>): void {
  const missing = (field: string): ConfigurationError =>
    new ConfigurationError(`${field}: expected a string that is not empty`, { cloud: 'synnefo' })
  if (typeof authUrl !== 'string' || authUrl === '') throw missing('authUrl')
  if (typeof token !== 'string' || token.trim() === '') throw missing('token')
  endpointOf(authUrl, 'authUrl')
  for (const [service, url] of Object.entries(endpoints)) endpointOf(url, `endpoints['${service}']`)
}
