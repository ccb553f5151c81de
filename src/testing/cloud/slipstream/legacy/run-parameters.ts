import { instancesOf } from './run-instances.js'
import type { ModuleParameter } from './module-model.js'
import {
  findParameter,
  newParameter,
  scopeOf,
  valueOf,
  type Instance,
  type ParameterAbout,
  type Run,
  type RunNode,
} from './run-model.js'

const about = (description: string, type = 'String'): ParameterAbout => ({ description, type })
type Initial = readonly [name: string, about: ParameterAbout, value?: string]

// Names and first values: slipstream dossier 5, Runtime parameter names.
const GLOBAL: readonly Initial[] = [
  ['category', about('Module category')],
  ['state', about('Global execution state'), 'Initializing'],
  ['abort', about('Run abort flag, set when aborting')],
  ['complete', about('Global complete flag, set when run completed')],
  ['groups', about('Comma separated node groups')],
  ['url.service', about('Optional service URL for the deployment')],
  ['tags', about('Comma separated tag values')],
  ['recovery.mode', about('Run abort recovery mode, set when recipes are skipped'), 'false'],
  ['run.api.key', about('API key of the run')],
  ['deployment.credential.ids', about('Ids of the credentials of the deployment')],
]
const COMMON: readonly Initial[] = [
  ['statecustom', about('Custom state')],
  ['vmstate', about('State of the VM, according to the cloud layer'), 'Unknown'],
  ['abort', about('Machine abort flag, set when aborting')],
  ['complete', about("'true' when current state is completed"), 'false'],
  ['url.ssh', about('SSH URL to connect to virtual machine')],
  ['url.service', about('Optional service URL for virtual machine')],
  ['hostname', about('hostname/ip of the image')],
  ['instanceid', about('Cloud instance id')],
]
const MACHINE: readonly Initial[] = [
  ...COMMON,
  ['is.orchestrator', about('True if it is an orchestrator'), 'false'],
  ['scale.state', about('Defined scalability state'), 'creating'],
  ['pre.scale.done', about('Whether the pre-scale script is done'), 'false'],
  ['scale.iaas.done', about('Whether the cloud is done with scaling'), 'false'],
  ['disk.attach.size', about('Size of the disk to attach in GB')],
  ['disk.attached.device', about('Name of the attached device')],
  ['disk.detach.device', about('Name of the device to detach')],
  ['service-offer', about('Service offer')],
]
const ORCHESTRATOR: readonly Initial[] = [
  ...COMMON,
  ['is.orchestrator', about('True if it is an orchestrator'), 'true'],
  ['max.iaas.workers', about('Most requests to the cloud at a time'), '20'],
]
const CLOUD_SERVICE = about('Cloud Service where the VM resides')
const IMAGE_ID = about('Cloud image id')
const IMAGE_PLATFORM = about('Platform of the image')
const NODE_NAME = about('Name of the node')
const NODE_ID = about('Id of the node instance')
const NODE_PARAMETERS = ['ids', 'multiplicity', 'max-provisioning-failures'] as const
const NODE: Readonly<Record<(typeof NODE_PARAMETERS)[number], ParameterAbout>> = {
  ids: about('IDs of the machines in a mutable deployment.'),
  multiplicity: about('Multiplicity number for this node'),
  'max-provisioning-failures': about('Tolerated provisioning failures'),
}

const OF_RUNS = ['Input', 'Output', 'Cloud']
const abouts = new WeakMap<ModuleParameter, ParameterAbout>()

export function addGlobalParameters(run: Run, values: Readonly<Record<string, string>>): void {
  const scope = scopeOf(run, 'ss')
  for (const [name, one, value] of GLOBAL) {
    scope.set(name, newParameter(one, values[name] ?? value ?? '', run.startTime))
  }
}

export function addNodeParameters(run: Run, node: RunNode, ids: readonly number[]): void {
  const scope = scopeOf(run, node.name)
  const values = {
    ids: ids.join(','),
    multiplicity: String(ids.length),
    'max-provisioning-failures': String(node.tolerated),
  }
  for (const name of NODE_PARAMETERS) scope.set(name, newParameter(NODE[name], values[name], run.startTime))
}

export interface InstanceValues {
  readonly imageId: string
  /** What the one who deploys has set. */
  readonly values: ReadonlyMap<string, string>
  /** What the application sets: texts without their quotes. */
  readonly literals?: ReadonlyMap<string, string>
}

export function addInstanceParameters(
  run: Run,
  instance: Instance,
  { imageId, values, literals }: InstanceValues,
  creation: number,
): void {
  const { image } = instance
  const scope = scopeOf(run, instance.name)
  const fix = (name: string, one: ParameterAbout, value: string): void => {
    scope.set(name, newParameter(one, value, creation))
  }
  const add = (name: string, one: ParameterAbout, value: string): void => {
    fix(name, one, values.get(name) ?? literals?.get(name) ?? value)
  }
  if (instance.kind === 'orchestrator') {
    for (const [name, one, value] of ORCHESTRATOR) fix(name, one, value ?? '')
    fix('cloudservice', CLOUD_SERVICE, instance.cloud)
    return
  }
  for (const parameter of image?.parameters ?? []) {
    const { category } = parameter
    if (!OF_RUNS.includes(category) && category !== instance.cloud) continue
    add(parameter.name, aboutOf(parameter), parameter.value)
  }
  for (const [name, one, value] of MACHINE) if (!scope.has(name)) add(name, one, value ?? '')
  fix('cloudservice', CLOUD_SERVICE, instance.cloud)
  fix('image.id', IMAGE_ID, imageId)
  fix('image.platform', IMAGE_PLATFORM, image?.image?.platform ?? '')
  if (instance.id !== undefined) {
    fix('nodename', NODE_NAME, instance.node)
    fix('id', NODE_ID, String(instance.id))
  }
}

/** Ten thousand runs of a module share its descriptions. */
function aboutOf(parameter: ModuleParameter): ParameterAbout {
  const known = abouts.get(parameter)
  if (known !== undefined) return known
  const made = about(parameter.description, parameter.type)
  abouts.set(parameter, made)
  return made
}

/** Lets parameters of the instance follow those of other nodes: of the first instance that such a node has. */
export function mapParameters(run: Run, instance: Instance, node: RunNode): void {
  for (const [name, source] of node.node.mappings) {
    // What the one who deploys has set is taken as it is.
    if (source.startsWith("'") || node.values.has(name)) continue
    const [sourceNode = '', sourceName = ''] = source.split(':')
    const first = instancesOf(run, sourceNode)[0]
    const from = first === undefined ? undefined : findParameter(run, `${first.name}:${sourceName}`)
    const key = `${instance.name}:${name}`
    const to = findParameter(run, key)
    if (first === undefined || from === undefined || to === undefined) continue
    from.mapsTo = [...from.mapsTo, key]
    to.isMapped = true
    to.value = valueOf(run, `${first.name}:${sourceName}`)
  }
}
