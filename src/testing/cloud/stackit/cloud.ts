import type { Chance } from '../chance.js'
import type { SiteOptions } from '../server.js'
import type { Clock, Exchange, Service } from '../service.js'
import { routeUploads } from './behaviours/images.js'
import { seedHierarchy } from './behaviours/resource-manager.js'
import { seedServiceAccounts } from './behaviours/service-account.js'
import type { StackitTimes } from './call.js'
import { bearerOf, createGateway } from './gateway.js'
import {
  createKeys,
  fullKey,
  generateRsa,
  withCredentials,
  type KeyAlgorithm,
  type ServiceAccount,
  type ServiceAccountKey,
} from './keys.js'
import { sendError } from './answers.js'
import { routeServiceAccounts } from './service-accounts.js'
import { createTokenService } from './token-service.js'
import { checkedService, createResources, type StackitResources } from './operator.js'
import { createTokens } from './tokens.js'
import type { WalkFailure } from './walks.js'
import { createServices } from './world.js'

/** Knobs of the STACKIT cloud. Times are wall time. */
export interface StackitOptions {
  /** Life of an access token, ms. Default 600000, as users of the real service report (stackit dossier 4.2). */
  readonly tokenLifetimeMs?: number
  /** Life of a refresh token, ms. Default 3600000. */
  readonly refreshTokenLifetimeMs?: number
  /** Whether refresh tokens are given out. Default true. */
  readonly refreshTokens?: boolean
  /** Times of what takes time, ms of cloud time. Default: create 20000, update 10000, delete 10000, appear 2000. */
  readonly steps?: Partial<StackitTimes>
  /** Whether lists with pages end with one that has no items. Default false. */
  readonly emptyLastPage?: boolean
}

/** A key to log in with. */
export interface StackitKey {
  /** What users have in a file; the private key is in it. */
  readonly serviceAccountKey: ServiceAccountKey
  /** The private key alone. */
  readonly privateKeyPem: string
}

/** A running STACKIT cloud: where it is, who may use it, and the hands of its operator. */
export interface StackitCloud extends StackitKey {
  readonly url: string
  /** The whole URL of the token endpoint. */
  readonly tokenUrl: string
  readonly projectId: string
  /** Parent of the project. */
  readonly organizationId: string
  readonly folderId: string
  readonly serviceAccountEmail: string
  /** Base URL of a service, for clients that take one each: `endpoint('service-account')`. */
  endpoint(service: string): string
  /** Makes all tokens given out so far worthless. Default: access and refresh tokens. */
  revokeTokens(which?: 'access' | 'refresh' | 'all'): void
  /** Registers another key of the service account. Default: 2048 bits, PKCS#8. */
  addKey(options?: {
    readonly format?: 'pkcs8' | 'pkcs1'
    readonly algorithm?: KeyAlgorithm
  }): Promise<StackitKey>
  /**
   * The next thing of this service that takes time - or the next that this operation begins - ends badly: in the state
   * that clients take for a failure, or, where there is none, with an error at its path. Again for the one after it.
   */
  failNext(service: string, operationId?: string, failure?: WalkFailure): void
  /** Nothing of this service - or that this operation began - gets to its end until the returned function is called. */
  stall(service: string, operationId?: string): () => void
  /** The most that a collection of this name may have, in each project and region; creating more is a 409. */
  setLimit(service: string, collection: string, count: number): void
  readonly resources: StackitResources
}

export interface StackitParts {
  readonly services: readonly Service[]
  readonly site: Pick<SiteOptions, 'jsonType' | 'headers' | 'unknown' | 'crashed' | 'revokeTokenOf'>
  readonly face: (origin: string) => Promise<StackitCloud>
}

