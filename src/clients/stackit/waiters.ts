import { map, type Observable } from 'rxjs'
import { isHttpError, isNetworkError, isTransient, type CloudError, type OperationRef } from '../../errors.js'
import { call } from '../../http/api.js'
import type { CallOptions } from '../../http/types.js'
import type { OperationEvent } from '../../streams/events.js'
import {
  checkWatchOptions,
  refer,
  submitAndWatch,
  watchOperation,
  type WatchOptions,
} from '../../streams/operation.js'
import type { Arguments } from './request-checks.js'
import type { WaiterRow } from './service-definition.js'
import type { ServiceCalls } from './service.js'
import { ruleOf, unlessAbsent, type Inquiry } from './waiter-rules.js'
import { argumentsFrom, keeping } from './waiter-submits.js'

/** How to submit and to wait. */
export interface RunOptions extends WatchOptions {
  /** Of the request that submits. */
  readonly call?: CallOptions
}

type Events = Observable<OperationEvent<unknown, unknown>>
/** By the name of the waiter; its arguments, or the `ref` of an earlier event. */
type Watch = (target?: Arguments | OperationRef, options?: WatchOptions) => Events
/** By the name of the operation that submits; its arguments. */
type Run = (args?: Arguments, options?: RunOptions) => Events

/** What a service offers to wait for. */
export interface ServiceWaiters {
  readonly watch: Readonly<Record<string, Watch>>
  readonly run: Readonly<Record<string, Run>>
}

const INTERVAL_MS = 5_000

/**
 * The waiters of a service as streams (stackit dossier 7): `watch` attaches to what is going on, `run` submits and watches.
 *
 * Nothing is sent before the subscription; each subscription to a `run` submits anew. Arguments that are wrong throw at once.
 */
export function serviceWaiters(calls: ServiceCalls): ServiceWaiters {
  const watch: Record<string, Watch> = {}
  const run: Record<string, Run> = {}
  for (const [name, row] of Object.entries(calls.definition.waiters ?? {})) {
    const waiter: Waiter = { calls, row, id: calls.idOf(row.poll).replace(/[^.]+$/, name) }
    watch[name] = (target = {}, options = {}) => attach(waiter, target, options)
    for (const operation of Object.keys(row.submits ?? {})) {
      run[operation] = (args = {}, options = {}) => submit(waiter, operation, args, options)
    }
  }
  return { watch, run }
}

interface Waiter {
  readonly calls: ServiceCalls
  readonly row: WaiterRow
  /** `stackit.iaas.createServer`: in refs and errors. */
  readonly id: string
}

function attach(waiter: Waiter, target: Arguments | OperationRef, options: WatchOptions): Events {
  if (isRef(target)) {
    if (target.cloud !== 'stackit' || target.operation !== waiter.id) {
      throw new TypeError(`ref: expected one of ${waiter.id}, not of ${target.operation}`)
    }
    return follow(waiter, target, target.args, options)
  }
  return follow(waiter, referTo(waiter, target), target, options)
}

function submit(waiter: Waiter, operation: string, args: Arguments, options: RunOptions): Events {
  const { calls, row } = waiter
  const { call: callOptions, ...watchOptions } = options
  const submitted = row.submits?.[operation] ?? {}
  checkWatchOptions(watchOptions)
  const completed = calls.complete(operation, args)
  return submitAndWatch(
    calls.callForHeaders(operation, completed, callOptions),
    (answered) => {
      const given = argumentsFrom(submitted, namesOf(waiter), {
        operation: calls.idOf(operation),
        args: completed,
        ...answered,
      })
      const ref = referTo(waiter, given)
      const events = follow(waiter, ref, given, watchOptions)
      return { ref, events: events.pipe(map(keeping(submitted, answered.result))) }
    },
    options.signal,
  )
}

function follow(waiter: Waiter, ref: OperationRef, args: Arguments, options: WatchOptions): Events {
  const { calls, row } = waiter
  const { api } = calls
  const others = extraNames(waiter)
  const asked = Object.fromEntries(Object.entries(args).filter(([name]) => !others.includes(name)))
  const once = { retry: false }
  // Made now, so that what is wrong with the arguments throws now.
  const question = calls.call(row.poll, asked, once)
  const other = row.then ?? row.poll
  const inquiry: Inquiry = {
    row,
    args: ref.args,
    other: { id: calls.idOf(other), ask: () => calls.call(other, asked, once) },
    ask: (operation, given) => call(api, operation, given, once),
  }
  const absentIsPending = row.kind === 'exists' && row.then === undefined
  const poll = absentIsPending ? unlessAbsent(question, calls.idOf(row.poll)) : question
  return watchOperation(
    {
      ref,
      poll: () => poll,
      classifier: () => {
        const rule = ruleOf(row)
        return (snapshot) => rule(snapshot, inquiry)
      },
      gone: (error) => (isGone(waiter, error) ? { result: undefined } : undefined),
      tolerates: isPassing,
    },
    {
      ...options,
      interval: options.interval ?? INTERVAL_MS,
      timeout: options.timeout ?? row.timeout,
      initialDelay: options.initialDelay ?? pauseLeft(row, ref, api.runtime.scheduler.now()),
    },
    api.runtime,
  )
}

// --- arguments and refs ---------------------------------------------------------------------------------------

function isRef(target: Arguments | OperationRef): target is OperationRef {
  return typeof target.cloud === 'string' && typeof target.operation === 'string'
}

/** What a waiter must know: the path of what it polls, and what its rule compares with. */
function namesOf(waiter: Waiter): readonly string[] {
  const { calls, row } = waiter
  const path = calls.definition.operations[row.poll]?.path ?? ''
  return [...[...path.matchAll(/\{([^}]+)\}/g)].map(([, name = '']) => name), ...extraNames(waiter)]
}

/** Arguments that are none of the poll. */
function extraNames({ calls, row }: Waiter): readonly string[] {
  const argument = row.match?.[1]
  if (argument === undefined) return []
  return calls.definition.operations[row.poll]?.path.includes(`{${argument}}`) === true ? [] : [argument]
}

function referTo(waiter: Waiter, args: Arguments): OperationRef {
  const { calls, row, id } = waiter
  const completed = calls.complete(row.poll, args)
  const known: Record<string, string | number> = {}
  for (const name of namesOf(waiter)) {
    const value = completed[name]
    if ((typeof value !== 'string' || value === '') && typeof value !== 'number') {
      throw new TypeError(`args.${name}: is missing`)
    }
    known[name] = value
  }
  return refer(calls.api, id, known)
}

// --- time and trouble -----------------------------------------------------------------------------------------

/** A service needs so long after the submission: a wait that begins later needs less. */
function pauseLeft({ pause = 0 }: WaiterRow, { since }: OperationRef, now: number): number {
  const passedMs = since === undefined ? 0 : now - Date.parse(since)
  return passedMs > 0 ? Math.max(0, pause - passedMs) : pause
}

const passing: readonly number[] = [429, 502, 503, 504]

/** Whether the next poll may go well (stackit dossier 7.1): a gateway or a connection fails, not the service. */
function isPassing(error: CloudError): boolean {
  return isHttpError(error) ? passing.includes(error.status) : isNetworkError(error) && isTransient(error)
}

/** Only the poll's own answer says that something is gone: a token that is refused may have the same status. */
function isGone({ calls, row }: Waiter, error: CloudError): boolean {
  return (
    isHttpError(error) &&
    error.operation === calls.idOf(row.poll) &&
    row.gone?.includes(error.status) === true
  )
}
