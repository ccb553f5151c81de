import { catchError, concatMap, defer, map, of, throwError, type Observable } from 'rxjs'
import { isHttpError, TransferError, type Checkpoint, type HttpError } from '../../../../errors.js'
import { call, type Api } from '../../../../http/api.js'
import { header } from '../../../../http/codecs.js'
import type { BodySink } from '../../../../http/types.js'
import type { Gate } from '../../../../streams/gate.js'
import type { Hasher } from '../../../../streams/hasher.js'
import { hashBlock } from '../../../../streams/hashing.js'
import type { OpenSink } from '../../../../streams/sinks.js'
import {
  immediateRetry,
  interrupted,
  requestOptions,
  type TransferReport,
} from '../../../../streams/transfer.js'
import { checkShape, type BlockShape } from '../blocks.js'
import { labelOf, type ObjectName } from '../../storage/names.js'
import { named } from '../../storage/headers.js'
import { getRange, headObject } from '../../storage/object-operations.js'
import { getHashmap } from '../block-operations.js'
import type { DownloadOptions } from '../../storage/transfer-options.js'
import type { Hashmap, ObjectInfo } from '../../storage/schemas.js'

/** What is known before the sink is open. */
export interface Order {
  readonly api: Api
  readonly hasher: Hasher
  readonly name: ObjectName
  readonly options: DownloadOptions
  /** Number of an old one. */
  readonly version: number | undefined
  /** Lets as many blocks be received at a time as the caller wants. */
  readonly receiving: Gate
  /** Blocks that are held at a time: while some are received, others are hashed and written. */
  readonly lanes: number
  readonly report: TransferReport
}

/** What all steps of one download work on. */
export interface Download extends Order {
  readonly sink: OpenSink
  /** Whether the sink takes any part at any time. */
  readonly randomAccess: boolean
}

/** What the object was when it was looked at. */
export interface Content extends BlockShape {
  readonly info: ObjectInfo
  readonly size: number
  readonly total: number
  readonly hashes: readonly string[]
}

/** The object is not what it was when it was looked at. */
export class ObjectReplaced extends Error {
  override readonly cause: HttpError
  constructor(cause: HttpError) {
    super('the object was replaced while it was read')
    this.cause = cause
  }
}

/** How often a block is fetched whose hash is not the one it should be. */
const MAX_FETCHES = 3
/** The hash of a short last block may be that of more than is left of it (pithos dossier 8): fetch it again to be sure, once. */
const MAX_TAIL_FETCHES = 2

/** Looks at the object, and reads the hashes of the same content. */
export function describe({ api, name, options, version, report }: Order): Observable<Content> {
  const { ifMatch, ifNoneMatch } = options
  const told = requestOptions(options, (retry) => {
    report.retrying(retry)
  })
  const conditions = {
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
  }
  return call(api, headObject, { name, version, conditions }, told).pipe(
    map((state) => named(name, state)),
    concatMap((info) => {
      const etag = pinOf(info, version)
      const pinned = etag === undefined ? {} : { ifMatch: etag }
      return call(api, getHashmap, { name, version, conditions: pinned }, told).pipe(
        map((hashmap) => contentOf(info, hashmap)),
        catchError(noticeReplacement),
      )
    }),
  )
}

/** A version never changes; the newest one is held fast by its entity tag (pithos dossier 10). */
function pinOf({ etag }: ObjectInfo, version: number | undefined): string | undefined {
  return version === undefined ? etag : undefined
}

function contentOf(info: ObjectInfo, hashmap: Hashmap): Content {
  const { block_size: blockSize, block_hash: blockHash, bytes: size, hashes } = hashmap
  if (info.manifest !== undefined) {
    throw new TransferError(`it is put together from ${info.manifest}: download the objects that begin so`)
  }
  const shape = checkShape({ blockSize, blockHash })
  const total = Math.ceil(size / blockSize)
  // An empty object is told to have one block (pithos dossier 10).
  if (total !== 0 && hashes.length !== total) {
    throw new TransferError(`the server tells ${hashes.length} blocks, but ${size} bytes are ${total}`)
  }
  return { ...shape, info: { ...info, bytes: size }, size, total, hashes: hashes.slice(0, total) }
}

