import type { KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileTrouble, missingFile } from '../../auth/file-trouble.js'
import {
  readPrivateKey,
  readServiceAccountKey,
  type ServiceAccountIdentity,
  type ServiceAccountKeyParts,
} from '../../auth/stackit-key.js'
import { ConfigurationError } from '../../errors.js'

/** Ways to say who the client is. What is empty counts as not given. */
export interface StackitCredentialOptions {
  /** The service account key: the JSON document, or what it was parsed to. */
  readonly serviceAccountKey?: string | object | undefined
  /** File with the service account key. */
  readonly serviceAccountKeyPath?: string | undefined
  /** The private key as PEM, PKCS#8 or PKCS#1; wins over one inside the service account key. */
  readonly privateKey?: string | undefined
  /** File with the private key. */
  readonly privateKeyPath?: string | undefined
  /** An access token; cannot be renewed. */
  readonly token?: string | undefined
  /** File with credentials. Default: `$HOME/.stackit/credentials.json`, which may be missing. */
  readonly credentialsPath?: string | undefined
  /** Whole address of the token endpoint. Default: the one in the key, else that of the public cloud. */
  readonly tokenEndpoint?: string | undefined
}

/** Where credentials are looked for beside the options. */
export interface CredentialSources {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home folder. */
  readonly home: string
  /** Reads a text file; rejects with an error that has a `code`, as Node's does. */
  readonly readFile: (path: string) => Promise<string>
}

/** The process's environment, the user's home, real files. */
export function systemSources(): CredentialSources {
  return { env: process.env, home: homeFolder(), readFile: (path) => readFile(path, 'utf8') }
}

/** Empty for a user without one, as in a container that runs under any id. */
function homeFolder(): string {
  try {
    return homedir()
  } catch {
    return ''
  }
}

/** Who the client is, and where that was found. */
export type StackitCredentials =
  | {
      readonly kind: 'key'
      readonly foundAt: string
      readonly identity: ServiceAccountIdentity
      readonly privateKey: KeyObject
      readonly tokenEndpoint: TokenEndpoint
    }
  | { readonly kind: 'token'; readonly foundAt: string; readonly token: string }

/** `https://host:port`, and path and query as they stand. */
export interface TokenEndpoint {
  readonly origin: string
  readonly path: string
}

/** Everything but files: enough for a search until the first file is wanted. */
type Known = Omit<CredentialSources, 'readFile'> & { readonly options: StackitCredentialOptions }

/**
 * Looks for credentials (stackit dossier 3.3): options, then environment, then credentials file; a key wins over a token, but a
 * token among the options wins over a key elsewhere. Inline wins over a path among the options, a path over inline elsewhere.
 *
 * Rejects with a `ConfigurationError` that lists every place looked at and what was there.
 */
export async function resolveCredentials(
  options: StackitCredentialOptions,
  { env, home, readFile: read }: CredentialSources = systemSources(),
): Promise<StackitCredentials> {
  const search = findCredentials({ options, env, home })
  let step = search.next()
  while (step.done !== true) {
    const path = step.value
    step = await read(path).then(
      (text) => search.next(text),
      (error: unknown) => search.throw(error),
    )
  }
  return step.value
}

/**
 * The credentials, if they can be told without reading a file.
 *
 * @throws ConfigurationError for what is wrong among options and environment, if that can be told without reading a file
 */
export function immediateCredentials(
  options: StackitCredentialOptions,
  { env, home }: Pick<CredentialSources, 'env' | 'home'> = systemSources(),
): StackitCredentials | undefined {
  const step = findCredentials({ options, env, home }).next()
  return step.done === true ? step.value : undefined
}

// --- the search: yields the paths of the files it wants to read ------------------------------------------------

type Reading<T> = Generator<string, T, string>

/** A setting and where it stands. */
interface Found<T = string> {
  readonly value: T
  readonly foundAt: string
}

