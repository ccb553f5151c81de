import { createRoutes, type Routes } from '../routes.js'
import type { Exchange, Service, User } from '../service.js'
import {
  ApiFault,
  answering,
  badRequest,
  endpointNotFound,
  isObject,
  isoDate,
  itemNotFound,
  malformedRequest,
  methodNotAllowed,
  notImplemented,
  readJson,
  type JsonObject,
} from './answers.js'
import { serviceCatalogue, type CatalogueEntry } from './catalogue.js'
import { noToken, tokenOf } from './credentials.js'
import { RESOURCES } from './quotas.js'
import type { SynnefoState } from './state.js'

const unauthorized = (message: string): ApiFault => new ApiFault(401, 'unauthorized', message)

/** Astakos' token API (synnefo dossier 4). */
export function createIdentity(state: SynnefoState, catalogue: readonly CatalogueEntry[]): Service {
  const routes = createRoutes()
  const version = (exchange: Exchange): JsonObject => ({
    id: 'v2.0',
    status: 'stable',
    updated: '2013-03-06T00:00:00Z',
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v2.0+json' }],
    links: [{ rel: 'self', href: `${exchange.origin}/identity/v2.0/` }],
  })
  astakosRoute(routes, 'GET', '/identity', (exchange) => {
    exchange.json(200, { versions: { values: [version(exchange)] } })
  })
  astakosRoute(routes, 'GET', '/identity/v2.0', (exchange) => {
    exchange.json(200, { version: version(exchange) })
  })
  astakosRoute(routes, 'POST', '/identity/v2.0/tokens', async (exchange) => {
    const services = serviceCatalogue(exchange.origin, catalogue)
    // Without a Content-Length - chunked, too - this is the public form, whatever the body says.
    if (Number(exchange.headers['content-length'] ?? 0) === 0) {
      exchange.json(200, { access: { serviceCatalog: services } })
      return
    }
    const { token, user, expiresAt } = authenticate(state, await readJson(exchange))
    exchange.json(200, {
      access: {
        token: { id: token, expires: isoDate(expiresAt), tenant: { id: user.id, name: user.name } },
        user: {
          id: user.id,
          name: user.name,
          roles: [{ id: '1', name: 'default' }],
          roles_links: [],
          projects: state.quotas.projectsOf(user.id).map(({ id }) => id),
        },
        serviceCatalog: services,
      },
    })
  })
  // Only temporary OAuth2 tokens can be looked up, and nobody issues any here (4.2).
  astakosRoute(routes, 'GET', '/identity/v2.0/tokens/:tokenId', () => {
    throw itemNotFound('Invalid token')
  })
  return { prefix: '/identity', handle: (exchange) => dispatch(routes, exchange) }
}

interface Authenticated {
  readonly token: string
  readonly user: User
  readonly expiresAt: number
}

function authenticate(state: SynnefoState, request: unknown): Authenticated {
  const auth = isObject(request) ? request['auth'] : undefined
  if (!isObject(auth)) throw missingCredentials()
  const { token: tokenPart, passwordCredentials: password, tenantName } = auth
  let token: unknown
  let username: unknown
  if (isObject(tokenPart) && 'id' in tokenPart) {
    token = tokenPart['id']
  } else if (isObject(password) && 'password' in password && 'username' in password) {
    token = password['password']
    username = password['username']
  } else {
    throw missingCredentials()
  }
  if (token === null) throw badRequest('Malformed request: missing token')
  if (typeof token !== 'string') throw unauthorized('Invalid token')
  const found = state.accounts.byToken(token)
  if ('refused' in found) throw unauthorized(found.refused)
  if (username !== undefined && username !== found.user.id) throw unauthorized('Invalid credentials')
  if (tenantName !== undefined && tenantName !== null && tenantName !== found.user.id) {
    throw badRequest('Not conforming tenantName')
  }
  return { token, ...found }
}

const missingCredentials = (): ApiFault => badRequest('Malformed request: missing credentials')

/** Routes of the account API that exist in Astakos, but not here. */
const NOT_SERVED: readonly (readonly ['GET' | 'POST' | 'PUT', string])[] = [
  ['POST', '/service/user_catalogs'],
  ['GET', '/service_quotas'],
  ['GET', '/service_project_quotas'],
  ['GET', '/commissions'],
  ['POST', '/commissions'],
  ['POST', '/commissions/action'],
  ['GET', '/commissions/:serial'],
  ['POST', '/commissions/:serial/action'],
  ['POST', '/myaccount/default_project'],
  ['POST', '/feedback'],
  ['GET', '/projects'],
  ['POST', '/projects'],
  ['GET', '/projects/memberships'],
  ['POST', '/projects/memberships'],
  ['GET', '/projects/memberships/:membershipId'],
  ['POST', '/projects/memberships/:membershipId/action'],
  ['GET', '/projects/:projectId'],
  ['PUT', '/projects/:projectId'],
  ['POST', '/projects/:projectId/action'],
]

