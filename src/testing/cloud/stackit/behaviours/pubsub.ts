import type { Behaviour, Call } from '../call.js'
import type { Reply } from '../reply.js'
import { replyWith } from '../replies.js'
import { makeResource } from '../resources.js'
import { isFields } from '../schemas.js'

/** Who may send to a topic, and who may take from a subscription. */
function access(
  change?: (mails: readonly unknown[], sent: Readonly<Record<string, unknown>>) => readonly unknown[],
) {
  return (call: Call): Reply => {
    const { api, path, given, plan, body } = call
    const list = api.store.get(path) ?? makeResource(api, { kind: plan.kind, below: path, given })
    const { emailAddresses } = list.fields
    const mails = Array.isArray(emailAddresses) ? (emailAddresses as unknown[]) : []
    if (change !== undefined) list.fields['emailAddresses'] = change(mails, isFields(body) ? body : {})
    return replyWith(call, list)
  }
}

const list = access()
const grant = access((mails, { emailAddress }) => [
  ...mails.filter((mail) => mail !== emailAddress),
  emailAddress,
])
const replace = access((_mails, { emailAddresses }) =>
  Array.isArray(emailAddresses) ? (emailAddresses as unknown[]) : [],
)
const revoke = access(() => [])

export const pubsub: Behaviour = {
  operations: {
    'list-topic-publishers': list,
    'grant-topic-publisher-access': grant,
    'update-publisher-access': replace,
    'revoke-topic-publisher-access': revoke,
    'list-subscription-subscribers': list,
    'grant-subscription-subscriber-access': grant,
    'update-subscription-subscriber-access': replace,
    'revoke-subscription-subscriber-access': revoke,
  },
}