function noticeReplacement(error: unknown): Observable<never> {
  const isOther = isHttpError(error) && (error.status === 412 || error.status === 416)
  return throwError(() => (isOther ? new ObjectReplaced(error) : error))
}

export function lengthOf({ size, blockSize }: Content, index: number): number {
  return Math.min(blockSize, size - index * blockSize)
}

/** Fetches a block into the buffer until its hash is right; emits once when it is, or when it cannot be. */
export function fetchBlock(
  job: Download,
  content: Content,
  index: number,
  buffer: Uint8Array,
): Observable<void> {
  const { report } = job
  const length = lengthOf(content, index)
  const isTail = length < content.blockSize
  const limit = isTail ? MAX_TAIL_FETCHES : MAX_FETCHES

  const fetch = (attempt: number): Observable<void> =>
    receiveBlock(job, content, index, buffer).pipe(
      concatMap((received) =>
        defer(() => hashBlock(job.hasher, content.blockHash, buffer.subarray(0, length))).pipe(
          map((hash) => received === length && hash === content.hashes[index]),
        ),
      ),
      concatMap((isRight) => {
        if (isRight) return of(undefined)
        const error = new TransferError('a block arrived that is not the one its hash says', { part: index })
        if (attempt < limit) {
          report.retrying(immediateRetry(attempt, error), index)
          return fetch(attempt + 1)
        }
        if (!isTail) return throwError(() => error)
        report.unverified(index, length)
        return of(undefined)
      }),
    )
  return fetch(1).pipe(
    catchError(noticeReplacement),
    catchError((error: unknown) => throwError(() => stopped(job, error, { part: index }))),
  )
}

/** Emits how many of the block's bytes came. */
function receiveBlock(
  { api, name, options, version, report, receiving }: Download,
  content: Content,
  index: number,
  buffer: Uint8Array,
): Observable<number> {
  return defer(() => {
    const offset = index * content.blockSize
    const length = lengthOf(content, index)
    const receiver = receiverOf(buffer, offset, length)
    const told = requestOptions(options, (retry) => {
      report.retrying(retry, index)
    })
    const etag = pinOf(content.info, version)
    const wanted = { name, version, etag, offset, length, sink: receiver.sink }
    return receiving.pass(call(api, getRange, wanted, told)).pipe(map(() => receiver.received()))
  })
}

/** Takes the wanted bytes out of an answer that may hold more than those: a server may ignore the range. */
function receiverOf(
  buffer: Uint8Array,
  offset: number,
  length: number,
): { readonly sink: BodySink; received(): number } {
  let position = 0
  let received = 0
  return {
    received: () => received,
    sink: {
      begin: (status, headers) => {
        const first = /^bytes (\d+)-/.exec(header({ headers }, 'content-range') ?? '')?.[1]
        position = status === 206 ? Number(first ?? offset) : 0
        received = 0
      },
      write: (chunk) => {
        const from = Math.max(position, offset)
        const to = Math.min(position + chunk.length, offset + length)
        if (from < to) {
          buffer.set(chunk.subarray(from - position, to - position), from - offset)
          received += to - from
        }
        position += chunk.length
        return true
      },
    },
  }
}

/** The error of the stream: a `TransferError`, unless the server has refused the download as a whole. */
export function stopped(
  { api, name }: Pick<Order, 'api' | 'name'>,
  error: unknown,
  where: { readonly part?: number; readonly checkpoint?: Checkpoint | undefined } = {},
): unknown {
  if (error instanceof ObjectReplaced) return error
  return interrupted(error, {
    what: `download of ${labelOf(name)}`,
    cloud: api.cloud,
    operation: 'synnefo.pithos.download',
    ...where,
  })
}
