import type { Api, Behaviour, Call } from '../call.js'
import type { Reply } from '../reply.js'
import { replyWith } from '../replies.js'
import { isFields } from '../schemas.js'

// Who may do what with which resource.

interface Member {
  readonly resourceId: string
  readonly resourceType: string
  readonly subject: string
  readonly role: string
}
const members = new WeakMap<Api, readonly Member[]>()
const all = (api: Api): readonly Member[] => members.get(api) ?? []

function sent(call: Call): readonly Member[] {
  const body = isFields(call.body) ? call.body : {}
  const list = Array.isArray(body['members']) ? (body['members'] as unknown[]) : []
  return list.filter(isFields).map(({ subject, role }) => ({
    resourceId: call.given['resourceId'] ?? '',
    resourceType: String(body['resourceType']),
    subject: String(subject),
    role: String(role),
  }))
}

function isSame(left: Member, right: Member): boolean {
  return left.resourceId === right.resourceId && left.subject === right.subject && left.role === right.role
}

function change(call: Call, isAdding: boolean): Reply {
  const changed = sent(call)
  const others = all(call.api).filter((one) => !changed.some((other) => isSame(one, other)))
  members.set(call.api, isAdding ? [...others, ...changed] : others)
  const { resourceId = '' } = call.given
  const resourceType = isFields(call.body) ? call.body['resourceType'] : undefined
  const kept = all(call.api).filter((one) => one.resourceId === resourceId)
  return replyWith(call, undefined, { known: { members: kept, resourceId, resourceType } })
}

export const authorization: Behaviour = {
  operations: {
    AddMembers: (call) => change(call, true),
    RemoveMembers: (call) => change(call, false),
    ListMembers(call) {
      const { resourceId, resourceType } = call.given
      const { subject } = call.query
      const kept = all(call.api).filter(
        (one) => one.resourceId === resourceId && (subject === undefined || one.subject === subject),
      )
      return replyWith(call, undefined, { known: { members: kept, resourceId, resourceType } })
    },
    ListUserMemberships(call) {
      const { resourceId, resourceType } = call.query
      const items = all(call.api).filter(
        (one) =>
          one.subject === call.given['email'] &&
          (resourceId === undefined || one.resourceId === resourceId) &&
          (resourceType === undefined || one.resourceType === resourceType),
      )
      return replyWith(call, undefined, { known: { items } })
    },
  },
}
