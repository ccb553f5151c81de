import { createHash, randomFillSync } from 'node:crypto'
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const MIB = 2 ** 20
const BLOCK = 4 * MIB

/** A file no two blocks of which are alike. */
export function makeFile(path: string, size: number): void {
  const noise = randomFillSync(Buffer.alloc(BLOCK))
  const file = openSync(path, 'w')
  for (let offset = 0; offset < size; offset += BLOCK) {
    noise.writeDoubleLE(offset, 0)
    writeSync(file, noise, 0, Math.min(BLOCK, size - offset))
  }
  closeSync(file)
}

/** Makes one block another one. */
export function changeBlock(path: string, index: number): void {
  const file = openSync(path, 'r+')
  writeSync(file, randomFillSync(Buffer.alloc(64)), 0, 64, index * BLOCK + 1000)
  closeSync(file)
}

/** Small files in a folder. */
export function makeFolder(path: string, files: number, size: number): void {
  mkdirSync(path, { recursive: true })
  const content = randomFillSync(Buffer.alloc(size))
  for (let index = 0; index < files; index += 1) {
    content.writeUInt32LE(index, 0)
    writeFileSync(join(path, `file-${String(index).padStart(5, '0')}`), content)
  }
}

/** H: bytes per second that one core hashes with SHA-256. */
export function hashRate(): number {
  const block = randomFillSync(Buffer.alloc(BLOCK))
  const began = performance.now()
  const rounds = 64
  for (let round = 0; round < rounds; round += 1) createHash('sha256').update(block).digest()
  return (rounds * BLOCK) / ((performance.now() - began) / 1000)
}
