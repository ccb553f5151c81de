import { randomBytes } from 'node:crypto'

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** The part of a public URL that nobody can guess (pithos dossier 7.4). */
export function publicId(): string {
  let rest = BigInt(`0x${randomBytes(16).toString('hex')}`)
  let id = ''
  do {
    id = ALPHABET.charAt(Number(rest % 62n)) + id
    rest /= 62n
  } while (rest > 0n)
  return id
}
