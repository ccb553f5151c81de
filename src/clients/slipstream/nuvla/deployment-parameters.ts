import { concatMap, distinctUntilChanged, EMPTY, forkJoin, map, of, toArray, type Observable } from 'rxjs'
import { isHttpError, type OperationRef } from '../../../errors.js'
import type { Api } from '../../../http/api.js'
import type { CallOptions } from '../../../http/types.js'
import { watchOperation, type Verdict, type WatchOptions } from '../../../streams/operation.js'
import type { Cimi } from '../cimi.js'
import { and, eq } from '../filter.js'
import { resourceId } from './resource-ids.js'
import {
  deploymentReader,
  parameterReader,
  type NuvlaDeployment,
  type NuvlaDeploymentParameter,
  type NuvlaDeploymentUrl,
} from './schemas.js'

const PARAMETERS = 'deployment-parameter'

/** Which parameter, and how to wait for it. */
export interface NuvlaParameterOptions extends WatchOptions {
  /** Of which node, where a parameter of the name exists on several. Default: of whichever has it first. */
  readonly nodeId?: string
}

/** What deployments make known while they run (slipstream dossier, appendix N). */
export interface NuvlaParameters {
  /** Emits each parameter of a deployment: `hostname`, `current.state`, `replicas.running` … */
  parameters(id: string, options?: CallOptions): Observable<NuvlaDeploymentParameter>
  /**
   * Emits the value of a parameter as soon as it is set, and again when it changes. Completes when the deployment is deleted. As long as
   * there is no value, a deployment in ERROR is an `OperationFailedError`, and one that does not exist a `NotFoundError`.
   */
  parameter(id: string, name: string, options?: NuvlaParameterOptions): Observable<string>
  /**
   * Emits, once, the addresses at which a deployment serves: those of its module, with the parameters filled in. An address of which a
   * parameter is not set yet is left out.
   */
  urls(id: string, options?: CallOptions): Observable<readonly NuvlaDeploymentUrl[]>
}

export function createNuvlaParameters(api: Api, cimi: Cimi): NuvlaParameters {
  const read = parameterReader(api)
  const readDeployment = deploymentReader(api)

  const parameters = (id: string, options?: CallOptions): Observable<NuvlaDeploymentParameter> =>
    cimi.search(PARAMETERS, { filter: eq('parent', id) }, options).pipe(map(read))

  return {
    parameters: (id, options) => parameters(resourceId('deployment', id), options),
    parameter: (id, name, options = {}) => parameter(resourceId('deployment', id), name, options),
    urls: (id, options) => {
      const deploymentId = resourceId('deployment', id)
      return forkJoin([
        cimi.get(deploymentId, options).pipe(map(readDeployment)),
        parameters(deploymentId, options).pipe(toArray()),
      ]).pipe(map(([deployment, known]) => urlsOf(deployment, known)))
    },
  }

  function parameter(
    id: string,
    name: string,
    { nodeId, ...options }: NuvlaParameterOptions,
  ): Observable<string> {
    if (typeof name !== 'string' || name === '') throw new TypeError('name: expected the name of a parameter')
    const conditions = [eq('parent', id), eq('name', name)]
    if (nodeId !== undefined) conditions.push(eq('node-id', nodeId))
    const query = { filter: and(...conditions), orderBy: 'created:asc' }
    const ref: OperationRef = { cloud: 'nuvla', operation: 'nuvla.deployments.parameter', args: { id, name } }
    const poll = (): Observable<Glance> =>
      cimi.search(PARAMETERS, query, { retry: false }).pipe(
        map((found) => read(found).value ?? undefined),
        toArray(),
        concatMap((values) => {
          const value = values.find((each) => each !== undefined)
          if (value !== undefined) return of({ value, state: 'set' })
          // What has no value may never get one: the deployment knows.
          return cimi
            .get(id, { select: ['state'], retry: false })
            .pipe(map((found) => ({ value: undefined, state: readDeployment(found).state })))
        }),
      )
    const unset = `${id} is in state ERROR and has no ${name}`
    return watchOperation<Glance, Glance>(
      {
        ref,
        poll,
        classifier: () => (glance) => judgeGlance(glance, unset),
        // One that was there before was deleted; else it is a wrong id.
        gone: (error, last) => (last !== undefined && isHttpError(error, 404) ? { result: last } : undefined),
      },
      { ...options, distinct: true },
      api.runtime,
    ).pipe(
      concatMap((event) =>
        event.kind === 'progress' && event.snapshot.value !== undefined ? of(event.snapshot.value) : EMPTY,
      ),
      distinctUntilChanged(),
    )
  }
}

/** One look at a parameter; as long as it has no value, with the state of its deployment. */
interface Glance {
  readonly value: string | undefined
  readonly state: string
}

function judgeGlance({ value, state }: Glance, reason: string): Verdict<Glance> {
  if (value === undefined && state === 'ERROR') return { kind: 'failed', state, reason }
  return { kind: 'pending', state, notable: value }
}

function urlsOf(
  { module }: NuvlaDeployment,
  parameters: readonly NuvlaDeploymentParameter[],
): readonly NuvlaDeploymentUrl[] {
  const values = new Map<string, string>()
  // A parameter of the deployment itself wins over those of its nodes, and of those the first one.
  const ofDeploymentFirst = [...parameters].sort((left, right) => nodeRank(left) - nodeRank(right))
  for (const { name, value } of ofDeploymentFirst) {
    if (typeof value === 'string' && value !== '' && !values.has(name)) values.set(name, value)
  }
  return (module?.content?.urls ?? []).flatMap(([name, template]) => {
    const url = filled(template, values)
    return url === undefined ? [] : [{ name, url }]
  })
}

function nodeRank(parameter: NuvlaDeploymentParameter): number {
  return (parameter['node-id'] ?? '') === '' ? 0 : 1
}

function filled(template: string, values: ReadonlyMap<string, string>): string | undefined {
  const names = [...template.matchAll(/\$\{([^}]*)\}/g)].map(([, name]) => name ?? '')
  if (!names.every((name) => values.has(name))) return undefined
  return template.replaceAll(/\$\{([^}]*)\}/g, (_, name: string) => values.get(name) ?? '')
}
