import { isHttpError, type Checkpoint, type CloudError } from '../../../../errors.js'
import type { Api } from '../../../../http/api.js'
import type { CallOptions } from '../../../../http/types.js'
import type { Hasher, RunningHash } from '../../../../streams/hasher.js'
import type { OpenSink } from '../../../../streams/sinks.js'
import { interrupted, requestOptions, type TransferReport } from '../../../../streams/transfer.js'
import { labelOf, type ObjectName } from '../../storage/names.js'
import type { ObjectInfo } from '../../storage/schemas.js'
import type { DownloadOptions } from '../../storage/transfer-options.js'

/** What is known before the sink is open. */
export interface Order {
  readonly api: Api
  readonly hasher: Hasher
  readonly name: ObjectName
  readonly options: DownloadOptions
  readonly concurrency: number
  readonly report: TransferReport
}

/** What all steps of one download work on. */
export interface Download extends Order {
  readonly sink: OpenSink
  /** Bytes that the sink was given. */
  readonly given: { bytes: number }
  /** MD5 of the parts that came over the wire, also before the object was replaced. */
  readonly travelled: Set<string>
}

/** An object that can be asked for ranges: the whole, or a segment of a dynamic large object. */
export interface Place {
  readonly name: ObjectName
  readonly version: number | string | undefined
  /** Holds it fast. */
  readonly etag: string | undefined
  /** Where it begins in the content. */
  readonly start: number
}

/** Bytes that have a hash of their own. */
export interface Part {
  readonly index: number
  readonly offset: number
  readonly length: number
  /** Absent where the server tells none of just these bytes. */
  readonly md5: string | undefined
  readonly place: Place
}

export function endOf({ offset, length }: Part): number {
  return offset + length
}

/** Parts that lie one after the other in one object, and so are fetched by one request. */
export interface Run {
  readonly parts: readonly Part[]
  /** What is there of the first part already: how many bytes, and their hash. */
  readonly begun?: { readonly bytes: number; readonly hash: RunningHash }
}

/** What the object was when it was looked at. */
export interface Content {
  readonly size: number
  readonly parts: readonly Part[]
  /** Whether it is one object without segments. */
  readonly isPlain: boolean
  /** Of a listing, until the first answer says more. */
  info: ObjectInfo
  isListed: boolean
}

/** The object is not what it was when it was looked at. */
export class ObjectReplaced extends Error {
  override readonly cause: CloudError
  constructor(cause: CloudError) {
    super('the object was replaced while it was read')
    this.cause = cause
  }
}

/** The options of a request; its retries are told. */
export function told({ options, report }: Order, part?: number): CallOptions {
  return requestOptions(options, (retry) => {
    report.retrying(retry, part)
  })
}

/** An entity tag without the quotes that large objects have it in. */
export function bareTag(etag: string | undefined): string | undefined {
  return etag?.replace(/^(?:W\/)?"(.*)"$/, '$1')
}

export function checkpointOf({ name }: Order, { size, parts }: Content): Checkpoint {
  return {
    version: 1,
    direction: 'download',
    object: labelOf(name),
    size,
    blockSize: Math.max(1, ...parts.slice(0, 1).map(({ length }) => length)),
    blockHash: 'md5',
    hashes: parts.map(({ md5 }) => md5 ?? ''),
  }
}

/** These refuse the whole, whichever of its requests they answer. */
const refusals = [401, 403, 404]

/** The error of the stream: a `TransferError`, unless the server has refused the download as a whole. */
export function stopped(
  { api, name }: Pick<Order, 'api' | 'name'>,
  error: unknown,
  where: { readonly part?: number | undefined; readonly checkpoint?: Checkpoint | undefined } = {},
): unknown {
  if (error instanceof ObjectReplaced) return error
  if (isHttpError(error) && refusals.includes(error.status)) return error
  return interrupted(error, {
    what: `download of ${labelOf(name)}`,
    cloud: api.cloud,
    operation: 'openstack.storage.download',
    ...where,
  })
}
