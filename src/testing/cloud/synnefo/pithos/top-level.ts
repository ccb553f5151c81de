import { isoDate } from './dates.js'
import { badRequest } from './failure.js'
import { listFlat, sortNames } from './listing.js'
import { reply, replyListing } from './reply.js'
import type { Request } from './request.js'
import { containersSharedWith } from './sharing.js'
import type { State } from './state.js'
import type { Exchange } from '../../service.js'
import { element, fields } from './xml.js'

/** The log-in of old Swift clients: nothing is checked, the key comes back as the token (pithos dossier 3). */
export function compatibilityLogin(exchange: Exchange): void {
  const user = exchange.headers['x-auth-user']
  const key = exchange.headers['x-auth-key']
  if (typeof user !== 'string' || typeof key !== 'string' || user === '' || key === '') {
    throw badRequest('Missing X-Auth-User or X-Auth-Key header')
  }
  const headers = new Map([
    ['X-Auth-Token', key],
    ['X-Storage-Url', `${exchange.origin}${exchange.path}${user}`],
  ])
  reply(exchange, 204, headers)
}

/** Accounts of others who share something with the sender. */
export function listAccounts(state: State, request: Request): void {
  const { user, query } = request
  const { names, items } = listFlat(
    sortNames(state.accounts.keys()),
    (id) => {
      const account = state.accounts.get(id)
      if (!account || id === user.id || containersSharedWith(state, user.id, account).length === 0)
        return undefined
      return { name: id, last_modified: isoDate(account.modified) }
    },
    query,
    state.limits.listing,
  )
  replyListing(request, {
    names,
    json: items,
    xml: () => element('accounts', items.map((account) => element('account', fields(account))).join('')),
    headers: new Map(),
  })
}
