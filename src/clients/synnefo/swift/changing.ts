import { concatMap, type Observable } from 'rxjs'
import { call, type Api } from '../../../http/api.js'
import { header } from '../../../http/codecs.js'
import type { HttpResponse } from '../../../http/types.js'
import { typeHeader } from '../storage/headers.js'
import type { ObjectName } from '../storage/names.js'
import {
  expiryHeaders,
  metadataHeader,
  metadataHeaders,
  plainHeader,
  refuse,
  timeConditions,
} from './headers.js'
import { headRawObject, postSwiftObject } from './object-operations.js'
import type { SwiftChangeOptions, SwiftObjectChanges } from './options.js'

/** What is kept with an object beside metadata, and would be lost if it were not said again. */
const keptWithObjects = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
  'x-delete-at',
  'x-object-manifest',
  'x-robots-tag',
]

/** Swift replaces all that is kept with an object; so it is read first, and said again with the changes. */
export function changeSwiftObject(
  api: Api,
  name: ObjectName,
  changes: SwiftObjectChanges,
  options: SwiftChangeOptions = {},
): Observable<void> {
  const { replace = false, ifMatch } = options
  refuse(changes, ['sharing', 'public'], 'changes')
  refuse(options, ['ifNoneMatch', ...timeConditions], 'options')
  const { set, removed } = changesOf(changes)
  const conditions = ifMatch === undefined ? {} : { ifMatch }
  return call(api, headRawObject, { name, conditions }, options).pipe(
    concatMap((present) => {
      const kept = Object.entries(keptIn(present, replace)).filter(([header]) => !removed.has(header))
      return call(api, postSwiftObject, { name, headers: { ...Object.fromEntries(kept), ...set } }, options)
    }),
  )
}

function keptIn(response: HttpResponse, withoutMetadata: boolean): Record<string, string> {
  const names = Object.keys(response.headers).filter(
    (name) => keptWithObjects.includes(name) || (!withoutMetadata && name.startsWith('x-object-meta-')),
  )
  return Object.fromEntries(names.map((name) => [name, header(response, name) ?? '']))
}

function changesOf(changes: SwiftObjectChanges): {
  readonly set: Readonly<Record<string, string>>
  readonly removed: ReadonlySet<string>
} {
  const { metadata = {}, contentType, contentEncoding, contentDisposition, deleteAt, deleteAfter } = changes
  const values = Object.entries(metadata).filter((change): change is [string, string] => change[1] !== null)
  return {
    set: {
      ...metadataHeaders('object', Object.fromEntries(values), 'changes.metadata'),
      ...(contentType === undefined ? {} : typeHeader(contentType)),
      ...plainHeader('content-encoding', contentEncoding ?? undefined, 'changes.contentEncoding'),
      ...plainHeader('content-disposition', contentDisposition ?? undefined, 'changes.contentDisposition'),
      ...expiryHeaders(deleteAt ?? undefined, deleteAfter, 'changes'),
    },
    removed: new Set([
      ...Object.keys(metadata).map((name) => metadataHeader('object', name)),
      ...(contentEncoding === null ? ['content-encoding'] : []),
      ...(contentDisposition === null ? ['content-disposition'] : []),
      ...(deleteAt !== undefined || deleteAfter !== undefined ? ['x-delete-at'] : []),
    ]),
  }
}
