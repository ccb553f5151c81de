import { makeFrom } from '../acts.js'
import type { Api, Behaviour, Call, World } from '../call.js'
import { StackitFailure } from '../failures.js'
import type { Level } from '../projects.js'
import type { Reply } from '../reply.js'
import { replyWith, replyWithItems } from '../replies.js'
import { findResource, listResources, makeResource, startUsualWalk } from '../resources.js'
import { isFields } from '../schemas.js'
import type { Resource } from '../store.js'

// Organizations, folders and projects. Each has two names, and what is gone or never was is a 403 (stackit dossier 4.6, 11).

const COLLECTIONS: Readonly<Record<Level, string>> = {
  project: '/v2/projects',
  folder: '/v2/folders',
  organization: '/v2/organizations',
}

function put(api: Api, kind: Level, fields: Readonly<Record<string, unknown>>): Resource {
  const below = COLLECTIONS[kind]
  const found = api.model.kindAt([...below.split('/').slice(1), 'x'])
  if (found === undefined) throw new Error(`${below} has no members`)
  const id = String(fields[`${kind}Id`])
  const resource = makeResource(api, { kind: found, below, given: {}, sent: fields, key: id })
  resource.fields = { ...resource.fields, ...fields }
  api.world.projects.add(kind, id)
  return resource
}

/** Puts what every account has there: an organization with a folder and a project. */
export function seedHierarchy(
  world: World,
  ids: { readonly organizationId: string; readonly folderId: string; readonly projectId: string },
): void {
  const { organizationId, folderId, projectId } = ids
  const parent = { id: organizationId, containerId: 'sample-organization', type: 'ORGANIZATION' }
  world.projects.add('organization', organizationId)
  world.projects.add('folder', folderId)
  world.projects.add('project', projectId)
  world.onOpen('resource-manager', (api) => {
    const common = { lifecycleState: 'ACTIVE', labels: {} }
    put(api, 'organization', {
      ...common,
      organizationId,
      containerId: parent.containerId,
      name: 'sample organization',
    })
    put(api, 'folder', { ...common, folderId, containerId: 'sample-folder', name: 'sample folder', parent })
    put(api, 'project', {
      ...common,
      projectId,
      containerId: 'sample-project',
      name: 'sample project',
      parent,
    })
  })
}

function containers(api: Api): readonly Resource[] {
  return Object.values(COLLECTIONS).flatMap((path) => api.store.list(path))
}

/** By its id or its other name. */
function byName(api: Api, name: unknown): Resource | undefined {
  return containers(api).find(({ key, fields }) => key === name || fields['containerId'] === name)
}

function create(call: Call, kind: Level): Reply {
  const { api, body } = call
  const { chance, projects } = api.world
  const sent = isFields(body) ? body : {}
  const above = byName(api, sent['containerParentId'])
  if (above === undefined || above.path.startsWith(COLLECTIONS.project))
    throw new StackitFailure(404, `The parent ${String(sent['containerParentId'])} was not found`)
  const isFolder = above.path.startsWith(COLLECTIONS.folder)
  const id = chance.uuid()
  const containerId = `${String(sent['name'])
    .toLowerCase()
    .replace(/[^a-z\d]+/g, '-')}-${chance.hex(6)}`
  const { members: _members, containerParentId: _parent, ...rest } = sent
  const parent = {
    id: above.key,
    containerId: above.fields['containerId'],
    type: isFolder ? 'FOLDER' : 'ORGANIZATION',
  }
  const names = { [`${kind}Id`]: id, containerId, parent, labels: {} }
  const resource = makeFrom(
    call,
    { ...names, ...rest },
    {
      key: id,
      below: COLLECTIONS[kind],
      // Services let nobody into a project that is not there yet.
      details: {
        done: () => {
          projects.add(kind, id)
        },
      },
    },
  )
  if (kind === 'folder') projects.add(kind, id)
  const area = areaOf(resource)
  if (area !== undefined) projects.joinArea(area, id)
  return replyWith(call, resource, { isNew: true })
}

