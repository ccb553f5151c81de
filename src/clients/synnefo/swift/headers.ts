import { isUtf8 } from 'node:buffer'
import { header } from '../../../http/codecs.js'
import type { HttpResponse } from '../../../http/types.js'
import { textArgument, wholeNumber } from '../storage/arguments.js'
import { numberIn, stateIn, typeHeader } from '../storage/headers.js'
import { checkText, decodeHeader, encodeBytes, encodeHeader } from '../storage/names.js'
import type { ObjectName } from '../storage/names.js'
import type { MetadataChanges } from '../storage/schemas.js'
import type { Expiry, SwiftWriteOptions } from './options.js'
import type { SwiftObjectInfo } from './schemas.js'

type Kind = 'account' | 'container' | 'object'

// --- of answers ---------------------------------------------------------------------------------------------

/** Other clients write UTF-8 into headers, which arrive with a character for each byte. */
function readable(value: string): string {
  const bytes = Buffer.from(value, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : value
}

/** A header as it was meant, percent signs and all. */
export function plainIn(response: HttpResponse, name: string): string | undefined {
  const value = header(response, name)
  return value === undefined ? undefined : readable(value)
}

/** Metadata by its names in lower case, but for those that stand for something else. */
export function userMetadataIn(
  response: HttpResponse,
  kind: Kind,
  reserved: readonly string[] = [],
): Readonly<Record<string, string>> {
  const prefix = `x-${kind}-meta-`
  return Object.fromEntries(
    Object.keys(response.headers)
      .filter((name) => name.startsWith(prefix) && !reserved.includes(name.slice(prefix.length)))
      .map((name) => [
        decodeHeader(readable(name.slice(prefix.length))),
        decodeHeader(plainIn(response, name) ?? ''),
      ]),
  )
}

/** What the headers of an answer say of an object; its name they do not. */
export type SwiftObjectState = Omit<SwiftObjectInfo, 'container' | 'name'>

export function namedSwift({ container, object }: ObjectName, state: SwiftObjectState): SwiftObjectInfo {
  return { container, name: object, ...state }
}

export function swiftStateIn(response: HttpResponse, bytes: number): SwiftObjectState {
  const deleteAt = numberIn(response, 'x-delete-at')
  const contentType = header(response, 'content-type')
  return {
    ...stateIn(response, bytes),
    contentType: contentType?.startsWith('multipart/byteranges') === true ? undefined : contentType,
    metadata: userMetadataIn(response, 'object'),
    // Browsers read these as they are.
    contentEncoding: plainIn(response, 'content-encoding'),
    contentDisposition: plainIn(response, 'content-disposition'),
    isStatic: header(response, 'x-static-large-object')?.toLowerCase() === 'true',
    deleteAt: deleteAt === undefined ? undefined : new Date(deleteAt * 1000),
  }
}

// --- of requests --------------------------------------------------------------------------------------------

/** The header of one piece of metadata as it is told: Swift does not tell `_` from `-`, nor large letters from small ones. */
export function metadataHeader(kind: Kind, name: string): string {
  return `x-${kind}-meta-${encodeBytes(name).toLowerCase().replaceAll('_', '-')}`
}

/** Headers that set metadata. */
export function metadataHeaders(
  kind: Kind,
  metadata: Readonly<Record<string, string>>,
  argument: string,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => {
      if (name === '') throw new TypeError(`${argument}: a name is empty`)
      if (typeof value !== 'string') throw new TypeError(`${argument}.${name}: expected a string`)
      checkText(name + value, `${argument}.${name}`)
      return [metadataHeader(kind, name), encodeHeader(value)]
    }),
  )
}

/** Headers that change metadata of an account or a container, where an empty value would remove it. */
export function metadataChangeHeaders(
  kind: 'account' | 'container',
  changes: MetadataChanges,
  argument: string,
): Record<string, string> {
  const kept = Object.entries(changes).filter((change): change is [string, string] => change[1] !== null)
  for (const [name, value] of kept) {
    if (value === '') throw new TypeError(`${argument}.${name}: an empty value would remove it; say null`)
  }
  const removed = Object.keys(changes).filter((name) => changes[name] === null)
  return {
    ...metadataHeaders(kind, Object.fromEntries(kept), argument),
    ...removalHeaders(kind, removed),
  }
}

export function removalHeaders(
  kind: 'account' | 'container',
  names: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => [metadataHeader(kind, name).replace(/^x-/, 'x-remove-'), 'true']),
  )
}

/** What is kept with a new object. */
export type KeptOptions = Pick<SwiftWriteOptions, 'metadata' | 'contentEncoding' | 'contentDisposition'> &
  Expiry

/** The headers of what is kept with a new object. */
export function newObjectHeaders({
  contentType = 'application/octet-stream',
  ...kept
}: KeptOptions & Pick<SwiftWriteOptions, 'contentType'>): Record<string, string> {
  return { ...typeHeader(contentType), ...keptHeaders(kept) }
}

/** The headers of what is kept with an object, but for its type. */
export function keptHeaders({
  metadata = {},
  contentEncoding,
  contentDisposition,
  deleteAt,
  deleteAfter,
}: KeptOptions): Record<string, string> {
  return {
    ...metadataHeaders('object', metadata, 'options.metadata'),
    ...plainHeader('content-encoding', contentEncoding, 'options.contentEncoding'),
    ...plainHeader('content-disposition', contentDisposition, 'options.contentDisposition'),
    ...expiryHeaders(deleteAt, deleteAfter, 'options'),
  }
}

/** A header as it is meant, in UTF-8: browsers do not decode it. */
export function plainHeader(
  name: string,
  value: string | undefined,
  argument: string,
): Record<string, string> {
  if (value === undefined) return {}
  checkText(value, argument)
  if (/\p{Cc}/u.test(textArgument(argument, value))) {
    throw new TypeError(`${argument}: expected text without control characters`)
  }
  return { [name]: Buffer.from(value).toString('latin1') }
}

export function expiryHeaders(
  deleteAt: Date | undefined,
  deleteAfter: number | undefined,
  argument: string,
): Record<string, string> {
  if (deleteAfter !== undefined) {
    if (deleteAt !== undefined) throw new TypeError(`${argument}.deleteAfter: not together with deleteAt`)
    return { 'x-delete-after': String(wholeNumber(`${argument}.deleteAfter`, deleteAfter, 1)) }
  }
  return deleteAt === undefined ? {} : { 'x-delete-at': String(secondsOf(deleteAt, `${argument}.deleteAt`)) }
}

/** Whole seconds since the epoch, not before the moment. */
export function secondsOf(moment: Date, argument: string): number {
  if (!(moment instanceof Date) || Number.isNaN(moment.getTime())) {
    throw new TypeError(`${argument}: expected a valid Date`)
  }
  return Math.ceil(moment.getTime() / 1000)
}

/** Throws a `TypeError` for what Swift would not look at, or would take for something else. */
export function refuse(given: object | undefined, names: readonly string[], argument: string): void {
  const found = Object.entries(given ?? {}).find(
    ([name, value]) => value !== undefined && names.includes(name),
  )
  if (found !== undefined) throw new TypeError(`${argument}.${found[0]}: Swift has nothing of the kind`)
}

/** Swift looks at conditions of objects only. */
export const timeConditions = ['ifModifiedSince', 'ifUnmodifiedSince'] as const
