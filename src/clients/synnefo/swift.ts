import { concatMap, defer, map, of, tap, type Observable } from 'rxjs'
import { authorize } from '../../auth/authorize.js'
import { keystone } from '../../auth/keystone.js'
import {
  immediateCredentials,
  resolveCredentials,
  systemSources,
  type OpenstackCredentialOptions,
  type OpenstackCredentials,
  type OpenstackSources,
} from '../../auth/openstack-credentials.js'
import { tempAuth } from '../../auth/temp-auth.js'
import type { TokenSource } from '../../auth/token.js'
import { TokenSubject } from '../../auth/token-subject.js'
import type { Api } from '../../http/api.js'
import { createApi, createCore, type ClientOptions } from '../../http/client.js'
import type { TrafficEvent } from '../../http/types.js'
import type { EndpointOverrides } from './identity.js'
import { attachSwift, overrideOf, serviceEndpoint, type SwiftToken } from './swift/catalogue.js'
import { openstackErrors } from './swift/errors.js'
import { createIdentity, type SwiftIdentity } from './swift/identity.js'
import { createHasher } from '../../streams/hasher.js'
import { createSwiftStorage, type SwiftStorage } from './swift/storage.js'

export type {
  EndpointChoice,
  EndpointInterface,
  KeystoneService,
  KeystoneSession,
  KeystoneToken,
} from '../../auth/keystone.js'
export type {
  ApplicationCredential,
  OpenstackCredentialOptions,
  OpenstackSources,
} from '../../auth/openstack-credentials.js'
export type { TempAuthToken } from '../../auth/temp-auth.js'
export type { EndpointOverrides } from './identity.js'
export type { SwiftToken } from './swift/catalogue.js'
export type { SwiftIdentity } from './swift/identity.js'
export type { SwiftMoveOptions } from './swift/copying.js'
export type {
  Expiry,
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
} from './swift/options.js'
export type {
  RemovedObjects,
  SwiftAccountInfo,
  SwiftContainerInfo,
  SwiftFeatures,
  SwiftListItem,
  SwiftObjectContent,
  SwiftObjectInfo,
  SwiftObjectItem,
  SwiftObjectParts,
  SwiftVersion,
} from './swift/schemas.js'
export type { SwiftAccount, SwiftContainers, SwiftStorage } from './swift/storage.js'

export interface SwiftConfig extends ClientOptions, OpenstackCredentialOptions {
  /** Addresses that win over all others, by service type: `{ 'object-store': 'https://swift.example.org/v1/AUTH_mine' }`. */
  readonly endpoints?: EndpointOverrides
  /** Where credentials are looked for beside this configuration. Default: environment, home, working folder, files. */
  readonly credentialSources?: Partial<OpenstackSources>
}

export interface SwiftClient {
  readonly identity: SwiftIdentity
  readonly storage: SwiftStorage
  /** The token as it changes; `tokens.value` is its state now. */
  readonly tokens: TokenSource<SwiftToken>
  /** Hot: what goes over the wire, for people to watch. */
  readonly traffic: Observable<TrafficEvent>
  /** What `call` needs to run an operation of your own on this client; the operation's `service` says where. */
  readonly api: Api
  /** Closes connections and timers; requests under way fail. */
  close(): void
}

/**
 * A client of one account of an OpenStack Swift. It signs in at Keystone v3, or at TempAuth where `user` and `key` (or the
 * variables `ST_*`) say so. Nothing is sent, and no file is read, before the first subscription.
 *
 * @throws ConfigurationError for what is wrong or missing among options and environment and can be told without reading a file;
 * all else about credentials arrives as the error of the calls
 */
export function createSwift(config: SwiftConfig = {}): SwiftClient {
  const { endpoints = {} } = config
  for (const [service, url] of Object.entries(endpoints)) overrideOf(service, url)
  const credentials = credentialsOf(config)
  const core = createCore(config)
  const hasher = createHasher()
  const { runtime, traffic } = core
  const apiAt = (endpoint: string): Api =>
    createApi(core, { cloud: 'openstack', errors: openstackErrors, endpoint })
  const tokens = new TokenSubject<SwiftToken>({
    cloud: 'openstack',
    runtime,
    traffic,
    acquire: () => credentials.pipe(concatMap((found) => signIn(found, apiAt(found.authUrl)))),
  })
  const api = createApi(core, {
    cloud: 'openstack',
    errors: openstackErrors,
    authorize: authorize(tokens, attachSwift(endpoints)),
  })
  const store = defer(() => tokens.token()).pipe(
    map((token) => serviceEndpoint(token, 'object-store', endpoints)),
  )
  return {
    identity: createIdentity({ api, apiAt, tokens, credentials, endpoints }),
    storage: createSwiftStorage(api, hasher, store),
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

/** The credentials; found once, and looked for again while they are not. */
function credentialsOf(config: SwiftConfig): Observable<OpenstackCredentials> {
  const sources = { ...systemSources(), ...config.credentialSources }
  let known = immediateCredentials(config, sources)
  return defer(() =>
    known === undefined
      ? defer(() => resolveCredentials(config, sources)).pipe(
          tap((found) => {
            known = found
          }),
        )
      : of(known),
  )
}

function signIn(found: OpenstackCredentials, api: Api): Observable<SwiftToken> {
  return found.kind === 'keystone' ? keystone({ ...found, api })() : tempAuth({ ...found, api })()
}
