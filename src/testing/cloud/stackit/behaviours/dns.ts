import { makeFrom, parentOf, usual } from '../acts.js'
import type { Api, Behaviour, Call } from '../call.js'
import { StackitFailure } from '../failures.js'
import type { Lifecycle } from '../lifecycles.js'
import type { Reply } from '../reply.js'
import { replyWith } from '../replies.js'
import { changeResource, findResource, startUsualWalk, startWalk } from '../resources.js'
import { isFields, type Fields } from '../schemas.js'
import { collectionOf, type Resource } from '../store.js'

// Zones and record sets. What is deleted stays to be seen, as DELETE_SUCCEEDED (stackit dossier 7.2).

const WALKS: Lifecycle = {
  field: 'state',
  create: { through: 'CREATING', to: 'CREATE_SUCCEEDED', failed: 'CREATE_FAILED' },
  update: { through: 'UPDATING', to: 'UPDATE_SUCCEEDED', failed: 'UPDATE_FAILED' },
  remove: { through: 'DELETING', to: 'DELETE_SUCCEEDED', failed: 'DELETE_FAILED' },
}

function made({ api }: Call, resource: Resource): void {
  const now = new Date(api.world.wallNow()).toISOString()
  const { fields } = resource
  fields['active'] = true
  for (const name of ['creationStarted', 'creationFinished', 'updateStarted', 'updateFinished'])
    fields[name] = now
  if (resource.path.includes('/rrsets/')) {
    fields['records'] = withIds(api, fields['records'], [])
    fields['ttl'] ??= 3600
  } else {
    fields['recordCount'] = 0
    fields['type'] ??= 'primary'
    fields['visibility'] = 'public'
  }
}

function withIds({ world }: Api, records: unknown, before: readonly Fields[]): readonly Fields[] {
  const sent = (Array.isArray(records) ? records : []) as unknown[]
  return sent.filter(isFields).map((record) => ({
    ...record,
    id: before.find(({ content }) => content === record['content'])?.['id'] ?? world.chance.uuid(),
  }))
}

function recordsOf(set: Resource): readonly Fields[] {
  const { records } = set.fields
  return Array.isArray(records) ? (records as Fields[]) : []
}

function createSet(call: Call): Reply {
  const sent = isFields(call.body) ? call.body : {}
  const { records } = sent
  if (!Array.isArray(records) || records.length === 0)
    throw new StackitFailure(400, 'body.records must have 1 items or more')
  const reply = usual(call)
  const zone = parentOf(call)
  if (zone !== undefined) zone.fields['recordCount'] = call.api.store.list(call.path).length
  return reply
}

function updateSet(call: Call): Reply {
  const { api, body, path } = call
  const set = findResource(api, path)
  const before = recordsOf(set)
  changeResource(api, set, body, true)
  set.fields['records'] = withIds(api, set.fields['records'], before)
  startUsualWalk(call, set, 'update')
  return replyWith(call, undefined)
}

function updateRecords(call: Call): Reply {
  const { api, body } = call
  const set = parentOf(call)
  if (set === undefined || !isFields(body)) throw new StackitFailure(400, 'The body is not an object')
  const before = recordsOf(set)
  const sent = withIds(api, body['records'], before)
  const contents = sent.map(({ content }) => content)
  const others = before.filter(({ content }) => !contents.includes(content))
  set.fields['records'] = body['action'] === 'add' ? [...others, ...sent] : others
  startUsualWalk(call, set, 'update')
  return replyWith(call, undefined)
}

function remove(call: Call): Reply {
  const resource = findResource(call.api, call.path)
  if (resource.fields['state'] === 'DELETE_SUCCEEDED') throw new StackitFailure(400, 'It is deleted already')
  startUsualWalk(call, resource, 'remove', {
    done() {
      resource.fields['active'] = false
    },
  })
  return replyWith(call, undefined)
}

function restore(call: Call): Reply {
  const resource = parentOf(call)
  if (resource?.fields['state'] !== 'DELETE_SUCCEEDED') throw new StackitFailure(400, 'It is not deleted')
  resource.fields['active'] = true
  startWalk(call, resource, { through: 'CREATING', to: 'CREATE_SUCCEEDED', failed: 'CREATE_FAILED' })
  return replyWith(call, undefined)
}

/** A new zone with the record sets of the old one. */
function clone(call: Call): Reply {
  const { api, body } = call
  const zone = parentOf(call)
  if (zone === undefined) throw new StackitFailure(404, 'The zone was not found')
  const { id: _id, ...rest } = zone.fields
  const copy = makeFrom(
    call,
    { ...rest, ...(isFields(body) ? body : {}) },
    { kind: zone.kind, below: collectionOf(zone.path) },
  )
  for (const set of api.store.list(`${zone.path}/rrsets`)) {
    const { id: _old, ...fields } = set.fields
    const state = 'CREATE_SUCCEEDED'
    makeFrom(call, { ...fields, state }, { kind: set.kind, below: `${copy.path}/rrsets`, isStill: true })
  }
  return replyWith(call, copy, { isNew: true })
}

export const dns: Behaviour = {
  lifecycles: { '/zones/{}': WALKS, '/rrsets/{}': WALKS },
  made(call, resource) {
    if (/\/(zones|rrsets)\/[^/]+$/.test(resource.path)) made(call, resource)
  },
  operations: {
    CreateRecordSet: createSet,
    PartialUpdateRecordSet: updateSet,
    PartialUpdateRecord: updateRecords,
    DeleteZone: remove,
    DeleteRecordSet: remove,
    RestoreZone: restore,
    RestoreRecordSet: restore,
    CloneZone: clone,
  },
}
