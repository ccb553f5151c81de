import { deleteMany } from './bulk-delete.js'
import { existing } from './containers.js'
import { statusLine } from './failure.js'
import { splitPath } from './parts.js'
import { sendReport } from './report.js'
import { quote, type ObjectPlace, type SwiftRequest } from './request.js'
import { findContainer, livingObject, type StoredObject } from './state.js'

/** `DELETE ?multipart-manifest=delete`: the segments first, then the manifest. */
export function removeWithSegments(request: SwiftRequest, place: ObjectPlace): void {
  const container = existing(request, place)
  const object = livingObject(request.region, container, place.object)
  if (object !== undefined && object.segments === undefined) {
    const name = quote(`/${place.container}/${place.object}`)
    sendReport(request, {
      status: statusLine(400),
      text: '',
      deleted: 0,
      notFound: 0,
      errors: [[name, 'Not an SLO manifest']],
    })
    return
  }
  const segments = object === undefined ? [] : segmentsOf(request, place.account, object)
  sendReport(request, deleteMany(request, [...segments, place]))
}

/** Those of nested large objects before the nested ones themselves. */
function segmentsOf(request: SwiftRequest, account: string, object: StoredObject): readonly ObjectPlace[] {
  return (object.segments ?? []).flatMap((segment) => {
    if ('data' in segment) return []
    const place = { account, ...splitPath(segment.path) }
    const container = findContainer(request.region, account, place.container)
    const nested = segment.nested === true ? livingObject(request.region, container, place.object) : undefined
    return nested === undefined || nested === object
      ? [place]
      : [...segmentsOf(request, account, nested), place]
  })
}
