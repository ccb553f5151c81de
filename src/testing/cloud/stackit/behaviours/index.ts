import type { Behaviour } from '../call.js'
import { authorization } from './authorization.js'
import { broker } from './brokers.js'
import { mongodbFlex, postgresFlex, sqlserverFlex } from './databases.js'
import { dns } from './dns.js'
import { edge } from './edge.js'
import { iaas } from './iaas.js'
import { kms } from './kms.js'
import { objectStorage } from './object-storage.js'
import { pubsub } from './pubsub.js'
import { resourceManager } from './resource-manager.js'
import { runCommand, serverSwitch } from './servers-agents.js'
import { serviceAccount } from './service-account.js'
import { serviceEnablement } from './service-enablement.js'
import { ske } from './ske.js'
import { STATES } from './states.js'

/** One whose errors are told says so whatever its state (stackit dossier 7.2). */
const balancer: Behaviour = {
  failed(resource, message) {
    resource.fields['errors'] = [{ type: 'TYPE_INTERNAL', description: message }]
  },
}

const BROKERS = ['logme', 'mariadb', 'opensearch', 'rabbitmq', 'redis', 'valkey']

const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  alb: balancer,
  authorization,
  dns,
  edge,
  iaas,
  kms,
  pubsub,
  ske,
  'load-balancer': balancer,
  'mongodb-flex': mongodbFlex,
  'object-storage': objectStorage,
  'postgres-flex': postgresFlex,
  'resource-manager': resourceManager,
  'run-command': runCommand,
  'server-backup': serverSwitch,
  'server-update': serverSwitch,
  'service-account': serviceAccount,
  'service-enablement': serviceEnablement,
  sqlserverflex: sqlserverFlex,
  ...Object.fromEntries(BROKERS.map((service) => [service, broker])),
}

/** What is known of a service beyond its documents. */
export function behaviourOf(service: string): Behaviour {
  const own = BEHAVIOURS[service] ?? {}
  const states = STATES[service]
  return states === undefined ? own : { ...own, lifecycles: { ...states, ...own.lifecycles } }
}
