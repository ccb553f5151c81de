import { catchError, defer, EMPTY, map, take, throwError, type Observable } from 'rxjs'
import { isHttpError, type OperationRef } from '../../errors.js'
import { call, type Api } from '../../http/api.js'
import type { CallOptions } from '../../http/types.js'
import { paginate, result } from '../../operators/index.js'
import {
  createCollectionWatch,
  type CollectionEvent,
  type CollectionWatchOptions,
} from '../../streams/collection.js'
import type { OperationEvent } from '../../streams/events.js'
import { checkWatchOptions, refer, submitAndWatch } from '../../streams/operation.js'
import type { CimiResource } from './cimi-schemas.js'
import type { Cimi } from './cimi.js'
import { deployForm, type DeploySpec } from './deploy-form.js'
import { itemOfDeployment } from './deployment-documents.js'
import {
  abortDeployment,
  createDeployment,
  getDeployment,
  listDeployments,
  resetAbort,
  terminateDeployment,
  type DeploymentQuery,
} from './deployment-operations.js'
import { createDeploymentParameters, type DeploymentParameters } from './deployment-parameters.js'
import { createDeploymentScaling, type DeploymentScaling } from './deployment-scaling.js'
import { checkTarget, isFinal, type DeploymentTarget } from './deployment-states.js'
import { checkId, checkRef, followDeployment, type DeploymentWatchOptions } from './deployment-watching.js'
import type { Deployment, DeploymentItem } from './deployment-types.js'
import { and, eq, gt, or } from './filter.js'
import { moduleReference } from './module-paths.js'

/** Which deployments, the newest first. */
export interface DeploymentFilter {
  /** Also those that are over. Default false. */
  readonly inactive?: boolean
  /** Part of the name of a cloud. */
  readonly cloud?: string
  /** Path of a module with its version: `apps/WordPress/wordpress/1942`. */
  readonly module?: string
  /** Only for privileged users. */
  readonly user?: string
  readonly runOwner?: string
  /** How many of the newest to leave out. Default 0. */
  readonly offset?: number
  /** At most so many. Default: all. */
  readonly limit?: number
}

export interface DeploymentAttachOptions extends DeploymentWatchOptions {
  /** What to wait for. Default `ready`. */
  readonly until?: DeploymentTarget
}

/** How to deploy, and how to wait for it. */
export interface DeployOptions extends DeploySpec, DeploymentAttachOptions {}

export interface DeploymentEventFilter {
  /** Types of events. Default: all. */
  readonly types?: readonly ('state' | 'alarm' | 'action' | 'system' | (string & {}))[]
  /** Only those after this instant. */
  readonly since?: Date
}

/** Something that happened to a deployment (slipstream dossier 5, "Events"). */
export interface DeploymentEvent extends CimiResource {
  readonly type: 'state' | 'alarm' | 'action' | 'system' | (string & {})
  readonly severity: 'critical' | 'high' | 'medium' | 'low' | (string & {})
  /** ISO 8601. */
  readonly timestamp: string
  /** `state` is the name of a state, or what happened in words. */
  readonly content: { readonly resource: { readonly href: string }; readonly state: string }
}

/**
 * Deployments of components and applications, "runs" on the wire (slipstream dossier 4.2, 4.3, 5). All methods are cold: nothing
 * is sent before the subscription, and subscribing to `deploy` twice deploys twice. Ids are those of `uuid`.
 */
