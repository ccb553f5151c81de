import type { Exchange } from '../../service.js'
import type { Caller } from '../tools.js'
import { badRequest, conflict, forbidden, notFound, wrongMethod } from './failure.js'
import { checkModule, readModule } from './module-document.js'
import {
  mayDo,
  parentPath,
  resourceUri,
  shortName,
  splitVersion,
  type ModuleContent,
  type ModuleVersion,
  type Right,
} from './module-model.js'
import { listItem, moduleView, versionItem } from './module-view.js'
import { sendDocument } from './representation.js'
import { readForm } from './requests.js'
import { runsOfModule } from './run-list.js'
import type { LegacyState } from './state.js'
import { readXml } from './xml-reader.js'
import { element } from './xml-writer.js'

const FORMS = ['html', 'xml', 'json'] as const

export function appStore(exchange: Exchange, caller: Caller, { modules }: LegacyState): void {
  if (exchange.method !== 'GET') throw wrongMethod('GET')
  const items = modules.published().filter((module) => mayDo(caller, 'Get', module))
  sendDocument(exchange, element('list', {}, items.map(listItem)))
}

/** All below `/module`; the segments are those after it (slipstream dossier 4.1). */
export async function moduleResource(
  exchange: Exchange,
  caller: Caller,
  state: LegacyState,
  segments: readonly string[],
): Promise<void> {
  const allVersions = segments.at(-1) === ''
  const names = allVersions ? segments.slice(0, -1) : segments
  if (names.includes('')) throw notFound('There is no such module')
  if (names.length === 0) {
    if (exchange.method !== 'GET') throw wrongMethod('GET')
    sendDocument(exchange, element('list', {}, state.modules.children('').map(listItem)), FORMS)
    return
  }
  if (names.length > 1 && names.at(-1) === 'publish' && exchange.method !== 'GET') {
    publication(exchange, caller, state, names.slice(0, -1).join('/'))
    return
  }
  const { path, version } = splitVersion(names.join('/'))
  switch (exchange.method) {
    case 'GET':
      if (allVersions) showVersions(exchange, caller, state, path)
      else show(exchange, caller, state, existing(state, caller, 'Get', path, version))
      return
    case 'PUT':
      await put(exchange, caller, state, path)
      return
    case 'POST':
      await copy(exchange, caller, state, path)
      return
    case 'DELETE':
      if (allVersions) removeAll(exchange, caller, state, path)
      else remove(exchange, state, existing(state, caller, 'Delete', path, version))
      return
    default:
      throw wrongMethod('GET', 'PUT', 'POST', 'DELETE')
  }
}

/** The module, if there is one and the caller may do this with it. */
function existing(
  { modules }: LegacyState,
  caller: Caller,
  right: Right,
  path: string,
  version: number | undefined,
): ModuleVersion {
  const latest = modules.latest(path)
  const module = modules.find(path, version)
  if (module === undefined || latest === undefined) throw notFound(`Module not found: module/${path}`)
  if (!mayDo(caller, right, module)) throw forbidden('Not allowed to access this module')
  if (module.deleted) throw forbidden('Module deleted')
  return module
}

function show(exchange: Exchange, caller: Caller, state: LegacyState, module: ModuleVersion): void {
  const runs = runsOfModule(state.runs, caller, resourceUri(module))
  sendDocument(
    exchange,
    moduleView(module, { store: state.modules, clouds: state.options.clouds, runs }),
    FORMS,
  )
}

function showVersions(exchange: Exchange, caller: Caller, state: LegacyState, path: string): void {
  existing(state, caller, 'Get', path, undefined)
  const versions = state.modules.versions(path)
  sendDocument(exchange, element('versionList', {}, versions.map(versionItem)), FORMS)
}

