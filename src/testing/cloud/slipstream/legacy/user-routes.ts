import type { Exchange } from '../../service.js'
import type { Account, Caller } from '../tools.js'
import { badRequest, conflict, forbidden, notFound, wrongMethod } from './failure.js'
import { sendDocument } from './representation.js'
import { isTruthy } from './requests.js'
import type { LegacyState } from './state.js'
import { ORCHESTRATOR_KEY, userItem, userView } from './user-view.js'
import { childNamed, mapValues, readXml, type ReadElement } from './xml-reader.js'
import { element } from './xml-writer.js'

/** `GET /users`, for administrators. */
export function userList(exchange: Exchange, caller: Caller, state: LegacyState): void {
  if (exchange.method !== 'GET') throw wrongMethod('GET')
  if (!caller.privileged) throw forbidden('Only privileged users may list users')
  const now = state.tools.wallNow()
  const lastExecute = new Map(state.runs.all().map(({ owner, startTime }) => [owner, startTime]))
  const items = state.tools.accounts
    .list()
    .map((account) => userItem(account, now, lastExecute.get(account.name)))
  sendDocument(exchange, element('list', {}, items))
}

/** `/user/<name>` (slipstream dossier 4.4). */
export async function userResource(
  exchange: Exchange,
  caller: Caller,
  state: LegacyState,
  name: string,
): Promise<void> {
  const { tools, options } = state
  const account = tools.accounts.get(name)
  const isOwn = caller.username === name
  if (exchange.method === 'GET') {
    if (!isOwn && !caller.privileged) throw forbidden('Not allowed to see this user')
    if (account === undefined) throw notFound(`Unknown user: ${name}`)
    sendDocument(exchange, userView(account, options.clouds, tools.wallNow()))
    return
  }
  if (exchange.method !== 'PUT') throw wrongMethod('GET', 'PUT')
  const document = readXml(await exchange.body(), 'user')
  if (document.name !== 'user') throw badRequest('Invalid xml user: the element should be user')
  if (account !== undefined && !isOwn && !caller.privileged)
    throw forbidden('Not allowed to change this user')
  if (account !== undefined && isTruthy(exchange.query.get('new'))) {
    throw forbidden('Cannot create this resource. Does it already exist?')
  }
  if (document.attributes['name'] !== name) {
    throw badRequest('The uploaded user does not correspond to the target user uri')
  }
  tools.accounts.put(readAccount(document, name, account, caller, tools.wallNow()))
  exchange.send(account === undefined ? 201 : 202)
}

const STATES: readonly Account['state'][] = ['NEW', 'ACTIVE', 'DELETED', 'SUSPENDED']

function readAccount(
  document: ReadElement,
  name: string,
  before: Account | undefined,
  caller: Caller,
  now: number,
): Account {
  const { attributes } = document
  const issuper = attributes['issuper'] === 'true'
  if (!caller.privileged) {
    if (attributes['roles'] !== undefined) throw forbidden('Only privileged users may set roles')
    if (issuper && before?.issuper !== true)
      throw forbidden('Only privileged users may make users privileged')
  }
  const given = (field: string): string => attributes[field] ?? ''
  for (const field of ['email', 'firstName', 'lastName']) {
    if (given(field).trim() === '') throw conflict(`Missing ${field}`)
  }
  if (!/^[^@\s]+@[^@\s]+$/.test(given('email'))) throw conflict('Invalid email address')
  const password = attributes['password'] ?? before?.password ?? ''
  if (password === '') throw conflict('Missing password')
  return {
    name,
    password,
    email: given('email'),
    firstName: given('firstName'),
    lastName: given('lastName'),
    organization: given('organization'),
    roles: attributes['roles'] ?? before?.roles ?? '',
    issuper,
    state: stateFor(attributes['state'], before?.state, caller),
    parameters: readParameters(document),
    creation: before?.creation ?? now,
    lastOnline: before?.lastOnline ?? 0,
  }
}

/** Only administrators change the state of users; whom they make is active at once. */
function stateFor(
  asked: string | undefined,
  before: Account['state'] | undefined,
  caller: Caller,
): Account['state'] {
  if (!caller.privileged) return before ?? 'NEW'
  const state = STATES.find((one) => one === asked) ?? before ?? 'ACTIVE'
  return before === undefined && state === 'NEW' ? 'ACTIVE' : state
}

function readParameters(document: ReadElement): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const parameter of mapValues(childNamed(document, 'parameters'))) {
    const name = parameter.attributes['name'] ?? ''
    const value = childNamed(parameter, 'value')?.text ?? ''
    if (name === '') throw badRequest('Invalid xml user: a parameter has no name')
    if (name !== ORCHESTRATOR_KEY && value !== '') parameters.set(name, value)
  }
  return parameters
}
