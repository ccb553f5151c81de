import { parseXml, XmlDocument, XmlError } from '@rgrove/parse-xml'
import { ResponseFormatError } from '../errors.js'
import { header, unfit } from './codecs.js'
import type { DecodeContext, HttpResponse } from './types.js'
import { beginningOf, decodeXml } from './xml-encoding.js'
import { shapeIssue } from './xml-shape.js'

/** More than any document of a cloud has; the parser may need forty times as much memory. */
const MAX_BYTES = 16 * 2 ** 20
const MAX_ISSUE_LENGTH = 200

/**
 * Reads XML. Document types, and with them entities of their own, are refused, so that no document can grow or reach out; so
 * are pages of HTML, encodings that are not what they say, and documents deep or large enough to be an attack.
 *
 * @throws ResponseFormatError that names the operation and shows markup, but no text of the document
 */
export function xml(response: HttpResponse, context: DecodeContext): XmlDocument {
  if (response.body.length === 0) throw unfitXml(response, context, ['body is empty'])
  if (isHtml(response)) throw unfitXml(response, context, ['body is an HTML page'])
  if (response.body.length > MAX_BYTES) {
    throw unfitXml(response, context, [`body has more than ${String(MAX_BYTES)} bytes`])
  }
  const { content, issue } = decodeXml(response.body, charsetOf(response))
  if (content === undefined) throw unfitXml(response, context, [issue])
  const shape = shapeIssue(content)
  if (shape !== undefined) throw unfitXml(response, context, [shape])
  try {
    return parseXml(content)
  } catch (thrown) {
    if (!(thrown instanceof XmlError)) throw thrown
    const why = thrown.message.split('\n', 1)[0] ?? ''
    throw unfitXml(response, context, [`body is not XML: ${why.slice(0, MAX_ISSUE_LENGTH)}`])
  }
}

/** The error for XML that is not what the protocol says. Its excerpt has no text of elements: there may be secrets in it. */
export function unfitXml(
  response: HttpResponse,
  context: DecodeContext,
  issues: readonly string[],
): ResponseFormatError {
  const shown = isHtml(response) ? beginningOf(response.body) : withoutText(beginningOf(response.body))
  return unfit({ ...response, body: Buffer.from(shown) }, context, issues)
}

function withoutText(content: string): string {
  return content
    .replace(/<!\[CDATA\[[\s\S]*?(?:\]\]>|$)/g, '…')
    .replace(/>[^<]*/g, (text) => (/^>\s*$/.test(text) ? text : '>…'))
}

function isHtml(response: HttpResponse): boolean {
  const type = header(response, 'content-type') ?? ''
  return (
    /^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(type) ||
    /^\s*(?:<\?xml[^>]*>\s*)?(?:<!doctype\s+html|<html[\s>])/i.test(beginningOf(response.body))
  )
}

function charsetOf(response: HttpResponse): string | undefined {
  return /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(header(response, 'content-type') ?? '')?.[1]
}
