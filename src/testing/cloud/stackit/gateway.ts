import { createRoutes, type Routes } from '../routes.js'
import type { Exchange, Service } from '../service.js'
import { sendError, sendForbidden } from './answers.js'
import type { Keys } from './keys.js'
import { sendKeySet } from './service-accounts.js'
import type { Tokens } from './tokens.js'

export interface GatewayOptions {
  readonly keys: Keys
  readonly tokens: Tokens
  readonly projectIds: readonly string[]
  readonly wallNow: () => number
  readonly token: (exchange: Exchange) => Promise<void>
  /** The APIs behind the gateway. */
  readonly apis: readonly Routes[]
}

/** Services that refuse in plain text, and those that do in the shape of their other errors (stackit dossier 4.6). */
const PLAIN = ['logs', 'secrets-manager']
const DETAILED = ['authorization', 'resource-manager', 'service-account']

/** What stands before all of STACKIT: it lets nobody past without a good token for a project that exists. */
export function createGateway(options: GatewayOptions): Service {
  const { keys, tokens, wallNow } = options
  const open = createRoutes()
  for (const path of ['/token', '/service-account/token']) open.on('POST', path, options.token)
  open.on('GET', '/service-account/v2/service-accounts/public/jwk/:email', (exchange, params) => {
    sendKeySet(exchange, keys, params['email'] ?? '')
  })

  return {
    prefix: '',
    async handle(exchange) {
      const found = open.find(exchange.method, exchange.path)
      if (found.kind === 'route') return found.handler(exchange, found.params)
      if (found.kind === 'wrong-method') {
        sendError(exchange, wallNow(), 405, `Method '${exchange.method}' is not supported`)
        return
      }
      const bearer = bearerOf(exchange)
      const checked = bearer === undefined ? undefined : await tokens.check(bearer)
      if (checked?.kind !== 'good') {
        sendUnauthenticated(exchange, wallNow(), bearer !== undefined)
        return
      }
      const project = projectOf(exchange.path)
      // A project that is not there looks like one that the caller may not see.
      if (project !== undefined && !options.projectIds.includes(project)) {
        sendForbidden(exchange)
        return
      }
      let wrongMethod = false
      for (const api of options.apis) {
        const route = api.find(exchange.method, exchange.path)
        if (route.kind === 'route') return route.handler(exchange, route.params)
        wrongMethod ||= route.kind === 'wrong-method'
      }
      if (wrongMethod) sendError(exchange, wallNow(), 405, `Method '${exchange.method}' is not supported`)
      else sendError(exchange, wallNow(), 404, 'This cloud does not have this API')
    },
  }
}

export function bearerOf(exchange: Exchange): string | undefined {
  return /^bearer +(\S+)$/i.exec(exchange.headers.authorization ?? '')?.[1]
}

function sendUnauthenticated(exchange: Exchange, now: number, hasToken: boolean): void {
  const service = exchange.path.split('/')[1] ?? ''
  if (PLAIN.includes(service)) {
    const text = hasToken ? 'Jwt verification fails' : 'Jwt is missing'
    exchange.send(401, { 'Content-Type': 'text/plain' }, text)
  } else if (DETAILED.includes(service)) {
    sendError(exchange, now, 401, 'Unauthenticated token')
  } else {
    exchange.json(401, { status: 401, message: 'Unauthenticated token' })
  }
}

/** `/{service}/v2/projects/{projectId}/…`; the object storage says `project`. */
function projectOf(path: string): string | undefined {
  const segment = /^\/[^/]+\/v\d+[a-z\d]*\/projects?\/([^/]+)/.exec(path)?.[1]
  if (segment === undefined) return undefined
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
