import { makeFrom, usual } from '../acts.js'
import type { Api, Behaviour, Call } from '../call.js'
import { StackitFailure } from '../failures.js'
import type { Reply } from '../reply.js'
import { replyWith } from '../replies.js'
import { findResource } from '../resources.js'
import { isFields, textOf } from '../schemas.js'
import { collectionOf, type Resource } from '../store.js'

// Buckets, access keys and their groups. A bucket is there at once, and gone a moment after its deletion (stackit dossier 7.2).

function scopeOf(path: string): string {
  return /^\/[^/]+\/project\/[^/]+(?:\/regions\/[^/]+)?/.exec(path)?.[0] ?? path
}

/** The service is switched on in the beginning. */
const disabled = new WeakMap<Api, Set<string>>()

function isDisabled(call: Call): boolean {
  return disabled.get(call.api)?.has(scopeOf(call.path)) === true
}

function setService(call: Call, isOn: boolean): Reply {
  const scopes = disabled.get(call.api) ?? new Set<string>()
  disabled.set(call.api, scopes)
  const isNew = isOn && scopes.delete(call.path)
  if (!isOn) {
    if (call.api.store.list(`${call.path}/buckets`).length > 0)
      throw new StackitFailure(409, 'There are buckets in the project')
    scopes.add(call.path)
  }
  return replyWith(call, undefined, { isNew, known: { scope: 'PUBLIC' } })
}

function status(call: Call): Reply {
  if (isDisabled(call)) throw new StackitFailure(404, 'The service is not enabled for this project')
  return replyWith(call, undefined, { known: { scope: 'PUBLIC' } })
}

function createBucket(call: Call): Reply {
  const { api, path, given, query, exchange } = call
  if (isDisabled(call)) throw new StackitFailure(404, 'The service is not enabled for this project')
  const name = given['bucketName'] ?? ''
  const region = given['region'] ?? 'eu01'
  const isTaken = api.store.below('').some((one) => one.path.endsWith(`/buckets/${encodeURIComponent(name)}`))
  if (isTaken) throw new StackitFailure(409, `The bucket ${name} exists already`)
  const fields = {
    name,
    region,
    objectLockEnabled: query['objectLockEnabled'] === true,
    urlPathStyle: `${exchange.origin}/object-storage/s3/${name}`,
    urlVirtualHostedStyle: `https://${name}.object.storage.${region}.example.org`,
  }
  makeFrom(call, fields, { key: name, below: collectionOf(path) })
  return replyWith(call, undefined, { isNew: true, known: { bucket: name } })
}

function removeBucket(call: Call): Reply {
  const { path, given } = call
  findResource(call.api, path)
  usual(call)
  return replyWith(call, undefined, { known: { bucket: given['bucketName'] } })
}

/** Keys belong to a group; without a name for it, to the one that is always there. */
function createKey(call: Call): Reply {
  const { api, body, path, query } = call
  const { chance } = api.world
  const group = query['credentials-group']
  if (group !== undefined)
    findResource(api, `${scopeOf(path)}/credentials-groups/${encodeURIComponent(textOf(group))}`)
  const accessKey = chance.hex(20).toUpperCase()
  const expires = isFields(body) ? (body['expires'] ?? null) : null
  const key = makeFrom(call, { displayName: accessKey, expires: expires ?? '', group }, { key: accessKey })
  const secret = { keyId: key.key, expires, accessKey, secretAccessKey: chance.hex(40) }
  return replyWith(call, key, { isNew: true, known: secret })
}

function retention(call: Call): Reply {
  const reply = usual(call)
  return isFields(reply.body)
    ? { ...reply, body: { ...reply.body, bucket: call.given['bucketName'] } }
    : reply
}

function made(call: Call, resource: Resource): void {
  const { credentialsGroupId } = resource.fields
  if (typeof credentialsGroupId === 'string')
    resource.fields['urn'] = `urn:sgws:identity::${call.given['projectId'] ?? ''}:group/${credentialsGroupId}`
}

export const objectStorage: Behaviour = {
  hints: {
    segments: { bucket: 'buckets', 'access-key': 'access-keys', 'credentials-group': 'credentials-groups' },
  },
  lifecycles: { '/buckets/{}': { create: { stays: true }, remove: {} } },
  made,
  operations: {
    GetServiceStatus: status,
    EnableService: (call) => setService(call, true),
    DisableService: (call) => setService(call, false),
    CreateBucket: createBucket,
    DeleteBucket: removeBucket,
    CreateAccessKey: createKey,
    GetDefaultRetention: retention,
    SetDefaultRetention: retention,
    DeleteDefaultRetention: retention,
  },
}
