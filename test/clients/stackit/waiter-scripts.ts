import type { ServiceDefinition, WaiterRow } from '../../../src/clients/stackit/service-definition.js'
import type { Reply, Script } from './waiter-fake.js'

// How each kind of waiter ends, made from its row: synthetic answers that are no more than what the row looks at.

const uuid = '0b0e1c4e-5a52-4f3e-8a8e-3a7d5c8f0001'

/** What a waiter must be given: the path of its poll but for what the configuration has, and what it compares with. */
export function targetOf({ operations }: ServiceDefinition, row: WaiterRow): Record<string, string> {
  const path = operations[row.poll]?.path ?? ''
  const names = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name = '']) => name)
  const wanted = [...names, ...(row.match === undefined ? [] : [row.match[1]])]
  const ambient = ['projectId', 'organizationId', 'region', 'regionId']
  return Object.fromEntries(
    wanted.filter((name) => !ambient.includes(name)).map((name) => [name, `${name}-1`]),
  )
}

function nested(path: string, value: unknown): Record<string, unknown> {
  const [first = '', ...rest] = path.split('.')
  return { [first]: rest.length === 0 ? value : nested(rest.join('.'), value) }
}

/** An answer about the one asked for, in this state. */
function inState(row: WaiterRow, state: string): Record<string, unknown> {
  const [field, argument] = row.match ?? []
  const told = {
    ...(row.state === undefined ? {} : nested(row.state, state)),
    ...(field === undefined ? {} : { [field]: `${argument ?? ''}-1` }),
  }
  return row.kind === 'state' && row.list !== undefined
    ? nested(row.list, [{ ...told, date: '2026-01-01T00:00:00Z' }])
    : told
}

function inList(row: WaiterRow, present: boolean): Record<string, unknown> {
  const [field = '', argument = ''] = row.match ?? []
  return nested(row.list ?? '', [{ [field]: 'another' }, ...(present ? [{ [field]: `${argument}-1` }] : [])])
}

/** The word that `delete_failed*` stands for one of. */
const example = (state: string): string => state.replace('*', '_badly')

const onTheWay = (row: WaiterRow): string => row.pending?.at(-1) ?? 'SOME-NEW-STATE'

/** What the poll is answered while nothing is decided. */
export function pendingReply(row: WaiterRow): Reply {
  switch (row.kind) {
    case 'leaves':
      return inState(row, row.leaves ?? '')
    case 'exists':
      return row.then === undefined ? 404 : inState(row, row.success?.[0] ?? '')
    case 'listContains':
    case 'listLacks':
      return inList(row, row.kind === 'listLacks')
    case 'request':
      return { ...inState(row, 'CREATING'), requestAction: 'CREATE' }
    case 'networkAreaEmpty':
      return nested(row.list ?? '', [uuid])
    case 'firstSuccess':
      return 503
    default:
      return inState(row, onTheWay(row))
  }
}

/** What the poll is answered in the end. */
export function successReplies(row: WaiterRow): readonly Reply[] {
  switch (row.kind) {
    case 'gone':
      return row.gone?.slice(0, 1) ?? []
    case 'viaIntermediate':
      return [inState(row, row.via ?? ''), inState(row, row.success?.[0] ?? '')]
    case 'leaves':
      return [inState(row, 'STATE_ELSE')]
    case 'exists':
      return [inState(row, row.success?.[0] ?? 'any')]
    case 'listContains':
    case 'listLacks':
      return [inList(row, row.kind === 'listContains')]
    case 'request':
      return [{ ...inState(row, 'CREATED'), requestAction: 'CREATE' }]
    case 'networkAreaEmpty':
      return [nested(row.list ?? '', [])]
    case 'firstSuccess':
      return [{ here: true }]
    default:
      return [inState(row, row.success?.[0] ?? '')]
  }
}

/** Every way in which the resource itself can say that it failed. */
export function failureReplies(row: WaiterRow): readonly Reply[] {
  const states = (row.failure ?? []).map((state) => inState(row, example(state)))
  switch (row.kind) {
    case 'request':
      return states.map((answer) => ({ ...answer, requestAction: 'CREATE' }))
    case 'exists':
      return row.then === undefined ? [] : [inState(row, 'error')]
    default:
      return row.pending === undefined ? states : [...states, inState(row, 'SOME-NEW-STATE')]
  }
}

/** The script of a service in which the waiter's poll is answered so; its other question is answered at last. */
export function scriptOf(row: WaiterRow, replies: readonly Reply[]): Script {
  return { [row.poll]: replies, ...(row.then === undefined ? {} : { [row.then]: otherReplies(row) }) }
}

function otherReplies({ kind }: WaiterRow): readonly Reply[] {
  return kind === 'exists' ? [404, { token: 'x' }] : [{ items: [] }]
}

/** A request that leads to the waiter's target, and its answer. */
export interface Submission {
  readonly args: Record<string, unknown>
  readonly answer: Record<string, unknown>
}

/** Arguments that the answer replaces are given differently. */
export function submissionOf(
  { operations }: ServiceDefinition,
  row: WaiterRow,
  operation: string,
): Submission {
  const { from = {}, keeps = [] } = row.submits?.[operation] ?? {}
  const path = operations[operation]?.path ?? ''
  const names = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name = '']) => name)
  let args: Record<string, unknown> = Object.fromEntries(
    names.map((name) => [name, from[name] === undefined ? `${name}-1` : 'given']),
  )
  let answer: Record<string, unknown> = {}
  for (const [name, source] of Object.entries(from)) {
    const place = source.slice(source.indexOf('.') + 1)
    if (source.startsWith('args.')) args = merged(args, nested(place, `${name}-1`))
    if (source.startsWith('result.')) answer = merged(answer, nested(place, `${name}-1`))
  }
  for (const place of keeps) answer = merged(answer, nested(place, 'told once'))
  return { args, answer }
}

function merged(left: Record<string, unknown>, right: Record<string, unknown>): Record<string, unknown> {
  const both = Object.entries(right).map(([name, value]) => {
    const there = left[name]
    const mergeable = typeof there === 'object' && typeof value === 'object'
    return [
      name,
      mergeable ? merged(there as Record<string, unknown>, value as Record<string, unknown>) : value,
    ] as const
  })
  return { ...left, ...Object.fromEntries(both) }
}
