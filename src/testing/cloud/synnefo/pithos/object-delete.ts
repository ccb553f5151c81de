import { notFound } from './failure.js'
import type { ObjectPlace } from './object-read.js'
import { reply } from './reply.js'
import { untilOf, type Request } from './request.js'
import { ownContainer } from './sharing.js'
import { deleteObject, latest, purge, type State } from './state.js'

/** Deletes an object, with all below it (`delimiter`), or its history (`until`); only the owner may. */
export function removeObject(state: State, request: Request, place: ObjectPlace): void {
  const { user, query, exchange } = request
  const container = ownContainer(state, user.id, place.account, place.container)
  const object = container.objects.get(place.object)
  const until = untilOf(request)
  if (!object) throw notFound('Object does not exist')
  if (until !== undefined) {
    purge(object, until)
  } else {
    if (!latest(object)) throw notFound('Object does not exist')
    deleteObject(state, object, user.id)
    const delimiter = query.get('delimiter')
    if (delimiter !== null && delimiter !== '') {
      const prefix = place.object.endsWith(delimiter) ? place.object : `${place.object}${delimiter}`
      for (const below of container.objects.values()) {
        if (below.name.startsWith(prefix)) deleteObject(state, below, user.id)
      }
    }
  }
  reply(exchange, 204)
}
