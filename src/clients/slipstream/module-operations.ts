import { ConfigurationError } from '../../errors.js'
import { formBody, header, nothing } from '../../http/codecs.js'
import type { HttpResponse, Operation } from '../../http/types.js'
import { xmlText, type XmlTree } from '../../http/xml-text.js'
import { unfitXml } from '../../http/xml.js'
import {
  moduleRoots,
  readContent,
  readImageIdentifiers,
  readItems,
  readModule,
  readNodes,
  readParameters,
  readVersions,
  type ApplicationNode,
  type CloudImageIdentifier,
  type Module,
  type ModuleHistoryItem,
  type ModuleItem,
  type ModuleParameter,
  type ModuleType,
  typeOf,
} from './module-documents.js'
import {
  isModuleRoot,
  modulePath,
  moduleReference,
  moduleVersion,
  unversionedModulePath,
  type ModuleVersion,
} from './module-paths.js'
import { acceptXml, required, xmlDocument, type XmlElement } from './xml-values.js'

// Slipstream dossier 4.1. Nothing that changes a module is sent again after an ambiguous failure: a second PUT makes another
// version, a second DELETE removes the version before, and a second publication is refused.

export interface ModuleArguments {
  readonly path: string
}

export const listApplications: Operation<void, readonly ModuleItem[]> = {
  id: 'slipstream.applications.list',
  method: 'GET',
  path: '/appstore',
  success: [200],
  encode: () => ({ path: '/appstore', headers: acceptXml }),
  decode: xmlDocument(['list'], readItems),
}

export const listProject: Operation<{ readonly path: string | undefined }, readonly ModuleItem[]> = {
  id: 'slipstream.projects.list',
  method: 'GET',
  path: '/module/{path}',
  success: [200],
  encode: ({ path }) => ({
    path: path === undefined || isModuleRoot(path) ? '/module' : modulePath(path),
    headers: acceptXml,
  }),
  decode: xmlDocument(['list', ...moduleRoots], (root) => {
    if (root.name !== 'list') expectType(root, 'project', 'slipstream.projects.list')
    return readContent(root)
  }),
}

/** One document, read for what a method is about. */
function reading<T>(verb: string, read: (root: XmlElement) => T): Operation<ModuleArguments, T> {
  return {
    id: `slipstream.modules.${verb}`,
    method: 'GET',
    path: '/module/{path}',
    success: [200],
    encode: ({ path }) => ({ path: modulePath(path), headers: acceptXml }),
    decode: xmlDocument(moduleRoots, read),
  }
}
export const getModule: Operation<ModuleArguments, Module> = reading('get', readModule)
export const getParameters: Operation<ModuleArguments, readonly ModuleParameter[]> = reading(
  'parameters',
  readParameters,
)
export const getNodes: Operation<ModuleArguments, readonly ApplicationNode[]> = reading('nodes', readNodes)
export const getImageIdentifiers: Operation<ModuleArguments, readonly CloudImageIdentifier[]> = reading(
  'imageIdentifiers',
  readImageIdentifiers,
)
/** The whole document of a component, to be changed and sent back. */
export const getComponentDocument: Operation<ModuleArguments, XmlElement> = reading('get', (root) => {
  expectType(root, 'component', 'slipstream.components.update')
  return root
})

export const listVersions: Operation<ModuleArguments, readonly ModuleHistoryItem[]> = {
  id: 'slipstream.modules.versions',
  method: 'GET',
  path: '/module/{path}/',
  success: [200],
  // The slash at the end makes the difference between one version and all.
  encode: ({ path }) => ({ path: `${unversionedModulePath(path)}/`, headers: acceptXml }),
  decode: xmlDocument(['versionList'], readVersions),
}

export const publishModule: Operation<ModuleArguments, void> = {
  id: 'slipstream.modules.publish',
  method: 'PUT',
  path: '/module/{path}/publish',
  success: [200, 201, 204],
  idempotent: false,
  encode: ({ path }) => ({ path: `${modulePath(path)}/publish`, headers: acceptXml }),
  decode: nothing,
}

export const unpublishModule: Operation<ModuleArguments, void> = {
  id: 'slipstream.modules.unpublish',
  method: 'DELETE',
  path: '/module/{path}/publish',
  success: [200, 204],
  idempotent: false,
  encode: ({ path }) => ({ path: `${modulePath(path)}/publish`, headers: acceptXml }),
  decode: nothing,
}

export const removeModule: Operation<ModuleArguments, void> = {
  id: 'slipstream.modules.remove',
  method: 'DELETE',
  path: '/module/{path}',
  success: [200, 204],
  idempotent: false,
  encode: ({ path }) => ({ path: modulePath(path), headers: acceptXml }),
  decode: nothing,
}

export interface CopyArguments extends ModuleArguments {
  readonly project: string
  readonly name: string
}
export const copyModule: Operation<CopyArguments, ModuleVersion | undefined> = {
  id: 'slipstream.modules.copy',
  method: 'POST',
  path: '/module/{project}',
  success: [200, 201],
  encode: ({ path, project, name }) => {
    const form = formBody({ source_uri: moduleReference(path), target_name: name })
    return {
      path: modulePath(project, 'target.project'),
      headers: { ...acceptXml, ...form.headers },
      ...(form.body === undefined ? {} : { body: form.body }),
    }
  },
  decode: locationOf,
}

export interface UpdateArguments extends ModuleArguments {
  readonly document: XmlTree
}
export const updateComponent: Operation<UpdateArguments, ModuleVersion> = {
  id: 'slipstream.components.update',
  method: 'PUT',
  path: '/module/{path}',
  success: [200, 201],
  idempotent: false,
  encode: ({ path, document }) => ({
    // What a PUT to an old version does is unverified; without a version it makes the next one.
    path: unversionedModulePath(path),
    headers: { ...acceptXml, 'content-type': 'application/xml' },
    body: xmlText(document),
  }),
  decode: (response, context) => {
    const location = locationOf(response)
    if (location === undefined) throw unfitXml(response, context, ['location: missing'])
    return location
  },
}

/** A path that leads to another kind of module is the caller's mistake, and the answer is as good as any. */
function expectType(root: XmlElement, expected: ModuleType, operation: string): void {
  const type = typeOf(required(root, 'category'))
  if (type === expected) return
  throw new ConfigurationError(
    `${operation}: path: expected the path of a ${expected}, but there is a module of type '${type}'`,
    {
      cloud: 'slipstream',
      operation,
    },
  )
}

/** Root-relative for modules, absolute elsewhere (dossier 7): the end of it counts. */
function locationOf(response: HttpResponse): ModuleVersion | undefined {
  const location = header(response, 'location')
  return location === undefined ? undefined : moduleVersion(unescaped(location))
}

function unescaped(address: string): string {
  try {
    return decodeURIComponent(address)
  } catch {
    return address
  }
}
