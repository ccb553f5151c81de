import { checkMatch } from './conditions.js'
import { overwrite, overwriteFrom, truncate, type Content } from './content.js'
import { badRequest, lengthRequired, notFound } from './failure.js'
import { mergeMeta } from './metadata.js'
import { parseObjectPath, sourceVersion } from './object-copy.js'
import {
  applySharing,
  checkMaySetSharing,
  mergeAttributes,
  parseObjectHeaders,
  type ObjectHeaders,
} from './object-headers.js'
import { createFromForm } from './object-form.js'
import type { ObjectPlace } from './object-read.js'
import { viewObject } from './object-view.js'
import { md5Of, writtenHeaders } from './object-write.js'
import { parseUpdateRange, type UpdateRange } from './ranges.js'
import { reply } from './reply.js'
import { bodyOf, contentLength, hasFlag, isChunked, type Request } from './request.js'
import { readableContainer, writableContainer } from './sharing.js'
import { addVersion, type Container, type State, type Version } from './state.js'

/** Changes an object: its data when the request brings some, otherwise its metadata (pithos dossier 8). */
export async function postObject(state: State, request: Request, place: ObjectPlace): Promise<void> {
  const type = request.headers.get('content-type')
  if (type?.startsWith('multipart/form-data') === true) {
    await createFromForm(state, request, place, type)
    return
  }
  const wanted = parseObjectHeaders(request)
  if (type === 'application/octet-stream' || request.headers.has('x-source-object')) {
    // Updates of the same object would otherwise overwrite each other's bytes.
    const key = JSON.stringify([place.account, place.container, place.object])
    await state.turns(key, () => updateData(state, request, place, wanted))
  } else {
    updateMetadata(state, request, place, wanted)
  }
}

function updateMetadata(state: State, request: Request, place: ObjectPlace, wanted: ObjectHeaders): void {
  const { container, version } = changeable(state, request, place, wanted)
  const update = hasFlag(request, 'update')
  if (!update || wanted.meta.size > 0 || Object.keys(wanted.attributes).length > 0) {
    addVersion(state, container, place.object, {
      ...version,
      ...changedMetadata(version, wanted, update),
      modifiedBy: request.user.id,
    })
  }
  applySharing(state, container, place.object, wanted)
  reply(request.exchange, 202)
}

async function updateData(
  state: State,
  request: Request,
  place: ObjectPlace,
  wanted: ObjectHeaders,
): Promise<void> {
  const { container, version } = changeable(state, request, place, wanted)
  const range = parseUpdateRange(request.headers.get('content-range'), version.bytes)
  const end = parseEnd(request.headers.get('x-object-bytes'))
  const written = request.headers.has('x-source-object')
    ? await writeSource(state, request, version, range)
    : await writeBody(state, request, version, range)
  const content = end === undefined ? written : truncate(written, end)
  const { bytes, hashes } = content
  const md5 = await md5Of(state, content)
  const added = addVersion(state, container, place.object, {
    ...version,
    ...changedMetadata(version, wanted, hasFlag(request, 'update')),
    bytes,
    hashes,
    md5,
    modifiedBy: request.user.id,
  })
  applySharing(state, container, place.object, wanted)
  reply(request.exchange, 204, writtenHeaders(state, added))
}

/** The object to change, once everything that forbids it has been looked at. */
function changeable(
  state: State,
  request: Request,
  place: ObjectPlace,
  wanted: ObjectHeaders,
): { container: Container; version: Version } {
  const { user, headers } = request
  const container = readableContainer(state, user.id, place.account, place.container, place.object)
  const { version, etag } = viewObject(state, container, place.object, null, user.id)
  checkMatch(headers, etag, false)
  writableContainer(state, user.id, place.account, place.container, place.object)
  checkMaySetSharing(request, container, wanted)
  return { container, version }
}

function changedMetadata(
  version: Version,
  wanted: ObjectHeaders,
  update: boolean,
): Pick<Version, 'meta' | 'attributes'> {
  return {
    meta: mergeMeta(version.meta, wanted.meta, update),
    attributes: mergeAttributes(version.attributes, wanted.attributes),
  }
}

async function writeBody(
  state: State,
  request: Request,
  content: Content,
  { start, length }: UpdateRange,
): Promise<Content> {
  if (!isChunked(request)) {
    const announced = contentLength(request)
    if (announced === undefined) throw lengthRequired('Missing or invalid Content-Length header')
    if (length !== undefined && length !== announced)
      throw badRequest('Content length does not match range length')
  }
  const { body: limit } = state.limits
  return overwrite(state.blocks, content, start, bodyOf(request, limit), limit)
}

async function writeSource(
  state: State,
  request: Request,
  content: Content,
  { start, length }: UpdateRange,
): Promise<Content> {
  const { headers, user } = request
  const { container: name, object } = parseObjectPath(headers.get('x-source-object'), 'X-Source-Object')
  const account = headers.get('x-source-account') ?? user.id
  const container = readableContainer(state, user.id, account, name, object)
  const source = sourceVersion(container, object, headers.get('x-source-version'))
  if (!source) throw notFound('Source object does not exist')
  if (length !== undefined && length > source.bytes) {
    throw badRequest('Supplied range is longer than the source object')
  }
  return overwriteFrom(state.blocks, content, start, source, length ?? source.bytes)
}

function parseEnd(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  if (!/^\d+$/.test(text)) throw badRequest('Invalid X-Object-Bytes header')
  return Number(text)
}
