import type { Exchange } from '../../service.js'
import { notAllowed, notFound } from './failure.js'
import { publicHeaders } from './object-description.js'
import { checkConditions, sendContent } from './object-read.js'
import { viewObject } from './object-view.js'
import { reply } from './reply.js'
import { parseHeaders } from './request.js'
import type { State } from './state.js'

/** Reads of published objects; they need no token and show nothing of the store (pithos dossier 7.4). */
export function servePublicObject(state: State, exchange: Exchange): void {
  if (exchange.method !== 'GET' && exchange.method !== 'HEAD') throw notAllowed('GET,HEAD')
  const headers = parseHeaders(exchange)
  const place = state.published.get(exchange.path.slice(state.publicPrefix.length + 1))
  if (!place) throw notFound('Object does not exist')
  const view = viewObject(state, place.container, place.name, null, place.container.account.id)
  checkConditions(headers, view)
  const description = publicHeaders(view)
  if (exchange.method === 'HEAD') reply(exchange, 200, description)
  else sendContent(state, { exchange, headers, query: exchange.query }, view, description)
}
