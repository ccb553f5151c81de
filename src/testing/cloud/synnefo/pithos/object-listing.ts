import { epochSeconds, isoDate } from './dates.js'
import { forbidden } from './failure.js'
import { listPage, objectNames, parseLimit, type Entry, type ListingQuery } from './listing.js'
import { parseMetaFilter } from './metadata.js'
import { replyListing, type Headers } from './reply.js'
import { hasFlag, untilOf, type Request } from './request.js'
import { accessTo, effectiveSharing, formatSharing } from './sharing.js'
import { latest, latestBefore, type Container, type State, type Version } from './state.js'
import { element, escapeXml, fields } from './xml.js'

export function listObjects(state: State, request: Request, container: Container, headers: Headers): void {
  const page = listPage(
    objectNames(container),
    chooser(state, request, container),
    listingQuery(state, request),
  )
  const describe = describer(state, request, container)
  replyListing(request, {
    names: page.map(({ name }) => name),
    json: page.map((entry) =>
      entry.kind === 'item' ? describe(entry.name, entry.item) : { subdir: entry.name },
    ),
    xml: () =>
      element('container', page.map((entry) => xmlEntry(entry, describe)).join(''), { name: container.name }),
    headers,
  })
}

/** URL under which everybody can read an object. */
export function publicUrl(state: State, request: Request, id: string): string {
  return `${request.exchange.origin}${state.publicPrefix}/${id}`
}

type Describe = (name: string, version: Version) => Record<string, unknown>

function listingQuery(state: State, { query }: Request): ListingQuery {
  const path = query.get('path') ?? ''
  const page = {
    marker: query.get('marker') ?? '',
    limit: parseLimit(query.get('limit'), state.limits.listing),
  }
  if (path !== '') {
    const prefix = withoutLeadingSlashes(path.endsWith('/') ? path : `${path}/`)
    return { ...page, prefix, delimiter: '/', subdirs: false }
  }
  return {
    ...page,
    prefix: withoutLeadingSlashes(query.get('prefix') ?? ''),
    delimiter: query.get('delimiter') ?? '',
    subdirs: true,
  }
}

function chooser(
  state: State,
  request: Request,
  container: Container,
): (name: string) => Version | undefined {
  const { query, user } = request
  const own = user.id === container.account.id
  const until = untilOf(request)
  const shared = hasFlag(request, 'shared')
  const published = hasFlag(request, 'public')
  if (published && !own) throw forbidden()
  const filter = parseMetaFilter(query.getAll('meta').join(','))
  return (name) => {
    const object = container.objects.get(name)
    const version = object && (until === undefined ? latest(object) : latestBefore(object, until))
    if (!version || !filter(version)) return undefined
    if (!own) return accessTo(state, user.id, container, name) ? version : undefined
    if (!shared && !published) return version
    const wanted =
      (shared && effectiveSharing(container, name) !== undefined) ||
      (published && object.publicId !== undefined)
    return wanted ? version : undefined
  }
}

function describer(state: State, request: Request, container: Container): Describe {
  const { user } = request
  const own = user.id === container.account.id
  const past = untilOf(request) !== undefined
  return (name, version) => {
    const description = {
      name,
      bytes: version.bytes,
      hash: version.md5,
      content_type: version.type,
      x_object_hash: version.root,
      x_object_uuid: version.uuid,
      x_object_version: version.serial,
      x_object_version_timestamp: epochSeconds(version.modified),
      x_object_modified_by: version.modifiedBy,
      available: 1,
      map_check_timestamp: epochSeconds(version.modified),
    }
    if (past) return description
    const effective = effectiveSharing(container, name)
    const publicId = container.objects.get(name)?.publicId
    return {
      ...description,
      last_modified: isoDate(version.modified),
      ...(effective && { x_object_sharing: formatSharing(effective.sharing) }),
      ...(effective &&
        effective.from !== name && {
          x_object_shared_by: `${container.account.id}/${container.name}/${effective.from}`,
        }),
      ...(!own && { x_object_allowed_to: accessTo(state, user.id, container, name) }),
      ...(own && publicId !== undefined && { x_object_public: publicUrl(state, request, publicId) }),
    }
  }
}

function xmlEntry(entry: Entry<Version>, describe: Describe): string {
  if (entry.kind === 'item') return element('object', fields(describe(entry.name, entry.item)))
  return `<subdir name="${escapeXml(entry.name)}"/>`
}

function withoutLeadingSlashes(text: string): string {
  return text.replace(/^\/+/, '')
}
