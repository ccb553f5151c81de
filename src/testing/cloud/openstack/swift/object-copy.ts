import type { OutgoingHttpHeaders } from 'node:http'
import { bodyOf, type Bytes } from './byte-store.js'
import { checkConditions } from './conditions.js'
import { existing } from './containers.js'
import { refused, SwiftFailure } from './failure.js'
import { readObjectHeaders } from './object-headers.js'
import { checkPut, checkQuota, commit, tooLarge, writtenHeaders } from './object-write.js'
import { findBroken, readParts, whileHeld } from './parts.js'
import { parseRanges, type Span } from './ranges.js'
import { HTML, reply } from './reply.js'
import { represent, storedHeaders, type Representation } from './representation.js'
import {
  contentLength,
  decodePath,
  isTrue,
  parseTarget,
  quote,
  type ObjectPlace,
  type SwiftRequest,
} from './request.js'
import type { StoredObject } from './state.js'
import { asHttpDate } from './timestamps.js'
import { etagOfSegments } from './slo-manifest.js'
import { findObject } from './versions.js'

/** `COPY`, which names where to. */
export async function copyObject(request: SwiftRequest, source: ObjectPlace): Promise<void> {
  const destination = request.headers.get('Destination') ?? ''
  if (destination === '') throw new SwiftFailure(412, 'Destination header required')
  const account = decodePath(request.headers.get('Destination-Account') ?? source.account)
  await copy(request, source, { account, ...parseTarget(destination, 'Destination') })
}

/** `PUT` with `X-Copy-From`, which names where from. */
export async function copyFrom(request: SwiftRequest, destination: ObjectPlace, from: string): Promise<void> {
  const account = decodePath(request.headers.get('X-Copy-From-Account') ?? destination.account)
  await copy(request, { account, ...parseTarget(from, 'X-Copy-From') }, destination)
}

async function copy(request: SwiftRequest, source: ObjectPlace, destination: ObjectPlace): Promise<void> {
  const { exchange, headers } = request
  if ((contentLength(request) ?? 0) > 0) throw refused(400, 'Copy requests require a zero byte body')
  request.demand('read', source)
  request.demand('write', destination)
  const found = findObject(request, source)
  const { object } = found
  const shown = represent(request, source.account, object)
  const failed = checkConditions(headers, shown.etag, object.time)
  if (failed !== undefined) {
    const type =
      failed === 304
        ? { 'Content-Type': shown.contentType, 'Accept-Ranges': 'bytes' }
        : { 'Content-Type': HTML }
    exchange.send(failed, { ...type, ...shown.headers, 'Content-Length': 0 })
    return
  }
  checkPut({ ...request, headers: new Map() }, destination)
  const span = copiedSpan(request, shown)
  checkQuota(request, existing(request, destination), span.end - span.start)
  const described = describedCopy(request, object, shown)
  const bytes = await copyBytes(request, object, shown, span)
  try {
    const stored = commit(request, destination, { ...described, bytes })
    const version = found.headers['X-Object-Version-Id']
    const etag = stored.segments === undefined ? bytes.md5 : `"${etagOfSegments(stored.segments)}"`
    reply(exchange, 201, {
      Etag: etag,
      ...writtenHeaders(stored),
      'X-Copied-From-Account': quote(source.account),
      'X-Copied-From': quote(`${source.container}/${source.object}`),
      'X-Copied-From-Last-Modified': asHttpDate(object.time),
      ...(version === undefined ? {} : { 'X-Copied-From-Version-Id': version }),
      ...echoedHeaders(stored),
    })
  } catch (error) {
    bytes.release()
    throw error
  }
}

function copiedSpan(request: SwiftRequest, shown: Representation): Span {
  const spans = parseRanges(request.headers.get('Range'), shown.length)
  if (spans?.length === 0) throw new SwiftFailure(416)
  const whole = { start: 0, end: shown.length }
  return spans?.length === 1 ? (spans[0] ?? whole) : whole
}

/** The old headers with the new ones over them, or only the new ones. */
function describedCopy(
  request: SwiftRequest,
  object: StoredObject,
  shown: Representation,
): Omit<StoredObject, 'name' | 'time' | 'bytes'> {
  const described = readObjectHeaders(request)
  const kept = new Map(isTrue(request.headers.get('X-Fresh-Metadata')) ? [] : object.headers)
  const deleteAt =
    described.deleteAt ?? (isTrue(request.headers.get('X-Fresh-Metadata')) ? undefined : object.deleteAt)
  const manifest = object.headers.get('X-Object-Manifest')
  // What was put together is no manifest any more.
  kept.delete('X-Object-Manifest')
  const type = request.headers.get('Content-Type') ?? ''
  const keepsSegments = shown.kind === 'manifest' && object.segments !== undefined
  return {
    contentType: type === '' ? object.contentType : type,
    headers: new Map([
      ...kept,
      ...described.headers,
      ...(shown.kind === 'dynamic' || manifest === undefined
        ? []
        : [['X-Object-Manifest', manifest] as const]),
    ]),
    ...(deleteAt === undefined ? {} : { deleteAt }),
    ...(keepsSegments ? { segments: object.segments } : {}),
  }
}

async function copyBytes(
  request: SwiftRequest,
  object: StoredObject,
  shown: Representation,
  span: Span,
): Promise<Bytes> {
  const whole = span.start === 0 && span.end === shown.length
  if (whole && (shown.kind === 'own' || shown.kind === 'manifest')) return object.bytes.retain()
  if (findBroken(shown.parts, span).any) throw new SwiftFailure(409)
  return request.region.bytes.keep(
    bodyOf(whileHeld(shown.parts, readParts(shown.parts, span))),
    request.region.info.swift.max_file_size,
    () => {
      throw tooLarge()
    },
  )
}

function echoedHeaders(stored: StoredObject): OutgoingHttpHeaders {
  const shown = /^X-(Object-Meta-|Delete-At$)/
  return Object.fromEntries(Object.entries(storedHeaders(stored)).filter(([name]) => shown.test(name)))
}
