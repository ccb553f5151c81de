/** The clouds that the embedded cloud speaks. */
export type EmbeddedCloudName = 'synnefo' | 'stackit' | 'openstack' | 'slipstream' | 'nuvla'

/** What goes wrong with one request. Times are wall time. */
export type FaultKind =
  /** Answers instead of the service, which never hears of the request. */
  | {
      readonly kind: 'status'
      readonly status: number
      /** Text as it is, anything else as JSON. Default: a short page of HTML, as front-end proxies send it. */
      readonly body?: unknown
      readonly contentType?: string
      /** Seconds, or an instant. */
      readonly retryAfter?: number | Date
    }
  /** Waits before the request is handled. It is not handled at all when the client leaves meanwhile. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Handles the request at once, but holds the whole answer back. */
  | { readonly kind: 'slow-first-byte'; readonly ms: number }
  /** Handles the request, then resets the connection instead of answering. */
  | { readonly kind: 'reset' }
  /** Resets the connection after so many bytes of the true answer's body. */
  | { readonly kind: 'reset-mid-body'; readonly afterBytes: number }
  /** Promises the true Content-Length, sends so many bytes (always fewer than promised) and closes cleanly. */
  | { readonly kind: 'truncated-body'; readonly afterBytes: number }
  /** The true status and content type with a body that cannot be parsed. */
  | { readonly kind: 'malformed-body' }
  /** Revokes the very token that the request carries; the service then refuses it in its own words. */
  | { readonly kind: 'token-revoked' }
  /** The `Date` header of this answer is off by so much, on top of the cloud's own skew. */
  | { readonly kind: 'clock-skew'; readonly ms: number }
  /** Resets the connection once so many bytes of the request's body were read, or when it ended before that. */
  | { readonly kind: 'cut-request'; readonly afterBytes: number }

/** Which requests a fault is for, and how often. */
export interface Fault {
  /** Default: every cloud. */
  readonly cloud?: EmbeddedCloudName
  readonly method?: string
  /** As it comes over the wire, without the query: exactly this, or what starts with it if it ends in `*`, or a pattern. */
  readonly path?: string | RegExp
  /** Something in the query, as it comes over the wire: `hashmap` tells a put of hashes from one of content. */
  readonly search?: string | RegExp
  /** Matching requests to let through first. Default 0. */
  readonly skip?: number
  /** How many requests to spoil, then the fault is used up. `Infinity` is allowed. Default 1. */
  readonly times?: number
  /** One thing that goes wrong, or several at once. */
  readonly fault: FaultKind | readonly FaultKind[]
}

/** The faults of an embedded cloud. */
export interface Faults {
  /**
   * Declares a fault; the returned function takes it back. A request meets one fault at most: the first declared
   * one that is due. It counts as let through for those whose `skip` is not used up.
   */
  add(fault: Fault): () => void
  clear(): void
}

/** What a fault is chosen by. */
export interface Requested {
  readonly method: string
  readonly path: string
  readonly search: string
}

export interface FaultBook extends Faults {
  /** What goes wrong with this request; uses the fault up. */
  take(cloud: EmbeddedCloudName, request: Requested): readonly FaultKind[]
}

interface Entry {
  readonly fault: Fault
  toSkip: number
  left: number
}

export function createFaults(initial: readonly Fault[] = []): FaultBook {
  let entries: Entry[] = []
  const book: FaultBook = {
    add(fault) {
      const entry: Entry = {
        fault,
        toSkip: countOf('skip', fault.skip ?? 0),
        left: countOf('times', fault.times ?? 1),
      }
      for (const kind of kindsOf(fault)) checkKind(kind)
      entries.push(entry)
      return () => {
        entries = entries.filter((other) => other !== entry)
      }
    },
    clear() {
      entries = []
    },
    take(cloud, request) {
      let due: Entry | undefined
      for (const entry of entries) {
        if (!matches(entry.fault, cloud, request)) continue
        if (entry.toSkip > 0) entry.toSkip -= 1
        else if (entry.left > 0) due ??= entry
      }
      if (due === undefined) return []
      due.left -= 1
      if (due.left <= 0) entries = entries.filter((other) => other !== due)
      return kindsOf(due.fault)
    },
  }
  for (const fault of initial) book.add(fault)
  return book
}

export function matchesPath(pattern: string | RegExp, path: string): boolean {
  if (typeof pattern !== 'string') return path.search(pattern) !== -1
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern
}

function matches(fault: Fault, cloud: EmbeddedCloudName, { method, path, search }: Requested): boolean {
  return (
    (fault.cloud === undefined || fault.cloud === cloud) &&
    (fault.method === undefined || fault.method.toUpperCase() === method) &&
    (fault.path === undefined || matchesPath(fault.path, path)) &&
    (fault.search === undefined || has(search, fault.search))
  )
}

function has(text: string, pattern: string | RegExp): boolean {
  return typeof pattern === 'string' ? text.includes(pattern) : text.search(pattern) !== -1
}

function kindsOf(fault: Fault): readonly FaultKind[] {
  return 'kind' in fault.fault ? [fault.fault] : fault.fault
}

function countOf(name: string, value: number): number {
  if (!(value >= 0)) throw new TypeError(`${name} of a fault must be a number, 0 or more`)
  return value
}

function checkKind(kind: FaultKind): void {
  switch (kind.kind) {
    case 'status':
      if (!Number.isInteger(kind.status) || kind.status < 200 || kind.status > 599) {
        throw new TypeError('status of a fault must be an HTTP status from 200 to 599')
      }
      return
    case 'delay':
    case 'slow-first-byte':
      countOf('ms', kind.ms)
      return
    case 'reset-mid-body':
    case 'truncated-body':
    case 'cut-request':
      countOf('afterBytes', kind.afterBytes)
      return
    case 'clock-skew':
      if (!Number.isFinite(kind.ms)) throw new TypeError('ms of a fault must be a number')
      return
    case 'reset':
    case 'malformed-body':
    case 'token-revoked':
      return
    default:
      throw new TypeError(
        `There is no fault of the kind ${JSON.stringify((kind as { kind?: unknown }).kind)}`,
      )
  }
}
