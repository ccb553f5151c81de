import { createRun } from './run-creation.js'
import {
  findParameter,
  setValue,
  valueOf,
  type FailurePlan,
  type KeepRunning,
  type Run,
  type RunState,
  type RunType,
} from './run-model.js'
import { changeSteps, checkPassingState, checkState, type PassingState, type StepTimes } from './options.js'
import { cloudFor, imageIdFor, type RunOrder } from './run-order.js'
import { splitVersion } from './module-model.js'
import type { LegacyState } from './state.js'

/** A run as its operator sees it. */
export interface RunSnapshot {
  readonly uuid: string
  readonly type: RunType
  readonly state: RunState
  /** Empty as long as nothing went wrong. */
  readonly abort: string
  readonly owner: string
  readonly module: string
  readonly mutable: boolean
  readonly instances: readonly string[]
  /** By key: `worker.1:hostname`. */
  readonly parameters: Readonly<Record<string, string>>
}

/** Runs to put into the cloud as they are: without requests, quotas and events. */
export interface RunSeed {
  /** How many of them. Default 1. */
  readonly count?: number
  /** Name of the user. */
  readonly owner: string
  /** With or without `module/` and a version. Default `apps/WordPress/wordpress`. */
  readonly module?: string
  /** Default Ready. */
  readonly state?: RunState
  readonly cloud?: string
  readonly tags?: string
  readonly mutable?: boolean
  /** Applications only. Default `on-success`. */
  readonly keepRunning?: KeepRunning
  /** Wall time, ms since the epoch. Default: now. */
  readonly startTime?: number
  /** Whether they go on by themselves; then they start in Initializing. Default false. */
  readonly moves?: boolean
}

/** What is to go wrong: an abort when the instance comes to the end of the state. */
export interface RunFailure {
  /** A node or an instance. Default: the first that has a part in the state. */
  readonly node?: string
  /** Default Executing. */
  readonly state?: PassingState
  readonly message?: string
}

/** The hands of the operator of the runs. */
export interface LegacyFace {
  /** Names of the clouds one can deploy to. */
  readonly clouds: readonly string[]
  readonly runs: {
    get(id: string): RunSnapshot | undefined
    /** Ids of the runs of all users, newest first. */
    ids(): readonly string[]
    create(seed: RunSeed): readonly string[]
    /** Raises the abort flag; false when it is up already or the run is over. */
    abort(id: string, message: string): boolean
    resetAbort(id: string): void
    setParameter(id: string, key: string, value: string): void
    /** The instance has done its part of the present state. */
    complete(id: string, instance: string): void
    /** Goes to this state now, whatever the one before. */
    setState(id: string, state: RunState): void
    /** Of the next run that is deployed. */
    failNext(failure?: RunFailure): void
    /** Of a run that is there. */
    fail(id: string, failure?: RunFailure): void
    /** Nothing moves on by itself in this state until the returned function is called. */
    holdIn(state: PassingState): () => void
  }
  /** Cloud time of the states from now on, ms. */
  setStepTimes(steps: Partial<StepTimes>): void
  /** The most virtual machines that each user may have on this cloud. */
  setQuota(cloud: string, machines: number): void
  /** A virtual machine that was not started by SlipStream. */
  addForeignMachine(user: string, cloud?: string): void
}

