import { NO_BYTES } from './byte-store.js'
import { existing } from './containers.js'
import { notFound } from './failure.js'
import { reply } from './reply.js'
import type { ObjectPlace, SwiftRequest } from './request.js'
import { asEpoch } from './timestamps.js'
import { askedVersion, removeCurrent, removeVersion } from './versions.js'

export function removeObject(request: SwiftRequest, place: ObjectPlace): void {
  const id = askedVersion(request, place)
  const headers = id === undefined ? dropObject(request, place) : removeVersion(request, place, id)
  reply(request.exchange, 204, headers)
}

/** Takes the current object away; returns headers that tell of the version which says so. */
export function dropObject(request: SwiftRequest, place: ObjectPlace): Record<string, string> {
  const container = existing(request, place)
  const time = request.region.tick()
  const versionId = asEpoch(time)
  const there = removeCurrent(request, container, {
    name: place.object,
    bytes: NO_BYTES,
    contentType: 'application/x-deleted;swift_versions_deleted=1',
    headers: new Map(),
    time,
    versionId,
    deleted: true,
  })
  const headers: Record<string, string> =
    container.versioning === true ? { 'X-Object-Version-Id': versionId } : {}
  if (!there) throw notFound(headers)
  return headers
}
