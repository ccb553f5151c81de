import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { findCloud, profileOf, type CloudFields, type Search } from './clouds-yaml.js'
import type { EndpointChoice, EndpointInterface, KeystoneLogin } from './keystone.js'
import {
  Places,
  type GivenOptions,
  type KnownPlaces,
  type KnownSources,
  type OpenstackCredentialOptions,
} from './openstack-places.js'
import {
  configurationError,
  openstackEndpoint,
  overlay,
  readInterface,
  readSettings,
  readTempAuth,
  settingsIn,
  type Reading,
  type SettingName,
  type Settings,
} from './openstack-settings.js'
import type { TempAuthLogin } from './temp-auth.js'

export type { ApplicationCredential, OpenstackCredentialOptions } from './openstack-places.js'

/** Where credentials are looked for beside the options. */
export interface OpenstackSources extends KnownSources {
  /** Reads a text file; rejects with an error that has a `code`, as Node's does. */
  readonly readFile: (path: string) => Promise<string>
}

/** The process's environment, home and working folder, real files. */
export function systemSources(): OpenstackSources {
  return {
    env: process.env,
    home: folderOr('', () => homedir()),
    folder: folderOr('.', () => process.cwd()),
    readFile: (path) => readFile(path, 'utf8'),
  }
}

/** A user may have no home, and a process stand in a folder that was removed. */
function folderOr(otherwise: string, find: () => string): string {
  try {
    return find()
  } catch {
    return otherwise
  }
}

/** Who the client is, and where that was found. */
export type OpenstackCredentials = { readonly foundAt: string; readonly authUrl: string } & (
  | { readonly kind: 'keystone'; readonly login: KeystoneLogin; readonly choice: EndpointChoice }
  | ({ readonly kind: 'temp-auth' } & TempAuthLogin)
)

/**
 * Looks for credentials: options, then a named cloud of `clouds.yaml`, else the variables `OS_*`, else `ST_*`. Options complete what
 * is found there; but options with an `authUrl`, and no `cloud`, stand alone, so that no secret of one cloud goes to another.
 *
 * Rejects with a `ConfigurationError` that lists every place looked at and what was there.
 */
export async function resolveCredentials(
  options: OpenstackCredentialOptions,
  { env, home, folder, readFile: read }: OpenstackSources = systemSources(),
): Promise<OpenstackCredentials> {
  const search = findCredentials({ options, env, home, folder })
  let step = search.next()
  while (step.done !== true) {
    const path = step.value
    step = await read(path)
      .then((text) => parseYaml(path, text))
      .then(
        (content) => search.next(content),
        (error: unknown) => search.throw(error),
      )
  }
  return step.value
}

/**
 * The credentials, if they can be told without reading a file.
 *
 * @throws ConfigurationError for what is wrong or missing, if that can be told without reading a file
 */
export function immediateCredentials(
  options: OpenstackCredentialOptions,
  { env, home, folder }: KnownSources = systemSources(),
): OpenstackCredentials | undefined {
  const step = findCredentials({ options, env, home, folder }).next()
  return step.done === true ? step.value : undefined
}

/** Every scalar as the text that it is: a password of digits is no number. */
async function parseYaml(path: string, text: string): Promise<unknown> {
  const { parse } = await import('yaml')
  try {
    return parse(text, { schema: 'failsafe', merge: true, logLevel: 'error' }) as unknown
  } catch {
    // The parser's words quote the text around the fault.
    throw configurationError(`file ${path} is not YAML`)
  }
}

// --- the search: yields the paths of the files it wants to read, and is given what is in them -----------------

