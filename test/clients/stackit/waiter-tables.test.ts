import type { Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { ServiceWaiters } from '../../../src/clients/stackit/waiters.js'
import { OperationFailedError, PollTimeoutError } from '../../../src/errors.js'
import { allWaiters, type WaiterCase } from './waiter-definitions.js'
import type { Reply, Script } from './waiter-fake.js'
import { play, type Event, type Outcome } from './waiter-play.js'
import {
  failureReplies,
  pendingReply,
  scriptOf,
  submissionOf,
  successReplies,
  targetOf,
} from './waiter-scripts.js'

/** Runs a waiter whose poll is answered so. */
function playRow(
  { definition, row }: WaiterCase,
  replies: readonly Reply[],
  make: (waiters: ServiceWaiters) => Observable<Event>,
  more: Script = {},
): Outcome {
  return play(definition, { ...scriptOf(row, replies), ...more }, make, {
    headers: { 'x-request-id': 'requestId-1' },
    routes: { 'GET /v2/projects/*': { status: 404 } },
  })
}

const waiters = await allWaiters()
function missing(): never {
  throw new Error('there is no such waiter')
}

it('all 227 waiters of the documents are there', () => {
  expect(waiters).toHaveLength(227)
  expect(new Set(waiters.map(({ row }) => row.kind)).size).toBe(10)
})

describe.each(waiters.map((waiter) => [waiter.title, waiter] as const))('%s', (_title, waiter) => {
  const { row, definition, name: waiterName } = waiter
  const { pause = 0 } = row
  const target = targetOf(definition, row)
  const watching = ({ watch }: ServiceWaiters): Observable<Event> => (watch[waiterName] ?? missing)(target)

  it('succeeds, its polls five seconds apart after the pause', () => {
    const replies = [pendingReply(row), ...successReplies(row)]
    const { error, kinds, endedAt, result } = playRow(waiter, replies, watching)
    expect(error).toBeUndefined()
    expect(kinds.at(-1)).toBe('done')
    expect(endedAt).toBe(pause + (replies.length - 1) * 5_000)
    expect(result === undefined).toBe(['gone', 'listLacks', 'networkAreaEmpty'].includes(row.kind))
  })

  it.each(failureReplies(row))('fails when the resource says so: %j', (failing) => {
    const { error, kinds } = playRow(waiter, [pendingReply(row), failing], watching)
    expect(error).toBeInstanceOf(OperationFailedError)
    expect((error as OperationFailedError).snapshot).toBe(failing)
    expect(kinds).not.toContain('done')
  })

  it.each([400, 403, 404, 409, 410, 500])('ends with %i as the table says', (status) => {
    const replies = row.kind === 'firstSuccess' ? [status] : [pendingReply(row), status]
    const { error, kinds, calls } = playRow(waiter, replies, watching)
    if (row.gone?.includes(status) === true) {
      expect(error).toBeUndefined()
      expect(kinds.at(-1)).toBe('done')
    } else if (row.kind === 'exists' && row.then === undefined && status === 404) {
      // It goes on to wait.
      expect(error).toBeInstanceOf(PollTimeoutError)
    } else {
      expect(error).toMatchObject({ status })
      expect(calls.made.filter(({ name }) => name === row.poll)).toHaveLength(replies.length)
    }
  })

  it('outlives four bad gateways in a row, and never takes one for the end', () => {
    const onTheWay = row.kind === 'firstSuccess' ? [] : [pendingReply(row), 429]
    const replies = [502, 504, 503, 'reset', ...onTheWay, ...successReplies(row)] as const
    const { error, kinds } = playRow(waiter, replies, watching)
    expect(error).toBeUndefined()
    expect(kinds.slice(0, 4)).toEqual(['retrying', 'retrying', 'retrying', 'retrying'])
    expect(kinds.filter((kind) => kind === 'done')).toHaveLength(1)

    const lost = playRow(waiter, [502], watching)
    expect(lost.error).toMatchObject({ status: 502 })
    expect(lost.kinds).toEqual(['retrying', 'retrying', 'retrying', 'retrying'])
  })

  it('gives up when its time is over', () => {
    const patient = { interval: row.timeout / 7, maxConsecutiveErrors: Infinity }
    const { error, endedAt } = playRow(
      waiter,
      [pendingReply(row)],
      ({ watch }) => (watch[waiterName] ?? missing)(target, patient),
      row.kind === 'exists' && row.then !== undefined ? { [row.then]: [404] } : {},
    )
    expect(error).toBeInstanceOf(PollTimeoutError)
    expect(endedAt).toBeLessThanOrEqual(row.timeout)
    expect(endedAt).toBeGreaterThan(row.timeout * 0.8)
  })

  it.each(Object.keys(row.submits ?? {}))('is begun by %s', (operation) => {
    const { args, answer } = submissionOf(definition, row, operation)
    const { error, kinds, calls, result } = playRow(
      waiter,
      [pendingReply(row), ...successReplies(row)],
      ({ run }) => (run[operation] ?? missing)(args),
      { [operation]: [answer] },
    )
    expect(error).toBeUndefined()
    expect(kinds[0]).toBe('submitted')
    expect(kinds.at(-1)).toBe('done')
    expect(calls.made[0]).toMatchObject({ name: operation, args })
    const asked = calls.made.find(({ name }) => name === row.poll)?.args ?? {}
    const { path = '' } = definition.operations[row.poll] ?? {}
    for (const [name, value] of Object.entries(target)) {
      expect(asked[name]).toBe(path.includes(`{${name}}`) ? value : undefined)
    }
    for (const kept of row.submits?.[operation]?.keeps ?? []) expect(result).toHaveProperty(kept, 'told once')
  })
})
