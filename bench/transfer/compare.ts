import type { BenchmarkOptions } from '../benchmark.js'
import { compareHashing } from './hashing.js'
import { comparePithos, comparePithosMemory } from './pithos.js'
import { compareSwift } from './swift.js'

const MIB = 2 ** 20
const parts = {
  hashing: (rounds: number) => compareHashing(rounds),
  pithos: (rounds: number) => comparePithos(rounds, [256 * MIB, 1024 * MIB]),
  memory: () => comparePithosMemory([256 * MIB, 4096 * MIB]),
  swift: (rounds: number) => compareSwift(rounds, [256 * MIB, 1024 * MIB], [4 * MIB, 64 * MIB]),
} as const

/**
 * Transfers of files: with the embedded object store of Synnefo, measured by the rate of SHA-256; its memory; and with a real Swift, next
 * to rclone and the `swift` command (`scripts/servers/install.sh --peers` installs them).
 */
export async function compareTransfers({ rounds, only }: BenchmarkOptions): Promise<void> {
  const unknown = only.filter((name) => !(name in parts))
  if (unknown.length > 0) {
    throw new TypeError(`--only: no ${unknown.join(', ')}; there are: ${Object.keys(parts).join(', ')}`)
  }
  for (const [name, compare] of Object.entries(parts)) {
    if (only.length === 0 || only.includes(name)) await compare(rounds)
    console.log('')
  }
}
