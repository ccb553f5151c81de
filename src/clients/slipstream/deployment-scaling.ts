import { concatMap, from, map, type Observable } from 'rxjs'
import { call, type Api } from '../../http/api.js'
import type { CallOptions } from '../../http/types.js'
import type { OperationEvent } from '../../streams/events.js'
import { checkWatchOptions, refer, submitAndWatch } from '../../streams/operation.js'
import type { Deployment } from './deployment-types.js'
import { addInstances, listInstances, removeInstances } from './deployment-operations.js'
import { checkId, followDeployment, type DeploymentWatchOptions } from './deployment-watching.js'

/**
 * Adding and removing machines of a deployment that was made `scalable`, is Ready, and not aborted; else the server answers 409
 * (slipstream dossier 5). It is Provisioning before the answer comes, so that the next Ready is the end; an abort on the way is
 * a failure.
 */
export interface DeploymentScaling {
  /**
   * Adds instances of a node and watches the deployment until it is ready again; `done` carries the names of the new ones, `worker.2`.
   *
   * @param quantity - at least 1, which is the default
   */
  addInstances(
    id: string,
    node: string,
    quantity?: number,
    options?: DeploymentWatchOptions,
  ): Observable<OperationEvent<Deployment, readonly string[]>>
  /**
   * Removes instances of a node and watches the deployment until it is ready again.
   *
   * @param ids - numbers within the node or names: `[2, 3]`, `'2,3'`, `['worker.2', 'worker.3']`
   */
  removeInstances(
    id: string,
    node: string,
    ids: number | string | readonly (number | string)[],
    options?: DeploymentWatchOptions,
  ): Observable<OperationEvent<Deployment>>
  /** Emits the name of each instance of a node, those that were removed included; `nodes` of the deployment has the present ones. */
  instances(id: string, node: string, options?: CallOptions): Observable<string>
}

export function createDeploymentScaling(api: Api): DeploymentScaling {
  return {
    addInstances: (id, node, quantity, options = {}) => {
      checkWatchOptions(options)
      const args = { id: checkId(id), node: checkNode(node), quantity: checkQuantity(quantity) }
      return submitAndWatch(
        call(api, addInstances, args, { retry: false, ...options.call }),
        (names) => {
          const ref = refer(api, addInstances, { id, node, instances: names.join(',') })
          return {
            ref,
            events: followDeployment(api, ref, options).pipe(map((event) => withResult(event, names))),
          }
        },
        options.signal,
      )
    },
    removeInstances: (id, node, ids, options = {}) => {
      checkWatchOptions(options)
      const args = { id: checkId(id), node: checkNode(node), ids: idsOf(node, ids) }
      return submitAndWatch(
        call(api, removeInstances, args, { retry: false, ...options.call }),
        () => {
          const ref = refer(api, removeInstances, { id, node, ids: args.ids.join(',') })
          return { ref, events: followDeployment(api, ref, options) }
        },
        options.signal,
      )
    },
    instances: (id, node, options) =>
      call(api, listInstances, { id: checkId(id), node: checkNode(node) }, options).pipe(
        concatMap((names) => from(names)),
      ),
  }
}

function withResult<R>(event: OperationEvent<Deployment>, result: R): OperationEvent<Deployment, R> {
  return event.kind === 'done' ? { ...event, result } : event
}

// Anything else in this place is a runtime parameter to the server, and an unknown one aborts the deployment (4.2, 5).
function checkNode(node: unknown): string {
  if (typeof node === 'string' && /^\w+$/.test(node)) return node
  throw new TypeError('node: expected the name of a node, of letters, digits and underscores')
}

function checkQuantity(quantity: unknown): number | undefined {
  if (quantity === undefined || (Number.isInteger(quantity) && (quantity as number) >= 1)) {
    return quantity as number | undefined
  }
  throw new TypeError('quantity: expected a whole number of at least 1')
}

function idsOf(node: string, ids: unknown): readonly number[] {
  const list: readonly unknown[] = Array.isArray(ids) ? ids : [ids]
  const numbers = list.flatMap((part) => String(part).split(',')).map((part) => idOf(node, part.trim()))
  if (numbers.length > 0) return [...new Set(numbers)]
  throw new TypeError('ids: expected at least one instance')
}

function idOf(node: string, text: string): number {
  const digits = text.startsWith(`${node}.`) ? text.slice(node.length + 1) : text
  if (/^\d{1,15}$/.test(digits)) return Number(digits)
  throw new TypeError(`ids: expected numbers of instances such as 2 or '2,3', but there is '${text}'`)
}
