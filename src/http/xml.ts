import { parseXml, XmlDocument, XmlError } from '@rgrove/parse-xml'
import { text, unfit } from './codecs.js'
import type { DecodeContext, HttpResponse } from './types.js'

/** Reads XML. Document types and entities of their own are refused, so that no document can grow or reach out. */
export function xml(response: HttpResponse, context: DecodeContext): XmlDocument {
  const content = text(response)
  if (/<!DOCTYPE/i.test(content)) throw unfit(response, context, ['body has a document type'])
  try {
    return parseXml(content)
  } catch (cause) {
    if (!(cause instanceof XmlError)) throw cause
    throw unfit(response, context, [`body is not XML: ${cause.message.split('\n', 1)[0] ?? ''}`])
  }
}