/** Everything of a STACKIT cloud but its server. */
export function createStackitParts(
  options: StackitOptions,
  tools: { readonly clock: Clock; readonly wallNow: () => number; readonly chance: Chance },
): StackitParts {
  const { chance, wallNow } = tools
  const account: ServiceAccount = {
    id: chance.uuid(),
    email: `skystream-${chance.hex(7)}@sa.stackit.cloud`,
    projectId: chance.uuid(),
  }
  const keys = createKeys([account], tools)
  const lifetimeMs = options.tokenLifetimeMs ?? 600_000
  const tokens = createTokens(keys, {
    chance,
    wallNow,
    accessLifetimeMs: lifetimeMs,
    refreshLifetimeMs: options.refreshTokenLifetimeMs ?? 3_600_000,
  })
  const audienceAt = (origin: string): string => `${origin}/service-account`
  const tokenUrlAt = (origin: string): string => `${origin}/token`
  const audience = (exchange: Exchange): string => audienceAt(exchange.origin)
  const organizationId = chance.uuid()
  const folderId = chance.uuid()
  const services = createServices({
    ...tools,
    keys,
    steps: { createMs: 20_000, updateMs: 10_000, deleteMs: 10_000, appearMs: 2000, ...options.steps },
    emptyLastPage: options.emptyLastPage ?? false,
  })
  seedServiceAccounts(services.world)
  seedHierarchy(services.world, { organizationId, folderId, projectId: account.projectId })
  const traceId = (): string => chance.hex(32)
  const gateway = createGateway({
    keys,
    tokens,
    services,
    traceId,
    uploads: routeUploads(services.world),
    wallNow,
    token: createTokenService({
      keys,
      tokens,
      wallNow,
      audience,
      lifetimeMs,
      refreshTokens: options.refreshTokens ?? true,
    }),
    apis: [
      routeServiceAccounts({
        prefix: '/service-account',
        keys,
        wallNow,
        audience,
        tokenEndpoint: (exchange) => tokenUrlAt(exchange.origin),
      }),
    ],
  })
  return {
    services: [gateway],
    site: {
      jsonType: 'application/json',
      headers: () => ({ 'x-trace-id': traceId() }),
      unknown(exchange) {
        sendError(exchange, wallNow(), 404, 'This cloud does not have this API')
      },
      crashed(exchange, error) {
        sendError(
          exchange,
          wallNow(),
          500,
          error instanceof Error ? (error.stack ?? error.message) : String(error),
        )
      },
      revokeTokenOf(exchange) {
        const bearer = bearerOf(exchange)
        if (bearer !== undefined) tokens.revoke(bearer)
      },
    },
    async face(origin) {
      const addKey: StackitCloud['addKey'] = async ({ format = 'pkcs8', algorithm = 'RSA_2048' } = {}) => {
        const made = await generateRsa(algorithm)
        const key = keys.register(account, made.publicKey, { origin: 'GENERATED' })
        const privateKeyPem = made.privateKey.export({ type: format, format: 'pem' }).toString()
        return {
          privateKeyPem,
          serviceAccountKey: withCredentials(fullKey(key, audienceAt(origin)), {
            tokenEndpoint: tokenUrlAt(origin),
            privateKey: privateKeyPem,
          }),
        }
      }
      return {
        url: origin,
        tokenUrl: tokenUrlAt(origin),
        projectId: account.projectId,
        organizationId,
        folderId,
        serviceAccountEmail: account.email,
        endpoint: (service) => `${origin}/${service}`,
        revokeTokens(which = 'all') {
          tokens.revokeAll(which)
        },
        addKey,
        failNext(service, operationId, failure = {}) {
          services.world.walks.failNext(checkedService(services, service, operationId), operationId, failure)
        },
        stall: (service, operationId) =>
          services.world.walks.stall(checkedService(services, service, operationId), operationId),
        setLimit(service, collection, count) {
          services.world.limits.set(`${checkedService(services, service)} ${collection}`, count)
        },
        resources: createResources(services),
        ...(await addKey()),
      }
    },
  }
}
