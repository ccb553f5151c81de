import { badRequest, conflict, invalid } from './failure.js'
import {
  RIGHTS,
  splitVersion,
  type Authz,
  type ImagePart,
  type ModuleCategory,
  type ModuleContent,
  type ModuleNode,
  type ModuleParameter,
} from './module-model.js'
import type { ModuleStore } from './module-store.js'
import { childNamed, childrenNamed, mapValues, type ReadElement } from './xml-reader.js'

const CATEGORIES: Readonly<Record<string, ModuleCategory>> = {
  projectModule: 'Project',
  imageModule: 'Image',
  deploymentModule: 'Deployment',
}

const text = (element: ReadElement | undefined): string => element?.text ?? ''
const attribute = (element: ReadElement, name: string): string => element.attributes[name] ?? ''

/** The module that a PUT to this path wants. What the server knows better is left out (slipstream dossier 4.1). */
export function readModule(document: ReadElement, path: string, author: string): ModuleContent {
  const category = CATEGORIES[document.name]
  if (category === undefined) throw badRequest(`Invalid xml module: unknown element ${document.name}`)
  if (attribute(document, 'category') !== category) throw invalid('the category does not fit the element')
  const parent = attribute(document, 'parentUri')
    .replace(/^module\/?/, '')
    .replace(/\/$/, '')
  const name = attribute(document, 'shortName')
  if ((parent === '' ? name : `${parent}/${name}`) !== path) {
    throw badRequest('The uploaded module does not correspond to the target module uri')
  }
  const commit = childNamed(document, 'commit')
  return {
    category,
    path,
    description: attribute(document, 'description'),
    logoLink: attribute(document, 'logoLink'),
    authz: readAuthz(childNamed(document, 'authz'), author),
    author,
    comment: text(childNamed(commit, 'comment')),
    parameters: mapValues(childNamed(document, 'parameters')).map(readParameter),
    ...(category === 'Image' ? { image: readImage(document) } : {}),
    ...(category === 'Deployment' ? { nodes: mapValues(childNamed(document, 'nodes')).map(readNode) } : {}),
  }
}

function readAuthz(element: ReadElement | undefined, author: string): Authz {
  const rights = (who: string): Authz['public'] =>
    RIGHTS.filter((right) => element?.attributes[`${who}${right}`] === 'true')
  return {
    owner: element?.attributes['owner'] ?? author,
    ownerRights: element === undefined ? RIGHTS : rights('owner'),
    group: rights('group'),
    public: rights('public'),
    inheritedGroupMembers: element?.attributes['inheritedGroupMembers'] !== 'false',
    groupMembers: childrenNamed(childNamed(element, 'groupMembers'), 'string').map(text),
  }
}

function readParameter(element: ReadElement): ModuleParameter {
  return {
    name: attribute(element, 'name'),
    category: attribute(element, 'category'),
    description: attribute(element, 'description'),
    type: element.attributes['type'] ?? 'String',
    mandatory: attribute(element, 'mandatory') === 'true',
    readonly: attribute(element, 'readonly') === 'true',
    value: text(childNamed(element, 'value')),
    defaultValue: text(childNamed(element, 'defaultValue')),
    enumValues: childrenNamed(childNamed(element, 'enumValues'), 'string').map(text),
    instructions: text(childNamed(element, 'instructions')),
  }
}

function readImage(document: ReadElement): ImagePart {
  return {
    isBase: attribute(document, 'isBase') === 'true',
    loginUser: attribute(document, 'loginUser'),
    platform: attribute(document, 'platform'),
    moduleReferenceUri: attribute(document, 'moduleReferenceUri'),
    targets: childrenNamed(childNamed(document, 'targets'), 'target')
      .filter((target) => target.text.trim() !== '')
      .map((target) => ({ name: attribute(target, 'name'), script: target.text })),
    packages: childrenNamed(childNamed(document, 'packages'), 'package').map((one) => ({
      name: attribute(one, 'name'),
      repository: attribute(one, 'repository'),
      key: attribute(one, 'key'),
    })),
    prerecipe: text(childNamed(document, 'prerecipe')),
    recipe: text(childNamed(document, 'recipe')),
    cloudImageIdentifiers: new Map(
      childrenNamed(childNamed(document, 'cloudImageIdentifiers'), 'cloudImageIdentifier').map((one) => [
        attribute(one, 'cloudServiceName'),
        attribute(one, 'cloudImageIdentifier'),
      ]),
    ),
    outputs: {},
  }
}

function readNode(element: ReadElement): ModuleNode {
  const mappings = mapValues(childNamed(element, 'parameterMappings'))
  return {
    name: attribute(element, 'name'),
    multiplicity: readCount(element, 'multiplicity', 1),
    maxProvisioningFailures: readCount(element, 'maxProvisioningFailures', 0),
    cloudService: element.attributes['cloudService'] ?? 'default',
    imageUri: attribute(element, 'imageUri'),
    network: element.attributes['network'] ?? 'Public',
    mappings: new Map(
      mappings.map((mapping) => [attribute(mapping, 'name'), text(childNamed(mapping, 'value'))]),
    ),
  }
}

function readCount(element: ReadElement, name: string, fallback: number): number {
  const value = element.attributes[name]
  if (value === undefined) return fallback
  if (!/^\d{1,9}$/.test(value)) throw invalid(`${name} should be a positive integer`)
  return Number(value)
}

/** Refuses a module that fits its address but makes no sense. */
export function checkModule(content: ModuleContent, name: string, store: ModuleStore): void {
  // Unverified: the texts of these.
  if (name === 'new') throw conflict('Illegal name: new')
  if (!/^[\w.-]+$/.test(name)) throw conflict(`Invalid name: ${name}`)
  // A name of digits alone would be taken for a version.
  if (/^\d+$/.test(name)) throw conflict(`Invalid name: ${name}`)
  const seen = new Set<string>()
  for (const parameter of content.parameters) {
    if (parameter.name === '') throw conflict('A parameter has no name')
    if (seen.has(parameter.name)) throw conflict(`Duplicate parameter: ${parameter.name}`)
    seen.add(parameter.name)
    const { type, value, enumValues } = parameter
    if (type === 'Enum' && value !== '' && !enumValues.includes(value)) {
      throw conflict(`Invalid value of the parameter ${parameter.name}: ${value}`)
    }
  }
  const reference = content.image?.moduleReferenceUri ?? ''
  if (reference !== '') {
    const { path } = splitVersion(reference.replace(/^module\//, ''))
    if (path === content.path) throw conflict('A component cannot refer to itself')
    if (store.latest(path)?.category !== 'Image') throw conflict(`Unknown reference: ${reference}`)
  }
  for (const node of content.nodes ?? []) {
    if (!/^\w+$/.test(node.name)) throw conflict(`Invalid name of a node: ${node.name}`)
    const { path, version } = splitVersion(node.imageUri.replace(/^module\//, ''))
    if (store.find(path, version)?.category !== 'Image') {
      throw conflict(`Unknown image of the node ${node.name}: ${node.imageUri}`)
    }
  }
}
