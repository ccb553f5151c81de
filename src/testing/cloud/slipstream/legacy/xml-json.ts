import type { XmlElement } from './xml-writer.js'

type Json = string | Json[] | { [name: string]: Json }

/** The mechanical conversion: attributes and elements become fields, what occurs twice a list, text `content`. */
export function xmlToJson(root: XmlElement): unknown {
  return { [root.name]: valueOf(root) }
}

function valueOf(element: XmlElement): Json {
  const fields: Record<string, Json> = {}
  const add = (name: string, value: Json): void => {
    const present = fields[name]
    if (present === undefined) fields[name] = value
    else if (Array.isArray(present)) present.push(value)
    else fields[name] = [present, value]
  }
  let text = ''
  for (const [name, value] of Object.entries(element.attributes)) {
    if (value !== undefined) add(name, String(value))
  }
  for (const part of element.content) {
    if (typeof part === 'string') text += part
    else if ('cdata' in part) text += part.cdata
    else add(part.name, valueOf(part))
  }
  if (Object.keys(fields).length === 0) return text
  if (text !== '') add('content', text)
  return fields
}
