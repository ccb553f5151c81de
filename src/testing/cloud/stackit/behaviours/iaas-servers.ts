import { makeFrom, parentOf, usual } from '../acts.js'
import type { Behaviour, Call } from '../call.js'
import { StackitFailure } from '../failures.js'
import type { Walk } from '../lifecycles.js'
import type { Reply } from '../reply.js'
import { replyWith, replyWithItems } from '../replies.js'
import { findResource, listResources, startUsualWalk, startWalk } from '../resources.js'
import { isFields, type Fields } from '../schemas.js'
import type { Resource } from '../store.js'
import { findNic, nicsOfServer, plug, plugAddress, unplug } from './iaas-nics.js'
import { conflict, makeIn, oneIn, scopeOf } from './iaas-scope.js'
import { release } from './iaas-volumes.js'

// Servers: power, size, rescue, and what hangs on them (stackit dossier 7.4, 12.3).

/** From which states an action may start, and where it leads. */
interface Action {
  readonly from: readonly string[]
  readonly through: string
  readonly to: string
  readonly power: string
}
const ACTIONS: Readonly<Record<string, Action>> = {
  StartServer: { from: ['INACTIVE', 'DEALLOCATED'], through: 'STARTING', to: 'ACTIVE', power: 'RUNNING' },
  StopServer: { from: ['ACTIVE', 'ERROR'], through: 'STOPPING', to: 'INACTIVE', power: 'STOPPED' },
  RebootServer: { from: ['ACTIVE', 'ERROR'], through: 'REBOOTING', to: 'ACTIVE', power: 'RUNNING' },
  DeallocateServer: {
    from: ['ACTIVE', 'INACTIVE'],
    through: 'DEALLOCATING',
    to: 'DEALLOCATED',
    power: 'STOPPED',
  },
  RescueServer: { from: ['ACTIVE', 'INACTIVE'], through: 'RESCUING', to: 'RESCUE', power: 'RUNNING' },
  UnrescueServer: { from: ['RESCUE'], through: 'UNRESCUING', to: 'ACTIVE', power: 'RUNNING' },
}

function act(call: Call, { from, through, to, power }: Action): Reply {
  const server = serverOf(call)
  needState(server, from)
  const walk: Walk = { through, to, failed: 'ERROR' }
  startWalk(call, server, walk, {
    done() {
      server.fields['powerStatus'] = power
    },
  })
  return { status: 202 }
}

function needState(server: Resource, from: readonly string[]): void {
  const state = String(server.fields['status'])
  if (!from.includes(state)) throw conflict(`The server is ${state}`)
}

/** The new size is there with the end. RESIZING is to be seen by one request at least (stackit dossier 12.3). */
function resize(call: Call): Reply {
  const server = serverOf(call)
  needState(server, ['ACTIVE', 'INACTIVE', 'DEALLOCATED'])
  const machineType = isFields(call.body) ? call.body['machineType'] : undefined
  const walk: Walk = {
    through: 'RESIZING',
    to: String(server.fields['status']),
    failed: 'ERROR',
    isSeen: true,
  }
  startWalk(call, server, walk, {
    done() {
      server.fields['machineType'] = machineType
    },
  })
  return { status: 202 }
}

function create(call: Call): Reply {
  const { body } = call
  const sent = isFields(body) ? body : {}
  const { networking, bootVolume, volumes, securityGroups: _groups, ...rest } = sent
  const wanted = isFields(networking) ? networking : {}
  const nicIds = Array.isArray(wanted['nicIds']) ? (wanted['nicIds'] as unknown[]) : []
  const nics = nicIds.map((id) => findNic(call, id))
  if (wanted['networkId'] !== undefined) oneIn(call, 'networks', wanted['networkId'])
  const server: Resource = makeFrom(call, rest, {
    details: {
      done() {
        server.fields['powerStatus'] = 'RUNNING'
        server.fields['launchedAt'] = new Date(call.api.world.wallNow()).toISOString()
      },
    },
  })
  delete server.fields['launchedAt']
  server.fields['powerStatus'] = 'STOPPED'
  server.fields['availabilityZone'] ??= 'eu01-1'
  for (const nic of nics) nic.fields['device'] = server.key
  if (wanted['networkId'] !== undefined) plug(call, wanted['networkId'], server)
  if (isFields(bootVolume)) boot(call, server, bootVolume)
  for (const id of Array.isArray(volumes) ? (volumes as unknown[]) : [])
    hang(call, server, oneIn(call, 'volumes', id))
  return replyWith(call, server, { isNew: true, known: HIDDEN })
}

