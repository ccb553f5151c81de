import type { Exchange, Service } from '../service.js'
import { permissionOf } from './swift/access.js'
import { headAccount, listContainers, postAccount } from './swift/accounts.js'
import { bulkDelete } from './swift/bulk-delete.js'
import { headContainer, postContainer, putContainer, removeContainer } from './swift/containers.js'
import { SwiftFailure } from './swift/failure.js'
import { listObjects } from './swift/object-listing.js'
import { copyFrom, copyObject } from './swift/object-copy.js'
import { removeObject } from './swift/object-delete.js'
import { getObject } from './swift/object-read.js'
import { postObject, putObject } from './swift/object-write.js'
import { pythonJson } from './swift/python-json.js'
import { HTML, reply, replyFailure, replyText } from './swift/reply.js'
import {
  decodePath,
  parsePlace,
  readHeaders,
  type ContainerPlace,
  type ObjectPlace,
  type Place,
  type SwiftRequest,
} from './swift/request.js'
import { removeWithSegments } from './swift/slo-delete.js'
import { putManifest } from './swift/slo-write.js'
import type { Principal, Region } from './swift/state.js'
import { hasTemporaryLink, readTemporaryLink } from './swift/temp-url.js'
import { askedVersion, restoreVersion } from './swift/versions.js'

export interface SwiftOptions {
  /** What comes before `/v1`; may be empty. */
  readonly prefix: string
  readonly region: Region
  /** Whose token it is; `refused` is one that looks like ours and is none. */
  readonly principalOf: (token: string) => Principal | 'refused' | undefined
  /** `Www-Authenticate` of a refusal. */
  readonly challenge: (account: string, origin: string) => string
  /** Headers of every answer. */
  readonly ids: () => Readonly<Record<string, string>>
}

type Handler<P> = (request: SwiftRequest, place: P) => void | Promise<void>
type Handlers<P> = Readonly<Record<string, Handler<P>>>

const ACCOUNT: Handlers<Place> = {
  HEAD: (request, { account }) => {
    headAccount(request, account)
  },
  GET: (request, { account }) => {
    listContainers(request, account)
  },
  POST: (request, { account }) => {
    postAccount(request, account)
  },
}
const CONTAINER: Handlers<ContainerPlace> = {
  DELETE: removeContainer,
  HEAD: headContainer,
  GET: listObjects,
  POST: postContainer,
  PUT: putContainer,
}
const OBJECT: Handlers<ObjectPlace> = {
  DELETE: deleteAsAsked,
  HEAD: getObject,
  GET: getObject,
  POST: postObject,
  PUT: putAsAsked,
  COPY: copyObject,
}

/** The object store of one region. */
export function createSwift(options: SwiftOptions): Service {
  return {
    prefix: options.prefix,
    async handle(given) {
      const ids = options.ids()
      const exchange: Exchange = {
        ...given,
        send(status, headers, body) {
          given.send(status, { ...ids, ...headers }, body)
        },
      }
      try {
        await serve(options, exchange)
      } catch (error) {
        if (!(error instanceof SwiftFailure)) throw error
        replyFailure(exchange, error)
      }
    },
    async close() {
      options.region.accounts.clear()
      options.region.bytes.clear()
    },
  }
}

async function serve(options: SwiftOptions, exchange: Exchange): Promise<void> {
  const { region } = options
  const below = exchange.path.slice(options.prefix.length)
  if (below === '' || below === '/') throw new SwiftFailure(404)
  if (below === '/info') {
    serveInfo(region, exchange)
    return
  }
  if (below === '/healthcheck') {
    replyText(exchange, 200, 'text/plain', 'OK')
    return
  }
  const place = parsePlace(decodePath(below))
  const request = identify(options, exchange, place)
  const { bulk_delete: bulk } = region.info
  if (
    exchange.query.has('bulk-delete') &&
    ['POST', 'DELETE'].includes(exchange.method) &&
    bulk !== undefined
  ) {
    await bulkDelete(request, place.account, bulk)
    return
  }
  const { container, object } = place
  if (container === undefined) await run(request, place, ACCOUNT)
  else if (object === undefined) await run(request, { ...place, container }, CONTAINER)
  else await run(request, { ...place, container, object }, OBJECT)
}

