import { createHash } from 'node:crypto'
import { TransferError } from '../../../errors.js'
import type { ContainerName, ObjectName } from '../storage/names.js'
import type { ListItem } from '../storage/schemas.js'
import type { NamedSegment } from './large-object-operations.js'
import type { SwiftLimits } from './limits.js'

/**
 * Where the segments of an object are. They are named by their content, so that another upload finds them, and below the name of their own
 * object, because whoever removes a static large object removes its segments.
 */
export interface SegmentPlace {
  readonly container: ContainerName
  /** In front of the names of all segments, with a `/` at its end. */
  readonly prefix: string
}

const MEBIBYTE = 2 ** 20
/** `/`, an MD5, `-` and as many digits as a size has. */
const LONGEST_KEY = 1 + 32 + 1 + 16
const keyPattern = /^[0-9a-f]{32}-\d+$/

export function segmentPlace(
  { account, container, object }: ObjectName,
  segmentContainer: string | undefined,
  { maxNameLength }: SwiftLimits,
): SegmentPlace {
  const fits = Buffer.byteLength(object) + LONGEST_KEY <= maxNameLength
  const folder = fits ? object : createHash('sha256').update(object).digest('hex')
  return {
    container: {
      ...(account === undefined ? {} : { account }),
      container: segmentContainer ?? `${container}_segments`,
    },
    prefix: `${folder}/`,
  }
}

/** What a segment is known by among those of its object. */
export function segmentKey(md5: string, bytes: number): string {
  return `${md5}-${bytes}`
}

export function segmentName({ container, prefix }: SegmentPlace, key: string): ObjectName {
  return { ...container, object: prefix + key }
}

/** The key of what is listed, if it is a segment and has the content that its name says. */
export function keyOf({ prefix }: SegmentPlace, { name, bytes, hash }: ListItem): string | undefined {
  if (typeof name !== 'string' || !name.startsWith(prefix)) return undefined
  const key = name.slice(prefix.length)
  return keyPattern.test(key) && key === `${String(hash)}-${String(bytes)}` ? key : undefined
}

/** A segment as the manifest names it. */
export function namedSegment(place: SegmentPlace, md5: string, bytes: number): NamedSegment {
  const { container, object } = segmentName(place, segmentKey(md5, bytes))
  return { path: `/${container}/${object}`, etag: md5, size_bytes: bytes }
}

/** The entity tag that the server gives to a static large object, without quotes. */
export function staticEtag(hashes: readonly string[]): string {
  return createHash('md5').update(hashes.join('')).digest('hex')
}

/** Bytes of a segment: as many as wanted, or more if there would be too many of them. */
export function segmentSizeFor(size: number, wanted: number, { segments, maxFileSize }: SwiftLimits): number {
  if (segments === undefined) {
    throw new TransferError(
      `${size} bytes are to be sent in segments of ${wanted}, but the store has no static large objects`,
    )
  }
  const asked = Math.max(wanted, segments.minSize)
  const needed =
    Math.ceil(size / asked) > segments.max ? Math.ceil(size / segments.max / MEBIBYTE) * MEBIBYTE : asked
  if (needed > maxFileSize) {
    throw new TransferError(
      `${size} bytes are more than the store takes: ${segments.max} segments of ${maxFileSize}`,
    )
  }
  return needed
}
