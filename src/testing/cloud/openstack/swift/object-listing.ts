import { SwiftFailure } from './failure.js'
import {
  chooseType,
  escapeXml,
  preferredType,
  replyListing,
  subdirLine,
  xmlFields,
  type Line,
} from './listing-formats.js'
import { tidyType } from './content-types.js'
import { readSelection, select, type Selection } from './listing.js'
import { containerHeaders, existing } from './containers.js'
import { etagOfSegments, totalLength } from './slo-manifest.js'
import { quote, type ContainerPlace, type SwiftRequest } from './request.js'
import { allVersions, type Container, type StoredObject } from './state.js'
import { asIso } from './timestamps.js'

export function listObjects(request: SwiftRequest, place: ContainerPlace): void {
  const container = existing(request, place)
  const versioned = request.query.has('versions') && request.region.info.object_versioning !== undefined
  const type = versioned ? versionsType(request) : chooseType(request)
  const selection = readSelection(request, request.region.info.swift.container_listing_limit)
  const lines = versioned
    ? versionLines(request, container, selection)
    : select(currentObjects(container), ({ name }) => name, selection).map((listed) =>
        'subdir' in listed ? subdirLine(listed.subdir) : lineOf(listed.item, place, container),
      )
  replyListing(request, {
    type,
    lines,
    headers: containerHeaders(request, container),
    xml: (entries) =>
      entries.length === 0
        ? `<container name="${escapeXml(place.container)}" />`
        : `<container name="${escapeXml(place.container)}">${entries.map(({ xml }) => xml).join('')}</container>`,
  })
}

function currentObjects(container: Container): readonly StoredObject[] {
  return container.entries.sorted().flatMap((name) => container.entries.get(name)?.current ?? [])
}

/** Versions are listed in JSON only. */
function versionsType(request: SwiftRequest): 'application/json' {
  const format = request.query.get('format')
  const accepted = preferredType(request.headers.get('Accept'), ['application/json', 'text/plain'])
  if ((format ?? 'json') !== 'json' || accepted === undefined) throw new SwiftFailure(406)
  return 'application/json'
}

function versionLines(request: SwiftRequest, container: Container, selection: Selection): readonly Line[] {
  const after = request.query.get('version_marker')
  if (after !== null && selection.marker === '') {
    throw new SwiftFailure(400, 'version_marker param requires marker')
  }
  const all = container.entries.sorted().flatMap((name) => {
    const entry = container.entries.get(name)
    if (entry === undefined) return []
    const versions = allVersions(entry)
    const latest = entry.current ?? (versions[0]?.deleted === true ? versions[0] : undefined)
    return versions.map((object) => ({ object, latest: object === latest }))
  })
  const nameOf = ({ object }: { object: StoredObject }): string => object.name
  const rest = after === null ? [] : all.filter((one) => isAfter(one.object, selection.marker, after))
  const { limit } = selection
  return [...rest.map((item) => ({ item })), ...select(all, nameOf, selection)]
    .slice(0, limit)
    .map((listed) => {
      if ('subdir' in listed) return subdirLine(listed.subdir)
      const { object, latest } = listed.item
      const json = {
        ...fieldsOf(object),
        ...(object.versionId === undefined
          ? { version_id: 'null', is_latest: latest }
          : { is_latest: latest, version_id: object.versionId }),
      }
      return { name: object.name, json, xml: '' }
    })
}

function isAfter(object: StoredObject, name: string, version: string): boolean {
  return object.name === name && object.versionId !== undefined && object.versionId < version
}

function lineOf(object: StoredObject, place: ContainerPlace, container: Container): Line {
  const fields = fieldsOf(object)
  const { name, hash, bytes, content_type, last_modified } = fields
  const target = `/v1/${place.account}/${place.container}/${object.name}`
  const link =
    object.versionId === undefined || container.versioning === undefined
      ? {}
      : {
          symlink_path: `${quote(target)}?version-id=${object.versionId}`,
          version_symlink: true,
        }
  const xml = `<object>${xmlFields({ name, hash, bytes, content_type, last_modified })}</object>`
  return { name: object.name, json: { ...fields, ...link }, xml }
}

function fieldsOf(object: StoredObject): {
  bytes: number
  hash: string
  name: string
  content_type: string
  last_modified: string
  slo_etag?: string
} {
  const { name, bytes, contentType, segments } = object
  return {
    bytes: segments === undefined ? bytes.length : totalLength(segments),
    hash: bytes.md5,
    name,
    content_type: tidyType(contentType),
    last_modified: asIso(object.time),
    ...(segments === undefined ? {} : { slo_etag: `"${etagOfSegments(segments)}"` }),
  }
}