export interface Deployments extends DeploymentParameters, DeploymentScaling {
  /** Emits each deployment, active ones only unless `inactive`; pages of up to 500 are fetched as they are consumed. */
  list(filter?: DeploymentFilter, options?: CallOptions): Observable<DeploymentItem>
  /** Emits the deployment with its instances and runtime parameters. */
  get(id: string, options?: CallOptions): Observable<Deployment>
  /** Submits a deployment and emits its id; `watch` tells when it is ready. Never retried unless asked for: it would deploy twice. */
  create(path: string, spec?: DeploySpec, options?: CallOptions): Observable<string>
  /**
   * Deploys a module and watches the deployment until it is ready.
   *
   * ```
   * request  -s
   * polls      -(Provisioning)---(Executing)---(Ready)
   * events   -s-p----------------p-------------(pd|)      s = submitted, p = progress, d = done
   * ```
   * A `progress` tells each change of the state, of the percentage, of what the machines say (`message`), and of the service's
   * address. Errors with `OperationFailedError` and the abort message as soon as the deployment is aborted. Unsubscribing ends
   * the watching; the deployment goes on.
   *
   * @param path - of a component or an application, with or without version: `apps/WordPress/wordpress`
   * @throws TypeError naming the argument that is wrong
   */
  deploy(path: string, options?: DeployOptions): Observable<OperationEvent<Deployment>>
  /**
   * Attaches to a deployment, by its id or by the `ref` of an earlier event, also after a restart of the program. Until `ready`, it ends
   * with Ready or Done; an abort, or the end as Aborted, Cancelled or Unknown, is an `OperationFailedError`.
   */
  watch(
    target: string | OperationRef,
    options?: DeploymentAttachOptions,
  ): Observable<OperationEvent<Deployment>>
  /** Emits the deployment once it is ready. Errors as `watch` does. */
  waitReady(id: string, options?: DeploymentWatchOptions): Observable<Deployment>
  /**
   * Terminates a deployment and watches it until it is over, which may be at once: `done` carries it as Cancelled, Done, or Aborted. One that
   * is over already is left as it is.
   */
  terminate(id: string, options?: DeploymentWatchOptions): Observable<OperationEvent<Deployment>>
  /** Raises the abort flag with this message, of 1 to 4096 characters. `ConflictError` if it is raised already. */
  abort(id: string, message: string, options?: CallOptions): Observable<void>
  /** Takes the abort flag down, and the recovery mode with it. */
  resetAbort(id: string, options?: CallOptions): Observable<void>
  /** Emits what happened to a deployment, the newest first. */
  events(id: string, filter?: DeploymentEventFilter, options?: CallOptions): Observable<DeploymentEvent>
  /**
   * Watches all active deployments, or those of the ids, for the price of one poll of the list that all watchers of this client share.
   * One that leaves the list is told in its final state. An id that does not exist, or is of another user, is not among the items.
   * Completes only by `until`.
   */
  watchAll(options?: CollectionWatchOptions<DeploymentItem>): Observable<CollectionEvent<DeploymentItem>>
}

const LARGEST_PAGE = 500
const LONGEST_MESSAGE = 4096

export function createDeployments(api: Api, cimi: Cimi): Deployments {
  const watchAll = createCollectionWatch<DeploymentItem>(
    {
      poll: () => listPages(api, { activeOnly: true }, 0, Infinity, { retry: false }),
      idOf: ({ uuid }) => uuid,
      version: (item) => JSON.stringify(item),
      missing: (id) =>
        call(api, getDeployment, { id }, { retry: false }).pipe(
          map(itemOfDeployment),
          catchError((error: unknown) =>
            isHttpError(error, 404) || isHttpError(error, 403) ? EMPTY : throwError(() => error),
          ),
        ),
      final: ({ state }) => isFinal(state),
    },
    api.runtime,
  )

  const watch: Deployments['watch'] = (target, { until, ...options } = {}) => {
    checkWatchOptions(options)
    if (until !== undefined) checkTarget(until)
    const attached = checkRef(target)
    const args = { id: checkId(attached?.args['id'] ?? target), ...(until === undefined ? {} : { until }) }
    const ref =
      attached === undefined || until !== undefined
        ? refer(api, 'slipstream.deployments.watch', args)
        : attached
    return followDeployment(api, ref, options)
  }

  return {
    ...createDeploymentParameters(api),
    ...createDeploymentScaling(api),
    list: (filter = {}, options) => {
      const { offset = 0, limit = Infinity } = filter
      return listPages(api, queryOf(filter), checkOffset(offset), checkLimit(limit), options)
    },
    get: (id, options) => call(api, getDeployment, { id: checkId(id) }, options),
    create: (path, spec, options) =>
      call(api, createDeployment, deployForm(path, spec), { retry: false, ...options }),
    deploy: (path, options = {}) => {
      checkWatchOptions(options)
      const { until } = options
      const args = until === undefined ? {} : { until: checkTarget(until) }
      return submitAndWatch(
        call(api, createDeployment, deployForm(path, options), { retry: false, ...options.call }),
        (id) => {
          const ref = refer(api, createDeployment, { id, ...args })
          return { ref, events: followDeployment(api, ref, options) }
        },
        options.signal,
      )
    },
    watch,
    waitReady: (id, options) => watch(checkId(id), options).pipe(result()),
    terminate: (id, options = {}) => {
      checkWatchOptions(options)
      return submitAndWatch(
        call(api, terminateDeployment, { id: checkId(id) }, options.call),
        () => {
          const ref = refer(api, terminateDeployment, { id })
          return { ref, events: followDeployment(api, ref, options) }
        },
        options.signal,
      )
    },
    abort: (id, message, options) =>
      call(api, abortDeployment, { id: checkId(id), message: checkMessage(message) }, options),
    resetAbort: (id, options) => call(api, resetAbort, { id: checkId(id) }, options),
    events: (id, { types = [], since } = {}, options) => {
      const filter = and(
        eq('content/resource/href', `run/${checkId(id)}`),
        ...(types.length === 0 ? [] : [or(...types.map((type) => eq('type', type)))]),
        ...(since === undefined ? [] : [gt('timestamp', since)]),
      )
      return cimi.search<DeploymentEvent>('events', { filter }, options)
    },
    watchAll: (options) => {
      options?.ids?.forEach(checkId)
      return watchAll(options)
    },
  }
}

