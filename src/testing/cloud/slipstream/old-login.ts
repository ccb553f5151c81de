import type { Service } from '../service.js'
import { revokingCookie } from './cookies.js'
import type { Sessions } from './sessions.js'

/** The deprecated way to sign in and out, which answers 401 where sessions answer 403 (slipstream dossier 1). */
export function createOldLogin(sessions: Sessions, wallNow: () => number): Service {
  return {
    prefix: '/auth',
    async handle(exchange) {
      const { method, path } = exchange
      const plain = { 'Content-Type': 'text/plain' }
      if (path !== '/auth/login' && path !== '/auth/logout') {
        exchange.send(404, plain, '404 - Not Found')
      } else if (method !== 'POST') {
        exchange.send(405, { ...plain, Allow: 'POST' }, '405 - Method Not Allowed')
      } else if (path === '/auth/logout') {
        exchange.send(200, { 'Set-Cookie': revokingCookie(wallNow()) })
      } else {
        const form = new URLSearchParams((await exchange.body()).toString('utf8'))
        const made = await sessions.signIn(exchange, form.get('username') ?? '', form.get('password') ?? '')
        if (made === undefined) exchange.send(401, plain, '401 - Unauthorized')
        else exchange.send(200, { 'Set-Cookie': made.cookie })
      }
    },
  }
}
