import { legacyDate } from './dates.js'
import {
  parentPath,
  resourceUri,
  RIGHTS,
  shortName,
  type Authz,
  type ModuleCategory,
  type ModuleNode,
  type ModuleParameter,
  type ModuleVersion,
} from './module-model.js'
import type { ModuleStore } from './module-store.js'
import { element, mapEntry, stringList, type XmlElement, type XmlValue } from './xml-writer.js'

const ROOTS: Readonly<Record<ModuleCategory, string>> = {
  Project: 'projectModule',
  Image: 'imageModule',
  Deployment: 'deploymentModule',
}

export interface ModuleViewParts {
  readonly store: ModuleStore
  readonly clouds: readonly string[]
  /** The runs of this version, as far as the caller sees them. */
  readonly runs: XmlElement
}

/** One module, as `GET /module/<path>` shows it (slipstream dossier 4.1). */
export function moduleView(module: ModuleVersion, parts: ModuleViewParts): XmlElement {
  const { store } = parts
  const content: XmlElement[] = [
    authzView(module.authz),
    element(
      'commit',
      { author: module.author },
      module.comment === '' ? [] : [element('comment', {}, [module.comment])],
    ),
  ]
  if (module.published !== undefined) {
    content.push(element('published', { publicationDate: legacyDate(module.published) }))
  }
  content.push(stringList('cloudNames', [...parts.clouds, 'default']), parts.runs)
  if (module.category === 'Project') {
    content.push(element('children', {}, store.children(module.path).map(childItem)))
  }
  content.push(...imageParts(module))
  if (module.nodes !== undefined) {
    const nodes = module.nodes.map((node) => mapEntry(node.name, nodeView(node, module, store)))
    content.push(element('nodes', {}, nodes))
  }
  content.push(element('parameters', {}, module.parameters.map(parameterEntry)))
  if (module.category !== 'Project') content.push(element('notes', { length: 0 }))
  return element(
    ROOTS[module.category],
    moduleAttributes(module, store.latest(module.path) === module),
    content,
  )
}

/** The attributes of a module that stands alone: without `resourceUri`, `class` and `name` (slipstream dossier 7). */
export function moduleAttributes(
  module: ModuleVersion,
  isLatestVersion: boolean,
): Readonly<Record<string, XmlValue>> {
  const { image } = module
  return {
    category: module.category,
    creation: legacyDate(module.creation),
    deleted: module.deleted,
    description: module.description,
    isBase: image?.isBase,
    isLatestVersion,
    lastModified: legacyDate(module.lastModified),
    loginUser: image?.loginUser,
    platform: image?.platform,
    logoLink: module.logoLink,
    moduleReferenceUri: image?.moduleReferenceUri,
    parentUri: `module/${parentPath(module.path)}`,
    shortName: shortName(module.path),
    version: module.version,
  }
}

function imageParts({ image }: ModuleVersion): readonly XmlElement[] {
  if (image === undefined) return []
  const scripts = ['execute', 'report', 'onvmadd', 'onvmremove'].map((name) => {
    const script = image.targets.find((target) => target.name === name)?.script
    return element('target', { name }, script === undefined ? [] : [{ cdata: script }])
  })
  const recipe = (name: 'prerecipe' | 'recipe'): XmlElement =>
    element(name, {}, image[name] === '' ? [] : [{ cdata: image[name] }])
  return [
    element('targets', {}, scripts),
    element(
      'packages',
      {},
      image.packages.map((one) => element('package', { ...one })),
    ),
    recipe('prerecipe'),
    recipe('recipe'),
    element(
      'cloudImageIdentifiers',
      {},
      [...image.cloudImageIdentifiers].map(([cloudServiceName, cloudImageIdentifier]) =>
        element('cloudImageIdentifier', { cloudServiceName, cloudImageIdentifier }),
      ),
    ),
  ]
}

function nodeView(node: ModuleNode, module: ModuleVersion, store: ModuleStore): XmlElement {
  const image = store.latest(node.imageUri.replace(/^module\//, '').replace(/\/\d+$/, ''))
  const mappings = [...node.mappings].map(([name, value]) =>
    mapEntry(
      name,
      element('parameter', { name, category: 'General', isMappedValue: !value.startsWith("'") }, [
        element('value', {}, [value]),
      ]),
    ),
  )
  return element(
    'node',
    {
      name: node.name,
      multiplicity: node.multiplicity,
      maxProvisioningFailures: node.maxProvisioningFailures,
      cloudService: node.cloudService,
      imageUri: node.imageUri,
      network: node.network,
      creation: legacyDate(module.lastModified),
      deleted: false,
    },
    [
      element('parameterMappings', {}, mappings),
      element('parameters'),
      element('notes', { length: 0 }),
      ...(image === undefined ? [] : [element('image', moduleAttributes(image, true))]),
    ],
  )
}

/** An item of the app store and of the root: these carry `resourceUri`. */
export function listItem(module: ModuleVersion): XmlElement {
  return element(
    'item',
    {
      resourceUri: resourceUri(module),
      name: shortName(module.path),
      version: module.version,
      category: module.category,
      description: module.description,
      published: module.published !== undefined,
      logoLink: module.logoLink,
    },
    [authzView(module.authz)],
  )
}

export function versionItem(module: ModuleVersion): XmlElement {
  return element(
    'item',
    {
      resourceUri: resourceUri(module),
      name: shortName(module.path),
      version: module.version,
      category: module.category,
      lastModified: legacyDate(module.lastModified),
    },
    [
      element(
        'commit',
        { author: module.author },
        module.comment === '' ? [] : [element('comment', {}, [module.comment])],
      ),
      authzView(module.authz),
    ],
  )
}

function childItem(module: ModuleVersion): XmlElement {
  const { category, description, version, authz } = module
  return element('item', { category, description, name: shortName(module.path), version }, [authzView(authz)])
}

function authzView(authz: Authz): XmlElement {
  const attributes: Record<string, XmlValue> = { owner: authz.owner }
  for (const [who, rights] of [
    ['owner', authz.ownerRights],
    ['group', authz.group],
    ['public', authz.public],
  ] as const) {
    for (const right of RIGHTS) attributes[`${who}${right}`] = rights.includes(right)
  }
  attributes['inheritedGroupMembers'] = authz.inheritedGroupMembers
  const members = authz.groupMembers.map((member) => element('string', {}, [member]))
  return element('authz', attributes, [element('groupMembers', {}, members)])
}

function parameterEntry(parameter: ModuleParameter): XmlElement {
  const { name, value, defaultValue } = parameter
  const content: XmlElement[] = []
  if (parameter.enumValues.length > 0) content.push(stringList('enumValues', parameter.enumValues))
  if (parameter.instructions !== '') {
    content.push(element('instructions', {}, [{ cdata: parameter.instructions }]))
  }
  if (value !== '') content.push(element('value', {}, [value]))
  if (defaultValue !== '') content.push(element('defaultValue', {}, [defaultValue]))
  return mapEntry(
    name,
    element(
      'parameter',
      {
        name,
        category: parameter.category,
        description: parameter.description,
        isSet: value !== '',
        mandatory: parameter.mandatory,
        readonly: parameter.readonly,
        type: parameter.type,
        order: 0,
        order_: 0,
      },
      content,
    ),
  )
}
