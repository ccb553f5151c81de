import type { Verdict } from '../../../streams/operation.js'
import type { NuvlaJob } from './schemas.js'

// Slipstream dossier, appendix N: SUCCESS, FAILED and CANCELED are final; any other state is a step on the way.

export function isOver({ state }: NuvlaJob): boolean {
  return state === 'SUCCESS' || hasFailed(state)
}

function hasFailed(state: string): boolean {
  return state === 'FAILED' || state === 'CANCELED'
}

/** Why the job did not do what it was to do; undefined if it did, or may still. */
export function jobFailure(job: NuvlaJob): string | undefined {
  const { id, state } = job
  if (!hasFailed(state)) return undefined
  const code = job['return-code']
  const message = jobMessage(job)
  const codeText = code === undefined ? '' : ` (return code ${String(code)})`
  return `${id} is ${state}${codeText}${message === undefined ? '' : `: ${message}`}`
}

/** What the job says that it does. */
export function jobMessage(job: NuvlaJob): string | undefined {
  const message = job['status-message']?.trim()
  return message === '' ? undefined : message
}

/** How far it is. A job that failed is at 100 as well, which says nothing. */
export function jobPercent({ state, progress }: NuvlaJob): number | undefined {
  return hasFailed(state) ? undefined : (progress ?? undefined)
}

/** Waits for SUCCESS. */
export function judgeJob(job: NuvlaJob): Verdict<NuvlaJob> {
  const { state } = job
  const look = { state, percent: jobPercent(job), message: jobMessage(job) }
  const reason = jobFailure(job)
  if (reason !== undefined) return { kind: 'failed', reason, ...look }
  return isOver(job) ? { kind: 'done', result: job, ...look } : { kind: 'pending', ...look }
}
