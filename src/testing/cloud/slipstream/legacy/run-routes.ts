import type { Exchange } from '../../service.js'
import type { Caller } from '../tools.js'
import { forbidden, notFound, wrongMethod } from './failure.js'
import { sendDocument, sendText } from './representation.js'
import { isTruthy, readForm } from './requests.js'
import { createRun } from './run-creation.js'
import { instancesOf } from './run-instances.js'
import { listRuns, maySee } from './run-list.js'
import type { Run } from './run-model.js'
import { readRunOrder } from './run-order.js'
import { completeState, readParameter, resetParameter, writeParameter } from './parameter-access.js'
import { refuseAborted, scaleDown, scaleUp } from './run-scaling.js'
import { runView } from './run-view.js'
import type { LegacyState } from './state.js'

const FORMS = ['html', 'xml', 'json'] as const

/** All below `/run`; the segments are those after it. */
export async function runResource(
  exchange: Exchange,
  caller: Caller,
  state: LegacyState,
  segments: readonly string[],
): Promise<void> {
  const [uuid, part, ...rest] = segments
  if (rest.length > 0) throw notFound('There is no such resource')
  if (part === undefined && (uuid === undefined || uuid === '')) {
    await collection(exchange, caller, state)
    return
  }
  const run = runFor(state, caller, uuid ?? '')
  if (part === undefined || part === '') single(exchange, state, run)
  else if (/^\w+$/.test(part)) await node(exchange, state, run, part)
  else if (/[:.]/.test(part)) await parameter(exchange, caller, state, run, part)
  else throw notFound('There is no such resource')
}

async function collection(exchange: Exchange, caller: Caller, state: LegacyState): Promise<void> {
  if (exchange.method === 'GET') {
    sendDocument(exchange, listRuns(exchange, caller, state.runs), FORMS)
    return
  }
  if (exchange.method !== 'POST') throw wrongMethod('GET', 'POST')
  const order = readRunOrder(await readForm(exchange), caller, state)
  const run = createRun(state, order)
  const failure = state.nextFailures.shift()
  if (failure !== undefined) run.plans.push(failure)
  state.runMachine.start(run)
  exchange.send(201, { Location: `${exchange.origin}/run/${run.uuid}` })
}

function runFor(state: LegacyState, caller: Caller, uuid: string): Run {
  const run = state.runs.get(uuid)
  if (run === undefined) throw notFound(`Unknown run: ${uuid}`)
  if (!maySee(run, caller)) throw forbidden('Not allowed to access this run')
  return run
}

function single(exchange: Exchange, state: LegacyState, run: Run): void {
  if (exchange.method === 'GET') {
    sendDocument(exchange, runView(run, state.modules, state.tools.accounts.get(run.owner)), FORMS)
  } else if (exchange.method === 'DELETE') {
    state.runMachine.terminate(run)
    exchange.send(204)
  } else throw wrongMethod('GET', 'DELETE')
}

async function node(exchange: Exchange, state: LegacyState, run: Run, name: string): Promise<void> {
  switch (exchange.method) {
    case 'GET': {
      if (!isTruthy(exchange.query.get('ignoreabort'))) refuseAborted(run)
      const instances = instancesOf(run, name)
      // Unverified.
      if (instances.length === 0 && !run.nodes.has(name)) throw notFound(`Unknown node: ${name}`)
      sendText(exchange, 200, instances.map((instance) => instance.name).join(','))
      return
    }
    case 'POST': {
      const body = (await exchange.body()).toString('utf8')
      sendText(exchange, 201, scaleUp(state, run, name, body).join(','))
      return
    }
    case 'DELETE':
      scaleDown(state, run, name, await readForm(exchange))
      exchange.send(204)
      return
    default:
      throw wrongMethod('GET', 'POST', 'DELETE')
  }
}

async function parameter(
  exchange: Exchange,
  caller: Caller,
  state: LegacyState,
  run: Run,
  key: string,
): Promise<void> {
  const ignoreAbort = isTruthy(exchange.query.get('ignoreabort'))
  const access = { run, key, ignoreAbort, machine: state.runMachine }
  switch (exchange.method) {
    case 'GET':
      sendText(exchange, 200, readParameter(access))
      return
    case 'PUT': {
      const value = (await exchange.body()).toString('utf8')
      writeParameter(access, value, caller)
      exchange.send(200)
      return
    }
    case 'DELETE':
      resetParameter(access)
      exchange.send(204)
      return
    case 'POST':
      sendText(exchange, 200, completeState(access))
      return
    default:
      throw wrongMethod('GET', 'PUT', 'POST', 'DELETE')
  }
}
