import { concatMap, type Observable } from 'rxjs'
import { call, type Api } from '../../../http/api.js'
import { header, nothing } from '../../../http/codecs.js'
import type { CallOptions, Operation } from '../../../http/types.js'
import { headAccount } from '../storage/account-operations.js'
import { textArgument } from '../storage/arguments.js'
import { numberIn, service } from '../storage/headers.js'
import { accountPath } from '../storage/names.js'
import type { ChangeOptions } from '../storage/options.js'
import type { AccountChanges, MetadataChanges } from '../storage/schemas.js'
import {
  metadataChangeHeaders,
  metadataHeader,
  refuse,
  removalHeaders,
  timeConditions,
  userMetadataIn,
} from './headers.js'
import type { SwiftAccountInfo } from './schemas.js'

/** Metadata by which Swift itself goes. The keys are secrets, and told by nothing of ours. */
const temporaryUrlKeys = ['temp-url-key', 'temp-url-key-2'] as const
export const reservedMetadata: readonly string[] = ['quota-bytes', ...temporaryUrlKeys]

export const headSwiftAccount: Operation<{ readonly account?: string | undefined }, SwiftAccountInfo> = {
  ...headAccount,
  id: 'openstack.storage.account.get',
  decode: (response, context) => ({
    ...headAccount.decode(response, context),
    objects: numberIn(response, 'x-account-object-count'),
    quota: numberIn(response, 'x-account-meta-quota-bytes'),
    lastModified: header(response, 'last-modified'),
    metadata: userMetadataIn(response, 'account', reservedMetadata),
  }),
}

export const postSwiftAccount: Operation<
  { readonly headers: Readonly<Record<string, string>>; readonly secrets?: readonly string[] },
  void
> = {
  id: 'openstack.storage.account.update',
  service,
  method: 'POST',
  path: '/{account}',
  success: [204, 202],
  idempotent: true,
  encode: ({ headers, secrets = [] }) => ({ path: accountPath(), headers, secrets }),
  decode: nothing,
}

export function readSwiftAccount(
  api: Api,
  options: CallOptions & { readonly account?: string } = {},
): Observable<SwiftAccountInfo> {
  const { account } = options
  refuse(options, ['until', ...timeConditions], 'options')
  if (account !== undefined) textArgument('options.account', account)
  return call(api, headSwiftAccount, { account }, options)
}

export function changeSwiftAccount(
  api: Api,
  changes: AccountChanges,
  options: ChangeOptions = {},
): Observable<void> {
  const { metadata = {} } = changes
  refuse(changes, ['groups'], 'changes')
  refuseReserved(metadata, 'changes.metadata')
  const headers = metadataChangeHeaders('account', metadata, 'changes.metadata')
  const change = (more: Readonly<Record<string, string>> = {}): Observable<void> =>
    call(api, postSwiftAccount, { headers: { ...headers, ...more } }, options)
  const changed = change()
  if (options.replace !== true) return changed
  return call(api, headSwiftAccount, {}, options).pipe(
    concatMap((present) => change(removalOfRest('account', present.metadata, metadata))),
  )
}

/** Throws a `TypeError` for what has a place of its own. */
export function refuseReserved(metadata: Readonly<Record<string, unknown>>, argument: string): void {
  for (const name of Object.keys(metadata)) {
    const found = reservedMetadata.find(
      (reserved) => metadataHeader('account', reserved) === metadataHeader('account', name),
    )
    if (found !== undefined) {
      throw new TypeError(
        `${argument}.${name}: Swift goes by it; ${found === 'quota-bytes' ? 'set quota' : 'use setTemporaryUrlKey'}`,
      )
    }
  }
}

/** Headers that remove all metadata that is there and not among the changes. */
export function removalOfRest(
  kind: 'account' | 'container',
  present: Readonly<Record<string, string>>,
  changes: MetadataChanges,
): Record<string, string> {
  const named = new Set(Object.keys(changes).map((name) => metadataHeader(kind, name)))
  return removalHeaders(
    kind,
    Object.keys(present).filter((name) => !named.has(metadataHeader(kind, name))),
  )
}
