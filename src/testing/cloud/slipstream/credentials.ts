import type { Chance } from '../chance.js'
import { asGiven, created, type Collection } from './cimi/collections.js'
import { invalidSchema, notFound } from './cimi/failure.js'
import { isFields, type Fields } from './cimi/json.js'
import type { DocumentStore } from './cimi/store.js'
import { createSecret, digestOf } from './api-secrets.js'
import { aclOf, ADMIN, ownedBy } from './dialect.js'

const USERS = aclOf(ADMIN, ['USER', 'ROLE', 'MODIFY'])
const READABLE = aclOf(ADMIN, ['USER', 'ROLE', 'VIEW'])
const API_KEY_TEMPLATE = 'credential-template/generate-api-key'

/** What a template wants to be told besides itself; other attributes are refused. */
const TEMPLATE_FIELDS: Readonly<Record<string, readonly string[]>> = {
  'generate-api-key': [],
  'import-ssh-public-key': ['publicKey'],
  'store-cloud-cred': ['key', 'secret', 'quota', 'connector'],
}
const OPTIONAL_FIELDS: readonly string[] = ['ttl', 'domainName', 'disabledMonitoring']

export interface Credentials {
  readonly collections: readonly Collection[]
  /** Makes an API key; the secret is told only now. */
  readonly generateKey: (key: {
    readonly username: string
    readonly privileged: boolean
    /** Seconds; 0: for ever. */
    readonly ttl?: number
    readonly described?: Fields
  }) => { readonly id: string; readonly secret: string }
}

/** Credentials: API keys, SSH keys and those of the clouds (slipstream dossier 2.7, 3.1). */
export function createCredentials(options: {
  readonly store: DocumentStore
  readonly wallNow: () => number
  readonly chance: Chance
  readonly clouds: readonly string[]
}): Credentials {
  const { store, wallNow, chance } = options
  const template = (name: string, type: string, method: string, more: Fields = {}): void => {
    store.add('credential-template', {
      id: `credential-template/${name}`,
      name,
      type,
      method,
      ...more,
      acl: READABLE,
    })
  }
  template('generate-api-key', 'api-key', 'generate-api-key', { ttl: 0 })
  template('import-ssh-public-key', 'ssh-public-key', 'import-ssh-public-key')
  for (const cloud of options.clouds) {
    template(`store-cloud-cred-${cloud}`, `cloud-cred-${cloud}`, 'store-cloud-cred', {
      connector: { href: `connector/${cloud}` },
      quota: 20,
    })
  }

  const generateKey: Credentials['generateKey'] = ({ username, privileged, ttl = 0, described = {} }) => {
    const secret = createSecret(chance)
    const { id } = store.add('credential', {
      ...described,
      type: 'api-key',
      method: 'generate-api-key',
      digest: digestOf(secret),
      claims: { identity: username, roles: privileged ? ['ADMIN', 'USER', 'ANON'] : ['USER', 'ANON'] },
      ...(ttl > 0 ? { expiry: new Date(wallNow() + ttl * 1000).toISOString() } : {}),
      enabled: true,
      acl: ownedBy(username),
    })
    return { id, secret }
  }
  const add: NonNullable<Collection['add']> = ({ identity }, body) => {
    const username = identity.user ?? ''
    const { credentialTemplate: wanted, name, description, properties } = body
    if (!isFields(wanted)) throw invalidSchema('credentialTemplate - missing or not an object')
    const { href, ...given } = wanted
    if (typeof href !== 'string') throw invalidSchema('credentialTemplate.href - missing required key')
    const found = href.startsWith('credential-template/') ? store.get(href) : undefined
    if (found === undefined) throw notFound(href)
    const described = Object.fromEntries(
      Object.entries({ name, description, properties }).filter(([, value]) => value !== undefined),
    )
    if (href === API_KEY_TEMPLATE) {
      const ttl = given['ttl'] ?? 0
      if (typeof ttl !== 'number' || !Number.isInteger(ttl) || ttl < 0)
        throw invalidSchema('ttl - not a natural number')
      checkFields(given, [])
      const { id, secret } = generateKey({ username, privileged: identity.privileged, ttl, described })
      return created(id, { secretKey: secret })
    }
    const { type, method, connector, quota } = found
    const filled: Fields = {
      ...(connector === undefined ? {} : { connector }),
      ...(quota === undefined ? {} : { quota }),
      ...given,
    }
    checkFields(filled, TEMPLATE_FIELDS[String(method)] ?? [])
    const { id } = store.add('credential', {
      ...described,
      ...filled,
      type,
      method,
      enabled: true,
      acl: ownedBy(username),
    })
    return created(id)
  }
  return {
    generateKey,
    collections: [
      {
        name: 'credential',
        acl: USERS,
        add,
        // What a key says about itself is not for its owner to decide.
        edit(document, changes) {
          const { digest: _digest, claims: _claims, type: _type, method: _method, ...rest } = changes
          return asGiven(document, rest)
        },
        remove(_call, { id }) {
          store.remove(id)
          return undefined
        },
      },
      { name: 'credential-template', acl: READABLE },
    ],
  }
}

function checkFields(given: Fields, required: readonly string[]): void {
  const missing = required.find((field) => given[field] === undefined)
  if (missing !== undefined) throw invalidSchema(`${missing} - missing required key`)
  const extra = Object.keys(given).find((key) => !required.includes(key) && !OPTIONAL_FIELDS.includes(key))
  if (extra !== undefined) throw invalidSchema(`${extra} - unknown key`)
}
