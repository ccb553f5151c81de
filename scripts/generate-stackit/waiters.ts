import type { SubmitRow, WaiterRow, WaiterTable } from '../../src/clients/stackit/service-definition.js'
import type { Operation, Service, WaiterReader, Waiters } from '../generate/model.js'
import { camelCase } from '../generate/names.js'
import { adjustmentsOf } from './waiter-adjustments.js'
import { emptyWaiterText, waiterText } from './waiter-text.js'
import { answerField, answerFields } from './answer-fields.js'
import { submits, type Submit } from './waiter-submits.js'

/** A row of `waiters.json`: a waiter of the reference SDK. */
export interface WaiterSpec {
  readonly service: string
  readonly version: string
  readonly name: string
  readonly kind: WaiterRow['kind']
  readonly poll: readonly { readonly operationId: string; readonly service?: string }[]
  readonly stateField: string | null
  readonly success: readonly string[]
  readonly failure: readonly string[]
  readonly goneStatuses: readonly number[]
  readonly sleepBeforeSeconds: number
  readonly timeoutSeconds: number
  readonly leaves?: string
  readonly deprecated: boolean
  readonly note: string
}

/** Makes the waiters of a service from the rows of `waiters.json`. */
export function waiterReader(specs: readonly WaiterSpec[]): WaiterReader {
  return (service) => {
    const own = specs.filter((spec) => spec.service === service.service && spec.version === service.version)
    return own.length === 0 ? undefined : waitersOf(service, own)
  }
}

/** Rows that belong to no document that is shipped. */
export function notShipped(
  specs: readonly WaiterSpec[],
  shipped: readonly { readonly service: string; readonly version: string }[],
): readonly WaiterSpec[] {
  const known = new Set(shipped.map(({ service, version }) => `${service}/${version}`))
  return specs.filter(({ service, version }) => !known.has(`${service}/${version}`))
}

function waitersOf(service: Service, specs: readonly WaiterSpec[]): Waiters {
  const operations = new Map(service.operations.map((operation) => [operation.name, operation]))
  const table: Record<string, WaiterRow> = {}
  const text = emptyWaiterText(service)
  const taken = new Set<string>()
  for (const spec of specs) {
    const name = camelCase(spec.name)
    const polled = rowOf(service, spec, name, operations)
    const begun = submitsOf(service, name, polled, operations)
    const row: WaiterRow = Object.keys(begun).length === 0 ? polled : { ...polled, submits: begun }
    for (const operation of Object.keys(begun)) {
      if (taken.has(operation)) throw new Error(`${service.name}: ${operation} begins two waiters`)
      taken.add(operation)
    }
    table[name] = row
    waiterText(text, { service, name, row, operations, deprecated: spec.deprecated })
  }
  return { table: table satisfies WaiterTable, ...text.finished() }
}

type Operations = ReadonlyMap<string, Operation>

function rowOf(service: Service, spec: WaiterSpec, name: string, operations: Operations): WaiterRow {
  const key = `${service.service}/${service.version}`
  const found = adjustmentsOf(key, name)
  if (spec.note !== '' && found.length === 0)
    throw new Error(`${key} ${name}: its note is not met: ${spec.note}`)
  const [first, second] = spec.poll.filter(
    ({ service: other }) => other === undefined || other === service.service,
  )
  const poll = camelCase(first?.operationId ?? '')
  const row: WaiterRow = {
    kind: spec.kind,
    poll,
    ...(second === undefined ? {} : { then: camelCase(second.operationId) }),
    ...(spec.stateField === null ? {} : { state: spec.stateField }),
    ...(spec.success.length === 0 ? {} : { success: spec.success }),
    ...(spec.failure.length === 0 ? {} : { failure: spec.failure }),
    ...(spec.leaves === undefined ? {} : { leaves: spec.leaves }),
    ...(spec.goneStatuses.length === 0 ? {} : { gone: spec.goneStatuses }),
    ...(spec.sleepBeforeSeconds === 0 ? {} : { pause: spec.sleepBeforeSeconds * 1000 }),
    timeout: spec.timeoutSeconds * 1000,
  }
  const adjusted = found.reduce<WaiterRow>((merged, { row: over }) => ({ ...merged, ...over }), row)
  const polled = operations.get(adjusted.poll)
  if (polled === undefined) throw new Error(`${key} ${name}: there is no operation ${adjusted.poll}`)
  return withShownFields(service, adjusted, polled)
}

