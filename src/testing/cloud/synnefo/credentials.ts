import type { Exchange, User } from '../service.js'
import type { Accounts } from './accounts.js'
import { ApiFault, faultBody } from './answers.js'

/** The token a request carries: the query is looked at first (synnefo dossier 3). */
export function tokenOf(exchange: Exchange): string | undefined {
  const header = exchange.headers['x-auth-token']
  const token = exchange.query.get('X-Auth-Token') ?? (Array.isArray(header) ? header[0] : header)
  return token === '' ? undefined : token
}

export const noToken = (): ApiFault =>
  new ApiFault(401, 'unauthorized', 'Access denied. No authentication token')

/** Whose request this is, for services that ask Astakos: a refusal comes back under the name `fault` (4.4). */
export function userOf(exchange: Exchange, accounts: Accounts): User {
  const token = tokenOf(exchange)
  if (token === undefined) throw noToken()
  const found = accounts.byToken(token)
  if ('user' in found) return found.user
  const refusal = new ApiFault(401, 'unauthorized', found.refused)
  throw new ApiFault(401, 'fault', 'UNAUTHORIZED', JSON.stringify(faultBody(refusal)))
}
