import { totalmem } from 'node:os'
import type { Clock, Exchange, Service, Users } from '../service.js'
import { headAccount, listContainers, updateAccount } from './pithos/accounts.js'
import { createBlockStore } from './pithos/block-store.js'
import {
  getContainer,
  headContainer,
  postContainer,
  putContainer,
  removeContainer,
  type ContainerPlace,
} from './pithos/containers.js'
import { localDiskspace, type Diskspace } from './pithos/diskspace.js'
import { badRequest, Failure, notAllowed } from './pithos/failure.js'
import { createHashing } from './pithos/hashing.js'
import { copyObject, moveObject } from './pithos/object-copy.js'
import { removeObject } from './pithos/object-delete.js'
import { getObject, headObject, type ObjectPlace } from './pithos/object-read.js'
import { postObject } from './pithos/object-update.js'
import { putObject } from './pithos/object-write.js'
import { decode } from './pithos/percent.js'
import { servePublicObject } from './pithos/public-objects.js'
import { replyFailure } from './pithos/reply.js'
import {
  authenticate,
  checkNames,
  chooseFormat,
  parseHeaders,
  parsePlace,
  tokenOf,
  type Format,
  type Place,
  type Request,
} from './pithos/request.js'
import type { State } from './pithos/state.js'
import { compatibilityLogin, listAccounts } from './pithos/top-level.js'
import { createTurns } from './pithos/turns.js'

export interface PithosOptions {
  /** `/pithos/object-store`: the version `v1` comes below it. */
  readonly prefix: string
  readonly users: Users
  /** Nothing here takes the cloud's time; every service of a cloud is given its clock. */
  readonly clock: Clock
  /** The cloud's wall clock, in milliseconds. */
  readonly wallNow: () => number
  /** Where blocks beyond the memory limit go; asked for when the first one does. The owner removes it. */
  readonly folder: () => Promise<string>
  /** Bytes; default 4 MiB. */
  readonly blockSize?: number
  /** Any hash that Node knows; default `sha256`. */
  readonly blockHash?: string
  /** Bytes of blocks held in memory in all; default: an eighth of the machine's memory, at most 1 GiB. */
  readonly memoryLimit?: number
  /** The most entries of one listing; default 10000. */
  readonly listingLimit?: number
  /** Bytes of one request body; default 5 GiB. */
  readonly bodyLimit?: number
  /** Bytes that an account may hold where there is no `diskspace`; default 100 GiB. */
  readonly accountQuota?: number
  /** The identity service's quotas. */
  readonly diskspace?: Diskspace
  /** Whether entity tags are MD5 sums and not Merkle roots, as with the server's setting UPDATE_MD5; default false. */
  readonly updateMd5?: boolean
  /** Where published objects are read; default: `public` beside the prefix. */
  readonly publicPrefix?: string
}

export interface Pithos extends Service {
  /** Serves the public URLs, which lie beside the prefix and not below it. */
  readonly publicObjects: Service
  /** Cuts what is written from now on to another size, as after a change of the server's settings. */
  setBlockSize(bytes: number): void
  /** Names the blocks of what is written from now on by another hash; blocks named by the old one stay. */
  setBlockHash(name: string): void
  /** Damages so many of the next blocks that are sent to containers: the answer has another hash than the sender's. */
  corruptNextBlocks(count: number): void
  /** Loses so many of the next blocks that are sent to containers, after it has confirmed them. */
  loseNextBlocks(count: number): void
  /** Loses a stored block (lower-case hex), so that it counts as missing again; false when it is not there. */
  forgetBlock(hash: string): boolean
}

const MEBIBYTE = 1024 ** 2
const GIBIBYTE = 1024 ** 3
const VERSION = '/v1/'

/** The object store of a Synnefo cloud. */
export function createPithos(options: PithosOptions): Pithos {
  const { prefix } = options
  const state = createState(options)
  return {
    prefix,
    handle: (exchange) => handle(state, prefix, exchange),
    close() {
      state.accounts.clear()
      state.published.clear()
      state.blocks.clear()
      return Promise.resolve()
    },
    publicObjects: {
      prefix: state.publicPrefix,
      handle: (exchange) =>
        answer(exchange, 'json', () => {
          servePublicObject(state, exchange)
        }),
    },
    setBlockSize(bytes) {
      state.blockSize = checkedBlockSize(bytes)
    },
    setBlockHash(name) {
      state.hashing = createHashing(name)
    },
    corruptNextBlocks(count) {
      state.mishaps.corrupt = checkedCount(count)
    },
    loseNextBlocks(count) {
      state.mishaps.lose = checkedCount(count)
    },
    forgetBlock: (hash) => state.blocks.forget(hash),
  }
}