function* findCredentials(known: KnownPlaces): Search<OpenstackCredentials> {
  const places = new Places(known)
  const options = places.options()
  const { authUrl, settings } = checked(options)
  if (options.user !== undefined || options.key !== undefined) return tempAuthOf(options, places)

  const alone = authUrl !== undefined
  const cloudName = options.cloud ?? (alone ? undefined : places.variable('OS_CLOUD'))
  if (cloudName !== undefined) {
    const { fields, foundAt } = yield* findCloud(cloudName, places)
    const found = readSettings(overlay(settings, settingsIn(fields)), (name) => `${name} of ${foundAt}`)
    if (found.kind !== 'incomplete') return complete(found, foundAt, choiceIn(options, places, fields))
    throw places.failure(`${foundAt} lacks ${found.lacks}${profileOf(fields)}`)
  }
  if (alone) {
    const found = readSettings(settings, () => 'option authUrl')
    if (found.kind !== 'incomplete') return complete(found, 'options', choiceIn(options, places))
    throw places.failure(`the options lack ${found.lacks}`)
  }
  const found = readSettings(
    overlay(settings, places.variables()),
    (name) => `environment variable OS_${name.toUpperCase()}`,
  )
  if (found.kind !== 'incomplete') {
    return complete(found, 'environment variables OS_*', choiceIn(options, places))
  }
  const other = Object.keys(settings).length === 0 ? tempAuthIn(places) : undefined
  if (other !== undefined) return other
  throw places.failure(`no credentials for OpenStack were found: ${found.lacks} is missing`)
}

function complete(
  found: Exclude<Reading, { kind: 'incomplete' }>,
  foundAt: string,
  choice: EndpointChoice,
): OpenstackCredentials {
  return found.kind === 'keystone' ? { ...found, foundAt, choice } : { ...found, foundAt }
}

/** What is wrong among the options is told at once, also where a file comes first. */
function checked({ settings, interface: given }: GivenOptions): {
  readonly authUrl: string | undefined
  readonly settings: Settings
} {
  const { auth_url: authUrl } = settings
  if (authUrl !== undefined) openstackEndpoint(authUrl, 'option authUrl')
  if (given !== undefined) readInterface(given, 'option interface')
  return { authUrl, settings }
}

function choiceIn(options: GivenOptions, places: Places, cloud: CloudFields = {}): EndpointChoice {
  const region = options.region ?? cloud['region_name'] ?? places.unlisted('OS_REGION_NAME')
  return { ...(region === undefined ? {} : { region }), interface: interfaceIn(options, places, cloud) }
}

function interfaceIn(options: GivenOptions, places: Places, cloud: CloudFields): EndpointInterface {
  if (options.interface !== undefined) return readInterface(options.interface, 'option interface')
  for (const name of ['interface', 'endpoint_type']) {
    const text = cloud[name]
    if (text !== undefined) return readInterface(text, `${name} in clouds.yaml`)
  }
  for (const name of ['OS_INTERFACE', 'OS_ENDPOINT_TYPE']) {
    const text = places.unlisted(name)
    if (text !== undefined) return readInterface(text, `environment variable ${name}`)
  }
  return 'public'
}

// --- TempAuth -------------------------------------------------------------------------------------------------

/** What the options leave open, the variables say; but a key of the environment goes to no other address than its own. */
function tempAuthOf(options: GivenOptions, places: Places): OpenstackCredentials {
  const { auth_url, ...keystone } = options.settings
  if (Object.keys(keystone).length > 0 || options.cloud !== undefined) {
    throw configurationError(
      'options user and key are for TempAuth; authUrl alone goes with them, not what Keystone or a cloud of clouds.yaml wants',
    )
  }
  const alone = auth_url !== undefined
  const authUrl = auth_url ?? places.variable('ST_AUTH')
  const user = options.user ?? (alone ? undefined : places.variable('ST_USER'))
  const key = options.key ?? (alone ? undefined : places.variable('ST_KEY'))
  if (authUrl === undefined) throw places.failure('the address to sign in at is missing')
  if (user === undefined) throw places.failure('the user is missing')
  if (key === undefined) throw places.failure('the key is missing')
  const named = (name: SettingName): string =>
    name !== 'auth_url' ? 'options user and key' : alone ? 'option authUrl' : 'environment variable ST_AUTH'
  return { ...readTempAuth({ authUrl, user, key }, named), foundAt: 'options' }
}

function tempAuthIn(places: Places): OpenstackCredentials | undefined {
  const authUrl = places.variable('ST_AUTH')
  const user = places.variable('ST_USER')
  const key = places.variable('ST_KEY')
  if (authUrl === undefined || user === undefined || key === undefined) return undefined
  const named = (name: SettingName): string =>
    `environment variable${name === 'auth_url' ? ' ST_AUTH' : 's ST_USER and ST_KEY'}`
  return { ...readTempAuth({ authUrl, user, key }, named), foundAt: 'environment variables ST_*' }
}
