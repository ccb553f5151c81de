import type { SlipstreamTools } from '../tools.js'
import type { Machines } from './machines.js'
import type { LegacySettings, PassingState } from './options.js'
import { createRunCollector } from './run-collector.js'
import { createRunEffects } from './run-effects.js'
import { setIds, idsOf } from './run-instances.js'
import {
  abortOf,
  isComplete,
  isFinal,
  isGone,
  isIn,
  setValue,
  valueOf,
  type FailurePlan,
  type Instance,
  type Run,
  type RunState,
} from './run-model.js'
import { createRunSteps } from './run-steps.js'

/** Moves runs through their states (slipstream dossier 5). */
export interface RunMachine {
  /** Sets a new run going. */
  start(run: Run): void
  /** An instance has done its part of the state; the run goes on when all have. */
  complete(run: Run, instance: Instance): void
  /** False when the flag is up already, or the run is over. */
  raiseAbort(run: Run, scope: string, message: string): boolean
  resetAbort(run: Run, scope: string): void
  /** Goes to this state now, whatever the one before. */
  enter(run: Run, state: RunState): void
  terminate(run: Run): void
  /** Nothing moves on by itself in this state until the returned function is called. */
  holdIn(state: PassingState): () => void
  /** Puts a run that does not move into a state, with all that it would have by then. */
  settle(run: Run, state: RunState): void
  recordAction(run: Run, text: string): void
}

export interface RunMachineParts {
  readonly tools: SlipstreamTools
  readonly options: LegacySettings
  readonly machines: Machines
}

const NEXT: Readonly<Partial<Record<RunState, RunState>>> = {
  Initializing: 'Provisioning',
  Provisioning: 'Executing',
  Executing: 'SendingReports',
  SendingReports: 'Ready',
  Ready: 'Finalizing',
}

export function createRunMachine({ tools, options, machines }: RunMachineParts): RunMachine {
  const { clock, wallNow, chance } = tools
  const effects = createRunEffects(machines)
  const holds = new Map<RunState, number>()
  const held = new Set<Run>()

  const record = (
    run: Run,
    type: 'state' | 'action' | 'system',
    severity: 'high' | 'medium',
    state: string,
  ): void => {
    tools.recordEvent({ type, severity, resource: `run/${run.uuid}`, state, owner: run.owner })
  }
  const later = (run: Run, ms: number, task: () => void): void => {
    run.pending.push(clock.after(ms, task))
  }
  const dropPending = (run: Run): void => {
    for (const cancel of run.pending) cancel()
    run.pending = []
    held.delete(run)
  }

  const schedule = (run: Run): void => {
    if (!run.moves || isFinal(run.state) || (run.state === 'Ready' && run.stays)) return
    if ((holds.get(run.state) ?? 0) > 0) {
      held.add(run)
      return
    }
    const duration = options.steps[run.state as PassingState]
    const busy = participants(run).filter((instance) => !isComplete(run, instance))
    if (busy.length === 0) {
      later(run, duration, () => {
        advance(run)
      })
      return
    }
    // One after the other, so that their flags tell how far the state has come.
    const slot = duration / busy.length
    for (const [index, instance] of busy.entries()) {
      const steps = stepsOf(run, instance)
      for (const [part, step] of steps.entries()) {
        const due = (index + part / steps.length) * slot
        if (due === 0) step()
        else later(run, due, step)
      }
      later(run, (index + 1) * slot, () => {
        finish(run, instance)
      })
    }
  }

  /** The end of an instance's part, with what may go wrong in it. */
  const finish = (run: Run, instance: Instance): void => {
    const plan = planFor(run, instance)
    if (plan !== undefined) {
      run.plans.splice(run.plans.indexOf(plan), 1)
      if (!isTolerated(run, instance)) {
        machine.raiseAbort(run, instance.name, plan.message ?? failureText(run, instance))
        complete(run, instance, false)
        return
      }
      effects.release(run, instance)
      loseInstance(run, instance)
    }
    complete(run, instance, plan === undefined)
  }

  const complete = (run: Run, instance: Instance, succeeded: boolean): void => {
    if (succeeded) conclude(run, instance)
    setValue(run, `${instance.name}:complete`, 'true')
    attempt(run)
  }

  const attempt = (run: Run): void => {
    if (run.state === 'Ready' && run.stays) return
    const all = participants(run)
    const orchestrators = all.filter(({ kind }) => kind === 'orchestrator')
    const needed = valueOf(run, 'ss:recovery.mode') === 'true' ? orchestrators : all
    if (needed.every((instance) => isComplete(run, instance))) advance(run)
  }

  const advance = (run: Run): void => {
    if (run.state !== 'Finalizing') {
      const next = NEXT[run.state]
      if (next !== undefined) machine.enter(run, next)
      return
    }
    const aborted = abortOf(run) !== ''
    if (!aborted && run.type === 'Machine') {
      for (const cloud of run.clouds) {
        run.module.image?.cloudImageIdentifiers.set(cloud, chance.uuid())
      }
    }
    machine.enter(run, aborted ? 'Aborted' : 'Done')
  }

  const { stepsOf, conclude, settleInstance } = createRunSteps(effects, planFor)

  const machine: RunMachine = {
    start(run) {
      record(run, 'action', 'medium', 'Created')
      collector.watch(run)
      clock.after(options.launchLimitMs, () => {
        if (run.state === 'Initializing') machine.raiseAbort(run, 'ss', 'Timeout launching run')
      })
      schedule(run)
    },
    complete(run, instance) {
      complete(run, instance, true)
    },
    raiseAbort(run, scope, message) {
      if (abortOf(run) !== '' || message === '' || isFinal(run.state)) return false
      setValue(run, 'ss:abort', message)
      if (scope !== 'ss') setValue(run, `${scope}:abort`, message)
      record(run, 'state', 'high', `Abort from '${scope}', message:${message}`)
      if (run.state === 'Provisioning') {
        setValue(run, 'ss:recovery.mode', 'true')
        record(run, 'state', 'high', "Recovery mode set to 'true'")
      }
      return true
    },
    resetAbort(run, scope) {
      if (abortOf(run) === '') return
      setValue(run, 'ss:abort', '')
      for (const { name } of run.instances.values()) setValue(run, `${name}:abort`, '')
      record(run, 'state', 'high', `Reset abort from '${scope}'`)
      if (valueOf(run, 'ss:recovery.mode') !== 'true') return
      setValue(run, 'ss:recovery.mode', 'false')
      record(run, 'state', 'high', "Recovery mode set to 'false'")
    },
    enter(run, state) {
      dropPending(run)
      run.state = state
      run.enteredAt = clock.now()
      run.lastStateChange = wallNow()
      run.overdue = false
      setValue(run, 'ss:state', state)
      for (const { name } of run.instances.values()) setValue(run, `${name}:complete`, 'false')
      record(run, 'state', 'medium', state)
      if (isFinal(state)) end(run)
      if (state === 'Ready') run.stays = staysReady(run)
      schedule(run)
    },
    terminate(run) {
      if (isFinal(run.state)) return
      if (run.state === 'Ready') {
        machine.enter(run, 'Finalizing')
        machine.enter(run, abortOf(run) === '' ? 'Done' : 'Aborted')
      } else machine.enter(run, 'Cancelled')
      record(run, 'action', 'medium', 'Terminated')
    },
    holdIn(state) {
      holds.set(state, (holds.get(state) ?? 0) + 1)
      for (const run of collector.watched()) {
        if (run.state !== state || (state === 'Ready' && run.stays)) continue
        dropPending(run)
        held.add(run)
      }
      let released = false
      return () => {
        if (released) return
        released = true
        holds.set(state, (holds.get(state) ?? 1) - 1)
        for (const run of [...held]) {
          if (run.state !== state || (holds.get(state) ?? 0) > 0) continue
          held.delete(run)
          schedule(run)
        }
      }
    },
    settle(run, state) {
      run.state = state
      setValue(run, 'ss:state', state)
      for (const instance of run.instances.values()) settleInstance(run, instance)
      if (isFinal(state)) end(run)
      if (state === 'Ready') run.stays = staysReady(run)
    },
    recordAction(run, text) {
      record(run, 'action', 'medium', text)
    },
  }

  const end = (run: Run): void => {
    run.endTime = wallNow()
    setValue(run, 'ss:complete', 'true')
    for (const instance of run.instances.values()) effects.release(run, instance)
  }

  const collector = createRunCollector({
    clock,
    accounts: tools.accounts,
    everyMs: options.collectorMs,
    machine,
    record: (run, text) => {
      record(run, 'system', 'medium', `GarbageCollector: ${text}`)
    },
  })
  return machine
}

