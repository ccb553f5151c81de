import { ConfigurationError } from '../errors.js'
import { endpointOf, type Endpoint } from '../http/api.js'
import type { EndpointInterface, KeystoneDomain, KeystoneLogin, KeystonePrincipal } from './keystone.js'
import type { TempAuthLogin } from './temp-auth.js'

/**
 * What OpenStack is told to sign in with, each setting under the name that it has in a cloud of `clouds.yaml`; as a variable it is the
 * same in capitals after `OS_`. Groups, because a part of one place does not go with another part of another: an id would win
 * over the name that was meant.
 */
const groups = [
  ['auth_url'],
  ['username', 'user_id'],
  ['user_domain_name', 'user_domain_id'],
  ['project_name', 'project_id', 'tenant_name', 'tenant_id'],
  ['project_domain_name', 'project_domain_id'],
  [
    'auth_type',
    'password',
    'application_credential_id',
    'application_credential_name',
    'application_credential_secret',
  ],
] as const

export type SettingName = (typeof groups)[number][number]
export type Settings = Readonly<Partial<Record<SettingName, string>>>

export const settingNames: readonly SettingName[] = groups.flat()

/** The settings among fields of any kind. */
export function settingsIn(fields: Readonly<Record<string, string | undefined>>): Settings {
  return Object.fromEntries(
    settingNames.map((name) => [name, fields[name]] as const).filter(([, value]) => value !== undefined),
  )
}

/** The settings of two places: of each group those of the first one that has any. */
export function overlay(first: Settings, second: Settings): Settings {
  const taken = groups.map((group) => {
    const place = group.some((name) => first[name] !== undefined) ? first : second
    return group.map((name) => [name, place[name]] as const)
  })
  return Object.fromEntries(taken.flat().filter(([, value]) => value !== undefined))
}

/** What the settings amount to. */
export type Reading =
  | { readonly kind: 'keystone'; readonly authUrl: string; readonly login: KeystoneLogin }
  | ({ readonly kind: 'temp-auth'; readonly authUrl: string } & TempAuthLogin)
  | { readonly kind: 'incomplete'; readonly lacks: string }

const passwordTypes = ['password', 'v3password']
const credentialTypes = ['v3applicationcredential']
const tempAuthTypes = ['v1password']

/** Says in errors where a setting stands. */
export type Named = (name: SettingName) => string

/**
 * Makes a way to sign in of the settings.
 *
 * @throws ConfigurationError for an address or a way to sign in that cannot be used
 */
export function readSettings(settings: Settings, named: Named): Reading {
  const { auth_url: authUrl, auth_type: type, username: user, password: key } = settings
  if (authUrl === undefined) return incomplete('the address to sign in at (auth_url)')
  if (type !== undefined && ![...passwordTypes, ...credentialTypes, ...tempAuthTypes].includes(type)) {
    throw configurationError(
      `${named('auth_type')}: the way to sign in '${type}' is not supported; supported are a password (v3password), an ` +
        'application credential (v3applicationcredential) and TempAuth (v1password)',
    )
  }
  if (type !== undefined && tempAuthTypes.includes(type)) {
    if (user === undefined) return incomplete('a user (username)')
    if (key === undefined) return incomplete('a key (password)')
    return readTempAuth({ authUrl, user, key }, named)
  }
  const login = readLogin(settings)
  if ('lacks' in login) return login
  return { kind: 'keystone', authUrl: keystoneUrl(authUrl, named('auth_url')), login }
}

/** @throws ConfigurationError for an address that is none, and for what no header can hold */
export function readTempAuth(
  given: TempAuthLogin & { readonly authUrl: string },
  named: Named,
): Extract<Reading, { kind: 'temp-auth' }> {
  const { origin, prefix } = openstackEndpoint(given.authUrl, named('auth_url'))
  const wrong = (['user', 'key'] as const).find((name) => controlCharacter.test(given[name]))
  if (wrong !== undefined) {
    const place = named(wrong === 'user' ? 'username' : 'password')
    throw configurationError(`${place}: the ${wrong} holds a control character`)
  }
  return { ...given, kind: 'temp-auth', authUrl: origin + prefix }
}

