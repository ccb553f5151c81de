import { badRequest, forbidden } from './failure.js'
import { metaFromHeaders, withoutTilde } from './metadata.js'
import type { Request } from './request.js'
import { parseSharing } from './sharing.js'
import { publish, unpublish, type Attributes, type Container, type Sharing, type State } from './state.js'

/** What the headers of a request want of an object; what they do not mention is absent. */
export interface ObjectHeaders {
  readonly meta: ReadonlyMap<string, string>
  /** An empty value asks for removal. */
  readonly attributes: Attributes
  readonly sharing?: { readonly value: Sharing | undefined }
  readonly published?: boolean
}

export function parseObjectHeaders({ headers }: Request): ObjectHeaders {
  const encoding = headers.get('content-encoding')
  const disposition = headers.get('content-disposition')
  const manifest = headers.get('x-object-manifest')
  const sharing = headers.get('x-object-sharing')
  const published = headers.get('x-object-public')
  return {
    meta: metaFromHeaders(headers, 'Object'),
    attributes: {
      ...(encoding !== undefined && { encoding }),
      ...(disposition !== undefined && { disposition }),
      ...(manifest !== undefined && { manifest }),
    },
    ...(sharing !== undefined && { sharing: { value: parseSharing(sharing) } }),
    ...(published !== undefined && { published: parsePublic(published) }),
  }
}

export function mergeAttributes(old: Attributes, changes: Attributes): Attributes {
  const entries = Object.entries({ ...old, ...changes }) as [keyof Attributes, string][]
  return Object.fromEntries(entries.filter(([, value]) => value !== ''))
}

/** Sharing and publishing are the owner's alone. */
export function checkMaySetSharing(request: Request, container: Container, wanted: ObjectHeaders): void {
  const touches = wanted.sharing !== undefined || wanted.published !== undefined
  if (touches && request.user.id !== container.account.id) throw forbidden()
}

/** Puts sharing and publishing of a path into effect; the path has to exist. */
export function applySharing(state: State, container: Container, name: string, wanted: ObjectHeaders): void {
  const object = container.objects.get(name)
  if (!object) return
  if (wanted.sharing?.value) object.sharing = wanted.sharing.value
  else if (wanted.sharing) delete object.sharing
  if (wanted.published === true) publish(state, object)
  else if (wanted.published === false) unpublish(state, object)
}

function parsePublic(text: string): boolean {
  const value = withoutTilde(text).replaceAll(/\s/g, '').toLowerCase()
  if (value === 'true') return true
  if (value === 'false' || value === '') return false
  throw badRequest('Bad X-Object-Public header value')
}
