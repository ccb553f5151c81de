import { createAddressPool, type AddressPool } from './addresses.js'
import { createAccounts, type Accounts } from './accounts.js'
import { createQuotas, type Limits, type Quotas } from './quotas.js'
import { DEFAULT_LIMITS, seedFlavors, seedImages, type Flavor, type Image } from './seeds.js'
import { createServers, type Servers } from './servers.js'
import type { Chance } from '../chance.js'
import type { Clock } from '../service.js'

export interface KeyPair {
  readonly id: number
  readonly userId: string
  readonly name: string
  readonly fingerprint: string
  readonly publicKey: string
  readonly created: number
}

/** Knobs of the Synnefo cloud. Times of machines are cloud time. */
export interface SynnefoOptions {
  /** Wall time that a token lives, ms. Default 30 days. */
  readonly tokenLifetimeMs?: number
  /** Block size of the object store, bytes. Default 4 MiB. */
  readonly blockSize?: number
  /** Hash algorithm of the object store's blocks. Default sha256. */
  readonly blockHash?: string
  /**
   * Bytes of blocks that the object store keeps in memory before it goes to disk. Default: an eighth of the machine's
   * memory, at most 1 GiB.
   */
  readonly memoryLimit?: number
  /** The most entries of one page of the object store's listings. Default 10000. */
  readonly listingLimit?: number
  /** Whether the object store's entity tags are MD5 sums and not Merkle roots. Default false. */
  readonly updateMd5?: boolean
  /** Cloud time that a build takes, ms. Default 180000. */
  readonly buildMs?: number
  /** Cloud time that start, shutdown, reboot, resize and delete take, ms. Default 20000. */
  readonly actionMs?: number
  /** What each user may use of his own project. What is left out keeps its default. */
  readonly quota?: Partial<Limits>
  /** Servers that fit into the cloud. Default: any number. */
  readonly capacity?: number
}

/** All that the services of one Synnefo cloud share. */
export interface SynnefoState {
  readonly clock: Clock
  readonly wallNow: () => number
  readonly chance: Chance
  readonly accounts: Accounts
  readonly quotas: Quotas
  readonly addresses: AddressPool
  readonly flavors: readonly Flavor[]
  readonly images: Map<string, Image>
  readonly servers: Servers
  readonly keyPairs: Map<string, KeyPair>
}

const DAY_MS = 24 * 3_600_000

export function createSynnefoState(
  options: SynnefoOptions,
  tools: { readonly clock: Clock; readonly wallNow: () => number; readonly chance: Chance },
): SynnefoState {
  const { clock, wallNow, chance } = tools
  const accounts = createAccounts({
    names: ['Ada Example', 'Grace Example'],
    tokenLifetimeMs: options.tokenLifetimeMs ?? 30 * DAY_MS,
    chance,
    wallNow,
  })
  const limits: Limits = { ...DEFAULT_LIMITS, ...options.quota }
  const sharedProjectId = chance.uuid()
  const quotas = createQuotas([
    // The user's own project has the user's id (5.3).
    ...accounts.users.map((user) => ({
      id: user.id,
      name: user.name,
      members: [user.id],
      limits,
      memberLimits: limits,
    })),
    {
      id: sharedProjectId,
      name: 'lab.example.org',
      members: accounts.users.map((user) => user.id),
      limits: DEFAULT_LIMITS,
      memberLimits: { ...DEFAULT_LIMITS, 'cyclades.vm': 4, 'cyclades.cpu': 8 },
    },
  ])
  const addresses = createAddressPool('2719')
  const [first] = accounts.users
  return {
    clock,
    wallNow,
    chance,
    accounts,
    quotas,
    addresses,
    flavors: seedFlavors(sharedProjectId),
    images: seedImages(chance, chance.uuid(), first?.id ?? '', wallNow()),
    servers: createServers({
      clock,
      wallNow,
      chance,
      quotas,
      addresses,
      buildMs: options.buildMs ?? 180_000,
      actionMs: options.actionMs ?? 20_000,
      capacity: options.capacity ?? Infinity,
    }),
    keyPairs: new Map(),
  }
}
