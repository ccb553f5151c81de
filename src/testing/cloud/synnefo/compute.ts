import { createRoutes, type Routes } from '../routes.js'
import type { Exchange, Service } from '../service.js'
import { answering, endpointNotFound, methodNotAllowed } from './answers.js'
import { routeFlavors } from './compute-flavors.js'
import { routeImages } from './compute-images.js'
import { routeKeyPairs } from './compute-key-pairs.js'
import { routeServers } from './compute-servers.js'
import type { SynnefoState } from './state.js'
import { createUserRoutes } from './user-routes.js'

const PREFIX = '/compute'
const VERSION = '/v2.0'

/** Cyclades' compute API (synnefo dossier 6 and 7). */
export function createCompute(state: SynnefoState): Service {
  const routes = createRoutes()
  const userRoutes = createUserRoutes(routes, state, `${PREFIX}${VERSION}`)
  routeVersions(routes)
  routeServers(userRoutes, state)
  routeFlavors(userRoutes, state)
  routeImages(userRoutes, state)
  routeKeyPairs(userRoutes, state)
  userRoutes.collection('GET', '/extensions', (exchange) => {
    exchange.json(200, { extensions: [] })
  })
  userRoutes.collection('GET', '/os-floating-ips', (exchange) => {
    exchange.json(200, { floating_ips: [] })
  })
  return {
    prefix: PREFIX,
    handle: (exchange) =>
      answering(exchange, () => {
        const found = routes.find(exchange.method, exchange.path)
        if (found.kind === 'wrong-method') throw methodNotAllowed(found.allowed)
        if (found.kind === 'nothing') throw endpointNotFound()
        return found.handler(exchange, found.params)
      }),
  }
}

function routeVersions(routes: Routes): void {
  const version = (exchange: Exchange): Readonly<Record<string, unknown>> => ({
    id: 'v2.0',
    status: 'CURRENT',
    updated: '2011-01-21T11:33:21-06:00',
    links: [{ rel: 'self', href: `${exchange.origin}${PREFIX}${VERSION}/` }],
  })
  for (const ending of ['', '/']) {
    routes.on('GET', `${PREFIX}${ending}`, (exchange) => {
      exchange.json(200, { versions: [version(exchange)] })
    })
    routes.on('GET', `${PREFIX}${VERSION}${ending}`, (exchange) => {
      exchange.json(200, {
        version: {
          ...version(exchange),
          media_types: [{ base: 'application/json', type: 'application/vnd.openstack.compute.v2+json' }],
        },
      })
    })
  }
}
