import type { Caller } from '../tools.js'
import { badRequest, conflict, forbidden, notFound } from './failure.js'
import { mayDo, splitVersion, type ModuleNode, type ModuleVersion } from './module-model.js'
import type { ModuleStore } from './module-store.js'
import { isTruthy } from './requests.js'
import { KEEP_RUNNING, type KeepRunning, type RunType } from './run-model.js'
import type { LegacyState } from './state.js'
import { checkQuota } from './usage.js'

/** What one machine of a component, or those of a node, shall be. */
export interface MachineOrder {
  readonly image: ModuleVersion
  readonly imageId: string
  readonly cloud: string
  readonly values: ReadonlyMap<string, string>
}

export interface NodeOrder extends MachineOrder {
  readonly node: ModuleNode
  readonly multiplicity: number
  readonly tolerated: number
}

/** A run that may be made. */
export interface RunOrder {
  readonly owner: string
  readonly type: RunType
  readonly module: ModuleVersion
  readonly mutable: boolean
  readonly keepRunning: KeepRunning
  readonly tags: string
  readonly machine?: MachineOrder
  readonly nodes: readonly NodeOrder[]
}

const RUN_TYPES: readonly string[] = ['Run', 'Orchestration', 'Machine'] satisfies RunType[]
const MOST_MACHINES = 300
const LONGEST_VALUE = 4096

/** Reads and checks the form of `POST /run` (slipstream dossier 4.3). */
export function readRunOrder(form: URLSearchParams, caller: Caller, state: LegacyState): RunOrder {
  const reference = form.get('refqname')
  if (reference === null || reference === '') throw badRequest('Missing refqname in POST')
  const asked = form.get('type')
  if (asked !== null && !RUN_TYPES.includes(asked)) throw badRequest(`Unknown run type: ${asked}`)
  const module = findReference(reference, state.modules)
  if (!mayDo(caller, 'Post', module)) {
    throw forbidden('User does not have the rights to execute this module')
  }
  const type = typeFor(module, asked)
  const values = readValues(form, module)
  const account = state.tools.accounts.get(caller.username)
  const keepRunning = readKeepRunning(
    form.get('keep-running'),
    account?.parameters.get('General.keep-running'),
  )
  const publicKey = account?.parameters.get('General.ssh.public.key')?.trim() ?? ''
  if (type !== 'Machine' && publicKey === '' && !isTruthy(form.get('bypass-ssh-check'))) {
    throw conflict('Missing public key in your user profile.')
  }
  const common = {
    owner: caller.username,
    type,
    module,
    keepRunning,
    mutable: type === 'Orchestration' && isTruthy(form.get('mutable')),
    tags: form.get('tags') ?? '',
  }
  const order: RunOrder =
    module.category === 'Deployment'
      ? { ...common, nodes: readNodes(module, values, caller, state) }
      : { ...common, nodes: [], machine: readMachine(module, type, values.get('') ?? NONE, caller, state) }
  const machines = order.nodes.reduce((sum, { multiplicity }) => sum + multiplicity, 0)
  if (machines > MOST_MACHINES) {
    throw conflict(`Limit exceeded. Maximum ${MOST_MACHINES} VMs per deployment.`)
  }
  checkQuota(state, caller.username, requested(order))
  return order
}

const NONE: ReadonlyMap<string, string> = new Map()

function requested(order: RunOrder): ReadonlyMap<string, number> {
  const machines = new Map<string, number>()
  if (order.machine !== undefined) machines.set(order.machine.cloud, 1)
  for (const { cloud, multiplicity } of order.nodes) {
    machines.set(cloud, (machines.get(cloud) ?? 0) + multiplicity)
  }
  return machines
}

/** Without `module/` a reference works only as long as it has no version (slipstream dossier 7, defect 7). */
function findReference(reference: string, modules: ModuleStore): ModuleVersion {
  const name = reference.replace(/^module\//, '')
  const { path, version } = splitVersion(name)
  const found = name === reference && version !== undefined ? undefined : modules.find(path, version)
  if (found === undefined || found.deleted) {
    throw notFound(`Coudn't find reference module: ${reference}`)
  }
  return found
}

function typeFor(module: ModuleVersion, asked: string | null): RunType {
  const unfit = (): Error => conflict(`A run of the type ${String(asked)} does not fit this module`)
  switch (module.category) {
    case 'Project':
      throw conflict('A project cannot be deployed')
    case 'Deployment':
      if (asked !== null && asked !== 'Orchestration') throw unfit()
      return 'Orchestration'
    case 'Image':
      if (asked === 'Orchestration') throw unfit()
      return asked === 'Machine' ? 'Machine' : 'Run'
  }
}

function readKeepRunning(given: string | null, ofUser: string | undefined): KeepRunning {
  const known = (value: string | null | undefined): KeepRunning | undefined =>
    KEEP_RUNNING.find((one) => one === value)
  if (given === null || given === '') return known(ofUser) ?? 'on-success'
  const value = known(given)
  if (value === undefined) {
    throw conflict(`Value of keep-running should be one of the following: [${KEEP_RUNNING.join(', ')}]`)
  }
  return value
}

/** The fields `parameter--…` by node; those of a component under an empty name. */
function readValues(
  form: URLSearchParams,
  module: ModuleVersion,
): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const values = new Map<string, Map<string, string>>()
  const isApplication = module.category === 'Deployment'
  for (const [key, value] of form) {
    if (!key.startsWith('parameter--')) continue
    const [, second = '', node = '', name = '', ...rest] = key.split('--')
    const fits = isApplication
      ? second === 'node' && node !== '' && name !== '' && rest.length === 0
      : second !== '' && key.split('--').length === 2
    if (!fits) throw conflict(`Invalid key format for ${module.category} module: ${key}`)
    if (value.length > LONGEST_VALUE) throw conflict(`The value of ${key} is too long`)
    const scope = isApplication ? node : ''
    values.set(
      scope,
      (values.get(scope) ?? new Map<string, string>()).set(isApplication ? name : second, value),
    )
  }
  return values
}

