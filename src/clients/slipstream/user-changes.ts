import { escapeAttribute, escapeText, xmlElement, type XmlPart, type XmlTree } from '../../http/xml-text.js'
import type { KeepRunning } from './deploy-form.js'
import { categoryOf, profile } from './user-documents.js'

// What is written of users (slipstream dossier 4.4).

/** What may be changed of a user; what is not named stays. */
export interface UserChanges {
  readonly password?: string
  readonly email?: string
  readonly firstName?: string
  readonly lastName?: string
  readonly organization?: string
  /** Only privileged users may change roles, and `issuper`. */
  readonly roles?: readonly string[]
  readonly issuper?: boolean
  readonly defaultCloud?: string
  /** When an application goes on running once it is ready. */
  readonly keepRunning?: KeepRunning
  readonly sshPublicKeys?: readonly string[]
  /** 0 to 3. */
  readonly logVerbosity?: number
  /** Minutes after which a deployment that does not get on is given up. */
  readonly executionTimeout?: number
  readonly usageEmail?: 'never' | 'daily'
  /** By cloud and name: `{ 'exoscale-ch-gva': { username, password } }`. */
  readonly cloudParameters?: Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>
}

/** A new user. */
export interface UserSpec extends UserChanges {
  readonly name: string
  readonly password: string
  readonly email: string
  readonly firstName: string
  readonly lastName: string
}

/** What a new user has unless told otherwise, as with the reference client. */
const defaults = {
  issuper: false,
  keepRunning: 'never',
  logVerbosity: 1,
  executionTimeout: 30,
  usageEmail: 'never',
} as const satisfies UserChanges

/** The document of a new user. */
export function newUser(spec: UserSpec): XmlTree {
  const { name } = spec
  const attributes = {
    name,
    issuper: 'false',
    ...attributesOf(spec),
    state: 'ACTIVE',
    resourceUri: `user/${name}`,
  }
  const parameters = new Map([...parametersOf(defaults), ...parametersOf(spec)])
  return withParameters(xmlElement('user', attributes), parameters)
}

/**
 * The document of a user with the changes in it. Roles that were only read must not be written back by those who may not
 * change them, and neither must the key of the orchestrator.
 */
export function changedUser(document: XmlTree, changes: UserChanges, keepRoles: boolean): XmlTree {
  const { roles, ...read } = document.attributes
  const attributes = { ...read, ...(keepRoles ? { roles } : {}), ...attributesOf(changes) }
  return withParameters(xmlElement(document.name, attributes, document.children), parametersOf(changes))
}

/** What of the changes must not be seen in an error, as it is and as the document writes it. */
export function secretsOf({ password, cloudParameters = {} }: UserChanges): readonly string[] {
  const ofClouds = Object.values(cloudParameters)
    .flatMap((parameters) => Object.entries(parameters))
    .filter(([name]) => /password|passwd|secret|token|key/i.test(name))
    .map(([, value]) => String(value))
  const secrets = [...(password === undefined ? [] : [password]), ...ofClouds]
  const written = secrets.flatMap((secret) => [secret, escapeText(secret), escapeAttribute(secret)])
  // The longest first: one may be the beginning of another.
  return [...new Set(written)].sort((one, other) => other.length - one.length)
}

function attributesOf(changes: UserChanges): Record<string, string> {
  const { password, email, firstName, lastName, organization, roles, issuper } = changes
  return present({
    password,
    email,
    firstName,
    lastName,
    organization,
    roles: roles?.join(','),
    issuper: issuper === undefined ? undefined : String(issuper),
  })
}

function parametersOf(changes: UserChanges): ReadonlyMap<string, string> {
  const { defaultCloud, keepRunning, sshPublicKeys, logVerbosity, executionTimeout, usageEmail } = changes
  const general = present({
    [profile.defaultCloud]: defaultCloud,
    [profile.keepRunning]: keepRunning,
    [profile.logVerbosity]: logVerbosity === undefined ? undefined : String(logVerbosity),
    [profile.executionTimeout]: executionTimeout === undefined ? undefined : String(executionTimeout),
    [profile.usageEmail]: usageEmail,
    [profile.sshPublicKeys]: sshPublicKeys?.join('\n'),
  })
  const ofClouds = Object.entries(changes.cloudParameters ?? {}).flatMap(([cloud, parameters]) =>
    Object.entries(parameters).map(([name, value]): [string, string] => [`${cloud}.${name}`, String(value)]),
  )
  return new Map([...Object.entries(general), ...ofClouds])
}

const PARAMETERS = 'parameters'
/** Written by the server alone (dossier 4.4). */
const ORCHESTRATOR_KEY = 'General.orchestrator.publicsshkey'

function withParameters(document: XmlTree, values: ReadonlyMap<string, string>): XmlTree {
  const isParameters = (part: XmlPart): part is XmlTree => isElement(part, PARAMETERS)
  const parts = document.children
  const children = parts.some(isParameters) ? parts : [...parts, xmlElement(PARAMETERS)]
  return {
    name: document.name,
    attributes: document.attributes,
    children: children.map((part) => (isParameters(part) ? withValues(part, values) : part)),
  }
}

function withValues(parameters: XmlTree, values: ReadonlyMap<string, string>): XmlTree {
  const missing = new Map(values)
  const kept = parameters.children
    .filter((entry) => keyOf(entry) !== ORCHESTRATOR_KEY)
    .map((entry) => {
      const key = keyOf(entry)
      const value = key === undefined ? undefined : values.get(key)
      if (key === undefined || value === undefined) return entry
      missing.delete(key)
      return withValue(entry, value)
    })
  const added = [...missing].map(([name, value]) =>
    xmlElement('entry', {}, [
      xmlElement('string', {}, [{ text: name }]),
      xmlElement('parameter', { name, category: categoryOf(name) }, [valueElement(value)]),
    ]),
  )
  return { name: PARAMETERS, attributes: parameters.attributes, children: [...kept, ...added] }
}

function withValue(entry: XmlPart, value: string): XmlPart {
  if (!('children' in entry)) return entry
  const children = entry.children.map((part) => {
    if (!isElement(part, 'parameter')) return part
    const others = part.children.filter((other) => !isElement(other, 'value'))
    return { name: part.name, attributes: part.attributes, children: [...others, valueElement(value)] }
  })
  return { name: entry.name, attributes: entry.attributes, children }
}

function valueElement(value: string): XmlTree {
  return xmlElement('value', {}, [{ text: value }])
}

function keyOf(entry: XmlPart): string | undefined {
  if (!isElement(entry, 'entry')) return undefined
  const key = entry.children.find((part): part is XmlTree => isElement(part, 'string'))
  return key?.children.map((part) => ('text' in part ? part.text : '')).join('')
}

function isElement(part: XmlPart, name: string): part is XmlTree {
  return 'children' in part && part.name === name
}

function present(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
