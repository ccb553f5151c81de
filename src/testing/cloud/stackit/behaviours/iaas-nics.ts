import { usual } from '../acts.js'
import type { Api, Behaviour, Call } from '../call.js'
import type { Reply } from '../reply.js'
import { replyWith, replyWithItems } from '../replies.js'
import { findResource, segments } from '../resources.js'
import { hex } from '../samples.js'
import { isFields, textOf } from '../schemas.js'
import type { Resource } from '../store.js'
import { allIn, conflict, makeIn, oneIn, scopeOf } from './iaas-scope.js'

// Networks and what is plugged into them: interfaces belong to a network and, as `device`, to a server.

/** Of all networks of the project and region. */
export function nicsOf(call: Call): readonly Resource[] {
  return allIn(call, 'networks').flatMap(({ path }) => call.api.store.list(`${path}/nics`))
}

export function nicsOfServer(call: Call, server: Resource): readonly Resource[] {
  return nicsOf(call).filter(({ fields }) => fields['device'] === server.key)
}

export function findNic(call: Call, id: unknown): Resource {
  return nicsOf(call).find(({ key }) => key === id) ?? oneIn(call, 'nics', id)
}

/** Plugs a new interface into a network. */
export function plug(call: Call, networkId: unknown, server?: Resource): Resource {
  const network = oneIn(call, 'networks', networkId)
  const nic = makeIn(call, `${network.path}/nics`, {})
  if (server !== undefined) {
    nic.fields['device'] = server.key
    nic.fields['type'] = 'server'
  }
  return nic
}

export function unplug(api: Api, nic: Resource): void {
  delete nic.fields['device']
  nic.fields['type'] = 'none'
  for (const address of api.store.list(`${scopeOf(nic.path)}/public-ips`))
    if (address.fields['networkInterface'] === nic.key) address.fields['networkInterface'] = null
}

/** An address of its network, the same for as long as the interface is there. */
function addressIn(api: Api, network: Resource, key: string): string {
  const { ipv4 } = network.fields
  const [prefix] = isFields(ipv4) && Array.isArray(ipv4['prefixes']) ? (ipv4['prefixes'] as unknown[]) : []
  const taken = new Set(api.store.list(`${network.path}/nics`).map(({ fields }) => fields['ipv4']))
  const [first = '10.0.0'] = /^\d+\.\d+\.\d+/.exec(String(prefix)) ?? []
  const start = parseInt(hex(key, 6), 16)
  const numbers = Array.from({ length: 250 }, (_, index) => 4 + ((start + index) % 250))
  return (
    numbers.map((number) => `${first}.${String(number)}`).find((address) => !taken.has(address)) ??
    `${first}.4`
  )
}

function made(call: Call, resource: Resource): void {
  const { api } = call
  const path = segments(resource.path)
  if (path.at(-2) === 'nics') {
    const network = findResource(api, resource.path.split('/').slice(0, -2).join('/'))
    const sent = resource.fields
    resource.fields = {
      ...sent,
      networkId: network.key,
      ipv4: isAddress(sent['ipv4']) ? sent['ipv4'] : addressIn(api, network, resource.key),
      status: 'ACTIVE',
      type: 'none',
    }
    delete resource.fields['device']
  }
  if (path.at(-2) === 'networks') {
    const { ipv4 } = resource.fields
    const wanted = isFields(ipv4) ? ipv4 : {}
    const own = `10.${String(parseInt(hex(resource.key, 2), 16))}.0.0/${textOf(wanted['prefixLength'] ?? 24)}`
    const prefix = textOf(wanted['prefix'] ?? own)
    const gateway = wanted['gateway'] ?? prefix.replace(/\d+\/\d+$/, '1')
    resource.fields['ipv4'] = { nameservers: wanted['nameservers'] ?? [], prefixes: [prefix], gateway }
    resource.fields['routed'] ??= true
    resource.fields['dhcp'] ??= true
  }
}

function isAddress(value: unknown): boolean {
  return typeof value === 'string' && /^[\d.]+$/.test(value)
}

function listAll(call: Call): Reply {
  return replyWithItems(call, nicsOf(call))
}

function removeNetwork(call: Call): Reply {
  const network = findResource(call.api, call.path)
  if (call.api.store.list(`${network.path}/nics`).some(({ fields }) => fields['device'] !== undefined))
    throw conflict('The network is in use')
  return usual(call)
}

function removeNic(call: Call): Reply {
  const nic = findResource(call.api, call.path)
  if (nic.fields['device'] !== undefined) throw conflict('The interface belongs to a server')
  return usual(call)
}

/** A security group has rules of its own from the beginning, and shows them. */
function ruleReply(call: Call): Reply {
  const reply = usual(call)
  const group = findResource(
    call.api,
    call.path
      .split('/')
      .slice(0, -1)
      .join('/')
      .replace(/\/rules$/, ''),
  )
  group.fields['rules'] = call.api.store.list(`${group.path}/rules`).map(({ fields }) => fields)
  return reply
}

/** What was meant for a network is for its address, and an interface may be without one. */
function setInterface(call: Call): Reply {
  const { body } = call
  const id = isFields(body) ? body['networkInterface'] : undefined
  if (id !== undefined && id !== null) findNic(call, id)
  return usual(call)
}

export function plugAddress(call: Call, server: Resource, address: Resource): void {
  const nic = nicsOfServer(call, server)[0] ?? plug(call, allIn(call, 'networks')[0]?.key, server)
  address.fields['networkInterface'] = nic.key
}

export const iaasNics: Behaviour = {
  made,
  operations: {
    DeleteNetwork: removeNetwork,
    DeleteNic: removeNic,
    ListProjectNICs: listAll,
    GetProjectNIC: (call) => replyWith(call, findNic(call, call.given['nicId'])),
    CreateSecurityGroupRule: ruleReply,
    CreatePublicIP: setInterface,
    UpdatePublicIP: setInterface,
  },
}
