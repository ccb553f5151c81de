import type { Exchange, User } from '../service.js'
import {
  badRequest,
  isObject,
  itemNotFound,
  malformedRequest,
  notImplemented,
  readJson,
  readJsonObject,
} from './answers.js'
import { changedSince } from './changes-since.js'
import { performAction } from './server-actions.js'
import {
  checkTag,
  checkTagCount,
  mergeMetadata,
  readName,
  readServerOrder,
  readTags,
} from './server-order.js'
import { checkAction, checkUsable, type Server } from './servers.js'
import type { SynnefoState } from './state.js'
import { diagnosticView, fullServer, networkView, shortServer } from './views.js'
import type { UserRoutes } from './user-routes.js'

/** Servers (synnefo dossier 6). */
export function routeServers(routes: UserRoutes, state: SynnefoState): void {
  const { servers } = state
  const isVisible = (server: Server, user: User): boolean =>
    server.userId === user.id ||
    (server.sharedToProject &&
      state.quotas.projectsOf(user.id).some((project) => project.id === server.projectId))
  const serverFor = (user: User, id = ''): Server => {
    if (!/^\d+$/.test(id)) throw badRequest('Invalid server ID.')
    const server = servers.get(Number(id))
    if (server === undefined || !isVisible(server, user)) throw itemNotFound('Server not found.')
    return server
  }
  const usable = (user: User, id: string | undefined): Server => {
    const server = serverFor(user, id)
    checkUsable(server)
    return server
  }
  const list =
    (view: (exchange: Exchange, server: Server) => unknown) =>
    (exchange: Exchange, user: User): void => {
      const since = changedSince(exchange, state.wallNow())
      const found = servers
        .all()
        .filter(
          (server) =>
            isVisible(server, user) && (since === undefined ? !server.deleted : server.updated >= since),
        )
      if (since !== undefined && found.length === 0) exchange.send(304)
      else exchange.json(200, { servers: found.map((server) => view(exchange, server)) })
    }

  routes.collection('GET', '/servers', list(shortServer))
  routes.collection('GET', '/servers/detail', list(fullServer))
  routes.collection('POST', '/servers', async (exchange, user) => {
    const order = readServerOrder(state, user, await readJsonObject(exchange, 'server'))
    const server = servers.create(order)
    // The answer says BUILD even when the job could not be queued (6.1, point 5).
    exchange.json(202, {
      server: { ...fullServer(exchange, server), status: 'BUILD', adminPass: order.password },
    })
  })
  routes.item('GET', '/servers/:serverId', (exchange, user, params) => {
    exchange.json(200, { server: fullServer(exchange, serverFor(user, params['serverId'])) })
  })
  routes.item('PUT', '/servers/:serverId', async (exchange, user, params) => {
    const { name } = await readJsonObject(exchange, 'server')
    const wanted = readName(name)
    const server = usable(user, params['serverId'])
    server.name = wanted
    servers.touch(server)
    exchange.send(204)
  })
  routes.item('DELETE', '/servers/:serverId', (exchange, user, params) => {
    const server = serverFor(user, params['serverId'])
    checkAction(server, 'DESTROY')
    servers.remove(server)
    exchange.send(204)
  })
  routes.collection('POST', '/servers/:serverId/action', async (exchange, user, params) => {
    await performAction(exchange, state, user, serverFor(user, params['serverId']))
  })
  routeMetadata()
  routeTags()

  routes.collection('GET', '/servers/:serverId/ips', (exchange, user, params) => {
    exchange.json(200, networkView(serverFor(user, params['serverId'])))
  })
  routes.item('GET', '/servers/:serverId/ips/:networkId', (exchange, user, params) => {
    const networkId = params['networkId'] ?? ''
    const addresses = networkView(serverFor(user, params['serverId'])).addresses[networkId]
    if (addresses === undefined) throw itemNotFound('Network not found.')
    exchange.json(200, { network: { [networkId]: addresses } })
  })
  routes.item('GET', '/servers/:serverId/password', (exchange, user, params) => {
    const { password } = serverFor(user, params['serverId'])
    if (password === undefined) throw itemNotFound('Password not found.')
    exchange.json(200, { password })
  })
  routes.item('DELETE', '/servers/:serverId/password', (exchange, user, params) => {
    const server = serverFor(user, params['serverId'])
    if (server.password === undefined) throw itemNotFound('Password not found.')
    server.password = undefined
    exchange.send(204)
  })
  routes.item('GET', '/servers/:serverId/stats', (exchange, user, params) => {
    const { id } = serverFor(user, params['serverId'])
    const graph = (name: string): string => `${exchange.origin}/stats/v1.0/${name}/${String(id)}`
    exchange.json(200, {
      stats: {
        serverRef: id,
        refresh: 60,
        cpuBar: graph('cpu-bar'),
        cpuTimeSeries: graph('cpu-ts'),
        netBar: graph('net-bar'),
        netTimeSeries: graph('net-ts'),
      },
    })
  })
  routes.item('GET', '/servers/:serverId/diagnostics', (exchange, user, params) => {
    exchange.json(200, serverFor(user, params['serverId']).diagnostics.map(diagnosticView))
  })
  routeAttachments()

  function routeMetadata(): void {
    const path = '/servers/:serverId/metadata'
    routes.collection('GET', path, (exchange, user, params) => {
      exchange.json(200, { metadata: Object.fromEntries(serverFor(user, params['serverId']).metadata) })
    })
    routes.collection('POST', path, async (exchange, user, params) => {
      const items = await readJsonObject(exchange, 'metadata')
      const server = usable(user, params['serverId'])
      mergeMetadata(server.metadata, items)
      servers.touch(server)
      exchange.json(201, { metadata: Object.fromEntries(server.metadata) })
    })
    routes.item('GET', `${path}/:key`, (exchange, user, params) => {
      const key = params['key'] ?? ''
      const value = serverFor(user, params['serverId']).metadata.get(key)
      if (value === undefined) throw itemNotFound('Metadata key not found.')
      exchange.json(200, { meta: { [key]: value } })
    })
    routes.item('PUT', `${path}/:key`, async (exchange, user, params) => {
      const key = params['key'] ?? ''
      const body = await readJson(exchange)
      const meta = isObject(body) ? body['meta'] : undefined
      if (!isObject(meta) || Object.keys(meta).length !== 1 || !(key in meta)) throw malformedRequest()
      const server = usable(user, params['serverId'])
      mergeMetadata(server.metadata, meta)
      servers.touch(server)
      exchange.json(201, { meta })
    })
    routes.item('DELETE', `${path}/:key`, (exchange, user, params) => {
      const server = usable(user, params['serverId'])
      if (!server.metadata.delete(params['key'] ?? '')) throw itemNotFound('Metadata key not found.')
      servers.touch(server)
      exchange.send(204)
    })
  }

  function routeTags(): void {
    const path = '/servers/:serverId/tags'
    const tagsView = (server: Server): Readonly<Record<string, unknown>> => ({
      tags: [...server.tags.keys()],
      statuses: [...server.tags.values()],
    })
    routes.collection('GET', path, (exchange, user, params) => {
      exchange.json(200, tagsView(serverFor(user, params['serverId'])))
    })
    routes.collection('PUT', path, async (exchange, user, params) => {
      const body = await readJson(exchange)
      const tags = readTags(isObject(body) ? body['tags'] : undefined)
      const server = usable(user, params['serverId'])
      server.tags.clear()
      for (const tag of tags) servers.addTag(server, tag)
      exchange.json(200, tagsView(server))
    })
    routes.collection('DELETE', path, (exchange, user, params) => {
      const server = usable(user, params['serverId'])
      if (server.tags.size === 0) {
        exchange.send(404)
        return
      }
      server.tags.clear()
      servers.touch(server)
      exchange.send(204)
    })
    routes.item('GET', `${path}/:tag`, (exchange, user, params) => {
      const status = serverFor(user, params['serverId']).tags.get(params['tag'] ?? '')
      if (status === undefined) exchange.send(404)
      else exchange.send(204, { 'tag-status': status })
    })
    routes.item('PUT', `${path}/:tag`, (exchange, user, params) => {
      const tag = checkTag(params['tag'])
      const server = usable(user, params['serverId'])
      if (server.tags.has(tag)) {
        exchange.send(204)
        return
      }
      checkTagCount(server.tags.size + 1)
      servers.addTag(server, tag)
      exchange.send(201, { Location: `${exchange.origin}${exchange.path}` })
    })
    routes.item('DELETE', `${path}/:tag`, (exchange, user, params) => {
      const server = usable(user, params['serverId'])
      if (!server.tags.delete(params['tag'] ?? '')) {
        exchange.send(404)
        return
      }
      servers.touch(server)
      exchange.send(204)
    })
  }

  function routeAttachments(): void {
    const path = '/servers/:serverId/os-volume_attachments'
    const view = (server: Server, volume: number): Readonly<Record<string, unknown>> => ({
      id: volume,
      volumeId: volume,
      serverId: server.id,
      device: '',
    })
    routes.collection('GET', path, (exchange, user, params) => {
      const server = serverFor(user, params['serverId'])
      exchange.json(200, { volumeAttachments: server.volumes.map((volume) => view(server, volume)) })
    })
    routes.item('GET', `${path}/:volumeId`, (exchange, user, params) => {
      const server = serverFor(user, params['serverId'])
      const volume = server.volumes.find((id) => String(id) === params['volumeId'])
      if (volume === undefined) throw badRequest('The volume is not attached to the server.')
      exchange.json(200, { volumeAttachment: view(server, volume) })
    })
    const later = (): never => {
      throw notImplemented('This cloud has no volumes yet.')
    }
    routes.collection('POST', path, later)
    routes.item('DELETE', `${path}/:volumeId`, later)
  }
}
