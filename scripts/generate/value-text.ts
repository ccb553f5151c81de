import { propertyName, text } from './names.js'

const width = 120

/** A plain value as it is written in a program: on one line where it fits. `indent` is that of the line it begins on. */
export function valueText(value: unknown, indent = '', before = 0): string {
  const line = lineText(value)
  if (before + line.length <= width || typeof value !== 'object' || value === null) return line
  const inner = `${indent}  `
  const rows = Array.isArray(value)
    ? value.map((item: unknown) => valueText(item, inner, inner.length))
    : fieldsOf(value).map(([name, field]) => {
        const start = `${propertyName(name)}: `
        return start + valueText(field, inner, inner.length + start.length + 1)
      })
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  return `${open}\n${rows.map((row) => `${inner}${row},\n`).join('')}${indent}${close}`
}

function lineText(value: unknown): string {
  if (typeof value === 'string') return text(value)
  if (Array.isArray(value)) return `[${value.map(lineText).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const fields = fieldsOf(value).map(
    ([name, field]) => `${/^\d+$/.test(name) ? name : propertyName(name)}: ${lineText(field)}`,
  )
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`
}

function fieldsOf(value: object): readonly (readonly [string, unknown])[] {
  return Object.entries(value).filter(([, field]) => field !== undefined)
}
