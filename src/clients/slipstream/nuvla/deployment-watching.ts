import {
  catchError,
  concatMap,
  defaultIfEmpty,
  defer,
  map,
  of,
  take,
  tap,
  throwError,
  type Observable,
} from 'rxjs'
import { isHttpError, isTransient, type OperationRef } from '../../../errors.js'
import type { Api } from '../../../http/api.js'
import type { OperationEvent } from '../../../streams/events.js'
import { checkWatchOptions, refer, watchOperation, type WatchOptions } from '../../../streams/operation.js'
import type { Cimi } from '../cimi.js'
import { and, eq, or } from '../filter.js'
import {
  deleted,
  gone,
  settled,
  started,
  stopped,
  vanished,
  type DeploymentClassifier,
  type DeploymentGone,
} from './deployment-states.js'
import { isOver, jobFailure } from './job-states.js'
import { JOBS } from './jobs.js'
import { resourceId } from './resource-ids.js'
import { deploymentReader, jobReader, type NuvlaDeployment, type NuvlaJob } from './schemas.js'

export const DEPLOYMENTS = 'deployment'

/** What of a deployment can be submitted; a `ref` of it attaches again. */
export type DeploymentOperation = 'create' | 'start' | 'stop' | 'update' | 'terminate' | 'watch'

/** What is waited for, and whether it may be gone. */
export interface DeploymentGoal {
  readonly classifier: DeploymentClassifier
  readonly gone?: DeploymentGone
}

/** A reference to what goes on with a deployment, by the job that does it where there is one. */
export function referTo(
  api: Api,
  operation: DeploymentOperation,
  args: { readonly id: string; readonly job?: string | undefined; readonly until?: 'deleted' | undefined },
): OperationRef {
  const { id, job, until } = args
  return refer(api, `nuvla.deployments.${operation}`, {
    id,
    ...(job === undefined ? {} : { job }),
    ...(until === undefined ? {} : { until }),
  })
}

/** The reference, if it is one: to a deployment. */
export function checkRef(target: unknown): OperationRef | undefined {
  if (typeof target !== 'object' || target === null) return undefined
  const { cloud, operation } = target as Partial<OperationRef>
  if (cloud === 'nuvla' && operation?.startsWith('nuvla.deployments.') === true) return target as OperationRef
  throw new TypeError(
    'target: expected the id of a deployment, or the ref of an operation of nuvla.deployments',
  )
}

/** How to go on with what was submitted, here or by a program that is no more. */
export function goalOf({ operation, args }: OperationRef): DeploymentGoal {
  const id = resourceId(DEPLOYMENTS, args['id'])
  const deletion = { classifier: deleted, gone: gone(id) }
  switch (operation) {
    case 'nuvla.deployments.start':
    case 'nuvla.deployments.update':
      return { classifier: started }
    case 'nuvla.deployments.stop':
      return args['until'] === 'deleted' ? deletion : { classifier: stopped }
    case 'nuvla.deployments.terminate':
      return deletion
    default:
      return { classifier: settled, gone: vanished(id) }
  }
}

/** Watches the deployment of the reference, by the job of the reference as long as that is not over. */
export function followDeployment(
  api: Api,
  cimi: Cimi,
  ref: OperationRef,
  options: WatchOptions,
  { classifier, gone: isGone }: DeploymentGoal = goalOf(ref),
): Observable<OperationEvent<NuvlaDeployment>> {
  checkWatchOptions(options)
  const { id, job } = ref.args
  const deploymentId = resourceId(DEPLOYMENTS, id, 'ref.args.id')
  const jobId = job === undefined ? undefined : resourceId(JOBS, job, 'ref.args.job')
  return defer(() => {
    const look = new DeploymentLook(api, cimi, deploymentId, jobId)
    return watchOperation(
      {
        ref,
        poll: () => look.poll(),
        classifier: () => {
          const judge = classifier()
          return (deployment) => judge(deployment, look.job)
        },
        ...(isGone === undefined ? {} : { gone: isGone }),
      },
      options,
      api.runtime,
    )
  })
}

/**
 * One look after the other at a deployment. As long as a job works on it that is one request, for the job: the deployment is
 * asked for only when the job moves on to another state.
 */
class DeploymentLook {
  /** As of the last look. */
  job: NuvlaJob | undefined
  readonly #cimi: Cimi
  readonly #id: string
  readonly #readJob: ReturnType<typeof jobReader>
  readonly #readDeployment: ReturnType<typeof deploymentReader>
  #jobId: string | undefined
  #last: NuvlaDeployment | undefined

  constructor(api: Api, cimi: Cimi, id: string, jobId: string | undefined) {
    this.#cimi = cimi
    this.#id = id
    this.#jobId = jobId
    this.#readJob = jobReader(api)
    this.#readDeployment = deploymentReader(api)
  }

  poll(): Observable<NuvlaDeployment> {
    const isFirst = this.#last === undefined
    if (this.#jobId !== undefined && (this.job === undefined || !isOver(this.job))) {
      return this.#lookAtJob(this.#jobId)
    }
    const deployment = this.#lookAtDeployment()
    return isFirst && this.#jobId === undefined
      ? deployment.pipe(concatMap((seen) => this.#findJob(seen).pipe(map(() => seen))))
      : deployment
  }

  #lookAtDeployment(): Observable<NuvlaDeployment> {
    return this.#cimi.get(this.#id, { retry: false }).pipe(
      map((found) => this.#readDeployment(found)),
      tap((deployment) => {
        this.#last = deployment
      }),
    )
  }

  #lookAtJob(jobId: string): Observable<NuvlaDeployment> {
    return this.#cimi.get(jobId, { retry: false }).pipe(
      map((found) => this.#readJob(found)),
      // Jobs are not kept for ever: without it, the state of the deployment decides.
      catchError((error: unknown) => (isHttpError(error, 404) ? of(undefined) : throwError(() => error))),
      concatMap((job) => {
        const hasMoved = job === undefined || job.state !== this.job?.state || isOver(job)
        const deployment = hasMoved || this.#last === undefined ? this.#lookAtDeployment() : of(this.#last)
        return deployment.pipe(
          tap(() => {
            this.job = job
            this.#jobId = job?.id
          }),
        )
      }),
    )
  }

  /** The job that nobody told us of: the last one, if it is the reason for the state that the deployment is in. */
  #findJob({ state }: NuvlaDeployment): Observable<NuvlaJob | undefined> {
    const hasEnded = state === 'ERROR'
    if (!hasEnded && !transitions.has(state)) return of(undefined)
    const actions = or(...['start', 'stop', 'update'].map((verb) => eq('action', `${verb}_deployment`)))
    const query = {
      filter: and(eq('target-resource/href', this.#id), actions),
      orderBy: 'created:desc',
      last: 1,
    }
    return this.#cimi.search(JOBS, query, { retry: false }).pipe(
      take(1),
      map((found) => this.#readJob(found)),
      // Who may not see jobs sees the deployment all the same.
      catchError((error: unknown) => (isTransient(error) ? throwError(() => error) : of(undefined))),
      defaultIfEmpty(undefined),
      tap((job) => {
        if (job === undefined || !(hasEnded ? jobFailure(job) !== undefined : !isOver(job))) return
        this.job = job
        this.#jobId = job.id
      }),
    )
  }
}

/** States that a job is to end. */
const transitions = new Set(['PENDING', 'STARTING', 'UPDATING', 'STOPPING'])
