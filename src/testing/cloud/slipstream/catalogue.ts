import type { Chance } from '../chance.js'
import { LOGINS } from './accounts.js'
import type { Collection } from './cimi/collections.js'
import type { Fields } from './cimi/json.js'
import type { DocumentStore } from './cimi/store.js'
import { aclOf, ADMIN, ownedBy } from './dialect.js'
import type { Account } from './tools.js'

const READABLE = aclOf(ADMIN, ['USER', 'ROLE', 'VIEW'])
const OPEN = aclOf(ADMIN, ['ANON', 'ROLE', 'VIEW'], ['USER', 'ROLE', 'VIEW'])

/** Collections that are there to be read, beside those with a life of their own (slipstream dossier 1). */
const READ_ONLY = [
  'user',
  'user-param',
  'user-identifier',
  'notification',
  'virtual-machine',
  'virtual-machine-mapping',
  'connector',
  'service-offer',
  'service-attribute',
  'service-attribute-namespace',
  'service-benchmark',
  'quota',
  'metering',
  'storage-bucket',
  'job',
  'module',
  'deployment',
  'deployment-template',
  'deployment-parameter',
  'configuration',
  'email',
  'callback',
]

export function readOnlyCollections(): readonly Collection[] {
  return [
    { name: 'user-template', acl: OPEN },
    ...READ_ONLY.map((name): Collection => ({ name, acl: READABLE })),
  ]
}

interface Size {
  readonly name: string
  readonly vcpu: number
  readonly ramMB: number
  readonly diskGB: number
  readonly price: number
}

const SIZES: readonly Size[] = [
  { name: 'Micro', vcpu: 1, ramMB: 512, diskGB: 10, price: 0.01 },
  { name: 'Small', vcpu: 2, ramMB: 2048, diskGB: 20, price: 0.04 },
  { name: 'Large', vcpu: 4, ramMB: 8192, diskGB: 50, price: 0.125 },
]

/** A few documents in the collections that users look around in. */
export function seedCatalogue(
  store: DocumentStore,
  tools: {
    readonly chance: Chance
    readonly accounts: readonly Account[]
    readonly clouds: readonly string[]
  },
): void {
  for (const method of ['direct', 'self-registration']) {
    const acl = method === 'direct' ? aclOf(ADMIN) : OPEN
    store.add('user-template', {
      id: `user-template/${method}`,
      method,
      instance: method,
      group: 'Registration',
      acl,
    })
  }
  for (const account of tools.accounts) showUser(store, account)
  for (const cloud of tools.clouds) seedCloud(store, cloud)
  seedMachines(store, tools.chance, tools.clouds)
}

/** The user as the CIMI side tells of him. */
export function showUser(store: DocumentStore, account: Account): void {
  const { name, email, firstName, lastName, organization, issuper, state } = account
  store.add('user', {
    id: `user/${name}`,
    username: name,
    emailAddress: email,
    firstName,
    lastName,
    organization,
    state,
    isSuperUser: issuper,
    method: 'direct',
    deleted: state === 'DELETED',
    acl: ownedBy(name),
  })
}

function seedCloud(store: DocumentStore, cloud: string): void {
  const connector = { href: `connector/${cloud}` }
  store.add('connector', {
    id: connector.href,
    name: cloud,
    cloudServiceType: cloud.startsWith('ec2') ? 'ec2' : 'exoscale',
    instanceName: cloud,
    acl: READABLE,
  })
  for (const { name, vcpu, ramMB, diskGB, price } of SIZES) {
    store.add('service-offer', {
      id: `service-offer/${cloud}-${name.toLowerCase()}`,
      name: `(${vcpu}/${ramMB}/${diskGB}) [${cloud}]`,
      connector,
      'resource:type': 'VM',
      'resource:class': 'standard',
      'resource:instanceType': name,
      'resource:vcpu': vcpu,
      'resource:ram': ramMB,
      'resource:disk': diskGB,
      'resource:country': 'CH',
      'price:unitCost': price,
      'price:unitCode': 'HUR',
      'price:currency': 'EUR',
      acl: READABLE,
    })
  }
  for (const { username } of [LOGINS.user, LOGINS.other]) {
    store.add('credential', {
      id: `credential/${cloud}-${username}`,
      name: `${cloud} of ${username}`,
      type: `cloud-cred-${cloud}`,
      method: 'store-cloud-cred',
      connector,
      key: username,
      secret: 'cloud-secret',
      quota: 20,
      enabled: true,
      acl: ownedBy(username),
    })
  }
}

/** Two of the user's, one of them outside of any deployment, and one of somebody else. */
function seedMachines(store: DocumentStore, chance: Chance, clouds: readonly string[]): void {
  const [first = '', second = first] = clouds
  const run = { href: `run/${chance.uuid()}`, user: { href: `user/${LOGINS.user.username}` } }
  const machine = (username: string, cloud: string, size: number, state: string, more: Fields): void => {
    store.add('virtual-machine', {
      instanceID: chance.hex(8),
      state,
      ip: `198.18.0.${10 + store.list('virtual-machine').length}`,
      connector: { href: `connector/${cloud}` },
      credentials: [{ href: `credential/${cloud}-${username}` }],
      serviceOffer: {
        href: `service-offer/${cloud}-${(SIZES[size]?.name ?? '').toLowerCase()}`,
        'resource:vcpu': SIZES[size]?.vcpu,
        'resource:ram': SIZES[size]?.ramMB,
        'resource:disk': SIZES[size]?.diskGB,
        'price:unitCost': SIZES[size]?.price,
      },
      currency: 'EUR',
      billable: state === 'running',
      acl: ownedBy(username),
      ...more,
    })
  }
  machine(LOGINS.user.username, first, 1, 'running', { deployment: run })
  machine(LOGINS.user.username, second, 2, 'stopped', {})
  machine(LOGINS.other.username, first, 0, 'running', {})
}
