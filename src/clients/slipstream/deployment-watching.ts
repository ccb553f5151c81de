import type { Observable } from 'rxjs'
import type { OperationRef } from '../../errors.js'
import { call, type Api } from '../../http/api.js'
import type { CallOptions } from '../../http/types.js'
import type { OperationEvent } from '../../streams/events.js'
import { watchOperation, type WatchOptions } from '../../streams/operation.js'
import type { Deployment } from './deployment-types.js'
import { getDeployment, terminateDeployment } from './deployment-operations.js'
import { checkTarget, reached, terminated, type DeploymentClassifier } from './deployment-states.js'

/** Waiting for a deployment, and how the request that submits is sent. */
export interface DeploymentWatchOptions extends WatchOptions {
  /** Of the request that submits. */
  readonly call?: CallOptions
}

/** Watches the deployment of the reference. A 404 of a poll is an error: deployments do not go away when they are over. */
export function followDeployment(
  api: Api,
  ref: OperationRef,
  options: WatchOptions,
  classifier: DeploymentClassifier = classifierOf(ref),
): Observable<OperationEvent<Deployment>> {
  const id = checkId(ref.args['id'])
  const poll = (): Observable<Deployment> => call(api, getDeployment, { id }, { retry: false })
  return watchOperation({ ref, classifier, poll }, options, api.runtime)
}

/** How to go on with what was submitted, here or by a program that is no more. */
function classifierOf({ operation, args }: OperationRef): DeploymentClassifier {
  if (operation === terminateDeployment.id) return terminated
  return reached(args['until'] === undefined ? 'ready' : checkTarget(args['until']))
}

/** @throws TypeError if it cannot be the id of a deployment */
export function checkId(id: unknown): string {
  if (typeof id === 'string' && /^[^/]+$/.test(id)) return id
  throw new TypeError('id: expected the id (uuid) of a deployment')
}

/** The reference, if it is one: to a deployment of this cloud. */
export function checkRef(target: unknown): OperationRef | undefined {
  if (typeof target !== 'object' || target === null) return undefined
  const { cloud, operation, args } = target as Partial<OperationRef>
  if (cloud !== 'slipstream' || !/^slipstream\.(?:deployments|components)\./.test(operation ?? '')) {
    throw new TypeError('target: expected the id of a deployment, or the ref of an operation of slipstream')
  }
  checkId(args?.['id'])
  return target as OperationRef
}
