import { existing } from './containers.js'
import { guessType } from './content-types.js'
import { refused, SwiftFailure } from './failure.js'
import { readObjectHeaders } from './object-headers.js'
import { reply } from './reply.js'
import { contentLength, isChunked, isTrue, type ObjectPlace, type SwiftRequest } from './request.js'
import { livingObject, usageOf, type Container, type StoredObject } from './state.js'
import { asHttpDate } from './timestamps.js'
import { putCurrent, replaceCurrent } from './versions.js'

export async function putObject(request: SwiftRequest, place: ObjectPlace): Promise<void> {
  const { region, headers, exchange } = request
  checkPut(request, place)
  const length = contentLength(request)
  if (length === undefined && !isChunked(request)) throw refused(411, 'Missing Content-Length header.')
  const limit = region.info.swift.max_file_size
  if ((length ?? 0) > limit) throw tooLarge()
  const described = readObjectHeaders(request)
  checkQuota(request, existing(request, place), length ?? 0)

  const bytes = await region.bytes.keep(
    (take) => exchange.receive(take),
    limit,
    () => {
      throw tooLarge()
    },
  )
  try {
    const etag = headers.get('Etag')?.replaceAll('"', '')
    if (etag !== undefined && etag !== '' && etag !== bytes.md5) {
      throw new SwiftFailure(422, undefined, { 'Last-Modified': asHttpDate(region.tick()) })
    }
    checkPut(request, place)
    const stored = commit(request, place, {
      bytes,
      contentType: typeOf(request, place),
      ...described,
    })
    reply(exchange, 201, { Etag: bytes.md5, ...writtenHeaders(stored) })
  } catch (error) {
    bytes.release()
    throw error
  }
}

/** `POST`: replaces all that is said about an object; its type stays unless a new one comes. */
export function postObject(request: SwiftRequest, place: ObjectPlace): void {
  if (request.query.has('version-id') && request.region.info.object_versioning !== undefined) {
    throw new SwiftFailure(400, 'POST to a specific version is not allowed')
  }
  const { region, headers } = request
  const described = readObjectHeaders(request)
  const container = existing(request, place)
  const object = livingObject(region, container, place.object)
  if (object === undefined) throw new SwiftFailure(404)
  const { deleteAt: _, ...rest } = object
  const type = headers.get('Content-Type') ?? ''
  replaceCurrent(container, {
    ...rest,
    ...described,
    time: region.tick(),
    ...(type === '' ? {} : { contentType: type }),
  })
  reply(request.exchange, 202)
}

/** What must hold for any kind of PUT, before its body is read and again after that. */
export function checkPut(request: SwiftRequest, place: ObjectPlace): void {
  const longest = request.region.info.swift.max_object_name_length
  const bytes = Buffer.byteLength(place.object)
  if (bytes > longest) {
    throw refused(400, `Object name length of ${String(bytes)} longer than ${String(longest)}`)
  }
  const container = existing(request, place)
  const noneMatch = request.headers.get('If-None-Match')
  if (noneMatch === undefined) return
  if (noneMatch !== '*') throw refused(400, 'If-None-Match only supports *')
  if (livingObject(request.region, container, place.object) !== undefined) throw new SwiftFailure(412)
}

/** Goes by what is in the container now, the object that is replaced included. */
export function checkQuota(request: SwiftRequest, container: Container, length: number): void {
  if (request.region.info.container_quotas === undefined) return
  const quota = (kind: string): number =>
    Number(container.headers.get(`X-Container-Meta-Quota-${kind}`) ?? Infinity)
  const [mostBytes, mostObjects] = [quota('Bytes'), quota('Count')]
  if (mostBytes === Infinity && mostObjects === Infinity) return
  const { bytes, count } = usageOf(container)
  if (bytes + length > mostBytes || count + 1 > mostObjects) {
    throw new SwiftFailure(413, 'Upload exceeds quota.')
  }
}

export function commit(
  request: SwiftRequest,
  place: ObjectPlace,
  object: Omit<StoredObject, 'name' | 'time'>,
): StoredObject {
  const stored = { ...object, name: place.object, time: request.region.tick() }
  return putCurrent(existing(request, place), stored)
}

/** Of the answer to a PUT that has succeeded. */
export function writtenHeaders({ time, versionId }: StoredObject): Record<string, string> {
  return {
    'Last-Modified': asHttpDate(time),
    ...(versionId === undefined ? {} : { 'X-Object-Version-Id': versionId }),
  }
}

/** As the sender says, or by the end of the name. */
export function typeOf(request: SwiftRequest, place: ObjectPlace): string {
  const type = request.headers.get('Content-Type') ?? ''
  const guess = type === '' || isTrue(request.headers.get('X-Detect-Content-Type'))
  return guess ? guessType(place.object) : type
}

export function tooLarge(): SwiftFailure {
  return refused(413, 'Your request is too large.')
}
