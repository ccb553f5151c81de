import { httpDate } from './dates.js'
import { publicUrl } from './object-listing.js'
import type { Headers } from './reply.js'
import type { Request } from './request.js'
import { accessTo, effectiveSharing, formatSharing } from './sharing.js'
import { latest, type Container, type State } from './state.js'
import type { View } from './object-view.js'

/** Headers of an object as its owner and those it is shared with see them. */
export function describeObject(state: State, request: Request, view: View): Headers {
  const { container, name, version } = view
  const headers = new Map([
    ['X-Object-Hash', version.root],
    ['X-Object-UUID', version.uuid],
    ['X-Object-Version', String(version.serial)],
    ['X-Object-Version-Timestamp', httpDate(version.modified)],
    ['X-Object-Modified-By', version.modifiedBy],
    ['Available', '1'],
    ...publicHeaders(view),
  ])
  if (version.attributes.manifest !== undefined) headers.set('X-Object-Manifest', version.attributes.manifest)
  for (const [key, value] of version.meta) headers.set(`X-Object-Meta-${key}`, value)
  if (view.pinned) return headers
  for (const [key, value] of sharingHeaders(state, request, container, name)) headers.set(key, value)
  return headers
}

/** Headers that also those see who come by the public URL. */
export function publicHeaders({ container, name, version, etag, bytes }: View): Headers {
  const newest = latest(container.objects.get(name)) ?? version
  const headers = new Map([
    ['ETag', etag],
    ['Content-Length', String(bytes)],
    ['Content-Type', version.type],
    ['Last-Modified', httpDate(newest.modified)],
  ])
  const { encoding, disposition } = version.attributes
  if (encoding !== undefined) headers.set('Content-Encoding', encoding)
  if (disposition !== undefined) headers.set('Content-Disposition', disposition)
  return headers
}

function sharingHeaders(state: State, request: Request, container: Container, name: string): Headers {
  const { user } = request
  const headers = new Map<string, string>()
  const effective = effectiveSharing(container, name)
  if (effective) {
    headers.set('X-Object-Sharing', formatSharing(effective.sharing))
    if (effective.from !== name) {
      headers.set('X-Object-Shared-By', `${container.account.id}/${container.name}/${effective.from}`)
    }
  }
  const publicId = container.objects.get(name)?.publicId
  if (user.id === container.account.id) {
    if (publicId !== undefined) headers.set('X-Object-Public', publicUrl(state, request, publicId))
  } else {
    const access = accessTo(state, user.id, container, name)
    if (access) headers.set('X-Object-Allowed-To', access)
  }
  return headers
}
