import type { Exchange, User } from '../service.js'
import {
  ApiFault,
  badRequest,
  forbidden,
  isObject,
  itemNotFound,
  malformedRequest,
  notImplemented,
  readJson,
  unexpectedError,
} from './answers.js'
import { readFlavor } from './server-order.js'
import { checkAction, checkUsable, type FirewallProfile, type Server } from './servers.js'
import type { SynnefoState } from './state.js'

interface Action {
  readonly exchange: Exchange
  readonly state: SynnefoState
  readonly user: User
  readonly server: Server
  readonly argument: unknown
}
type Perform = (action: Action) => void

const CONSOLES = ['vnc', 'vnc-ws', 'vnc-wss']

const start: Perform = ({ exchange, state, server }) => {
  checkAction(server, 'START')
  state.servers.start(server)
  exchange.send(202)
}

const stop: Perform = ({ exchange, state, server }) => {
  checkAction(server, 'STOP')
  state.servers.stop(server)
  exchange.send(202)
}

const reboot: Perform = ({ exchange, state, server, argument }) => {
  if (argument === null) throw unexpectedError()
  const type = isObject(argument) ? (argument['type'] ?? 'SOFT') : undefined
  if (type !== 'SOFT' && type !== 'HARD') throw badRequest("Invalid 'type' attribute.")
  checkAction(server, 'REBOOT')
  state.servers.reboot(server)
  exchange.send(202)
}

const resize: Perform = ({ exchange, state, server, argument }) => {
  if (!isObject(argument) || !('flavorRef' in argument)) throw malformedRequest()
  const flavor = readFlavor(state, argument['flavorRef'], server.projectId)
  checkAction(server, 'RESIZE')
  const old = server.flavor
  if (flavor.id === old.id) throw badRequest('Server already has the specified flavor.')
  if (flavor.disk !== old.disk) throw badRequest('Cannot change the size of the disk.')
  if (flavor.volumeType !== old.volumeType) throw badRequest('Cannot change the type of the volumes.')
  if (!flavor.allowCreate) throw forbidden('It is not allowed to use this flavor.')
  state.servers.resize(server, flavor)
  exchange.send(202)
}

const showConsole: Perform = ({ exchange, state, server, argument }) => {
  checkUsable(server)
  if (!isObject(argument)) throw malformedRequest()
  const { type } = argument
  if (typeof type !== 'string' || !CONSOLES.includes(type)) {
    throw badRequest('Supported types: vnc, vnc-ws, vnc-wss')
  }
  checkActive(server)
  exchange.json(200, {
    console: {
      type,
      host: 'console.example.org',
      port: 24_000 + (server.id % 1000),
      password: state.chance.hex(12),
    },
  })
}

const showConsoleUrl: Perform = ({ exchange, state, server, argument }) => {
  checkUsable(server)
  const type = isObject(argument) ? argument['type'] : undefined
  if (type !== 'novnc' && type !== 'xvpvnc') throw badRequest('Supported types: novnc, xvpvnc')
  checkActive(server)
  exchange.json(200, {
    console: {
      type,
      url: `https://console.example.org/vnc/${String(server.id)}?token=${state.chance.hex(32)}`,
    },
  })
}

const setFirewallProfile: Perform = ({ exchange, state, server, argument }) => {
  checkUsable(server)
  if (!isObject(argument)) throw malformedRequest()
  const { profile, nic } = argument
  if (profile === undefined || profile === null) throw badRequest("Missing 'profile' attribute")
  if (!isProfile(profile)) throw badRequest('Unsupported firewall profile')
  if (typeof nic !== 'string' && typeof nic !== 'number') throw badRequest("Missing 'nic' attribute")
  const port = server.ports.find((candidate) => String(candidate.id) === String(nic))
  if (port === undefined) throw itemNotFound(`NIC '${String(nic)}' not found`)
  state.servers.setFirewall(server, port, profile)
  exchange.send(202)
}

const reassign: Perform = ({ exchange, state, user, server, argument }) => {
  checkUsable(server)
  if (!isObject(argument)) throw malformedRequest()
  const { project, shared_to_project: shared } = argument
  if (typeof project !== 'string') throw malformedRequest()
  if (shared !== undefined && typeof shared !== 'boolean') throw malformedRequest()
  if (server.userId !== user.id) throw forbidden('')
  const { id } = state.quotas.projectFor(user.id, project)
  state.servers.reassign(server, id, shared ?? server.sharedToProject)
  exchange.send(200)
}

/** There are no floating IPs before there is a network service, so none can be found. */
const floatingIp: Perform = ({ server, argument }) => {
  checkUsable(server)
  const address = isObject(argument) ? argument['address'] : undefined
  if (typeof address !== 'string') throw malformedRequest()
  throw itemNotFound(`Floating IP '${address}' not found.`)
}

const rescue: Perform = () => {
  throw new ApiFault(404, 'featureNotEnabled', 'Rescue is not enabled.')
}

const otherConsole: Perform = () => {
  throw notImplemented('Only VNC consoles are there.')
}

/** The names are known to the server, but nothing handles them (6.1, traps). */
const unhandled: Perform = () => {
  throw unexpectedError()
}

const ACTIONS: Readonly<Record<string, Perform>> = {
  start,
  'os-start': start,
  shutdown: stop,
  'os-stop': stop,
  reboot,
  resize,
  console: showConsole,
  'os-getVNCConsole': showConsoleUrl,
  'os-getSPICEConsole': otherConsole,
  'os-getRDPConsole': otherConsole,
  firewallProfile: setFirewallProfile,
  reassign,
  rescue,
  unrescue: rescue,
  addFloatingIp: floatingIp,
  removeFloatingIp: floatingIp,
  suspend: () => {
    throw forbidden('')
  },
  stop: unhandled,
  destroy: unhandled,
  delete: unhandled,
  create: unhandled,
}

/** `POST servers/{id}/action` (synnefo dossier 6.1, 6.6). */
export async function performAction(
  exchange: Exchange,
  state: SynnefoState,
  user: User,
  server: Server,
): Promise<void> {
  const request = await readJson(exchange)
  const entries = isObject(request) ? Object.entries(request) : []
  const [entry] = entries
  if (entry === undefined || entries.length !== 1) throw malformedRequest()
  const [name, argument] = entry
  const perform = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
  if (perform === undefined) throw badRequest(`Action ${name} not supported`)
  perform({ exchange, state, user, server, argument })
}

function checkActive(server: Server): void {
  if (server.status !== 'ACTIVE') throw badRequest('Server not in ACTIVE state.')
}

function isProfile(value: unknown): value is FirewallProfile {
  return value === 'ENABLED' || value === 'DISABLED' || value === 'PROTECTED'
}
