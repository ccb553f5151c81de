import type { Observable } from 'rxjs'
import { authorize } from '../../auth/authorize.js'
import type { TokenSource } from '../../auth/token.js'
import { ConfigurationError } from '../../errors.js'
import type { Api } from '../../http/api.js'
import { createApi, createCore, type ClientOptions } from '../../http/client.js'
import type { TrafficEvent } from '../../http/types.js'
import { systemSources, type CredentialSources } from './credentials.js'
import { attachStackit, endpointsWith, route, type EndpointOverrides } from './endpoints.js'
import { stackitErrors } from './errors.js'
import { serviceCalls, serviceMethods, type ServiceContext, type ServiceDefaults } from './service.js'
import type { ServiceDefinition } from './service-definition.js'
import { stackitTokens, type StackitTokenOptions } from './tokens.js'
import { serviceWaiters } from './waiters.js'

export type { StackitToken } from '../../auth/stackit-grants.js'
export type { FederatedTokenSource } from '../../auth/stackit-workload-identity.js'
export type { StackitCredentialOptions, WorkloadIdentityOptions } from './credential-search.js'
export type { CredentialSources } from './credentials.js'
export type { EndpointOverrides } from './endpoints.js'
export { uploadImage, type ImageUploadEvent, type ImageUploader } from './image-upload.js'
export type { ServiceDefinition } from './service-definition.js'
export type { RunOptions } from './waiters.js'

/** Definitions of services, each by the name that it shall have on the client. */
export type ServiceDefinitions = Readonly<Record<string, ServiceDefinition>>

export interface StackitConfig<Services extends ServiceDefinitions = ServiceDefinitions>
  extends ClientOptions, StackitTokenOptions {
  /** Which services the client has: definitions of `skystream/stackit/<service>`, of several versions side by side if need be. */
  readonly services?: Services
  /** The project of calls that do not name one. */
  readonly projectId?: string
  /** The organization of calls that do not name one. */
  readonly organizationId?: string
  /** The region of calls that do not name one, and of services that have it in their host. Default: `STACKIT_REGION`. */
  readonly region?: string
  /** A source of tokens of your own; then nothing else of the credentials is looked at, and `close` leaves it open. */
  readonly tokens?: TokenSource
  /** Addresses that win over the usual ones, by service: `{ 'service-account': 'https://…' }`. */
  readonly endpoints?: EndpointOverrides
  /** Where credentials are looked for beside this configuration. Default: environment, home folder and files. */
  readonly credentialSources?: Partial<CredentialSources>
}

/** What becomes of a definition. */
export type ClientOf<Definition> = Definition extends ServiceDefinition<infer Client> ? Client : never

interface StackitBase {
  /** The token as it changes; `tokens.value` is its state now. */
  readonly tokens: TokenSource
  /** Hot: what goes over the wire, for people to watch. */
  readonly traffic: Observable<TrafficEvent>
  /** What `call` needs to run an operation of your own on this client; the operation's `service` says where. */
  readonly api: Api
  /** As `api`, but without the token. */
  readonly anonymousApi: Api
  /** Closes connections and timers; requests under way fail. */
  close(): void
}
// An empty record would stand for any service.
// eslint-disable-next-line @typescript-eslint/no-empty-object-type
export type StackitClient<Services extends object = {}> = StackitBase & {
  readonly [Name in keyof Services]: ClientOf<Services[Name]>
}

/**
 * A client of STACKIT for one service account. Nothing is sent, and no file is read, before the first subscription.
 *
 * Methods throw a `TypeError` for wrong arguments, and a `ConfigurationError` for a project or a region that is missing.
 *
 * @throws ConfigurationError for what is wrong among options and environment and can be told without reading a file; all
 * else about credentials arrives as the error of the calls
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type
export function createStackit<const Services extends ServiceDefinitions = {}>(
  config: StackitConfig<Services> = {},
): StackitClient<Services> {
  const { endpoints = {} } = config
  const sources: CredentialSources = { ...systemSources(), ...config.credentialSources }
  const endpointFor = endpointsWith(endpoints)
  const core = createCore(config)
  const tokens = config.tokens ?? stackitTokens(core, config, sources)
  const open = { cloud: 'stackit', errors: stackitErrors, authorize: route(endpointFor) } as const
  const openApi = createApi(core, open)
  const api =
    config.anonymous === true
      ? openApi
      : createApi(core, { ...open, authorize: authorize(tokens, attachStackit(endpointFor)) })
  const base: StackitBase = {
    tokens,
    traffic: core.traffic.events,
    api,
    anonymousApi: openApi,
    close: () => {
      if (config.tokens === undefined) tokens.close()
      core.close()
    },
  }
  const context = { api, openApi, endpoints, defaults: defaultsOf(config, sources) }
  return { ...base, ...clientsOf(config.services ?? {}, base, context) } as StackitClient<Services>
}

function defaultsOf(config: StackitConfig, { env }: CredentialSources): ServiceDefaults {
  const { projectId, organizationId, region } = config
  return { projectId, organizationId, region: filled(region) ?? filled(env['STACKIT_REGION']) }
}

/** What is empty counts as not given. */
function filled(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value
}

function clientsOf(
  services: ServiceDefinitions,
  reserved: object,
  context: ServiceContext,
): Readonly<Record<string, object>> {
  return Object.fromEntries(
    Object.entries(services).map(([name, definition]) => {
      if (Object.hasOwn(reserved, name)) {
        throw new ConfigurationError(`services.${name}: the client needs the name ${name} for itself`, {
          cloud: 'stackit',
        })
      }
      const calls = serviceCalls(definition, context)
      const waiters = definition.waiters === undefined ? {} : serviceWaiters(calls)
      return [name, { ...serviceMethods(calls), ...waiters }]
    }),
  )
}
