import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { median } from '../statistics.js'
import { makeFile, makeFolder } from './content.js'
import type { Job } from './job.js'
import { measureCommand, type CommandUsage } from './measure-command.js'
import { rclone, swiftCommand, type Peer, type SwiftAccess } from './peers.js'

const MIB = 2 ** 20
const SMALL_FILES = 1_000
const client = new URL('./client.js', import.meta.url)

/**
 * Transfers between files and a real Swift, next to rclone and the `swift` command: the same files, in turns, each a program of its own
 * from its start to its end.
 */
export async function compareSwift(
  rounds: number,
  sizes: readonly number[],
  segmentSizes: readonly number[],
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'skystream-bench-'))
  const script = fileURLToPath(new URL('../../scripts/servers/swift.sh', import.meta.url))
  const home = join(folder, 'server')
  const env = { ...process.env, OWNER_PID: String(process.pid) }
  const server = JSON.parse(execFileSync(script, ['start', home], { env, encoding: 'utf8' })) as SwiftAccess
  const results = new Map<string, Map<string, CommandUsage[]>>()
  const note = (task: string, name: string, measured: CommandUsage): void => {
    const byName = results.get(task) ?? new Map<string, CommandUsage[]>()
    results.set(task, byName.set(name, [...(byName.get(name) ?? []), measured]))
  }
  const all = [ours(server), rclone(server), swiftCommand(server)]
  let turn = 0
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const size of sizes) {
        const file = join(folder, 'file')
        makeFile(file, size)
        for (const segmentSize of segmentSizes) {
          const task = `${size / MIB} MiB, segments of ${segmentSize / MIB}`
          for (const mover of rotated(all, round)) {
            const target = { container: `bench-${++turn}`, object: 'object' }
            note(`up   ${task}`, mover.name, await mover.uploadFile(file, target, segmentSize))
            const copy = join(folder, 'copy')
            note(`down ${task}`, mover.name, await mover.downloadFile(target, copy))
            rmSync(copy)
          }
        }
        rmSync(file)
      }
      const small = join(folder, 'small')
      makeFolder(small, SMALL_FILES, 4096)
      for (const mover of rotated(all, round)) {
        const container = `bench-${++turn}`
        note(`up   ${SMALL_FILES} files of 4 KiB`, mover.name, await mover.uploadFolder(small, container))
        const copy = join(folder, 'copies')
        note(`down ${SMALL_FILES} files of 4 KiB`, mover.name, await mover.downloadFolder(container, copy))
        rmSync(copy, { recursive: true })
      }
      rmSync(small, { recursive: true })
    }
  } finally {
    execFileSync(script, ['stop', home])
    rmSync(folder, { recursive: true, force: true })
  }
  print(results)
}

/** Each round begins with another client, so that none always runs after the same one. */
function rotated<T>(all: readonly T[], round: number): readonly T[] {
  const turn = round % all.length
  return [...all.slice(turn), ...all.slice(0, turn)]
}

function ours({ authUrl, user, key }: SwiftAccess): Peer {
  const run = (job: Omit<Job, 'store'>): Promise<CommandUsage> =>
    measureCommand([
      process.execPath,
      fileURLToPath(client),
      JSON.stringify({ store: { kind: 'swift', authUrl, user, key }, ...job } satisfies Job),
    ])
  return {
    name: 'skystream',
    uploadFile: (path, { container, object }, segmentSize) =>
      run({ task: 'upload', path, target: `${container}/${object}`, segmentSize }),
    downloadFile: ({ container, object }, path) =>
      run({ task: 'download', path, target: `${container}/${object}` }),
    uploadFolder: (path, target) => run({ task: 'uploadMany', path, target }),
    downloadFolder: (target, path) => run({ task: 'downloadMany', path, target }),
  }
}

function print(results: ReadonlyMap<string, ReadonlyMap<string, readonly CommandUsage[]>>): void {
  console.log(
    'real Swift: seconds and client processor seconds, medians; speed-up over the better of the others\n',
  )
  for (const [task, byName] of results) {
    const of = (name: string, value: (one: CommandUsage) => number): number =>
      median((byName.get(name) ?? []).map(value))
    const seconds = new Map([...byName.keys()].map((name) => [name, of(name, (one) => one.seconds)]))
    const best = Math.min(...[...seconds].filter(([name]) => name !== 'skystream').map(([, value]) => value))
    const columns = [...seconds]
      .sort(([one], [other]) => (one < other ? 1 : -1))
      .map(([name, value]) => `${name} ${value.toFixed(2)} s / ${of(name, (one) => one.cpu).toFixed(2)} s`)
    const gain = best / (seconds.get('skystream') ?? Number.NaN)
    const cpu = of('skystream', (one) => one.cpu) / of('rclone', (one) => one.cpu)
    console.log(
      `${task.padEnd(34)} x${gain.toFixed(2)}  cpu/rclone ${cpu.toFixed(2)}   ${columns.sort().join('   ')}`,
    )
  }
}