/** What is looked for, inline or as the path of a file, under these names. */
interface Sought {
  readonly title: string
  readonly option: 'serviceAccountKey' | 'privateKey'
  readonly pathOption: 'serviceAccountKeyPath' | 'privateKeyPath'
  readonly variable: string
  readonly pathVariable: string
}
const soughtKey: Sought = {
  title: 'service account key',
  option: 'serviceAccountKey',
  pathOption: 'serviceAccountKeyPath',
  variable: 'STACKIT_SERVICE_ACCOUNT_KEY',
  pathVariable: 'STACKIT_SERVICE_ACCOUNT_KEY_PATH',
}
const soughtPrivateKey: Sought = {
  title: 'private key',
  option: 'privateKey',
  pathOption: 'privateKeyPath',
  variable: 'STACKIT_PRIVATE_KEY',
  pathVariable: 'STACKIT_PRIVATE_KEY_PATH',
}
const tokenVariable = 'STACKIT_SERVICE_ACCOUNT_TOKEN'
const usualTokenEndpoint = 'https://service-account.api.stackit.cloud/token'

function* findCredentials(known: Known): Reading<StackitCredentials> {
  const search = new Search(known)
  const explicitKey = yield* search.amongOptions(soughtKey)
  if (explicitKey !== undefined) return yield* keyCredentials(search, explicitKey)
  const explicitToken = search.option('token')
  if (explicitToken !== undefined) return tokenCredentials(explicitToken)
  const key = (yield* search.inEnvironment(soughtKey)) ?? (yield* search.inFile(soughtKey))
  if (key !== undefined) return yield* keyCredentials(search, key)
  const token = search.variable(tokenVariable) ?? (yield* search.field(tokenVariable))
  if (token !== undefined) return tokenCredentials(token)
  throw search.failure('no credentials for STACKIT were found; these places were looked at:')
}

function tokenCredentials({ value, foundAt }: Found): StackitCredentials {
  return { kind: 'token', token: value, foundAt }
}

function* keyCredentials(search: Search, { value, foundAt }: Found<unknown>): Reading<StackitCredentials> {
  const key = readServiceAccountKey(value, foundAt)
  const tokenEndpoint = findTokenEndpoint(search, key)
  const found = yield* findPrivateKey(search, key)
  if (found === undefined) {
    throw search.failure(`${foundAt} holds no private key, nor does any of these places:`)
  }
  return {
    kind: 'key',
    foundAt,
    identity: key.identity,
    privateKey: readPrivateKey(found.value, found.foundAt),
    tokenEndpoint,
  }
}

/** One configured wins over the one inside the key; if it cannot be had, the one inside will do. */
function* findPrivateKey(search: Search, key: ServiceAccountKeyParts): Reading<Found | undefined> {
  const inside =
    key.privateKey === undefined
      ? undefined
      : { value: key.privateKey, foundAt: 'private key inside the service account key' }
  try {
    const configured =
      (yield* search.amongOptions(soughtPrivateKey)) ??
      (yield* search.inEnvironment(soughtPrivateKey)) ??
      (yield* search.inFile(soughtPrivateKey))
    return configured === undefined ? inside : textOf(configured)
  } catch (error) {
    if (inside === undefined) throw error
    return inside
  }
}

function textOf({ value, foundAt }: Found<unknown>): Found {
  if (typeof value === 'string') return { value, foundAt }
  throw new ConfigurationError(`${foundAt}: expected a text`, { cloud: 'stackit' })
}

