import type { ByteStore, Bytes } from './byte-store.js'
import type { SwiftInfo } from './info.js'
import type { Segment } from './slo-manifest.js'
import { createNames, type Names } from './names.js'
import type { Timestamp } from './timestamps.js'

/** Who sends a request. */
export interface Principal {
  /** The account that is his. */
  readonly owns?: string
  /** Whether an entry of an access list means him. */
  readonly matches: (entry: string) => boolean
}

/** Headers by their wire names. */
export type HeaderMap = ReadonlyMap<string, string>

export interface StoredObject {
  readonly name: string
  readonly bytes: Bytes
  readonly contentType: string
  /** `X-Object-Meta-…` and the other headers that are kept and given back. */
  readonly headers: HeaderMap
  /** Time of the last PUT or POST. */
  readonly time: Timestamp
  /** Seconds since the epoch. */
  readonly deleteAt?: number
  /** What a static large object is made of; `bytes` is its manifest then. */
  readonly segments?: readonly Segment[]
  /** Absent: written while versioning was off. */
  readonly versionId?: string
  /** A delete marker. */
  readonly deleted?: true
}

/** What is at one name. */
export interface Entry {
  current?: StoredObject
  /** Newest first; the current one is among them unless it was written while versioning was off. */
  versions: StoredObject[]
}

export interface Container {
  readonly name: string
  readonly created: Timestamp
  /** Time of the last PUT or POST. */
  updated: Timestamp
  headers: Map<string, string>
  /** Absent: versioning was never on. */
  versioning?: boolean
  readonly entries: Names<Entry>
}

export interface Account {
  readonly name: string
  readonly created: Timestamp
  headers: Map<string, string>
  readonly containers: Names<Container>
}

/** All of one region's store. */
export interface Region {
  readonly accounts: Map<string, Account>
  readonly bytes: ByteStore
  readonly info: SwiftInfo
  /** The next time of the store. */
  readonly tick: () => Timestamp
  /** The wall clock, ms since the epoch. */
  readonly wallNow: () => number
}

export function findContainer(region: Region, account: string, container: string): Container | undefined {
  return region.accounts.get(account)?.containers.get(container)
}

/** The account, made when it is not there. */
export function openAccount(region: Region, name: string): Account {
  const known = region.accounts.get(name)
  if (known !== undefined) return known
  const account: Account = { name, created: region.tick(), headers: new Map(), containers: createNames() }
  region.accounts.set(name, account)
  return account
}

export interface Usage {
  readonly count: number
  readonly bytes: number
}

/** Of a container: the objects one sees, and the bytes of all versions. */
export function usageOf(container: Container): Usage {
  let count = 0
  let bytes = 0
  for (const entry of container.entries.values()) {
    if (entry.current !== undefined) count += 1
    for (const version of allVersions(entry)) bytes += version.bytes.length
  }
  return { count, bytes }
}

export function usageOfAccount(account: Account): Usage {
  let count = 0
  let bytes = 0
  for (const container of account.containers.values()) {
    const usage = usageOf(container)
    count += usage.count
    bytes += usage.bytes
  }
  return { count, bytes }
}

/** Newest first; one that was written while versioning was off is newer than all that have an id. */
export function allVersions(entry: Entry): readonly StoredObject[] {
  const { current, versions } = entry
  return current === undefined || versions.includes(current) ? versions : [current, ...versions]
}

/** What there is to read at a name: not what has expired meanwhile. */
export function livingObject(
  region: Region,
  container: Container | undefined,
  name: string,
): StoredObject | undefined {
  const current = container?.entries.get(name)?.current
  return current === undefined || hasExpired(region, current) ? undefined : current
}

export function hasExpired(region: Region, object: StoredObject): boolean {
  return object.deleteAt !== undefined && object.deleteAt * 1000 <= region.wallNow()
}
