import { createHash } from 'node:crypto'
import { refused, SwiftFailure } from './failure.js'
import { pythonJson } from './python-json.js'

/** What a static large object is made of. */
export type Segment =
  | {
      /** `/container/object` */
      readonly path: string
      /** Of the whole segment, also when only a range of it is used. */
      readonly bytes: number
      readonly hash: string
      readonly contentType: string
      readonly modified: string
      readonly range?: { readonly first: number; readonly last: number }
      /** It is a static large object itself. */
      readonly nested?: true
    }
  | { readonly data: string }

/** A segment as the sender of a manifest describes it. */
export type WantedSegment =
  | {
      readonly path: string
      readonly etag?: string
      readonly size?: number
      /** As it is written: `0-9`, `5-`, `-5`. */
      readonly range?: string
    }
  | { readonly data: string }

const KEYS = ['path', 'etag', 'size_bytes', 'range']

/** Reads a manifest; all that is wrong with its entries is said at once. */
export function parseManifest(text: string): readonly WantedSegment[] {
  const entries = parseList(text)
  const problems: string[] = []
  const wanted = entries.flatMap((entry: unknown, index) => {
    try {
      return [parseEntry(entry)]
    } catch (problem) {
      if (!(problem instanceof TypeError)) throw problem
      problems.push(`Index ${String(index)}: ${problem.message}\n`)
      return []
    }
  })
  if (problems.length > 0) throw refused(400, problems.join(''))
  if (wanted.length > 0 && wanted.every((segment) => 'data' in segment)) {
    throw refused(400, 'Inline data segments require at least one object-backed segment.\n')
  }
  return wanted
}

function parseList(text: string): readonly unknown[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new SwiftFailure(400, 'Manifest must be valid JSON.\n')
  }
  if (!Array.isArray(value)) throw new SwiftFailure(400, 'Manifest must be a list.\n')
  return value
}

function parseEntry(entry: unknown): WantedSegment {
  if (typeof entry !== 'object' || entry === null) throw new TypeError('not a JSON object')
  const fields = entry as Readonly<Record<string, unknown>>
  const { path, data, etag, size_bytes: size, range } = fields
  if (data !== undefined) {
    if (typeof data !== 'string' || data === '') throw new TypeError('"data" must be valid base64')
    return { data }
  }
  if (path === undefined) throw new TypeError('expected keys to include one of "path" or "data"')
  const extraneous = Object.keys(fields).filter((key) => !KEYS.includes(key))
  if (extraneous.length > 0) {
    throw new TypeError(`extraneous keys ${extraneous.map((key) => `"${key}"`).join(', ')}`)
  }
  if (typeof path !== 'string') throw new TypeError('"path" must be a string')
  const tidy = path.replace(/^\//, '')
  if (!/^[^/]+\/./s.test(tidy)) {
    throw new TypeError('path does not refer to an object. Path must be of the form /container/object.')
  }
  const length = size === undefined || size === null ? undefined : Number(size)
  if (length !== undefined && (!Number.isInteger(length) || length < 0)) {
    throw new TypeError('invalid size_bytes')
  }
  if (range !== undefined && (typeof range !== 'string' || !/^(\d+-\d*|-\d+)$/.test(range))) {
    throw new TypeError('invalid range')
  }
  return {
    path: `/${tidy}`,
    ...(typeof etag === 'string' ? { etag: etag.replaceAll('"', '') } : {}),
    ...(length === undefined ? {} : { size: length }),
    ...(range === undefined ? {} : { range }),
  }
}

/** Bytes that a segment adds to the object. */
export function lengthOf(segment: Segment): number {
  if ('data' in segment) return Buffer.from(segment.data, 'base64').length
  const { range, bytes } = segment
  return range === undefined ? bytes : range.last - range.first + 1
}

export function totalLength(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + lengthOf(segment), 0)
}

/** The entity tag of the whole, without its quotes: the MD5 of the segments' own (pithos dossier 14.2). */
export function etagOfSegments(segments: readonly Segment[]): string {
  const parts = segments.map((segment) => {
    if ('data' in segment) return md5(Buffer.from(segment.data, 'base64'))
    return segment.range === undefined ? segment.hash : `${segment.hash}:${rangeText(segment.range)};`
  })
  return md5(parts.join(''))
}

export function md5(data: string | Uint8Array): string {
  return createHash('md5').update(data).digest('hex')
}

/** The manifest as it is kept, and shown by `multipart-manifest=get`. */
export function manifestJson(segments: readonly Segment[]): string {
  return pythonJson(
    segments.map((segment) =>
      'data' in segment
        ? segment
        : {
            name: segment.path,
            bytes: segment.bytes,
            hash: segment.hash,
            content_type: segment.contentType,
            last_modified: segment.modified,
            range: segment.range === undefined ? undefined : rangeText(segment.range),
            sub_slo: segment.nested,
          },
    ),
  )
}

/** The manifest as it could be sent again (`format=raw`). */
export function rawManifestJson(segments: readonly Segment[]): string {
  return pythonJson(
    segments.map((segment) =>
      'data' in segment
        ? segment
        : {
            etag: segment.hash,
            path: segment.path,
            range: segment.range === undefined ? undefined : rangeText(segment.range),
            size_bytes: segment.bytes,
          },
    ),
  )
}

function rangeText({ first, last }: { first: number; last: number }): string {
  return `${String(first)}-${String(last)}`
}
