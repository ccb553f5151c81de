import { catchError, concat, concatMap, EMPTY, map, of, throwError, type Observable } from 'rxjs'
import { isHttpError, type OperationRef } from '../../../errors.js'
import type { Api } from '../../../http/api.js'
import type { CallOptions } from '../../../http/types.js'
import { abortable } from '../../../operators/index.js'
import {
  createCollectionWatch,
  type CollectionEvent,
  type CollectionWatchOptions,
} from '../../../streams/collection.js'
import type { OperationEvent } from '../../../streams/events.js'
import { checkWatchOptions, submitAndWatch, type WatchOptions } from '../../../streams/operation.js'
import type { Cimi, CimiSearch } from '../cimi.js'
import { createNuvlaParameters, type NuvlaParameters } from './deployment-parameters.js'
import { deletable, gone, isDeletable, reachedState } from './deployment-states.js'
import {
  checkRef,
  DEPLOYMENTS,
  followDeployment,
  goalOf,
  referTo,
  type DeploymentOperation,
} from './deployment-watching.js'
import { withState } from './jobs.js'
import { addedId, jobOf, resourceId } from './resource-ids.js'
import {
  deploymentReader,
  type NuvlaDeployment,
  type NuvlaDeploymentItem,
  type NuvlaDeploymentState,
} from './schemas.js'

/** Waiting for a deployment, and how the requests that submit are sent. */
export interface NuvlaDeploymentWatchOptions extends WatchOptions {
  /** Of the requests that submit. */
  readonly call?: CallOptions
}
export interface NuvlaAttachOptions extends NuvlaDeploymentWatchOptions {
  /** The state to wait for. Default: what the `ref` is about, or until nothing is going on any more. */
  readonly until?: NuvlaDeploymentState
}
/** What else to do away with when a deployment is stopped. */
export interface NuvlaRemovalOptions {
  readonly removeVolumes?: boolean
  readonly removeImages?: boolean
}
export interface NuvlaStopOptions extends NuvlaDeploymentWatchOptions, NuvlaRemovalOptions {
  /** Deletes the deployment when it is stopped. */
  readonly delete?: boolean
}
export interface NuvlaTerminateOptions extends NuvlaDeploymentWatchOptions, NuvlaRemovalOptions {}

/** What a deployment is made of beside its module. */
export interface NuvlaDeploymentSpec {
  /** The credential of the infrastructure to run on: `credential/…`. May be set later. */
  readonly parent?: string
  readonly name?: string
  readonly description?: string
  readonly tags?: readonly string[]
  /** Fields of the document that have no name here. */
  readonly fields?: Readonly<Record<string, unknown>>
}
export interface NuvlaDeployOptions extends NuvlaDeploymentSpec, NuvlaDeploymentWatchOptions {}

/**
 * Deployments of Nuvla (slipstream dossier, appendix N). All methods are cold: nothing is sent before the subscription, and subscribing
 * to `deploy` twice deploys twice. Ids are `deployment/<uuid>`, or the uuid alone. An action that the deployment does not offer
 * in its state, or to this user, is a `ConfigurationError` that says what it offers; an account without subscription gets an
 * `HttpError` with status 402.
 *
 * While a job works on a deployment, `progress` has its percentage and its message, and one poll is one request.
 */
