import type { Collection } from './cimi/collections.js'
import type { Fields } from './cimi/json.js'
import type { DocumentStore } from './cimi/store.js'
import { aclOf, ADMIN } from './dialect.js'

const OPEN = aclOf(ADMIN, ['ANON', 'ROLE', 'VIEW'], ['USER', 'ROLE', 'VIEW'])

/** By which attributes of a template one signs in. */
export const SIGN_IN_FIELDS: Readonly<Record<string, readonly [name: string, secret: string]>> = {
  internal: ['username', 'password'],
  'api-key': ['key', 'secret'],
}

/** The ways to sign in; anybody may look them up (slipstream dossier 2.1). */
export function createSessionTemplates(store: DocumentStore): Collection {
  store.add('session-template', {
    id: 'session-template/internal',
    method: 'internal',
    instance: 'internal',
    name: 'Internal',
    description: 'Internal Authentication via Username/Password',
    group: 'Login',
    username: 'username',
    password: 'password',
    acl: OPEN,
  })
  store.add('session-template', {
    id: 'session-template/api-key',
    method: 'api-key',
    instance: 'api-key',
    name: 'API Key',
    description: 'Authentication with API Key and Secret',
    group: 'Login',
    key: 'key',
    secret: 'secret',
    acl: OPEN,
  })
  return {
    name: 'session-template',
    acl: OPEN,
    actions: {
      describe: {
        right: 'view',
        run: (_call, document) => ({ status: 200, body: parametersOf(String(document['method'])) }),
      },
    },
  }
}

/** What a form needs to know to ask for the attributes. */
function parametersOf(method: string): Fields {
  const [name, secret] = SIGN_IN_FIELDS[method] ?? ['', '']
  const parameter = (order: number, displayName: string, more: Fields): Fields => ({
    displayName,
    category: 'general',
    description: displayName,
    mandatory: true,
    readOnly: false,
    order,
    ...more,
  })
  return {
    method: parameter(0, 'method', { type: 'hidden', readOnly: true }),
    instance: parameter(1, 'instance', { type: 'hidden', readOnly: true }),
    group: parameter(2, 'group', { type: 'string', mandatory: false, readOnly: true }),
    [name]: parameter(20, name, { type: 'string' }),
    [secret]: parameter(21, secret, { type: 'password' }),
  }
}
