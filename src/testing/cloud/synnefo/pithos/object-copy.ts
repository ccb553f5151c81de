import { checkMatch } from './conditions.js'
import { badRequest, forbidden, lengthRequired, notFound } from './failure.js'
import { objectNames } from './listing.js'
import { mergeMeta } from './metadata.js'
import { applySharing, checkMaySetSharing, mergeAttributes, parseObjectHeaders } from './object-headers.js'
import type { ObjectPlace } from './object-read.js'
import { versionOf, viewObject } from './object-view.js'
import { reply } from './reply.js'
import { contentLength, hasFlag, type Request } from './request.js'
import { accessTo, readableContainer, writableContainer } from './sharing.js'
import {
  addVersion,
  deleteObject,
  latest,
  newUuid,
  type Container,
  type State,
  type StoredObject,
  type Version,
} from './state.js'

interface Transfer {
  readonly from: ObjectPlace
  readonly to: ObjectPlace
  readonly move: boolean
  readonly version?: string
}

/** PUT with `X-Copy-From` or `X-Move-From`. Its conditions are on the destination, and looked at already. */
export function copyFromHeaders(state: State, request: Request, to: ObjectPlace): void {
  const { headers, user } = request
  if (contentLength(request) === undefined) throw lengthRequired('Missing or invalid Content-Length header')
  const account = headers.get('x-source-account') ?? user.id
  const moveFrom = headers.get('x-move-from')
  if (moveFrom !== undefined) {
    transfer(state, request, {
      from: { account, ...parseObjectPath(moveFrom, 'X-Move-From') },
      to,
      move: true,
    })
    return
  }
  const from = { account, ...parseObjectPath(headers.get('x-copy-from'), 'X-Copy-From') }
  const version = headers.get('x-source-version')
  transfer(state, request, { from, to, move: false, ...(version !== undefined && { version }) })
}

/** COPY to `Destination`. */
export function copyObject(state: State, request: Request, from: ObjectPlace): void {
  copyToDestination(state, request, from, false)
}

/** MOVE to `Destination`. */
export function moveObject(state: State, request: Request, from: ObjectPlace): void {
  copyToDestination(state, request, from, true)
}

/** The methods have their conditions on the source. */
function copyToDestination(state: State, request: Request, from: ObjectPlace, move: boolean): void {
  const { headers, user } = request
  const to = {
    account: headers.get('destination-account') ?? user.id,
    ...parseObjectPath(headers.get('destination'), 'Destination'),
  }
  const container = readableContainer(state, user.id, from.account, from.container, from.object)
  const version = move ? undefined : headers.get('x-source-version')
  checkMatch(headers, viewObject(state, container, from.object, version ?? null, user.id).etag, false)
  transfer(state, request, { from, to, move, ...(version !== undefined && { version }) })
}

/** `/container/object`, as headers name an object. */
export function parseObjectPath(
  text: string | undefined,
  header: string,
): { readonly container: string; readonly object: string } {
  const [, container, object] = /^\/([^/]+)\/(.+)$/s.exec(text ?? '') ?? []
  if (container === undefined || object === undefined) throw badRequest(`Invalid ${header} header`)
  return { container, object }
}

export function sourceVersion(
  container: Container,
  name: string,
  serial: string | undefined,
): Version | undefined {
  return serial === undefined ? latest(container.objects.get(name)) : versionOf(container, name, serial)
}

function transfer(state: State, request: Request, { from, to, move, version }: Transfer): void {
  const { user, headers, exchange } = request
  const wanted = parseObjectHeaders(request)
  if (move && from.account !== user.id) throw forbidden()
  const source = readableContainer(state, user.id, from.account, from.container, from.object)
  const top = sourceVersion(source, from.object, version)
  if (!top) throw notFound(version === undefined ? 'Source object does not exist' : 'Version does not exist')
  const target = writableContainer(state, user.id, to.account, to.container, to.object)
  checkMaySetSharing(request, target, wanted)
  const type = hasFlag(request, 'ignore_content_type') ? undefined : headers.get('content-type')
  const below = objectsBelow(state, request, source, from.object).map((object) => ({
    object,
    version: latest(object),
    name: joined(to.object, request) + object.name.slice(joined(from.object, request).length),
  }))

  const put = (name: string, old: Version, replaced?: StoredObject): Version =>
    addVersion(
      state,
      target,
      name,
      { ...old, uuid: move ? old.uuid : newUuid(), modifiedBy: user.id },
      move ? replaced : undefined,
    )
  const added = put(
    to.object,
    {
      ...top,
      ...(type !== undefined && type !== '' && { type }),
      meta: mergeMeta(top.meta, wanted.meta, true),
      attributes: mergeAttributes(top.attributes, wanted.attributes),
    },
    source.objects.get(from.object),
  )
  applySharing(state, target, to.object, wanted)
  for (const { object, version: old, name } of below) if (old) put(name, old, object)
  if (move) {
    const moved = [source.objects.get(from.object), ...below.map(({ object }) => object)]
    const arrived = new Set([to.object, ...below.map(({ name }) => name)])
    for (const object of moved) {
      if (object && !(source === target && arrived.has(object.name))) deleteObject(state, object, user.id)
    }
  }
  reply(exchange, 201, new Map([['X-Object-Version', printedVersion(added, move)]]))
}

/** What a bulk copy takes along: with `delimiter=/`, all below `name/`. */
function objectsBelow(
  state: State,
  request: Request,
  container: Container,
  name: string,
): readonly StoredObject[] {
  const delimiter = request.query.get('delimiter')
  if (delimiter === null || delimiter === '') return []
  const prefix = joined(name, request)
  const { user } = request
  return objectNames(container).flatMap((other) => {
    const object = container.objects.get(other)
    if (!object || other === name || !other.startsWith(prefix) || !latest(object)) return []
    if (user.id !== container.account.id && !accessTo(state, user.id, container, other)) throw forbidden()
    return [object]
  })
}

function joined(name: string, { query }: Request): string {
  const delimiter = query.get('delimiter') ?? ''
  return name.endsWith(delimiter) ? name : `${name}${delimiter}`
}

/** After a move the server prints its own bookkeeping in place of the version (pithos dossier 7.5). */
function printedVersion({ serial, bytes }: Version, move: boolean): string {
  return move ? `([${serial}], ${bytes}, ${bytes})` : String(serial)
}
