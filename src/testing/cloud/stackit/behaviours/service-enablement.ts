import type { Api, Behaviour, Call } from '../call.js'
import type { Reply } from '../reply.js'
import { listReply, replyWith } from '../replies.js'
import { makeResource, startWalk } from '../resources.js'
import { collectionOf, type Resource } from '../store.js'

/** Services that a list shows before anybody asked for them. */
const LISTED = ['cloud.stackit.object-storage', 'cloud.stackit.postgres-flex', 'cloud.stackit.ske']

/** Every service is there, switched off in the beginning. */
function serviceAt(api: Api, call: Call, below: string, id: string): Resource {
  const found = api.store.get(`${below}/${encodeURIComponent(id)}`)
  if (found !== undefined) return found
  const sent = { serviceId: id, state: 'DISABLED' }
  return makeResource(api, { kind: call.plan.kind, below, given: call.given, sent, key: id })
}

function own(call: Call): Resource {
  return serviceAt(call.api, call, collectionOf(call.path), call.given['serviceId'] ?? '')
}

function turn(through: string, to: string, failed: string): (call: Call) => Reply {
  return (call) => {
    startWalk(call, own(call), { through, to, failed }, { field: 'state' })
    return replyWith(call, undefined)
  }
}

const get = (call: Call): Reply => replyWith(call, own(call))
const list = (call: Call): Reply => {
  for (const id of LISTED) serviceAt(call.api, call, call.path, id)
  return listReply(call, call.path)
}
const enable = turn('ENABLING', 'ENABLED', 'DISABLED')
const disable = turn('DISABLING', 'DISABLED', 'ENABLED')

export const serviceEnablement: Behaviour = {
  operations: {
    GetServiceStatusRegional: get,
    GetServiceStatus: get,
    ListServiceStatusRegional: list,
    ListServiceStatus: list,
    EnableServiceRegional: enable,
    EnableService: enable,
    DisableServiceRegional: disable,
    DisableService: disable,
  },
}
