// A program that does something, or begins it and leaves, and never closes its client. At its end it prints how long that took
// from the moment on at which it had nothing left to do.
import type { Observable, SchedulerAction, SchedulerLike, Subscription } from 'rxjs'
import { createSynnefo } from '../../src/clients/synnefo/index.js'
import { defaultRuntime } from '../../src/runtime.js'

export interface ExitPlan {
  readonly authUrl: string
  readonly token: string
  readonly scenario: 'get' | 'renewal' | 'held' | 'watch' | 'upload' | 'download'
  readonly serverId: number
  readonly file: string
}

export interface ExitReport {
  readonly endedAfterMs: number
  /** What still kept the process alive some loops of events after its last act: nothing but its output, if all is well. */
  readonly kept: readonly string[]
  /** Renewals that were due some time when the process ended. */
  readonly pendingRenewals: number
  readonly token: string
}

const plan = JSON.parse(process.argv[2] ?? '') as ExitPlan

const renewals = new Set<Subscription>()
const background: SchedulerLike = {
  now: defaultRuntime.background.now,
  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
    const renewal = defaultRuntime.background.schedule(work, delay, state)
    renewals.add(renewal)
    renewal.add(() => renewals.delete(renewal))
    return renewal
  },
}
// What fails here ends the program with a code, as nobody handles it.
const client = createSynnefo({
  authUrl: plan.authUrl,
  token: plan.token,
  renew: () => plan.token,
  runtime: { ...defaultRuntime, background },
})

/** Unsubscribes on the word of the test, which comes when the cloud has seen what it waits for. */
function leaveWhenTold(work: Observable<unknown>): void {
  const subscription = work.subscribe()
  process.once('message', () => {
    process.disconnect()
    subscription.unsubscribe()
    ended()
  })
}

function ended(): void {
  const at = performance.now()
  let kept: readonly string[] = []
  // Holds nothing itself. A process that ends at once never gets here.
  setTimeout(() => {
    kept = process.getActiveResourcesInfo()
  }, 500).unref()
  process.once('exit', () => {
    const report: ExitReport = {
      endedAfterMs: performance.now() - at,
      kept,
      pendingRenewals: renewals.size,
      token: client.tokens.value.kind,
    }
    process.stdout.write(JSON.stringify(report))
  })
}

function once(work: Observable<unknown>): void {
  work.subscribe({
    complete: () => {
      process.disconnect()
      ended()
    },
  })
}

const { servers, pithos } = client
switch (plan.scenario) {
  case 'renewal':
    // Somebody who looks at the token keeps it fresh.
    client.tokens.subscribe()
    once(servers.get(plan.serverId))
    break
  case 'get':
    once(servers.get(plan.serverId))
    break
  case 'held':
    leaveWhenTold(servers.get(plan.serverId))
    break
  case 'watch':
    leaveWhenTold(servers.watch(plan.serverId, { until: 'ACTIVE', interval: 60_000 }))
    break
  case 'upload':
    leaveWhenTold(pithos.upload(plan.file, 'c/up', { concurrency: 2 }))
    break
  case 'download':
    leaveWhenTold(pithos.download('c/down', plan.file, { concurrency: 2 }))
    break
}
