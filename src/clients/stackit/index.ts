import { concatMap, defer, from, of, throwError, type Observable, type ObservableInput } from 'rxjs'
import { authorize } from '../../auth/authorize.js'
import { expiry } from '../../auth/expiry.js'
import { jwtExpiry } from '../../auth/jwt.js'
import { concealGrant, stackitKeyFlow, type StackitToken } from '../../auth/stackit-key-flow.js'
import { staticToken } from '../../auth/static-token.js'
import { sealToken, type Token, type TokenSource } from '../../auth/token.js'
import { TokenSubject, type Acquire } from '../../auth/token-subject.js'
import { ConfigurationError } from '../../errors.js'
import { call, type Api } from '../../http/api.js'
import { createApi, createCore, type ClientCore, type ClientOptions } from '../../http/client.js'
import type { CallOptions, TrafficEvent } from '../../http/types.js'
import {
  immediateCredentials,
  resolveCredentials,
  systemSources,
  type CredentialSources,
  type StackitCredentialOptions,
  type StackitCredentials,
} from './credentials.js'
import { attachStackit, endpointsWith, route, type EndpointOverrides } from './endpoints.js'
import { stackitErrors } from './errors.js'
import {
  createServiceAccountKey,
  getServiceAccountKey,
  listServiceAccountKeys,
  removeServiceAccountKey,
  type CreatedServiceAccountKey,
  type ServiceAccountKey,
  type ServiceAccountKeyRef,
  type ServiceAccountKeySpec,
  type ServiceAccountKeySummary,
  type ServiceAccountRef,
} from './service-account-key-operations.js'

export type { StackitToken } from '../../auth/stackit-key-flow.js'
export type { CredentialSources, StackitCredentialOptions } from './credentials.js'
export type { EndpointOverrides } from './endpoints.js'
export type {
  CreatedServiceAccountKey,
  ServiceAccountKey,
  ServiceAccountKeyRef,
  ServiceAccountKeySpec,
  ServiceAccountKeySummary,
  ServiceAccountRef,
} from './service-account-key-operations.js'

export interface StackitConfig extends ClientOptions, StackitCredentialOptions {
  /** A source of tokens of your own; then nothing else of the credentials is looked at, and `close` leaves it open. */
  readonly tokens?: TokenSource
  /** Sends no token and looks for no credentials. Default false. */
  readonly anonymous?: boolean
  /** Gives another access token, when the one in `token` nears its end or was refused. */
  readonly renew?: () => ObservableInput<string> | string
  /** A token that was kept from an earlier run. */
  readonly initialToken?: StackitToken
  /** Addresses that win over the usual ones, by service: `{ 'service-account': 'https://…' }`. */
  readonly endpoints?: EndpointOverrides
  /** Where credentials are looked for beside this configuration. Default: environment, home folder and files. */
  readonly credentialSources?: Partial<CredentialSources>
}

/** The keys of service accounts. */
export interface ServiceAccountKeys {
  /** Emits each key. */
  list(args: ServiceAccountRef, options?: CallOptions): Observable<ServiceAccountKeySummary>
  get(args: ServiceAccountKeyRef, options?: CallOptions): Observable<ServiceAccountKey>
  /** Subscribing makes a key. Its private key is in this answer and never seen again. */
  create(
    args: ServiceAccountRef & { readonly body?: ServiceAccountKeySpec },
    options?: CallOptions,
  ): Observable<CreatedServiceAccountKey>
  remove(args: ServiceAccountKeyRef, options?: CallOptions): Observable<void>
}

export interface StackitClient {
  readonly serviceAccountKeys: ServiceAccountKeys
  /** The token as it changes; `tokens.value` is its state now. */
  readonly tokens: TokenSource
  /** Hot: what goes over the wire, for people to watch. */
  readonly traffic: Observable<TrafficEvent>
  /** What `call` needs to run an operation of your own on this client; the operation's `service` says where. */
  readonly api: Api
  /** Closes connections and timers; requests under way fail. */
  close(): void
}