/** Who has a part in this state: nodes first, then orchestrators. */
function participants(run: Run): readonly Instance[] {
  const onlyOrchestrators = isIn(run, 'Initializing', 'Finalizing')
  return [...run.instances.values()].filter(
    (instance) => (instance.kind === 'orchestrator' || !onlyOrchestrators) && !isGone(run, instance),
  )
}

function staysReady(run: Run): boolean {
  if (run.type === 'Run' || run.mutable) return true
  if (run.type === 'Machine' || run.keepRunning === 'never') return false
  if (run.keepRunning === 'always') return true
  return run.keepRunning === (abortOf(run) === '' ? 'on-success' : 'on-error')
}

/** What is to go wrong with this instance in this state: by default with the first that has a part in it. */
function planFor(run: Run, instance: Instance): FailurePlan | undefined {
  return run.plans.find(
    ({ node, state }) =>
      state === run.state &&
      (node === undefined
        ? participants(run)[0] === instance
        : node === instance.node || node === instance.name),
  )
}

function failureText({ state }: Run, { name }: Instance): string {
  if (state === 'Executing') return `Failed running 'execute' target on '${name}'`
  if (state === 'Provisioning') return `Failed starting the virtual machine of '${name}'`
  return `Failed in ${state} on '${name}'`
}

/** Failures that `max-provisioning-failures` lets pass (unverified: what becomes of the instance). */
function isTolerated(run: Run, instance: Instance): boolean {
  const node = run.nodes.get(instance.node)
  return run.state === 'Provisioning' && node !== undefined && node.failed < node.tolerated
}

function loseInstance(run: Run, instance: Instance): void {
  const node = run.nodes.get(instance.node)
  if (node === undefined) return
  node.failed += 1
  setValue(run, `${instance.name}:scale.state`, 'gone')
  setValue(run, `${instance.name}:vmstate`, 'Failed')
  setIds(
    run,
    node,
    idsOf(run, node.name).filter((id) => id !== instance.id),
  )
}
