import { randomUUID } from 'node:crypto'
import type { Users } from '../../service.js'
import type { BlockStore } from './block-store.js'
import type { Content } from './content.js'
import type { Diskspace } from './diskspace.js'
import { notFound, tooLarge } from './failure.js'
import type { Hashing } from './hashing.js'
import { publicId } from './public-id.js'
import type { Turns } from './turns.js'

/** All that the object store knows, and the settings of the server it stands for. */
export interface State {
  readonly accounts: Map<string, Account>
  /** Objects by the id in their public URL. */
  readonly published: Map<string, PublishedObject>
  readonly blocks: BlockStore
  /** Hash and size of blocks: of what is written from now on. */
  hashing: Hashing
  blockSize: number
  /** Whether entity tags are MD5 sums: the server's setting UPDATE_MD5 (pithos dossier 7.3). */
  readonly updateMd5: boolean
  /** Entries of a listing and bytes of a body that the server allows. */
  readonly limits: { readonly listing: number; readonly body: number }
  readonly diskspace: Diskspace
  /** What is to go wrong with blocks that are sent to containers. */
  readonly mishaps: { corrupt: number; lose: number }
  readonly users: Users
  readonly publicPrefix: string
  readonly turns: Turns
  now(): number
  nextSerial(): number
}

export interface Account {
  readonly id: string
  modified: number
  meta: ReadonlyMap<string, string>
  groups: ReadonlyMap<string, readonly string[]>
  readonly containers: Map<string, Container>
}

export interface Policy {
  /** Bytes; 0 is no limit. */
  readonly quota: number
  readonly versioning: 'auto' | 'none'
  readonly project: string
}

export interface Container {
  readonly account: Account
  readonly name: string
  readonly created: number
  modified: number
  meta: ReadonlyMap<string, string>
  policy: Policy
  readonly objects: Map<string, StoredObject>
  /** Live objects and their bytes. */
  count: number
  bytes: number
  /** Names of `objects` in the order of listings; absent when it has to be made anew. */
  sorted?: readonly string[]
}

/** A path in a container with its history; sharing and publishing belong to it and not to its versions. */
export interface StoredObject {
  readonly container: Container
  readonly name: string
  /** Oldest first; a deletion is the last one, marked. */
  versions: readonly Version[]
  sharing?: Sharing
  publicId?: string
}

export interface Version extends Content {
  readonly serial: number
  readonly uuid: string
  /** ms */
  readonly modified: number
  readonly modifiedBy: string
  readonly deleted: boolean
  readonly root: string
  /** MD5 of the content where it is known, otherwise empty (pithos dossier 7.3). */
  readonly md5: string
  readonly type: string
  readonly attributes: Attributes
  readonly meta: ReadonlyMap<string, string>
}

export interface Attributes {
  readonly encoding?: string
  readonly disposition?: string
  readonly manifest?: string
}

export interface Sharing {
  readonly read: readonly string[]
  readonly write: readonly string[]
}

export interface PublishedObject {
  readonly container: Container
  readonly name: string
}

const NO_ENTRIES: ReadonlyMap<string, never> = new Map<string, never>()

/** The account of a user of the cloud; it exists from the first look at it on. */
export function accountOf(state: State, id: string): Account {
  const known = state.accounts.get(id)
  if (known) return known
  const account: Account = {
    id,
    modified: state.now(),
    meta: NO_ENTRIES,
    groups: NO_ENTRIES,
    containers: new Map<string, Container>(),
  }
  state.accounts.set(id, account)
  return account
}

export function containerOf(account: Account | undefined, name: string): Container {
  const container = account?.containers.get(name)
  if (!container) throw notFound('Container does not exist')
  return container
}

export function createContainer(state: State, account: Account, name: string, policy: Policy): Container {
  const now = state.now()
  const container: Container = {
    account,
    name,
    created: now,
    modified: now,
    meta: NO_ENTRIES,
    policy,
    objects: new Map<string, StoredObject>(),
    count: 0,
    bytes: 0,
  }
  account.containers.set(name, container)
  account.modified = now
  return container
}

export function deleteContainer(state: State, container: Container): void {
  for (const object of container.objects.values()) unpublish(state, object)
  container.account.containers.delete(container.name)
  container.account.modified = state.now()
}

export function defaultPolicy(project: string): Policy {
  return { quota: 0, versioning: 'auto', project }
}

