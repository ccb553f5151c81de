import type { Identity, Right } from './cimi/collections.js'
import type { Dialect } from './cimi/dialect.js'
import { isFields, type Fields } from './cimi/json.js'

/** Which CEP key a collection has (slipstream dossier 1): camel case and an `s`, but for one. */
export function listKey(collection: string): string {
  if (collection === 'user-param') return 'userParam'
  return `${collection.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())}s`
}

/** Actions of CIMI itself; all others are SlipStream's own (slipstream dossier 3.1). */
const CIMI_ACTIONS = [
  'start',
  'stop',
  'restart',
  'pause',
  'suspend',
  'export',
  'import',
  'capture',
  'snapshot',
  'forceSync',
  'swapBackup',
  'restore',
  'enable',
  'disable',
]

export function createSlipstreamDialect(editAnswer: Dialect['editAnswer']): Dialect {
  const typeOf = (collection: string): string =>
    collection === 'cloud-entry-point'
      ? 'http://schemas.dmtf.org/cimi/2/CloudEntryPoint'
      : `http://sixsq.com/slipstream/1/${collection.replace(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase())}`
  return {
    prefix: '$',
    typeField: 'resourceURI',
    typeOf,
    typeOfCollection: (collection) => `${typeOf(collection)}Collection`,
    listKey,
    actionRel: (action) =>
      CIMI_ACTIONS.includes(action)
        ? `http://schemas.dmtf.org/cimi/2/action/${action}`
        : `http://sixsq.com/slipstream/1/action/${action}`,
    filter: { lists: false, geography: false, properties: true },
    bulk: false,
    allows,
    editAnswer,
    entryPoint: (baseUri, collections) => ({
      acl: aclOf(ADMIN, ['ANON', 'ROLE', 'VIEW']),
      baseURI: baseUri,
      ...Object.fromEntries(collections.map((collection) => [listKey(collection), { href: collection }])),
    }),
  }
}

type Rule = readonly [principal: string, type: 'ROLE' | 'USER', right: 'VIEW' | 'MODIFY' | 'ALL']

export const ADMIN: Fields = { principal: 'ADMIN', type: 'ROLE' }

/** An access list of SlipStream. */
export function aclOf(owner: Fields, ...rules: readonly Rule[]): Fields {
  return { owner, rules: rules.map(([principal, type, right]) => ({ principal, type, right })) }
}

/** What a user made is his. */
export function ownedBy(username: string): Fields {
  return aclOf({ principal: username, type: 'USER' }, ['ADMIN', 'ROLE', 'ALL'])
}

function allows(acl: unknown, identity: Identity, right: Right): boolean {
  if (!isFields(acl)) return false
  if (isFields(acl['owner']) && isMeant(acl['owner'], identity)) return true
  const rules = Array.isArray(acl['rules']) ? (acl['rules'] as readonly unknown[]) : []
  return rules.some((rule) => {
    if (!isFields(rule) || !isMeant(rule, identity)) return false
    return right === 'view' || rule['right'] === 'MODIFY' || rule['right'] === 'ALL'
  })
}

function isMeant({ principal, type }: Fields, identity: Identity): boolean {
  if (typeof principal !== 'string') return false
  return type === 'USER' ? principal === identity.user : identity.roles.includes(principal)
}
