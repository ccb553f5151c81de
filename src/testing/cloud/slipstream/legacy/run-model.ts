import type { ModuleNode, ModuleVersion } from './module-model.js'
import type { Machine } from './machines.js'

export const RUN_STATES = [
  'Initializing',
  'Provisioning',
  'Executing',
  'SendingReports',
  'Ready',
  'Finalizing',
  'Done',
  'Cancelled',
  'Aborted',
  'Unknown',
] as const
export type RunState = (typeof RUN_STATES)[number]
export type RunType = 'Run' | 'Orchestration' | 'Machine'
export type KeepRunning = (typeof KEEP_RUNNING)[number]
export const KEEP_RUNNING = ['always', 'never', 'on-success', 'on-error'] as const

const FINAL: readonly RunState[] = ['Done', 'Cancelled', 'Aborted', 'Unknown']
export const isFinal = (state: RunState): boolean => FINAL.includes(state)

/** What runtime parameters of many runs share. */
export interface ParameterAbout {
  readonly description: string
  readonly type: string
}

export interface RuntimeParameter {
  readonly about: ParameterAbout
  readonly creation: number
  value: string
  /** Keys of the parameters that follow this one. */
  mapsTo: readonly string[]
  isMapped: boolean
}

/** A virtual machine of a run: of a component, of an application's node, or an orchestrator. */
export interface Instance {
  readonly name: string
  readonly kind: 'machine' | 'node' | 'orchestrator'
  /** `worker` of `worker.2`, else the name. */
  readonly node: string
  /** 2 of `worker.2` */
  readonly id: number | undefined
  readonly cloud: string
  readonly image: ModuleVersion | undefined
  machine: Machine | undefined
}

/** A node of an application, as this run has it. */
export interface RunNode {
  readonly name: string
  readonly node: ModuleNode
  readonly image: ModuleVersion
  readonly imageId: string
  readonly cloud: string
  /** What the one who deploys has set, as literal texts. */
  readonly values: ReadonlyMap<string, string>
  readonly tolerated: number
  /** Ids are never used again (slipstream dossier 5, Scaling). */
  lastId: number
  failed: number
}

/** Something that goes wrong when an instance comes to the end of a state. */
export interface FailurePlan {
  readonly node?: string
  readonly state: RunState
  readonly message?: string
}

export interface Run {
  readonly uuid: string
  readonly type: RunType
  readonly owner: string
  readonly module: ModuleVersion
  readonly moduleUri: string
  readonly mutable: boolean
  readonly keepRunning: KeepRunning
  readonly startTime: number
  readonly clouds: readonly string[]
  /** By scope, then by name: `ss`, a node, an instance. */
  readonly parameters: Map<string, Map<string, RuntimeParameter>>
  readonly instances: Map<string, Instance>
  readonly nodes: Map<string, RunNode>
  readonly plans: FailurePlan[]
  state: RunState
  lastStateChange: number
  endTime: number | undefined
  /** Cloud time at which it came into its state. */
  enteredAt: number
  /** Whether it stays in Ready; decided when it comes there. */
  stays: boolean
  /** Whether it moves with time at all: what was only put there does not. */
  readonly moves: boolean
  /** What is still to happen in this state. */
  pending: (() => void)[]
  /** The garbage collector has found it too old once. */
  overdue: boolean
}

export interface ParameterKey {
  readonly scope: string
  readonly name: string
}

/** `worker.1:hostname`; undefined for what has no colon. */
export function splitKey(key: string): ParameterKey | undefined {
  const colon = key.indexOf(':')
  return colon < 0 ? undefined : { scope: key.slice(0, colon), name: key.slice(colon + 1) }
}

export function findParameter(run: Run, key: string): RuntimeParameter | undefined {
  const split = splitKey(key)
  return split === undefined ? undefined : run.parameters.get(split.scope)?.get(split.name)
}

/** The value of a parameter; empty when there is none. */
export function valueOf(run: Run, key: string): string {
  return findParameter(run, key)?.value ?? ''
}

/** Sets a parameter that exists, and those that follow it. */
export function setValue(run: Run, key: string, value: string): void {
  const parameter = findParameter(run, key)
  if (parameter === undefined) return
  parameter.value = value
  for (const follower of parameter.mapsTo) {
    const followed = findParameter(run, follower)
    // A loop of mappings ends where nothing changes any more.
    if (followed !== undefined && followed.value !== value) setValue(run, follower, value)
  }
}

export type ScopeParameters = Map<string, RuntimeParameter>

/** The parameters of a scope, to which more can be added. */
export function scopeOf(run: Run, scope: string): ScopeParameters {
  const present = run.parameters.get(scope)
  if (present !== undefined) return present
  const made: ScopeParameters = new Map()
  run.parameters.set(scope, made)
  return made
}

export function newParameter(about: ParameterAbout, value: string, creation: number): RuntimeParameter {
  return { about, creation, value, mapsTo: NOTHING, isMapped: false }
}

const NOTHING: readonly string[] = []

export const abortOf = (run: Run): string => valueOf(run, 'ss:abort')
export const isComplete = (run: Run, instance: Instance): boolean =>
  valueOf(run, `${instance.name}:complete`) === 'true'
/** Instances that were removed take no part any more. */
export const isGone = (run: Run, instance: Instance): boolean =>
  ['removed', 'gone'].includes(valueOf(run, `${instance.name}:scale.state`))
export const isIn = (run: Run, ...states: readonly RunState[]): boolean => states.includes(run.state)
