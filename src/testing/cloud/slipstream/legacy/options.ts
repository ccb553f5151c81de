import { CLOUD_NAMES } from '../accounts.js'
import { RUN_STATES, type RunState } from './run-model.js'

/** Knobs of the legacy side. Times are cloud time, ms. */
export interface LegacyOptions {
  /** Names of the clouds one can deploy to; the first is the default of users who have chosen none. */
  readonly clouds?: readonly string[]
  /** How long a run takes for each state that it passes. What is left out keeps its default. */
  readonly steps?: Partial<StepTimes>
  /** Virtual machines that each user may have on a cloud. Default 1000. */
  readonly vmQuota?: number
  /** How often runs are looked through for those that take too long. Default 5 minutes. */
  readonly collectorMs?: number
  /** After how long a launch is given up. Default 15 minutes. */
  readonly launchLimitMs?: number
}

/** Ready counts only where a run does not stay in it. */
export type StepTimes = Record<PassingState, number>
export type PassingState = (typeof PASSING_STATES)[number]
export const PASSING_STATES = [
  'Initializing',
  'Provisioning',
  'Executing',
  'SendingReports',
  'Ready',
  'Finalizing',
] as const satisfies readonly RunState[]

export interface LegacySettings {
  readonly clouds: readonly string[]
  /** May be changed while the cloud runs. */
  readonly steps: StepTimes
  /** By cloud; may be changed while the cloud runs. */
  readonly quotas: Map<string, number>
  readonly collectorMs: number
  readonly launchLimitMs: number
}

const STEPS: StepTimes = {
  Initializing: 10_000,
  Provisioning: 60_000,
  Executing: 60_000,
  SendingReports: 10_000,
  Ready: 10_000,
  Finalizing: 10_000,
}
const MINUTE_MS = 60_000

export function readOptions(options: LegacyOptions): LegacySettings {
  const clouds = options.clouds ?? CLOUD_NAMES
  if (clouds.length === 0) throw new TypeError('clouds must name at least one cloud')
  const steps = { ...STEPS }
  changeSteps(steps, options.steps ?? {})
  const quota = options.vmQuota ?? 1000
  return {
    clouds,
    steps,
    quotas: new Map(clouds.map((cloud) => [cloud, quota])),
    collectorMs: options.collectorMs ?? 5 * MINUTE_MS,
    launchLimitMs: options.launchLimitMs ?? 15 * MINUTE_MS,
  }
}

export function changeSteps(steps: StepTimes, changes: Partial<StepTimes>): void {
  for (const state of PASSING_STATES) {
    const ms = changes[state]
    if (ms === undefined) continue
    if (!(ms >= 0) || !Number.isFinite(ms)) {
      throw new TypeError(`steps.${state} must be a number of milliseconds, 0 or more`)
    }
    steps[state] = ms
  }
}

export function checkState(state: string): asserts state is RunState {
  refuseUnknown(state, RUN_STATES)
}

export function checkPassingState(state: string): asserts state is PassingState {
  refuseUnknown(state, PASSING_STATES)
}

function refuseUnknown(state: string, known: readonly string[]): void {
  if (known.includes(state)) return
  throw new TypeError(`There is no state ${JSON.stringify(state)} here; there are ${known.join(', ')}`)
}
