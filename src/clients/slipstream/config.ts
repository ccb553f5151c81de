import { homedir } from 'node:os'
import { join } from 'node:path'
import { ConfigurationError } from '../../errors.js'
import { endpointOf } from '../../http/api.js'
import type { ClientOptions } from '../../http/client.js'
import type { Dialect } from './dialect.js'
import type { SessionTemplateParameters, SlipstreamLogin } from './session-operations.js'

/** Where is looked for what the configuration leaves open. */
export interface SlipstreamEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home folder. */
  readonly home: string
}

/**
 * Whose sessions a client has. One way to log in, or none: then the variables of the environment, and then the cookie file of the
 * reference client, which holds a session but no way to renew it.
 */
export interface SessionConfig extends ClientOptions {
  /** Default: the variable of the environment (`SLIPSTREAM_ENDPOINT`, `NUVLA_ENDPOINT`), or the hosted service. */
  readonly endpoint?: string | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Of an API key, `credential/<uuid>` or the bare uuid. */
  readonly key?: string | undefined
  /** Of the API key. */
  readonly secret?: string | undefined
  /** Any other way to log in that the cloud offers, with its parameters. */
  readonly template?: SessionTemplateParameters | undefined
  /**
   * A Netscape cookie file to find the session in, and to keep it; `true` for the one of the reference client
   * (`~/.slipstream/cookies.txt`, `~/.nuvla/cookies.txt`), `false` for none. A cookie of another user is left alone. Where it cannot
   * be written, calls go on, and `traffic` has a `failure` that says why.
   */
  readonly cookieFile?: string | boolean | undefined
  /** Default: the environment and the home of the process. */
  readonly environment?: Partial<SlipstreamEnvironment> | undefined
}

/** What a configuration amounts to. */
export interface ResolvedConfig {
  /** `https://host:port/path` without a slash at the end. */
  readonly endpoint: string
  readonly login: SlipstreamLogin | undefined
  readonly cookieFile: CookieFile | undefined
  /** Every place that was looked at for a way to log in. */
  readonly lookedAt: readonly string[]
}

export interface CookieFile {
  readonly path: string
  /** Whether sessions are kept there; else the one that is there is used, and that is all. */
  readonly keep: boolean
}

/** @throws ConfigurationError for what is half given, contradicts itself, or cannot be */
export function resolveConfig(config: SessionConfig, dialect: Dialect): ResolvedConfig {
  const { cloud } = dialect
  const env = config.environment?.env ?? process.env
  const lookedAt: string[] = []
  const given = loginIn(config, cloud, lookedAt)
  const endpoint = endpointIn(config, dialect, env)
  const login = given ?? loginOfEnvironment(endpoint, dialect, env, lookedAt)
  return {
    endpoint: endpoint.url,
    login,
    cookieFile: cookieFileIn(config, dialect, login === undefined, lookedAt),
    lookedAt,
  }
}

// --- the address --------------------------------------------------------------------------------------------------

interface FoundEndpoint {
  readonly url: string
  /** What the environment says, if anything: the credentials beside it are for nobody else. */
  readonly ofEnvironment: string | undefined
}

function endpointIn(
  { endpoint }: SessionConfig,
  { cloud, variables, endpoint: hosted }: Dialect,
  env: SlipstreamEnvironment['env'],
): FoundEndpoint {
  const variable = textOf(env[variables.endpoint], `environment variable ${variables.endpoint}`, cloud)
  const ofEnvironment =
    variable === undefined
      ? undefined
      : normalised(variable, `environment variable ${variables.endpoint}`, cloud)
  const own = textOf(endpoint, 'endpoint', cloud)
  const url = own === undefined ? (ofEnvironment ?? hosted) : normalised(own, 'endpoint', cloud)
  return { url, ofEnvironment }
}

function normalised(url: string, place: string, cloud: Dialect['cloud']): string {
  try {
    const { origin, prefix } = endpointOf(url, place)
    return origin + prefix
  } catch (error) {
    // Said anew, in the name of the cloud.
    throw new ConfigurationError(error instanceof Error ? error.message : place, { cloud })
  }
}

// --- ways to log in ------------------------------------------------------------------------------------------------