function createState(options: PithosOptions): State {
  const { prefix, users, wallNow, folder } = options
  let serial = 0
  return {
    accounts: new Map(),
    published: new Map(),
    blocks: createBlockStore({ folder, memoryLimit: options.memoryLimit ?? defaultMemoryLimit() }),
    hashing: createHashing(options.blockHash ?? 'sha256'),
    blockSize: checkedBlockSize(options.blockSize ?? 4 * MEBIBYTE),
    updateMd5: options.updateMd5 ?? false,
    limits: {
      listing: options.listingLimit ?? 10_000,
      body: options.bodyLimit ?? 5 * GIBIBYTE,
    },
    diskspace: options.diskspace ?? localDiskspace(options.accountQuota ?? 100 * GIBIBYTE),
    mishaps: { corrupt: 0, lose: 0 },
    users,
    publicPrefix: options.publicPrefix ?? `${prefix.slice(0, prefix.lastIndexOf('/'))}/public`,
    turns: createTurns(),
    now: wallNow,
    nextSerial: () => (serial += 1),
  }
}

function checkedBlockSize(bytes: number): number {
  if (!Number.isSafeInteger(bytes) || bytes < 1) throw new TypeError('blockSize must be a positive integer')
  return bytes
}

function checkedCount(count: number): number {
  if (!(count >= 0)) throw new TypeError('count must be a number, 0 or more')
  return count
}

/** A file takes more processor time than memory does: what a machine can well spare is used first. */
function defaultMemoryLimit(): number {
  return Math.min(totalmem() / 8, GIBIBYTE)
}

async function handle(state: State, prefix: string, exchange: Exchange): Promise<void> {
  const path = decode(exchange.path) ?? ''
  const start = `${prefix}${VERSION}`
  const place = path.startsWith(start) ? parsePlace(path.slice(start.length)) : undefined
  const format = place ? chooseFormat(exchange, path, place) : 'json'
  await answer(exchange, format, () => {
    if (!place) throw badRequest('API endpoint not found')
    return dispatch(state, exchange, place, format)
  })
}

async function answer(exchange: Exchange, format: Format, serve: () => void | Promise<void>): Promise<void> {
  try {
    await serve()
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    replyFailure(exchange, error, format)
  }
}

type Handler<P> = (state: State, request: Request, place: P) => void | Promise<void>

const ACCOUNT: Readonly<Record<string, Handler<string>>> = {
  HEAD: headAccount,
  GET: listContainers,
  POST: updateAccount,
}

const CONTAINER: Readonly<Record<string, Handler<ContainerPlace>>> = {
  HEAD: headContainer,
  GET: getContainer,
  PUT: putContainer,
  POST: postContainer,
  DELETE: removeContainer,
}

const OBJECT: Readonly<Record<string, Handler<ObjectPlace>>> = {
  HEAD: headObject,
  GET: getObject,
  PUT: putObject,
  COPY: copyObject,
  MOVE: moveObject,
  POST: postObject,
  DELETE: removeObject,
}

function dispatch(state: State, exchange: Exchange, place: Place, format: Format): void | Promise<void> {
  const { account, container, object } = place
  if (account === undefined) return serveTop(state, exchange, format)
  if (container === undefined) return run(state, exchange, format, ACCOUNT, account)
  checkNames(container, object)
  if (object === undefined) return run(state, exchange, format, CONTAINER, { account, container })
  return run(state, exchange, format, OBJECT, { account, container, object })
}

function run<P>(
  state: State,
  exchange: Exchange,
  format: Format,
  handlers: Readonly<Record<string, Handler<P>>>,
  place: P,
): void | Promise<void> {
  const handler = handlers[exchange.method]
  if (!handler) throw notAllowed(Object.keys(handlers).join(','))
  return handler(state, readRequest(state, exchange, format), place)
}

function serveTop(state: State, exchange: Exchange, format: Format): void {
  if (exchange.method !== 'GET') throw notAllowed('GET')
  if (tokenOf(exchange) === undefined) compatibilityLogin(exchange)
  else listAccounts(state, readRequest(state, exchange, format))
}

function readRequest(state: State, exchange: Exchange, format: Format): Request {
  const headers = parseHeaders(exchange)
  const user = authenticate(exchange, state.users)
  return { exchange, headers, format, user, method: exchange.method, query: exchange.query }
}
