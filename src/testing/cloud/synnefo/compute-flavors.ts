import type { Exchange, User } from '../service.js'
import { badRequest, itemNotFound } from './answers.js'
import type { Flavor } from './seeds.js'
import { readFlavor } from './server-order.js'
import type { SynnefoState } from './state.js'
import { fullFlavor, shortFlavor } from './views.js'
import type { UserRoutes } from './user-routes.js'

/** Flavors (synnefo dossier 7). */
export function routeFlavors(routes: UserRoutes, state: SynnefoState): void {
  const list =
    (view: (exchange: Exchange, flavor: Flavor) => unknown) =>
    (exchange: Exchange, user: User): void => {
      const flavors = visibleFlavors(state, user, exchange.query)
      exchange.json(200, { flavors: flavors.map((flavor) => view(exchange, flavor)) })
    }
  routes.collection('GET', '/flavors', list(shortFlavor))
  routes.collection('GET', '/flavors/detail', list(fullFlavor))
  routes.item('GET', '/flavors/:flavorId', (exchange, user, params) => {
    exchange.json(200, { flavor: fullFlavor(exchange, flavorFor(state, user, params['flavorId'])) })
  })
  routes.item('GET', '/flavors/:flavorId/os-extra_specs', (exchange, user, params) => {
    flavorFor(state, user, params['flavorId'])
    exchange.json(200, { extra_specs: {} })
  })
}

function visibleFlavors(state: SynnefoState, user: User, query: URLSearchParams): readonly Flavor[] {
  const projects = state.quotas.projectsOf(user.id).map(({ id }) => id)
  const isPublic = query.get('SNF:is_public')?.toLowerCase()
  const project = query.get('SNF:flavor-access')
  if (project !== null && !projects.includes(project)) return []
  return state.flavors.filter(
    (flavor) =>
      (flavor.isPublic || flavor.access.some((id) => projects.includes(id))) &&
      (isPublic === undefined || flavor.isPublic === (isPublic === 'true')) &&
      (project === null || flavor.access.includes(project)),
  )
}

function flavorFor(state: SynnefoState, user: User, id = ''): Flavor {
  if (!/^\d+$/.test(id)) throw badRequest('Invalid flavor ID.')
  const flavor = state.flavors.find((candidate) => String(candidate.id) === id)
  if (flavor === undefined) throw itemNotFound('Flavor not found.')
  const project = state.quotas.projectsOf(user.id).find((member) => flavor.access.includes(member.id))
  return readFlavor(state, id, project?.id ?? user.id)
}