/** The volume that a server starts from: one that is there, or a new one of an image. */
function boot(call: Call, server: Resource, wanted: Fields): void {
  const { source, deleteOnTermination } = wanted
  const isVolume = isFields(source) && source['type'] === 'volume'
  const volume = isVolume
    ? oneIn(call, 'volumes', source['id'])
    : makeIn(
        call,
        'volumes',
        {
          availabilityZone: server.fields['availabilityZone'],
          size: wanted['size'] ?? 10,
          performanceClass: wanted['performanceClass'],
          source,
          bootable: true,
        },
        { isStill: true },
      )
  server.fields['bootVolume'] = { id: volume.key, deleteOnTermination: deleteOnTermination ?? false }
  hang(call, server, volume)
}

function hang(call: Call, server: Resource, volume: Resource): void {
  volume.fields['serverId'] = server.key
  volume.fields['status'] = 'ATTACHED'
  const attachment = makeIn(call, `${server.path}/volume-attachments`, {}, { key: volume.key, isStill: true })
  attachment.fields = { serverId: server.key, volumeId: volume.key }
}

const HIDDEN: Fields = {
  nics: undefined,
  volumes: undefined,
  metadata: undefined,
  userData: undefined,
  networking: undefined,
}

/** What is to be seen of a server; the rest only with `details=true` (stackit dossier 7.4). */
function view(call: Call, server: Resource): Fields {
  if (call.query['details'] !== true) return HIDDEN
  const { store } = call.api
  const addresses = store.list(`${scopeOf(call.path)}/public-ips`)
  const nics = nicsOfServer(call, server).map((nic) => {
    const network = store.get(nic.path.split('/').slice(0, -2).join('/'))
    const address = addresses.find(({ fields }) => fields['networkInterface'] === nic.key)
    return {
      ...nic.fields,
      nicId: nic.key,
      networkName: network?.fields['name'],
      ...(address === undefined ? {} : { publicIp: address.fields['ip'] }),
    }
  })
  const volumes = store.list(`${server.path}/volume-attachments`).map(({ key }) => key)
  return { networking: undefined, nics, volumes }
}

function serverOf(call: Call): Resource {
  const server = parentOf(call)
  if (server === undefined) throw new StackitFailure(404, 'The server was not found')
  return server
}

function remove(call: Call): Reply {
  const { api } = call
  const server = findResource(api, call.path)
  startUsualWalk(call, server, 'remove', {
    vanish() {
      for (const nic of nicsOfServer(call, server)) api.store.remove(nic.path)
      const { bootVolume } = server.fields
      const dies =
        isFields(bootVolume) && bootVolume['deleteOnTermination'] === true ? bootVolume['id'] : undefined
      for (const { key } of api.store.list(`${server.path}/volume-attachments`)) {
        const volume = api.store.get(`${scopeOf(server.path)}/volumes/${key}`)
        if (volume === undefined) continue
        if (key === dies) api.store.remove(volume.path)
        else release(volume)
      }
      api.store.remove(server.path)
    },
  })
  return { status: 204 }
}

/** Hangs something of a collection on the server, or takes it off. */
function link(
  call: Call,
  collection: string,
  parameter: string,
  change: (server: Resource, one: Resource) => void,
): Reply {
  const server = serverOf(call)
  change(
    server,
    collection === 'nics'
      ? findNic(call, call.given[parameter])
      : oneIn(call, collection, call.given[parameter]),
  )
  return { status: Number(Object.keys(call.plan.operation.answers)[0]) }
}

