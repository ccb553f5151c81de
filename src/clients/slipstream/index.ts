import type { Observable } from 'rxjs'
import { authorize } from '../../auth/authorize.js'
import {
  attachCookie,
  attachIfPresent,
  renewFromAnswers,
  type SessionToken,
} from '../../auth/cookie-session.js'
import { netscapeCookieStore } from '../../auth/netscape-cookie-store.js'
import { TokenSubject } from '../../auth/token-subject.js'
import type { TokenSource } from '../../auth/token.js'
import { ConfigurationError, isHttpError, type CloudError } from '../../errors.js'
import { endpointOf, type Api } from '../../http/api.js'
import { createApi, createCore } from '../../http/client.js'
import type { HttpRequest, TrafficEvent } from '../../http/types.js'
import { createApplications, type Applications } from './applications.js'
import { createBuild, type BuildComponent } from './build.js'
import { createCimi, type Cimi } from './cimi.js'
import { createCloudCredentials, type CloudCredentials } from './cloud-credentials.js'
import { createComponents, type Components } from './components.js'
import { resolveConfig, type SessionConfig } from './config.js'
import { createDeployments, type Deployments } from './deployments.js'
import { nuvlaDialect, slipstreamDialect, type Dialect } from './dialect.js'
import { createEntryPoint } from './entry-point.js'
import { errorsOf } from './errors.js'
import { createLogins } from './logins.js'
import { createModules, type Modules } from './modules.js'
import { createNuvlaDeployments, type NuvlaDeployments } from './nuvla/deployments.js'
import { createNuvlaJobs, type NuvlaJobs } from './nuvla/jobs.js'
import { createProjects, type Projects } from './projects.js'
import { createSession, type SessionGroup } from './session.js'
import { createUsage, type Usages } from './usage.js'
import { createUsers, type Users } from './users.js'
import { createVirtualMachines, type VirtualMachines } from './virtual-machines.js'

export type { SessionToken } from '../../auth/cookie-session.js'
export type { Applications } from './applications.js'
export type { BuildComponent, BuildOptions, BuiltImage } from './build.js'
export type {
  Cimi,
  CimiCollection,
  CimiGetOptions,
  CimiLink,
  CimiQuery,
  CimiResource,
  CimiResult,
  CimiSearch,
  CloudEntryPoint,
} from './cimi.js'
export type { CloudCredential, CloudCredentials } from './cloud-credentials.js'
export type { ComponentChanges, Components } from './components.js'
export type { SessionConfig, SlipstreamEnvironment } from './config.js'
export type { DeploySpec, FieldValue, KeepRunning } from './deploy-form.js'
export type {
  DeploymentParameters,
  ParameterOptions,
  ParameterWatchOptions,
} from './deployment-parameters.js'
export type { DeploymentScaling } from './deployment-scaling.js'
export type {
  Deployment,
  DeploymentInstance,
  DeploymentItem,
  DeploymentNode,
  DeploymentState,
  RuntimeParameter,
} from './deployment-types.js'
export type { DeploymentWatchOptions } from './deployment-watching.js'
export type {
  DeploymentAttachOptions,
  DeploymentEvent,
  DeploymentEventFilter,
  DeploymentFilter,
  DeployOptions,
  Deployments,
} from './deployments.js'
export {
  and,
  contains,
  disjoint,
  eq,
  filter,
  ge,
  gt,
  intersects,
  le,
  lt,
  matches,
  missing,
  ne,
  oneOf,
  or,
  present,
  property,
  raw,
  startsWith,
  within,
  type FilterExpression,
  type FilterOrdinal,
  type FilterValue,
} from './filter.js'
export type {
  ApplicationNode,
  Authorization,
  CloudImageIdentifier,
  Module,
  ModuleHistoryItem,
  ModuleItem,
  ModuleParameter,
  ModuleType,
} from './module-documents.js'
export type { ModuleVersion } from './module-paths.js'
export type { CopyTarget, Modules, ParameterSelection } from './modules.js'
export type { NuvlaParameterOptions, NuvlaParameters } from './nuvla/deployment-parameters.js'
export type {
  NuvlaAttachOptions,
  NuvlaDeploymentSpec,
  NuvlaDeploymentWatchOptions,
  NuvlaDeployments,
  NuvlaDeployOptions,
  NuvlaRemovalOptions,
  NuvlaStopOptions,
  NuvlaTerminateOptions,
} from './nuvla/deployments.js'
export type { NuvlaJobs } from './nuvla/jobs.js'
export type {
  NuvlaDeployment,
  NuvlaDeploymentItem,
  NuvlaDeploymentParameter,
  NuvlaDeploymentState,
  NuvlaDeploymentUrl,
  NuvlaJob,
  NuvlaJobState,
  NuvlaModule,
} from './nuvla/schemas.js'
export type { ProjectListing, Projects } from './projects.js'
export type { SessionTemplateParameters, SlipstreamLogin } from './session-operations.js'
export type { ApiKey, ApiKeyOptions, Session, SessionGroup, SessionTemplate } from './session.js'
export type { Usage, Usages } from './usage.js'
export type { UserChanges, UserSpec } from './user-changes.js'
export type { User, UserItem, UserState } from './user-documents.js'
export type { UserCreation, Users } from './users.js'
export type { VirtualMachine, VirtualMachineFilter, VirtualMachines } from './virtual-machines.js'

