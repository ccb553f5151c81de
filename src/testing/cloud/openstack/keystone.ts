import type { OutgoingHttpHeaders } from 'node:http'
import type { Chance } from '../chance.js'
import type { Exchange, Service } from '../service.js'
import type { Catalogue } from './catalogue.js'
import { fieldsOf, type Directory } from './keystone-directory.js'
import { badRequest, errorBody, KeystoneFailure, unauthorized } from './keystone-failure.js'
import { deadToken, describeToken, type KeystoneToken, type KeystoneTokens } from './keystone-tokens.js'
import { pythonJson } from './swift/python-json.js'
import type { Principal } from './swift/state.js'

export interface Keystone extends Service {
  readonly principalOf: (token: string) => Principal | undefined
  /** `GET /`: which versions there are. */
  readonly discover: (exchange: Exchange) => void
}

type Handler = (exchange: Exchange) => void | Promise<void>

const NOTHING_HERE =
  '<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was ' +
  'not found on the server. If you entered the URL manually please check your spelling and try again.</p>\n'

/** The identity service, version 3. */
export function createKeystone(options: {
  readonly directory: Directory
  readonly tokens: KeystoneTokens
  readonly catalogue: Catalogue
  readonly chance: Chance
}): Keystone {
  const { directory, tokens, catalogue, chance } = options
  const send = (exchange: Exchange, status: number, type: string, text: string, more = {}): void => {
    exchange.send(
      status,
      {
        'Content-Type': type,
        ...(status === 204 ? {} : { 'Content-Length': Buffer.byteLength(text) }),
        Vary: 'X-Auth-Token',
        'x-openstack-request-id': `req-${chance.uuid()}`,
        ...more,
      },
      text,
    )
  }
  const json = (exchange: Exchange, status: number, value: unknown, more: OutgoingHttpHeaders = {}): void => {
    send(exchange, status, 'application/json', pythonJson(value), more)
  }
  const version = (exchange: Exchange): unknown => ({
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    links: [{ rel: 'self', href: `${exchange.origin}/v3/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
  })
  const authorized = (exchange: Exchange): KeystoneToken => {
    const token = tokens.find(headerOf(exchange, 'x-auth-token') ?? '')
    if (token === undefined) throw unauthorized()
    return token
  }
  const subject = (exchange: Exchange): { id: string; token: KeystoneToken } => {
    authorized(exchange)
    const id = headerOf(exchange, 'x-subject-token')
    if (id === undefined) throw new KeystoneFailure(404, 'No token in the request')
    const token = tokens.find(id)
    if (token === undefined) throw deadToken(id)
    return { id, token }
  }
  const sendToken = (exchange: Exchange, status: number, id: string, token: KeystoneToken): void => {
    const shown = exchange.query.has('nocatalog') ? undefined : catalogue
    const body = { token: describeToken(token, directory, shown, exchange.origin) }
    json(exchange, status, body, { 'X-Subject-Token': id })
  }
  const validate: Handler = (exchange) => {
    const { id, token } = subject(exchange)
    sendToken(exchange, 200, id, token)
  }
  const listed = (exchange: Exchange, name: string): Record<string, unknown> => ({
    self: `${exchange.origin}/v3/auth/${name}`,
  })

  const paths: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
    '/v3': {
      GET: (exchange) => {
        json(exchange, 200, { version: version(exchange) })
      },
    },
    '/v3/auth/tokens': {
      GET: validate,
      HEAD: validate,
      DELETE(exchange) {
        tokens.revoke(subject(exchange).id)
        send(exchange, 204, 'application/json', '')
      },
      async POST(exchange) {
        const { id, token } = tokens.issue(await readAuth(exchange))
        sendToken(exchange, 201, id, token)
      },
    },
    '/v3/auth/catalog': {
      GET(exchange) {
        const { project } = authorized(exchange)
        if (project === undefined) {
          throw new KeystoneFailure(403, 'You are not authorized to perform the requested action.')
        }
        const catalog = catalogue(exchange.origin, project.id)
        json(exchange, 200, { catalog, links: listed(exchange, 'catalog') })
      },
    },
    '/v3/auth/projects': {
      GET(exchange) {
        authorized(exchange)
        const projects = directory.projects.map(({ id, name }) => ({
          id,
          name,
          domain_id: directory.domain.id,
          description: '',
          enabled: true,
          parent_id: directory.domain.id,
          is_domain: false,
          tags: [],
          options: {},
          links: { self: `${exchange.origin}/v3/projects/${id}` },
        }))
        const links = { next: null, ...listed(exchange, 'projects'), previous: null }
        json(exchange, 200, { projects, links })
      },
    },
  }

  return {
    prefix: '/v3',
    async handle(exchange) {
      const handlers = paths[exchange.path.replace(/\/$/, '')]
      if (handlers === undefined) {
        send(exchange, 404, 'text/html; charset=utf-8', NOTHING_HERE)
        return
      }
      const handler = handlers[exchange.method]
      if (handler === undefined) {
        const allow = { Allow: [...Object.keys(handlers), 'OPTIONS'].join(', ') }
        json(exchange, 405, { message: 'The method is not allowed for the requested URL.' }, allow)
        return
      }
      try {
        await handler(exchange)
      } catch (error) {
        if (!(error instanceof KeystoneFailure)) throw error
        const challenge = { 'WWW-Authenticate': `Keystone uri="${exchange.origin}/v3"` }
        const more = error.status === 401 ? challenge : {}
        send(exchange, error.status, 'application/json', errorBody(error), more)
      }
    },
    discover(exchange) {
      const headers = { Location: `${exchange.origin}/v3/` }
      json(exchange, 300, { versions: { values: [version(exchange)] } }, headers)
    },
    principalOf(id) {
      const token = tokens.find(id)
      if (token === undefined) return undefined
      const { project } = token
      if (project === undefined) return { matches: () => false }
      const entries = [
        `${project.id}:${directory.user.id}`,
        `${project.id}:*`,
        `*:${directory.user.id}`,
        '*:*',
      ]
      return { owns: `AUTH_${project.id}`, matches: (entry) => entries.includes(entry) }
    },
  }
}

async function readAuth(exchange: Exchange): Promise<Record<string, unknown>> {
  const type = headerOf(exchange, 'content-type')?.split(';', 1).join('')
  const text = (await exchange.body()).toString()
  if (type !== 'application/json') throw badRequest('application/json in Content-Type header')
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw badRequest('valid JSON in request body')
  }
  const auth = fieldsOf(fieldsOf(body)?.['auth'])
  if (auth === undefined) throw badRequest('auth in request body')
  return auth
}

function headerOf(exchange: Exchange, name: string): string | undefined {
  const value = exchange.headers[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}
