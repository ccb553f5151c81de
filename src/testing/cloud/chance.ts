import { randomBytes } from 'node:crypto'

/** Where the embedded cloud's ids, secrets and jitter come from: the same seed gives the same ones in the same order. */
export interface Chance {
  /** At least 0, below 1. */
  fraction(): number
  bytes(count: number): Buffer
  /** A version 4 UUID. */
  uuid(): string
  hex(digits: number): string
}

export function createChance(seed?: number): Chance {
  const bytes = seed === undefined ? randomBytes : seededBytes(seed)
  const hex = (digits: number): string =>
    bytes(Math.ceil(digits / 2))
      .toString('hex')
      .slice(0, digits)
  return {
    fraction: () => bytes(4).readUInt32LE() / 2 ** 32,
    bytes,
    hex,
    uuid() {
      const digits = hex(32)
      const variant = '89ab'[parseInt(digits.charAt(16), 16) % 4] ?? '8'
      return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20)}`
    },
  }
}

/** SplitMix32: small, and good enough for ids that only have to differ. */
function seededBytes(seed: number): (count: number) => Buffer {
  let state = seed >>> 0
  const word = (): number => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }
  return (count) => {
    const buffer = Buffer.alloc(Math.ceil(count / 4) * 4)
    for (let offset = 0; offset < buffer.length; offset += 4) buffer.writeUInt32LE(word(), offset)
    return buffer.subarray(0, count)
  }
}