export interface NuvlaDeployments extends NuvlaParameters {
  /** Emits each deployment that the query finds; pages are fetched as they are consumed. A `select` always has the state. */
  list(query?: CimiSearch, options?: CallOptions): Observable<NuvlaDeployment>
  get(id: string, options?: CallOptions): Observable<NuvlaDeployment>
  /**
   * Makes a deployment, which is not started, and emits it. Never retried unless asked for: it would make two.
   *
   * @param module - `module/<uuid>`, of a version `module/<uuid>_<version>`
   */
  create(module: string, spec?: NuvlaDeploymentSpec, options?: CallOptions): Observable<NuvlaDeployment>
  /** Chooses the infrastructure that a deployment runs on, by its credential: the deployment's `parent`. Emits the deployment. */
  setCredential(id: string, credential: string, options?: CallOptions): Observable<NuvlaDeployment>
  /** Deletes a deployment that is CREATED or STOPPED. */
  remove(id: string, options?: CallOptions): Observable<void>
  /** Deletes a deployment in any state, and leaves behind whatever runs. */
  forceRemove(id: string, options?: CallOptions): Observable<void>
  /**
   * Makes a deployment, starts it, and watches it until it is STARTED.
   *
   * ```
   * requests  -c-s
   * polls        -(10 %)---(70 %)---(STARTED)
   * events   -c-s-p---------p--------(pd|)      c, s = submitted, p = progress, d = done
   * ```
   * Each of the two `submitted` has the `ref` of what was accepted: if starting fails, the first one names the deployment that is left.
   * Errors with `OperationFailedError` and the message of the job when that fails or is cancelled, or when the deployment
   * is in ERROR. Unsubscribing ends the watching; the cloud goes on.
   */
  deploy(module: string, options?: NuvlaDeployOptions): Observable<OperationEvent<NuvlaDeployment>>
  /** Starts a deployment that is CREATED or STOPPED, and watches it until it is STARTED. */
  start(id: string, options?: NuvlaDeploymentWatchOptions): Observable<OperationEvent<NuvlaDeployment>>
  /** Stops a deployment and watches it until it is STOPPED, or with `delete` until it is gone: `done` has it as it was last seen. */
  stop(id: string, options?: NuvlaStopOptions): Observable<OperationEvent<NuvlaDeployment>>
  /** Applies what was changed in the document, and watches the deployment until it is STARTED again. */
  update(id: string, options?: NuvlaDeploymentWatchOptions): Observable<OperationEvent<NuvlaDeployment>>
  /**
   * Stops a deployment if need be, waits until it may be deleted, and deletes it: `done` has it as it was last seen. The `ref` of it
   * attaches to the stopping; whoever lets go before the end calls `terminate` again, which goes on from there.
   */
  terminate(id: string, options?: NuvlaTerminateOptions): Observable<OperationEvent<NuvlaDeployment>>
  /**
   * Attaches to what is going on with a deployment, by its id or by the `ref` of an earlier event, also after a restart of the program.
   * Never changes anything.
   */
  watch(
    target: string | OperationRef,
    options?: NuvlaAttachOptions,
  ): Observable<OperationEvent<NuvlaDeployment>>
  /**
   * Watches all deployments, or those of the ids, for the price of one poll of the list that all watchers of this client share. An id
   * that does not exist, or is not to be seen, is not among the items. Completes only by `until`.
   */
  watchAll(
    options?: CollectionWatchOptions<NuvlaDeploymentItem>,
  ): Observable<CollectionEvent<NuvlaDeploymentItem>>
}

/** What `watchAll` shows; the document of a module can be large. */
const ITEM_FIELDS = [
  'id',
  'state',
  'name',
  'description',
  'parent',
  'tags',
  'execution-mode',
  'created',
  'updated',
] as const satisfies readonly (keyof NuvlaDeploymentItem)[]

