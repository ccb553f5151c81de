import { bytes, header, parseJson, text } from '../../http/codecs.js'
import type { DecodeContext, HttpResponse } from '../../http/types.js'
import { problemsOf } from './problems.js'
import { isText } from './request-checks.js'
import type { Schemas } from './schemas.js'
import type { OperationRow } from './service-definition.js'

/**
 * Reads an answer by its status (stackit dossier 5): JSON, a text, bytes, or nothing. JSON is taken as it comes; what differs
 * from its description is drift. An answer without a body is `undefined`, whatever its headers say.
 */
export function decodeAnswer(
  row: OperationRow,
  schemas: Schemas,
  response: HttpResponse,
  context: DecodeContext,
): unknown {
  const { schema, types = [] } = row.success[response.status] ?? {}
  if (response.body.length === 0) {
    if (schema !== undefined && context.watched) context.drift(['body: is missing'])
    return undefined
  }
  const type = mediaTypeOf(response)
  if (schema !== undefined && !(types.includes(type) && !isJson(type))) {
    const value = parseJson(response, context)
    if (context.watched) {
      const checked = schemas(schema, 'answer').safeParse(value)
      if (!checked.success) context.drift(problemsOf(checked.error, 'body'))
    }
    return value
  }
  if (types.length === 0) return undefined
  return isText(types.includes(type) ? type : (types[0] ?? '')) ? text(response) : bytes(response)
}

function mediaTypeOf(response: HttpResponse): string {
  return header(response, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

function isJson(type: string): boolean {
  return type === 'application/json' || type.endsWith('+json')
}
