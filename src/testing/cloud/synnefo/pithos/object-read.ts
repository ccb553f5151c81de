import { randomBytes } from 'node:crypto'
import { checkMatch, checkModification } from './conditions.js'
import type { Span } from './content.js'
import { epochSeconds, parseHttpDate } from './dates.js'
import { notFound } from './failure.js'
import { describeObject } from './object-description.js'
import { readView, viewObject, type View } from './object-view.js'
import { parseRanges } from './ranges.js'
import { reply, replyJson, replyText, XML_TYPE, type Headers } from './reply.js'
import { hasFlag, type Request } from './request.js'
import { readableContainer } from './sharing.js'
import { latest, type Container, type State } from './state.js'
import { document, element, fields } from './xml.js'

export interface ObjectPlace {
  readonly account: string
  readonly container: string
  readonly object: string
}

export function headObject(state: State, request: Request, place: ObjectPlace): void {
  const view = readableView(state, request, place)
  checkConditions(request.headers, view)
  reply(request.exchange, 200, describeObject(state, request, view))
}

export function getObject(state: State, request: Request, place: ObjectPlace): void {
  if (request.query.get('version') === 'list') {
    listVersions(state, request, place)
    return
  }
  const view = readableView(state, request, place)
  checkConditions(request.headers, view)
  const headers = describeObject(state, request, view)
  if (hasFlag(request, 'hashmap')) replyHashmap(request, view, headers)
  else sendContent(state, request, view, headers)
}

export function checkConditions(headers: ReadonlyMap<string, string>, view: View): void {
  checkMatch(headers, view.etag, true)
  checkModification(headers, (latest(view.container.objects.get(view.name)) ?? view.version).modified)
}

/** Answers with the content, or those ranges of it that were asked for. */
export function sendContent(
  state: State,
  request: Pick<Request, 'exchange' | 'headers' | 'query'>,
  view: View,
  description: Headers,
): void {
  const { exchange } = request
  const headers = new Map(description)
  const disposition = dispositionOf(request.query, view)
  if (disposition !== undefined) headers.set('Content-Disposition', disposition)
  const spans = rangeApplies(request.headers, view)
    ? parseRanges(request.headers.get('range'), view.bytes)
    : undefined
  const [span] = spans ?? []
  if (!spans || !span) {
    reply(exchange, 200, headers, readView(state, view, { start: 0, end: view.bytes }))
  } else if (spans.length === 1) {
    headers
      .set('Content-Range', contentRange(span, view))
      .set('Content-Length', String(span.end - span.start))
    reply(exchange, 206, headers, readView(state, view, span))
  } else {
    const boundary = randomBytes(16).toString('hex')
    headers.set('Content-Type', `multipart/byteranges; boundary=${boundary}`).delete('Content-Length')
    reply(exchange, 206, headers, multipart(state, view, spans, boundary))
  }
}

function readableView(state: State, request: Request, place: ObjectPlace): View {
  const { user, query } = request
  const container = readableContainer(state, user.id, place.account, place.container, place.object)
  return viewObject(state, container, place.object, query.get('version'), user.id)
}

function replyHashmap(request: Request, view: View, description: Headers): void {
  const { exchange, format } = request
  const { bytes, parts } = view
  const { blockSize, hashing } = parts[0] ?? view.version
  // unverified: of a manifest, the blocks of its parts one after the other, though parts may end within a block.
  const hashes = parts.flatMap((part) => part.hashes)
  const headers = new Map(description)
  headers.delete('Content-Length')
  const hashmap = {
    block_hash: hashing.name,
    block_size: blockSize,
    bytes,
    hashes: hashes.length > 0 ? hashes : [hashing.empty],
  }
  if (format === 'xml') {
    const content = hashmap.hashes.map((hash) => element('hash', hash)).join('')
    const xml = element('object', content, {
      name: view.name,
      bytes: String(bytes),
      block_size: String(blockSize),
      block_hash: hashing.name,
    })
    replyText(exchange, 200, XML_TYPE, document(xml), headers)
  } else {
    replyJson(exchange, 200, hashmap, headers)
  }
}

/** All versions of a path, also of a deleted one; the deletions themselves do not show. */
function listVersions(state: State, request: Request, place: ObjectPlace): void {
  const { user, exchange, format } = request
  const container = readableContainer(state, user.id, place.account, place.container, place.object)
  const versions = versionsOf(container, place.object)
  if (format === 'xml') {
    const items = versions.map(([version, timestamp]) => element('version', fields({ version, timestamp })))
    const xml = element('object', element('versions', items.join('')), { name: place.object })
    replyText(exchange, 200, XML_TYPE, document(xml))
  } else {
    replyJson(exchange, 200, { versions })
  }
}

function versionsOf(container: Container, name: string): readonly (readonly [number, string])[] {
  const object = container.objects.get(name)
  if (!object) throw notFound('Object does not exist')
  return object.versions
    .filter(({ deleted }) => !deleted)
    .map(({ serial, modified }) => [serial, epochSeconds(modified)] as const)
}

/** `If-Range` holds for the MD5, where it is known, and for the exact time (pithos dossier 7.3). */
function rangeApplies(headers: ReadonlyMap<string, string>, { version }: View): boolean {
  const condition = headers.get('if-range')
  if (condition === undefined) return true
  const date = parseHttpDate(condition)
  if (date !== undefined) return date === version.modified
  return version.md5 !== '' && condition.replaceAll('"', '') === version.md5
}

function dispositionOf(query: URLSearchParams, { name, version }: View): string | undefined {
  const asked = query.get('disposition-type')
  const valid = asked === 'inline' || asked === 'attachment'
  if (!valid && version.attributes.disposition !== undefined) return undefined
  const file = name.slice(name.lastIndexOf('/') + 1).replaceAll('"', "'")
  return `${valid ? asked : 'inline'}; filename="${file}"`
}

function contentRange({ start, end }: Span, { bytes }: View): string {
  return `bytes ${start}-${end - 1}/${bytes}`
}

async function* multipart(
  state: State,
  view: View,
  spans: readonly Span[],
  boundary: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const span of spans) {
    const head = [
      `--${boundary}`,
      `Content-Range: ${contentRange(span, view)}`,
      'Content-Transfer-Encoding: binary',
    ]
    yield Buffer.from(`${head.join('\r\n')}\r\n\r\n`)
    yield* readView(state, view, span)
    yield Buffer.from('\r\n')
  }
  yield Buffer.from(`--${boundary}--\r\n`)
}
