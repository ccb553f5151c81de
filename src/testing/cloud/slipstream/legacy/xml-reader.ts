import { parseXml, XmlElement as ParsedElement } from '@rgrove/parse-xml'
import { badRequest } from './failure.js'

/** An element of a request. */
export interface ReadElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly ReadElement[]
  readonly text: string
}

/** Reads the XML of a request; refuses document types and other encodings than UTF-8. */
export function readXml(body: Buffer, what: 'module' | 'user'): ReadElement {
  const invalid = (detail: string): never => {
    throw badRequest(`Invalid xml ${what}: ${detail}`)
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    return invalid('it is not UTF-8')
  }
  if (/<!DOCTYPE/i.test(text)) return invalid('document types are not accepted')
  try {
    const { root } = parseXml(text)
    return root === null ? invalid('it has no element') : plain(root)
  } catch (error) {
    // Too deep a nesting is a RangeError.
    return invalid(error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : '')
  }
}

function plain(parsed: ParsedElement): ReadElement {
  return {
    name: parsed.name,
    attributes: parsed.attributes,
    children: parsed.children.filter((child) => child instanceof ParsedElement).map(plain),
    text: parsed.text,
  }
}

export function childNamed(element: ReadElement | undefined, name: string): ReadElement | undefined {
  return element?.children.find((child) => child.name === name)
}

export function childrenNamed(element: ReadElement | undefined, name: string): readonly ReadElement[] {
  return element?.children.filter((child) => child.name === name) ?? []
}

/** The values of a map, in their order: what stands beside the `string` of each entry. */
export function mapValues(map: ReadElement | undefined): readonly ReadElement[] {
  return childrenNamed(map, 'entry').flatMap((entry) =>
    entry.children.filter((child) => child.name !== 'string').slice(0, 1),
  )
}
