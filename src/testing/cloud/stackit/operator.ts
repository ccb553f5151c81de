import type { Api } from './call.js'
import { makeResource, givenOf, changeResource } from './resources.js'
import { collectionOf, type Resource } from './store.js'
import type { Services } from './world.js'
import type { Fields } from './schemas.js'

/** The resources of the cloud as its operator sees them: by the paths of the API, without service and without checks. */
export interface StackitResources {
  /**
   * Puts a resource in at its path, or writes over the one there: `put('postgres-flex', '/v3/projects/…/backups/7', { size: 1 })`.
   * What it lacks is filled in; it does not move by itself.
   */
  put(service: string, path: string, fields?: Fields): Fields
  get(service: string, path: string): Fields | undefined
  /** Paths and fields of a collection. */
  list(service: string, collection: string): readonly { readonly path: string; readonly fields: Fields }[]
  remove(service: string, path: string): void
}

export function createResources(services: Services): StackitResources {
  const located = (service: string, path: string): { api: Api; path: string } => {
    checkedService(services, service)
    const segments = path.split('/').slice(1).map(decodeURIComponent)
    for (const api of services.apis(service)) {
      const kind = api.model.kindAt(segments)
      if (kind === undefined) continue
      const plain = `/${segments.map((segment) => encodeURIComponent(api.hints.segments?.[segment] ?? segment)).join('/')}`
      return { api, path: api.behaviour.locate?.(api, plain) ?? plain }
    }
    throw new TypeError(`${service} has nothing at ${path}`)
  }
  return {
    put(service, given, fields = {}) {
      const { api, path } = located(service, given)
      const kind = api.model.kindAt(path.split('/').slice(1).map(decodeURIComponent))
      if (kind === undefined) throw new TypeError(`${service} has nothing at ${given}`)
      const old = api.store.get(path)
      const names = Object.keys(api.model.schemas.shape(kind.core ?? {})?.properties ?? {})
      const extra = Object.fromEntries(
        Object.entries(fields).filter(([name]) => names.length > 0 && !names.includes(name)),
      )
      if (old !== undefined) {
        old.extra = { ...old.extra, ...extra }
        changeResource(api, old, fields, false)
        delete old.refused
        return copy(old)
      }
      const isMember = kind.collection !== undefined
      const below = isMember ? collectionOf(path) : path
      const key = decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
      const parameters = givenOf(kind, isMember ? below : path)
      const made = makeResource(api, {
        kind,
        below,
        given: parameters,
        sent: fields,
        ...(isMember ? { key } : {}),
      })
      made.extra = extra
      return copy(made)
    },
    get(service, given) {
      const { api, path } = located(service, given)
      const found = api.store.get(path)
      return found === undefined ? undefined : copy(found)
    },
    list(service, given) {
      const segments = given.split('/').slice(1).map(decodeURIComponent)
      checkedService(services, service)
      return services.apis(service).flatMap((api) => {
        const path = `/${segments.map((segment) => encodeURIComponent(api.hints.segments?.[segment] ?? segment)).join('/')}`
        return api.store.list(path).map((resource) => ({ path: resource.path, fields: copy(resource) }))
      })
    },
    remove(service, given) {
      const { api, path } = located(service, given)
      api.store.remove(path)
    },
  }
}

function copy(resource: Resource): Fields {
  return structuredClone(resource.fields)
}

/** The service, if there is such a one, and the operation, if one is named. */
export function checkedService(services: Services, service: string, operationId?: string): string {
  const apis = services.apis(service)
  if (apis.length === 0) throw new TypeError(`STACKIT has no service ${service}`)
  const isKnown = operationId === undefined || apis.some(({ model }) => model.plan(operationId) !== undefined)
  if (!isKnown) throw new TypeError(`${service} has no operation ${operationId}`)
  return service
}
