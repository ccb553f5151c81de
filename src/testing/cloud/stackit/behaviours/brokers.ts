import { usual } from '../acts.js'
import type { Behaviour, Call } from '../call.js'
import type { Reply } from '../reply.js'
import { findResource } from '../resources.js'
import type { Resource } from '../store.js'

// The services of one broker: LogMe, MariaDB, OpenSearch, RabbitMQ, Redis, Valkey (stackit dossier 7.2, 7.3, 11).

const TYPES: Readonly<Record<string, string>> = { creating: 'create', updating: 'update', deleting: 'delete' }

/** What an instance last did follows from its state. */
function tellOperation({ fields }: Resource): void {
  const state = String(fields['status'])
  const before = fields['lastOperation'] as { readonly type?: unknown } | undefined
  const type = TYPES[state] ?? before?.type ?? 'create'
  const end = state === 'failed' ? 'failed' : 'succeeded'
  fields['lastOperation'] = { type, state: state in TYPES ? 'in progress' : end, description: '' }
}

function get(call: Call): Reply {
  tellOperation(findResource(call.api, call.path))
  return usual(call)
}

function list(call: Call): Reply {
  for (const instance of call.api.store.list(call.path)) tellOperation(instance)
  return usual(call)
}

export const broker: Behaviour = {
  made(_call, resource) {
    if (!/\/instances\/[^/]+$/.test(resource.path)) return
    resource.fields['lastOperation'] = { type: 'create', state: 'in progress', description: '' }
    resource.fields['parameters'] ??= {}
  },
  operations: { GetInstance: get, ListInstances: list },
}
