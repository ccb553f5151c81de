export function element(
  name: string,
  content: string,
  attributes: Readonly<Record<string, string>> = {},
): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeXml(value)}"`)
  return `<${name}${written.join('')}>${content}</${name}>`
}

export function document(root: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${root}`
}

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** A plain value as elements: fields by their names, lists as repeated elements of the same name. */
export function fields(value: Readonly<Record<string, unknown>>): string {
  return Object.entries(value)
    .map(([name, field]) => {
      const each = Array.isArray(field) ? (field as readonly unknown[]) : [field]
      return each.map((item) => element(name, fieldContent(item))).join('')
    })
    .join('')
}

function fieldContent(value: unknown): string {
  if (typeof value === 'object' && value !== null) return fields(value as Readonly<Record<string, unknown>>)
  return escapeXml(String(value))
}
