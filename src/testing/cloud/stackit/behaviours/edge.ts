import { parentOf, usual } from '../acts.js'
import type { Api, Behaviour, Call } from '../call.js'
import { StackitFailure } from '../failures.js'
import type { Reply } from '../reply.js'
import { isFields } from '../schemas.js'

// Instances have two paths, by id and by name; credentials come after they are active (stackit dossier 7.2).

function locate(api: Api, path: string): string {
  const [, before = '', name = '', rest = ''] = /^(.*\/instances)\/([^/]+)(.*)$/.exec(path) ?? []
  if (name === '' || api.store.get(`${before}/${name}`) !== undefined) return path
  const wanted = decodeURIComponent(name)
  const found = api.store.list(before).find(({ fields }) => fields['displayName'] === wanted)
  return found === undefined ? path : `${found.path}${rest}`
}

/** Names stand for ids, so there is one of each. */
function create(call: Call): Reply {
  const name = isFields(call.body) ? call.body['displayName'] : undefined
  if (call.api.store.list(call.path).some(({ fields }) => fields['displayName'] === name))
    throw new StackitFailure(409, `The instance ${String(name)} exists already`)
  return usual(call)
}

function credential(call: Call): Reply {
  const instance = parentOf(call)
  if (instance?.fields['status'] !== 'active') throw new StackitFailure(404, 'There are no credentials yet')
  return usual(call)
}

export const edge: Behaviour = {
  hints: { segments: { instancesbyname: 'instances' } },
  locate,
  operations: {
    CreateInstance: create,
    'get-kubeconfig-by-instance-id': credential,
    'get-kubeconfig-by-instance-name': credential,
    'get-token-by-instance-id': credential,
    'get-token-by-instance-name': credential,
  },
}
