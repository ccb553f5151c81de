import type { Observable } from 'rxjs'
import { call, type Api } from '../../../http/api.js'
import { headAccount, postAccount } from '../storage/account-operations.js'
import { textArgument } from '../storage/arguments.js'
import { metadataChangeHeaders } from '../storage/headers.js'
import { encodeBytes, encodeHeader } from '../storage/names.js'
import type { ChangeOptions } from '../storage/options.js'
import type { AccountInfo } from '../storage/schemas.js'
import { memberList } from '../storage/sharing.js'
import { checkUntil } from './past.js'
import type { PithosAccountChanges, PithosInfoOptions } from './options.js'

export function readAccount(
  api: Api,
  { account, until, ...options }: PithosInfoOptions & { readonly account?: string } = {},
): Observable<AccountInfo> {
  if (account !== undefined) textArgument('options.account', account)
  const asOf = checkUntil(until, 'options.until')
  return call(api, headAccount, { account, until: asOf, conditions: options }, options)
}

export function changeAccount(
  api: Api,
  { metadata = {}, groups = {} }: PithosAccountChanges,
  options: ChangeOptions = {},
): Observable<void> {
  const { replace = false } = options
  const headers = {
    ...metadataChangeHeaders('account', metadata, 'changes.metadata', replace),
    ...groupHeaders(groups, replace),
  }
  return call(api, postAccount, { replace, headers }, options)
}

/** Like metadata, a group is removed by an empty value, or by not being said (pithos dossier 5). */
function groupHeaders(
  groups: NonNullable<PithosAccountChanges['groups']>,
  replace: boolean,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(groups)
      .filter(([, members]) => members !== null || !replace)
      .map(([name, members]) => {
        const argument = `changes.groups.${name}`
        if (!/^[^\s\-_~,:;=]+$/u.test(name)) {
          throw new TypeError(`${argument}: the name of a group has no '-', '_', '~' and no separator in it`)
        }
        return [
          `x-account-group-${encodeBytes(name)}`,
          members === null ? '' : encodeHeader(memberList(members, argument)),
        ]
      }),
  )
}
