import { createHash } from 'node:crypto'
import type { Chance } from '../chance.js'

/** Nothing that could be taken for something else (slipstream dossier 2.1). */
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789'
const FOREIGN = new RegExp(`[^${ALPHABET}]`, 'g')

/** The secret of an API key: five groups of six. */
export function createSecret(chance: Chance): string {
  const letter = (): string => ALPHABET.charAt(Math.floor(chance.fraction() * ALPHABET.length))
  const group = (): string => Array.from({ length: 6 }, letter).join('')
  return Array.from({ length: 5 }, group).join('.')
}

/** What is kept of a secret: all that matters are the letters of the alphabet. */
export function digestOf(secret: string): string {
  return `sha256$${createHash('sha256').update(secret.replace(FOREIGN, '')).digest('hex')}`
}
