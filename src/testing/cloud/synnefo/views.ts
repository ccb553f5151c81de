import type { Exchange } from '../service.js'
import { isoDate, zonelessDate } from './answers.js'
import { flavorName, type Flavor, type Image } from './seeds.js'
import type { Diagnostic, Server, ServerAction, ServerPort } from './servers.js'
import type { KeyPair } from './state.js'

type View = Readonly<Record<string, unknown>>

const TASK_STATES: Readonly<Record<ServerAction, string>> = {
  BUILD: 'BUILDING',
  START: 'STARTING',
  STOP: 'STOPPING',
  REBOOT: 'REBOOTING',
  RESIZE: 'RESIZING',
  DESTROY: 'DESTROYING',
}

function links(exchange: Exchange, path: string): readonly View[] {
  const href = `${exchange.origin}/compute/v2.0/${path}`
  return [
    { rel: 'self', href },
    { rel: 'bookmark', href },
  ]
}

export function shortServer(exchange: Exchange, server: Server): View {
  return { id: server.id, name: server.name, links: links(exchange, `servers/${String(server.id)}`) }
}

/** The server of synnefo dossier 6.2. */
export function fullServer(exchange: Exchange, server: Server): View {
  const id = String(server.id)
  const { attachments, addresses } = networkView(server)
  const [newest] = server.diagnostics
  const reachable = attachments.length > 0
  return {
    ...shortServer(exchange, server),
    user_id: server.userId,
    tenant_id: server.projectId,
    shared_to_project: server.sharedToProject,
    status: server.status,
    'SNF:task_state': server.pending === undefined ? '' : TASK_STATES[server.pending.action],
    progress: server.status === 'ACTIVE' ? 100 : server.progress,
    hostId: '',
    created: isoDate(server.created),
    updated: isoDate(server.updated),
    flavor: { id: server.flavor.id, links: links(exchange, `flavors/${String(server.flavor.id)}`) },
    image: { id: server.imageId, links: links(exchange, `images/${server.imageId}`) },
    suspended: server.suspended,
    deleted: server.deleted,
    'SNF:rescue': false,
    metadata: Object.fromEntries(server.metadata),
    tags: [...server.tags].filter(([, status]) => status === 'ACTIVE').map(([tag]) => tag),
    attachments,
    addresses,
    volumes: server.volumes,
    diagnostics: newest === undefined ? [] : [diagnosticView(newest)],
    security_groups: [{ name: 'default' }],
    key_name: server.keyNames[0] ?? null,
    'SNF:key_names': server.keyNames,
    config_drive: '',
    accessIPv4: '',
    accessIPv6: '',
    'SNF:fqdn': `snf-${id}.vm.example.org`,
    'SNF:port_forwarding': reachable
      ? { '22': { host: 'gate.example.org', port: String(10_000 + server.id) } }
      : {},
  }
}

/** Only ports that work are shown (6.2). */
export function networkView(server: Server): {
  readonly attachments: readonly View[]
  readonly addresses: Readonly<Record<string, readonly View[]>>
} {
  const ports = server.ports.filter((port) => port.state === 'ACTIVE')
  const addresses: Record<string, View[]> = {}
  for (const port of ports) {
    const list = (addresses[port.networkId] ??= [])
    list.push({ version: 4, addr: port.ipv4, 'OS-EXT-IPS:type': 'fixed' })
  }
  return { attachments: ports.map(attachmentView), addresses }
}

function attachmentView(port: ServerPort): View {
  return {
    id: port.id,
    network_id: port.networkId,
    mac_address: port.mac,
    ipv4: port.ipv4,
    ipv6: '',
    ...(port.firewall === undefined ? {} : { firewallProfile: port.firewall }),
    'OS-EXT-IPS:type': 'fixed',
  }
}

export function diagnosticView(diagnostic: Diagnostic): View {
  return {
    level: diagnostic.level,
    created: isoDate(diagnostic.created),
    source: diagnostic.source,
    source_date: isoDate(diagnostic.sourceDate),
    message: diagnostic.message,
    details: diagnostic.details,
  }
}

export function shortFlavor(exchange: Exchange, flavor: Flavor): View {
  return {
    id: flavor.id,
    name: flavorName(flavor),
    links: links(exchange, `flavors/${String(flavor.id)}`),
  }
}

export function fullFlavor(exchange: Exchange, flavor: Flavor): View {
  return {
    ...shortFlavor(exchange, flavor),
    ram: flavor.ram,
    disk: flavor.disk,
    vcpus: flavor.vcpus,
    'os-flavor-access:is_public': flavor.isPublic,
    'SNF:disk_template': flavor.diskTemplate,
    'SNF:volume_type': flavor.volumeType,
    'SNF:allow_create': flavor.allowCreate,
    'SNF:flavor-access': flavor.access,
  }
}

export function shortImage(exchange: Exchange, image: Image): View {
  return {
    id: image.id,
    name: image.name,
    links: [
      ...links(exchange, `images/${image.id}`),
      { rel: 'alternate', href: `${exchange.origin}/image/v1.0/images/${image.id}` },
    ],
  }
}

export function fullImage(exchange: Exchange, image: Image): View {
  return {
    ...shortImage(exchange, image),
    updated: isoDate(image.updated),
    created: isoDate(image.created),
    status: 'ACTIVE',
    progress: 100,
    user_id: image.ownerId,
    tenant_id: image.ownerId,
    public: image.isPublic,
    is_snapshot: image.isSnapshot,
    metadata: Object.fromEntries(image.properties),
  }
}

export function shortKeyPair(pair: KeyPair): View {
  return { name: pair.name, fingerprint: pair.fingerprint, public_key: pair.publicKey }
}

export function fullKeyPair(pair: KeyPair): View {
  return {
    ...shortKeyPair(pair),
    id: pair.id,
    deleted: false,
    created_at: zonelessDate(pair.created),
    updated_at: zonelessDate(pair.created),
    deleted_at: null,
  }
}