const controlCharacter = /\p{Cc}/u

function readLogin(settings: Settings): KeystoneLogin | Extract<Reading, { kind: 'incomplete' }> {
  const { auth_type: type, password, application_credential_secret: secret } = settings
  const user = userOf(settings)
  const wantsPassword = type === undefined ? secret === undefined : passwordTypes.includes(type)
  if (!wantsPassword) {
    if (secret === undefined) return incomplete('application_credential_secret')
    const { application_credential_id: id, application_credential_name: name } = settings
    const method = 'application_credential'
    if (id !== undefined) return { method, credential: { id }, secret }
    if (name === undefined) return incomplete('application_credential_id or application_credential_name')
    if (user === undefined) return incomplete('whose application_credential_name it is (username or user_id)')
    return { method, credential: { name, user }, secret }
  }
  if (password === undefined) return incomplete('a password or an application credential')
  if (user === undefined) return incomplete('username or user_id')
  return { method: 'password', user, password, project: projectOf(settings) }
}

function userOf(settings: Settings): KeystonePrincipal | undefined {
  const { username: name, user_id: id } = settings
  return principal(id, name, userDomainOf(settings) ?? usualDomain)
}

/** A project's domain is its user's, where nothing else is said. */
function projectOf(settings: Settings): KeystonePrincipal | undefined {
  const { project_name, project_id, tenant_name, tenant_id } = settings
  const { project_domain_id: id, project_domain_name: name } = settings
  const domain = domainOf(id, name) ?? userDomainOf(settings) ?? usualDomain
  return principal(project_id ?? tenant_id, project_name ?? tenant_name, domain)
}

function userDomainOf({ user_domain_id, user_domain_name }: Settings): KeystoneDomain | undefined {
  return domainOf(user_domain_id, user_domain_name)
}

/** The domain that every Keystone has. */
const usualDomain: KeystoneDomain = { id: 'default' }

function domainOf(id: string | undefined, name: string | undefined): KeystoneDomain | undefined {
  if (id !== undefined) return { id }
  return name === undefined ? undefined : { name }
}

function principal(
  id: string | undefined,
  name: string | undefined,
  domain: KeystoneDomain,
): KeystonePrincipal | undefined {
  if (id !== undefined) return { id }
  return name === undefined ? undefined : { name, domain }
}

function incomplete(lacks: string): Extract<Reading, { kind: 'incomplete' }> {
  return { kind: 'incomplete', lacks }
}

/** Reads the name of an interface, in either of the two ways in which OpenStack writes it: `public`, `publicURL`. */
export function readInterface(text: string, foundAt: string): EndpointInterface {
  const name = text.replace(/url$/i, '').toLowerCase()
  if (name === 'public' || name === 'internal' || name === 'admin') return name
  throw configurationError(`${foundAt}: expected 'public', 'internal' or 'admin', but it is '${text}'`)
}

// --- addresses ------------------------------------------------------------------------------------------------

/**
 * The address of Keystone, its version appended if it has none.
 *
 * @throws ConfigurationError if it is no address, or one of another version
 */
export function keystoneUrl(url: string, foundAt: string): string {
  const { origin, prefix } = openstackEndpoint(url, foundAt)
  const version = /\/v(\d+)(?:\.\d+)?$/.exec(prefix)?.[1]
  if (version === undefined) return `${origin}${prefix}/v3`
  if (version === '3') return origin + prefix
  throw configurationError(
    `${foundAt}: ${origin}${prefix} is version ${version} of Keystone, but only version 3 is supported`,
  )
}

/** Splits an address; what is wrong with it is an error of this cloud. */
export function openstackEndpoint(url: string, foundAt: string): Endpoint {
  try {
    return endpointOf(url, foundAt)
  } catch (error) {
    throw configurationError(error instanceof Error ? error.message : foundAt)
  }
}

export function configurationError(message: string, lookedAt: readonly string[] = []): ConfigurationError {
  return new ConfigurationError(message, { cloud: 'openstack', lookedAt })
}
