import type { SlipstreamTools } from '../tools.js'
import { createMachines, type Machines } from './machines.js'
import { seedModules } from './module-seeds.js'
import { createModuleStore, type ModuleStore } from './module-store.js'
import { readOptions, type LegacyOptions, type LegacySettings } from './options.js'
import { createRunMachine, type RunMachine } from './run-machine.js'
import type { FailurePlan } from './run-model.js'
import { createRunStore, type RunStore } from './run-store.js'

/** All that the resources of the legacy side share. */
export interface LegacyState {
  readonly tools: SlipstreamTools
  readonly options: LegacySettings
  readonly modules: ModuleStore
  readonly machines: Machines
  readonly runs: RunStore
  readonly runMachine: RunMachine
  /** What is to go wrong with the next run that is deployed. */
  readonly nextFailures: FailurePlan[]
}

export function createLegacyState(tools: SlipstreamTools, given: LegacyOptions): LegacyState {
  const options = readOptions(given)
  const modules = createModuleStore(tools.wallNow)
  seedModules(modules, options.clouds, tools.chance)
  const machines = createMachines(tools.wallNow, tools.chance)
  // One machine of each user was not started by SlipStream, and so belongs to no run.
  for (const { name, issuper } of tools.accounts.list()) {
    if (issuper) continue
    const cloud = options.clouds[0] ?? ''
    machines.setState(machines.add({ cloud, user: name, name: 'foreign' }), 'Running')
  }
  const runs = createRunStore()
  const runMachine = createRunMachine({ tools, options, machines })
  return { tools, options, modules, machines, runs, runMachine, nextFailures: [] }
}
