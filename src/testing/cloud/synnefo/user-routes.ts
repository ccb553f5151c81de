import type { Handler, Params, Routes } from '../routes.js'
import type { Exchange, User } from '../service.js'
import { notImplemented } from './answers.js'
import { userOf } from './credentials.js'
import type { SynnefoState } from './state.js'

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
export type UserHandler = (exchange: Exchange, user: User, params: Params) => void | Promise<void>

/** Declares routes that only a user with a good token may call. */
export interface UserRoutes {
  /** `/servers`, `/servers/`, `/servers.json` */
  collection(method: Method, path: string, handler: UserHandler): void
  /** One item: no trailing slash (synnefo dossier 2.3). */
  item(method: Method, path: string, handler: UserHandler): void
}

/** Paths are below the prefix. */
export function createUserRoutes(routes: Routes, state: SynnefoState, prefix: string): UserRoutes {
  const guard =
    (handler: UserHandler): Handler =>
    (exchange, params) => {
      const user = userOf(exchange, state.accounts)
      if (asksForXml(exchange)) throw notImplemented('This cloud answers in JSON only.')
      return handler(exchange, user, params)
    }
  return {
    collection(method, path, handler) {
      for (const ending of ['', '/', '.json', '.xml']) {
        routes.on(method, `${prefix}${path}${ending}`, guard(handler))
      }
    },
    item(method, path, handler) {
      routes.on(method, `${prefix}${path}`, guard(handler))
    },
  }
}

/** Query, then suffix, then Accept (synnefo dossier 2.3). */
function asksForXml(exchange: Exchange): boolean {
  const format = exchange.query.get('format')
  if (format !== null) return format === 'xml'
  const suffix = /\.(json|xml)$/.exec(exchange.path)?.[1]
  return suffix === undefined ? exchange.headers.accept === 'application/xml' : suffix === 'xml'
}
