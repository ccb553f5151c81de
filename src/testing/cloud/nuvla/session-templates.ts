import type { Collection } from '../slipstream/cimi/collections.js'
import type { DocumentStore } from '../slipstream/cimi/store.js'
import { ANYBODY, readableBy } from './dialect.js'

/** By which attributes of a template one signs in. */
export const SIGN_IN_FIELDS: Readonly<Record<string, readonly [name: string, secret: string]>> = {
  password: ['username', 'password'],
  'api-key': ['key', 'secret'],
}

/** The ways to sign in; anybody may look them up. */
export function createSessionTemplates(store: DocumentStore): Collection {
  for (const [method, [name, secret]] of Object.entries(SIGN_IN_FIELDS)) {
    store.add('session-template', {
      id: `session-template/${method}`,
      method,
      instance: method,
      name: method,
      description: `Authentication by ${name} and ${secret}`,
      group: 'Login',
      [name]: name,
      [secret]: secret,
      acl: readableBy(ANYBODY),
    })
  }
  return { name: 'session-template', acl: readableBy(ANYBODY) }
}
