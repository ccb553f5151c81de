import { z } from 'zod'
import { header, json, nothing, query } from '../../../http/codecs.js'
import type { Operation } from '../../../http/types.js'
import {
  conditionHeaders,
  format,
  metadataIn,
  numberIn,
  numbersIn,
  service,
  textIn,
  type Parameters,
} from './headers.js'
import { accountPath } from './names.js'
import type { TimeConditions } from './options.js'
import { containerItem, type AccountInfo, type ContainerItem } from './schemas.js'

/** An account as it is, or as it was. */
export interface AccountRequest {
  /** Default: the user's own. */
  readonly account?: string | undefined
  readonly until?: number | undefined
  readonly conditions?: TimeConditions
}

export const headAccount: Operation<AccountRequest, AccountInfo> = {
  id: 'synnefo.pithos.account.get',
  service,
  method: 'HEAD',
  path: '/{account}',
  success: [204, 200],
  encode: ({ account, until, conditions = {} }) => ({
    path: accountPath(account),
    query: query({ ...format, until }),
    headers: conditionHeaders(conditions),
  }),
  decode: (response) => ({
    containers: numberIn(response, 'x-account-container-count'),
    bytes: numberIn(response, 'x-account-bytes-used'),
    quota: numberIn(response, 'x-account-policy-quota'),
    projectQuotas: numbersIn(response, 'x-account-policy-quota-'),
    groups: Object.fromEntries(
      Object.entries(metadataIn(response, 'x-account-group-')).map(([name, members]) => [
        name,
        members.split(',').filter((member) => member !== ''),
      ]),
    ),
    until: textIn(response, 'x-account-until-timestamp'),
    lastModified: header(response, 'last-modified'),
    metadata: metadataIn(response, 'x-account-meta-'),
  }),
}

/** Changes what the headers say; leaves or, to `replace`, removes what they do not. */
export interface Change {
  readonly replace?: boolean | undefined
  readonly headers: Readonly<Record<string, string>>
}

export const postAccount: Operation<Change, void> = {
  id: 'synnefo.pithos.account.update',
  service,
  method: 'POST',
  path: '/{account}',
  success: [202, 204],
  idempotent: true,
  encode: ({ replace = false, headers }) => ({
    path: accountPath(),
    query: query({ update: replace ? undefined : true, ...format }),
    headers,
  }),
  decode: nothing,
}

export const listContainers: Operation<
  {
    readonly account?: string | undefined
    readonly parameters: Parameters
    readonly headers?: Readonly<Record<string, string>>
  },
  readonly ContainerItem[]
> = {
  id: 'synnefo.pithos.containers.list',
  service,
  method: 'GET',
  path: '/{account}',
  success: [200],
  encode: ({ account, parameters, headers = {} }) => ({
    path: accountPath(account),
    query: query({ ...format, ...parameters }),
    headers,
  }),
  decode: json(z.array(z.looseObject({ name: z.string() })), z.array(containerItem)),
}