function remove(call: Call, kind: Level): Reply {
  const { api } = call
  const resource = findResource(api, call.path)
  if (
    containers(api).some(
      ({ fields }) => isFields(fields['parent']) && fields['parent']['id'] === resource.key,
    )
  )
    throw new StackitFailure(409, 'There are projects or folders in it')
  const { projects, steps, walks } = api.world
  const vanish = (): void => {
    api.store.remove(resource.path, 403)
    projects.remove(kind, resource.key)
    const area = areaOf(resource)
    // The area learns of it later (stackit dossier 7.2, ReadyForNetworkAreaDeletion).
    if (area === undefined) return
    const vanish = (): void => {
      projects.leaveArea(area, resource.key)
    }
    const order = { service: 'iaas', operationId: 'ListNetworkAreaProjects', resource, walk: {}, vanish }
    walks.start({ ...order, ms: steps.deleteMs })
  }
  if (!startUsualWalk(call, resource, 'remove', { vanish })) vanish()
  return { status: 202 }
}

function areaOf({ fields }: Resource): string | undefined {
  const { labels } = fields
  const area = isFields(labels) ? labels['networkArea'] : undefined
  return typeof area === 'string' ? area : undefined
}

function list(call: Call, kind: Level): Reply {
  const { api, query } = call
  const { containerParentId: parentId, containerIds, member } = query
  if (kind !== 'organization' && parentId === undefined && containerIds === undefined && member === undefined)
    throw new StackitFailure(400, 'One of containerParentId, containerIds and member is required')
  const ids = Array.isArray(containerIds) ? (containerIds as unknown[]) : undefined
  const kept = listResources(api, call.path, call.plan.kind).filter(({ key, fields }) => {
    const { parent, containerId } = fields
    const isBelow =
      parentId === undefined ||
      (isFields(parent) && (parent['id'] === parentId || parent['containerId'] === parentId))
    return isBelow && (ids === undefined || ids.includes(containerId) || ids.includes(key))
  })
  return replyWithItems(call, kept)
}

function get(call: Call): Reply {
  const { api, query } = call
  const resource = findResource(api, call.path)
  if (query['includeParents'] !== true) return replyWith(call, resource)
  const parents: unknown[] = []
  for (let above = parentOf(api, resource); above !== undefined; above = parentOf(api, above)) {
    const { containerId, name } = above.fields
    const isFolder = above.path.startsWith(COLLECTIONS.folder)
    const up = parentOf(api, above)
    parents.push({
      containerId,
      name,
      id: above.key,
      type: isFolder ? 'FOLDER' : 'ORGANIZATION',
      ...(up === undefined ? {} : { parentId: up.key, containerParentId: up.fields['containerId'] }),
    })
  }
  return replyWith(call, resource, { known: { parents } })
}

function parentOf(api: Api, { fields }: Resource): Resource | undefined {
  const { parent } = fields
  return isFields(parent) ? byName(api, parent['id']) : undefined
}

function removeLabels(call: Call): Reply {
  const resource = findResource(call.api, call.path.replace(/\/labels$/, ''))
  const { labels } = resource.fields
  const keys = Array.isArray(call.query['keys']) ? (call.query['keys'] as unknown[]) : undefined
  const kept = Object.entries(isFields(labels) ? labels : {}).filter(([key]) => keys?.includes(key) === false)
  resource.fields['labels'] = Object.fromEntries(kept)
  return { status: 202 }
}

export const resourceManager: Behaviour = {
  missing: 403,
  hints: {
    made: ['/organizations/{}'],
    keys: { '/projects/{}': 'projectId', '/folders/{}': 'folderId', '/organizations/{}': 'organizationId' },
  },
  lifecycles: {
    '/projects/{}': {
      field: 'lifecycleState',
      remove: { through: 'DELETING', failed: 'INACTIVE', gone: 403 },
    },
  },
  locate(api, path) {
    const [, version = '', collection = '', name = '', ...rest] = path.split('/')
    const found = byName(api, decodeURIComponent(name))
    return found === undefined
      ? path
      : ['', version, collection, encodeURIComponent(found.key), ...rest].join('/')
  },
  operations: {
    CreateProject: (call) => create(call, 'project'),
    CreateFolder: (call) => create(call, 'folder'),
    DeleteProject: (call) => remove(call, 'project'),
    DeleteFolder: (call) => remove(call, 'folder'),
    ListProjects: (call) => list(call, 'project'),
    ListFolders: (call) => list(call, 'folder'),
    ListOrganizations: (call) => list(call, 'organization'),
    GetProject: get,
    GetFolderDetails: get,
    GetOrganization: get,
    DeleteProjectLabels: removeLabels,
    DeleteFolderLabels: removeLabels,
    DeleteOrganizationLabels: removeLabels,
  },
}
