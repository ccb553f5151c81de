import { concatMap, from, map, type Observable } from 'rxjs'
import { call, type Api } from '../../http/api.js'
import type { CallOptions, Operation } from '../../http/types.js'
import type {
  ApplicationNode,
  CloudImageIdentifier,
  Module,
  ModuleHistoryItem,
  ModuleParameter,
} from './module-documents.js'
import {
  copyModule,
  getImageIdentifiers,
  getModule,
  getNodes,
  getParameters,
  listVersions,
  publishModule,
  removeModule,
  unpublishModule,
  type ModuleArguments,
} from './module-operations.js'
import { moduleReference, moduleVersion, type ModuleVersion } from './module-paths.js'

export interface ParameterSelection {
  /** Only the parameters of these names. Default: all. */
  readonly names?: readonly string[]
}

export interface CopyTarget {
  /** Path of the project that the copy is put in. */
  readonly project: string
  readonly name: string
}

/**
 * Projects, components and applications (slipstream dossier 4.1). A path is written as `a/b` or `module/a/b`, with slashes
 * around it or without; `a/b/7` is version 7, without one the latest is meant. All methods are cold.
 */
export interface Modules {
  /** Emits the module. `NotFoundError` if there is none, `PermissionError` for a version that was deleted. */
  get(path: string, options?: CallOptions): Observable<Module>
  /** Emits each parameter of the module. */
  parameters(path: string, selection?: ParameterSelection, options?: CallOptions): Observable<ModuleParameter>
  /** Emits each node of an application; none for other modules. */
  nodes(path: string, options?: CallOptions): Observable<ApplicationNode>
  /** Emits the image of a component on each cloud; none for other modules. */
  imageIdentifiers(path: string, options?: CallOptions): Observable<CloudImageIdentifier>
  /** Emits each version there is. */
  versions(path: string, options?: CallOptions): Observable<ModuleHistoryItem>
  /** Puts a version into the app store and completes. `ConflictError` if it is there already. Never retried. */
  publish(path: string, options?: CallOptions): Observable<void>
  /** Takes a version out of the app store and completes. Never retried. */
  unpublish(path: string, options?: CallOptions): Observable<void>
  /** Removes one version and completes: without one in the path, the latest, and the version before becomes the latest. Never retried: it would remove that one too. */
  remove(path: string, options?: CallOptions): Observable<void>
  /** Copies a module and emits where the copy is. Never retried. */
  copy(path: string, target: CopyTarget, options?: CallOptions): Observable<ModuleVersion>
}

export function createModules(api: Api): Modules {
  const each = <T>(
    operation: Operation<ModuleArguments, readonly T[]>,
    path: string,
    options: CallOptions | undefined,
  ): Observable<T> => call(api, operation, { path }, options).pipe(concatMap((items) => from(items)))

  return {
    get: (path, options) => call(api, getModule, { path }, options),
    parameters: (path, { names } = {}, options) => {
      const wanted = names === undefined ? undefined : checkNames(names)
      return call(api, getParameters, { path }, options).pipe(
        concatMap((all) => from(all.filter(({ name }) => wanted?.has(name) ?? true))),
      )
    },
    nodes: (path, options) => each(getNodes, path, options),
    imageIdentifiers: (path, options) => each(getImageIdentifiers, path, options),
    versions: (path, options) => each(listVersions, path, options),
    publish: (path, options) => call(api, publishModule, { path }, options),
    unpublish: (path, options) => call(api, unpublishModule, { path }, options),
    remove: (path, options) => call(api, removeModule, { path }, options),
    copy: (path, { project, name }, options) => {
      const target = moduleVersion(`${moduleReference(project, 'target.project')}/${checkName(name)}`)
      return call(api, copyModule, { path, project, name }, options).pipe(map((copy) => copy ?? target))
    },
  }
}

function checkNames(names: readonly string[]): ReadonlySet<string> {
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return new Set(names)
  throw new TypeError('selection.names: expected a list of names')
}

function checkName(name: string): string {
  if (typeof name === 'string' && /^[^/]+$/.test(name) && name !== 'new') return name
  throw new TypeError("target.name: expected a name without slashes, and not 'new', which is reserved")
}
