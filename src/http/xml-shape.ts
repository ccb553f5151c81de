/** Documents of the clouds are about ten deep; the parser takes a stack frame for each element. */
const MAX_DEPTH = 200
const MAX_ATTRIBUTES = 500
/** Of tags, attributes and other markup: each takes a hundred bytes of memory and more once it is parsed. */
const MAX_MARKUP = 1_000_000
const TRUNCATED = 'body ends before its elements do'

/**
 * What is wrong with the outline of a document: a document type, elements left open, or more of something than a document of a
 * cloud has. Looks at the markup only, once and without recursion, before a parser that knows no limits takes the document.
 */
export function shapeIssue(content: string): string | undefined {
  let depth = 0
  let markup = 0
  let at = content.indexOf('<')
  while (at >= 0) {
    if (/^<!doctype/i.test(content.slice(at, at + 9))) return 'body has a document type'
    const { end, attributes } = markupAt(content, at)
    if (end < 0) return TRUNCATED
    if (attributes > MAX_ATTRIBUTES) return `an element has more than ${String(MAX_ATTRIBUTES)} attributes`
    const kind = content[at + 1]
    if (kind === '/') depth -= 1
    else if (kind !== '!' && kind !== '?' && content[end - 2] !== '/') depth += 1
    if (depth > MAX_DEPTH) return `body is more than ${String(MAX_DEPTH)} elements deep`
    markup += 1 + attributes
    if (markup > MAX_MARKUP) return `body has more than ${String(MAX_MARKUP)} tags and attributes`
    at = content.indexOf('<', end)
  }
  return depth > 0 ? TRUNCATED : undefined
}

interface Markup {
  /** Behind its last character; -1 if it is not over. */
  readonly end: number
  readonly attributes: number
}

function markupAt(content: string, start: number): Markup {
  if (content.startsWith('<!--', start)) return { end: after(content, '-->', start + 4), attributes: 0 }
  if (content.startsWith('<![CDATA[', start)) return { end: after(content, ']]>', start + 9), attributes: 0 }
  if (content.startsWith('<?', start)) return { end: after(content, '?>', start + 2), attributes: 0 }
  let attributes = 0
  let at = start + 1
  while (at < content.length) {
    const character = content[at]
    if (character === '>') return { end: at + 1, attributes }
    if (character === '"' || character === "'") {
      at = after(content, character, at + 1)
      if (at < 0) break
      attributes += 1
    } else {
      at += 1
    }
  }
  return { end: -1, attributes }
}

function after(content: string, terminator: string, from: number): number {
  const at = content.indexOf(terminator, from)
  return at < 0 ? -1 : at + terminator.length
}
