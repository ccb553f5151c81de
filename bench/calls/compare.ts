import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { BenchmarkOptions } from '../benchmark.js'
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
  const results = new Map<string, Measurement[]>(names.map((name) => [name, []]))

  const server = start('./server.ts', [])
  try {
    const port = String(await firstMessage<number>(server))
    for (let round = 0; round < rounds; round += 1) {
      // Each round begins with another variant, so that none always runs after the same one.
      const turn = round % names.length
      for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
        if (process.stderr.isTTY) process.stderr.write(`\r\x1b[Kround ${round + 1} of ${rounds}: ${name}`)
        results.get(name)?.push(await firstMessage<Measurement>(start('./client.ts', [name, port])))
      }
    }
  } finally {
    server.kill()
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  }
  report(results, rounds)
}

function start(file: string, args: readonly string[]): ChildProcess {
  const execArgv = ['--import', import.meta.resolve('tsx'), '--expose-gc']
  return fork(fileURLToPath(new URL(file, import.meta.url)), args, { execArgv })
}

function firstMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => {
      resolve(message as T)
    })
    child.once('error', reject)
    child.once('exit', (code) => {
      reject(
        new Error(
          `${child.spawnargs.slice(-2).join(' ')} ended with ${code ?? 'a signal'} before its report`,
        ),
      )
    })
  })
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = Math.floor(sorted.length / 2)
  const middle = sorted.length % 2 === 1 ? [sorted[upper]] : [sorted[upper - 1], sorted[upper]]
  return middle.reduce<number>((sum, value) => sum + (value ?? Number.NaN), 0) / middle.length
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
