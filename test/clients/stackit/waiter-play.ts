import type { Observable } from 'rxjs'
import type { ServiceDefinition } from '../../../src/clients/stackit/service-definition.js'
import { serviceWaiters, type ServiceWaiters } from '../../../src/clients/stackit/waiters.js'
import type { CloudError } from '../../../src/errors.js'
import type { OperationEvent } from '../../../src/streams/events.js'
import { marbles } from '../../../src/testing/marbles.js'
import { fakeCalls, type FakeCalls, type FakeCallsOptions, type Script } from './waiter-fake.js'

export type Event = OperationEvent<unknown, unknown>

/** What came of a wait. */
export interface Outcome {
  readonly events: readonly Event[]
  readonly kinds: readonly string[]
  readonly states: readonly string[]
  readonly error: CloudError | undefined
  readonly result: unknown
  /** Milliseconds of each call since the subscription. */
  readonly callsAt: readonly number[]
  readonly endedAt: number
  readonly calls: FakeCalls
}

/** Runs a wait on a scripted service to its end, in virtual time. */
export function play(
  definition: ServiceDefinition,
  script: Script,
  make: (waiters: ServiceWaiters) => Observable<Event>,
  more: Omit<FakeCallsOptions, 'runtime'> = {},
): Outcome {
  const outcomes: Outcome[] = []
  marbles(({ runtime }) => {
    const calls = fakeCalls(definition, script, { runtime, ...more })
    const events: Event[] = []
    const end = (error?: CloudError): void => {
      const last = events.at(-1)
      outcomes.push({
        events,
        kinds: events.map(({ kind }) => kind),
        states: events.flatMap((event) => (event.kind === 'progress' ? [event.state] : [])),
        error,
        result: last?.kind === 'done' ? last.result : undefined,
        callsAt: calls.made.map(({ at }) => at),
        endedAt: runtime.scheduler.now(),
        calls,
      })
    }
    make(serviceWaiters(calls)).subscribe({
      next: (event) => events.push(event),
      error: (error: CloudError) => {
        end(error)
      },
      complete: () => {
        end()
      },
    })
  })()
  const [outcome] = outcomes
  if (outcome === undefined) throw new Error('the wait did not end')
  return outcome
}
