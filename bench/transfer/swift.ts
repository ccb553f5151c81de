import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { firstMessage, start } from '../child.js'
import { median } from '../statistics.js'
import { makeFile, makeFolder } from './content.js'
import type { Job, Report } from './job.js'
import { measureCommand, type CommandUsage } from './measure-command.js'
import { rclone, swiftCommand, type Peer, type SwiftAccess } from './peers.js'

const MIB = 2 ** 20
const SMALL_FILES = 1_000
const client = new URL('./client.js', import.meta.url)

/** One transfer by one client. */
interface Measured {
  readonly seconds: number
  readonly cpu: number
}

/**
 * Transfers between files and a real Swift, next to rclone and the `swift` command: the same files, in turns. Of the commands, what
 * they take to start, sign in and ask for one thing is subtracted; ours are measured from the first call of the package on, signing in
 * included.
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
  const results = new Map<string, Map<string, Measured[]>>()
  const note = (task: string, name: string, measured: Measured): void => {
    const byName = results.get(task) ?? new Map<string, Measured[]>()
    results.set(task, byName.set(name, [...(byName.get(name) ?? []), measured]))
  }
  const peers = [rclone(server), swiftCommand(server)]
  let turn = 0
  try {
    for (let round = 0; round < rounds; round += 1) {
      const begins = new Map<string, CommandUsage>()
      for (const peer of peers) begins.set(peer.name, await begin(peer, server))
      const all = [ours(server), ...peers.map((peer) => net(peer, begins.get(peer.name)))]
      for (const size of sizes) {
        const file = join(folder, 'file')
        makeFile(file, size)
        for (const segmentSize of segmentSizes) {
          const task = `${size / MIB} MiB, segments of ${segmentSize / MIB}`
          for (const { name, mover } of rotated(all, round)) {
            const target = { container: `bench-${++turn}`, object: 'object' }
            note(`up   ${task}`, name, await mover.uploadFile(file, target, segmentSize))
            const copy = join(folder, 'copy')
            note(`down ${task}`, name, await mover.downloadFile(target, copy))
            rmSync(copy)
          }
        }
        rmSync(file)
      }
      const small = join(folder, 'small')
      makeFolder(small, SMALL_FILES, 4096)
      for (const { name, mover } of rotated(all, round)) {
        const container = `bench-${++turn}`
        note(`up   ${SMALL_FILES} files of 4 KiB`, name, await mover.uploadFolder(small, container))
        const copy = join(folder, 'copies')
        note(`down ${SMALL_FILES} files of 4 KiB`, name, await mover.downloadFolder(container, copy))
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

interface Mover {
  uploadFile: (
    file: string,
    target: { container: string; object: string },
    segmentSize: number,
  ) => Promise<Measured>
  downloadFile: (source: { container: string; object: string }, file: string) => Promise<Measured>
  uploadFolder: (folder: string, container: string) => Promise<Measured>
  downloadFolder: (container: string, folder: string) => Promise<Measured>
}

/** Each round begins with another client, so that none always runs after the same one. */
function rotated<T>(all: readonly T[], round: number): readonly T[] {
  const turn = round % all.length
  return [...all.slice(turn), ...all.slice(0, turn)]
}

function ours(server: SwiftAccess): { readonly name: string; readonly mover: Mover } {
  const { authUrl, user, key } = server
  const run = (job: Omit<Job, 'store'>): Promise<Report> =>
    firstMessage<Report>(
      start(client, [JSON.stringify({ store: { kind: 'swift', authUrl, user, key }, ...job } satisfies Job)]),
    )
  return {
    name: 'skystream',
    mover: {
      uploadFile: (path, { container, object }, segmentSize) =>
        run({ task: 'upload', path, target: `${container}/${object}`, segmentSize }),
      downloadFile: ({ container, object }, path) =>
        run({ task: 'download', path, target: `${container}/${object}` }),
      uploadFolder: (path, target) => run({ task: 'uploadMany', path, target }),
      downloadFolder: (target, path) => run({ task: 'downloadMany', path, target }),
    },
  }
}

function net(peer: Peer, idle: CommandUsage | undefined): { readonly name: string; readonly mover: Mover } {
  const less = async (usage: Promise<CommandUsage>): Promise<Measured> => {
    const { seconds, cpu } = await usage
    return { seconds: seconds - (idle?.seconds ?? 0), cpu: cpu - (idle?.cpu ?? 0) }
  }
  return {
    name: peer.name,
    mover: {
      uploadFile: (file, target, segmentSize) => less(peer.uploadFile(file, target, segmentSize)),
      downloadFile: (source, file) => less(peer.downloadFile(source, file)),
      uploadFolder: (folder, container) => less(peer.uploadFolder(folder, container)),
      downloadFolder: (container, folder) => less(peer.downloadFolder(container, folder)),
    },
  }
}

/** What the program takes to start, sign in and ask for one thing. */
function begin(peer: Peer, { authUrl, user, key }: SwiftAccess): Promise<CommandUsage> {
  return peer.name === 'rclone'
    ? measureCommand(['rclone', 'lsd', ':swift:'], {
        env: {
          RCLONE_CONFIG: '/dev/null',
          RCLONE_SWIFT_AUTH: authUrl,
          RCLONE_SWIFT_USER: user,
          RCLONE_SWIFT_KEY: key,
        },
      })
    : measureCommand(['swift', 'stat'], { env: { ST_AUTH: authUrl, ST_USER: user, ST_KEY: key } })
}

function print(results: ReadonlyMap<string, ReadonlyMap<string, readonly Measured[]>>): void {
  console.log(
    'real Swift: seconds and client processor seconds, medians; speed-up over the better of the others\n',
  )
  for (const [task, byName] of results) {
    const of = (name: string, value: (one: Measured) => number): number =>
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