function serveInfo(region: Region, exchange: Exchange): void {
  const { method } = exchange
  if (method === 'OPTIONS') reply(exchange, 200, { Allow: 'HEAD, GET, OPTIONS' })
  else if (method === 'GET' || method === 'HEAD') {
    replyText(exchange, 200, 'application/json; charset=UTF-8', pythonJson(region.info))
  } else throw new SwiftFailure(405, undefined, { Allow: 'OPTIONS, GET, HEAD' })
}

/** Finds out who it is and what he may do. */
function identify(options: SwiftOptions, exchange: Exchange, place: Place): SwiftRequest {
  const { region } = options
  const { tempurl } = region.info
  const path = decodePath(exchange.path)
  const link =
    tempurl !== undefined && hasTemporaryLink(exchange)
      ? readTemporaryLink(exchange, region, tempurl, path, place)
      : undefined
  const denied = (principal: Principal | undefined): SwiftFailure =>
    principal === undefined
      ? new SwiftFailure(401, undefined, {
          'Www-Authenticate': options.challenge(place.account, exchange.origin),
        })
      : new SwiftFailure(403)
  const headers = readHeaders(exchange)
  const token = headers.get('X-Auth-Token') ?? headers.get('X-Storage-Token')
  const known = link !== undefined || token === undefined ? undefined : options.principalOf(token)
  if (known === 'refused') throw denied(undefined)
  const permitted = permissionOf(region, known, headers.get('Referer'))
  const may: SwiftRequest['may'] = (act, other) =>
    link === undefined ? permitted(act, other) : act !== 'own' && link.covers(other)
  return {
    exchange,
    region,
    method: exchange.method,
    path,
    query: exchange.query,
    headers,
    principal: known,
    owner: known?.owns === place.account,
    may,
    demand(act, other) {
      if (!may(act, other)) throw denied(known)
    },
    dress: (shown) => (link === undefined ? shown : link.dress(shown)),
  }
}

async function run<P extends Place>(request: SwiftRequest, place: P, handlers: Handlers<P>): Promise<void> {
  const { method, exchange } = request
  const names = Object.keys(handlers)
  if (method === 'OPTIONS') {
    reply(exchange, 200, { 'Content-Type': HTML, Allow: [...names, 'OPTIONS'].join(', ') })
    return
  }
  const handler = handlers[method]
  if (handler === undefined) {
    request.demand('own', place)
    const allowed = [...names.filter((name) => name !== 'COPY'), 'OPTIONS']
    throw new SwiftFailure(405, undefined, { Allow: allowed.join(', ') })
  }
  request.demand(actOf(method, place), place)
  await handler(request, place)
}

function actOf(method: string, { container, object }: Place): 'read' | 'write' | 'list' | 'own' {
  const reads = method === 'GET' || method === 'HEAD' || method === 'COPY'
  if (object !== undefined) return reads ? 'read' : 'write'
  return container !== undefined && reads ? 'list' : 'own'
}

async function putAsAsked(request: SwiftRequest, place: ObjectPlace): Promise<void> {
  const { region, query, headers } = request
  const from = headers.get('X-Copy-From') ?? ''
  // Of a copy it is the version of the source.
  const version = from === '' ? askedVersion(request, place) : undefined
  const { slo } = region.info
  if (version !== undefined) restoreVersion(request, place, version)
  else if (slo !== undefined && query.get('multipart-manifest') === 'put') {
    await putManifest(request, place, slo)
  } else if (from !== '') await copyFrom(request, place, from)
  else await putObject(request, place)
}

function deleteAsAsked(request: SwiftRequest, place: ObjectPlace): void {
  const { region, query } = request
  if (region.info.slo !== undefined && query.get('multipart-manifest') === 'delete') {
    removeWithSegments(request, place)
  } else removeObject(request, place)
}
