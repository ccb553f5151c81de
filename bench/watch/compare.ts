import type { BenchmarkOptions } from '../benchmark.js'
import { firstMessage, start } from '../child.js'
import { median } from '../statistics.js'
import { INTERVAL_MS, ways, type WatchMeasurement, type WatchTarget } from './client.js'

const DEPLOYMENTS = 1_000

/** Compares ways to watch the same deployments, by the requests and the processor time that each interval costs the client. */
export async function compareWatching({ rounds, only }: BenchmarkOptions): Promise<void> {
  const names = Object.keys(ways).filter((name) => only.length === 0 || only.includes(name))
  if (names.length === 0) throw new TypeError(`--only: there are: ${Object.keys(ways).join(', ')}`)
  const results = new Map<string, WatchMeasurement[]>(names.map((name) => [name, []]))
  const server = start(new URL('./server.ts', import.meta.url), [String(DEPLOYMENTS)])
  try {
    const target = await firstMessage<WatchTarget>(server)
    for (let round = 0; round < rounds; round += 1) {
      for (const name of names) {
        const client = start(new URL('./client.ts', import.meta.url), [name])
        client.send(target)
        results.get(name)?.push(await firstMessage<WatchMeasurement>(client))
      }
    }
  } finally {
    server.kill()
  }
  console.log(`${DEPLOYMENTS} deployments, every ${INTERVAL_MS / 1_000} s; medians of ${rounds} rounds\n`)
  console.log(`${''.padEnd(24)}${'requests'.padStart(10)}${'processor ms'.padStart(14)}`)
  for (const [name, own] of results) {
    const requests = median(own.map((round) => round.requests))
    const processorMs = median(own.map((round) => round.processorMs))
    console.log(`${name.padEnd(24)}${requests.toFixed(0).padStart(10)}${processorMs.toFixed(0).padStart(14)}`)
  }
}
