import type { DecodeContext, HttpResponse } from '../../http/types.js'
import type {
  Deployment,
  DeploymentInstance,
  DeploymentItem,
  DeploymentNode,
  DeploymentPage,
  RuntimeParameter,
} from './deployment-types.js'
import { isSecretParameter } from './secret-parameters.js'
import {
  child,
  children,
  commaList,
  entries,
  fields,
  flag,
  Misfit,
  number,
  required,
  textOf,
  xmlDocument,
  type XmlElement,
} from './xml-values.js'

// Documents of `/run` (slipstream dossier 4.2 and 5).

type Decoder<T> = (response: HttpResponse, context: DecodeContext) => T

export const readDeployments: Decoder<DeploymentPage> = xmlDocument(['runs'], (root) => {
  const totalCount = number(root.attributes['totalCount'])
  return {
    ...(totalCount === undefined ? {} : { totalCount }),
    items: children(root, 'item').map(itemOf),
  }
})

export const readDeployment: Decoder<Deployment> = xmlDocument(['run'], deploymentOf)

export const readParameters: Decoder<readonly RuntimeParameter[]> = xmlDocument(['run'], (root) =>
  [...parametersOf(root)].map(([key, element]) => parameterOf(key, element)),
)

/** The item of the list that belongs to a whole deployment. */
export function itemOfDeployment(deployment: Deployment): DeploymentItem {
  const { uuid, state, abort, moduleResourceUri, resourceUri, type, clouds, user, tags } = deployment
  const { serviceUrl, startTime } = deployment
  return {
    uuid,
    state,
    abort,
    clouds,
    tags,
    ...given({ moduleResourceUri, resourceUri, type }),
    ...given({ username: user, serviceUrl, startTime }),
  }
}

function itemOf(element: XmlElement): DeploymentItem {
  return {
    ...fields(element, {
      status: leftOut,
      cloudServiceNames: leftOut,
      serviceUrl: unlessBlank,
      activeVm: number,
    }),
    uuid: required(element, 'uuid'),
    state: required(element, 'status'),
    abort: element.attributes['abort'] ?? '',
    clouds: commaList(element.attributes['cloudServiceNames']),
    tags: commaList(element.attributes['tags']),
  }
}

function deploymentOf(root: XmlElement): Deployment {
  const runtimeParameters = valuesOf(parametersOf(root))
  const of = (key: string): string | undefined => runtimeParameters[key]
  const scopes = scopesOf(runtimeParameters)
  const keepRunning = entries(child(root, 'parameters'), 'parameter').get('General.keep-running')
  return {
    ...fields(root, { cloudServiceNames: leftOut, deleted: flag }),
    uuid: root.attributes['uuid'] ?? lastSegment(root.attributes['resourceUri']),
    state: required(root, 'state'),
    abort: of('ss:abort') ?? '',
    clouds: commaList(root.attributes['cloudServiceNames']),
    mutable: flag(root.attributes['mutable']) ?? false,
    recoveryMode: flag(of('ss:recovery.mode')) ?? false,
    tags: commaList(of('ss:tags')),
    ...given({
      serviceUrl: unlessBlank(of('ss:url.service') ?? ''),
      keepRunning: textOf(child(keepRunning, 'value')),
    }),
    nodeNames: commaList(root.attributes['nodeNames']),
    nodes: [...scopes].flatMap(([name, names]) => (names.has('ids') ? [nodeOf(name, of)] : [])),
    instances: [...scopes]
      .flatMap(([name, names]) => (name !== 'ss' && names.has('complete') ? [instanceOf(name, of)] : []))
      .sort(byNodeAndId),
    cloudImageIdentifiers: imagesOf(child(root, 'module')),
    runtimeParameters,
  }
}

function parameterOf(key: string, element: XmlElement): RuntimeParameter {
  const parameter = {
    ...fields(element, {
      deleted: flag,
      isSet: flag,
      mapsOthers: flag,
      isMappedValue: flag,
      mappedRuntimeParameterNames: commaList,
    }),
    key,
  }
  const value = textOf(element)
  if (value === undefined) return parameter
  return Object.defineProperty(parameter, 'value', { value, enumerable: !isSecretParameter(key) })
}

