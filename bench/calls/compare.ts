import type { BenchmarkOptions } from '../benchmark.js'
import { firstMessage, start } from '../child.js'
import { median } from '../statistics.js'
import type { Measurement } from './client.js'
import { BASELINE, variants } from './variants.js'

/**
 * Compares a complete call - request, answer read and parsed, a field checked - of this package with those of other
 * HTTP clients, by the processor time that the client's process takes for it, one at a time and 50 at a time.
 */
export async function compareCalls({ rounds, only }: BenchmarkOptions): Promise<void> {
  const unknown = only.filter((name) => !(name in variants))
  if (unknown.length > 0) {
    throw new TypeError(`--only: no ${unknown.join(', ')}; there are: ${Object.keys(variants).join(', ')}`)
  }
  const names = Object.keys(variants).filter(
    (name) => only.length === 0 || name === BASELINE || only.includes(name),
  )
  const client = new URL('./client.ts', import.meta.url)
  const results = new Map<string, Measurement[]>(names.map((name) => [name, []]))

  const server = start(new URL('./server.ts', import.meta.url), [])
  try {
    const port = String(await firstMessage<number>(server))
    for (let round = 0; round < rounds; round += 1) {
      // Each round begins with another variant, so that none always runs after the same one.
      const turn = round % names.length
      for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
        if (process.stderr.isTTY) process.stderr.write(`\r\x1b[Kround ${round + 1} of ${rounds}: ${name}`)
        results.get(name)?.push(await firstMessage<Measurement>(start(client, [name, port])))
      }
    }
  } finally {
    server.kill()
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  }
  report(results, rounds)
}

function report(results: ReadonlyMap<string, readonly Measurement[]>, rounds: number): void {
  const baseline = results.get(BASELINE) ?? []
  const column = (own: readonly Measurement[], load: keyof Measurement): string => {
    const absolute = median(own.map((round) => round[load]))
    const ratio = median(own.map((round, index) => round[load] / (baseline[index]?.[load] ?? Number.NaN)))
    return `${ratio.toFixed(2).padStart(5)} ${absolute.toFixed(1).padStart(8)} us`
  }
  console.log(`processor time of a complete call, ratio to ${BASELINE}; medians of ${rounds} rounds\n`)
  console.log(`${''.padEnd(20)}  ${'1 in flight'.padStart(17)}  ${'50 in flight'.padStart(17)}`)
  for (const [name, own] of results) {
    console.log(`${name.padEnd(20)}  ${column(own, 'alone')}  ${column(own, 'crowded')}`)
  }
}
