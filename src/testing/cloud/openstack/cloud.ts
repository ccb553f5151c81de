import type { Chance } from '../chance.js'
import type { SiteOptions } from '../server.js'
import type { Service } from '../service.js'
import { createCatalogue, REGIONS, storagePrefixes, type RegionName } from './catalogue.js'
import { createDirectory } from './keystone-directory.js'
import { createKeystoneTokens } from './keystone-tokens.js'
import { createKeystone } from './keystone.js'
import { createSwift } from './swift.js'
import { createByteStore } from './swift/byte-store.js'
import { createInfo, type SwiftInfo, type SwiftInfoOverride } from './swift/info.js'
import { page } from './swift/failure.js'
import type { Region } from './swift/state.js'
import { createTimestamps } from './swift/timestamps.js'
import { createTempAuth, type TempAuthUser } from './temp-auth.js'

/** Knobs of the OpenStack cloud. */
export interface OpenstackOptions {
  /** Life of tokens, ms of wall time. Default: a day for TempAuth, an hour for Keystone. */
  readonly tokenLifetimeMs?: number
  /** What `GET /info` says and the store keeps to; a feature that is `null` is not there. */
  readonly info?: SwiftInfoOverride
  /** The most entries of one listing. Default 10000. */
  readonly listingLimit?: number
  /** Bytes of objects held in memory in each region; what is beyond goes to a temporary folder. Default 64 MiB. */
  readonly memoryLimit?: number
}

/** A running OpenStack cloud: Swift with its own login, Keystone, two regions. */
export interface OpenstackCloud {
  readonly origin: string
  readonly tempAuth: {
    readonly authUrl: string
    /** `account:user` */
    readonly user: string
    readonly key: string
    /** Of another account. */
    readonly second: TempAuthUser
    /** Every token dies now. */
    readonly revoke: () => void
  }
  readonly keystone: {
    /** Ends in `/v3`. */
    readonly authUrl: string
    readonly username: string
    readonly password: string
    readonly projectName: string
    readonly projectId: string
    /** A second project that the user is in. */
    readonly otherProjectName: string
    readonly userDomainName: string
    readonly projectDomainName: string
    readonly region: string
    readonly regions: readonly string[]
    readonly applicationCredential: { readonly id: string; readonly secret: string }
    /** Every token dies now. */
    readonly revoke: () => void
  }
}

export interface OpenstackParts {
  readonly services: readonly Service[]
  readonly site: Pick<SiteOptions, 'jsonType' | 'headers' | 'unknown' | 'crashed' | 'revokeTokenOf'>
  readonly face: (origin: string) => OpenstackCloud
}

const HOUR_MS = 3_600_000
const MEBIBYTE = 1024 ** 2
const FIRST: TempAuthUser = { user: 'test:tester', key: 'testing' }
const SECOND: TempAuthUser = { user: 'test2:tester2', key: 'testing2' }

/** Everything of an OpenStack cloud but its server. */
export function createOpenstackParts(
  options: OpenstackOptions,
  tools: {
    readonly wallNow: () => number
    readonly chance: Chance
    readonly folder: () => Promise<string>
  },
): OpenstackParts {
  const { wallNow, chance, folder } = tools
  const info = createInfo(options.info, options.listingLimit)
  const ids = createTransactionIds(chance, wallNow)
  const lifetimeMs = (standard: number): number => options.tokenLifetimeMs ?? standard
  const directory = createDirectory(chance)
  const tempAuth = createTempAuth({
    users: [FIRST, SECOND],
    chance,
    wallNow,
    lifetimeMs: lifetimeMs(24 * HOUR_MS),
    ids,
  })
  const tokens = createKeystoneTokens({ directory, chance, wallNow, lifetimeMs: lifetimeMs(HOUR_MS) })
  const keystone = createKeystone({ directory, tokens, catalogue: createCatalogue(chance), chance })
  const projectAccounts = directory.projects.map(({ id }) => `AUTH_${id}`)
  const stores = REGIONS.flatMap((name) => {
    const region = createRegion(info, wallNow, name, folder, options.memoryLimit ?? 64 * MEBIBYTE)
    return Object.values(storagePrefixes(name)).map((prefix) =>
      createSwift({
        prefix,
        region,
        ids,
        principalOf: (token) => keystone.principalOf(token) ?? tempAuth.principalOf(token),
        challenge: (account, origin) =>
          projectAccounts.includes(account) ? `Keystone uri="${origin}/v3"` : `Swift realm="${account}"`,
      }),
    )
  })
  return {
    services: [tempAuth, keystone, ...stores.map((store) => withDiscovery(store, keystone.discover))],
    site: {
      jsonType: 'application/json',
      headers: () => ({}),
      unknown(exchange) {
        exchange.send(404, { 'Content-Type': 'text/html; charset=UTF-8' }, page(404))
      },
      crashed(exchange, error) {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
        exchange.send(500, { 'Content-Type': 'text/plain' }, text)
      },
      revokeTokenOf(exchange) {
        const token = exchange.headers['x-auth-token']
        if (typeof token !== 'string') return
        tempAuth.revoke(token)
        tokens.revoke(token)
      },
    },
    face: (origin) => ({
      origin,
      tempAuth: {
        authUrl: `${origin}/auth/v1.0`,
        ...FIRST,
        second: SECOND,
        revoke: tempAuth.revokeAll,
      },
      keystone: {
        authUrl: `${origin}/v3`,
        username: directory.user.name,
        password: directory.password,
        projectName: directory.projects[0].name,
        projectId: directory.projects[0].id,
        otherProjectName: directory.projects[1].name,
        userDomainName: directory.domain.name,
        projectDomainName: directory.domain.name,
        region: REGIONS[0],
        regions: REGIONS,
        applicationCredential: {
          id: directory.applicationCredential.id,
          secret: directory.applicationCredential.secret,
        },
        revoke: tokens.revokeAll,
      },
    }),
  }
}

function createRegion(
  info: SwiftInfo,
  wallNow: () => number,
  name: RegionName,
  folder: () => Promise<string>,
  memoryLimit: number,
): Region {
  return {
    accounts: new Map(),
    bytes: createByteStore({ folder, memoryLimit, label: name }),
    info,
    tick: createTimestamps(wallNow),
    wallNow,
  }
}

/** The store without a prefix gets all that nobody else is there for; the root belongs to Keystone. */
function withDiscovery(
  store: Service,
  discover: (exchange: Parameters<Service['handle']>[0]) => void,
): Service {
  if (store.prefix !== '') return store
  return {
    ...store,
    handle: (exchange) => {
      if (exchange.path === '/') discover(exchange)
      else return store.handle(exchange)
    },
  }
}

/** Headers by which an operator finds a request again. */
function createTransactionIds(chance: Chance, wallNow: () => number): () => Readonly<Record<string, string>> {
  return () => {
    const seconds = Math.floor(wallNow() / 1000).toString(16)
    const id = `tx${chance.hex(21)}-${seconds.padStart(10, '0')}`
    return { 'X-Trans-Id': id, 'X-Openstack-Request-Id': id }
  }
}
