import { makeFrom, parentOf, usual } from '../acts.js'
import type { Behaviour, Call } from '../call.js'
import { StackitFailure } from '../failures.js'
import type { Reply } from '../reply.js'
import { replyWith } from '../replies.js'
import { findResource, startWalk } from '../resources.js'
import { isFields } from '../schemas.js'
import { collectionOf, type Resource } from '../store.js'
import { conflict, makeIn, oneIn } from './iaas-scope.js'

// Volumes, what hangs them on servers, and what is made of them (stackit dossier 7.4).

export function release(volume: Resource): void {
  delete volume.fields['serverId']
  volume.fields['status'] = 'AVAILABLE'
}

/** The attachment is to be seen when the volume is attached. */
function attach(call: Call): Reply {
  const { api, body, given, path } = call
  const server = parentOf(call)
  const volume = oneIn(call, 'volumes', given['volumeId'])
  if (volume.fields['serverId'] !== undefined) throw conflict('The volume is attached to a server already')
  if (volume.fields['status'] !== 'AVAILABLE')
    throw conflict(`The volume is ${String(volume.fields['status'])}`)
  volume.fields['serverId'] = server?.key
  volume.fields['status'] = 'ATTACHING'
  const attachment = makeFrom(call, body, {
    key: volume.key,
    below: collectionOf(path),
    details: {
      ms: api.world.steps.appearMs,
      done() {
        volume.fields['status'] = 'ATTACHED'
      },
    },
  })
  attachment.fields = { ...attachment.fields, serverId: server?.key, volumeId: volume.key }
  return replyWith(call, attachment)
}

function detach(call: Call): Reply {
  const { api, path } = call
  const attachment = findResource(api, path)
  const volume = oneIn(call, 'volumes', attachment.key)
  volume.fields['status'] = 'DETACHING'
  startWalk(
    call,
    attachment,
    {},
    {
      vanish() {
        release(volume)
        api.store.remove(path)
      },
    },
  )
  return { status: 204 }
}

function remove(call: Call): Reply {
  const volume = findResource(call.api, call.path)
  if (volume.fields['serverId'] !== undefined) throw conflict('The volume is attached to a server')
  return usual(call)
}

function resize(call: Call): Reply {
  const volume = parentOf(call)
  const size = isFields(call.body) ? Number(call.body['size']) : NaN
  if (volume === undefined || !(size >= Number(volume.fields['size'] ?? 0)))
    throw new StackitFailure(400, 'body.size must not be below the present size')
  const to = String(volume.fields['status'])
  startWalk(
    call,
    volume,
    { through: 'RESIZING', to, failed: 'ERROR_RESIZING' },
    {
      done() {
        volume.fields['size'] = size
      },
    },
  )
  return { status: 202 }
}

/** A backup or a snapshot knows what it was made of. */
function createOf(call: Call): Reply {
  const sent = isFields(call.body) ? call.body : {}
  const source = isFields(sent['source']) ? sent['source'] : undefined
  const isSnapshot = source?.['type'] === 'snapshot'
  const origin = oneIn(call, isSnapshot ? 'snapshots' : 'volumes', source?.['id'] ?? sent['volumeId'])
  const resource = makeFrom(call, sent)
  const { size = 1, availabilityZone } = origin.fields
  delete resource.fields['snapshotId']
  resource.fields = {
    ...resource.fields,
    size,
    availabilityZone,
    volumeId: isSnapshot ? origin.fields['volumeId'] : origin.key,
    ...(isSnapshot ? { snapshotId: origin.key } : {}),
  }
  return replyWith(call, resource, { isNew: true })
}

function restore(call: Call): Reply {
  const backup = parentOf(call)
  if (backup === undefined) throw new StackitFailure(404, 'The backup was not found')
  startWalk(call, backup, { through: 'RESTORING', to: 'AVAILABLE', failed: 'ERROR' })
  return { status: 202 }
}

function toImage(call: Call): Reply {
  const { size = 1 } = parentOf(call)?.fields ?? {}
  const image = makeIn(call, 'images', { ...(isFields(call.body) ? call.body : {}), minDiskSize: size })
  startWalk(call, image, { through: 'CREATING', to: 'AVAILABLE', failed: 'ERROR' })
  return replyWith(call, image, { isNew: true })
}

export const iaasVolumes: Behaviour = {
  operations: {
    AddVolumeToServer: attach,
    RemoveVolumeFromServer: detach,
    DeleteVolume: remove,
    ResizeVolume: resize,
    CreateBackup: createOf,
    CreateSnapshot: createOf,
    RestoreBackup: restore,
    ImageFromVolume: toImage,
  },
}
