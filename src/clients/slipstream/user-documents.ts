import type { KeepRunning } from './deploy-form.js'
import {
  attribute,
  child,
  children,
  commaList,
  entries,
  fields,
  flag,
  number,
  required,
  textOf,
  type XmlElement,
} from './xml-values.js'

// Slipstream dossier 4.4 and 4.6. The document of a user holds the credentials of clouds as parameters: they are looked at, but
// never part of a result.

/** What lists and documents say of a user. Instants are as the server writes them, with the name of a zone. */
export interface UserItem {
  readonly name: string
  readonly email?: string
  readonly firstName?: string
  readonly lastName?: string
  readonly organization?: string
  readonly roles: readonly string[]
  /** Whether the user is privileged. */
  readonly issuper: boolean
  readonly state?: UserState
  readonly online?: boolean
  readonly activeSince?: string
  readonly lastOnline?: string
  readonly lastExecute?: string
  readonly [attribute: string]: unknown
}
export type UserState = 'NEW' | 'ACTIVE' | 'DELETED' | 'SUSPENDED' | (string & {})

/** A user with the settings of the profile. */
export interface User extends UserItem {
  readonly cycloneLogin?: string
  readonly githubLogin?: string
  /** Clouds that the user has given credentials for. */
  readonly configuredClouds: readonly string[]
  readonly defaultCloud?: string
  readonly keepRunning?: KeepRunning | (string & {})
  /** Minutes after which a deployment that does not get on is given up. */
  readonly executionTimeout?: number
  readonly logVerbosity?: number
  readonly usageEmail?: string
  readonly sshPublicKeys: readonly string[]
}

/** Names of the parameters of the profile. */
export const profile = {
  defaultCloud: 'General.default.cloud.service',
  keepRunning: 'General.keep-running',
  logVerbosity: 'General.Verbosity Level',
  executionTimeout: 'General.Timeout',
  usageEmail: 'General.mail-usage',
  sshPublicKeys: 'General.ssh.public.key',
} as const

export function readUsers(list: XmlElement): readonly UserItem[] {
  return children(list, 'item').map(readUserItem)
}

export function readUser(root: XmlElement): User {
  const parameters = entries(child(root, 'parameters'), 'parameter')
  const valueOf = (name: string): string | undefined => textOf(child(parameters.get(name), 'value'))
  const { roles, issuper, name, ...rest } = readUserItem(root)
  const settings = {
    defaultCloud: valueOf(profile.defaultCloud),
    keepRunning: valueOf(profile.keepRunning),
    executionTimeout: number(valueOf(profile.executionTimeout)),
    logVerbosity: number(valueOf(profile.logVerbosity)),
    usageEmail: valueOf(profile.usageEmail),
  }
  return {
    ...rest,
    ...withoutUnset(settings),
    name,
    roles,
    issuper,
    configuredClouds: configuredClouds(parameters),
    sshPublicKeys: lines(valueOf(profile.sshPublicKeys)),
  }
}

function readUserItem(element: XmlElement): UserItem {
  // A password is never returned; were it, it would not be passed on.
  const { password: _password, ...named } = fields(element, { online: flag })
  return {
    ...named,
    name: required(element, 'name'),
    roles: commaList(attribute(element, 'roles')),
    issuper: flag(attribute(element, 'issuper')) ?? false,
  }
}

/** Clouds with a name to sign in by and a secret, whatever a cloud calls the two. */
function configuredClouds(parameters: ReadonlyMap<string, XmlElement>): readonly string[] {
  const withUser = new Set<string>()
  const withSecret = new Set<string>()
  for (const [name, parameter] of parameters) {
    if (textOf(child(parameter, 'value')) === undefined) continue
    const cloud = attribute(parameter, 'category') ?? categoryOf(name)
    if (/\.(?:username|access\.id)$/.test(name)) withUser.add(cloud)
    if (/\.(?:password|secret\.key)$/.test(name)) withSecret.add(cloud)
  }
  return [...withUser].filter((cloud) => withSecret.has(cloud))
}

/** The category of a user's parameter is what stands before the first dot. */
export function categoryOf(name: string): string {
  return name.split('.', 1)[0] ?? name
}

function lines(text: string | undefined): readonly string[] {
  return (text ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function withoutUnset(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}
