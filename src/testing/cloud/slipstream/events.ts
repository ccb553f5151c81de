import { created, type Collection } from './cimi/collections.js'
import { invalidSchema } from './cimi/failure.js'
import { isFields, type Fields } from './cimi/json.js'
import type { DocumentStore } from './cimi/store.js'
import { instantOf } from './cimi/values.js'
import { aclOf, ADMIN, ownedBy } from './dialect.js'
import type { RecordedEvent } from './tools.js'

const TYPES: readonly unknown[] = ['state', 'alarm', 'action', 'system']
const SEVERITIES: readonly unknown[] = ['critical', 'high', 'medium', 'low']
const FIELDS = ['content', 'timestamp', 'type', 'severity', 'acl', 'name', 'description', 'properties']

/** The log of what happened (slipstream dossier 5): users add to it and delete from it, nobody rewrites it. */
export function createEvents(
  store: DocumentStore,
  wallNow: () => number,
): { readonly collection: Collection; readonly recordEvent: (event: RecordedEvent) => void } {
  let latest = 0
  return {
    recordEvent({ type, severity, resource, state, owner }) {
      // One after the other, however many there are in a millisecond: who asks for what came after the last one gets it.
      latest = Math.max(wallNow(), latest + 1)
      store.add('event', {
        type,
        severity,
        timestamp: new Date(latest).toISOString(),
        content: { resource: { href: resource }, state },
        acl: ownedBy(owner),
      })
    },
    collection: {
      name: 'event',
      // Nobody is kept from looking; he finds what he may see.
      acl: aclOf(ADMIN, ['ANON', 'ROLE', 'VIEW'], ['USER', 'ROLE', 'MODIFY']),
      order: { path: ['timestamp'], descending: true },
      latestFirst: true,
      add({ identity }, body) {
        checkEvent(body)
        const { resourceURI: _type, id: _id, ...fields } = body
        const { id } = store.add('event', { acl: ownedBy(identity.user ?? 'ANON'), ...fields })
        return created(id)
      },
      remove(_call, { id }) {
        store.remove(id)
        return undefined
      },
    },
  }
}

function checkEvent(body: Fields): void {
  const { content, timestamp, type, severity } = body
  const foreign = Object.keys(body).find((key) => !FIELDS.includes(key) && key !== 'resourceURI')
  if (foreign !== undefined) throw invalidSchema(`${foreign} - unknown key`)
  if (!isFields(content) || !isFields(content['resource']) || typeof content['resource']['href'] !== 'string')
    throw invalidSchema('content.resource.href - missing required key')
  if (typeof content['state'] !== 'string') throw invalidSchema('content.state - missing required key')
  if (!TYPES.includes(type)) throw invalidSchema('type - not one of state, alarm, action, system')
  if (!SEVERITIES.includes(severity)) throw invalidSchema('severity - not one of critical, high, medium, low')
  if (instantOf(timestamp) === undefined) throw invalidSchema('timestamp - not a date')
}