async function put(exchange: Exchange, caller: Caller, state: LegacyState, path: string): Promise<void> {
  const { modules } = state
  const document = readXml(await exchange.body(), 'module')
  const before = modules.latest(path)
  const parent = parentPath(path)
  if (before !== undefined) {
    if (!mayDo(caller, 'Put', before)) throw forbidden('Not allowed to change this module')
  } else checkParent(state, caller, parent)
  const read = readModule(document, path, caller.username)
  if (before !== undefined && before.category !== read.category) {
    throw badRequest(`The module is of the category ${before.category}`)
  }
  // Only an administrator gives modules away.
  const owner = caller.privileged ? read.authz.owner : (before?.authz.owner ?? caller.username)
  const content: ModuleContent = {
    ...read,
    authz: { ...read.authz, owner },
    // What a recipe sets is not in the document.
    ...(read.image === undefined ? {} : { image: { ...read.image, outputs: before?.image?.outputs ?? {} } }),
  }
  checkModule(content, shortName(path), modules)
  const added = modules.add(content)
  exchange.send(before === undefined ? 201 : 200, { Location: `/${resourceUri(added)}` })
}

function checkParent({ modules }: LegacyState, caller: Caller, parent: string): void {
  if (parent === '') {
    // Unverified: who may create projects in the root.
    return
  }
  const project = modules.latest(parent)
  if (project?.category !== 'Project') throw conflict(`Unknown project: module/${parent}`)
  if (!mayDo(caller, 'CreateChildren', project)) {
    throw forbidden('You do not have rights to create modules in this project')
  }
}

async function copy(exchange: Exchange, caller: Caller, state: LegacyState, path: string): Promise<void> {
  const { modules } = state
  const form = await readForm(exchange)
  existing(state, caller, 'Get', path, undefined)
  const sourceUri = form.get('source_uri')
  const targetName = form.get('target_name')
  if (sourceUri === null || sourceUri === '') throw badRequest('Missing source uri form parameter')
  if (targetName === null || targetName === '') throw badRequest('Missing target name form parameter')
  const { path: sourcePath, version } = splitVersion(sourceUri.replace(/^\/?module\//, ''))
  const source = modules.find(sourcePath, version)
  if (source === undefined || source.deleted) throw badRequest(`Unknown source module: ${sourceUri}`)
  if (!mayDo(caller, 'Get', source)) {
    throw forbidden('You do not have read rights on the source module')
  }
  const target = `${path}/${targetName}`
  if (modules.latest(target) !== undefined) {
    throw forbidden(`Target module already exists: module/${target}`)
  }
  checkParent(state, caller, path)
  const { image } = source
  const content: ModuleContent = {
    ...source,
    path: target,
    author: caller.username,
    authz: { ...source.authz, owner: caller.username },
    // The image of another module is not an image of the copy's own: a build of one leaves the other alone.
    ...(image === undefined
      ? {}
      : { image: { ...image, cloudImageIdentifiers: new Map(image.cloudImageIdentifiers) } }),
  }
  checkModule(content, targetName, modules)
  const added = modules.add(content)
  exchange.send(201, { Location: `/${resourceUri(added)}` })
}

function publication(exchange: Exchange, caller: Caller, state: LegacyState, address: string): void {
  const { path, version } = splitVersion(address)
  if (exchange.method !== 'PUT' && exchange.method !== 'DELETE') throw wrongMethod('PUT', 'DELETE')
  const module = existing(state, caller, 'Put', path, version)
  if (exchange.method === 'DELETE') module.published = undefined
  else if (module.published === undefined) module.published = state.tools.wallNow()
  else throw conflict(`Module already published: ${resourceUri(module)}`)
  // Unverified: 200 or 204 after publishing.
  exchange.send(204)
}

function remove(exchange: Exchange, state: LegacyState, module: ModuleVersion): void {
  const { modules } = state
  const last = modules.versions(module.path).length === 1
  if (last && modules.children(module.path).length > 0) throw childrenLeft()
  module.deleted = true
  const latest = modules.latest(module.path)
  const next = latest === undefined ? `module/${parentPath(module.path)}` : resourceUri(latest)
  exchange.send(204, { Location: `/${next}` })
}

function removeAll(exchange: Exchange, caller: Caller, state: LegacyState, path: string): void {
  existing(state, caller, 'Delete', path, undefined)
  if (state.modules.children(path).length > 0) throw childrenLeft()
  for (const module of state.modules.versions(path)) module.deleted = true
  exchange.send(204, { Location: `/module/${parentPath(path)}` })
}

// Unverified.
const childrenLeft = (): Error => conflict('Cannot delete a project with modules in it')
