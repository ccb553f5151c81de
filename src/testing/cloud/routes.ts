import createRouter, { type HTTPMethod } from 'find-my-way'
import type { Exchange } from './service.js'

export type Params = Readonly<Record<string, string | undefined>>
export type Handler = (exchange: Exchange, params: Params) => void | Promise<void>

export type Found =
  | { readonly kind: 'route'; readonly handler: Handler; readonly params: Params }
  | { readonly kind: 'wrong-method'; readonly allowed: readonly string[] }
  | { readonly kind: 'nothing' }

/** The routes of one service, by paths below its prefix. */
export interface Routes {
  on(method: HTTPMethod | HTTPMethod[], path: string, handler: Handler): void
  find(method: string, path: string): Found
}

const METHODS: readonly HTTPMethod[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

export function createRoutes(): Routes {
  const router = createRouter({ caseSensitive: true, maxParamLength: 4096 })
  const neverCalled = (): void => undefined
  const lookUp = (method: string, path: string): Extract<Found, { kind: 'route' }> | undefined => {
    const found = router.find(method as HTTPMethod, path)
    // A trailing slash is no item with an empty name.
    if (found === null || !isHandler(found.store) || Object.values(found.params).includes(''))
      return undefined
    return { kind: 'route', handler: found.store, params: found.params }
  }
  return {
    on(method, path, handler) {
      router.on(method, path, neverCalled, handler)
    },
    find(method, path) {
      const found = lookUp(method, path)
      if (found !== undefined) return found
      const allowed = METHODS.filter((other) => lookUp(other, path) !== undefined)
      return allowed.length > 0 ? { kind: 'wrong-method', allowed } : { kind: 'nothing' }
    },
  }
}

function isHandler(store: unknown): store is Handler {
  return typeof store === 'function'
}
