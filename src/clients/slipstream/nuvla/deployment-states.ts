import { isHttpError, type CloudError } from '../../../errors.js'
import type { Verdict } from '../../../streams/operation.js'
import { isOver, jobFailure, jobMessage, jobPercent } from './job-states.js'
import type { NuvlaDeployment, NuvlaDeploymentState, NuvlaJob } from './schemas.js'

// The state machine of a deployment (slipstream dossier, appendix N). While there is a job it is the job that decides: the state of
// the deployment is set when the action is accepted, and again when the job is over. Unknown states are steps on the way.

/** Looks at one poll after the other of the same deployment, and at its job, if one is known. */
export type DeploymentClassifier = () => (
  deployment: NuvlaDeployment,
  job: NuvlaJob | undefined,
) => Verdict<NuvlaDeployment>

/** States in which nothing is going on. */
const settledStates = new Set(['CREATED', 'STARTED', 'STOPPED', 'PAUSED', 'SUSPENDED', 'UPDATED'])

/** Polls of another settled state than the one waited for, after which that is not going to come. */
const PATIENCE = 5

interface Wait {
  readonly reached: (deployment: NuvlaDeployment) => boolean
  /** For people: 'STARTED'. */
  readonly wanted: string
  readonly patience: number
  /** Nobody is surprised by an ERROR. */
  readonly errorIsFine?: boolean
}

function waitFor({ reached, wanted, patience, errorIsFine = false }: Wait): DeploymentClassifier {
  return () => {
    let idlePolls = 0
    return (deployment, job) => {
      const { id, state } = deployment
      const look = {
        state,
        ...(job === undefined ? {} : { percent: jobPercent(job), message: jobMessage(job) }),
      }
      const failure = job === undefined ? undefined : jobFailure(job)
      if (job !== undefined && !isOver(job)) return { kind: 'pending', ...look }
      if (failure !== undefined && !errorIsFine) return { kind: 'failed', ...look, reason: failure }
      if (reached(deployment)) return { kind: 'done', ...look, percent: 100, result: deployment }
      if (state === 'ERROR' && !errorIsFine)
        return { kind: 'failed', ...look, reason: `${id} is in state ERROR` }
      idlePolls = settledStates.has(state) ? idlePolls + 1 : 0
      if (idlePolls < patience) return { kind: 'pending', ...look }
      return { kind: 'failed', ...look, reason: `${id} is ${state} and not ${wanted}` }
    }
  }
}

const isStarted = ({ state }: NuvlaDeployment): boolean => state === 'STARTED'
const isStopped = ({ state }: NuvlaDeployment): boolean => state === 'STOPPED'

export const started = waitFor({ reached: isStarted, wanted: 'STARTED', patience: PATIENCE })
export const stopped = waitFor({ reached: isStopped, wanted: 'STOPPED', patience: PATIENCE })

/** Whether this user may delete it as it is. */
export const isDeletable = ({ operations = [] }: NuvlaDeployment): boolean =>
  operations.some(({ rel }) => rel === 'delete')
export const deletable = waitFor({
  reached: isDeletable,
  wanted: 'to be deleted by this user',
  patience: PATIENCE,
})

/** Ends when there is nothing any more: see `gone`. */
export const deleted = waitFor({ reached: () => false, wanted: 'deleted', patience: PATIENCE })

/** Nothing is going on any more, whatever the outcome but ERROR. */
export const settled = waitFor({
  reached: ({ state }) => settledStates.has(state),
  wanted: 'settled',
  patience: Infinity,
})

/** The given state, whoever brings it about. */
export function reachedState(wanted: NuvlaDeploymentState): DeploymentClassifier {
  return waitFor({
    reached: ({ state }) => state === wanted,
    wanted,
    patience: Infinity,
    errorIsFine: wanted === 'ERROR',
  })
}

/** Whether an error of a poll means that the deployment was deleted. */
export type DeploymentGone = (
  error: CloudError,
  last: NuvlaDeployment | undefined,
) => { readonly result: NuvlaDeployment } | undefined

/** Who waits for the deletion finds that there is no such deployment. */
export function gone(id: string): DeploymentGone {
  return (error, last) =>
    isHttpError(error, 404) ? { result: { ...last, id, state: 'STOPPED' } } : undefined
}

/** The same for who does not wait for it: a deployment that was never seen is a wrong id. */
export function vanished(id: string): DeploymentGone {
  return (error, last) =>
    last !== undefined && isHttpError(error, 404) ? { result: { ...last, id } } : undefined
}
