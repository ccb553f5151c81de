import { resourceUri } from './module-model.js'
import {
  addGlobalParameters,
  addInstanceParameters,
  addNodeParameters,
  mapParameters,
} from './run-parameters.js'
import type { Instance, Run, RunNode } from './run-model.js'
import type { MachineOrder, RunOrder } from './run-order.js'
import type { LegacyState } from './state.js'

export interface CreationOptions {
  /** Wall time, ms since the epoch. Default: now. */
  readonly startTime?: number
  /** Whether it goes on by itself. Default true. */
  readonly moves?: boolean
}

/** A run in Initializing with all its parameters; it is in the store but does not move yet. */
export function createRun(state: LegacyState, order: RunOrder, options: CreationOptions = {}): Run {
  const { tools } = state
  const startTime = options.startTime ?? tools.wallNow()
  const clouds = [...new Set([order.machine?.cloud, ...order.nodes.map(({ cloud }) => cloud)])].filter(
    (cloud) => cloud !== undefined,
  )
  const run: Run = {
    uuid: tools.chance.uuid(),
    type: order.type,
    owner: order.owner,
    module: order.module,
    moduleUri: resourceUri(order.module),
    mutable: order.mutable,
    keepRunning: order.keepRunning,
    startTime,
    clouds,
    parameters: new Map(),
    instances: new Map(),
    nodes: new Map(),
    plans: [],
    state: 'Initializing',
    lastStateChange: startTime,
    endTime: undefined,
    enteredAt: tools.clock.now(),
    stays: false,
    moves: options.moves ?? true,
    pending: [],
    overdue: false,
  }
  const groups = [
    ...(order.machine === undefined ? [] : [`${order.machine.cloud}:machine`]),
    ...order.nodes.map(({ cloud, node }) => `${cloud}:${node.name}`),
  ]
  addGlobalParameters(run, {
    category: order.module.category,
    groups: groups.join(','),
    tags: order.tags,
    'run.api.key': `credential/${tools.chance.uuid()}`,
  })
  if (order.machine !== undefined) addMachine(run, order.machine)
  for (const nodeOrder of order.nodes) {
    const { node, image, imageId, cloud, values, tolerated, multiplicity } = nodeOrder
    const runNode: RunNode = {
      name: node.name,
      node,
      image,
      imageId,
      cloud,
      values,
      tolerated,
      lastId: multiplicity,
      failed: 0,
    }
    run.nodes.set(node.name, runNode)
    const ids = Array.from({ length: multiplicity }, (_, index) => index + 1)
    addNodeParameters(run, runNode, ids)
    for (const id of ids) addNodeInstance(run, runNode, id, startTime)
  }
  for (const instance of run.instances.values()) {
    const node = run.nodes.get(instance.node)
    if (node !== undefined) mapParameters(run, instance, node)
  }
  if (order.type !== 'Run') for (const cloud of clouds) addOrchestrator(run, cloud)
  state.runs.add(run)
  return run
}

function addMachine(run: Run, { image, imageId, cloud, values }: MachineOrder): void {
  const instance: Instance = {
    name: 'machine',
    kind: 'machine',
    node: 'machine',
    id: undefined,
    cloud,
    image,
    machine: undefined,
  }
  run.instances.set(instance.name, instance)
  addInstanceParameters(run, instance, { imageId, values }, run.startTime)
}

/** An instance `worker.3` with its parameters; those that follow others are not mapped yet. */
export function addNodeInstance(run: Run, node: RunNode, id: number, creation: number): Instance {
  const instance: Instance = {
    name: `${node.name}.${id}`,
    kind: 'node',
    node: node.name,
    id,
    cloud: node.cloud,
    image: node.image,
    machine: undefined,
  }
  run.instances.set(instance.name, instance)
  const literals = [...node.node.mappings].filter(([, value]) => value.startsWith("'"))
  addInstanceParameters(
    run,
    instance,
    {
      imageId: node.imageId,
      values: node.values,
      literals: new Map(literals.map(([name, value]) => [name, value.replace(/^'|'$/g, '')])),
    },
    creation,
  )
  return instance
}

function addOrchestrator(run: Run, cloud: string): void {
  const name = `orchestrator-${cloud}`
  const instance: Instance = {
    name,
    kind: 'orchestrator',
    node: name,
    id: undefined,
    cloud,
    image: undefined,
    machine: undefined,
  }
  run.instances.set(name, instance)
  addInstanceParameters(run, instance, { imageId: '', values: new Map() }, run.startTime)
}