/**
 * A client of STACKIT for one service account. Nothing is sent, and no file is read, before the first subscription.
 *
 * @throws ConfigurationError for what is wrong among options and environment and can be told without reading a file; all
 * else about credentials arrives as the error of the calls
 */
export function createStackit(config: StackitConfig = {}): StackitClient {
  const endpointFor = endpointsWith(config.endpoints ?? {})
  const core = createCore(config)
  const tokens = config.tokens ?? ownTokens(core, config)
  const api = createApi(core, {
    cloud: 'stackit',
    errors: stackitErrors,
    authorize: config.anonymous === true ? route(endpointFor) : authorize(tokens, attachStackit(endpointFor)),
  })
  return {
    serviceAccountKeys: createServiceAccountKeys(api),
    tokens,
    traffic: core.traffic.events,
    api,
    close: () => {
      if (config.tokens === undefined) tokens.close()
      core.close()
    },
  }
}

function createServiceAccountKeys(api: Api): ServiceAccountKeys {
  return {
    list: (args, options) =>
      call(api, listServiceAccountKeys, args, options).pipe(concatMap((keys) => from(keys))),
    get: (args, options) => call(api, getServiceAccountKey, args, options),
    create: (args, options) => call(api, createServiceAccountKey, args, options),
    remove: (args, options) => call(api, removeServiceAccountKey, args, options),
  }
}

// --- tokens ---------------------------------------------------------------------------------------------------

function ownTokens(core: ClientCore, config: StackitConfig): TokenSubject<StackitToken> {
  const { runtime, traffic } = core
  return new TokenSubject<StackitToken>({
    cloud: 'stackit',
    runtime,
    traffic,
    initial: config.initialToken,
    acquire: config.anonymous === true ? refuse : acquireWith(core, config),
  })
}

function refuse(): Observable<never> {
  return throwError(
    () => new ConfigurationError('the client is anonymous: it has no token', { cloud: 'stackit' }),
  )
}

/** Looks for the credentials now if no file is needed for that, else when the first token is. */
function acquireWith(core: ClientCore, config: StackitConfig): Acquire<StackitToken> {
  const sources = { ...systemSources(), ...config.credentialSources }
  const immediate = immediateCredentials(config, sources)
  if (immediate !== undefined) return flowOf(core, config, immediate)
  let flow: Acquire<StackitToken> | undefined
  return (previous) =>
    defer(() => (flow === undefined ? from(resolveCredentials(config, sources)) : of(undefined))).pipe(
      concatMap((found) => {
        if (found !== undefined) flow = flowOf(core, config, found)
        return (flow ?? refuse)(previous)
      }),
    )
}

function flowOf(
  core: ClientCore,
  config: StackitConfig,
  credentials: StackitCredentials,
): Acquire<StackitToken> {
  if (credentials.kind === 'token') return tokenFlow(core, config, credentials.token)
  const { identity, privateKey, tokenEndpoint } = credentials
  const { origin, path } = tokenEndpoint
  const api = createApi(core, {
    cloud: 'stackit',
    errors: stackitErrors,
    endpoint: origin,
    authorize: concealGrant,
  })
  return stackitKeyFlow({ api, path, identity, privateKey, retry: config.retry })
}

/** A token says itself when it ends; that is of use only where there is a way to renew it. */
function tokenFlow({ runtime }: ClientCore, { renew }: StackitConfig, value: string): Acquire<StackitToken> {
  if (renew === undefined) return staticToken({ value, cloud: 'stackit', runtime })
  return staticToken({
    value,
    renew,
    cloud: 'stackit',
    runtime,
    validate: (text): Observable<Token> => {
      const receivedAt = runtime.scheduler.now()
      return of(
        sealToken({
          value: text,
          obtainedAt: receivedAt,
          ...expiry({ absolute: jwtExpiry(text), receivedAt }),
        }),
      )
    },
  })
}
