import type { OutgoingHttpHeaders } from 'node:http'
import { existing } from './containers.js'
import { notFound, refused, SwiftFailure } from './failure.js'
import { reply } from './reply.js'
import { contentLength, isChunked, quote, type ObjectPlace, type SwiftRequest } from './request.js'
import {
  findContainer,
  hasExpired,
  livingObject,
  type Container,
  type Entry,
  type StoredObject,
} from './state.js'
import { asEpoch, asHttpDate } from './timestamps.js'

/** The version that a request names: an id, `null` for what was written without versioning, or none. */
export function namedVersion({ region, query }: SwiftRequest): string | undefined {
  return region.info.object_versioning === undefined ? undefined : (query.get('version-id') ?? undefined)
}

/** The version that a request names, if there can be one in the container; that may be missing. */
export function askedVersion(request: SwiftRequest, place: ObjectPlace): string | undefined {
  const id = namedVersion(request)
  if (id === undefined || id === 'null') return id
  if (findContainer(request.region, place.account, place.container)?.versioning === undefined) {
    throw new SwiftFailure(400, 'version-aware operations require that the container is versioned')
  }
  if (!/^\d+(\.\d+)?$/.test(id)) throw new SwiftFailure(400, 'Invalid version parameter')
  return id
}

/** What there is to read at a place, with the headers that tell which version it is. */
export function findObject(
  request: SwiftRequest,
  place: ObjectPlace,
): { readonly object: StoredObject; readonly headers: OutgoingHttpHeaders } {
  const { region } = request
  const id = askedVersion(request, place)
  const container = existing(request, place)
  const aware = container.versioning !== undefined || id !== undefined
  if (id === undefined) {
    const object = livingObject(region, container, place.object)
    if (object === undefined) throw notFound(aware ? { 'X-Object-Version-Id': 'null' } : {})
    return { object, headers: aware ? versionHeaders(object, place) : {} }
  }
  const object = findVersion(container.entries.get(place.object), id)
  if (object === undefined || hasExpired(region, object)) throw notFound()
  const headers = { 'X-Object-Version-Id': id }
  if (object.deleted === true) throw notFound({ ...headers, 'Content-Type': object.contentType })
  return { object, headers }
}

function findVersion(entry: Entry | undefined, id: string): StoredObject | undefined {
  if (id !== 'null') return entry?.versions.find(({ versionId }) => versionId === id)
  return entry?.current?.versionId === undefined ? entry?.current : undefined
}

function versionHeaders(object: StoredObject, place: ObjectPlace): OutgoingHttpHeaders {
  const { versionId } = object
  if (versionId === undefined) return { 'X-Object-Version-Id': 'null' }
  const path = quote(`/v1/${place.account}/${place.container}/${place.object}`)
  return { 'Content-Location': `${path}?version-id=${versionId}`, 'X-Object-Version-Id': versionId }
}

/** Makes an object the current one; while versioning is on, the one before stays as a version. */
export function putCurrent(container: Container, object: StoredObject): StoredObject {
  const entry = container.entries.get(object.name) ?? { versions: [] }
  container.entries.set(object.name, entry)
  if (container.versioning !== true) {
    dropUnversioned(entry)
    entry.current = object
    return object
  }
  keepUnversioned(entry)
  const version = { ...object, versionId: asEpoch(object.time) }
  entry.versions.unshift(version)
  entry.current = version
  return version
}

/** Takes the current object away; while versioning is on, a marker says so. Returns whether there was one. */
export function removeCurrent(request: SwiftRequest, container: Container, marker: StoredObject): boolean {
  const entry = container.entries.get(marker.name)
  const there = livingObject(request.region, container, marker.name) !== undefined
  if (container.versioning === true) {
    const kept: Entry = entry ?? { versions: [] }
    container.entries.set(marker.name, kept)
    keepUnversioned(kept)
    kept.versions.unshift(marker)
    delete kept.current
  } else if (entry !== undefined) {
    dropUnversioned(entry)
    delete entry.current
    if (entry.versions.length === 0) container.entries.delete(marker.name)
  }
  return there
}

/** What was written without versioning gets an id, so that it can be a version. */
function keepUnversioned(entry: Entry): void {
  const { current } = entry
  if (current === undefined || current.versionId !== undefined) return
  entry.versions.unshift({ ...current, versionId: asEpoch(current.time) })
}

function dropUnversioned(entry: Entry): void {
  if (entry.current !== undefined && !entry.versions.includes(entry.current)) entry.current.bytes.release()
}

/** Changes an object in place, wherever it is kept. */
export function replaceCurrent(container: Container, changed: StoredObject): void {
  const entry = container.entries.get(changed.name)
  if (entry === undefined) return
  entry.versions = entry.versions.map((version) => (version === entry.current ? changed : version))
  entry.current = changed
}

/** Takes a version away for good, and the current object with it; returns headers that tell what is left. */
export function removeVersion(request: SwiftRequest, place: ObjectPlace, id: string): OutgoingHttpHeaders {
  const container = existing(request, place)
  const entry = container.entries.get(place.object)
  const version = findVersion(entry, id)
  const after = (): OutgoingHttpHeaders =>
    id === 'null'
      ? {}
      : {
          'X-Object-Version-Id': id,
          'X-Object-Current-Version-Id': entry?.current?.versionId ?? 'null',
        }
  if (entry === undefined || version === undefined) throw notFound(after())
  entry.versions = entry.versions.filter((other) => other !== version)
  if (entry.current === version) delete entry.current
  version.bytes.release()
  if (entry.current === undefined && entry.versions.length === 0) container.entries.delete(place.object)
  return after()
}

/** `PUT ?version-id=`: makes an older version the current one again. */
export function restoreVersion(request: SwiftRequest, place: ObjectPlace, id: string): void {
  if (isChunked(request) || (contentLength(request) ?? 0) > 0) {
    throw refused(400, 'PUT version-id requests require a zero byte body')
  }
  const container = existing(request, place)
  const entry = container.entries.get(place.object)
  const version = findVersion(entry, id)
  if (entry === undefined || version === undefined || version.deleted === true) {
    throw refused(404, 'The specified version does not exist')
  }
  if (version !== entry.current) {
    keepUnversioned(entry)
    entry.current = version
  }
  reply(request.exchange, 201, {
    Etag: version.bytes.md5,
    'Last-Modified': asHttpDate(version.time),
    'X-Object-Version-Id': id,
  })
}
