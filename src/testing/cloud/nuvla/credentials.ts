import type { Chance } from '../chance.js'
import { createSecret, digestOf } from '../slipstream/api-secrets.js'
import { created, type Collection } from '../slipstream/cimi/collections.js'
import { invalidSchema, notFound } from '../slipstream/cimi/failure.js'
import { isFields, type Fields } from '../slipstream/cimi/json.js'
import type { DocumentStore } from '../slipstream/cimi/store.js'
import { openTo, ownedBy, readableBy, USERS } from './dialect.js'
import { claimsOf, type NuvlaUser } from './users.js'

/** What a template wants to be told besides itself. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  'generate-api-key': [],
  'infrastructure-service-swarm': ['parent', 'ca', 'cert', 'key'],
  'infrastructure-service-kubernetes': ['parent', 'ca', 'cert', 'key'],
}

export interface NuvlaCredentials {
  readonly collections: readonly Collection[]
  /** Makes an API key; the secret is told only now. */
  readonly generateKey: (key: {
    readonly owner: string
    readonly identity: string
    readonly roles: readonly string[]
    /** Seconds; 0: for ever. */
    readonly ttl?: number
    readonly described?: Fields
  }) => { readonly id: string; readonly secret: string }
  readonly generateKeyOf: (user: NuvlaUser) => { readonly id: string; readonly secret: string }
}

/** Credentials: API keys, and those of the infrastructures that deployments run on. */
export function createNuvlaCredentials(options: {
  readonly store: DocumentStore
  readonly wallNow: () => number
  readonly chance: Chance
}): NuvlaCredentials {
  const { store, wallNow, chance } = options
  for (const name of Object.keys(TEMPLATES)) {
    const subtype = name === 'generate-api-key' ? 'api-key' : name
    store.add('credential-template', {
      id: `credential-template/${name}`,
      name,
      method: name,
      subtype,
      acl: readableBy(USERS),
    })
  }
  const generateKey: NuvlaCredentials['generateKey'] = ({
    owner,
    identity,
    roles,
    ttl = 0,
    described = {},
  }) => {
    const secret = createSecret(chance)
    const { id } = store.add('credential', {
      ...described,
      subtype: 'api-key',
      method: 'generate-api-key',
      digest: digestOf(secret),
      claims: { identity, roles },
      ...(ttl > 0 ? { expiry: new Date(wallNow() + ttl * 1000).toISOString() } : {}),
      'created-by': owner,
      acl: ownedBy(owner),
    })
    return { id, secret }
  }
  const add: NonNullable<Collection['add']> = ({ identity }, body) => {
    const owner = identity.user ?? ''
    const { template, name, description, tags } = body
    if (!isFields(template)) throw invalidSchema('template - missing or not an object')
    const { href, ...given } = template
    if (typeof href !== 'string') throw invalidSchema('template.href - missing required key')
    const found = href.startsWith('credential-template/') ? store.get(href) : undefined
    if (found === undefined) throw notFound(href)
    const described = Object.fromEntries(
      Object.entries({ name, description, tags }).filter(([, value]) => value !== undefined),
    )
    const { method, subtype } = found
    if (method === 'generate-api-key') {
      const { ttl = 0 } = given
      if (typeof ttl !== 'number' || !Number.isInteger(ttl) || ttl < 0)
        throw invalidSchema('ttl - not a natural number')
      const roles = identity.roles.filter((role) => !role.startsWith('session/'))
      const user = roles.find((role) => role.startsWith('user/')) ?? owner
      const { id, secret } = generateKey({ owner, identity: user, roles, ttl, described })
      return created(id, { 'secret-key': secret })
    }
    const required = TEMPLATES[String(method)] ?? []
    const missing = required.find((field) => given[field] === undefined)
    if (missing !== undefined) throw invalidSchema(`${missing} - missing required key`)
    const extra = Object.keys(given).find((key) => !required.includes(key))
    if (extra !== undefined) throw invalidSchema(`${extra} - unknown key`)
    const { id } = store.add('credential', {
      ...described,
      ...given,
      subtype,
      method,
      'created-by': owner,
      acl: ownedBy(owner),
    })
    return created(id)
  }
  return {
    generateKey,
    generateKeyOf: (user) => generateKey({ owner: user.id, identity: user.id, roles: claimsOf(user) }),
    collections: [
      {
        name: 'credential',
        acl: openTo(USERS),
        add,
        edit(_document, changes) {
          const { digest: _digest, claims: _claims, subtype: _subtype, method: _method, ...rest } = changes
          return rest
        },
        remove(_call, { id }) {
          store.remove(id)
          return undefined
        },
      },
      { name: 'credential-template', acl: readableBy(USERS) },
    ],
  }
}
