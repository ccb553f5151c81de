import type { Chance } from '../chance.js'
import type { Collection } from '../slipstream/cimi/collections.js'
import type { Document, DocumentStore } from '../slipstream/cimi/store.js'
import { ANYBODY, openTo, ownedBy, readableBy, USERS } from './dialect.js'
import type { NuvlaUser } from './users.js'

/** Collections that are there to be read, beside those with a life of their own. */
const READ_ONLY = [
  'user',
  'group',
  'infrastructure-service',
  'infrastructure-service-group',
  'nuvlabox',
  'nuvlabox-status',
  'deployment-set',
  'resource-log',
  'notification',
  'email',
  'configuration',
  'data-object',
  'data-record',
  'data-set',
]

export function readOnlyCollections(store: DocumentStore): readonly Collection[] {
  const remove: Collection['remove'] = (_call, { id }) => {
    store.remove(id)
    return undefined
  }
  return [
    { name: 'user-template', acl: readableBy(ANYBODY) },
    ...READ_ONLY.map((name): Collection => ({
      name,
      acl: readableBy(USERS),
      ...(name === 'resource-log' ? { remove } : {}),
    })),
  ]
}

/** Where deployments can go. */
export interface Infrastructure {
  /** Id of a credential of a swarm that is called by the server. */
  readonly credential: string
  /** Id of a credential of an edge device that fetches its jobs. */
  readonly edgeCredential: string
  /** Id of a credential of the user who has not paid. */
  readonly unsubscribedCredential: string
}

export function seedInfrastructure(
  store: DocumentStore,
  chance: Chance,
  { user, unsubscribedUser }: { readonly user: NuvlaUser; readonly unsubscribedUser: NuvlaUser },
): Infrastructure {
  for (const method of ['email-password', 'email-invitation']) {
    store.add('user-template', {
      id: `user-template/${method}`,
      method,
      instance: method,
      acl: readableBy(ANYBODY),
    })
  }
  const everybody = [user.id, unsubscribedUser.id]
  const edge = store.add('nuvlabox', {
    id: `nuvlabox/${chance.uuid()}`,
    name: 'edge in Geneva',
    state: 'COMMISSIONED',
    online: true,
    location: [6.14, 46.2],
    capabilities: ['NUVLA_JOB_PULL'],
    acl: readableBy(...everybody),
  })
  store.add('nuvlabox', {
    id: `nuvlabox/${chance.uuid()}`,
    name: 'edge in Zurich',
    state: 'COMMISSIONED',
    online: false,
    location: [8.54, 47.37],
    acl: readableBy(...everybody),
  })
  const service = (name: string, capabilities: readonly string[], parent?: string): Document =>
    store.add('infrastructure-service', {
      id: `infrastructure-service/${chance.uuid()}`,
      name,
      subtype: 'swarm',
      method: 'generic',
      state: 'STARTED',
      endpoint: 'https://198.18.1.10:2376',
      ...(parent === undefined ? {} : { parent }),
      capabilities,
      acl: readableBy(...everybody),
    })
  const swarm = service('swarm', [])
  const onEdge = service('swarm at the edge', ['NUVLA_JOB_PULL'], edge.id)
  const credential = (owner: NuvlaUser, infrastructure: Document): string =>
    store.add('credential', {
      name: `${String(infrastructure['name'])} of ${owner.username}`,
      subtype: 'infrastructure-service-swarm',
      method: 'infrastructure-service-swarm',
      parent: infrastructure.id,
      ca: 'ca',
      cert: 'cert',
      key: 'key',
      status: 'VALID',
      'created-by': owner.id,
      acl: ownedBy(owner.id),
    }).id
  return {
    credential: credential(user, swarm),
    edgeCredential: credential(user, onEdge),
    unsubscribedCredential: credential(unsubscribedUser, swarm),
  }
}

/** What happened; the latest first. Nobody is kept from looking, and finds what is his. */
export function createEvents(
  store: DocumentStore,
  wallNow: () => number,
): {
  readonly collection: Collection
  readonly recordEvent: (resource: string, state: string, owner: string) => void
} {
  let latest = 0
  return {
    recordEvent(resource, state, owner) {
      latest = Math.max(wallNow(), latest + 1)
      store.add('event', {
        category: 'state',
        severity: 'medium',
        timestamp: new Date(latest).toISOString(),
        content: { resource: { href: resource }, state },
        acl: ownedBy(owner),
      })
    },
    collection: {
      name: 'event',
      acl: openTo(ANYBODY, USERS),
      order: { path: ['timestamp'], descending: true },
      latestFirst: true,
      remove(_call, { id }) {
        store.remove(id)
        return undefined
      },
    },
  }
}
