const VALUE_SAFE = /[A-Za-z0-9_.\-/=,:@;" ]/
const NAME_SAFE = /[A-Za-z0-9!#$&'*+\-.^_`|]/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The form in which the server sends header values (pithos dossier 4.3). */
export function encodeValue(value: string): string {
  return encode(value, VALUE_SAFE)
}

/** The form of the variable part of a header name: only what HTTP allows there stays as it is. */
export function encodeName(name: string): string {
  return encode(name, NAME_SAFE)
}

/**
 * Undoes percent-coding the way the server does: what is not a code stays as it is.
 * `undefined` when the bytes are not UTF-8.
 */
export function decode(text: string): string | undefined {
  if (!text.includes('%')) return text
  const bytes = Buffer.from(
    text.replace(/%([0-9a-fA-F]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16))),
    'latin1',
  )
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

function encode(text: string, safe: RegExp): string {
  let encoded = ''
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte)
    encoded += safe.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}