const PLAIN_SETTINGS = ['cloudservice', 'service-offer']
const NODE_SETTINGS = [...PLAIN_SETTINGS, 'multiplicity', 'max-provisioning-failures']

function checkNames(values: ReadonlyMap<string, string>, image: ModuleVersion, node: string): void {
  const settings = node === 'machine' ? PLAIN_SETTINGS : NODE_SETTINGS
  for (const name of values.keys()) {
    if (settings.includes(name)) continue
    if (!image.parameters.some((parameter) => parameter.name === name)) {
      throw conflict(`Unknown parameter: ${name} in node: ${node}`)
    }
  }
}

function readMachine(
  module: ModuleVersion,
  type: RunType,
  values: ReadonlyMap<string, string>,
  caller: Caller,
  state: LegacyState,
): MachineOrder {
  checkNames(values, module, 'machine')
  const cloud = cloudFor(values.get('cloudservice'), undefined, caller, state)
  if (type === 'Machine') checkBuild(module, cloud)
  return { image: module, imageId: imageIdFor(module, cloud, state.modules), cloud, values }
}

function checkBuild(module: ModuleVersion, cloud: string): void {
  const { image } = module
  if (image === undefined || image.isBase) throw conflict('A base image cannot be built')
  if (image.cloudImageIdentifiers.has(cloud)) {
    throw conflict(`This image was already built for cloud: ${cloud}`)
  }
  if (image.packages.length === 0 && image.prerecipe.trim() === '' && image.recipe.trim() === '') {
    throw conflict(
      "This image doesn't need to be built since it doesn't contain a package list nor a pre-recipe or a recipe.",
    )
  }
}

function readNodes(
  module: ModuleVersion,
  values: ReadonlyMap<string, ReadonlyMap<string, string>>,
  caller: Caller,
  state: LegacyState,
): readonly NodeOrder[] {
  const nodes = module.nodes ?? []
  for (const name of values.keys()) {
    if (!nodes.some((node) => node.name === name)) throw conflict(`Unknown node: ${name}`)
  }
  return nodes.map((node) => {
    const given = values.get(node.name) ?? NONE
    const { path, version } = splitVersion(node.imageUri.replace(/^module\//, ''))
    const image = state.modules.find(path, version)
    if (image === undefined || image.deleted)
      throw conflict(`Unknown image of node ${node.name}: ${node.imageUri}`)
    checkNames(given, image, node.name)
    const cloud = cloudFor(given.get('cloudservice'), node.cloudService, caller, state)
    return {
      node,
      image,
      imageId: imageIdFor(image, cloud, state.modules),
      cloud,
      values: given,
      multiplicity: readCount(given.get('multiplicity'), node.multiplicity, 'multiplicity'),
      tolerated: readCount(
        given.get('max-provisioning-failures'),
        node.maxProvisioningFailures,
        'max-provisioning-failures',
      ),
    }
  })
}

function readCount(text: string | undefined, fallback: number, name: string): number {
  if (text === undefined || text === '') return fallback
  if (!/^\d{1,9}$/.test(text)) throw conflict(`Value of ${name} should be a positive integer`)
  return Number(text)
}

const isUnset = (cloud: string | undefined): boolean =>
  cloud === undefined || cloud === '' || cloud === 'default'

/** The cloud that is asked for, or the node's, or the user's. */
export function cloudFor(
  asked: string | undefined,
  ofNode: string | undefined,
  caller: Pick<Caller, 'username'>,
  { tools, options }: LegacyState,
): string {
  const ofUser = tools.accounts.get(caller.username)?.parameters.get('General.default.cloud.service')
  const cloud = [asked, ofNode, ofUser].find((one) => !isUnset(one)) ?? options.clouds[0] ?? ''
  if (!options.clouds.includes(cloud)) throw conflict(`Unknown cloud service: ${cloud}`)
  return cloud
}

const DEEPEST_REFERENCE = 20

/** The image's own id on the cloud, or that of the image it is made from. */
export function imageIdFor(module: ModuleVersion, cloud: string, modules: ModuleStore): string {
  let current: ModuleVersion | undefined = module
  for (let depth = 0; depth < DEEPEST_REFERENCE && current !== undefined; depth += 1) {
    const id = current.image?.cloudImageIdentifiers.get(cloud) ?? ''
    if (id !== '') return id
    const { path, version } = splitVersion(current.image?.moduleReferenceUri.replace(/^module\//, '') ?? '')
    current = modules.find(path, version)
  }
  throw conflict(`The image module/${module.path} has no identifier for cloud: ${cloud}`)
}