function queryOf(filter: DeploymentFilter): Omit<DeploymentQuery, 'offset' | 'limit'> {
  const { inactive = false, cloud, module, user, runOwner } = filter
  return {
    activeOnly: !inactive,
    cloud,
    moduleResourceUri: module === undefined ? undefined : moduleReference(module, 'module'),
    user,
    runOwner,
  }
}

/**
 * All pages. A deployment that is made in the meantime shifts the others, so that the last ones of a page come again: each is
 * emitted once.
 */
function listPages(
  api: Api,
  query: Omit<DeploymentQuery, 'offset' | 'limit'>,
  offset: number,
  limit: number,
  options?: CallOptions,
): Observable<DeploymentItem> {
  const size = Math.min(limit, LARGEST_PAGE)
  const pageAt = (start: number): Observable<Page> =>
    call(api, listDeployments, { ...query, offset: start, limit: size }, options).pipe(
      map(({ items, totalCount }) => {
        const end = start + items.length
        const isLast =
          items.length === 0 || (totalCount === undefined ? items.length < size : end >= totalCount)
        return { items, next: isLast ? undefined : end }
      }),
    )
  const first = pageAt(offset)
  return defer(() => {
    let before: ReadonlySet<string> = new Set()
    const unseen = ({ items }: Page): readonly DeploymentItem[] => {
      const fresh = items.filter(({ uuid }) => !before.has(uuid))
      before = new Set(items.map(({ uuid }) => uuid))
      return fresh
    }
    const pages = paginate(first, ({ next }) => (next === undefined ? undefined : pageAt(next)), unseen)
    return limit === Infinity ? pages : pages.pipe(take(limit))
  })
}

interface Page {
  readonly items: readonly DeploymentItem[]
  readonly next: number | undefined
}

function checkOffset(offset: unknown): number {
  if (Number.isInteger(offset) && (offset as number) >= 0) return offset as number
  throw new TypeError('offset: expected a whole number that is not negative')
}

function checkLimit(limit: unknown): number {
  if (limit === Infinity || (Number.isInteger(limit) && (limit as number) >= 1)) return limit as number
  throw new TypeError('limit: expected a whole number of at least 1')
}

function checkMessage(message: unknown): string {
  if (typeof message === 'string' && message.trim() !== '' && message.length <= LONGEST_MESSAGE)
    return message
  throw new TypeError(`message: expected a text of 1 to ${String(LONGEST_MESSAGE)} characters`)
}
