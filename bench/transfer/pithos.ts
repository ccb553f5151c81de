import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { lastValueFrom } from 'rxjs'
import { createSynnefo } from 'skystream/synnefo'
import { firstMessage, processorSeconds, start } from '../child.js'
import { median } from '../statistics.js'
import { changeBlock, hashRate, makeFile } from './content.js'
import type { Job, Report } from './job.js'
import { progressCost } from './progress.js'

const MIB = 2 ** 20
const client = new URL('./client.js', import.meta.url)

/** A report of the client with what the server used meanwhile. */
interface Measured extends Report {
  readonly serverCpu: number
  readonly size: number
}

type Store = Extract<Job['store'], { kind: 'pithos' }>

/** Transfers between a file and the embedded object store, in rounds: fresh, again with one block changed, back, and back again. */
export async function comparePithos(rounds: number, sizes: readonly number[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'skystream-bench-'))
  const results = new Map<string, Measured[]>()
  const rates: number[] = []
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const size of sizes) {
        rates.push(hashRate())
        // A fresh server: one that has nothing yet.
        await withCloud(async (server, store) => {
          await lastValueFrom(createSynnefo(store).pithos.containers.create('bench'))
          const measure = async (name: string, job: Pick<Job, 'task' | 'path'>): Promise<void> => {
            const before = processorSeconds(server.pid ?? 0)
            const report = await firstMessage<Report>(
              start(client, [JSON.stringify({ store, target: 'bench/object', ...job } satisfies Job)]),
            )
            const serverCpu = processorSeconds(server.pid ?? 0) - before
            const key = `${name} ${size / MIB} MiB`
            results.set(key, [...(results.get(key) ?? []), { ...report, serverCpu, size }])
          }
          const up = join(folder, 'up')
          const down = join(folder, 'down')
          makeFile(up, size)
          await measure('idle', { task: 'idle', path: up })
          await measure('upload', { task: 'upload', path: up })
          changeBlock(up, Math.floor(size / (8 * MIB)))
          await measure('upload, one block changed', { task: 'upload', path: up })
          await measure('download', { task: 'download', path: down })
          // As a download leaves it that was cut off at the very end.
          renameSync(down, `${down}.part`)
          await measure('download of what is there', { task: 'download', path: down })
          rmSync(up)
          rmSync(down)
        })
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  print(results, median(rates))
  const perBlock = await progressCost()
  const upload = median((results.get(`upload ${(sizes.at(-1) ?? 0) / MIB} MiB`) ?? []).map(({ cpu }) => cpu))
  const blocks = (sizes.at(-1) ?? 0) / (4 * MIB)
  console.log(
    `\nprogress: ${(perBlock * 1e6).toFixed(1)} us for each block, ${((100 * perBlock * blocks) / upload).toFixed(2)} % of the client's processor time of an upload`,
  )
}

/** How much more memory a transfer takes than a client that does nothing, by the size of the file. */
export async function comparePithosMemory(sizes: readonly number[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'skystream-bench-'))
  console.log('peak resident memory over that of an idle client, MiB\n')
  try {
    for (const size of sizes) {
      await withCloud(async (_server, store) => {
        await lastValueFrom(createSynnefo(store).pithos.containers.create('bench'))
        const run = (job: Pick<Job, 'task' | 'path'>): Promise<Report> =>
          firstMessage<Report>(
            start(client, [JSON.stringify({ store, target: 'bench/object', ...job } satisfies Job)]),
          )
        const up = join(folder, 'up')
        const down = join(folder, 'down')
        makeFile(up, size)
        const { peakRss: idle } = await run({ task: 'idle', path: up })
        const { peakRss: upload } = await run({ task: 'upload', path: up })
        const { peakRss: download } = await run({ task: 'download', path: down })
        const grown = [upload, download].map((peak) => ((peak - idle) / MIB).toFixed(0))
        console.log(
          `${size / MIB} MiB: upload ${grown[0] ?? ''}, download ${grown[1] ?? ''} (idle ${(idle / MIB).toFixed(0)})`,
        )
        rmSync(up)
        rmSync(down)
      })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function withCloud(use: (server: ChildProcess, store: Store) => Promise<void>): Promise<void> {
  const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url))
  const server = spawn(process.execPath, [bin, 'cloud', '--clouds', 'synnefo', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const lines = createInterface({ input: server.stdout })
    const line = await new Promise<string>((resolve) => lines.once('line', resolve))
    const { synnefo } = JSON.parse(line) as { synnefo: Omit<Store, 'kind'> }
    await use(server, { kind: 'pithos', authUrl: synnefo.authUrl, token: synnefo.token })
  } finally {
    server.kill('SIGTERM')
    await new Promise((resolve) => server.once('exit', resolve))
  }
}

function print(results: ReadonlyMap<string, readonly Measured[]>, rate: number): void {
  console.log(
    `H, one core's SHA-256: ${Math.round(rate / MIB)} MiB/s; medians; memory over an idle client's\n`,
  )
  const titles = ['MiB/s', '/ H', 'client s', 'server s', 'first ms', 'MiB sent', 'MiB held']
  console.log(`${''.padEnd(34)}${titles.map((title) => title.padStart(10)).join('')}`)
  for (const [name, measured] of results) {
    if (name.startsWith('idle')) continue
    const of = (value: (one: Measured) => number): number => median(measured.map(value))
    const size = measured[0]?.size ?? 0
    const idle = median((results.get(`idle ${size / MIB} MiB`) ?? []).map(({ peakRss }) => peakRss))
    const speed = size / of(({ seconds }) => seconds)
    const columns = [
      (speed / MIB).toFixed(0),
      (speed / rate).toFixed(2),
      of(({ cpu }) => cpu).toFixed(2),
      of(({ serverCpu }) => serverCpu).toFixed(2),
      (of(({ firstProgress }) => firstProgress) * 1000).toFixed(0),
      (of(({ bytes, reusedBytes }) => bytes - reusedBytes) / MIB).toFixed(0),
      ((of(({ peakRss }) => peakRss) - idle) / MIB).toFixed(0),
    ]
    console.log(`${name.padEnd(34)}${columns.map((column) => column.padStart(10)).join('')}`)
  }
}
