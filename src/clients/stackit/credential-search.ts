import type { KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { fileTrouble, missingFile } from '../../auth/file-trouble.js'
import type { ServiceAccountIdentity } from '../../auth/stackit-key.js'
import type { FederatedTokenSource } from '../../auth/stackit-workload-identity.js'
import { ConfigurationError } from '../../errors.js'

/** How a workload shows who it is with the token of another identity provider. */
export interface WorkloadIdentityOptions {
  /** Gives the federated token, anew for each exchange. Default: the file. */
  readonly token?: FederatedTokenSource
  /** File with the federated token, a JWT. Default: that of the environment, else where the service's own clusters put it. */
  readonly tokenPath?: string | undefined
  /** Whole address of the token endpoint. Default: that of the environment, else that of the public cloud. */
  readonly tokenEndpoint?: string | undefined
}

/** Ways to say who the client is. What is empty counts as not given. */
export interface StackitCredentialOptions {
  /** Federation with another identity provider; `true` with all its defaults. Wins over keys and tokens. */
  readonly workloadIdentity?: boolean | WorkloadIdentityOptions | undefined
  /** Mail address of the service account; only federation asks for it. */
  readonly serviceAccountEmail?: string | undefined
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

/** Where credentials are looked for beside the options, but for files. */
export interface CredentialPlaces {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home folder. */
  readonly home: string
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
  | {
      readonly kind: 'workload'
      readonly foundAt: string
      readonly clientId: string
      /** A source, or the path of a file. */
      readonly federatedToken: FederatedTokenSource | string
      readonly tokenEndpoint: TokenEndpoint
    }

/** `https://host:port`, and path and query as they stand. */
export interface TokenEndpoint {
  readonly origin: string
  readonly path: string
}

/** Enough for a search until the first file is wanted. */
export interface Known extends CredentialPlaces {
  readonly options: StackitCredentialOptions
}

/** A search under way: it yields the paths of the files it wants to read. */
export type Reading<T> = Generator<string, T, string>

/** A setting and where it stands. */
export interface Found<T = string> {
  readonly value: T
  readonly foundAt: string
}

/** What is looked for, inline or as the path of a file, under these names. */
export interface Sought {
  readonly title: string
  readonly option: 'serviceAccountKey' | 'privateKey'
  readonly pathOption: 'serviceAccountKeyPath' | 'privateKeyPath'
  readonly variable: string
  readonly pathVariable: string
}
export const soughtKey: Sought = {
  title: 'service account key',
  option: 'serviceAccountKey',
  pathOption: 'serviceAccountKeyPath',
  variable: 'STACKIT_SERVICE_ACCOUNT_KEY',
  pathVariable: 'STACKIT_SERVICE_ACCOUNT_KEY_PATH',
}
export const soughtPrivateKey: Sought = {
  title: 'private key',
  option: 'privateKey',
  pathOption: 'privateKeyPath',
  variable: 'STACKIT_PRIVATE_KEY',
  pathVariable: 'STACKIT_PRIVATE_KEY_PATH',
}
/** One search: knows where to look, and remembers what was there. */
export class Search {
  readonly #known: Known
  readonly #lookedAt: string[] = []
  #file: { readonly path: string; readonly fields: Readonly<Record<string, unknown>> } | undefined

  constructor(known: Known) {
    this.#known = known
  }

  failure(message: string): ConfigurationError {
    return new ConfigurationError(message, { cloud: 'stackit', lookedAt: this.#lookedAt })
  }

  /** Adds a place that was looked at by somebody else. */
  note(place: string): void {
    this.#lookedAt.push(place)
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

/** A setting that has to be a text. */
export function textOf({ value, foundAt }: Found<unknown>): Found {
  if (typeof value === 'string') return { value, foundAt }
  throw new ConfigurationError(`${foundAt}: expected a text`, { cloud: 'stackit' })
}

/** The whole address of a token endpoint. */
export function endpointAt({ value, foundAt }: Found): TokenEndpoint {
  const match = /^(https?:\/\/[^/?#@\s]+)((?:[/?][^#\s]*)?)$/i.exec(value)
  if (match === null) {
    throw new ConfigurationError(`${foundAt}: expected the whole http(s) address of the token endpoint`, {
      cloud: 'stackit',
    })
  }
  const path = match[2] ?? ''
  return { origin: match[1] ?? '', path: path.startsWith('/') ? path : `/${path}` }
}
