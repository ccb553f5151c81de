import { createRoutes, type Handler, type Params, type Routes } from '../routes.js'
import type { Exchange, Service, User } from '../service.js'
import { answering, endpointNotFound, methodNotAllowed, notImplemented } from './answers.js'
import { userOf } from './credentials.js'
import { routeFlavors } from './compute-flavors.js'
import { routeImages } from './compute-images.js'
import { routeKeyPairs } from './compute-key-pairs.js'
import { routeServers } from './compute-servers.js'
import type { SynnefoState } from './state.js'

const PREFIX = '/compute'
const VERSION = '/v2.0'

export type UserHandler = (exchange: Exchange, user: User, params: Params) => void | Promise<void>

/** Declares routes that only a user with a good token may call. */
export interface UserRoutes {
  /** `/servers`, `/servers/`, `/servers.json` */
  collection(method: Method, path: string, handler: UserHandler): void
  /** One item: no trailing slash (synnefo dossier 2.3). */
  item(method: Method, path: string, handler: UserHandler): void
}
type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** Cyclades' compute API (synnefo dossier 6 and 7). */
export function createCompute(state: SynnefoState): Service {
  const routes = createRoutes()
  const userRoutes = authenticated(routes, state)
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

function authenticated(routes: Routes, state: SynnefoState): UserRoutes {
  const guard =
    (handler: UserHandler): Handler =>
    (exchange, params) => {
      const user = userOf(exchange, state.accounts)
      if (asksForXml(exchange)) throw notImplemented('This cloud answers in JSON only.')
      return handler(exchange, user, params)
    }
  return {
    collection(method, path, handler) {
      for (const ending of ['', '/', '.json', '.xml']) {
        routes.on(method, `${PREFIX}${VERSION}${path}${ending}`, guard(handler))
      }
    },
    item(method, path, handler) {
      routes.on(method, `${PREFIX}${VERSION}${path}`, guard(handler))
    },
  }
}

/** Query, then suffix, then Accept (synnefo dossier 2.3). */
function asksForXml(exchange: Exchange): boolean {
  const format = exchange.query.get('format')
  if (format !== null) return format === 'xml'
  const suffix = /\.(json|xml)$/.exec(exchange.path)?.[1]
  return suffix === undefined ? exchange.headers.accept === 'application/xml' : suffix === 'xml'
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
          media_types: [
            { base: 'application/json', type: 'application/vnd.openstack.compute.v2+json' },
          ],
        },
      })
    })
  }
}
