// One fresh process for one way of watching: `client.ts <way>`; where, it is told by its parent.
import { lastValueFrom, type Observable } from 'rxjs'
import { createSlipstream, type SlipstreamClient } from 'skystream/slipstream'

export interface WatchTarget {
  readonly endpoint: string
  readonly username: string
  readonly password: string
  readonly ids: readonly string[]
}

/** What one interval costs the client. */
export interface WatchMeasurement {
  readonly requests: number
  readonly processorMs: number
}

export const INTERVAL_MS = 4_000
const MEASURED = 3

type Way = (client: SlipstreamClient, ids: readonly string[]) => readonly Observable<unknown>[]

/** Ways to know how the same deployments are doing. */
export const ways: Readonly<Record<string, Way>> = {
  'watchAll, one for all': ({ deployments }) => [deployments.watchAll({ interval: INTERVAL_MS })],
  'watchAll, one each': ({ deployments }, ids) =>
    ids.map((id) => deployments.watchAll({ ids: [id], interval: INTERVAL_MS })),
  'watch, one each': ({ deployments }, ids) =>
    ids.map((id) => deployments.watch(id, { interval: INTERVAL_MS })),
}

async function measure(way: Way, target: WatchTarget): Promise<WatchMeasurement> {
  let requests = 0
  const client = createSlipstream({
    ...target,
    middleware: [
      (next) => (request, handler) => {
        requests += 1
        return next(request, handler)
      },
    ],
  })
  await lastValueFrom(client.tokens.token())
  for (const events of way(client, target.ids)) {
    events.subscribe({
      error: (error: unknown) => {
        throw error
      },
    })
  }
  await pause(1.5 * INTERVAL_MS)
  const before = { requests, usage: process.cpuUsage() }
  await pause(MEASURED * INTERVAL_MS)
  const { user, system } = process.cpuUsage(before.usage)
  return {
    requests: (requests - before.requests) / MEASURED,
    processorMs: (user + system) / 1_000 / MEASURED,
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

const way = ways[process.argv[2] ?? '']
if (way !== undefined) {
  process.once('message', (target: WatchTarget) => {
    void measure(way, target).then((measurement) => process.send?.(measurement, () => process.exit()))
  })
}
