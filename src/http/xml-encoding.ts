/** The text of a document, or why it cannot be read. */
export type Decoded =
  { readonly content: string; readonly issue?: never } | { readonly content?: never; readonly issue: string }

const PROLOGUE_LENGTH = 256
const SHOWN_LENGTH = 2_000

/**
 * Decodes XML. The encoding is what the byte order mark, the `charset` of the header and the prologue say, UTF-8 where none
 * does. Where two differ it matters which one lies, and nothing tells: such a document is refused, unless it is plain
 * ASCII, as are bytes that the encoding does not have.
 */
export function decodeXml(body: Uint8Array, charset: string | undefined): Decoded {
  const marked = encodingOfMark(body)
  const named: string[] = []
  for (const label of [marked, charset, encodingInPrologue(body, marked)]) {
    if (label === undefined) continue
    const name = canonical(label)
    if (name === undefined) return { issue: `body has an unknown encoding: ${label.slice(0, 40)}` }
    if (!named.some((known) => agree(known, name))) named.push(name)
  }
  const [first = 'utf-8', second] = named
  if (second !== undefined && !(singleByteUnits(first) && singleByteUnits(second) && isAscii(body))) {
    return { issue: `body says two encodings: ${first} and ${second}` }
  }
  const encoding = first === 'utf-16' ? byteOrder(body) : first
  if (encoding === undefined || !looksLike(encoding, body)) return { issue: `body is not ${first}` }
  try {
    return { content: new TextDecoder(encoding, { fatal: true }).decode(body) }
  } catch {
    return { issue: `body is not ${encoding}` }
  }
}

/** The first characters, for people: read in the encoding that seems most likely, whatever is wrong with it. */
export function beginningOf(body: Uint8Array): string {
  const encoding = encodingOfMark(body) ?? byteOrder(body) ?? 'utf-8'
  return new TextDecoder(encoding).decode(body.subarray(0, SHOWN_LENGTH)).replaceAll('\0', '')
}

function encodingOfMark(body: Uint8Array): string | undefined {
  if (body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf) return 'utf-8'
  if (body[0] === 0xfe && body[1] === 0xff) return 'utf-16be'
  if (body[0] === 0xff && body[1] === 0xfe) return 'utf-16le'
  return undefined
}

/** UTF-16 without a mark, by the `<` that a document begins with. */
function byteOrder(body: Uint8Array): string | undefined {
  if (body[0] === 0 && body[1] === 0x3c) return 'utf-16be'
  if (body[0] === 0x3c && body[1] === 0) return 'utf-16le'
  return undefined
}

function encodingInPrologue(body: Uint8Array, marked: string | undefined): string | undefined {
  const decoder = new TextDecoder(marked ?? byteOrder(body) ?? 'latin1')
  const prologue = decoder.decode(body.subarray(0, PROLOGUE_LENGTH))
  return /^<\?xml\s[^>]*?\bencoding\s*=\s*["']([^"']+)["']/.exec(
    prologue.replace(/^\u00ef\u00bb\u00bf/, ''),
  )?.[1]
}

/** The name that the decoder has for a label; `utf-16` where the order of the bytes is left open. */
function canonical(label: string): string | undefined {
  if (/^(?:utf-?16|ucs-?2|iso-10646-ucs-2)$/i.test(label)) return 'utf-16'
  try {
    return new TextDecoder(label).encoding
  } catch {
    return undefined
  }
}

function agree(one: string, other: string): boolean {
  return (
    one === other ||
    (one.startsWith('utf-16') && other.startsWith('utf-16') && (one === 'utf-16' || other === 'utf-16'))
  )
}

function singleByteUnits(encoding: string): boolean {
  return !encoding.startsWith('utf-16')
}

function isAscii(body: Uint8Array): boolean {
  return body.every((byte) => byte < 0x80)
}

/** Bytes of UTF-16 hold a zero in each character of markup, all others hold none at all. */
function looksLike(encoding: string, body: Uint8Array): boolean {
  const wide = encodingOfMark(body)?.startsWith('utf-16') === true || byteOrder(body) !== undefined
  return encoding.startsWith('utf-16') ? wide : !wide
}
