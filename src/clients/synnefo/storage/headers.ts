import { header } from '../../../http/codecs.js'
import type { HttpResponse } from '../../../http/types.js'
import { textArgument } from './arguments.js'
import { decodeHeader, encodeHeader, metadataHeaders, quoteTag, type ObjectName } from './names.js'
import type { ReadConditions } from './options.js'
import type { MetadataChanges, NewObjectOptions, ObjectInfo } from './schemas.js'
import { sharingHeader, sharingOf } from './sharing.js'

export const service = 'object-store'
/** Sent with every request: without it, names that end in `.xml` are answered in XML (pithos dossier 4.1). */
export const format = { format: 'json' } as const

/** Query parameters as `query` takes them. */
export type Parameters = Readonly<Record<string, string | number | true | undefined>>

// --- of answers ---------------------------------------------------------------------------------------------

/** What the headers of an answer say of an object; its name they do not. */
export type ObjectState = Omit<ObjectInfo, 'container' | 'name'>

/** The headers of an answer, with the name that was asked for. */
export function named({ container, object }: ObjectName, state: ObjectState): ObjectInfo {
  return { container, name: object, ...state }
}

export function stateIn(response: HttpResponse, bytes: number): ObjectState {
  return {
    bytes,
    contentType: textIn(response, 'content-type'),
    etag: header(response, 'etag'),
    hash: textIn(response, 'x-object-hash'),
    version: versionIn(response),
    uuid: textIn(response, 'x-object-uuid'),
    modifiedBy: textIn(response, 'x-object-modified-by'),
    lastModified: header(response, 'last-modified'),
    manifest: textIn(response, 'x-object-manifest'),
    metadata: metadataIn(response, 'x-object-meta-'),
    contentEncoding: textIn(response, 'content-encoding'),
    contentDisposition: textIn(response, 'content-disposition'),
    sharing: sharingOf(textIn(response, 'x-object-sharing')),
    sharedBy: textIn(response, 'x-object-shared-by'),
    allowedTo: textIn(response, 'x-object-allowed-to'),
    publicUrl: textIn(response, 'x-object-public'),
  }
}

export function textIn(response: HttpResponse, name: string): string | undefined {
  const value = header(response, name)
  return value === undefined ? undefined : decodeHeader(value)
}

export function numberIn(response: HttpResponse, name: string): number | undefined {
  const value = header(response, name)
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined
}

/** Numbers by the rest of their names. */
export function numbersIn(response: HttpResponse, prefix: string): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.keys(response.headers)
      .filter((name) => name.startsWith(prefix))
      .flatMap((name) => {
        const value = numberIn(response, name)
        return value === undefined ? [] : [[decodeHeader(name.slice(prefix.length)), value]]
      }),
  )
}

/** Of Pithos, where some answers have other text in its place (pithos dossier 7.5), or of Swift. */
export function versionIn(response: HttpResponse): number | string | undefined {
  return numberIn(response, 'x-object-version') ?? textIn(response, 'x-object-version-id')
}

/** Metadata by its names in lower case. */
export function metadataIn(response: HttpResponse, prefix: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.keys(response.headers)
      .filter((name) => name.startsWith(prefix))
      .map((name) => [decodeHeader(name.slice(prefix.length)), textIn(response, name) ?? '']),
  )
}

// --- of requests --------------------------------------------------------------------------------------------

export function matching(etag: string | undefined): Record<string, string> {
  return etag === undefined ? {} : { 'if-match': quoteTag(etag) }
}

/** The headers of conditions, entity tags in quotes. */
export function conditionHeaders({
  ifMatch,
  ifNoneMatch,
  ifModifiedSince,
  ifUnmodifiedSince,
}: ReadConditions): Record<string, string> {
  return {
    ...tagHeader('if-match', ifMatch, 'options.ifMatch'),
    ...tagHeader('if-none-match', ifNoneMatch, 'options.ifNoneMatch'),
    ...dateHeader('if-modified-since', ifModifiedSince, 'options.ifModifiedSince'),
    ...dateHeader('if-unmodified-since', ifUnmodifiedSince, 'options.ifUnmodifiedSince'),
  }
}

export function tagHeader(name: string, tag: string | undefined, argument: string): Record<string, string> {
  return tag === undefined ? {} : { [name]: quoteTag(encodeHeader(textArgument(argument, tag))) }
}

function dateHeader(name: string, date: Date | undefined, argument: string): Record<string, string> {
  if (date === undefined) return {}
  if (!(date instanceof Date) || Number.isNaN(date.getTime())) {
    throw new TypeError(`${argument}: expected a valid Date`)
  }
  return { [name]: date.toUTCString() }
}

/** The headers of what is kept with a new object. */
export function newObjectHeaders({
  contentType = 'application/octet-stream',
  ...kept
}: NewObjectOptions): Record<string, string> {
  return { ...typeHeader(contentType), ...keptHeaders(kept) }
}

/** It may be anything but encoded: servers take it as it is (pithos dossier 4.3). */
export function typeHeader(contentType: string | undefined): Record<string, string> {
  if (contentType === undefined) return {}
  if (!/^[\x21-\x7e][\x20-\x7e]*$/.test(contentType)) {
    throw new TypeError('options.contentType: expected printable ASCII')
  }
  return { 'content-type': contentType }
}

/** The headers of what is kept with an object, but for its type. */
export function keptHeaders({
  metadata = {},
  contentEncoding,
  contentDisposition,
  sharing,
  public: published,
}: Omit<NewObjectOptions, 'contentType'>): Record<string, string> {
  return {
    ...metadataHeaders('object', metadata, 'options.metadata'),
    ...textHeader('content-encoding', contentEncoding, 'options.contentEncoding'),
    ...textHeader('content-disposition', contentDisposition, 'options.contentDisposition'),
    ...(sharing === undefined ? {} : { 'x-object-sharing': sharingHeader(sharing, 'options.sharing') }),
    ...(published === undefined ? {} : { 'x-object-public': publicHeader(published, 'options.public') }),
  }
}

export function textHeader(
  name: string,
  value: string | undefined,
  argument: string,
): Record<string, string> {
  return value === undefined ? {} : { [name]: encodeHeader(textArgument(argument, value)) }
}

export function publicHeader(published: boolean, argument: string): string {
  if (typeof published !== 'boolean') throw new TypeError(`${argument}: expected true or false`)
  return String(published)
}

/**
 * The headers that change metadata: to a server that merges, an empty value removes; to one that is told to `replace`, what is
 * not said is removed.
 */
export function metadataChangeHeaders(
  kind: 'account' | 'container' | 'object',
  changes: MetadataChanges,
  argument: string,
  replace = false,
): Record<string, string> {
  const kept = Object.entries(changes).filter(([, value]) => value !== null || !replace)
  for (const [name, value] of kept) {
    if (value === '') throw new TypeError(`${argument}.${name}: an empty value would remove it; say null`)
  }
  return metadataHeaders(kind, Object.fromEntries(kept.map(([name, value]) => [name, value ?? ''])), argument)
}