export function createNuvlaDeployments(api: Api, cimi: Cimi): NuvlaDeployments {
  const read = deploymentReader(api)
  const idOf = (id: unknown): string => resourceId(DEPLOYMENTS, id)
  const get = (id: string, options?: CallOptions): Observable<NuvlaDeployment> =>
    cimi.get(id, options).pipe(map(read))

  const add = (module: string, spec: NuvlaDeploymentSpec, options?: CallOptions): Observable<string> => {
    const document = documentOf(module, spec)
    return cimi.add(DEPLOYMENTS, document, options).pipe(map((added) => addedId(DEPLOYMENTS, added)))
  }

  /** Asks for an action, then watches what it does. */
  const act = (
    id: string,
    operation: Extract<DeploymentOperation, 'start' | 'stop' | 'update'>,
    options: NuvlaStopOptions,
    data?: object,
  ): Observable<OperationEvent<NuvlaDeployment>> => {
    checkWatchOptions(options)
    const until = options.delete === true ? 'deleted' : undefined
    return submitAndWatch(
      cimi.operate(id, operation, data, options.call),
      (accepted) => {
        const ref = referTo(api, operation, { id, job: jobOf(accepted), until })
        return { ref, events: followDeployment(api, cimi, ref, options) }
      },
      options.signal,
    )
  }

  const watchAll = createCollectionWatch<NuvlaDeploymentItem>(
    {
      // By age, so that what is new comes last and nothing slips between two pages.
      poll: () =>
        cimi
          .search(DEPLOYMENTS, { select: ITEM_FIELDS, orderBy: 'created:asc' }, { retry: false })
          .pipe(map((found) => itemOf(read(found)))),
      idOf: ({ id }) => id,
      version: (item) => JSON.stringify(item),
      missing: (id) =>
        cimi.get(id, { select: ITEM_FIELDS, retry: false }).pipe(
          map((found) => itemOf(read(found))),
          catchError((error: unknown) =>
            isHttpError(error, 404) || isHttpError(error, 403) ? EMPTY : throwError(() => error),
          ),
        ),
    },
    api.runtime,
  )

  return {
    ...createNuvlaParameters(api, cimi),
    list: (query = {}, options) => cimi.search(DEPLOYMENTS, withState(query), options).pipe(map(read)),
    get: (id, options) => get(idOf(id), options),
    create: (module, spec = {}, options) =>
      add(module, spec, options).pipe(concatMap((id) => get(id, options))),
    setCredential: (id, credential, options) =>
      cimi
        .edit(idOf(id), { parent: resourceId('credential', credential, 'credential') }, options)
        .pipe(map(read)),
    remove: (id, options) => cimi.remove(idOf(id), options).pipe(map(() => undefined)),
    forceRemove: (id, options) =>
      cimi.operate(idOf(id), 'force-delete', undefined, options).pipe(map(() => undefined)),
    deploy: (module, options = {}) => {
      checkWatchOptions(options)
      return submitAndWatch(
        add(module, options, options.call),
        (id) => ({ ref: referTo(api, 'create', { id }), events: act(id, 'start', options) }),
        options.signal,
      )
    },
    start: (id, options = {}) => act(idOf(id), 'start', options),
    stop: (id, options = {}) => act(idOf(id), 'stop', options, stopData(options)),
    update: (id, options = {}) => act(idOf(id), 'update', options),
    terminate: (id, options = {}) => terminate(idOf(id), options),
    watch: (target, { until, ...options } = {}) => {
      const ref = checkRef(target) ?? referTo(api, 'watch', { id: idOf(target) })
      const goal = until === undefined ? goalOf(ref) : { classifier: reachedState(until) }
      return followDeployment(api, cimi, ref, options, goal)
    },
    watchAll: (options = {}) => {
      const { ids } = options
      return watchAll(Array.isArray(ids) ? { ...options, ids: ids.map(idOf) } : options)
    },
  }

  function terminate(
    id: string,
    options: NuvlaTerminateOptions,
  ): Observable<OperationEvent<NuvlaDeployment>> {
    checkWatchOptions(options)
    const { call, signal } = options
    const remove = cimi
      .remove(id, call)
      .pipe(
        catchError((error: unknown) => (isHttpError(error, 404) ? of(undefined) : throwError(() => error))),
      )
    const follow = (job: string | undefined): Observable<OperationEvent<NuvlaDeployment>> => {
      const ref = referTo(api, 'terminate', { id, job })
      const events = followDeployment(api, cimi, ref, options, { classifier: deletable, gone: gone(id) })
      return concat(of({ kind: 'submitted', ref } as const), events).pipe(
        concatMap((event) => (event.kind === 'done' ? remove.pipe(map(() => event)) : of(event))),
      )
    }
    const events = get(id, call).pipe(
      concatMap((deployment) => {
        if (isDeletable(deployment) || deployment.state === 'STOPPING') return follow(undefined)
        return cimi
          .operate(id, 'stop', stopData(options), call)
          .pipe(concatMap((accepted) => follow(jobOf(accepted))))
      }),
    )
    return signal === undefined ? events : events.pipe(abortable(signal))
  }
}

function itemOf(deployment: NuvlaDeployment): NuvlaDeploymentItem {
  const fields = ITEM_FIELDS.map((field) => [field, deployment[field]] as const)
  return Object.fromEntries(
    fields.filter(([, value]) => value !== undefined),
  ) as unknown as NuvlaDeploymentItem
}

function documentOf(module: string, spec: NuvlaDeploymentSpec): object {
  const { parent, name, description, tags, fields } = spec
  return {
    ...fields,
    module: { href: resourceId('module', module, 'module') },
    ...(parent === undefined ? {} : { parent: resourceId('credential', parent, 'parent') }),
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(tags === undefined ? {} : { tags }),
  }
}

/** The body of the stop; none, if there is nothing to say. */
function stopData(options: NuvlaStopOptions): object | undefined {
  const wanted = {
    delete: options.delete,
    'remove-volumes': options.removeVolumes,
    'remove-images': options.removeImages,
  }
  const said = Object.entries(wanted).filter(([, value]) => value !== undefined)
  return said.length === 0 ? undefined : Object.fromEntries(said)
}
