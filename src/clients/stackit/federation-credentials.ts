import { fileTrouble } from '../../auth/file-trouble.js'
import { isJwt } from '../../auth/stackit-workload-identity.js'
import { ConfigurationError } from '../../errors.js'
import {
  endpointAt,
  type Reading,
  type Search,
  type StackitCredentials,
  type TokenEndpoint,
  type WorkloadIdentityOptions,
} from './credential-search.js'

const emailVariable = 'STACKIT_SERVICE_ACCOUNT_EMAIL'
const usualFederatedTokenPath = '/var/run/secrets/stackit.cloud/serviceaccount/token'
const usualFederationEndpoint = 'https://accounts.stackit.cloud/oauth/v2/token'

/** Federation that was asked for. */
export function workloadCredentials(search: Search, options: WorkloadIdentityOptions): StackitCredentials {
  const clientId = search.option('serviceAccountEmail') ?? search.variable(emailVariable)
  if (clientId === undefined) {
    throw search.failure('workloadIdentity needs the mail address of the service account; looked at:')
  }
  const { token } = options
  if (token !== undefined && typeof token !== 'function') {
    throw new ConfigurationError('workloadIdentity.token: expected a function', { cloud: 'stackit' })
  }
  const path = filled(options.tokenPath) ?? federatedTokenPath(search)
  return {
    kind: 'workload',
    foundAt: token === undefined ? `federated token file ${path}` : 'option workloadIdentity.token',
    clientId: clientId.value,
    federatedToken: token ?? path,
    tokenEndpoint: federationEndpoint(search, filled(options.tokenEndpoint)),
  }
}

/** Federation that was not asked for: only if an account is named and its token is there. */
export function* workloadAround(search: Search): Reading<StackitCredentials | undefined> {
  const clientId = search.option('serviceAccountEmail') ?? search.variable(emailVariable)
  if (clientId === undefined) return undefined
  const path = federatedTokenPath(search)
  const title = `federated token file ${path}`
  try {
    const text = yield path
    if (!isJwt(text)) {
      search.note(`${title}: holds no JWT`)
      return undefined
    }
  } catch (error) {
    search.note(`${title}: ${fileTrouble(error)}`)
    return undefined
  }
  return {
    kind: 'workload',
    foundAt: title,
    clientId: clientId.value,
    federatedToken: path,
    tokenEndpoint: federationEndpoint(search, undefined),
  }
}

function federatedTokenPath(search: Search): string {
  return search.variable('STACKIT_FEDERATED_TOKEN_FILE')?.value ?? usualFederatedTokenPath
}

function federationEndpoint(search: Search, given: string | undefined): TokenEndpoint {
  if (given !== undefined)
    return endpointAt({ value: given, foundAt: 'option workloadIdentity.tokenEndpoint' })
  const found = search.variable('STACKIT_IDP_TOKEN_ENDPOINT')
  return endpointAt(found ?? { value: usualFederationEndpoint, foundAt: 'the usual token endpoint' })
}

function filled(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value
}
