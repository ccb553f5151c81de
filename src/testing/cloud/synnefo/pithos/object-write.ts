import { createHash } from 'node:crypto'
import { checkMatch, hasMatchCondition } from './conditions.js'
import { cutBody, type Content } from './content.js'
import { badRequest, Failure, lengthRequired, unprocessable } from './failure.js'
import { mergeMeta } from './metadata.js'
import { copyFromHeaders } from './object-copy.js'
import {
  applySharing,
  checkMaySetSharing,
  mergeAttributes,
  parseObjectHeaders,
  type ObjectHeaders,
} from './object-headers.js'
import type { ObjectPlace } from './object-read.js'
import { viewObject } from './object-view.js'
import { reply, replyJson } from './reply.js'
import { bodyOf, contentLength, hasFlag, isChunked, type Request } from './request.js'
import { readableContainer, writableContainer } from './sharing.js'
import { addVersion, latest, newUuid, type State } from './state.js'

/** Creates or replaces an object: from a hashmap, from data, or from another object. */
export async function putObject(state: State, request: Request, place: ObjectPlace): Promise<void> {
  checkDestination(state, request, place)
  if (request.headers.has('x-copy-from') || request.headers.has('x-move-from')) {
    copyFromHeaders(state, request, place)
    return
  }
  if (!isChunked(request) && contentLength(request) === undefined) {
    throw lengthRequired('Missing or invalid Content-Length header')
  }
  const type = request.headers.get('content-type') ?? ''
  if (type === '') throw lengthRequired('Missing Content-Type header')
  const wanted = parseObjectHeaders(request)
  if (hasFlag(request, 'hashmap')) await putHashmap(state, request, place, wanted, type)
  else await putData(state, request, place, wanted, type)
}

/** The steps follow the server's order of decisions (pithos dossier 9.3). */
async function putHashmap(
  state: State,
  request: Request,
  place: ObjectPlace,
  wanted: ObjectHeaders,
  type: string,
): Promise<void> {
  const { blockSize } = state
  const content = parseHashmap(await readText(state, request), blockSize)
  const { bytes } = content
  const hashes = checkHashes(content.hashes)
  const { empty } = state.hashing
  if (bytes === 0 && hashes.some((hash) => hash !== empty)) throw badRequest('Data size does not match')
  if (bytes > 0) {
    const missing = [...new Set(hashes)].filter((hash) => !state.blocks.has(hash))
    if (missing.length > 0) {
      replyJson(request.exchange, 409, missing)
      return
    }
  }
  store(state, request, place, wanted, { type, md5: '', bytes, hashes: bytes === 0 ? [] : hashes, blockSize })
}

async function putData(
  state: State,
  request: Request,
  place: ObjectPlace,
  wanted: ObjectHeaders,
  type: string,
): Promise<void> {
  const expected = request.headers.get('etag')?.replaceAll('"', '').toLowerCase()
  const checksum = expected === undefined ? undefined : createHash('md5')
  const hashes: string[] = []
  let bytes = 0
  const { blockSize } = state
  const { body: limit } = state.limits
  for await (const block of cutBody(bodyOf(request, limit), { size: blockSize, limit })) {
    checksum?.update(block)
    hashes.push(await state.blocks.put(block))
    bytes += block.length
  }
  const md5 = checksum?.digest('hex') ?? ''
  if (expected !== undefined && md5 !== expected) throw unprocessable('Object data does not match ETag')
  store(state, request, place, wanted, { type, md5, bytes, hashes, blockSize })
}

function store(
  state: State,
  request: Request,
  place: ObjectPlace,
  wanted: ObjectHeaders,
  content: Content & { readonly type: string; readonly md5: string },
): void {
  const { user, exchange } = request
  const container = writableContainer(state, user.id, place.account, place.container, place.object)
  checkMaySetSharing(request, container, wanted)
  const version = addVersion(state, container, place.object, {
    ...content,
    uuid: latest(container.objects.get(place.object))?.uuid ?? newUuid(),
    modifiedBy: user.id,
    attributes: mergeAttributes({}, wanted.attributes),
    meta: mergeMeta(new Map(), wanted.meta, false),
  })
  applySharing(state, container, place.object, wanted)
  reply(
    exchange,
    201,
    new Map([
      ['ETag', version.root],
      ['X-Object-Version', String(version.serial)],
    ]),
  )
}

/** Conditions on what a write would replace; only a request that has some is refused for what it may not read. */
function checkDestination(state: State, request: Request, place: ObjectPlace): void {
  if (!hasMatchCondition(request.headers)) return
  checkMatch(request.headers, currentEtag(state, request, place), false)
}

function currentEtag(state: State, { user }: Request, place: ObjectPlace): string | undefined {
  try {
    const container = readableContainer(state, user.id, place.account, place.container, place.object)
    return viewObject(state, container, place.object, null, user.id).etag
  } catch (error) {
    if (error instanceof Failure && error.status === 404) return undefined
    throw error
  }
}

async function readText(state: State, request: Request): Promise<string> {
  const pieces: Buffer[] = []
  for await (const chunk of bodyOf(request, state.limits.body)) pieces.push(chunk)
  return Buffer.concat(pieces).toString('utf8')
}

function parseHashmap(text: string, blockSize: number): { bytes: number; hashes: readonly unknown[] } {
  const value = parseJson(text)
  if (typeof value !== 'object' || value === null || !('bytes' in value) || !('hashes' in value)) {
    throw badRequest('Invalid data formatting')
  }
  const { bytes, hashes } = value
  if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 0 || !Array.isArray(hashes)) {
    throw badRequest('Invalid data formatting')
  }
  const blocks = Math.ceil(bytes / blockSize)
  if (hashes.length !== blocks && !(bytes === 0 && hashes.length === 1)) {
    throw badRequest('Data size does not match')
  }
  return { bytes, hashes }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest('Invalid data formatting')
  }
}

function checkHashes(hashes: readonly unknown[]): readonly string[] {
  return hashes.map((hash) => {
    if (typeof hash !== 'string' || hash.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hash)) {
      throw badRequest('Bad hash')
    }
    return hash.toLowerCase()
  })
}
