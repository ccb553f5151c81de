import { checkModification } from './conditions.js'
import { storeContent } from './content.js'
import { httpDate } from './dates.js'
import { conflict, forbidden, notFound } from './failure.js'
import { mergeMeta, metaFromHeaders } from './metadata.js'
import { listObjects } from './object-listing.js'
import { changePolicy, initialPolicy, policyFromHeaders } from './policy.js'
import { reply, replyJson, replyText, TEXT_TYPE, XML_TYPE, type Headers } from './reply.js'
import { bodyOf, contentLength, hasFlag, isChunked, untilOf, type Request } from './request.js'
import { accessTo, isSharedWith, ownContainer } from './sharing.js'
import {
  accountOf,
  containerOf,
  createContainer,
  deleteContainer,
  deleteObject,
  latest,
  latestBefore,
  purge,
  totalsBefore,
  type Container,
  type State,
} from './state.js'
import { document, element, escapeXml } from './xml.js'

export interface ContainerPlace {
  readonly account: string
  readonly container: string
}

export function headContainer(state: State, request: Request, place: ContainerPlace): void {
  const container = visibleContainer(state, request, place)
  checkModification(request.headers, container.modified)
  reply(request.exchange, 204, describeContainer(state, request, container))
}

export function getContainer(state: State, request: Request, place: ContainerPlace): void {
  const container = visibleContainer(state, request, place)
  checkModification(request.headers, container.modified)
  listObjects(state, request, container, describeContainer(state, request, container))
}

/** Creates a container, or adds to the one that is there. */
export function putContainer(state: State, request: Request, place: ContainerPlace): void {
  const meta = metaFromHeaders(request.headers, 'Container')
  const policy = policyFromHeaders(request.headers)
  if (request.user.id !== place.account) throw forbidden()
  const account = accountOf(state, place.account)
  const known = account.containers.get(place.container)
  const merged = mergeMeta(known?.meta ?? new Map(), meta, true)
  if (known) {
    changePolicy(state, known, policy)
    known.meta = merged
  } else {
    const initial = initialPolicy(state, account.id, policy)
    createContainer(state, account, place.container, initial).meta = merged
  }
  reply(request.exchange, known ? 202 : 201)
}

/** Changes policies and metadata, and takes blocks in (pithos dossier 9.3). */
export async function postContainer(state: State, request: Request, place: ContainerPlace): Promise<void> {
  const meta = metaFromHeaders(request.headers, 'Container')
  const policy = policyFromHeaders(request.headers)
  const update = hasFlag(request, 'update')
  if (request.user.id !== place.account) throw forbidden()
  const account = accountOf(state, place.account)
  // Without anything to change the server does not look at the container, which need not even exist.
  if (!update || meta.size > 0 || policy.size > 0) {
    const container = containerOf(account, place.container)
    const merged = mergeMeta(container.meta, meta, update)
    changePolicy(state, container, policy)
    container.meta = merged
    container.modified = state.now()
    account.modified = container.modified
  }
  const hashes = bringsBlocks(request) ? await storeBlocks(state, request) : []
  if (hashes.length > 0) replyHashes(request, hashes)
  else reply(request.exchange, 202)
}

export function removeContainer(state: State, request: Request, place: ContainerPlace): void {
  const container = ownContainer(state, request.user.id, place.account, place.container)
  const until = untilOf(request)
  const delimiter = request.query.get('delimiter')
  if (until !== undefined) {
    for (const object of [...container.objects.values()]) purge(object, until)
  } else if (delimiter !== null && delimiter !== '') {
    for (const object of container.objects.values()) deleteObject(state, object, request.user.id)
  } else {
    if (container.count > 0) throw conflict('Container is not empty')
    deleteContainer(state, container)
  }
  reply(request.exchange, 204)
}

/** Blocks in the body of a request, stored one by one as they arrive. */
async function storeBlocks(state: State, request: Request): Promise<readonly string[]> {
  const { blocks, blockSize, hashing, limits, mishaps } = state
  const { hashes } = await storeContent(blocks, bodyOf(request, limits.body), {
    blockSize,
    hashing,
    limit: limits.body,
    inspect(block) {
      if (mishaps.corrupt === 0) return
      mishaps.corrupt -= 1
      block.writeUInt8(block.readUInt8() ^ 0xff)
    },
  })
  const lost = hashes.slice(0, mishaps.lose)
  mishaps.lose -= lost.length
  for (const hash of lost) blocks.forget(hash)
  return hashes
}

function bringsBlocks(request: Request): boolean {
  const length = contentLength(request)
  return (
    request.headers.get('content-type') === 'application/octet-stream' &&
    (isChunked(request) || (length !== undefined && length > 0))
  )
}

function replyHashes({ exchange, format }: Request, hashes: readonly string[]): void {
  if (format === 'json') {
    replyJson(exchange, 202, hashes)
  } else if (format === 'xml') {
    const items = hashes.map((hash) => element('hash', escapeXml(hash))).join('')
    replyText(exchange, 202, XML_TYPE, document(element('hashes', items)))
  } else {
    replyText(exchange, 202, TEXT_TYPE, hashes.map((hash) => `${hash}\n`).join(''))
  }
}

function visibleContainer(state: State, request: Request, place: ContainerPlace): Container {
  const { user } = request
  const account = user.id === place.account ? accountOf(state, user.id) : state.accounts.get(place.account)
  const until = untilOf(request)
  if (user.id !== place.account) {
    const container = account?.containers.get(place.container)
    if (until !== undefined || !container || !isSharedWith(state, user.id, container)) throw forbidden()
    return container
  }
  const container = containerOf(account, place.container)
  if (until !== undefined && container.created >= until) throw notFound('Container does not exist')
  return container
}

function describeContainer(state: State, request: Request, container: Container): Headers {
  const until = untilOf(request)
  const own = request.user.id === container.account.id
  const headers = new Map<string, string>()
  if (own) {
    const { count, bytes } = until === undefined ? container : totalsBefore(container, until)
    const { quota, versioning, project } = container.policy
    headers
      .set('X-Container-Object-Count', String(count))
      .set('X-Container-Bytes-Used', String(bytes))
      .set('X-Container-Policy-Quota', String(quota))
      .set('X-Container-Policy-Versioning', versioning)
      .set('X-Container-Policy-Project', project)
    for (const [key, value] of container.meta) headers.set(`X-Container-Meta-${key}`, value)
    if (until !== undefined) headers.set('X-Container-Until-Timestamp', httpDate(until))
  }
  return headers
    .set('X-Container-Block-Size', String(state.blockSize))
    .set('X-Container-Block-Hash', state.hashing.name)
    .set('X-Container-Object-Meta', objectMetaKeys(state, request, container, until).join(','))
    .set('Last-Modified', httpDate(container.modified))
}

/** Keys of metadata that the objects in a container have. */
function objectMetaKeys(
  state: State,
  request: Request,
  container: Container,
  until: number | undefined,
): readonly string[] {
  const own = request.user.id === container.account.id
  const keys = new Set<string>()
  for (const object of container.objects.values()) {
    const version = until === undefined ? latest(object) : latestBefore(object, until)
    if (!version || version.meta.size === 0) continue
    if (!own && !accessTo(state, request.user.id, container, object.name)) continue
    for (const key of version.meta.keys()) keys.add(key)
  }
  return [...keys].sort()
}