export function createLegacyFace(state: LegacyState): LegacyFace {
  const { runs, runMachine, options } = state
  const existing = (id: string): Run => {
    const run = runs.get(id)
    if (run === undefined) throw new Error(`There is no run ${id}`)
    return run
  }
  return {
    clouds: options.clouds,
    runs: {
      get(id) {
        const run = runs.get(id)
        return run === undefined ? undefined : snapshot(run)
      },
      ids: () =>
        runs
          .all()
          .map(({ uuid }) => uuid)
          .reverse(),
      create(seed) {
        const target = seed.state ?? 'Ready'
        checkState(target)
        const order = orderOf(seed, state)
        return Array.from({ length: seed.count ?? 1 }, () => {
          const moves = seed.moves ?? false
          const run = createRun(state, order, {
            moves,
            ...(seed.startTime === undefined ? {} : { startTime: seed.startTime }),
          })
          if (moves) runMachine.start(run)
          else runMachine.settle(run, target)
          return run.uuid
        })
      },
      abort: (id, message) => runMachine.raiseAbort(existing(id), 'ss', message),
      resetAbort(id) {
        runMachine.resetAbort(existing(id), 'ss')
      },
      setParameter(id, key, value) {
        const run = existing(id)
        if (findParameter(run, key) === undefined) throw new Error(`The run has no parameter ${key}`)
        setValue(run, key, value)
      },
      complete(id, name) {
        const run = existing(id)
        const instance = run.instances.get(name)
        if (instance === undefined) throw new Error(`The run has no instance ${name}`)
        runMachine.complete(run, instance)
      },
      setState(id, wanted) {
        checkState(wanted)
        runMachine.enter(existing(id), wanted)
      },
      failNext(failure = {}) {
        state.nextFailures.push(planOf(failure))
      },
      fail(id, failure = {}) {
        existing(id).plans.push(planOf(failure))
      },
      holdIn(wanted) {
        checkPassingState(wanted)
        return runMachine.holdIn(wanted)
      },
    },
    setStepTimes(steps) {
      changeSteps(options.steps, steps)
    },
    setQuota(cloud, machines) {
      if (!options.quotas.has(cloud)) throw new Error(`There is no cloud ${cloud}`)
      options.quotas.set(cloud, machines)
    },
    addForeignMachine(user, cloud = options.clouds[0] ?? '') {
      const machine = state.machines.add({ cloud, user, name: 'foreign' })
      state.machines.setState(machine, 'Running')
    },
  }
}

function planOf(failure: RunFailure): FailurePlan {
  const state = failure.state ?? 'Executing'
  checkPassingState(state)
  return { ...failure, state }
}

function snapshot(run: Run): RunSnapshot {
  const parameters: Record<string, string> = {}
  for (const [scope, ofScope] of run.parameters) {
    for (const [name, { value }] of ofScope) parameters[`${scope}:${name}`] = value
  }
  return {
    uuid: run.uuid,
    type: run.type,
    state: run.state,
    abort: valueOf(run, 'ss:abort'),
    owner: run.owner,
    module: run.moduleUri,
    mutable: run.mutable,
    instances: [...run.instances.keys()],
    parameters,
  }
}

function orderOf(seed: RunSeed, state: LegacyState): RunOrder {
  const { path, version } = splitVersion((seed.module ?? 'apps/WordPress/wordpress').replace(/^module\//, ''))
  const module = state.modules.find(path, version)
  if (module === undefined) throw new Error(`There is no module ${path}`)
  const isApplication = module.category === 'Deployment'
  const machine = (image: typeof module, ofNode?: string) => {
    const cloud = cloudFor(seed.cloud, ofNode, { username: seed.owner }, state)
    return {
      image,
      cloud,
      imageId: imageIdFor(image, cloud, state.modules),
      values: new Map<string, string>(),
    }
  }
  return {
    owner: seed.owner,
    type: isApplication ? 'Orchestration' : 'Run',
    module,
    mutable: isApplication && (seed.mutable ?? false),
    keepRunning: seed.keepRunning ?? 'on-success',
    tags: seed.tags ?? '',
    ...(isApplication ? {} : { machine: machine(module) }),
    nodes: (module.nodes ?? []).flatMap((node) => {
      const image = state.modules.latest(node.imageUri.replace(/^module\//, ''))
      if (image === undefined) return []
      const { multiplicity, maxProvisioningFailures: tolerated } = node
      return { ...machine(image, node.cloudService), node, multiplicity, tolerated }
    }),
  }
}
