import type { XmlElement, XmlNode } from '@rgrove/parse-xml'
import { unfitXml, xml } from '../../http/xml.js'
import type { DecodeContext, HttpResponse } from '../../http/types.js'

// Reading of the legacy XML (slipstream dossier 7): booleans and numbers are strings, an unset text may be missing,
// self-closed or empty CDATA, attributes come in any order.

export type { XmlElement }

/** What every request of the legacy side accepts: without it, errors would be pages of HTML (dossier 6). */
export const acceptXml = { accept: 'application/xml' }

/** What a document lacks that the package steers by. Becomes a `ResponseFormatError` in `xmlDocument`. */
export class Misfit extends Error {
  override readonly name = 'Misfit'
}

/**
 * A decoder for documents whose root has one of the names; `read` makes the result of the root, and throws a `Misfit`
 * (as `required` does) if it cannot.
 */
export function xmlDocument<T>(
  roots: readonly string[],
  read: (root: XmlElement) => T,
): (response: HttpResponse, context: DecodeContext) => T {
  return (response, context) => {
    const { root } = xml(response, context)
    if (root === null || !roots.includes(root.name)) {
      const found = root?.name.slice(0, 50) ?? ''
      throw unfitXml(response, context, [`root: expected ${roots.join(' or ')}, but it is ${found}`])
    }
    try {
      return read(root)
    } catch (thrown) {
      if (!(thrown instanceof Misfit)) throw thrown
      throw unfitXml(response, context, [thrown.message])
    }
  }
}

/** The value of an attribute, as it stands. */
export function attribute(element: XmlElement, name: string): string | undefined {
  return element.attributes[name]
}

/** The value of an attribute that must be there and not be empty. */
export function required(element: XmlElement, name: string): string {
  const value = element.attributes[name]
  if (value === undefined || value === '') throw new Misfit(`${element.name}.${name}: missing`)
  return value
}

/** The first element of the name directly below. */
export function child(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((node): node is XmlElement => isElement(node) && node.name === name)
}

/** The elements of the name directly below; empty where there is no element to look in. */
export function children(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  return element?.children.filter((node): node is XmlElement => isElement(node) && node.name === name) ?? []
}

/** The text within an element; `undefined` where it is unset: missing, self-closed and empty are all the same. */
export function textOf(element: XmlElement | undefined): string | undefined {
  const text = element?.text
  return text === '' ? undefined : text
}

/** `<entry><string>KEY</string><name …/></entry>` as a map from each key to its element, in the document's order. */
export function entries(map: XmlElement | undefined, name: string): ReadonlyMap<string, XmlElement> {
  const found = new Map<string, XmlElement>()
  for (const entry of children(map, 'entry')) {
    const key = textOf(child(entry, 'string'))
    const value = child(entry, name)
    if (key !== undefined && value !== undefined) found.set(key, value)
  }
  return found
}

/** `<list length="2"><string>a</string><string>b</string></list>` */
export function strings(list: XmlElement | undefined): readonly string[] {
  return children(list, 'string').map((element) => element.text)
}

// --- values -----------------------------------------------------------------------------------------------------

/** `true` or `false` in any case; `undefined` for anything else. */
export function flag(text: string | undefined): boolean | undefined {
  const word = text?.toLowerCase()
  return word === 'true' ? true : word === 'false' ? false : undefined
}

/** A decimal number; `undefined` for anything else. */
export function number(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined
}

/** `a,b` as a list; empty for an empty text or none. */
export function commaList(text: string | undefined): readonly string[] {
  return (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** What an attribute's text becomes; `undefined` leaves it out. */
export type Converter = (text: string) => unknown

/**
 * All attributes under their names: those with a converter as it makes them, left out where it makes nothing of them; all
 * others as they stand.
 */
export function fields(
  element: XmlElement,
  converters: Readonly<Record<string, Converter>> = {},
): Record<string, unknown> {
  const named: [string, unknown][] = []
  for (const [name, text] of Object.entries(element.attributes)) {
    const convert = Object.hasOwn(converters, name) ? converters[name] : undefined
    const value = convert === undefined ? text : convert(text)
    if (value !== undefined) named.push([name, value])
  }
  return Object.fromEntries(named)
}

function isElement(node: XmlNode): node is XmlElement {
  return node.type === 'element'
}
