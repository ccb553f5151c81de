import { deleteMany, type Target } from './bulk-delete.js'
import { SwiftFailure } from './failure.js'
import { splitPath } from './parts.js'
import { sendReport } from './report.js'
import { quote, type ObjectPlace, type SwiftRequest } from './request.js'
import type { Segment } from './slo-manifest.js'
import type { StoredObject } from './state.js'
import { findObject, namedVersion } from './versions.js'

/** `DELETE ?multipart-manifest=delete`: the segments first, then the manifest. */
export function removeWithSegments(request: SwiftRequest, place: ObjectPlace): void {
  sendReport(request, deleteMany(request, targetsOf(request, place, namedVersion(request))))
}

/** The segments, of nested large objects too, each before what is made of it. */
function targetsOf(
  request: SwiftRequest,
  place: ObjectPlace,
  versionId?: string,
  outer: readonly string[] = [],
): readonly Target[] {
  const path = `/${place.container}/${place.object}`
  const name = quote(path)
  try {
    const inside = segmentsOf(request, place).flatMap((segment) => {
      if ('data' in segment || outer.includes(segment.path)) return []
      const part = { account: place.account, ...splitPath(segment.path) }
      return segment.nested === true
        ? targetsOf(request, part, undefined, [...outer, path])
        : [{ name: quote(segment.path), place: part }]
    })
    return [...inside, { name, place, versionId }]
  } catch (error) {
    if (!(error instanceof SwiftFailure)) throw error
    return [{ name, status: error.status, problem: error.text ?? '' }]
  }
}

/** What a manifest lists. The version that the request names is asked for at every depth, as a real Swift does it. */
function segmentsOf(request: SwiftRequest, place: ObjectPlace): readonly Segment[] {
  const { segments } = readableObject(request, place)
  if (segments === undefined) throw new SwiftFailure(400, 'Not an SLO manifest')
  return segments
}

function readableObject(request: SwiftRequest, place: ObjectPlace): StoredObject {
  try {
    request.demand('read', place)
    return findObject(request, place).object
  } catch (error) {
    if (!(error instanceof SwiftFailure) || error.status === 404) throw error
    throw new SwiftFailure(error.status, 'Unable to load SLO manifest or segment.')
  }
}
