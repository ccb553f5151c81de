import type { RunEffects } from './run-effects.js'
import { isGone, isIn, setValue, valueOf, type FailurePlan, type Instance, type Run } from './run-model.js'

export interface RunSteps {
  /** What is seen of an instance on its way through the state, in equal distances. */
  readonly stepsOf: (run: Run, instance: Instance) => readonly (() => void)[]
  /** What holds when an instance has done its part. */
  readonly conclude: (run: Run, instance: Instance) => void
  /** All at once that an instance has in the state of its run. */
  readonly settleInstance: (run: Run, instance: Instance) => void
}

export function createRunSteps(
  effects: RunEffects,
  planFor: (run: Run, instance: Instance) => FailurePlan | undefined,
): RunSteps {
  const scaleState = (run: Run, instance: Instance): string => valueOf(run, `${instance.name}:scale.state`)
  const setScaleState = (run: Run, instance: Instance, value: string): void =>
    setValue(run, `${instance.name}:scale.state`, value)
  const say = (run: Run, instance: Instance, text: string): void =>
    setValue(run, `${instance.name}:statecustom`, text)
  const inRecovery = (run: Run): boolean => valueOf(run, 'ss:recovery.mode') === 'true'
  const hasAborted = (run: Run, instance: Instance): boolean => valueOf(run, `${instance.name}:abort`) !== ''

  type Step = readonly [text: string, act?: () => void]

  const describe = (run: Run, instance: Instance): readonly Step[] => {
    const isOrchestrator = instance.kind === 'orchestrator'
    const boots: readonly Step[] = [
      ['Requesting a virtual machine'],
      ['Waiting for the virtual machine to boot', () => effects.order(run, instance)],
      [
        'The virtual machine is running',
        () => {
          if (planFor(run, instance) === undefined) effects.boot(run, instance)
        },
      ],
    ]
    switch (run.state) {
      case 'Initializing':
        return boots
      case 'Provisioning':
        if (isOrchestrator) return [['Waiting for the virtual machines']]
        if (scaleState(run, instance) === 'removing') return [['Removing the virtual machine']]
        return instance.machine === undefined ? boots : [['The virtual machine is running']]
      case 'Executing':
        if (isOrchestrator) return [['Waiting for the recipes']]
        if (inRecovery(run)) return [['Recipes are skipped']]
        if (scaleState(run, instance) === 'operational') return [["Executing script 'onvmadd'"]]
        return [
          ['Installing packages'],
          ["Executing script 'execute'"],
          [
            'Setting output parameters',
            () => {
              if (planFor(run, instance) === undefined && !hasAborted(run, instance))
                effects.report(run, instance)
            },
          ],
        ]
      case 'SendingReports':
        return [['Sending reports']]
      case 'Ready':
        return [['Everything is ready']]
      case 'Finalizing':
        return [['Stopping the virtual machines']]
      case 'Done':
      case 'Cancelled':
      case 'Aborted':
      case 'Unknown':
        return []
    }
  }

  const conclude = (run: Run, instance: Instance): void => {
    switch (run.state) {
      case 'Initializing':
        effects.boot(run, instance)
        return
      case 'Provisioning':
        if (scaleState(run, instance) === 'removing') {
          effects.release(run, instance)
          setScaleState(run, instance, 'removed')
          return
        }
        effects.boot(run, instance)
        if (scaleState(run, instance) === 'creating') setScaleState(run, instance, 'created')
        return
      case 'Executing':
        if (!inRecovery(run) && !hasAborted(run, instance)) effects.report(run, instance)
        if (scaleState(run, instance) === 'created') setScaleState(run, instance, 'operational')
        return
      case 'SendingReports':
        if (instance.kind !== 'orchestrator') return
        for (const other of run.instances.values()) {
          if (scaleState(run, other) === 'removed') setScaleState(run, other, 'gone')
        }
        return
      case 'Ready':
      case 'Finalizing':
      case 'Done':
      case 'Cancelled':
      case 'Aborted':
      case 'Unknown':
        return
    }
  }

  return {
    conclude,
    stepsOf: (run, instance) =>
      describe(run, instance).map(([text, act]) => () => {
        say(run, instance, text)
        act?.()
      }),
    settleInstance(run, instance) {
      if (isGone(run, instance)) return
      const booted = !isIn(run, 'Initializing', 'Provisioning')
      const done = booted && run.state !== 'Executing'
      if (booted) effects.boot(run, instance)
      if (done) effects.report(run, instance)
      if (instance.kind !== 'orchestrator' && booted) {
        setScaleState(run, instance, done ? 'operational' : 'created')
      }
    },
  }
}
