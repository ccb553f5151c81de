import { bodyOf } from './byte-store.js'
import { SwiftFailure, statusLine } from './failure.js'
import type { SwiftInfo } from './info.js'
import { readObjectHeaders } from './object-headers.js'
import { checkPut, commit, typeOf, writtenHeaders } from './object-write.js'
import { splitPath } from './parts.js'
import { parseRanges } from './ranges.js'
import { reply } from './reply.js'
import { sendManifestErrors } from './report.js'
import { contentLength, isChunked, quote, type ObjectPlace, type SwiftRequest } from './request.js'
import {
  etagOfSegments,
  lengthOf,
  manifestJson,
  parseManifest,
  totalLength,
  type Segment,
  type WantedSegment,
} from './slo-manifest.js'
import { findContainer, livingObject } from './state.js'
import { inSeconds } from './timestamps.js'

type Limits = NonNullable<SwiftInfo['slo']>
type SegmentError = readonly [name: string, status: string]

/** `PUT ?multipart-manifest=put`: puts a static large object together from segments that are there. */
export async function putManifest(request: SwiftRequest, place: ObjectPlace, limits: Limits): Promise<void> {
  const { exchange, region, headers } = request
  checkPut(request, place)
  const described = readObjectHeaders(request)
  const wanted = parseManifest(await readManifest(request, limits))
  const objects = wanted.filter((segment) => 'path' in segment).length
  if (objects > limits.max_manifest_segments) {
    const most = String(limits.max_manifest_segments)
    throw new SwiftFailure(413, `Number of object-backed segments must be <= ${most}`)
  }
  const errors: SegmentError[] = []
  const segments = wanted.flatMap((segment, index) =>
    resolveSegment(request, place, segment, index === wanted.length - 1, limits, errors),
  )
  if (errors.length > 0) {
    sendManifestErrors(request, errors)
    return
  }
  const etag = etagOfSegments(segments)
  const expected = headers.get('Etag')?.replaceAll('"', '') ?? ''
  if (expected !== '' && expected !== etag) throw new SwiftFailure(422)
  const bytes = await region.bytes.keep(bodyOf([Buffer.from(manifestJson(segments))]), Infinity, () => {
    throw new SwiftFailure(413)
  })
  checkPut(request, place)
  const contentType = typeOf(request, place)
  const stored = commit(request, place, { bytes, contentType, segments, ...described })
  reply(exchange, 201, { Etag: `"${etag}"`, ...writtenHeaders(stored) })
}

async function readManifest(request: SwiftRequest, limits: Limits): Promise<string> {
  const length = contentLength(request)
  if (length === undefined && !isChunked(request)) throw new SwiftFailure(411)
  const tooLong = `Manifest File > ${String(limits.max_manifest_size)} bytes`
  if ((length ?? 0) > limits.max_manifest_size) throw new SwiftFailure(413, tooLong)
  const pieces: Buffer[] = []
  let total = 0
  await request.exchange.receive((piece) => {
    total += piece.length
    if (total > limits.max_manifest_size) throw new SwiftFailure(413, tooLong)
    pieces.push(piece)
    return undefined
  })
  return Buffer.concat(pieces).toString()
}

/** The segment as it is; what is wrong with it goes to `errors`. */
function resolveSegment(
  request: SwiftRequest,
  place: ObjectPlace,
  wanted: WantedSegment,
  last: boolean,
  limits: Limits,
  errors: SegmentError[],
): readonly Segment[] {
  if ('data' in wanted) return [wanted]
  const { region } = request
  const target = { account: place.account, ...splitPath(wanted.path) }
  const complain = (problem: string): void => {
    errors.push([quote(wanted.path), problem])
  }
  if (!request.may('read', target)) {
    complain(statusLine(request.principal === undefined ? 401 : 403))
    return []
  }
  const found = livingObject(region, findContainer(region, target.account, target.container), target.object)
  if (found === undefined) {
    complain(statusLine(404))
    return []
  }
  const nested = found.segments
  const bytes = nested === undefined ? found.bytes.length : totalLength(nested)
  const hash = nested === undefined ? found.bytes.md5 : etagOfSegments(nested)
  const range = wanted.range === undefined ? undefined : parseRanges(`bytes=${wanted.range}`, bytes)?.[0]
  if (wanted.size !== undefined && wanted.size !== bytes) complain('Size Mismatch')
  if (wanted.etag !== undefined && wanted.etag !== hash) complain('Etag Mismatch')
  if (wanted.range !== undefined && range === undefined) complain('Unsatisfiable Range')
  const segment: Segment = {
    path: wanted.path,
    bytes,
    hash,
    contentType: found.contentType,
    modified: `${new Date(inSeconds(found.time) * 1000).toISOString().slice(0, 19)}.000000`,
    ...(range === undefined ? {} : { range: { first: range.start, last: range.end - 1 } }),
    ...(nested === undefined ? {} : { nested: true }),
  }
  if (!last && lengthOf(segment) < limits.min_segment_size) {
    complain(`Too Small; each segment must be at least ${String(limits.min_segment_size)} byte.`)
  }
  return [segment]
}