/** Beside the state, the first of these that an answer has holds the cloud's own words. */
const wordFields = ['errorMessage', 'failure_message', 'error', 'errors', 'lastOperation', 'message']

/** What is only shown: the state, where no rule looks at one, and the cloud's own words. */
function withShownFields(service: Service, row: WaiterRow, polled: Operation): WaiterRow {
  const bare = row.state === undefined && (row.kind === 'gone' || row.kind === 'exists')
  const state = row.state ?? (bare ? answerField(service, polled, '', ['status', 'state']) : undefined)
  const beside = row.list === undefined ? (state?.split('.').slice(0, -1).join('.') ?? '') : undefined
  const message =
    row.message ??
    (beside === undefined || state === undefined
      ? undefined
      : answerField(service, polled, beside, wordFields))
  const { timeout, pause, rule, ...rest } = row
  return {
    ...rest,
    ...(state === undefined ? {} : { state }),
    ...(message === undefined ? {} : { message }),
    ...(pause === undefined ? {} : { pause }),
    timeout,
    ...(rule === undefined ? {} : { rule }),
  }
}

// --- what begins it -------------------------------------------------------------------------------------------

function submitsOf(
  service: Service,
  waiter: string,
  row: WaiterRow,
  operations: Operations,
): Readonly<Record<string, SubmitRow>> {
  const byHand: Readonly<Record<string, Submit>> = submits[`${service.service}/${service.version}`] ?? {}
  const named = operations.has(waiter) && byHand[waiter] === undefined ? [waiter] : []
  const told = Object.keys(byHand).filter((operation) => byHand[operation]?.waiter === waiter)
  return Object.fromEntries(
    [...named, ...told].map((name) => {
      const operation = operations.get(name)
      if (operation === undefined)
        throw new Error(`${service.service} ${service.version}: there is no operation ${name}`)
      return [name, submitRow(service, row, operation, operations, byHand[name])]
    }),
  )
}

function submitRow(
  service: Service,
  row: WaiterRow,
  operation: Operation,
  operations: Operations,
  { from: told = {}, keeps }: Partial<Submit> = {},
): SubmitRow {
  const wanted = [...pathNames(operations.get(row.poll)), ...(row.match === undefined ? [] : [row.match[1]])]
  const given = operation.parameters.map(({ name }) => name)
  const missing = wanted.filter((name) => told[name] === undefined && !given.includes(name))
  const found = missing.map((name): [string, string] => [name, sourceOf(service, operation, name)])
  const from = { ...told, ...Object.fromEntries(found) }
  return {
    ...(Object.keys(from).length === 0 ? {} : { from }),
    ...(keeps === undefined ? {} : { keeps }),
  }
}

export function pathNames(operation: Operation | undefined): readonly string[] {
  return [...(operation?.path ?? '').matchAll(/\{([^}]+)\}/g)].map(([, name = '']) => name)
}

/** Where an answer names what was made: `instanceId`, `id`, `zone.id`. */
function sourceOf(service: Service, operation: Operation, name: string): string {
  const direct = answerField(service, operation, '', [name, 'id'])
  if (direct !== undefined) return `result.${direct}`
  const nested = answerFields(service, operation, '')
    .map((field) => answerField(service, operation, field, ['id']))
    .find((field) => field !== undefined)
  if (nested === undefined) throw new Error(`${operation.id}: where does its answer tell ${name}?`)
  return `result.${nested}`
}
