import { createRoutes, type Routes } from '../routes.js'
import type { Exchange, Service } from '../service.js'
import { sendError, sendForbidden } from './answers.js'
import type { Keys } from './keys.js'
import { sendKeySet } from './service-accounts.js'
import type { Projects } from './projects.js'
import type { Tokens } from './tokens.js'
import type { Services } from './world.js'

export interface GatewayOptions {
  readonly keys: Keys
  readonly tokens: Tokens
  readonly services: Services
  readonly traceId: () => string
  readonly wallNow: () => number
  readonly token: (exchange: Exchange) => Promise<void>
  /** APIs that go before those of the documents. */
  readonly apis: readonly Routes[]
  /** Where images are sent to: nobody needs a token there. */
  readonly uploads: Routes
}

/** Services that refuse in plain text, and those that do in the shape of their other errors (stackit dossier 4.6). */
const PLAIN = ['logs', 'secrets-manager']
const DETAILED = ['authorization', 'resource-manager', 'service-account']

/** What stands before all of STACKIT: it lets nobody past without a good token for a project that exists. */
export function createGateway(options: GatewayOptions): Service {
  const { keys, tokens, wallNow, services } = options
  const open = createRoutes()
  for (const path of ['/token', '/service-account/token']) open.on('POST', path, options.token)
  open.on('GET', '/service-account/v2/service-accounts/public/jwk/:email', (exchange, params) => {
    sendKeySet(exchange, keys, params['email'] ?? '')
  })

  return {
    prefix: '',
    async handle(exchange) {
      const upload = options.uploads.find(exchange.method, exchange.path)
      if (upload.kind === 'route') return upload.handler(exchange, upload.params)
      const free = open.find(exchange.method, exchange.path)
      if (free.kind === 'route') return free.handler(exchange, free.params)
      if (free.kind === 'wrong-method') {
        sendError(exchange, wallNow(), 405, `Method '${exchange.method}' is not supported`)
        return
      }
      const found = services.find(exchange.method, exchange.path)
      if (found?.open === true) return found.answer(exchange, options.traceId())
      const bearer = bearerOf(exchange)
      const checked = bearer === undefined ? undefined : await tokens.check(bearer)
      if (checked?.kind !== 'good') {
        sendUnauthenticated(exchange, wallNow(), bearer !== undefined)
        return
      }
      // What is not there looks like what the caller may not see.
      if (!mayEnter(exchange.path, found?.given ?? {}, services.world.projects)) {
        sendForbidden(exchange)
        return
      }
      let isWrongMethod = false
      for (const api of options.apis) {
        const route = api.find(exchange.method, exchange.path)
        if (route.kind === 'route') return route.handler(exchange, route.params)
        isWrongMethod ||= route.kind === 'wrong-method'
      }
      if (found !== undefined) return found.answer(exchange, options.traceId())
      if (isWrongMethod || services.methods(exchange.path).length > 0)
        sendError(exchange, wallNow(), 405, `Method '${exchange.method}' is not supported`)
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

/** Whether the project, organization and folder of a path are there. */
function mayEnter(path: string, given: Readonly<Record<string, string>>, projects: Projects): boolean {
  const [service = '', ...rest] = path.split('/').slice(1)
  // It knows more of them than may be entered: those that are just being made.
  if (service === 'resource-manager') return true
  const [, , kind = '', name = ''] =
    /^v\d+[a-z\d]*(\/consumers|\/vendors)?\/(projects?|organizations|folders)\/([^/]+)/.exec(
      rest.join('/'),
    ) ?? []
  const id = decoded(name)
  if (kind === 'organizations' && !projects.has('organization', id)) return false
  if (kind === 'folders' && !projects.has('folder', id)) return false
  if (kind.startsWith('project') && !projects.has('project', id)) return false
  const { projectId } = given
  return projectId === undefined || projects.has('project', projectId)
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
