import { makeFrom } from '../acts.js'
import type { Behaviour, Call } from '../call.js'
import type { Reply } from '../reply.js'
import { replyWith } from '../replies.js'
import { findResource, makeResource } from '../resources.js'
import { isFields } from '../schemas.js'
import type { World } from '../call.js'

/** The account that is there from the beginning. */
export function seedServiceAccounts(world: World): void {
  world.onOpen('service-account', (api) => {
    for (const { id, email, projectId } of world.keys.accounts) {
      const below = `/v2/projects/${projectId}/service-accounts`
      const kind = api.model.kindAt([...below.split('/').slice(1), 'x'])
      if (kind === undefined) throw new Error('There are no service accounts')
      const sent = { id, email, projectId, internal: false }
      makeResource(api, { kind, below, given: { projectId }, sent, key: email })
    }
  })
}

function create(call: Call): Reply {
  const { chance, keys } = call.api.world
  const name = isFields(call.body) ? String(call.body['name']) : ''
  const account = {
    id: chance.uuid(),
    email: `${name}-${chance.hex(7)}@sa.stackit.cloud`,
    projectId: call.given['projectId'] ?? '',
  }
  const resource = makeFrom(call, account, { key: account.email })
  resource.fields = { ...resource.fields, ...account, internal: false }
  keys.addAccount(account)
  return replyWith(call, resource, { isNew: true })
}

function remove(call: Call): Reply {
  const resource = findResource(call.api, call.path)
  call.api.store.remove(resource.path)
  call.api.world.keys.removeAccount(resource.key)
  return replyWith(call, resource)
}

/** Lists show no tokens; the documents say so, too. */
function createToken(call: Call): Reply {
  const { world } = call.api
  const days = isFields(call.body) ? Number(call.body['ttlDays'] ?? 90) : 90
  const validUntil = new Date(world.wallNow() + days * 86_400_000).toISOString()
  const resource = makeFrom(call, { validUntil })
  resource.fields['active'] = true
  return replyWith(call, resource, { isNew: true, known: { token: world.chance.hex(64) } })
}

export const serviceAccount: Behaviour = {
  operations: {
    CreateServiceAccount: create,
    DeleteServiceAccount: remove,
    CreateAccessToken: createToken,
  },
}
