import type { HeaderMap } from './state.js'
import { inSeconds, type Timestamp } from './timestamps.js'

/** The status that the conditions of a GET or HEAD make of it. Not modified goes first. */
export function checkConditions(headers: HeaderMap, etag: string, time: Timestamp): 304 | 412 | undefined {
  const noneMatch = headers.get('If-None-Match')
  if (noneMatch !== undefined && matches(noneMatch, etag)) return 304
  const modifiedSince = dateOf(headers.get('If-Modified-Since'))
  if (modifiedSince !== undefined && inSeconds(time) <= modifiedSince) return 304
  const match = headers.get('If-Match')
  if (match !== undefined && !matches(match, etag)) return 412
  const unmodifiedSince = dateOf(headers.get('If-Unmodified-Since'))
  if (unmodifiedSince !== undefined && inSeconds(time) > unmodifiedSince) return 412
  return undefined
}

function matches(list: string, etag: string): boolean {
  return list
    .split(',')
    .map((tag) => tag.trim().replaceAll('"', ''))
    .some((tag) => tag === '*' || tag === etag)
}

/** Seconds since the epoch. */
function dateOf(text: string | undefined): number | undefined {
  const time = text === undefined ? NaN : Date.parse(text)
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000)
}
