import { createHash } from 'node:crypto'
import { checkMatch, hasMatchCondition } from './conditions.js'
import { readContent, storeContent, type Body, type Content } from './content.js'
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
import { entityTag, viewObject } from './object-view.js'
import { reply, replyJson, type Headers } from './reply.js'
import { bodyOf, contentLength, hasFlag, isChunked, type Request } from './request.js'
import { readableContainer, writableContainer } from './sharing.js'
import { addVersion, latest, newUuid, type State, type Version } from './state.js'

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
  const { blocks, blockSize, hashing } = state
  const hashmap = parseHashmap(await readText(state, request), blockSize)
  const { bytes } = hashmap
  const hashes = checkHashes(hashmap.hashes)
  if (bytes === 0 && hashes.some((hash) => hash !== hashing.empty))
    throw badRequest('Data size does not match')
  if (bytes > 0) {
    const missing = [...new Set(hashes)].filter((hash) => !blocks.has(hash))
    if (missing.length > 0) {
      replyJson(request.exchange, 409, missing)
      return
    }
  }
  const content = { bytes, hashes: bytes === 0 ? [] : hashes, blockSize, hashing }
  const md5 = await md5Of(state, content)
  replyCreated(state, request, store(state, request, place, wanted, { ...content, type, md5 }))
}

/** The MD5 of what is stored already, if the server's setting asks for it. */
export async function md5Of(state: State, content: Content): Promise<string> {
  if (!state.updateMd5) return ''
  const checksum = createHash('md5')
  for await (const piece of readContent(state.blocks, content, { start: 0, end: content.bytes })) {
    checksum.update(piece)
  }
  return checksum.digest('hex')
}

async function putData(
  state: State,
  request: Request,
  place: ObjectPlace,
  wanted: ObjectHeaders,
  type: string,
): Promise<void> {
  const expected = request.headers.get('etag')?.replaceAll('"', '').toLowerCase()
  const body = bodyOf(request, state.limits.body)
  const data = await storeData(state, body, expected !== undefined)
  if (expected !== undefined && data.md5 !== expected) {
    throw unprocessable('Object data does not match ETag')
  }
  replyCreated(state, request, store(state, request, place, wanted, { ...data, type }))
}

export type Data = Content & { readonly md5: string }

/** Stores what comes in blocks; their MD5 is made when the server's setting or the client wants it. */
export async function storeData(state: State, body: Body, wantsMd5: boolean): Promise<Data> {
  const { blocks, blockSize, hashing, limits } = state
  const checksum = wantsMd5 || state.updateMd5 ? createHash('md5') : undefined
  const content = await storeContent(blocks, body, {
    blockSize,
    hashing,
    limit: limits.body,
    inspect: (block) => checksum?.update(block),
  })
  return { ...content, md5: checksum?.digest('hex') ?? '' }
}

/** Makes what is stored the newest version of a path, and answers with it. */
export function store(
  state: State,
  request: Request,
  place: ObjectPlace,
  wanted: ObjectHeaders,
  content: Data & { readonly type: string },
): Version {
  const { user } = request
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
  return version
}

function replyCreated(state: State, { exchange }: Request, version: Version): void {
  reply(exchange, 201, writtenHeaders(state, version))
}

/** What a write answers about the version that it made. */
export function writtenHeaders(state: State, version: Version): Headers {
  return new Map([
    ['ETag', entityTag(state, version)],
    ['X-Object-Version', String(version.serial)],
  ])
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
  await bodyOf(
    request,
    state.limits.body,
  )((chunk) => {
    pieces.push(chunk)
    return undefined
  })
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
