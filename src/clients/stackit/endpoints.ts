import { bearer, type Attach } from '../../auth/authorize.js'
import { ConfigurationError } from '../../errors.js'
import { endpointOf, type Endpoint } from '../../http/api.js'
import type { HttpRequest, Middleware } from '../../http/types.js'
import type { ServiceDefinition } from './service-definition.js'

/**
 * Addresses that win over the usual ones, by service: `{ 'service-account': 'https://…' }`; those of one version too:
 * `{ 'iaas/v1': 'https://…' }`. No region is put into them.
 */
export type EndpointOverrides = Readonly<Record<string, string>>

/**
 * The address of a service (stackit dossier 2): an override, else that of its definition, with the region where the host has it.
 *
 * @throws ConfigurationError without a region that the host needs, and for one that the service does not have
 */
export function serviceEndpoint(
  { service, version, url, regions }: ServiceDefinition,
  overrides: EndpointOverrides,
  region: string,
): Endpoint {
  const key = [`${service}/${version}`, service].find((name) => overrides[name] !== undefined)
  if (key !== undefined) return endpointOf(overrides[key] ?? '', `endpoints.${key}`)
  if (!url.includes('{region}')) return endpointOf(url, `address of ${service}`)
  const available =
    regions === undefined ? '' : `; ${service} ${version} has the regions: ${regions.join(', ')}`
  if (region.trim() === '') {
    throw new ConfigurationError(`the option region is missing${available}`, {
      cloud: 'stackit',
      lookedAt: ['option region: not set', 'environment variable STACKIT_REGION: not set'],
    })
  }
  const known = regions === undefined ? /^[a-z0-9-]+$/.test(region) : regions.includes(region)
  if (!known) {
    throw new ConfigurationError(`there is no region ${JSON.stringify(region)}${available}`, {
      cloud: 'stackit',
    })
  }
  return endpointOf(url.replace('{region}', region), `address of ${service}`)
}

/** Finds the address for an operation of the user's: an override, else `https://<service>.api.stackit.cloud`. */
export function endpointsWith(overrides: EndpointOverrides): (service: string) => Endpoint {
  const known = new Map(
    Object.entries(overrides).map(([service, url]) => [service, endpointOf(url, `endpoints.${service}`)]),
  )
  return (service) => {
    let endpoint = known.get(service)
    if (endpoint === undefined) {
      endpoint = usualEndpoint(service)
      known.set(service, endpoint)
    }
    return endpoint
  }
}

function usualEndpoint(service: string): Endpoint {
  if (!/^[a-z0-9-]+$/.test(service)) {
    throw new ConfigurationError(`the operation names no service of STACKIT: ${JSON.stringify(service)}`, {
      cloud: 'stackit',
    })
  }
  return { origin: `https://${service}.api.stackit.cloud`, prefix: '' }
}

/** Sends a request, with the token, to the service of its operation, unless its address is known. */
export function attachStackit(endpointFor: (service: string) => Endpoint): Attach {
  return (token, request) => bearer(token, routed(request, endpointFor))
}

/** Sends a request, without a token, to the service of its operation, unless its address is known. */
export function route(endpointFor: (service: string) => Endpoint): Middleware {
  return (next) => (request, handler) => next(routed(request, endpointFor), handler)
}

function routed(request: HttpRequest, endpointFor: (service: string) => Endpoint): HttpRequest {
  if (request.origin !== '') return request
  const { origin, prefix } = endpointFor(request.operation.service ?? '')
  return { ...request, origin, path: prefix + request.path }
}
