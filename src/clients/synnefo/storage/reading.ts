import { defer, map, type Observable } from 'rxjs'
import { ResponseFormatError } from '../../../errors.js'
import { call, type Api } from '../../../http/api.js'
import { header } from '../../../http/codecs.js'
import type { BodySink, HttpResponse } from '../../../http/types.js'
import { wholeNumber } from './arguments.js'
import { checkRange, partsOf, rangeHeader, type ObjectPart } from './byte-ranges.js'
import { named, stateIn } from './headers.js'
import type { ObjectName } from './names.js'
import { getObject, headObject } from './object-operations.js'
import type { ByteRange, ObjectInfoOptions, ReadOptions } from './options.js'
import type { ObjectContent, ObjectInfo } from './schemas.js'

export function readInfo(
  api: Api,
  name: ObjectName,
  options: ObjectInfoOptions = {},
): Observable<ObjectInfo> {
  const { version } = options
  return call(api, headObject, { name, version, conditions: options }, options).pipe(
    map((state) => named(name, state)),
  )
}

/** Reads an object, or one range of it, into memory. */
export function readObject(
  api: Api,
  name: ObjectName,
  { range, ...options }: ReadOptions = {},
): Observable<ObjectContent> {
  if (range !== undefined) checkRange(range, 'options.range')
  const ranges = range === undefined ? [] : [range]
  return receive(api, name, ranges, options).pipe(
    map((response) => {
      if (range === undefined) {
        return { info: infoOf(name, response, response.body.length), bytes: response.body, offset: 0 }
      }
      const { total, parts } = partsOf(response, ranges)
      const [part = { bytes: new Uint8Array(), offset: 0 }] = parts
      return { info: infoOf(name, response, total), ...part }
    }),
  )
}

/** Several parts of one object, all of the same content. */
export interface ObjectParts {
  readonly info: ObjectInfo
  /** In the order in which the server sent them. */
  readonly parts: readonly ObjectPart[]
}

/** Reads several ranges of an object with one request. */
export function readRanges(
  api: Api,
  name: ObjectName,
  ranges: readonly ByteRange[],
  options: Omit<ReadOptions, 'range'> = {},
): Observable<ObjectParts> {
  if (ranges.length === 0) throw new TypeError('ranges: expected a list that is not empty')
  ranges.forEach((range, index) => {
    checkRange(range, `ranges[${index}]`)
  })
  return receive(api, name, ranges, options).pipe(
    map((response) => {
      const { total, parts } = partsOf(response, ranges)
      return { info: infoOf(name, response, total), parts }
    }),
  )
}

function infoOf(name: ObjectName, response: HttpResponse, bytes: number): ObjectInfo {
  const state = stateIn(response, bytes)
  const isMultipart = state.contentType?.startsWith('multipart/byteranges') === true
  return named(name, isMultipart ? { ...state, contentType: undefined } : state)
}

/** Reads an object, or ranges of it, into memory, by the operation of a dialect. */
export function receive(
  api: Api,
  name: ObjectName,
  ranges: readonly ByteRange[],
  { limit, ...options }: Omit<ReadOptions, 'range'>,
  operation: typeof getObject = getObject,
): Observable<HttpResponse> {
  const { version } = options
  const range = ranges.length === 0 ? undefined : rangeHeader(ranges)
  const request = (sink?: BodySink): Observable<HttpResponse> =>
    call(api, operation, { name, version, range, conditions: options, sink }, options)
  if (limit === undefined) return request()
  wholeNumber('options.limit', limit)
  return defer(() => {
    const held = holdAtMost(limit)
    return request(held.sink).pipe(map((response) => ({ ...response, body: held.bytes() })))
  })
}

/** Keeps a body in memory, unless it is larger than wanted. */
function holdAtMost(limit: number): { readonly sink: BodySink; bytes(): Uint8Array } {
  let pieces: Uint8Array[] = []
  let size = 0
  const check = (bytes: number): void => {
    if (bytes <= limit) return
    throw new ResponseFormatError(
      `the object is larger than the limit of ${limit} bytes: read ranges of it, or download it`,
      { issues: [`larger than ${limit} bytes`] },
    )
  }
  return {
    bytes: () => Buffer.concat(pieces, size),
    sink: {
      begin: (_status, headers) => {
        pieces = []
        size = 0
        check(Number(header({ headers }, 'content-length') ?? 0))
      },
      write: (chunk) => {
        size += chunk.length
        check(size)
        pieces.push(Uint8Array.from(chunk))
        return true
      },
    },
  }
}
