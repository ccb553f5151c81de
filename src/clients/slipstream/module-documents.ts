import { moduleVersion } from './module-paths.js'
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
  strings,
  textOf,
  type XmlElement,
} from './xml-values.js'

// Slipstream dossier 4.1 and 4.6.

/** What a module is: the cloud's `Image` is a component, its `Deployment` an application. */
export type ModuleType = 'project' | 'component' | 'application' | (string & {})

/** Who may do what. The rights are `ownerGet`, `groupPut`, `publicPost` and so on. */
export interface Authorization {
  readonly owner?: string
  readonly groupMembers: readonly string[]
  readonly [right: string]: unknown
}

/** A module in a list: of the app store, or of the content of a project. */
export interface ModuleItem {
  readonly name: string
  readonly type: ModuleType
  readonly category: string
  /** Without `module/` and without version. */
  readonly path: string
  readonly version?: number
  readonly description?: string
  readonly logoLink?: string
  readonly published?: boolean
  readonly authz?: Authorization
  readonly [attribute: string]: unknown
}

/** One version of a module. Dates are as the server writes them, with the name of a zone. */
export interface Module {
  readonly name: string
  readonly type: ModuleType
  readonly category: string
  /** Without `module/` and without version. */
  readonly path: string
  readonly shortName: string
  readonly parentUri: string
  readonly version?: number
  readonly isLatestVersion?: boolean
  readonly description?: string
  readonly logoLink?: string
  readonly creation?: string
  readonly lastModified?: string
  readonly deleted?: boolean
  /** Of a component: whether it has images of its own, and is not built from another one. */
  readonly isBase?: boolean
  readonly moduleReferenceUri?: string
  readonly platform?: string
  readonly loginUser?: string
  readonly authz?: Authorization
  readonly commit?: { readonly author?: string; readonly comment?: string }
  /** There only if this version is published. */
  readonly published?: { readonly publicationDate?: string }
  readonly cloudNames: readonly string[]
  readonly [attribute: string]: unknown
}

/** A parameter of a module. What is unset is not there; what is secret is, but is neither printed nor copied. */
export interface ModuleParameter {
  readonly name: string
  /** `General`, `Input`, `Output`, `Execution_Parameters`, `Cloud`, or a cloud. */
  readonly category?: string
  readonly type?: string
  readonly description?: string
  readonly value?: string
  readonly defaultValue?: string
  readonly instructions?: string
  readonly isSet?: boolean
  readonly mandatory?: boolean
  readonly readonly?: boolean
  readonly order?: number
  /** What may be chosen, for the type `Enum`. */
  readonly enumValues?: readonly string[]
  readonly [attribute: string]: unknown
}

/** A component within an application. */
export interface ApplicationNode {
  readonly name: string
  /** Of the component, without `module/`. */
  readonly path?: string
  readonly imageUri?: string
  readonly cloudService?: string
  readonly multiplicity?: number
  readonly maxProvisioningFailures?: number
  readonly network?: string
  readonly [attribute: string]: unknown
}

/** The image of a component on one cloud. */
export interface CloudImageIdentifier {
  readonly cloudServiceName: string
  readonly cloudImageIdentifier: string
}

/** One version in the history of a module. */
export interface ModuleHistoryItem {
  readonly version: number
  readonly path?: string
  readonly lastModified?: string
  readonly commit?: Module['commit']
  readonly [attribute: string]: unknown
}

/** Roots of the documents of a single module. */
export const moduleRoots = ['projectModule', 'imageModule', 'deploymentModule']

export function readModule(root: XmlElement): Module {
  const shortName = required(root, 'shortName')
  const category = required(root, 'category')
  return {
    ...fields(root, {
      version: number,
      isLatestVersion: flag,
      deleted: flag,
      isBase: flag,
    }),
    name: shortName,
    shortName,
    category,
    type: typeOf(category),
    parentUri: root.attributes['parentUri'] ?? '',
    path: pathOf(root),
    cloudNames: strings(child(root, 'cloudNames')),
    ...optional('authz', readAuthorization(child(root, 'authz'))),
    ...optional('commit', readCommit(child(root, 'commit'))),
    ...optional('published', readFields(child(root, 'published'))),
  }
}

/** The items of the app store and of the root. */
export function readItems(list: XmlElement): readonly ModuleItem[] {
  return children(list, 'item').map((item) => {
    const { path } = moduleVersion(required(item, 'resourceUri'))
    return readItem(item, path)
  })
}

