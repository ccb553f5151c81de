import { segment } from '../../http/codecs.js'

/** Where a module is, without `module/` in front, and which of its versions is meant. */
export interface ModuleVersion {
  readonly path: string
  readonly version?: number
}

/**
 * `module/a/b` for any way to write the path of a module: with slashes around it, with `module/` in front
 * (slipstream dossier 4).
 *
 * @param argument - what the path is called in the error
 * @throws TypeError if it is no path of a module
 */
export function moduleReference(path: string, argument = 'path'): string {
  return `module/${segmentsOf(path, argument).join('/')}`
}

/** The encoded path of a request for a module. */
export function modulePath(path: string, argument = 'path'): string {
  return `/module/${segmentsOf(path, argument).map(segment).join('/')}`
}

/** The same without a version at its end. */
export function unversionedModulePath(path: string, argument = 'path'): string {
  return modulePath(moduleVersion(moduleReference(path, argument)).path, argument)
}

/** Whether the path leads to the root of all projects. */
export function isModuleRoot(path: string | undefined): boolean {
  return path === undefined || (typeof path === 'string' && bare(path) === '')
}

/** Reads `module/a/b/3`, also within an address; a last segment of digits is a version. */
export function moduleVersion(uri: string): ModuleVersion {
  const at = `/${uri}`.indexOf('/module/')
  const path = (at < 0 ? uri : uri.slice(at + 'module/'.length)).replaceAll(/^\/+|\/+$/g, '')
  const version = /^(.+)\/(\d+)$/.exec(path)
  return version === null ? { path } : { path: version[1] ?? '', version: Number(version[2]) }
}

function segmentsOf(path: unknown, argument: string): readonly string[] {
  const segments = typeof path === 'string' ? bare(path).split('/') : []
  if (segments.length === 0 || segments.some((name) => name === '' || name === '.' || name === '..')) {
    throw new TypeError(`${argument}: expected the path of a module, such as 'apps/WordPress/wordpress'`)
  }
  return segments
}

function bare(path: string): string {
  return path.replaceAll(/^\/+|\/+$/g, '').replace(/^module(?:\/+|$)/, '')
}
