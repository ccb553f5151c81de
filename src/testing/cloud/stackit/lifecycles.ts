import type { Schema, Waiter } from './documents.js'
import type { Kind, Model } from './kinds.js'
import { segmentsOf, successSchema, wrapperOf, type ModelHints } from './kinds.js'

/** From one state to another, or into nothing. */
export interface Walk {
  /** State on the way; absent if nothing is to be seen. */
  readonly through?: string | undefined
  /** State at the end; absent if it is gone then. */
  readonly to?: string | undefined
  /** State after a failure; absent if there is none: then its path answers with an error. */
  readonly failed?: string | undefined
  /** Status of what is gone. Default 404. */
  readonly gone?: number | undefined
  /** It is to be seen by its path at the end only. */
  readonly appears?: true | undefined
  /** The state on the way lasts until somebody has seen it. */
  readonly isSeen?: true | undefined
  /** Nothing is different at the end, but it can fail. */
  readonly stays?: true | undefined
}

/** Whether it is gone at the end. */
export function isGoing({ to, appears, stays }: Walk): boolean {
  return to === undefined && appears === undefined && stays === undefined
}

/** How resources of a kind move (stackit dossier 7). */
export interface Lifecycle {
  /** Field with the state, by dots. */
  readonly field?: string | undefined
  readonly create?: Walk | undefined
  readonly update?: Walk | undefined
  readonly remove?: Walk | undefined
}

type Purpose = 'create' | 'update' | 'remove'

const ON_THE_WAY: Readonly<Record<Purpose, readonly RegExp[]>> = {
  create: [/(^|_)creating$/i, /(^|_)(pending|progressing|processing|reconciling|enabling)$/i],
  update: [/(^|_)updating$/i, /(^|_)(progressing|processing|reconciling|pending)$/i],
  remove: [/(^|_)(deleting|terminating|disabling)$/i],
}
const FAILURES: Readonly<Record<Purpose, readonly RegExp[]>> = {
  create: [/^create_failed$/i, /(^|_)(error|failed|failure|impaired)$/i],
  update: [/^update_failed$/i, /(^|_)(error|failed|failure|impaired)$/i],
  remove: [/^delete_failed$/i, /(^|_)(error|failed|failure|impaired|deleting_failed)$/i],
}

/** Reads the machines of a document off what its clients wait for. */
export function readLifecycles(model: Model, hints: ModelHints): ReadonlyMap<string, Lifecycle> {
  const found = new Map<string, Lifecycle>()
  const waiters = (model.document.waiters ?? []).flatMap((waiter) => {
    const kind = kindOf(model, hints, waiter)
    return kind === undefined ? [] : [{ waiter, ...kind }]
  })
  for (const { waiter, kind, field } of waiters) {
    const { template } = kind
    // Some rows do not look at the state, which is there all the same.
    const known = field ?? waiters.find((one) => one.kind === kind && one.field !== undefined)?.field
    const states = statesOf(model, kind, known)
    const before = found.get(template)
    const purpose = purposeOf(waiter)
    if (purpose === undefined) continue
    const isBoth = waiter.name.startsWith('CreateOrUpdate')
    found.set(template, {
      ...(isBoth ? { update: walkOf(waiter, 'update', states) } : {}),
      ...before,
      ...(known === undefined ? {} : { field: known }),
      [purpose]: before?.[purpose]?.to === undefined ? walkOf(waiter, purpose, states) : before[purpose],
    })
  }
  return found
}

function kindOf(
  model: Model,
  hints: ModelHints,
  waiter: Waiter,
): { readonly kind: Kind; readonly field: string | undefined } | undefined {
  const [poll = '', second] = waiter.polls
  const operation = model.document.operations[poll]
  if (operation === undefined || second !== undefined || !KINDS.has(waiter.kind)) return undefined
  const kind = model.kindAt(segmentsOf(operation.path, hints))
  const answer = successSchema(operation)
  const wrapper = answer === undefined ? undefined : wrapperOf(model.schemas, answer)
  return kind === undefined ? undefined : { kind, field: stateField(waiter.field, wrapper) }
}

const KINDS = new Set(['state', 'gone', 'exists'])

function purposeOf({ name }: Waiter): Purpose | undefined {
  if (/^(Delete|Remove|ForceDelete)/.test(name)) return 'remove'
  if (/^(Create|Add)/.test(name)) return 'create'
  return /^(Update|PartialUpdate)/.test(name) ? 'update' : undefined
}

function stateField(field: string | undefined, wrapper: string | undefined): string | undefined {
  if (field === undefined || /[ ([]/.test(field)) return undefined
  return wrapper !== undefined && field.startsWith(`${wrapper}.`) ? field.slice(wrapper.length + 1) : field
}

function statesOf(model: Model, kind: Kind, field: string | undefined): readonly string[] {
  if (field === undefined) return []
  let schema: Schema | undefined = kind.core
  for (const name of field.split('.')) schema = model.schemas.shape(schema ?? {})?.properties[name]
  const found = schema === undefined ? undefined : model.schemas.resolve(schema)
  return (found?.enum ?? found?.known ?? []).filter((value) => typeof value === 'string')
}

function walkOf(waiter: Waiter, purpose: Purpose, states: readonly string[]): Walk {
  const first = (list: readonly string[], patterns: readonly RegExp[]): string | undefined =>
    patterns.flatMap((pattern) => list.filter((state) => pattern.test(state)))[0]
  const { gone = [], failure = [], success = [] } = waiter
  const failed =
    first(failure, FAILURES[purpose]) ?? (purpose === 'remove' ? undefined : first(states, FAILURES[purpose]))
  const to = success[0]
  const status = purpose === 'remove' && to === undefined ? (gone.includes(404) ? 404 : gone[0]) : undefined
  return {
    through:
      first(states, ON_THE_WAY[purpose]) ??
      (purpose === 'update' ? first(states, ON_THE_WAY.create) : undefined),
    to,
    failed,
    ...(status === undefined ? {} : { gone: status }),
    ...(waiter.kind === 'exists' ? { appears: true } : {}),
  }
}
