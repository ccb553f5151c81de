import { createHash, randomFillSync, webcrypto } from 'node:crypto'
import { createHasher } from '../../dist/streams/hasher.js'
import { median } from '../statistics.js'

const MIB = 2 ** 20
const BLOCK = 4 * MIB
const BLOCKS = 64

/** Bytes per second, and seconds of processor time for each GiB. */
interface Rate {
  readonly rate: number
  readonly cpu: number
}

/** Blocks of 4 MiB hashed with SHA-256 on this thread, by libuv's threads, and by threads of our own. */
export async function compareHashing(rounds: number): Promise<void> {
  const blocks = Array.from({ length: 8 }, () => randomFillSync(new Uint8Array(new SharedArrayBuffer(BLOCK))))
  const copies = blocks.map((block) => Buffer.from(block))
  const hasher = createHasher()
  hasher.warm()
  const variants: Readonly<Record<string, readonly [number, (index: number) => unknown]>> = {
    'on this thread': [1, (index) => createHash('sha256').update(of(copies, index)).digest('hex')],
    'crypto.subtle, 2 at a time': [2, (index) => webcrypto.subtle.digest('SHA-256', of(copies, index))],
    'crypto.subtle, 4 at a time': [4, (index) => webcrypto.subtle.digest('SHA-256', of(copies, index))],
    [`${hasher.threads} threads of our own`]: [
      2 * hasher.threads,
      (index) => hasher.digest('sha256', of(blocks, index)),
    ],
  }
  const results = new Map<string, Rate[]>()
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, [width, hash]] of Object.entries(variants)) {
      results.set(name, [...(results.get(name) ?? []), await measure(width, hash)])
    }
  }
  hasher.close()
  console.log('SHA-256 of blocks of 4 MiB\n')
  for (const [name, rates] of results) {
    const rate = median(rates.map((one) => one.rate)) / MIB
    const cpu = median(rates.map((one) => one.cpu))
    console.log(
      `${name.padEnd(28)} ${rate.toFixed(0).padStart(6)} MiB/s  ${cpu.toFixed(2)} processor s / GiB`,
    )
  }
}

function of<T>(all: readonly T[], index: number): T {
  const one = all[index % all.length]
  if (one === undefined) throw new Error('there are none')
  return one
}

async function measure(width: number, hash: (index: number) => unknown): Promise<Rate> {
  const before = process.cpuUsage()
  const began = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < BLOCKS) await hash(next++)
    }),
  )
  const { user, system } = process.cpuUsage(before)
  const bytes = BLOCKS * BLOCK
  return {
    rate: bytes / ((performance.now() - began) / 1000),
    cpu: (user + system) / 1e6 / (bytes / (1024 * MIB)),
  }
}
