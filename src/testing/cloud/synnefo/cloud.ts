import type { OutgoingHttpHeaders } from 'node:http'
import type { Chance } from '../chance.js'
import type { CloudClock } from '../clock.js'
import type { Service, User } from '../service.js'
import { faultBody, unexpectedError } from './answers.js'
import { CATALOGUE } from './catalogue.js'
import { createCompute } from './compute.js'
import { tokenOf } from './credentials.js'
import { createDiskspace } from './diskspace.js'
import { createAccount, createIdentity, createWebLogin } from './identity.js'
import { createPithos, type Pithos } from './pithos.js'
import { flavorName, type BuildOutcome } from './seeds.js'
import type { Server } from './servers.js'
import { createSynnefoState, type SynnefoOptions, type SynnefoState } from './state.js'
import type { SiteOptions } from '../server.js'

/** An account of the Synnefo cloud with the token that is good now. */
export interface SynnefoAccount {
  readonly user: User
  readonly token: string
}

/** A running Synnefo cloud: where it is, who may use it, what is in it, and the hands of its operator. */
export interface SynnefoCloud extends SynnefoAccount {
  readonly url: string
  /** The one URL that a user of Synnefo has: everything else comes from the catalogue. */
  readonly authUrl: string
  /** A second account. */
  readonly other: SynnefoAccount
  /** A project that both accounts are in. */
  readonly sharedProjectId: string
  readonly images: readonly { readonly id: string; readonly name: string; readonly outcome: BuildOutcome }[]
  readonly flavors: readonly {
    readonly id: number
    readonly name: string
    readonly vcpus: number
    /** MiB */
    readonly ram: number
    /** GiB */
    readonly disk: number
  }[]
  /** Makes a new token for the user (default: the first) and kills the old one at once. */
  renewToken(userId?: string): string
  /** Makes a token unknown, as if its owner had renewed it elsewhere. */
  revokeToken(token: string): void
  /** Locks a server, or unlocks it, as an administrator can: users then get 403. */
  suspendServer(serverId: number | string, suspended?: boolean): void
  /** Lets the next job of a server fail. */
  failNextJob(serverId: number | string): void
  /** Changes the block size of the object store, as its operator can; objects that are there stay readable. */
  setBlockSize(bytes: number): void
  /** Changes the hash algorithm of the object store's blocks; objects that are there stay readable. */
  setBlockHash(algorithm: string): void
  /**
   * Damages so many of the next blocks that clients send (default 1): the object store answers with the hashes of what
   * it got, which are not those of what was sent.
   */
  corruptNextBlocks(count?: number): void
  /** Loses so many of the next blocks that clients send (default 1), after the object store has confirmed them. */
  loseNextBlocks(count?: number): void
  /** Loses a block of the object store. Returns whether there was one. */
  forgetBlock(hash: string): boolean
}

export interface SynnefoTools {
  readonly clock: CloudClock
  readonly wallNow: () => number
  readonly chance: Chance
  readonly folder: () => Promise<string>
}

export interface SynnefoParts {
  readonly services: readonly Service[]
  readonly site: Pick<SiteOptions, 'jsonType' | 'headers' | 'unknown' | 'crashed' | 'revokeTokenOf'>
  readonly face: (origin: string) => SynnefoCloud
}

const HEADERS: OutgoingHttpHeaders = {
  'Cache-Control': 'no-cache, no-store, must-revalidate, max-age=0',
  Vary: 'X-Auth-Token',
}

/** Everything of a Synnefo cloud but its server. */
export function createSynnefoParts(options: SynnefoOptions, tools: SynnefoTools): SynnefoParts {
  const state = createSynnefoState(options, tools)
  const { accounts } = state
  const pithos = createPithos({
    prefix: '/pithos/object-store',
    users: accounts,
    clock: tools.clock,
    wallNow: tools.wallNow,
    folder: tools.folder,
    ...(options.blockSize === undefined ? {} : { blockSize: options.blockSize }),
    ...(options.blockHash === undefined ? {} : { blockHash: options.blockHash }),
    ...(options.memoryLimit === undefined ? {} : { memoryLimit: options.memoryLimit }),
    ...(options.listingLimit === undefined ? {} : { listingLimit: options.listingLimit }),
    ...(options.updateMd5 === undefined ? {} : { updateMd5: options.updateMd5 }),
    diskspace: createDiskspace(state.quotas),
  })
  return {
    services: [
      createIdentity(state, CATALOGUE),
      createAccount(state),
      createWebLogin(state),
      createCompute(state),
      pithos,
      pithos.publicObjects,
    ],
    site: {
      jsonType: 'application/json; charset=UTF-8',
      headers: () => HEADERS,
      unknown(exchange) {
        // Outside of all services only the front-end answers, and it speaks HTML.
        exchange.send(404, { 'Content-Type': 'text/html' }, '<html><body><h1>Not Found</h1></body></html>\n')
      },
      crashed(exchange, error) {
        // As in debug mode: the details are a stack (11.1).
        const details = error instanceof Error ? (error.stack ?? error.message) : String(error)
        exchange.json(500, faultBody(unexpectedError(details)))
      },
      revokeTokenOf(exchange) {
        const token = tokenOf(exchange)
        if (token !== undefined) accounts.revoke(token)
      },
    },
    face: (origin) => createFace(state, pithos, origin),
  }
}

function createFace(state: SynnefoState, pithos: Pithos, origin: string): SynnefoCloud {
  const { accounts, servers } = state
  const [first, second] = accounts.users
  if (first === undefined || second === undefined) throw new Error('The cloud has no users')
  const shared = state.quotas.projectsOf(first.id).find((project) => project.id !== first.id)
  const serverFor = (id: number | string): Server => {
    const server = servers.get(Number(id))
    if (server === undefined) throw new TypeError(`There is no server ${String(id)}`)
    return server
  }
  const account = (user: User): SynnefoAccount => ({
    user,
    get token() {
      return accounts.tokenOf(user.id)
    },
  })
  return {
    url: origin,
    authUrl: `${origin}/identity/v2.0`,
    user: first,
    get token() {
      return accounts.tokenOf(first.id)
    },
    other: account(second),
    sharedProjectId: shared?.id ?? '',
    images: [...state.images.values()].map(({ id, name, outcome }) => ({ id, name, outcome })),
    flavors: state.flavors.map((flavor) => ({
      id: flavor.id,
      name: flavorName(flavor),
      vcpus: flavor.vcpus,
      ram: flavor.ram,
      disk: flavor.disk,
    })),
    renewToken: (userId = first.id) => accounts.renew(userId),
    revokeToken(token) {
      accounts.revoke(token)
    },
    suspendServer(serverId, suspended = true) {
      const server = serverFor(serverId)
      server.suspended = suspended
      servers.touch(server)
    },
    failNextJob(serverId) {
      serverFor(serverId).failNextJob = true
    },
    setBlockSize: (bytes) => {
      pithos.setBlockSize(bytes)
    },
    setBlockHash(algorithm) {
      pithos.setBlockHash(algorithm)
    },
    corruptNextBlocks(count = 1) {
      pithos.corruptNextBlocks(count)
    },
    loseNextBlocks(count = 1) {
      pithos.loseNextBlocks(count)
    },
    forgetBlock: (hash) => pithos.forgetBlock(hash),
  }
}