type Values = Readonly<Record<string, string | undefined>>
type Lookup = (key: string) => string | undefined

function parametersOf(root: XmlElement): ReadonlyMap<string, XmlElement> {
  return entries(child(root, 'runtimeParameters'), 'runtimeParameter')
}

function valuesOf(elements: ReadonlyMap<string, XmlElement>): Values {
  // Without a prototype: a key is there only if the document has it.
  const values = Object.create(null) as Record<string, string | undefined>
  for (const [key, element] of elements) {
    Object.defineProperty(values, key, { value: textOf(element), enumerable: !isSecretParameter(key) })
  }
  return values
}

/** The names of the parameters of each scope: `ss`, nodes, instances, orchestrators. */
function scopesOf(values: Values): ReadonlyMap<string, ReadonlySet<string>> {
  const scopes = new Map<string, Set<string>>()
  for (const key of Object.getOwnPropertyNames(values)) {
    const colon = key.indexOf(':')
    if (colon < 1) continue
    const scope = key.slice(0, colon)
    const names = scopes.get(scope) ?? new Set()
    scopes.set(scope, names.add(key.slice(colon + 1)))
  }
  return scopes
}

function nodeOf(name: string, of: Lookup): DeploymentNode {
  return {
    name,
    ids: commaList(of(`${name}:ids`))
      .map(Number)
      .filter(Number.isInteger),
    ...given({
      multiplicity: number(of(`${name}:multiplicity`)),
      maxProvisioningFailures: number(of(`${name}:max-provisioning-failures`)),
    }),
  }
}

function instanceOf(name: string, of: Lookup): DeploymentInstance {
  const [, node = name, id] = /^(.+)\.(\d+)$/.exec(name) ?? []
  return {
    name,
    node,
    isOrchestrator: flag(of(`${name}:is.orchestrator`)) ?? name.startsWith('orchestrator-'),
    complete: flag(of(`${name}:complete`)) ?? false,
    ...given({
      id: number(id),
      statecustom: of(`${name}:statecustom`),
      vmstate: of(`${name}:vmstate`),
      scaleState: of(`${name}:scale.state`),
      abort: of(`${name}:abort`),
      hostname: of(`${name}:hostname`),
      instanceid: of(`${name}:instanceid`),
      cloudservice: of(`${name}:cloudservice`),
      serviceUrl: of(`${name}:url.service`),
      sshUrl: of(`${name}:url.ssh`),
    }),
  }
}

/** Maps come in any order. */
function byNodeAndId(one: DeploymentInstance, other: DeploymentInstance): number {
  if (one.isOrchestrator !== other.isOrchestrator) return one.isOrchestrator ? 1 : -1
  if (one.node !== other.node) return one.node < other.node ? -1 : 1
  return (one.id ?? 0) - (other.id ?? 0)
}

function imagesOf(module: XmlElement | undefined): Readonly<Record<string, string>> {
  const images = children(child(module, 'cloudImageIdentifiers'), 'cloudImageIdentifier')
  return Object.fromEntries(
    images.flatMap(({ attributes }) => {
      const { cloudServiceName: cloud, cloudImageIdentifier: image = '' } = attributes
      return cloud === undefined || image === '' ? [] : [[cloud, image]]
    }),
  )
}

function lastSegment(uri: string | undefined): string {
  const segment = uri?.split('/').at(-1) ?? ''
  if (segment === '') throw new Misfit('run.uuid: missing')
  return segment
}

/** What is passed without the fields that are undefined. */
function given<T extends object>(values: T): { [name in keyof T]?: Exclude<T[name], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [name in keyof T]?: Exclude<T[name], undefined>
  }
}

function unlessBlank(text: string): string | undefined {
  return text.trim() === '' ? undefined : text
}

function leftOut(): undefined {
  return undefined
}
