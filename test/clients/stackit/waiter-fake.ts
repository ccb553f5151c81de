import { defer, map, of, throwError, type Observable } from 'rxjs'
import { stackitErrors } from '../../../src/clients/stackit/errors.js'
import type { Arguments } from '../../../src/clients/stackit/request-checks.js'
import type { ServiceCalls } from '../../../src/clients/stackit/service.js'
import type { ServiceDefinition } from '../../../src/clients/stackit/service-definition.js'
import { httpError, isCloudError, NetworkError, type CloudError } from '../../../src/errors.js'
import { createApi, createCore } from '../../../src/http/client.js'
import type { HttpHeaders } from '../../../src/http/types.js'
import type { Runtime } from '../../../src/runtime.js'
import { fakeTransport, type FakeAnswer } from '../../../src/testing/fake-transport.js'

/** A result, or the status of an error, or `reset` for a connection that broke. */
export type Reply = object | number | 'reset' | CloudError

/** What each operation answers, one reply after the other, the last one again and again. */
export type Script = Readonly<Record<string, readonly Reply[]>>

/** A call that was made. */
export interface Made {
  readonly name: string
  readonly args: Arguments
  /** Milliseconds of virtual time. */
  readonly at: number
}

export interface FakeCalls extends ServiceCalls {
  readonly made: readonly Made[]
}

export interface FakeCallsOptions {
  readonly runtime: Runtime
  readonly headers?: HttpHeaders
  /** What other services answer. */
  readonly routes?: Readonly<Record<string, FakeAnswer | readonly FakeAnswer[]>>
}

/** A service that answers by a script: without requests, tokens and checks. */
export function fakeCalls(
  definition: ServiceDefinition,
  script: Script,
  { runtime, headers = {}, routes = {} }: FakeCallsOptions,
): FakeCalls {
  const made: Made[] = []
  const turns = new Map<string, number>()
  const core = createCore({ runtime, transport: fakeTransport(routes), retry: false })
  const api = createApi(core, { cloud: 'stackit', errors: stackitErrors, endpoint: 'http://127.0.0.1' })
  const idOf = (name: string): string => `stackit.${definition.service}.${name}`
  const answer = (name: string, args: Arguments): Observable<unknown> =>
    defer(() => {
      made.push({ name, args, at: runtime.scheduler.now() })
      const replies = script[name] ?? []
      const turn = turns.get(name) ?? 0
      turns.set(name, turn + 1)
      const reply = replies[Math.min(turn, replies.length - 1)] ?? 599
      const error = errorOf(idOf(name), reply)
      return error === undefined ? of(reply) : throwError(() => error)
    })
  const complete = (name: string, args: Arguments = {}): Arguments => {
    const path = definition.operations[name]?.path ?? ''
    const ambient = { projectId: 'p1', organizationId: 'o1', region: 'eu01', regionId: 'eu01' }
    return {
      ...Object.fromEntries(Object.entries(ambient).filter(([key]) => path.includes(`{${key}}`))),
      ...args,
    }
  }
  return {
    definition,
    api,
    made,
    idOf,
    complete,
    call: (name, args) => answer(name, complete(name, args)),
    callForHeaders: (name, args) =>
      answer(name, complete(name, args)).pipe(map((result) => ({ result, headers }))),
  }
}

function errorOf(operation: string, reply: Reply): CloudError | undefined {
  if (reply === 'reset') {
    return new NetworkError('the connection was reset', { cloud: 'stackit', operation, retryable: true })
  }
  if (isCloudError(reply)) return reply
  if (typeof reply === 'object') return undefined
  const retryable = reply === 429 || reply >= 500
  return httpError({
    cloud: 'stackit',
    operation,
    status: reply,
    method: 'GET',
    url: 'https://x/y',
    retryable,
  })
}
