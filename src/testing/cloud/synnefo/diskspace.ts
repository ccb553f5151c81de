import type { Diskspace } from './pithos/diskspace.js'
import { Failure } from './pithos/failure.js'
import type { Quotas } from './quotas.js'

const RESOURCE = 'pithos.diskspace'

/** Space in the object store as Astakos grants it; its refusals are passed on as faults (pithos dossier 7.2). */
export function createDiskspace(quotas: Quotas): Diskspace {
  return {
    limits: (userId) =>
      new Map(quotas.projectsOf(userId).map(({ id, memberLimits }) => [id, memberLimits[RESOURCE]])),
    check(userId, projectId, bytes) {
      const project = quotas.projectsOf(userId).find(({ id }) => id === projectId)
      const provision = {
        holder: `user:${userId}`,
        source: `project:${projectId}`,
        resource: RESOURCE,
        quantity: bytes,
      }
      if (project === undefined) {
        // unverified: what the object store says of a project that the user is not in.
        throw refusal(404, 'NOT FOUND', 'itemNotFound', 'There is no such holding', { provision })
      }
      const room = quotas.room(userId, projectId, RESOURCE)
      if (bytes <= room) return
      const limit = project.memberLimits[RESOURCE]
      throw refusal(413, 'REQUEST ENTITY TOO LARGE', 'overLimit', 'The quota does not suffice', {
        name: 'NoCapacityError',
        limit,
        usage: limit - room,
        provision,
      })
    },
    use(userId, projectId, bytes) {
      quotas.occupy(userId, projectId, RESOURCE, bytes)
    },
  }
}

/** The identity service's answer (synnefo dossier 5.4) inside the fault that the object store makes of it. */
function refusal(
  code: number,
  reason: string,
  name: string,
  message: string,
  data: Readonly<Record<string, unknown>>,
): Failure {
  return new Failure(code, 'fault', reason, { details: JSON.stringify({ [name]: { code, message, data } }) })
}
