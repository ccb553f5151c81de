import { usual } from '../acts.js'
import type { Behaviour, Call } from '../call.js'
import { StackitFailure } from '../failures.js'
import type { Reply } from '../reply.js'
import { replyWith } from '../replies.js'
import { findResource, listResources, makeResource } from '../resources.js'
import { isFields, textOf } from '../schemas.js'
import type { Resource } from '../store.js'
import { iaasNics } from './iaas-nics.js'
import { kindIn, makeIn, scopeOf } from './iaas-scope.js'
import { iaasServers } from './iaas-servers.js'
import { iaasVolumes } from './iaas-volumes.js'
import { images } from './images.js'

/** Every change has a request, by which it can be waited for (stackit dossier 7.4, 12.8). */
function after(call: Call, reply: Reply): Reply {
  const { api, plan } = call
  const { method } = plan.operation
  const scope = scopeOf(call.path)
  const below = `${scope}/requests`
  if (method === 'GET' || api.model.kindAt([...below.split('/').slice(1), 'x']) === undefined) return reply
  const id = `req-${api.world.chance.hex(32)}`
  const created = (reply.body as { readonly id?: unknown } | undefined)?.id
  const isNew = method === 'POST' && typeof created === 'string'
  const parent = [...plan.parents].reverse()[0]
  const path =
    plan.act === 'create' && isNew
      ? `${call.path}/${created}`
      : parent !== undefined && !plan.kind.template.endsWith('/{}')
        ? call.path
            .split('/')
            .slice(0, parent.segments + 1)
            .join('/')
        : call.path
  const action = method === 'DELETE' ? 'DELETE' : isNew ? 'CREATE' : 'UPDATE'
  const name = api.model.kindAt(path.split('/').slice(1))?.name ?? plan.kind.name
  const request = makeResource(api, { kind: kindIn(api, below), below, given: call.given, key: id, sent: {} })
  request.fields = {
    requestId: id,
    requestType: name.toUpperCase().replaceAll('-', '_'),
    requestAction: action,
    path,
    key: decodeURIComponent(path.slice(path.lastIndexOf('/') + 1)),
  }
  return { ...reply, headers: { ...reply.headers, 'X-Request-Id': id } }
}

/** How far a request is, by what it is about. */
function getRequest(call: Call): Reply {
  const { api } = call
  const request = findResource(api, call.path)
  const { requestAction, requestType, path, key } = request.fields
  const word = String(requestAction)
  const target = api.store.get(String(path))
  const state = textOf(target?.fields['status'])
  const isFailed = /^(ERROR|FAILED)/.test(state) || target?.refused !== undefined
  const isMoving = state.endsWith('ING') || target?.isLate === true
  const isDone = word === 'DELETE' ? target === undefined : !isMoving
  const stem = word.replace(/E$/, '')
  const status = isFailed ? 'FAILED' : isDone ? `${stem}ED` : `${stem}ING`
  return replyWith(call, request, {
    known: { status, resources: [{ id: key, type: requestType, status }], path: undefined },
  })
}

/** A regional part that is gone is a 400 (stackit dossier 7.2). */
function regionGone(call: Call): Reply {
  const { api, path } = call
  try {
    return usual(call)
  } catch (error) {
    const isGone = error instanceof StackitFailure && api.store.get(path) === undefined
    throw isGone
      ? new StackitFailure(api.store.gone(path) ?? 404, 'There is no configuration for this region')
      : error
  }
}

/** The ranges of a regional configuration are resources of their own. */
function addRanges(call: Call, region: Resource): void {
  const { ipv4 } = region.fields
  const ranges =
    isFields(ipv4) && Array.isArray(ipv4['networkRanges']) ? (ipv4['networkRanges'] as unknown[]) : []
  for (const range of ranges) makeIn(call, `${region.path}/network-ranges`, range)
}

function listRegions(call: Call): Reply {
  const { api, path, plan } = call
  const regions = listResources(api, path, plan.kind).map(({ key, fields }) => [key, fields])
  return replyWith(call, undefined, { status: 200, known: { regions: Object.fromEntries(regions) } })
}

function projectDetails(call: Call): Reply {
  const id = call.given['projectId']
  return replyWith(call, undefined, {
    known: { id, status: 'CREATED', areaId: 'PUBLIC', internetAccess: true },
  })
}

/** Projects that were made with the label `networkArea`; one that is gone leaves a little later (unverified). */
function areaProjects(call: Call): Reply {
  const area = decodeURIComponent(call.path.split('/').at(-2) ?? '')
  return replyWith(call, undefined, { known: { items: call.api.world.projects.inArea(area) } })
}

const REGION_WALKS = {
  field: 'status',
  remove: { through: 'DELETING', failed: 'FAILED', gone: 400 },
} as const

export const iaas: Behaviour = {
  hints: { made: ['/requests/{}', '/volume-attachments/{}'] },
  lifecycles: {
    '/network-areas/{}/regions/{}': REGION_WALKS,
    '/vpcs/{}/regions/{}': REGION_WALKS,
    '/vpcs/{}/regions/{}/network-ranges/{}': {
      field: 'status',
      create: { through: 'CREATING', to: 'CREATED', failed: 'FAILED' },
      update: { through: 'UPDATING', to: 'UPDATED', failed: 'FAILED' },
      remove: { through: 'DELETING', failed: 'FAILED' },
    },
  },
  made(call, resource) {
    iaasNics.made?.(call, resource)
    if (/\/network-areas\/[^/]+\/regions\/[^/]+$/.test(resource.path)) addRanges(call, resource)
  },
  after,
  operations: {
    ...iaasNics.operations,
    ...iaasServers.operations,
    ...iaasVolumes.operations,
    ...images.operations,
    GetProjectRequest: getRequest,
    GetOrganizationRequest: getRequest,
    GetNetworkAreaRegion: regionGone,
    DeleteNetworkAreaRegion: regionGone,
    GetVPCRegion: regionGone,
    DeleteVPCRegion: regionGone,
    ListNetworkAreaRegions: listRegions,
    ListVPCRegions: listRegions,
    ListNetworkAreaProjects: areaProjects,
    GetProjectDetails: projectDetails,
  },
}
