import type { IncomingMessage, ServerResponse } from 'node:http'
import { serveHttp, type Loopback } from '../../http/loopback.js'

export const USER = { id: 'u1', name: 'ada', domain: { id: 'default', name: 'Default' } }

/** One request, with the headers that matter here. */
export interface Seen {
  readonly line: string
  readonly token: string | undefined
  readonly subject: string | undefined
}

/** Keystone under `/identity/v3`, TempAuth at `/auth/v1.0`, and an object store under `/v1`, all at one port. */
export interface OpenstackServer extends Loopback {
  readonly requests: readonly Seen[]
  /** Ends every token that was given so far. */
  forget(): void
  /** The next so many answers about a token say that it is not known. */
  mislay(times: number): void
  readonly keystone: string
  readonly tempAuth: string
}

/** `regions` of the object store; with `links` its endpoints are told as `http://127.0.0.1:PORT/<region>/v1/AUTH_p1`. */
export async function serveOpenstack(regions: readonly string[] = ['R1']): Promise<OpenstackServer> {
  const requests: Seen[] = []
  const alive = new Set<string>()
  let issued = 0
  let mislaid = 0
  let origin = ''

  const issue = (): string => {
    const token = `token-${String(++issued)}`
    alive.add(token)
    return token
  }
  const session = () => ({
    token: {
      methods: ['password'],
      user: USER,
      project: { id: 'p1', name: 'demo', domain: USER.domain },
      roles: [{ id: 'r1', name: 'member' }],
      issued_at: new Date().toISOString(),
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
      catalog: catalogOf(origin, regions),
    },
  })
  const keystone = (request: IncomingMessage, response: ServerResponse): void => {
    const line = `${request.method ?? ''} ${request.url ?? ''}`
    if (line === 'POST /identity/v3/auth/tokens') {
      reply(response, 201, session(), { 'x-subject-token': issue() })
      return
    }
    if (!alive.has(tokenOf(request) ?? '')) {
      reply(response, 401, {
        error: { code: 401, message: 'This needs authentication.', title: 'Unauthorized' },
      })
      return
    }
    const subject = String(request.headers['x-subject-token'])
    switch (line) {
      case 'GET /identity/v3/auth/catalog':
        reply(response, 200, { catalog: catalogOf(origin, regions), links: {} })
        return
      case 'GET /identity/v3/auth/tokens':
        if (mislaid > 0 || !alive.has(subject)) {
          mislaid--
          reply(response, 404, {
            error: { code: 404, message: 'Failed to validate token', title: 'Not Found' },
          })
          return
        }
        reply(response, 200, session())
        return
      case 'DELETE /identity/v3/auth/tokens':
        alive.delete(subject)
        response.writeHead(204).end()
        return
      default:
        reply(response, 404, {})
    }
  }
  const tempAuth = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.headers['x-auth-key'] !== 'testing') {
      response.writeHead(401, { 'content-type': 'text/html' }).end('<html><h1>Unauthorized</h1></html>')
      return
    }
    const token = [...alive][0] ?? issue()
    response
      .writeHead(200, {
        'x-auth-token': token,
        'x-storage-url': `${origin}/v1/AUTH_test`,
        'x-auth-token-expires': '86399',
      })
      .end()
  }
  const server = await serveHttp((request, response) => {
    const { url = '' } = request
    requests.push({
      line: `${request.method ?? ''} ${url}`,
      token: tokenOf(request),
      subject: request.headers['x-subject-token'] as string | undefined,
    })
    if (url.startsWith('/identity/')) keystone(request, response)
    else if (url === '/auth/v1.0') tempAuth(request, response)
    else if (alive.has(tokenOf(request) ?? '')) response.writeHead(204).end()
    else response.writeHead(401).end()
  })
  origin = server.origin
  return {
    ...server,
    requests,
    forget: () => {
      alive.clear()
    },
    mislay: (times) => {
      mislaid = times
    },
    keystone: `${origin}/identity`,
    tempAuth: `${origin}/auth/v1.0`,
  }
}

/** The public endpoint of the only region is `/v1/AUTH_p1`, those of several are below their names. */
function catalogOf(origin: string, regions: readonly string[]) {
  const endpoint = (kind: string, region: string) => ({
    id: `${kind}-${region}`,
    interface: kind,
    region,
    region_id: region,
    url: `${origin}${regions.length === 1 ? '' : `/${region}`}${kind === 'public' ? '' : `/${kind}`}/v1/AUTH_p1`,
  })
  return [
    {
      id: 's1',
      type: 'object-store',
      name: 'swift',
      endpoints: regions.flatMap((region) => [endpoint('internal', region), endpoint('public', region)]),
    },
    { id: 's2', type: 'identity', name: 'keystone', endpoints: [] },
  ]
}

function tokenOf(request: IncomingMessage): string | undefined {
  return request.headers['x-auth-token'] as string | undefined
}

function reply(response: ServerResponse, status: number, body: object, headers: object = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
