import type { Behaviour } from '../call.js'
import type { Lifecycle } from '../lifecycles.js'

// State machines that no client of the reference waits for (stackit dossier 7.3).

function machine(
  field: string,
  states: readonly [through: string, to: string, failed: string],
  rest: Omit<Lifecycle, 'field' | 'create'> = {},
): Lifecycle {
  const [through, to, failed] = states
  return { field, create: { through, to, failed }, ...rest }
}

const pubsub = machine('state', ['reconciling', 'active', 'inactive'], {
  update: { through: 'reconciling', to: 'active' },
  remove: { through: 'deleting' },
})
const revision = machine('state', ['CREATING', 'ACTIVE', 'FAILED'])

export const STATES: Readonly<Record<string, Behaviour['lifecycles']>> = {
  automation: { '/executions/{}': machine('status', ['PENDING', 'COMPLETED', 'FAILED']) },
  functions: { '/functions/{}': revision, '/revisions/{}': revision },
  git: {
    '/authentications/{}': machine('status', ['Creating', 'Ready', 'Error'], {
      update: { through: 'Updating', to: 'Ready', failed: 'Error' },
      remove: { through: 'Deleting', failed: 'Error' },
    }),
  },
  observability: {
    // A good update ends as a creation does (stackit dossier 7.2).
    '/v1/projects/{}/instances/{}': {
      update: { through: 'UPDATING', to: 'CREATE_SUCCEEDED', failed: 'UPDATE_FAILED' },
    },
    '/scrapeconfigs/{}': { create: { appears: true }, remove: {} },
  },
  pubsub: { '/topics/{}': pubsub, '/subscriptions/{}': pubsub },
  sca: {
    '/applications/{}': machine('runtimeStatus.status', [
      'CURRENT_STATUS_PROGRESSING',
      'CURRENT_STATUS_RUNNING',
      'CURRENT_STATUS_FAILED',
    ]),
  },
  scf: {
    '/organizations/{}': {
      field: 'status',
      remove: { through: 'deleting', failed: 'deleting_failed', gone: 404 },
    },
  },
  'server-backup': { '/backups/{}': machine('status', ['in-progress', 'available', 'error-creating']) },
  ufw: {
    '/rules/{}': machine('status', ['Creating', 'Active', 'Error'], {
      update: { through: 'Updating', to: 'Active', failed: 'Error' },
      remove: { through: 'Deleting', failed: 'Error' },
    }),
  },
  workflows: {
    '/instances/{}': machine('status', ['creating', 'active', 'failed'], {
      update: { through: 'updating', to: 'active', failed: 'failed' },
      remove: { through: 'deleting', failed: 'failed' },
    }),
  },
}
