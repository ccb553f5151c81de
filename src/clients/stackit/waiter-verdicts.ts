import type { Verdict } from '../../streams/operation.js'
import { fieldOf } from './fields.js'
import type { WaiterRow } from './service-definition.js'

// What one look at a resource says, as far as the table of waiters can tell it (stackit dossier 7.2).

/** What a waiter was given: the path of what is polled, and what its rule compares with. */
export type WaiterArguments = Readonly<Record<string, string | number>>

/** The verdict on a snapshot; `undefined` is that of a resource that there is not yet. */
export function verdictOf(row: WaiterRow, snapshot: unknown, args: WaiterArguments): Verdict<unknown> {
  if (snapshot === undefined) return { kind: 'pending', state: 'absent' }
  switch (row.kind) {
    case 'exists':
      return matches(row, snapshot, args) ? done(row, snapshot, snapshot) : pending(row, snapshot)
    case 'firstSuccess':
      return done(row, snapshot, snapshot)
    case 'leaves':
      return leftVerdict(row, snapshot)
    case 'listContains':
    case 'listLacks':
      return listVerdict(row, snapshot, args)
    default:
      return matches(row, snapshot, args) ? stateVerdict(row, snapshot) : stranger(row, snapshot)
  }
}

/** By the states of the table; states that it does not name are steps on the way, unless it names all of those. */
export function stateVerdict(row: WaiterRow, snapshot: unknown, result = snapshot): Verdict<unknown> {
  const state = knownState(row, snapshot)
  if (state === undefined) return pending(row, snapshot)
  if (isAmong(row.failure, state)) return failed(row, snapshot)
  if (isAmong(row.success, state)) return done(row, snapshot, result)
  const onTheWay = row.pending === undefined || isAmong(row.pending, state)
  return onTheWay ? pending(row, snapshot) : failed(row, snapshot)
}

function leftVerdict(row: WaiterRow, snapshot: unknown): Verdict<unknown> {
  const state = knownState(row, snapshot)
  const left = state !== undefined && state !== row.leaves
  return left ? done(row, snapshot, snapshot) : pending(row, snapshot)
}

function listVerdict(row: WaiterRow, snapshot: unknown, args: WaiterArguments): Verdict<unknown> {
  const found = itemsOf(row, snapshot).find((item) => matches(row, item, args))
  const look = { ...lookOf(row, snapshot), state: found === undefined ? 'absent' : 'present' }
  const over = row.kind === 'listContains' ? found !== undefined : found === undefined
  return over ? { ...look, kind: 'done', result: found } : { ...look, kind: 'pending' }
}

/** An answer about something else than what was asked for. */
function stranger(row: WaiterRow, snapshot: unknown): Verdict<unknown> {
  const field = row.match?.[0] ?? ''
  const reason = `the answer is about another resource: its ${field} is ${wordsOf(fieldOf(snapshot, field)) ?? 'strange'}`
  return { ...lookOf(row, snapshot), kind: 'failed', reason }
}

// --- verdicts of every kind -----------------------------------------------------------------------------------

export function pending(row: WaiterRow, snapshot: unknown): Verdict<unknown> {
  return { ...lookOf(row, snapshot), kind: 'pending' }
}

export function done(row: WaiterRow, snapshot: unknown, result: unknown): Verdict<unknown> {
  return { ...lookOf(row, snapshot), kind: 'done', result }
}

/** A failure, for the given reason or because of the state; with the cloud's own words, if it has any. */
export function failed(row: WaiterRow, snapshot: unknown, why?: string): Verdict<unknown> {
  const look = lookOf(row, snapshot)
  const reason = why ?? `the state is ${look.state === '' ? 'empty' : look.state}`
  return {
    ...look,
    kind: 'failed',
    reason: look.message === undefined ? reason : `${reason}: ${look.message}`,
  }
}

interface Look {
  readonly state: string
  readonly percent: number | undefined
  readonly message: string | undefined
}

function lookOf(row: WaiterRow, snapshot: unknown): Look {
  const percent = row.percent === undefined ? undefined : fieldOf(snapshot, row.percent)
  return {
    state: row.state === undefined ? 'present' : (knownState(row, snapshot) ?? 'unknown'),
    percent: typeof percent === 'number' ? Math.min(100, Math.max(0, percent)) : undefined,
    message: row.message === undefined ? undefined : wordsOf(fieldOf(snapshot, row.message)),
  }
}

// --- reading --------------------------------------------------------------------------------------------------

/** The state, if the snapshot tells one. */
export function knownState({ state }: WaiterRow, snapshot: unknown): string | undefined {
  const value = state === undefined ? undefined : fieldOf(snapshot, state)
  return typeof value === 'string' ? value : undefined
}

export function isAmong(states: readonly string[] | undefined, state: string): boolean {
  return (
    states?.some((known) => (known.endsWith('*') ? state.startsWith(known.slice(0, -1)) : state === known)) ??
    false
  )
}

export function itemsOf({ list }: WaiterRow, snapshot: unknown): readonly unknown[] {
  const items = list === undefined ? undefined : fieldOf(snapshot, list)
  return Array.isArray(items) ? items : []
}

/** Whether it is the one asked for, where the row says how to know. An answer that does not say which one it is, is. */
export function matches({ match, list }: WaiterRow, value: unknown, args: WaiterArguments): boolean {
  if (match === undefined) return true
  const [field, argument] = match
  const found = fieldOf(value, field)
  if (found === undefined) return list === undefined
  return wordsOf(found) === String(args[argument])
}

const wordFields = ['message', 'description', 'reason', 'en', 'code', 'type']

/** The cloud's own words: a text, what an object says, what the items of a list say. */
export function wordsOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'object' || value === null) return undefined
  const parts = Array.isArray(value) ? value : wordFields.map((field) => fieldOf(value, field))
  const words = parts.map((part: unknown) => wordsOf(part)).filter((part) => part !== undefined)
  if (words.length === 0) return undefined
  return Array.isArray(value) ? words.join('; ') : words[0]
}
