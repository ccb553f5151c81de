import type { Verdict } from '../../streams/operation.js'
import type { Deployment, DeploymentInstance, DeploymentState } from './deployment-types.js'

// The state machine of a deployment (slipstream dossier 5). An abort does not change the state: the run goes through the
// normal states with the flag raised, and a component then ends as Ready. So the flag is looked at before the state.

/** The states that are walked through, in their order. */
const course = ['Initializing', 'Provisioning', 'Executing', 'SendingReports', 'Ready', 'Finalizing'] as const
const finalStates: readonly DeploymentState[] = ['Done', 'Cancelled', 'Aborted', 'Unknown']

/**
 * What to wait for. `ready`: Ready or Done without abort. `final`: the end, Done or Cancelled; Aborted is a failure. A state
 * of the course: that state or one after it, without abort. Done, Cancelled, Aborted: just that end.
 */
export type DeploymentTarget = 'ready' | 'final' | (typeof course)[number] | 'Done' | 'Cancelled' | 'Aborted'

const targets: ReadonlySet<unknown> = new Set<DeploymentTarget>([
  'ready',
  'final',
  ...course,
  'Done',
  'Cancelled',
  'Aborted',
])

/** Looks at one poll after the other of the same deployment. */
export type DeploymentClassifier = () => (deployment: Deployment) => Verdict<Deployment>

/** Whether a deployment in this state is over (active = the others, dossier 4.2). */
export function isFinal(state: DeploymentState): boolean {
  return finalStates.includes(state)
}

/** Whether the abort flag is raised: it holds the message then. */
export function isAborted({ abort }: { readonly abort: string }): boolean {
  return abort.trim() !== ''
}

/** Waits for the target. What can no longer become it is a failure, with the abort message where there is one. */
export function reached(target: DeploymentTarget): DeploymentClassifier {
  const judge = judgeOf(target)
  const goal = goalOf(target)
  return () => {
    const latest = latestText()
    return (deployment) => {
      const { state, serviceUrl = '', abort, instances } = deployment
      const message = latest(instances)
      const outcome = judge(deployment)
      const look = { state, message, notable: `${serviceUrl}\n${abort}` }
      if (outcome === undefined) {
        return { kind: 'pending', ...look, percent: percentOf(deployment, goal) }
      }
      return outcome === 'reached'
        ? { kind: 'done', ...look, percent: 100, result: deployment }
        : { kind: 'failed', ...look, reason: `deployment ${deployment.uuid} ${outcome}` }
    }
  }
}

/** Waits for the end after a termination, which ends an aborted deployment as Aborted: whatever the end, it is reached. */
export const terminated: DeploymentClassifier = () => {
  const latest = latestText()
  return (deployment) => {
    const { state, instances } = deployment
    const look = { state, message: latest(instances) }
    return isFinal(state)
      ? { kind: 'done', ...look, percent: 100, result: deployment }
      : { kind: 'pending', ...look }
  }
}

/** @throws TypeError if there is no such thing to wait for */
export function checkTarget(until: unknown): DeploymentTarget {
  if (targets.has(until)) return until as DeploymentTarget
  throw new TypeError(`until: expected one of ${[...targets].join(', ')}, but it is ${String(until)}`)
}

/** `reached`, why it never will be, or undefined for not yet. */
type Outcome = string | undefined
type Judge = (deployment: Deployment) => Outcome

function judgeOf(target: DeploymentTarget): Judge {
  switch (target) {
    case 'final':
      return (deployment) =>
        deployment.state === 'Done' || deployment.state === 'Cancelled'
          ? 'reached'
          : isFinal(deployment.state)
            ? failure(deployment)
            : undefined
    case 'Cancelled':
    case 'Aborted':
      return (deployment) =>
        deployment.state === target ? 'reached' : isFinal(deployment.state) ? failure(deployment) : undefined
    case 'Done':
      return unlessFailed(({ state }) => state === 'Done')
    case 'ready':
    case 'Ready':
      // Ready may be passed between two polls: Done without abort was ready before, Finalizing may still be cancelled.
      return unlessFailed(({ state }) => state === 'Ready' || state === 'Done')
    default: {
      const goal = goalOf(target)
      return unlessFailed(({ state }) => state === 'Done' || indexOf(state) >= goal)
    }
  }
}

function indexOf(state: DeploymentState): number {
  return (course as readonly string[]).indexOf(state)
}

function unlessFailed(isReached: (deployment: Deployment) => boolean): Judge {
  return (deployment) => {
    if (isAborted(deployment)) return failure(deployment)
    if (isReached(deployment)) return 'reached'
    return isFinal(deployment.state) ? failure(deployment) : undefined
  }
}

function failure(deployment: Deployment): string {
  const { state, abort } = deployment
  if (isAborted(deployment)) return `was aborted and is in state ${state}: ${abort.trim()}`
  return state === 'Cancelled' ? 'was cancelled' : `ended in state ${state}`
}

/** How many states lie before the target. */
function goalOf(target: DeploymentTarget): number {
  const index = indexOf(target === 'ready' ? 'Ready' : target)
  return index < 0 ? course.length : index
}

/**
 * Passed states and the share of instances that have completed the present one, the only measure there is inside a
 * state (dossier 5).
 */
function percentOf(deployment: Deployment, goal: number): number | undefined {
  const index = indexOf(deployment.state)
  if (index < 0) return undefined
  const counted = deployment.instances.filter((instance) => isWaitedFor(deployment, instance))
  const share = counted.length === 0 ? 0 : counted.filter(({ complete }) => complete).length / counted.length
  return Math.floor((Math.min(goal, index + share) / Math.max(1, goal)) * 100)
}

/** Whether the present state lasts until this instance has completed it (dossier 5, "Leaves when"). */
function isWaitedFor({ state, recoveryMode }: Deployment, instance: DeploymentInstance): boolean {
  if (instance.scaleState === 'removed' || instance.scaleState === 'gone') return false
  const byOrchestrators = recoveryMode || state === 'Initializing' || state === 'Finalizing'
  return instance.isOrchestrator || !byOrchestrators
}

/** The text that changed last; documents tell no times, so of several that changed at once it is the last one. */
function latestText(): (instances: readonly DeploymentInstance[]) => string | undefined {
  let seen = new Map<string, string>()
  let latest: string | undefined
  return (instances) => {
    const texts = new Map(
      instances.flatMap(({ name, statecustom }) => (statecustom === undefined ? [] : [[name, statecustom]])),
    )
    if (latest !== undefined && !texts.has(latest)) latest = undefined
    for (const [name, text] of texts) if (latest === undefined || seen.get(name) !== text) latest = name
    seen = texts
    return latest === undefined ? undefined : texts.get(latest)
  }
}
