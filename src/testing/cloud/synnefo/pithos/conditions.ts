import { parseHttpDate } from './dates.js'
import { Failure, preconditionFailed } from './failure.js'

type RequestHeaders = ReadonlyMap<string, string>

/** `If-Match` and `If-None-Match` on what is there now; reads answer 304 where writes answer 412. */
export function checkMatch(headers: RequestHeaders, etag: string | undefined, reading: boolean): void {
  const match = headers.get('if-match')
  if (match !== undefined && !matches(match, etag)) {
    throw preconditionFailed('Resource ETag does not match')
  }
  const noneMatch = headers.get('if-none-match')
  if (noneMatch === undefined || !matches(noneMatch, etag)) return
  if (!reading) throw preconditionFailed('Resource exists or ETag matches')
  throw notModified(etag)
}

/** `If-Modified-Since` and `If-Unmodified-Since`, in whole seconds; dates that are none are overlooked. */
export function checkModification(headers: RequestHeaders, modified: number): void {
  const seconds = Math.floor(modified / 1000) * 1000
  const since = dateOf(headers, 'if-modified-since')
  if (since !== undefined && seconds <= since) throw notModified()
  const unmodified = dateOf(headers, 'if-unmodified-since')
  if (unmodified !== undefined && seconds > unmodified) {
    throw preconditionFailed('Resource has been modified')
  }
}

export function hasMatchCondition(headers: RequestHeaders): boolean {
  return headers.has('if-match') || headers.has('if-none-match')
}

function matches(header: string, etag: string | undefined): boolean {
  if (etag === undefined) return false
  const text = header.trim()
  if (text === '*') return true
  const quoted = [...text.matchAll(/"([^"]*)"/g)].map(([, value = '']) => value)
  return (quoted.length > 0 ? quoted : [text]).some((value) => value.toLowerCase() === etag)
}

function dateOf(headers: RequestHeaders, name: string): number | undefined {
  const text = headers.get(name)
  return text === undefined ? undefined : parseHttpDate(text)
}

function notModified(etag?: string): Failure {
  const headers = etag === undefined ? {} : { ETag: etag }
  return new Failure(304, 'notModified', 'Resource has not been modified', { headers })
}