function groups(nic: Resource): readonly unknown[] {
  const { securityGroups } = nic.fields
  return Array.isArray(securityGroups) ? (securityGroups as unknown[]) : []
}

function accounts(call: Call, change?: (mails: readonly unknown[]) => readonly unknown[]): Reply {
  const server = serverOf(call)
  const { serviceAccountMails } = server.fields
  const mails = Array.isArray(serviceAccountMails) ? (serviceAccountMails as unknown[]) : []
  const items = change === undefined ? mails : change(mails)
  server.fields['serviceAccountMails'] = items
  return { status: Number(Object.keys(call.plan.operation.answers)[0]), body: { items } }
}

export const iaasServers: Behaviour = {
  operations: {
    ...Object.fromEntries(
      Object.entries(ACTIONS).map(([id, action]) => [id, (call: Call) => act(call, action)]),
    ),
    ResizeServer: resize,
    CreateServer: create,
    DeleteServer: remove,
    GetServer(call) {
      const server = findResource(call.api, call.path)
      return replyWith(call, server, { known: view(call, server) })
    },
    UpdateServer(call) {
      const { status } = usual(call)
      return replyWith(call, findResource(call.api, call.path), { status, known: HIDDEN })
    },
    ListServers(call) {
      const servers = listResources(call.api, call.path, call.plan.kind)
      const seen = servers.map((server) => ({
        ...server,
        fields: { ...server.fields, ...view(call, server) },
      }))
      return replyWithItems(call, seen)
    },
    ListServerNICs(call) {
      return replyWithItems(call, nicsOfServer(call, serverOf(call)))
    },
    AddNetworkToServer: (call) =>
      link(call, 'networks', 'networkId', (server, network) => {
        plug(call, network.key, server)
      }),
    RemoveNetworkFromServer: (call) =>
      link(call, 'networks', 'networkId', (server, network) => {
        for (const nic of nicsOfServer(call, server))
          if (nic.fields['networkId'] === network.key) call.api.store.remove(nic.path)
      }),
    AddNicToServer: (call) =>
      link(call, 'nics', 'nicId', (server, nic) => {
        if (nic.fields['device'] !== undefined) throw conflict('The interface belongs to a server already')
        nic.fields['device'] = server.key
        nic.fields['type'] = 'server'
      }),
    RemoveNicFromServer: (call) =>
      link(call, 'nics', 'nicId', (_server, nic) => {
        unplug(call.api, nic)
      }),
    AddPublicIpToServer: (call) =>
      link(call, 'public-ips', 'publicIpId', (server, address) => {
        plugAddress(call, server, address)
      }),
    RemovePublicIpFromServer: (call) =>
      link(call, 'public-ips', 'publicIpId', (_server, address) => {
        address.fields['networkInterface'] = null
      }),
    AddSecurityGroupToServer: (call) =>
      link(call, 'security-groups', 'securityGroupId', (server, group) => {
        for (const nic of nicsOfServer(call, server))
          nic.fields['securityGroups'] = [...groups(nic), group.key]
      }),
    RemoveSecurityGroupFromServer: (call) =>
      link(call, 'security-groups', 'securityGroupId', (server, group) => {
        for (const nic of nicsOfServer(call, server))
          nic.fields['securityGroups'] = groups(nic).filter((id) => id !== group.key)
      }),
    ListServerServiceAccounts: (call) => accounts(call),
    AddServiceAccountToServer: (call) =>
      accounts(call, (mails) => [
        ...mails.filter((mail) => mail !== call.given['serviceAccountMail']),
        call.given['serviceAccountMail'],
      ]),
    RemoveServiceAccountFromServer: (call) =>
      accounts(call, (mails) => mails.filter((mail) => mail !== call.given['serviceAccountMail'])),
  },
}
