import { z } from 'zod'
import { json, jsonBody, nothing, query, segment } from '../../http/codecs.js'
import type { Operation } from '../../http/types.js'
import {
  describedFlavor,
  describedImage,
  describedServer,
  steeringFlavor,
  steeringImage,
  steeringServer,
  type CreatedServer,
  type Flavor,
  type Id,
  type Image,
  type Server,
  type ServerSpec,
} from './schemas.js'

// Synnefo-compute dossier 6 and 7. Only reads are sent again after an ambiguous failure (11.3): no operation here has an
// idempotency key, and a repeated action is refused because the first one is pending.

const service = 'compute'

export interface ServerFilter {
  /** Only what changed at or after this instant, at most an hour ago, deleted servers included (6.3). */
  readonly changesSince?: Date
}

function instant(date: Date): string {
  if (Number.isNaN(date.getTime())) throw new TypeError('filter.changesSince: expected a valid date')
  return date.toISOString().replace('Z', '+00:00')
}

const readServers = json<{ readonly servers: readonly Server[] }>(
  z.object({ servers: z.array(steeringServer) }),
  z.looseObject({ servers: z.array(describedServer) }),
)
/** 304 is an empty list: nothing changed (6.3). */
export const listServers: Operation<ServerFilter, readonly Server[]> = {
  id: 'synnefo.servers.list',
  service,
  method: 'GET',
  path: '/servers/detail',
  success: [200, 304],
  encode: ({ changesSince }) => ({
    path: '/servers/detail',
    query: query({ 'changes-since': changesSince === undefined ? undefined : instant(changesSince) }),
  }),
  decode: (response, context) => (response.status === 304 ? [] : readServers(response, context).servers),
}

const readServer = json<{ readonly server: Server }>(
  z.object({ server: steeringServer }),
  z.looseObject({ server: describedServer }),
)
export const getServer: Operation<{ readonly id: Id }, Server> = {
  id: 'synnefo.servers.get',
  service,
  method: 'GET',
  path: '/servers/{id}',
  success: [200],
  encode: ({ id }) => ({ path: `/servers/${segment(id)}` }),
  decode: (response, context) => readServer(response, context).server,
}

export const createServer: Operation<ServerSpec, CreatedServer> = {
  id: 'synnefo.servers.create',
  service,
  method: 'POST',
  path: '/servers',
  success: [202],
  secret: ['adminPass'],
  encode: (spec) => ({ path: '/servers', ...jsonBody({ server: spec }) }),
  decode: (response, context) => readServer(response, context).server,
}

export const removeServer: Operation<{ readonly id: Id }, void> = {
  id: 'synnefo.servers.remove',
  service,
  method: 'DELETE',
  path: '/servers/{id}',
  success: [204],
  idempotent: false,
  encode: ({ id }) => ({ path: `/servers/${segment(id)}` }),
  decode: nothing,
}

/** An action of a server that answers 202 without a body (6.1). */
function action<Args extends { readonly id: Id }>(
  verb: string,
  body: (args: Args) => Readonly<Record<string, unknown>>,
): Operation<Args, void> {
  return {
    id: `synnefo.servers.${verb}`,
    service,
    method: 'POST',
    path: '/servers/{id}/action',
    success: [202],
    encode: (args) => ({ path: `/servers/${segment(args.id)}/action`, ...jsonBody(body(args)) }),
    decode: nothing,
  }
}
export const startServer = action('start', () => ({ start: {} }))
export const shutdownServer = action('shutdown', () => ({ shutdown: {} }))
export const rebootServer = action('reboot', ({ hard }: { readonly id: Id; readonly hard: boolean }) => ({
  reboot: { type: hard ? 'HARD' : 'SOFT' },
}))

const readFlavors = json<{ readonly flavors: readonly Flavor[] }>(
  z.object({ flavors: z.array(steeringFlavor) }),
  z.looseObject({ flavors: z.array(describedFlavor) }),
)
export const listFlavors: Operation<void, readonly Flavor[]> = {
  id: 'synnefo.flavors.list',
  service,
  method: 'GET',
  path: '/flavors/detail',
  success: [200],
  encode: () => ({ path: '/flavors/detail' }),
  decode: (response, context) => readFlavors(response, context).flavors,
}

const readFlavor = json<{ readonly flavor: Flavor }>(
  z.object({ flavor: steeringFlavor }),
  z.looseObject({ flavor: describedFlavor }),
)
export const getFlavor: Operation<{ readonly id: Id }, Flavor> = {
  id: 'synnefo.flavors.get',
  service,
  method: 'GET',
  path: '/flavors/{id}',
  success: [200],
  encode: ({ id }) => ({ path: `/flavors/${segment(id)}` }),
  decode: (response, context) => readFlavor(response, context).flavor,
}

const readImages = json<{ readonly images: readonly Image[] }>(
  z.object({ images: z.array(steeringImage) }),
  z.looseObject({ images: z.array(describedImage) }),
)
export const listImages: Operation<void, readonly Image[]> = {
  id: 'synnefo.images.list',
  service,
  method: 'GET',
  path: '/images/detail',
  success: [200],
  encode: () => ({ path: '/images/detail' }),
  decode: (response, context) => readImages(response, context).images,
}
