import { createHmac } from 'node:crypto'
import { makeFrom, parentOf, usual } from '../acts.js'
import type { Behaviour, Call } from '../call.js'
import { StackitFailure } from '../failures.js'
import type { Reply } from '../reply.js'
import { replyWith } from '../replies.js'
import { segments, startWalk } from '../resources.js'
import { isFields } from '../schemas.js'
import type { Resource } from '../store.js'

// Keys and their versions. Nothing is secret here: what is encrypted is marked, and comes back as it was.

function needParent(call: Call): Resource {
  const parent = parentOf(call)
  if (parent === undefined) throw new StackitFailure(404, 'The key was not found')
  return parent
}

function addVersion(call: Call, key: Resource): Resource {
  const below = `${key.path}/versions`
  const kind = call.api.model.kindAt([...segments(below), 'x'])
  if (kind === undefined) throw new Error('Keys have no versions')
  const version = makeFrom(call, {}, { kind, below, isStill: true })
  version.fields = { ...version.fields, keyId: key.key, keyRingId: key.given['keyRingId'], disabled: false }
  startWalk(
    call,
    version,
    { through: 'creating', to: 'active', failed: 'key_material_invalid' },
    { field: 'state' },
  )
  return version
}

function create(call: Call): Reply {
  const key = makeFrom(call, call.body)
  if (key.fields['importOnly'] === true) {
    startWalk(
      call,
      key,
      { through: 'creating', to: 'no_version', failed: 'errors_exist' },
      { field: 'state' },
    )
  } else {
    addVersion(call, key)
  }
  return replyWith(call, key, { isNew: true })
}

function renew(call: Call): Reply {
  const key = needParent(call)
  const version = addVersion(call, key)
  key.fields['state'] = 'active'
  return replyWith(call, version, { isNew: true })
}

function turn(to: string, isDisabled: boolean): (call: Call) => Reply {
  return (call) => {
    const version = needParent(call)
    startWalk(
      call,
      version,
      { ...(isDisabled ? {} : { through: 'creating' }), to, failed: 'key_material_invalid' },
      {
        field: 'state',
        done() {
          version.fields['disabled'] = isDisabled
        },
      },
    )
    return { status: 204 }
  }
}

function dataOf(call: Call, name = 'data'): Buffer {
  const sent = isFields(call.body) ? call.body[name] : undefined
  return Buffer.from(String(sent), 'base64')
}

function markOf(version: Resource): Buffer {
  return Buffer.from(`kms ${version.path} `)
}

function usable(call: Call): Resource {
  const version = needParent(call)
  const state = String(version.fields['state'])
  if (state !== 'active') throw new StackitFailure(409, `The version is ${state}`)
  return version
}

function signatureOf(version: Resource, data: Buffer): string {
  return createHmac('sha256', version.path).update(data).digest('base64')
}

export const kms: Behaviour = {
  hints: { made: ['/versions/{}'] },
  operations: {
    CreateKey: create,
    RotateKey: renew,
    ImportKey: renew,
    RestoreKey(call) {
      needParent(call).stop?.()
      return { status: 204 }
    },
    EnableVersion: turn('active', false),
    DisableVersion: turn('disabled', true),
    RestoreVersion: turn('active', false),
    DestroyVersion: turn('destroyed', true),
    Encrypt(call) {
      const data = Buffer.concat([markOf(usable(call)), dataOf(call)]).toString('base64')
      return { status: 200, body: { data } }
    },
    Decrypt(call) {
      const mark = markOf(usable(call))
      const data = dataOf(call)
      if (!data.subarray(0, mark.length).equals(mark))
        throw new StackitFailure(400, 'This was not encrypted with this version')
      return { status: 200, body: { data: data.subarray(mark.length).toString('base64') } }
    },
    Sign(call) {
      const data = dataOf(call)
      return {
        status: 200,
        body: { data: data.toString('base64'), signature: signatureOf(usable(call), data) },
      }
    },
    Verify(call) {
      const valid = signatureOf(usable(call), dataOf(call)) === dataOf(call, 'signature').toString('base64')
      return { status: 200, body: { valid } }
    },
    DeleteKeyRing(call) {
      if (call.api.store.list(`${call.path}/keys`).length > 0)
        throw new StackitFailure(409, 'There are keys in the key ring')
      return usual(call)
    },
  },
}
