import type { XmlPart, XmlTree } from '../../../src/http/xml-text.js'
import { xml } from '../../../src/http/xml.js'
import { operationOf, responseOf } from '../../http/requests.js'

const context = {
  operation: operationOf(),
  cloud: 'slipstream',
  watched: false,
  now: () => 0,
  drift: () => undefined,
} as const

/** A document as plain data: elements and texts, without those that are empty. */
export function parseDocument(body: string): XmlTree {
  const { root } = xml(responseOf(200, body), context)
  if (root === null) throw new Error('expected a document with a root')
  return plainTree(root)
}

function plainTree({ name, attributes, children }: XmlTree): XmlTree {
  const parts = children.map(plainPart).filter((part) => !('text' in part) || part.text !== '')
  return { name, attributes: { ...attributes }, children: parts }
}

function plainPart(part: XmlPart): XmlPart {
  if ('children' in part) return plainTree(part)
  return 'text' in part ? { text: part.text } : { content: part.content }
}
