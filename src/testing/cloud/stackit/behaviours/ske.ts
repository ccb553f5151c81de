import { makeFrom, parentOf } from '../acts.js'
import type { Behaviour, Call } from '../call.js'
import { StackitFailure } from '../failures.js'
import type { Walk } from '../lifecycles.js'
import type { Reply } from '../reply.js'
import { replyWith, sampleReply } from '../replies.js'
import { changeResource, findResource, startWalk } from '../resources.js'
import { collectionOf, type Resource } from '../store.js'
import { fieldAt, setField } from '../walks.js'

// Kubernetes clusters. The reference sees that one is gone by the list alone (stackit dossier 7.2, 12.3).

const STATE = 'status.aggregated'
const ROTATION = 'status.credentialsRotation.phase'

/** Healthy at last, after a moment in which it seems not to be; a failure leaves it so. */
function settle(call: Call, cluster: Resource, through: string, to: string): void {
  const { steps } = call.api.world
  const unwell = 'STATE_UNHEALTHY'
  const failed = (message: string): void => {
    setField(cluster.fields, 'status.error', { code: 'SKE_INFRA_ERROR', message })
  }
  const first: Walk = { through, to: unwell, failed: unwell }
  startWalk(call, cluster, first, {
    field: STATE,
    ms: steps.createMs / 2,
    failed,
    done() {
      startWalk(
        call,
        cluster,
        { through: unwell, to, failed: unwell },
        { field: STATE, ms: steps.createMs / 2, failed },
      )
    },
  })
}

function put(call: Call): Reply {
  const { api, path, body } = call
  const old = api.store.get(path)
  if (old !== undefined) {
    changeResource(api, old, body, false)
    walk(call, old, 'STATE_RECONCILING', 'STATE_HEALTHY')
    return replyWith(call, old)
  }
  const key = decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
  const cluster = makeFrom(call, body, { key, below: collectionOf(path), isStill: true })
  cluster.fields['status'] = {
    hibernated: false,
    creationTime: new Date(api.world.wallNow()).toISOString(),
    credentialsRotation: { phase: 'NEVER' },
  }
  settle(call, cluster, 'STATE_CREATING', 'STATE_HEALTHY')
  return replyWith(call, cluster, { isNew: true })
}

function walk(
  call: Call,
  cluster: Resource,
  through: string,
  to: string,
  field = STATE,
  done?: () => void,
): void {
  const failed = field === STATE ? 'STATE_UNHEALTHY' : undefined
  startWalk(
    call,
    cluster,
    { through, to, failed },
    {
      field,
      failed(message) {
        setField(cluster.fields, 'status.error', { code: 'SKE_INFRA_ERROR', message })
      },
      ...(done === undefined ? {} : { done }),
    },
  )
}

/** Gone from the list first, from its own path some time later. */
function remove(call: Call): Reply {
  const { api, path } = call
  const cluster = findResource(api, path)
  const { clock, steps } = api.world
  startWalk(
    call,
    cluster,
    { through: 'STATE_DELETING', failed: 'STATE_UNHEALTHY' },
    {
      field: STATE,
      vanish() {
        cluster.isUnlisted = true
        cluster.stop = clock.after(steps.deleteMs, () => {
          api.store.remove(path)
        })
      },
    },
  )
  return sampleReply(call)
}

function trigger(change: (call: Call, cluster: Resource) => void): (call: Call) => Reply {
  return (call) => {
    const cluster = parentOf(call)
    if (cluster === undefined) throw new StackitFailure(404, 'The cluster was not found')
    change(call, cluster)
    return sampleReply(call)
  }
}

function rotate(from: readonly unknown[], through: string, to: string): (call: Call) => Reply {
  return trigger((call, cluster) => {
    const phase = fieldAt(cluster.fields, ROTATION)
    if (!from.includes(phase))
      throw new StackitFailure(409, `The rotation of credentials is ${String(phase)}`)
    setField(cluster.fields, STATE, 'STATE_RECONCILING')
    walk(call, cluster, through, to, ROTATION, () => {
      setField(cluster.fields, STATE, 'STATE_HEALTHY')
    })
  })
}

const hibernate = trigger((call, cluster) => {
  walk(call, cluster, 'STATE_HIBERNATING', 'STATE_HIBERNATED', STATE, () => {
    setField(cluster.fields, 'status.hibernated', true)
  })
})
const wake = trigger((call, cluster) => {
  walk(call, cluster, 'STATE_WAKINGUP', 'STATE_HEALTHY', STATE, () => {
    setField(cluster.fields, 'status.hibernated', false)
  })
})
const reconcile = trigger((call, cluster) => {
  walk(call, cluster, 'STATE_RECONCILING', 'STATE_HEALTHY')
})

export const ske: Behaviour = {
  operations: {
    CreateOrUpdateCluster: put,
    DeleteCluster: remove,
    TriggerHibernate: hibernate,
    TriggerWakeup: wake,
    TriggerMaintenance: reconcile,
    TriggerReconcile: reconcile,
    StartCredentialsRotation: rotate(['NEVER', 'COMPLETED', undefined], 'PREPARING', 'PREPARED'),
    CompleteCredentialsRotation: rotate(['PREPARED'], 'COMPLETING', 'COMPLETED'),
  },
}
