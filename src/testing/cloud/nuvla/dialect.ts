import type { Identity, Right } from '../slipstream/cimi/collections.js'
import type { Dialect } from '../slipstream/cimi/dialect.js'
import { isFields, type Fields } from '../slipstream/cimi/json.js'

export const ADMINISTRATORS = 'group/nuvla-admin'
export const USERS = 'group/nuvla-user'
export const ANYBODY = 'group/nuvla-anon'

/** How Nuvla says what SlipStream said otherwise (slipstream dossier, Appendix N). */
export const NUVLA_DIALECT: Dialect = {
  prefix: '',
  typeField: 'resource-type',
  typeOf: (collection) => collection,
  typeOfCollection: (collection) => `${collection}-collection`,
  listKey: () => 'resources',
  actionRel: (action) => action,
  filter: { lists: true, geography: true, properties: false },
  bulk: true,
  allows,
  editAnswer: 'document',
  entryPoint: (baseUri, collections) => ({
    acl: readableBy(ANYBODY),
    'base-uri': baseUri,
    collections: Object.fromEntries(collections.map((collection) => [collection, { href: collection }])),
  }),
}

/** An access list: what a user made is his. */
export function ownedBy(...principals: readonly string[]): Fields {
  return { owners: principals }
}

export function readableBy(...principals: readonly string[]): Fields {
  return { owners: [ADMINISTRATORS], 'view-acl': principals }
}

/** The access list of a collection that they may list and add to. */
export function openTo(...principals: readonly string[]): Fields {
  return { owners: [ADMINISTRATORS], 'view-acl': principals, 'edit-data': principals }
}

/** What the entries of an access list begin with that give a right. */
const GIVES: Readonly<Record<Right, readonly string[]>> = {
  view: ['owners', 'view-', 'edit-', 'manage', 'delete'],
  edit: ['owners', 'edit-'],
  manage: ['owners', 'edit-acl', 'manage'],
  delete: ['owners', 'edit-acl', 'delete'],
}

function allows(acl: unknown, identity: Identity, right: Right): boolean {
  if (!isFields(acl)) return false
  return Object.entries(acl).some(
    ([entry, principals]) =>
      GIVES[right].some((start) => entry.startsWith(start)) &&
      Array.isArray(principals) &&
      principals.some((principal) => identity.roles.includes(String(principal))),
  )
}
