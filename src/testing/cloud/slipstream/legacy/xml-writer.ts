/** A value of an attribute; what is undefined is left out. */
export type XmlValue = string | number | boolean | undefined
export type XmlContent = XmlElement | string | { readonly cdata: string }

export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, XmlValue>>
  readonly content: readonly XmlContent[]
}

export function element(
  name: string,
  attributes: Readonly<Record<string, XmlValue>> = {},
  content: readonly XmlContent[] = [],
): XmlElement {
  return { name, attributes, content }
}

/** A map as SlipStream writes it: `<entry><string>key</string>...</entry>` (slipstream dossier 7). */
export function mapEntry(key: XmlContent, value: XmlElement): XmlElement {
  return element('entry', {}, [element('string', {}, [key]), value])
}

/** A list of strings as SlipStream writes it. */
export function stringList(name: string, values: readonly string[]): XmlElement {
  return element(
    name,
    { length: values.length },
    values.map((value) => element('string', {}, [value])),
  )
}

export function writeXml(root: XmlElement): string {
  let text = `<${root.name}`
  for (const [name, value] of Object.entries(root.attributes)) {
    if (value !== undefined) text += ` ${name}="${escapeAttribute(String(value))}"`
  }
  if (root.content.length === 0) return `${text}/>`
  text += '>'
  for (const part of root.content) {
    if (typeof part === 'string') text += escapeText(part)
    else if ('cdata' in part) text += writeCdata(part.cdata)
    else text += writeXml(part)
  }
  return `${text}</${root.name}>`
}

// What XML 1.0 cannot say in any way: most control characters, lone surrogates, U+FFFE and U+FFFF.
const UNSPEAKABLE = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu
const SPECIAL: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}

const speakable = (text: string): string => text.replace(UNSPEAKABLE, '\u{FFFD}')
const escapeText = (text: string): string =>
  speakable(text).replace(/[&<>\r]/g, (character) => SPECIAL[character] ?? '')
const escapeAttribute = (text: string): string =>
  speakable(text).replace(/[&<>"\t\n\r]/g, (character) => SPECIAL[character] ?? '')

function writeCdata(text: string): string {
  // A carriage return would be read as a line feed, and the end mark would end it.
  const safe = speakable(text).replaceAll(']]>', ']]]]><![CDATA[>').replaceAll('\r', ']]>&#13;<![CDATA[')
  return `<![CDATA[${safe}]]>`
}
