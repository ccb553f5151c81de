import { decodePath, type SwiftRequest } from './request.js'
import { notFound, refused } from './failure.js'
import type { Span } from './ranges.js'
import { etagOfSegments, lengthOf, md5, totalLength, type Segment } from './slo-manifest.js'
import { findContainer, hasExpired, livingObject, type StoredObject } from './state.js'

/** A run of an object's bytes that lies in one place. */
export interface Part {
  readonly length: number
  /** It is missing, or not what it was when the manifest was made. */
  readonly broken: boolean
  read(span: Span): AsyncIterable<Uint8Array>
  /** Keeps the bytes although their object may go; the function that is returned lets go of them. */
  hold(): () => void
}

const letGo = (): void => undefined

/** Large objects of large objects, and so on, are followed this far. */
const DEEPEST = 10

export function ownPart(object: StoredObject): Part {
  const { bytes } = object
  return {
    length: bytes.length,
    broken: false,
    read: ({ start, end }) => bytes.read(start, end),
    hold: () => bytes.retain().release,
  }
}

export function textPart(data: Uint8Array): Part {
  return {
    length: data.length,
    broken: false,
    async *read({ start, end }) {
      yield data.subarray(start, end)
    },
    hold: () => letGo,
  }
}

/** What a static large object is made of, as it is now. */
export function staticParts(
  request: SwiftRequest,
  account: string,
  segments: readonly Segment[],
  depth = 0,
): readonly Part[] {
  return segments.flatMap((segment) => {
    if ('data' in segment) return [textPart(Buffer.from(segment.data, 'base64'))]
    const parts = depth < DEEPEST ? segmentParts(request, account, segment, depth) : undefined
    if (parts === undefined) return [brokenPart(lengthOf(segment))]
    const { range } = segment
    return range === undefined ? parts : slice(parts, { start: range.first, end: range.last + 1 })
  })
}

function segmentParts(
  request: SwiftRequest,
  account: string,
  segment: Exclude<Segment, { data: string }>,
  depth: number,
): readonly Part[] | undefined {
  const { container, object: name } = splitPath(segment.path)
  if (!request.may('read', { account, container, object: name })) return undefined
  const found = livingObject(request.region, findContainer(request.region, account, container), name)
  if (found === undefined) return undefined
  const { segments } = found
  if (segments === undefined) return found.bytes.md5 === segment.hash ? [ownPart(found)] : undefined
  const same = etagOfSegments(segments) === segment.hash && totalLength(segments) === segment.bytes
  return same ? staticParts(request, account, segments, depth + 1) : undefined
}

/** What a dynamic large object is made of: all that begins with its prefix, in the order of the listing. */
export function dynamicParts(
  request: SwiftRequest,
  account: string,
  manifest: string,
): { readonly parts: readonly Part[]; readonly etag: string } {
  // Only a POST can have set such a one.
  if (!manifest.includes('/')) throw refused(500, 'An error occurred')
  const { container: name, object: prefix } = splitPath(`/${decodePath(manifest)}`)
  const container = findContainer(request.region, account, name)
  if (container === undefined) throw notFound()
  request.demand('list', { account, container: name })
  const objects = container.entries
    .sorted()
    .filter((key) => key.startsWith(prefix))
    .flatMap((key) => container.entries.get(key)?.current ?? [])
    .filter((object) => !hasExpired(request.region, object))
  return {
    parts: objects.flatMap((object) =>
      object.segments === undefined ? [ownPart(object)] : staticParts(request, account, object.segments),
    ),
    etag: md5(objects.map(({ bytes }) => bytes.md5).join('')),
  }
}

export function splitPath(path: string): { container: string; object: string } {
  const [, container = '', ...rest] = path.split('/')
  return { container, object: rest.join('/') }
}

export function lengthOfParts(parts: readonly Part[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0)
}

/** Whether the span begins in a broken part, and whether there is one in it at all. */
export function findBroken(
  parts: readonly Part[],
  span: Span,
): { readonly first: boolean; readonly any: boolean } {
  const inside = slice(parts, span)
  return { first: inside[0]?.broken ?? false, any: inside.some(({ broken }) => broken) }
}

/** Bytes from several parts, which stay readable until the last one has been read. */
export async function* whileHeld(
  parts: readonly Part[],
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const holds = parts.map((part) => part.hold())
  try {
    yield* bytes
  } finally {
    for (const release of holds) release()
  }
}

/** The bytes of a span; they end at a broken part. */
export async function* readParts(
  parts: readonly Part[],
  span: Span,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const part of slice(parts, span)) {
    if (part.broken) return
    yield* part.read({ start: 0, end: part.length })
  }
}

function slice(parts: readonly Part[], { start, end }: Span): readonly Part[] {
  const inside: Part[] = []
  let at = 0
  for (const part of parts) {
    const from = Math.max(start - at, 0)
    const to = Math.min(end - at, part.length)
    if (from < to) {
      inside.push({
        length: to - from,
        broken: part.broken,
        read: (span) => part.read({ start: from + span.start, end: from + span.end }),
        hold: () => part.hold(),
      })
    }
    at += part.length
  }
  return inside
}

function brokenPart(length: number): Part {
  return {
    length,
    broken: true,
    read() {
      throw new Error('A broken part cannot be read')
    },
    hold: () => letGo,
  }
}
