import { makeFrom, parentOf } from '../acts.js'
import type { Behaviour, Call } from '../call.js'
import { StackitFailure } from '../failures.js'
import type { Lifecycle } from '../lifecycles.js'
import type { Reply } from '../reply.js'
import { replyWith } from '../replies.js'
import { startWalk } from '../resources.js'
import { isFields } from '../schemas.js'
import { collectionOf } from '../store.js'

// The flex services. Their older versions have states as plain text (stackit dossier 7.2).

function clone(call: Call): Reply {
  const instance = parentOf(call)
  if (instance === undefined) throw new StackitFailure(404, 'The instance was not found')
  const { id: _id, name, ...rest } = instance.fields
  const wanted = isFields(call.body) ? call.body : {}
  const copy = makeFrom(
    call,
    { name: `${String(name)}-clone`, ...rest, ...wanted },
    { kind: instance.kind, below: collectionOf(instance.path) },
  )
  return replyWith(call, copy, { isNew: true, known: { instanceId: copy.key } })
}

/** The ordinary deletion leaves the instance readable, this one does not. */
function forceDelete(call: Call): Reply {
  const instance = parentOf(call)
  if (instance === undefined) throw new StackitFailure(404, 'The instance was not found')
  startWalk(call, instance, { failed: 'Failure' })
  return replyWith(call, instance)
}

function oldMachine(failed: string, remove: Lifecycle['remove']): Lifecycle {
  const walk = { through: 'Progressing', to: 'Ready', failed }
  return { field: 'status', create: walk, update: walk, remove }
}

const USER_WALK: Lifecycle['create'] = { through: 'PROCESSING', to: 'PROCESSED' }

export const postgresFlex: Behaviour = {
  lifecycles: {
    'v1 /instances/{}': oldMachine('Failure', { to: 'Deleted', failed: 'Failure' }),
    'v2 /instances/{}': oldMachine('Failure', { to: 'Deleted', failed: 'Failure' }),
    'v3 /users/{}': { field: 'state', create: USER_WALK },
  },
  operations: { CloneInstance: clone, ForceDeleteInstance: forceDelete },
}

export const sqlserverFlex: Behaviour = {
  lifecycles: {
    'v1 /instances/{}': oldMachine('Failed', { through: 'Deleting', failed: 'Failed' }),
    'v2 /instances/{}': oldMachine('Failed', { through: 'Deleting', failed: 'Failed' }),
    'v3 /users/{}': { field: 'status', create: USER_WALK },
  },
  operations: {},
}

export const mongodbFlex: Behaviour = {
  lifecycles: {
    '/restores/{}': { field: 'status', create: { through: 'IN_PROGRESS', to: 'FINISHED', failed: 'BROKEN' } },
  },
  // Jobs are found by the backup, and the newest counts.
  made(call, { path, fields, time }) {
    if (!path.includes('/restores/') || !isFields(call.body)) return
    fields['backupID'] = call.body['backupId']
    fields['date'] = new Date(time).toISOString()
  },
  operations: { CloneInstance: clone },
}
