import { concatMap, from, type Observable } from 'rxjs'
import { call, type Api } from '../../http/api.js'
import type { CallOptions, Operation } from '../../http/types.js'
import {
  acceptXml,
  child,
  children,
  fields,
  number,
  required,
  xmlDocument,
  type XmlElement,
} from './xml-values.js'

// Slipstream dossier 4.5.

/** What is in use on a cloud. Servers since 3.42 tell fewer numbers: those are not there, rather than 0. */
export interface Usage {
  /** A cloud, or `All Clouds`. */
  readonly cloud: string
  readonly vmQuota?: number
  readonly userRunUsage?: number
  readonly userVmUsage?: number
  readonly userInactiveVmUsage?: number
  readonly othersVmUsage?: number
  readonly pendingVmUsage?: number
  readonly unknownVmUsage?: number
  readonly [attribute: string]: unknown
}

/** How much of the clouds is in use. */
export interface Usages {
  /** Emits what is in use on each cloud, then on all of them together. One request. */
  list(options?: CallOptions): Observable<Usage>
}

export const listUsage: Operation<void, readonly Usage[]> = {
  id: 'slipstream.usage.list',
  method: 'GET',
  path: '/dashboard',
  success: [200],
  encode: () => ({ path: '/dashboard', headers: acceptXml }),
  decode: xmlDocument(['dashboard'], (root) =>
    children(child(root, 'cloudUsages'), 'cloudUsage').map(readUsage),
  ),
}

function readUsage(element: XmlElement): Usage {
  const numbers = {
    vmQuota: number,
    userRunUsage: number,
    userVmUsage: number,
    userInactiveVmUsage: number,
    othersVmUsage: number,
    pendingVmUsage: number,
    unknownVmUsage: number,
  }
  return { ...fields(element, numbers), cloud: required(element, 'cloud') }
}

export function createUsage(api: Api): Usages {
  return {
    list: (options) => call(api, listUsage, undefined, options).pipe(concatMap((clouds) => from(clouds))),
  }
}