export interface SlipstreamConfig extends SessionConfig {
  readonly profile?: 'slipstream' | undefined
}
export interface NuvlaConfig extends SessionConfig {
  /** Today's Nuvla: the same API under other names, and nothing of SlipStream's older one. */
  readonly profile: 'nuvla'
}

/** What clients of both profiles have. */
interface SessionClient {
  readonly session: SessionGroup
  readonly cimi: Cimi
  /** The session as it changes; `tokens.value` is its state now. */
  readonly tokens: TokenSource<SessionToken>
  /** Hot: what goes over the wire, for people to watch. */
  readonly traffic: Observable<TrafficEvent>
  /** What `call` needs to run an operation of your own on this client. */
  readonly api: Api
  /** Closes connections and timers; requests under way fail. The session lives on: `session.logout` ends it. */
  close(): void
}

export interface SlipstreamClient extends SessionClient {
  readonly credentials: CloudCredentials
  readonly applications: Applications
  readonly projects: Projects
  readonly modules: Modules
  readonly components: Components<BuildComponent>
  readonly deployments: Deployments
  readonly users: Users
  readonly virtualMachines: VirtualMachines
  readonly usage: Usages
}

export interface NuvlaClient extends SessionClient {
  readonly deployments: NuvlaDeployments
  readonly jobs: NuvlaJobs
}

/**
 * A client for one user of one SlipStream, or with `profile: 'nuvla'` of one Nuvla. Nothing is sent before the first subscription; the
 * first call that needs a session logs in, and the session is renewed ahead of its end. Without a way to log in, there are the
 * entry point, the ways to log in, and `session.login`; all else fails with a `ConfigurationError` that says where was looked.
 *
 * @throws ConfigurationError for credentials that are half given or contradict themselves, and for a cookie file that was asked for
 * and cannot be read
 */
export function createSlipstream(config: NuvlaConfig): NuvlaClient
export function createSlipstream(config?: SlipstreamConfig): SlipstreamClient
export function createSlipstream(
  config: SlipstreamConfig | NuvlaConfig = {},
): SlipstreamClient | NuvlaClient {
  const { profile = 'slipstream' } = config
  if (profile === 'nuvla') {
    const client = connect(config, nuvlaDialect)
    const { api, cimi } = client
    return { ...client, deployments: createNuvlaDeployments(api, cimi), jobs: createNuvlaJobs(api, cimi) }
  }
  if ((profile as string) !== 'slipstream') {
    throw new ConfigurationError("profile: expected 'slipstream' or 'nuvla'", { cloud: 'slipstream' })
  }
  const client = connect(config, slipstreamDialect)
  const { api, cimi, session } = client
  return {
    ...client,
    credentials: createCloudCredentials(cimi),
    applications: createApplications(api),
    projects: createProjects(api),
    modules: createModules(api),
    components: createComponents(api, createBuild(api)),
    deployments: createDeployments(api, cimi),
    users: createUsers(api, session),
    virtualMachines: createVirtualMachines(api),
    usage: createUsage(api),
  }
}

function connect(config: SessionConfig, dialect: Dialect): SessionClient {
  const { cloud, cookie: name } = dialect
  const { endpoint, login, cookieFile, lookedAt } = resolveConfig(config, dialect)
  const { origin, prefix } = endpointOf(endpoint, 'endpoint')
  const core = createCore(config)
  const { runtime, traffic } = core
  const now = (): number => runtime.scheduler.now()
  const init = { cloud, errors: errorsOf(dialect), endpoint }

  const logins = createLogins({
    api: createApi(core, init),
    dialect,
    login,
    lookedAt,
    store:
      cookieFile === undefined
        ? undefined
        : netscapeCookieStore({ path: cookieFile.path, origin, prefix, name, now, cloud }),
    keep: cookieFile?.keep ?? false,
  })
  const tokens = new TokenSubject<SessionToken>({
    cloud,
    runtime,
    traffic,
    acquire: () => logins.acquire(),
    initial: logins.initial,
  })
  const onChange = (token: SessionToken | undefined): void => {
    logins.noteChange(token)
  }
  // Next to the wire: what another origin sends after a redirect is not about this session.
  const renewing = {
    ...core,
    inner: [...core.inner, renewFromAnswers({ tokens, name, origin, now, onChange })],
  }
  const open = createApi(renewing, { ...init, authorize: attachIfPresent(tokens, now) })
  const api = createApi(renewing, {
    ...init,
    authorize: authorize(tokens, attachCookie, {
      now,
      // CIMI takes a session that is over for no session, and says forbidden; the legacy side says 401 (slipstream dossier 2.3).
      mayBeRefusal: (error, request) =>
        logins.known !== undefined && isForbidden(error) && isOfCimi(request, prefix),
    }),
  })
  const entryPoint = createEntryPoint(open, dialect)
  const cimi = createCimi(api, dialect, entryPoint)
  const openCimi = createCimi(open, dialect, entryPoint)
  return {
    session: createSession({ dialect, open, openCimi, cimi, logins, tokens }),
    cimi,
    tokens,
    traffic: traffic.events,
    api,
    close: () => {
      tokens.close()
      core.close()
    },
  }
}

function isForbidden(error: CloudError): boolean {
  return isHttpError(error, 403)
}

/** But for a login, whose 403 is about the credentials in it. */
function isOfCimi({ method, path }: HttpRequest, prefix: string): boolean {
  return path.startsWith(`${prefix}/api/`) && !(method === 'POST' && path === `${prefix}/api/session`)
}
