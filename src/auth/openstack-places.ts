import { dirname, join } from 'node:path'
import type { ConfigurationError } from '../errors.js'
import type { EndpointInterface } from './keystone.js'
import { configurationError, settingNames, settingsIn, type Settings } from './openstack-settings.js'

/** A secret that stands for a user in one project. One that is named by its name needs its user as well. */
export type ApplicationCredential =
  { readonly id: string; readonly secret: string } | { readonly name: string; readonly secret: string }

/** Ways to say who the client is and which cloud is meant. What is empty counts as not given. */
export interface OpenstackCredentialOptions {
  /** Where to sign in: Keystone (`https://keystone.example.org/v3`), or TempAuth (`https://swift.example.org/auth/v1.0`). */
  readonly authUrl?: string | undefined
  readonly username?: string | undefined
  readonly userId?: string | undefined
  readonly password?: string | undefined
  /** Default: the domain `default`. */
  readonly userDomainName?: string | undefined
  readonly userDomainId?: string | undefined
  readonly projectName?: string | undefined
  readonly projectId?: string | undefined
  /** Default: the user's domain. */
  readonly projectDomainName?: string | undefined
  readonly projectDomainId?: string | undefined
  readonly applicationCredential?: ApplicationCredential | undefined
  /** TempAuth: `account:user`. */
  readonly user?: string | undefined
  /** TempAuth: the key of `user`. */
  readonly key?: string | undefined
  /** Name of a cloud in `clouds.yaml`. */
  readonly cloud?: string | undefined
  /** Default: the region of the cloud in `clouds.yaml`, `OS_REGION_NAME`, or the only one there is. */
  readonly region?: string | undefined
  /** Default: the interface of the cloud in `clouds.yaml`, `OS_INTERFACE`, or `public`. */
  readonly interface?: EndpointInterface | undefined
}

/** The options, each of them a text that is not empty. */
export interface GivenOptions {
  readonly settings: Settings
  readonly user: string | undefined
  readonly key: string | undefined
  readonly cloud: string | undefined
  readonly region: string | undefined
  readonly interface: string | undefined
}

/** Where is looked for credentials beside the options and files. */
export interface KnownSources {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home folder. */
  readonly home: string
  /** The working folder. */
  readonly folder: string
}

/** Where a search may look without reading a file. */
export interface KnownPlaces extends KnownSources {
  readonly options: OpenstackCredentialOptions
}

/** What of the settings makes the difference between signing in and not. */
const telling: readonly string[] = [
  'auth_url',
  'username',
  'user_id',
  'password',
  'application_credential_id',
  'application_credential_name',
  'application_credential_secret',
]

/** The places of one search: knows what is there, and remembers where was looked. */
export class Places {
  readonly #known: KnownPlaces
  readonly #lookedAt: string[] = []

  constructor(known: KnownPlaces) {
    this.#known = known
  }

  failure(message: string): ConfigurationError {
    return configurationError(`${message}; looked at:`, this.#lookedAt)
  }

  saw(place: string): void {
    this.#lookedAt.push(place)
  }

  options(): GivenOptions {
    const { options } = this.#known
    const listed = (name: keyof OpenstackCredentialOptions): string | undefined =>
      this.#look(`option ${name}`, options[name])
    const silent = (name: keyof OpenstackCredentialOptions): string | undefined =>
      textOf(`option ${name}`, options[name])
    const given = {
      auth_url: listed('authUrl'),
      username: listed('username'),
      user_id: listed('userId'),
      password: listed('password'),
      user_domain_name: silent('userDomainName'),
      user_domain_id: silent('userDomainId'),
      project_name: silent('projectName'),
      project_id: silent('projectId'),
      project_domain_name: silent('projectDomainName'),
      project_domain_id: silent('projectDomainId'),
      ...this.#applicationCredential(),
    }
    if (given.password !== undefined && given.application_credential_secret !== undefined) {
      throw configurationError('options password and applicationCredential: give one or the other')
    }
    return {
      settings: settingsIn(given),
      user: listed('user'),
      key: listed('key'),
      cloud: listed('cloud'),
      region: silent('region'),
      interface: silent('interface'),
    }
  }

  #applicationCredential(): Settings {
    const place = 'option applicationCredential'
    const given: unknown = this.#known.options.applicationCredential
    this.#lookedAt.push(`${place}: ${given === undefined || given === null ? 'not set' : 'set'}`)
    if (given === undefined || given === null) return {}
    if (typeof given !== 'object')
      throw configurationError(`${place}: expected { id, secret } or { name, secret }`)
    const { id, name, secret } = given as Readonly<Record<string, unknown>>
    const credential = {
      application_credential_id: textOf(`${place}.id`, id),
      application_credential_name: textOf(`${place}.name`, name),
      application_credential_secret: textOf(`${place}.secret`, secret),
    }
    const { application_credential_secret, ...names } = credential
    if (application_credential_secret === undefined)
      throw configurationError(`${place}.secret: missing or empty`)
    if (Object.values(names).every((value) => value === undefined)) {
      throw configurationError(`${place}: neither id nor name is given`)
    }
    return settingsIn(credential)
  }

  /** Every `OS_` variable of a setting. */
  variables(): Settings {
    return settingsIn(
      Object.fromEntries(
        settingNames.map((name) => {
          const variable = `OS_${name.toUpperCase()}`
          return [name, telling.includes(name) ? this.variable(variable) : this.unlisted(variable)]
        }),
      ),
    )
  }

  variable(name: string): string | undefined {
    return this.#look(`environment variable ${name}`, this.#known.env[name])
  }

  /** A variable that does not decide whether one can sign in. */
  unlisted(name: string): string | undefined {
    return textOf(`environment variable ${name}`, this.#known.env[name])
  }

  /** Where a file of clouds may be; a variable may name one that comes first, and secrets may be in the same folder as it. */
  candidates(file: 'clouds.yaml' | 'secure.yaml'): readonly string[] {
    const { home, folder } = this.#known
    const paths = [
      ...(file === 'clouds.yaml' ? [this.variable('OS_CLIENT_CONFIG_FILE')] : this.#secureFiles()),
      join(folder, file),
      home === '' ? undefined : join(home, '.config', 'openstack', file),
      join('/etc/openstack', file),
    ]
    return [...new Set(paths.filter((path) => path !== undefined))]
  }

  #secureFiles(): readonly (string | undefined)[] {
    const clouds = this.unlisted('OS_CLIENT_CONFIG_FILE')
    const beside = clouds === undefined ? undefined : join(dirname(clouds), 'secure.yaml')
    return [this.variable('OS_CLIENT_SECURE_FILE'), beside]
  }

  #look(place: string, value: unknown): string | undefined {
    const text = textOf(place, value)
    const absent = value === undefined || value === null
    this.#lookedAt.push(`${place}: ${absent ? 'not set' : text === undefined ? 'empty' : 'set'}`)
    return text
  }
}

/** What is empty counts as absent. */
function textOf(place: string, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw configurationError(`${place}: expected a text`)
  return value.trim() === '' ? undefined : value
}
