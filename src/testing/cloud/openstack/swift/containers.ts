import type { OutgoingHttpHeaders } from 'node:http'
import { tidyAccessList } from './access.js'
import { notFound, refused, SwiftFailure } from './failure.js'
import { chooseType, listingHeaders } from './listing-formats.js'
import { mergeHeaders } from './metadata.js'
import { createNames } from './names.js'
import { asHeaders, reply } from './reply.js'
import { isTrue, type ContainerPlace, type SwiftRequest } from './request.js'
import { findContainer, openAccount, usageOf, type Container } from './state.js'
import { asEpoch, asHttpDate } from './timestamps.js'

/** Only the owner is shown these. */
const SECRETS = ['X-Container-Read', 'X-Container-Write', 'X-Container-Sync-Key', 'X-Container-Sync-To']

export function putContainer(request: SwiftRequest, place: ContainerPlace): void {
  const { region, headers } = request
  const longest = region.info.swift.max_container_name_length
  const bytes = Buffer.byteLength(place.container)
  if (bytes > longest) {
    throw new SwiftFailure(400, `Container name length of ${String(bytes)} longer than ${String(longest)}`)
  }
  const policy = headers.get('X-Storage-Policy')
  if (policy !== undefined && policy.toLowerCase() !== 'policy-0') {
    throw refused(400, `Invalid X-Storage-Policy '${policy}'`)
  }
  const known = findContainer(region, place.account, place.container)
  const merged = mergedHeaders(request, known)
  const time = region.tick()
  const container = known ?? {
    name: place.container,
    created: time,
    updated: time,
    headers: merged,
    entries: createNames(),
  }
  apply(request, container, merged)
  openAccount(region, place.account).containers.set(place.container, container)
  reply(request.exchange, known === undefined ? 201 : 202)
}

export function postContainer(request: SwiftRequest, place: ContainerPlace): void {
  const container = existing(request, place)
  apply(request, container, mergedHeaders(request, container))
  reply(request.exchange, 204)
}

export function headContainer(request: SwiftRequest, place: ContainerPlace): void {
  const container = existing(request, place)
  request.exchange.send(204, {
    ...listingHeaders(request, chooseType(request)),
    ...containerHeaders(request, container),
  })
}

export function removeContainer(request: SwiftRequest, place: ContainerPlace): void {
  dropContainer(request, place)
  reply(request.exchange, 204)
}

/** Refuses when anything is in it. */
export function dropContainer(request: SwiftRequest, place: ContainerPlace): void {
  const container = existing(request, place)
  for (const { versions } of container.entries.values()) {
    if (versions.length > 0) throw new SwiftFailure(409, 'Delete all versions before deleting container.')
  }
  if (container.entries.size > 0) throw new SwiftFailure(409)
  request.region.accounts.get(place.account)?.containers.delete(place.container)
}

export function existing(request: SwiftRequest, { account, container }: ContainerPlace): Container {
  const found = findContainer(request.region, account, container)
  if (found === undefined) throw notFound()
  return found
}

export function containerHeaders(request: SwiftRequest, container: Container): OutgoingHttpHeaders {
  const { count, bytes } = usageOf(container)
  const shown = new Map([...container.headers].filter(([name]) => request.owner || !SECRETS.includes(name)))
  const { versioning } = container
  return {
    'X-Container-Object-Count': count,
    'X-Container-Bytes-Used': bytes,
    'X-Timestamp': asEpoch(container.created),
    ...asHeaders(shown),
    'Last-Modified': asHttpDate(container.updated),
    'Accept-Ranges': 'bytes',
    'X-Storage-Policy': 'Policy-0',
    ...(versioning === undefined ? {} : { 'X-Versions-Enabled': versioning ? 'True' : 'False' }),
  }
}

function mergedHeaders(request: SwiftRequest, container: Container | undefined): Map<string, string> {
  const { headers, region } = request
  if (region.info.container_quotas !== undefined) {
    for (const kind of ['Bytes', 'Count'] as const) {
      const quota = headers.get(`X-Container-Meta-Quota-${kind}`) ?? ''
      if (!/^\d*$/.test(quota)) throw new SwiftFailure(400, `Invalid ${kind.toLowerCase()} quota.`)
    }
  }
  const tidy = new Map(headers)
  for (const name of ['X-Container-Read', 'X-Container-Write']) {
    const list = headers.get(name)
    if (list !== undefined) tidy.set(name, tidyAccessList(name, list))
  }
  return mergeHeaders(
    container?.headers ?? new Map<string, string>(),
    tidy,
    'Container',
    region.info,
    SECRETS,
  )
}

function apply(request: SwiftRequest, container: Container, headers: Map<string, string>): void {
  const { region } = request
  container.headers = headers
  container.updated = region.tick()
  const versions = request.headers.get('X-Versions-Enabled')
  if (versions !== undefined && region.info.object_versioning !== undefined) {
    container.versioning = isTrue(versions)
  }
}