/** Astakos' account API, as far as it is here: quotas, resources, user catalogues (synnefo dossier 5). */
export function createAccount(state: SynnefoState): Service {
  const routes = createRoutes()
  const prefix = '/account/v1.0'
  const userOf = (exchange: Exchange): User => {
    const token = tokenOf(exchange)
    if (token === undefined) throw noToken()
    const found = state.accounts.byToken(token)
    if ('user' in found) return found.user
    throw unauthorized(found.refused === 'Invalid token' ? 'Invalid X-Auth-Token' : found.refused)
  }
  astakosRoute(routes, 'GET', `${prefix}/quotas`, (exchange) => {
    exchange.json(200, state.quotas.report(userOf(exchange).id))
  })
  astakosRoute(routes, 'GET', `${prefix}/resources`, (exchange) => {
    const resources = Object.entries(RESOURCES).map(([name, { unit, description }]) => [
      name,
      {
        service: `${name.slice(0, name.indexOf('.'))}_${name.startsWith('pithos') ? 'object-store' : 'compute'}`,
        description,
        unit,
        ui_visible: true,
        api_visible: true,
      },
    ])
    exchange.json(200, Object.fromEntries(resources))
  })
  astakosRoute(routes, 'POST', `${prefix}/user_catalogs`, async (exchange) => {
    userOf(exchange)
    const request = await readJson(exchange)
    if (!isObject(request)) throw malformedRequest()
    // What is unknown is left out without a word; the key has the caller's spelling (5.1).
    const ids = stringsOf(request['uuids'])
    const names = stringsOf(request['displaynames'])
    const byId = ids.flatMap((id) => {
      const user = state.accounts.byId(id)
      return user === undefined ? [] : [[id, user.name]]
    })
    const byName = names.flatMap((name) => {
      const user = state.accounts.byName(name)
      return user === undefined ? [] : [[name, user.id]]
    })
    exchange.json(200, {
      uuid_catalog: Object.fromEntries(byId) as unknown,
      displayname_catalog: Object.fromEntries(byName) as unknown,
    })
  })
  for (const [method, path] of NOT_SERVED) {
    astakosRoute(routes, method, `${prefix}${path}`, (exchange) => {
      userOf(exchange)
      throw notImplemented('This cloud does not have this part of the account API.')
    })
  }
  return { prefix: '/account', handle: (exchange) => dispatch(routes, exchange) }
}

function stringsOf(value: unknown): readonly string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) throw malformedRequest()
  return value
}

/**
 * The web login, for a browser that is always logged in: as the first user, or as the one that the parameter
 * `user` (ours) names. `renew` makes a new token and kills the old one at once (synnefo dossier 4.3).
 */
export function createWebLogin(state: SynnefoState): Service {
  const routes = createRoutes()
  astakosRoute(routes, 'GET', '/weblogin/login', (exchange) => {
    const { query } = exchange
    const next = query.get('next')
    if (next === null || !URL.canParse(next)) throw badRequest('The parameter next is missing or no URI.')
    const target = new URL(next)
    if (!['http:', 'https:'].includes(target.protocol)) {
      throw new ApiFault(403, 'forbidden', 'The scheme of the parameter next is not allowed.')
    }
    const wanted = query.get('user')
    const user = wanted === null ? state.accounts.users[0] : state.accounts.byId(wanted)
    if (user === undefined) throw new ApiFault(403, 'forbidden', 'There is no such user.')
    const token = query.has('renew') ? state.accounts.renew(user.id) : state.accounts.tokenOf(user.id)
    target.search = new URLSearchParams({ uuid: user.id, token }).toString()
    exchange.send(302, { Location: target.href })
  })
  return { prefix: '/weblogin', handle: (exchange) => dispatch(routes, exchange) }
}

/** Astakos does not mind a trailing slash (synnefo dossier 2.3). */
function astakosRoute(
  routes: Routes,
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  handler: (exchange: Exchange) => void | Promise<void>,
): void {
  routes.on(method, path, handler)
  routes.on(method, `${path}/`, handler)
}

function dispatch(routes: Routes, exchange: Exchange): Promise<void> {
  return answering(exchange, () => {
    const found = routes.find(exchange.method, exchange.path)
    if (found.kind === 'wrong-method') throw methodNotAllowed(found.allowed)
    if (found.kind === 'nothing') throw endpointNotFound()
    return found.handler(exchange, found.params)
  })
}