function findTokenEndpoint(search: Search, key: ServiceAccountKeyParts): TokenEndpoint {
  const { value, foundAt } = search.option('tokenEndpoint') ??
    search.variable('STACKIT_TOKEN_BASEURL') ?? {
      value: key.tokenEndpoint ?? usualTokenEndpoint,
      foundAt: 'credentials.tokenEndpoint of the service account key',
    }
  const match = /^(https?:\/\/[^/?#@\s]+)((?:[/?][^#\s]*)?)$/i.exec(value)
  if (match === null) {
    throw new ConfigurationError(`${foundAt}: expected the whole http(s) address of the token endpoint`, {
      cloud: 'stackit',
    })
  }
  const path = match[2] ?? ''
  return { origin: match[1] ?? '', path: path.startsWith('/') ? path : `/${path}` }
}

/** One search: knows where to look, and remembers what was there. */
class Search {
  readonly #known: Known
  readonly #lookedAt: string[] = []
  #file: { readonly path: string; readonly fields: Readonly<Record<string, unknown>> } | undefined

  constructor(known: Known) {
    this.#known = known
  }

  failure(message: string): ConfigurationError {
    return new ConfigurationError(message, { cloud: 'stackit', lookedAt: this.#lookedAt })
  }

  *amongOptions({ title, option, pathOption }: Sought): Reading<Found<unknown> | undefined> {
    const inline = this.#look(`option ${option}`, this.#known.options[option])
    if (inline !== undefined) return { value: inline.value, foundAt: `${title} (${inline.foundAt})` }
    const path = this.option(pathOption)
    return path === undefined ? undefined : yield* this.#content(title, path)
  }

  *inEnvironment({ title, variable, pathVariable }: Sought): Reading<Found | undefined> {
    const path = this.variable(pathVariable)
    if (path !== undefined) return yield* this.#content(title, path)
    return named(title, this.variable(variable))
  }

  *inFile({ title, variable, pathVariable }: Sought): Reading<Found | undefined> {
    const path = yield* this.field(pathVariable)
    if (path !== undefined) return yield* this.#content(title, path)
    return named(title, yield* this.field(variable))
  }

  option(name: keyof StackitCredentialOptions): Found | undefined {
    const found = this.#look(`option ${name}`, this.#known.options[name])
    return found === undefined ? undefined : textOf(found)
  }

  variable(name: string): Found | undefined {
    const found = this.#look(`environment variable ${name}`, this.#known.env[name])
    return found === undefined ? undefined : textOf(found)
  }

  /** A field of the credentials file, which is read once. */
  *field(name: string): Reading<Found | undefined> {
    this.#file ??= yield* this.#readCredentialsFile()
    const { path, fields } = this.#file
    if (path === '') return undefined
    const found = this.#look(`credentials file ${path}, field ${name}`, fields[name])
    return found === undefined ? undefined : textOf(found)
  }

  *#readCredentialsFile(): Reading<{ path: string; fields: Readonly<Record<string, unknown>> }> {
    const given = this.option('credentialsPath') ?? this.variable('STACKIT_CREDENTIALS_PATH')
    const { home } = this.#known
    if (given === undefined && home === '') return { path: '', fields: {} }
    const path = given?.value ?? join(home, '.stackit', 'credentials.json')
    const title = `credentials file ${path}`
    let text: string
    try {
      text = yield path
    } catch (error) {
      const trouble = fileTrouble(error)
      this.#lookedAt.push(`${title}: ${trouble}`)
      if (given === undefined && trouble === missingFile) return { path: '', fields: {} }
      throw this.failure(`${title}${given === undefined ? '' : ` (${given.foundAt})`} ${trouble}; looked at:`)
    }
    return { path, fields: parseFields(text, title) }
  }

  *#content(title: string, { value: path, foundAt }: Found): Reading<Found> {
    let text: string
    try {
      text = yield path
    } catch (error) {
      throw this.failure(`${title} file ${path} (${foundAt}) ${fileTrouble(error)}; looked at:`)
    }
    if (text.trim() === '') throw this.failure(`${title} file ${path} (${foundAt}) is empty; looked at:`)
    return { value: text, foundAt: `${title} file ${path} (${foundAt})` }
  }

  /** What is empty counts as absent. */
  #look(place: string, value: unknown): Found<unknown> | undefined {
    const absent = value === undefined || value === null
    const empty = typeof value === 'string' && value.trim() === ''
    this.#lookedAt.push(`${place}: ${absent ? 'not set' : empty ? 'empty' : 'set'}`)
    return absent || empty ? undefined : { value, foundAt: place }
  }
}

function named(title: string, found: Found | undefined): Found | undefined {
  return found === undefined ? undefined : { value: found.value, foundAt: `${title} (${found.foundAt})` }
}

function parseFields(text: string, title: string): Readonly<Record<string, unknown>> {
  let fields: unknown
  try {
    fields = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    // The parser's words quote the text around the fault.
    throw new ConfigurationError(`${title} is not JSON`, { cloud: 'stackit' })
  }
  if (typeof fields === 'object' && fields !== null && !Array.isArray(fields)) {
    return fields as Readonly<Record<string, unknown>>
  }
  throw new ConfigurationError(`${title}: expected a JSON object`, { cloud: 'stackit' })
}
