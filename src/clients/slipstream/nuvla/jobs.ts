import { map, type Observable } from 'rxjs'
import type { OperationRef } from '../../../errors.js'
import type { Api } from '../../../http/api.js'
import type { CallOptions } from '../../../http/types.js'
import type { OperationEvent } from '../../../streams/events.js'
import { refer, watchOperation, type WatchOptions } from '../../../streams/operation.js'
import type { Cimi, CimiSearch } from '../cimi.js'
import { judgeJob } from './job-states.js'
import { resourceId } from './resource-ids.js'
import { jobReader, type NuvlaJob } from './schemas.js'

/** What the servers of Nuvla, or an edge device, do for the resources (slipstream dossier, appendix N). All methods are cold. */
export interface NuvlaJobs {
  /** Emits each job that the query finds; pages are fetched as they are consumed. A `select` always has the state. */
  list(query?: CimiSearch, options?: CallOptions): Observable<NuvlaJob>
  get(id: string, options?: CallOptions): Observable<NuvlaJob>
  /** Cancels a job that is not over. Its deployment is in state ERROR then. */
  cancel(id: string, options?: CallOptions): Observable<void>
  /**
   * Watches a job until SUCCESS, by its id or by the `ref` of an earlier event, also after a restart of the program. FAILED and
   * CANCELED are an `OperationFailedError` with the job's message and return code.
   */
  watch(target: string | OperationRef, options?: WatchOptions): Observable<OperationEvent<NuvlaJob>>
}

export const JOBS = 'job'

export function createNuvlaJobs(api: Api, cimi: Cimi): NuvlaJobs {
  const read = jobReader(api)
  return {
    list: (query = {}, options) => cimi.search(JOBS, withState(query), options).pipe(map(read)),
    get: (id, options) => cimi.get(resourceId(JOBS, id), options).pipe(map(read)),
    cancel: (id, options) =>
      cimi.operate(resourceId(JOBS, id), 'cancel', undefined, options).pipe(map(() => undefined)),
    watch: (target, options = {}) => {
      const ref = checkRef(target) ?? refer(api, 'nuvla.jobs.watch', { id: resourceId(JOBS, target) })
      const id = resourceId(JOBS, ref.args['id'])
      const poll = (): Observable<NuvlaJob> => cimi.get(id, { retry: false }).pipe(map(read))
      return watchOperation({ ref, poll, classifier: () => judgeJob }, options, api.runtime)
    },
  }
}

/** A resource without its state cannot be judged. */
export function withState(query: CimiSearch): CimiSearch {
  const { select } = query
  return select === undefined || select.includes('state') || select.includes('*')
    ? query
    : { ...query, select: [...select, 'state'] }
}

/** The reference, if it is one: to a job. */
function checkRef(target: unknown): OperationRef | undefined {
  if (typeof target !== 'object' || target === null) return undefined
  const { cloud, operation } = target as Partial<OperationRef>
  if (cloud === 'nuvla' && operation?.startsWith('nuvla.jobs.') === true) return target as OperationRef
  throw new TypeError('target: expected the id of a job, or the ref of an operation of nuvla.jobs')
}
