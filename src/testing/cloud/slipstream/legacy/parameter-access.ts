import type { Caller } from '../tools.js'
import { badRequest, conflict, notFound, notYetSet } from './failure.js'
import type { RunMachine } from './run-machine.js'
import {
  abortOf,
  findParameter,
  isFinal,
  RUN_STATES,
  setValue,
  splitKey,
  type Run,
  type RuntimeParameter,
} from './run-model.js'
import { refuseAborted } from './run-scaling.js'

/** A runtime parameter of a run, as a request names it (slipstream dossier 4.2 and 5). */
export interface ParameterAccess {
  readonly run: Run
  readonly key: string
  readonly ignoreAbort: boolean
  readonly machine: RunMachine
}

const LONGEST_VALUE = 4096

/** Whoever asks for a parameter that is not there aborts the run. */
function existing({ run, key, ignoreAbort, machine }: ParameterAccess): RuntimeParameter {
  if (!ignoreAbort) refuseAborted(run)
  const parameter = findParameter(run, key)
  if (parameter !== undefined) return parameter
  machine.raiseAbort(run, 'ss', `Unknown key ${key}`)
  throw notFound(`Unknown key ${key}`)
}

export function readParameter(access: ParameterAccess): string {
  const { value } = existing(access)
  if (value === '' && splitKey(access.key)?.name !== 'vmstate') throw notYetSet(access.key)
  return value
}

export function writeParameter(access: ParameterAccess, value: string, caller: Caller): void {
  const { run, key, machine } = access
  existing(access)
  const { scope = '', name = '' } = splitKey(key) ?? {}
  if (name === 'abort') {
    if (value === '') machine.resetAbort(run, scope)
    else if (abortOf(run) !== '') throw conflict('Abort flag raised!')
    else machine.raiseAbort(run, scope, shorten(value))
    return
  }
  if (value.length > LONGEST_VALUE) {
    throw badRequest(`Value too long (${value.length}). Maximum length allowed: ${LONGEST_VALUE}.`)
  }
  if (key === 'ss:state') changeState(access, value, caller)
  else setValue(run, key, value)
}

export function resetParameter(access: ParameterAccess): void {
  const { run, key, machine } = access
  existing(access)
  const { scope = '', name = '' } = splitKey(key) ?? {}
  if (name === 'abort') machine.resetAbort(run, scope)
  else setValue(run, key, '')
}

/** An instance has done its part of the state; tells the state after that. */
export function completeState(access: ParameterAccess): string {
  const { run, key, machine } = access
  existing(access)
  const { scope = '' } = splitKey(key) ?? {}
  const instance = run.instances.get(scope)
  // Unverified: the texts of these.
  if (instance === undefined) throw conflict(`Failed to find nodename: ${scope}`)
  if (isFinal(run.state)) throw conflict(`Cannot advance from the terminal state ${run.state}`)
  machine.complete(run, instance)
  return run.state
}

function changeState({ run, machine }: ParameterAccess, wanted: string, caller: Caller): void {
  const state = RUN_STATES.find((one) => one === wanted)
  if (state === undefined) throw badRequest(`Requested transition to unknown state: ${wanted}`)
  if (abortOf(run) !== '') {
    throw badRequest('For any state transition via API abort should be cleared first.')
  }
  const mayProvision = run.mutable && run.state === 'Ready' && state === 'Provisioning'
  if (!mayProvision && !caller.privileged) {
    throw badRequest(
      'Via API state can be advanced only on a mutable run and only from Ready to Provisioning',
    )
  }
  machine.enter(run, state)
}

const MARK = '\n(truncated)\n'

/** Long messages lose their middle. */
function shorten(message: string): string {
  if (message.length <= LONGEST_VALUE) return message
  const half = Math.floor((LONGEST_VALUE - MARK.length) / 2)
  return `${message.slice(0, half)}${MARK}${message.slice(-half)}`
}