/** The one way among the options. */
function loginIn(
  options: Pick<SessionConfig, 'username' | 'password' | 'key' | 'secret' | 'template'>,
  cloud: Dialect['cloud'],
  lookedAt: string[],
): SlipstreamLogin | undefined {
  const { template } = options
  const text = (name: 'username' | 'password' | 'key' | 'secret'): string | undefined => {
    const value = textOf(options[name], name, cloud)
    lookedAt.push(`option ${name}: ${value === undefined ? 'not set' : 'set'}`)
    return value
  }
  const [username, password, key, secret] = [text('username'), text('password'), text('key'), text('secret')]
  lookedAt.push(`option template: ${template === undefined ? 'not set' : 'set'}`)
  const ways = [
    pair('username', username, 'password', password, cloud) && 'username and password',
    pair('key', key, 'secret', secret, cloud) && 'key and secret',
    template !== undefined && 'template',
  ].filter((way) => typeof way === 'string')
  if (ways.length > 1) {
    throw new ConfigurationError(`${ways.join('; ')}: give one way to log in, not ${ways.length}`, { cloud })
  }
  if (template !== undefined) return { template: checkTemplate(template, cloud) }
  if (username !== undefined && password !== undefined) return { username, password }
  if (key !== undefined && secret !== undefined) return { key, secret }
  return undefined
}

/** Checks what is given to log in with. */
export function checkLogin(login: SlipstreamLogin, cloud: Dialect['cloud']): SlipstreamLogin {
  const given: unknown = login
  const found = typeof given === 'object' && given !== null ? loginIn(given, cloud, []) : undefined
  if (found === undefined) {
    throw new ConfigurationError(
      'credentials: expected { username, password }, { key, secret } or { template }',
      { cloud },
    )
  }
  return found
}

/** Whether both are there. */
function pair(
  name: string,
  value: string | undefined,
  secretName: string,
  secret: string | undefined,
  cloud: Dialect['cloud'],
): boolean {
  if ((value === undefined) === (secret === undefined)) return value !== undefined
  const [has, lacks] = value === undefined ? [secretName, name] : [name, secretName]
  throw new ConfigurationError(`${has}: is given without ${lacks}`, { cloud })
}

function checkTemplate(template: unknown, cloud: Dialect['cloud']): SessionTemplateParameters {
  const isTemplate =
    typeof template === 'object' &&
    template !== null &&
    'href' in template &&
    typeof template.href === 'string' &&
    template.href !== ''
  if (!isTemplate) {
    throw new ConfigurationError("template: expected { href: 'session-template/…' } and its parameters", {
      cloud,
    })
  }
  return template as SessionTemplateParameters
}

function loginOfEnvironment(
  { url, ofEnvironment }: FoundEndpoint,
  { cloud, variables }: Dialect,
  env: SlipstreamEnvironment['env'],
  lookedAt: string[],
): SlipstreamLogin | undefined {
  const { kind, name, secret: secretName } = variables.credentials
  const read = (variable: string): string | undefined => {
    const place = `environment variable ${variable}`
    const value = textOf(env[variable], place, cloud)
    lookedAt.push(`${place}: ${value === undefined ? 'not set' : 'set'}`)
    return value
  }
  const [value, secret] = [read(name), read(secretName)]
  if (value === undefined && secret === undefined) return undefined
  if (ofEnvironment !== undefined && ofEnvironment !== url) {
    lookedAt.push(
      `environment variable ${variables.endpoint}: names another endpoint, so these are not for ${url}`,
    )
    return undefined
  }
  pair(`environment variable ${name}`, value, secretName, secret, cloud)
  if (value === undefined || secret === undefined) return undefined
  return kind === 'password' ? { username: value, password: secret } : { key: value, secret }
}

// --- the cookie file -----------------------------------------------------------------------------------------------

function cookieFileIn(
  { cookieFile, environment }: SessionConfig,
  { cloud, cookieFile: usual }: Dialect,
  alone: boolean,
  lookedAt: string[],
): CookieFile | undefined {
  if (typeof cookieFile === 'string') {
    if (cookieFile.trim() === '') throw new ConfigurationError('cookieFile: the path is empty', { cloud })
    return { path: cookieFile, keep: true }
  }
  if (cookieFile === false || (cookieFile === undefined && !alone)) return undefined
  const home = environment?.home ?? homeOfProcess()
  const path = join(home, ...usual)
  if (home !== '') return { path, keep: cookieFile === true }
  if (cookieFile === true) {
    throw new ConfigurationError('cookieFile: the user has no home folder; give a path', { cloud })
  }
  lookedAt.push('cookie file: the user has no home folder')
  return undefined
}

/** A user may have none. */
function homeOfProcess(): string {
  try {
    return homedir()
  } catch {
    return ''
  }
}

/** What is empty counts as absent. */
function textOf(value: unknown, place: string, cloud: Dialect['cloud']): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw new ConfigurationError(`${place}: expected a text`, { cloud })
  return value.trim() === '' ? undefined : value
}
