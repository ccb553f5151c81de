// The server of the comparison, in a process of its own: one token, one catalogue, one server of 1,023 bytes.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SERVER_ID, TOKEN } from './target.js'

/** Bytes of the answer that every variant reads. */
const ANSWER_BYTES = 1_023

const user = { id: '7c9e6679-7425-40de-944b-e07fc1f90ae7', name: 'Bench' }
const detail = {
  id: SERVER_ID,
  name: 'bench-1',
  links: [],
  user_id: user.id,
  tenant_id: user.id,
  shared_to_project: false,
  status: 'ACTIVE',
  'SNF:task_state': '',
  progress: 100,
  hostId: '',
  created: '2026-11-21T09:41:37.834542+00:00',
  updated: '2026-11-21T09:43:02.104233+00:00',
  flavor: { id: 3, links: [] },
  image: { id: '1b4e28ba-2fa1-41d2-883f-0016d3cca427', links: [] },
  suspended: false,
  deleted: false,
  'SNF:rescue': false,
  metadata: { os: 'debian', users: 'root', notes: '' },
  tags: ['bench'],
  attachments: [],
  addresses: { '7': [{ version: 4, addr: '192.0.2.7', 'OS-EXT-IPS:type': 'floating' }] },
  volumes: [7],
  security_groups: [{ name: 'default' }],
  key_name: null,
  'SNF:key_names': [],
  config_drive: '',
  accessIPv4: '',
  accessIPv6: '',
  'SNF:fqdn': 'bench-1.vm.example.org',
  'SNF:port_forwarding': {},
}
detail.metadata.notes = '.'.repeat(ANSWER_BYTES - JSON.stringify({ server: detail }).length)
const answer = Buffer.from(JSON.stringify({ server: detail }))

function catalogue(origin: string): string {
  const service = (name: string, type: string, path: string): unknown => ({
    name,
    type,
    endpoints_links: [],
    endpoints: [{ versionId: 'v2.0', publicURL: `${origin}${path}`, region: 'default' }],
  })
  return JSON.stringify({
    access: {
      token: { id: TOKEN, expires: new Date(Date.now() + 864e5).toISOString(), tenant: user },
      user: { ...user, roles: [{ id: '1', name: 'default' }], roles_links: [], projects: [user.id] },
      serviceCatalog: [
        service('astakos_identity', 'identity', '/identity/v2.0'),
        service('cyclades_compute', 'compute', '/compute/v2.0'),
      ],
    },
  })
}

function send(response: ServerResponse, status: number, body: string | Buffer): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

const server = createServer((request, response) => {
  if (request.url === `/compute/v2.0/servers/${SERVER_ID}` && request.headers['x-auth-token'] === TOKEN) {
    send(response, 200, answer)
    return
  }
  request.resume()
  if (request.method === 'POST' && request.url === '/identity/v2.0/tokens') {
    send(response, 200, catalogue(`http://${request.headers.host ?? ''}`))
    return
  }
  send(response, 404, JSON.stringify({ itemNotFound: { code: 404, message: 'Not found', details: '' } }))
})
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.once('disconnect', () => process.exit())
