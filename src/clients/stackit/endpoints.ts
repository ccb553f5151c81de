import { bearer, type Attach } from '../../auth/authorize.js'
import { ConfigurationError } from '../../errors.js'
import { endpointOf, type Endpoint } from '../../http/api.js'
import type { Middleware } from '../../http/types.js'

/** Addresses that win over the usual ones, by service: `{ 'service-account': 'https://…' }`. */
export type EndpointOverrides = Readonly<Record<string, string>>

/** Finds the address of a service: an override, else `https://<service>.api.stackit.cloud` (stackit dossier 2). */
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

/** Sends a request to the service of its operation, with the token. */
export function attachStackit(endpointFor: (service: string) => Endpoint): Attach {
  return (token, request) => {
    const { origin, prefix } = endpointFor(request.operation.service ?? '')
    return bearer(token, { ...request, origin, path: prefix + request.path })
  }
}

/** Sends a request to the service of its operation, without a token. */
export function route(endpointFor: (service: string) => Endpoint): Middleware {
  return (next) => (request, handler) => {
    const { origin, prefix } = endpointFor(request.operation.service ?? '')
    return next({ ...request, origin, path: prefix + request.path }, handler)
  }
}
