import { map, type Observable } from 'rxjs'
import { call, type Api } from '../../http/api.js'
import { query } from '../../http/codecs.js'
import type { CallOptions, Operation } from '../../http/types.js'
import { paginate } from '../../operators/index.js'
import { countOption } from '../../operators/option-values.js'
import {
  acceptXml,
  attribute,
  children,
  fields,
  flag,
  number,
  xmlDocument,
  type XmlElement,
} from './xml-values.js'

// Slipstream dossier 4.5.

/** A virtual machine on one of the user's clouds. What the cloud does not tell is not there. */
export interface VirtualMachine {
  /** Of the machine on its cloud. */
  readonly instanceId?: string
  readonly cloud?: string
  readonly user?: string
  readonly state?: string
  /** When it was last seen, as the server writes it. */
  readonly measurement?: string
  /** The deployment it belongs to; not there for machines that were started by other means. */
  readonly runUuid?: string
  readonly runOwner?: string
  readonly ip?: string
  readonly name?: string
  readonly nodeName?: string
  readonly nodeInstanceId?: number
  readonly isUsable?: boolean
  /** Cores. */
  readonly cpu?: number
  readonly ram?: number
  readonly disk?: number
  readonly instanceType?: string
  readonly [attribute: string]: unknown
}

export interface VirtualMachineFilter {
  /** Only machines of this deployment. */
  readonly deploymentId?: string
  /** Only machines on this cloud. */
  readonly cloud?: string
  /** How many to leave out at the beginning. Default 0. */
  readonly offset?: number
  /** Machines asked for at a time. Default 100. */
  readonly pageSize?: number
}

/** Virtual machines. Servers since 3.62 have them in CIMI only, as `virtualMachines`, and answer 404 here. */
export interface VirtualMachines {
  /** Emits each machine, the one seen last first; pages are requested as they are needed. */
  list(filter?: VirtualMachineFilter, options?: CallOptions): Observable<VirtualMachine>
}

interface PageArguments {
  readonly offset: number
  readonly limit: number
  readonly runUuid: string
  readonly cloud: string
}
interface Page {
  readonly items: readonly VirtualMachine[]
  readonly offset: number
  readonly totalCount: number | undefined
}

export const listVirtualMachines: Operation<PageArguments, Omit<Page, 'offset'>> = {
  id: 'slipstream.virtualMachines.list',
  method: 'GET',
  path: '/vms',
  success: [200],
  // Filters that are not set are sent as well, empty, as the reference client does.
  encode: ({ offset, limit, runUuid, cloud }) => ({
    path: '/vms',
    query: query({ offset, limit, runUuid, cloud }),
    headers: acceptXml,
  }),
  decode: xmlDocument(['vms'], (root) => ({
    items: children(root, 'vm').map(readVirtualMachine),
    totalCount: number(attribute(root, 'totalCount')),
  })),
}

function readVirtualMachine(element: XmlElement): VirtualMachine {
  return fields(element, { nodeInstanceId: number, isUsable: flag, cpu: number, ram: number, disk: number })
}

export function createVirtualMachines(api: Api): VirtualMachines {
  return {
    list: ({ deploymentId, cloud, offset: start = 0, pageSize = 100 } = {}, options) => {
      const limit = wholeNumber('filter.pageSize', pageSize, 1)
      const runUuid = word('filter.deploymentId', deploymentId)
      const where = { limit, runUuid, cloud: word('filter.cloud', cloud) }
      const request = (offset: number): Observable<Page> =>
        call(api, listVirtualMachines, { ...where, offset }, options).pipe(
          map((page) => ({ ...page, offset })),
        )
      return paginate(
        request(wholeNumber('filter.offset', start, 0)),
        ({ items, offset, totalCount }) => {
          const next = offset + items.length
          const more = totalCount === undefined ? items.length >= limit : next < totalCount
          return more && items.length > 0 ? request(next) : undefined
        },
        ({ items }) => items,
      )
    },
  }
}

function wholeNumber(name: string, value: number, min: number): number {
  const count = countOption(name, value, min)
  if (count === Infinity) throw new TypeError(`${name} must be a whole number, but is Infinity`)
  return count
}

function word(name: string, value: unknown): string {
  if (value === undefined) return ''
  if (typeof value === 'string' && value !== '') return value
  throw new TypeError(`${name}: expected a text that is not empty`)
}
