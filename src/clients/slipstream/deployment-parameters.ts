import {
  catchError,
  concatMap,
  defer,
  distinctUntilChanged,
  filter,
  from,
  map,
  of,
  throwError,
  type Observable,
} from 'rxjs'
import { ConfigurationError, isHttpError, OperationFailedError, type OperationRef } from '../../errors.js'
import { call, type Api } from '../../http/api.js'
import type { CallOptions } from '../../http/types.js'
import {
  checkWatchOptions,
  refer,
  watchOperation,
  type Verdict,
  type WatchOptions,
} from '../../streams/operation.js'
import type { Deployment, RuntimeParameter } from './deployment-types.js'
import { getDeployment, getParameter, listParameters } from './deployment-operations.js'
import { isAborted, isFinal } from './deployment-states.js'
import { checkId } from './deployment-watching.js'

export interface ParameterOptions extends CallOptions {
  /** Gives the value also of a deployment that was aborted. Default false. */
  readonly ignoreAbort?: boolean
}

export interface ParameterWatchOptions extends Omit<WatchOptions, 'distinct'> {
  /** Goes on also when the deployment was aborted. Default false. */
  readonly ignoreAbort?: boolean
}

/** Runtime parameters of deployments (slipstream dossier 5). */
export interface DeploymentParameters {
  /** Emits each runtime parameter with what is known of it. */
  parameters(id: string, options?: CallOptions): Observable<RuntimeParameter>
  /**
   * Emits the value, or `undefined` while it is not set. It is read from the document of the deployment: the server is never asked for a
   * key that may not exist, which would abort the deployment. Errors with a `ConfigurationError` that lists similar keys for a key
   * that there is not, with an `OperationFailedError` if the deployment was aborted, unless `ignoreAbort`.
   */
  getParameter(id: string, name: string, options?: ParameterOptions): Observable<string | undefined>
  /**
   * Emits the value when it is set, and again whenever it changes. Waits while it is not set, and while the key does not exist, as that of an
   * instance to come: the document is read until the key is there, then only the key - but of a deployment that can be scaled always the
   * document, because keys might go. Completes when the deployment is
   * over; errors with an `OperationFailedError` when it is aborted, unless `ignoreAbort`, and as `watch` does. Unsubscribing closes the
   * request under way and the timer.
   *
   * ```
   * polls    -(no such key)---(not set)---(10.0.0.7)---(10.0.0.7)---(10.0.0.8)
   * values   -----------------------------a-------------------------b
   * ```
   */
  parameter(id: string, name: string, options?: ParameterWatchOptions): Observable<string>
}

export function createDeploymentParameters(api: Api): DeploymentParameters {
  return {
    parameters: (id, options) =>
      call(api, listParameters, { id: checkId(id) }, options).pipe(
        concatMap((parameters) => from(parameters)),
      ),
    getParameter: (id, name, { ignoreAbort = false, ...options } = {}) => {
      const ref = refer(api, getParameter, { id: checkId(id), name: checkName(name) })
      return call(api, getDeployment, { id }, options).pipe(
        map((deployment) => valueIn(deployment, name, ref, ignoreAbort)),
      )
    },
    parameter: (id, name, { ignoreAbort = false, ...options } = {}) => {
      checkId(id)
      checkName(name)
      checkWatchOptions(options)
      return defer(() => watchParameter(api, id, name, ignoreAbort, options))
    },
  }
}

function valueIn(
  deployment: Deployment,
  name: string,
  ref: OperationRef,
  ignoreAbort: boolean,
): string | undefined {
  const { runtimeParameters, state, uuid, abort } = deployment
  if (!(name in runtimeParameters)) {
    const message = `name: deployment ${uuid} has no parameter '${name}'`
    const lookedAt = similarNames(name, Object.getOwnPropertyNames(runtimeParameters))
    throw new ConfigurationError(lookedAt.length === 0 ? message : `${message}; similar ones are`, {
      cloud: 'slipstream',
      operation: ref.operation,
      lookedAt,
    })
  }
  if (isAborted(deployment) && !ignoreAbort) {
    const message = `${ref.operation}: deployment ${uuid} was aborted: ${abort.trim()}`
    throw new OperationFailedError(message, { ref, state, snapshot: deployment })
  }
  return runtimeParameters[name]
}

/** What one poll finds. */
interface Look {
  readonly state: string
  readonly value: string | undefined
  readonly abort: string
}

function watchParameter(
  api: Api,
  id: string,
  name: string,
  ignoreAbort: boolean,
  options: WatchOptions,
): Observable<string> {
  let isKnown = false
  const readDocument = call(api, getDeployment, { id }, { retry: false }).pipe(
    map((deployment): Look => {
      const { runtimeParameters, state, abort, mutable } = deployment
      // unverified: whether the keys of an instance outlive it. Where instances may go, no key is asked for.
      isKnown = !mutable && name in runtimeParameters && STATE in runtimeParameters
      return ignoreAbort || !isAborted(deployment)
        ? { state, value: runtimeParameters[name], abort: '' }
        : { state, value: undefined, abort }
    }),
  )
  const read = (key: string): Observable<string | undefined> =>
    call(api, getParameter, { id, name: key, ignoreAbort }, { retry: false }).pipe(
      map((text) => (text === '' ? undefined : text)),
      catchError((error: unknown) => (isHttpError(error, 412) ? of(undefined) : throwError(() => error))),
    )
  // The state first: a value that is read after the end is the last one.
  const readKeys = read(STATE).pipe(
    concatMap((state = 'unknown') => read(name).pipe(map((value): Look => ({ state, value, abort: '' })))),
    // The flag was raised; only the document tells why.
    catchError((error: unknown) => (isHttpError(error, 409) ? readDocument : throwError(() => error))),
  )
  const ref = refer(api, 'slipstream.deployments.parameter', { id, name })
  const poll = (): Observable<Look> => (isKnown ? readKeys : readDocument)
  return watchOperation(
    { ref, poll, classifier: () => (look) => verdictOf(id, look) },
    options,
    api.runtime,
  ).pipe(
    concatMap((event) => (event.kind === 'progress' ? of(event.snapshot.value) : [])),
    distinctUntilChanged(),
    filter((value) => value !== undefined),
  )
}
const STATE = 'ss:state'

function verdictOf(id: string, { state, value, abort }: Look): Verdict<undefined> {
  const seen = { state, notable: value }
  if (abort !== '')
    return { kind: 'failed', ...seen, reason: `deployment ${id} was aborted: ${abort.trim()}` }
  return isFinal(state) ? { kind: 'done', ...seen, result: undefined } : { kind: 'pending', ...seen }
}

function checkName(name: unknown): string {
  if (typeof name === 'string' && /^[^:/]+:[^/]+$/.test(name)) return name
  throw new TypeError("name: expected the key of a runtime parameter, such as 'machine:hostname'")
}

const MOST_SIMILAR = 10

/** Keys of the same name elsewhere, then those of the same scope. */
function similarNames(wanted: string, keys: readonly string[]): readonly string[] {
  const colon = wanted.indexOf(':')
  const elsewhere = keys.filter((key) => key.endsWith(wanted.slice(colon)))
  const beside = keys.filter((key) => key.startsWith(wanted.slice(0, colon + 1)))
  return [...elsewhere, ...beside].slice(0, MOST_SIMILAR)
}
