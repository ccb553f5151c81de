import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { readPrivateKey, readServiceAccountKey, type ServiceAccountKeyParts } from '../../auth/stackit-key.js'
import {
  endpointAt,
  Search,
  soughtKey,
  soughtPrivateKey,
  textOf,
  type CredentialPlaces,
  type Found,
  type Known,
  type Reading,
  type StackitCredentialOptions,
  type StackitCredentials,
  type TokenEndpoint,
} from './credential-search.js'
import { workloadAround, workloadCredentials } from './federation-credentials.js'

/** Where credentials are looked for beside the options. */
export interface CredentialSources extends CredentialPlaces {
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

/**
 * Looks for credentials (stackit dossier 3.3): options, then environment, then credentials file; federation wins over a key,
 * a key over a token, but a key or a token among the options over all that was not asked for. Inline wins over a path among
 * the options, a path over inline elsewhere.
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
  { env, home }: CredentialPlaces = systemSources(),
): StackitCredentials | undefined {
  const step = findCredentials({ options, env, home }).next()
  return step.done === true ? step.value : undefined
}

// --- the search -----------------------------------------------------------------------------------------------

const tokenVariable = 'STACKIT_SERVICE_ACCOUNT_TOKEN'
const usualTokenEndpoint = 'https://service-account.api.stackit.cloud/token'

function* findCredentials(known: Known): Reading<StackitCredentials> {
  const search = new Search(known)
  const { workloadIdentity = false } = known.options
  if (workloadIdentity !== false) {
    return workloadCredentials(search, workloadIdentity === true ? {} : workloadIdentity)
  }
  const explicitKey = yield* search.amongOptions(soughtKey)
  if (explicitKey !== undefined) return yield* keyCredentials(search, explicitKey)
  const explicitToken = search.option('token')
  if (explicitToken !== undefined) return tokenCredentials(explicitToken)
  const workload = yield* workloadAround(search)
  if (workload !== undefined) return workload
  const key = (yield* search.inEnvironment(soughtKey)) ?? (yield* search.inFile(soughtKey))
  if (key !== undefined) return yield* keyCredentials(search, key)
  const token = search.variable(tokenVariable) ?? (yield* search.field(tokenVariable))
  if (token !== undefined) return tokenCredentials(token)
  throw search.failure('no credentials for STACKIT were found; these places were looked at:')
}

function tokenCredentials({ value, foundAt }: Found): StackitCredentials {
  return { kind: 'token', token: value, foundAt }
}

// --- keys -------------------------------------------------------------------------------------------------------

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

function findTokenEndpoint(search: Search, key: ServiceAccountKeyParts): TokenEndpoint {
  return endpointAt(
    search.option('tokenEndpoint') ??
      search.variable('STACKIT_TOKEN_BASEURL') ?? {
        value: key.tokenEndpoint ?? usualTokenEndpoint,
        foundAt: 'credentials.tokenEndpoint of the service account key',
      },
  )
}
