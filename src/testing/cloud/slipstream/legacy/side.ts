import type { Exchange } from '../../service.js'
import { revokingCookie } from '../cookies.js'
import type { LegacySide, SlipstreamTools } from '../tools.js'
import { createLegacyFace, type LegacyFace } from './face.js'
import { LegacyFault, notFound, wrongMethod } from './failure.js'
import { appStore, moduleResource } from './module-routes.js'
import type { LegacyOptions } from './options.js'
import { preferredMedia, sendFault, sendPage } from './representation.js'
import { decodeSegment } from './requests.js'
import { runResource } from './run-routes.js'
import { createLegacyState, type LegacyState } from './state.js'
import { dashboard, virtualMachines } from './usage.js'
import { userList, userResource } from './user-routes.js'

/** The XML side of a SlipStream server: modules, runs, users, machines (slipstream dossier 4 to 7). */
export function createLegacySide(
  tools: SlipstreamTools,
  options: LegacyOptions = {},
): LegacySide<LegacyFace> {
  const state = createLegacyState(tools, options)
  return {
    face: createLegacyFace(state),
    async handle(exchange) {
      try {
        await answer(exchange.method === 'HEAD' ? asGet(exchange) : exchange, state)
      } catch (error) {
        if (!(error instanceof LegacyFault)) throw error
        sendFault(exchange, error)
      }
    },
  }
}

function asGet(exchange: Exchange): Exchange {
  return Object.create(exchange, { method: { value: 'GET' } }) as Exchange
}

async function answer(exchange: Exchange, state: LegacyState): Promise<void> {
  const [first = '', ...rest] = exchange.path.split('/').slice(1).map(decodeSegment)
  if (first === 'teapot') throw new LegacyFault(418, 'This is a teapot')
  if (first === 'login' && rest.length === 0) {
    if (exchange.method !== 'GET') throw wrongMethod('GET')
    sendPage(exchange, 'Login', 'Log in at /api/session.')
    return
  }
  const caller = state.tools.callerOf(exchange)
  if (caller === undefined) {
    refuseStranger(exchange, state)
    return
  }
  const account = state.tools.accounts.get(caller.username)
  if (account !== undefined) account.lastOnline = state.tools.wallNow()
  switch (first) {
    case 'appstore':
      return only(rest, () => appStore(exchange, caller, state))
    case 'module':
      return moduleResource(exchange, caller, state, rest)
    case 'run':
      return runResource(exchange, caller, state, rest)
    case 'vms':
      return only(rest, () => virtualMachines(exchange, caller, state))
    case 'dashboard':
      return only(rest, () => dashboard(exchange, caller, state))
    case 'users':
      return only(rest, () => userList(exchange, caller, state))
    case 'user': {
      const [name = '', ...more] = rest
      if (name === '') return only(more, () => userList(exchange, caller, state))
      return only(more, () => userResource(exchange, caller, state, name))
    }
    default:
      throw notFound('The server has not found anything matching the request URI')
  }
}

/** Nothing but a slash may follow. */
function only(rest: readonly string[], handle: () => void | Promise<void>): void | Promise<void> {
  if (rest.some((segment) => segment !== '')) {
    throw notFound('The server has not found anything matching the request URI')
  }
  return handle()
}

/** Programs get a 401, people the page to log in (slipstream dossier 2.3). */
function refuseStranger(exchange: Exchange, { tools }: LegacyState): void {
  // Unverified: that it clears in the same words as a logout.
  const cleared = { 'Set-Cookie': revokingCookie(tools.wallNow()) }
  if (preferredMedia(exchange, ['html', 'xml', 'json', 'text']) === 'html') {
    const location = `${exchange.origin}/login?redirectURL=${exchange.path}`
    exchange.send(307, { ...cleared, Location: location })
    return
  }
  throw new LegacyFault(401, 'Not authenticated', cleared)
}
