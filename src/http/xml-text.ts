/** An element as it is written; those of the parser are of this kind. */
export interface XmlTree {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlPart[]
}
/** An element, a text, or something else, which is not written. */
export type XmlPart = XmlTree | { readonly text: string } | { readonly content: string }

/** A new element; attributes without a value are left out. */
export function xmlElement(
  name: string,
  attributes: Readonly<Record<string, string | undefined>> = {},
  children: readonly XmlPart[] = [],
): XmlTree {
  const given = Object.entries(attributes).filter(
    (attribute): attribute is [string, string] => attribute[1] !== undefined,
  )
  return { name, attributes: Object.fromEntries(given), children }
}

/**
 * Writes an element with all that is in it as a document. CDATA becomes text; comments and processing instructions are
 * left out.
 *
 * @throws TypeError that names the element if it holds a character that XML cannot hold
 */
export function xmlText(root: XmlTree): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${write(root)}`
}

/** Whether XML can hold the text: it has no control characters but white space, and no half of a pair. */
export function isXmlText(text: string): boolean {
  return !unwritable.test(text)
}
const unwritable = /[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/u

/** The text as it stands between quotes in a document. */
export function escapeAttribute(value: string): string {
  return value.replace(/[&<>"\t\n\r]/g, escaped)
}

/** The text as it stands in an element. A carriage return would be read as a line feed. */
export function escapeText(text: string): string {
  return text.replace(/[&<>\r]/g, escaped)
}

function escaped(character: string): string {
  return named[character] ?? `&#${String(character.charCodeAt(0))};`
}
const named: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function write({ name, attributes, children }: XmlTree): string {
  const pairs = Object.entries(attributes).map(
    ([attribute, value]) => ` ${attribute}="${escapeAttribute(writable(value, `${name}.${attribute}`))}"`,
  )
  const content = children.map((part) => writePart(part, name)).join('')
  const start = `<${name}${pairs.join('')}`
  return content === '' ? `${start}/>` : `${start}>${content}</${name}>`
}

// An element of the parser has a `text` as well: that of all its descendants.
function writePart(part: XmlPart, within: string): string {
  if ('children' in part) return write(part)
  return 'text' in part ? escapeText(writable(part.text, within)) : ''
}

function writable(text: string, place: string): string {
  if (isXmlText(text)) return text
  throw new TypeError(`${place}: has a character that XML cannot hold`)
}
