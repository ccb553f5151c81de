import type { IncomingHttpHeaders } from 'node:http'
import { matchesPath, type EmbeddedCloudName, type FaultKind } from './faults.js'

/** A request that the embedded cloud received. Token-like values are kept: this is a test tool. */
export interface RecordedRequest {
  readonly cloud: EmbeddedCloudName
  readonly method: string
  /** As it came over the wire, without the query. */
  readonly path: string
  /** As it came over the wire, without the question mark. */
  readonly search: string
  readonly headers: IncomingHttpHeaders
  /** The status answered; absent while there is none, and for good when the connection was cut before one was sent. */
  readonly status?: number
  /** Bytes of the request's body that the service has read. */
  readonly bytes: number
  /** Wall time of its arrival, ms since the epoch, without the cloud's skew. */
  readonly at: number
  /** The faults that it met. */
  readonly faults: readonly FaultKind['kind'][]
  /** What went wrong inside the embedded cloud itself: a defect, please report it. */
  readonly defect?: unknown
}

/** Picks requests; what is left out matches all. */
export interface RequestFilter {
  readonly cloud?: EmbeddedCloudName
  readonly method?: string
  /** As in a fault: exact, a prefix ending in `*`, or a pattern. */
  readonly path?: string | RegExp
  /** Only those that arrived at this wall time (ms since the epoch) or later. */
  readonly since?: number
}

export type OpenRecord = { -readonly [Key in keyof RecordedRequest]: RecordedRequest[Key] }

export interface RequestLog {
  add(record: OpenRecord): void
  list: (filter?: RequestFilter) => RecordedRequest[]
}

export function createRequestLog(limit: number): RequestLog {
  let records: OpenRecord[] = []
  return {
    add(record) {
      records.push(record)
      // Trimmed in bulk, so that adding stays cheap.
      if (records.length >= 2 * limit) records = records.slice(-limit)
    },
    list: (filter = {}) =>
      records
        .slice(-limit)
        .filter(
          (record) =>
            (filter.cloud === undefined || filter.cloud === record.cloud) &&
            (filter.method === undefined || filter.method.toUpperCase() === record.method) &&
            (filter.path === undefined || matchesPath(filter.path, record.path)) &&
            (filter.since === undefined || record.at >= filter.since),
        )
        .map((record) => ({ ...record })),
  }
}