/** The items of the root, or of a project: those have no address of their own (dossier 4.1). */
export function readContent(root: XmlElement): readonly ModuleItem[] {
  if (root.name === 'list') return readItems(root)
  const project = pathOf(root)
  return children(child(root, 'children'), 'item').map((item) => {
    const uri = item.attributes['resourceUri'] ?? ''
    return readItem(item, uri === '' ? `${project}/${required(item, 'name')}` : moduleVersion(uri).path)
  })
}

function readItem(item: XmlElement, path: string): ModuleItem {
  const category = required(item, 'category')
  return {
    ...fields(item, { version: number, published: flag }),
    name: required(item, 'name'),
    category,
    type: typeOf(category),
    path,
    ...optional('authz', readAuthorization(child(item, 'authz'))),
  }
}

export function readParameters(root: XmlElement): readonly ModuleParameter[] {
  return [...entries(child(root, 'parameters'), 'parameter')].map(([key, element]) => {
    const parameter: ModuleParameter = {
      ...fields(element, { isSet: flag, mandatory: flag, readonly: flag, order: number, order_: number }),
      name: element.attributes['name'] ?? key,
      ...optional('instructions', textOf(child(element, 'instructions'))),
      ...optional('enumValues', readStrings(child(element, 'enumValues'))),
    }
    const enumerable = parameter.type !== 'Password' && !isSecretParameter(parameter.name)
    for (const field of ['value', 'defaultValue']) {
      const value = textOf(child(element, field))
      if (value !== undefined) Object.defineProperty(parameter, field, { value, enumerable })
    }
    return parameter
  })
}

export function readNodes(root: XmlElement): readonly ApplicationNode[] {
  return [...entries(child(root, 'nodes'), 'node')].map(([key, node]) => ({
    ...fields(node, { multiplicity: number, maxProvisioningFailures: number, deleted: flag }),
    name: node.attributes['name'] ?? key,
    ...optional('path', node.attributes['imageUri']?.replace(/^\/?module\//, '')),
  }))
}

export function readImageIdentifiers(root: XmlElement): readonly CloudImageIdentifier[] {
  return children(child(root, 'cloudImageIdentifiers'), 'cloudImageIdentifier').map((image) => ({
    cloudServiceName: required(image, 'cloudServiceName'),
    cloudImageIdentifier: image.attributes['cloudImageIdentifier'] ?? '',
  }))
}

// The dossier names the document only (4.1): that its items are those of other lists is unverified.
export function readVersions(root: XmlElement): readonly ModuleHistoryItem[] {
  return children(root, 'item').map((item) => {
    const located = moduleVersion(item.attributes['resourceUri'] ?? '')
    const version = number(item.attributes['version']) ?? located.version
    if (version === undefined) throw new Misfit('item.version: missing')
    return {
      ...fields(item),
      version,
      ...optional('path', located.path === '' ? undefined : located.path),
      ...optional('commit', readCommit(child(item, 'commit'))),
    }
  })
}

/** What a category of the cloud is called here. */
export function typeOf(category: string): ModuleType {
  if (category === 'Image') return 'component'
  return category === 'Deployment' ? 'application' : category.toLowerCase()
}

function pathOf(root: XmlElement): string {
  const parent = (root.attributes['parentUri'] ?? '')
    .replaceAll(/^\/+|\/+$/g, '')
    .replace(/^module(?:\/|$)/, '')
  const name = required(root, 'shortName')
  return parent === '' ? name : `${parent}/${name}`
}

function readAuthorization(authz: XmlElement | undefined): Authorization | undefined {
  if (authz === undefined) return undefined
  const members = child(authz, 'groupMembers')
  return {
    ...fields(
      authz,
      Object.fromEntries(
        Object.keys(authz.attributes)
          .filter(isRight)
          .map((name) => [name, flag]),
      ),
    ),
    // As a list of strings or, by other versions of the server, as text: unverified.
    groupMembers: children(members, 'string').length > 0 ? strings(members) : commaList(textOf(members)),
  }
}

function isRight(attribute: string): boolean {
  return attribute !== 'owner'
}

function readCommit(commit: XmlElement | undefined): Module['commit'] {
  if (commit === undefined) return undefined
  return { ...fields(commit), ...optional('comment', textOf(child(commit, 'comment'))) }
}

function readFields(element: XmlElement | undefined): Record<string, unknown> | undefined {
  return element === undefined ? undefined : fields(element)
}

function readStrings(element: XmlElement | undefined): readonly string[] | undefined {
  return element === undefined ? undefined : strings(element)
}

/** The field, if there is a value for it. */
function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): Partial<Record<Name, Value>> {
  return value === undefined ? {} : ({ [name]: value } as Record<Name, Value>)
}