/** The newest version, unless it is a deletion. */
export function latest(object: StoredObject | undefined): Version | undefined {
  const version = object?.versions.at(-1)
  return version?.deleted === true ? undefined : version
}

/** The version that was newest before a moment (ms), unless it is a deletion. */
export function latestBefore(object: StoredObject, until: number): Version | undefined {
  const version = object.versions.findLast(({ modified }) => modified < until)
  return version?.deleted === true ? undefined : version
}

/** Live objects and bytes of a container before a moment (ms). */
export function totalsBefore(container: Container, until: number): { count: number; bytes: number } {
  const totals = { count: 0, bytes: 0 }
  for (const object of container.objects.values()) {
    const version = latestBefore(object, until)
    if (!version) continue
    totals.count += 1
    totals.bytes += version.bytes
  }
  return totals
}

export type NewVersion = Omit<Version, 'serial' | 'modified' | 'root' | 'deleted'>

/**
 * Makes a version the newest of its path, within the quotas of container and account.
 * The bytes of an object that is about to move here count no more where it is.
 */
export function addVersion(
  state: State,
  container: Container,
  name: string,
  version: NewVersion,
  moved?: StoredObject,
): Version {
  const old = latest(container.objects.get(name))
  const growth = version.bytes - (old?.bytes ?? 0)
  checkQuotas(state, container, growth, moved)
  const object = container.objects.get(name) ?? createObject(container, name)
  const added: Version = {
    ...version,
    root: version.hashing.root(version.hashes),
    serial: state.nextSerial(),
    modified: state.now(),
    deleted: false,
  }
  append(object, added)
  changeBytes(state, container, growth)
  if (!old) container.count += 1
  return added
}

/** Puts a deletion on top of a path; what it was shared and published as ends. */
export function deleteObject(state: State, object: StoredObject, modifiedBy: string): void {
  const old = latest(object)
  if (!old) return
  const { container } = object
  append(object, {
    ...old,
    serial: state.nextSerial(),
    modified: state.now(),
    modifiedBy,
    deleted: true,
    bytes: 0,
    hashes: [],
  })
  changeBytes(state, container, -old.bytes)
  container.count -= 1
  delete object.sharing
  unpublish(state, object)
}

/** Forgets the history of a path up to a moment (ms); what is live stays. */
export function purge(object: StoredObject, until: number): void {
  const newest = object.versions.at(-1)
  object.versions = object.versions.filter(
    (version) => version.modified > until || (version === newest && !version.deleted),
  )
  if (object.versions.length > 0) return
  object.container.objects.delete(object.name)
  delete object.container.sorted
}

export function publish(state: State, object: StoredObject): void {
  if (object.publicId !== undefined) return
  object.publicId = publicId()
  state.published.set(object.publicId, { container: object.container, name: object.name })
}

export function unpublish(state: State, object: StoredObject): void {
  if (object.publicId === undefined) return
  state.published.delete(object.publicId)
  delete object.publicId
}

export function newUuid(): string {
  return randomUUID()
}

function createObject(container: Container, name: string): StoredObject {
  const object: StoredObject = { container, name, versions: [] }
  container.objects.set(name, object)
  delete container.sorted
  return object
}

function append(object: StoredObject, version: Version): void {
  const { container } = object
  const history = container.policy.versioning === 'auto' ? object.versions : object.versions.slice(0, -1)
  object.versions = [...history, version]
  container.modified = version.modified
  container.account.modified = version.modified
}

function checkQuotas(
  state: State,
  container: Container,
  growth: number,
  moved: StoredObject | undefined,
): void {
  const { account, policy } = container
  const leaving = latest(moved)?.bytes ?? 0
  const inContainer = growth - (moved?.container === container ? leaving : 0)
  if (policy.quota > 0 && inContainer > 0 && container.bytes + inContainer > policy.quota) {
    throw tooLarge(`Quota error: Container ${container.name} exceeds its quota of ${policy.quota} bytes`)
  }
  const sameSpace = moved?.container.account === account && moved.container.policy.project === policy.project
  const more = growth - (sameSpace ? leaving : 0)
  if (more > 0) state.diskspace.check(account.id, policy.project, more)
}

function changeBytes(state: State, container: Container, change: number): void {
  container.bytes += change
  state.diskspace.use(container.account.id, container.policy.project, change)
}

export function accountBytes(account: Account): number {
  let bytes = 0
  for (const container of account.containers.values()) bytes += container.bytes
  return bytes
}
