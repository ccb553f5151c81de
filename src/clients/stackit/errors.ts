import type { ErrorDialect, Fault } from '../../http/status.js'

/**
 * STACKIT's errors: every service has a shape of its own, so the usual places are looked at in turn (stackit dossier 6).
 * Only 429 is safe to send again when a request is not idempotent (dossier 5).
 */
export const stackitErrors: ErrorDialect = {
  cloud: 'stackit',
  readFault,
  requestIdHeaders: ['x-trace-id', 'x-request-id'],
  unprocessed: [429],
}

/** The last two hold words only where nothing else does. */
const reasonFields = [
  'message',
  'msg',
  'detail',
  'description',
  'error_description',
  'error',
  'title',
  'validation',
  'errors',
]
const codeFields = ['code', 'type', 'status']
const detailFields = ['details', 'errors', 'fields', 'validation', 'detail']

function readFault(body: unknown): Fault {
  if (typeof body === 'string') return { reason: firstLine(body) }
  if (!isRecord(body)) return {}
  const reason = reasonFields.map((field) => wordsOf(body[field])).find((words) => words !== undefined)
  const holder = isRecord(body['error']) ? body['error'] : body
  const code = codeFields.map((field) => holder[field]).find(isCode)
  const details = detailFields
    .map((field) => holder[field])
    .find((value) => typeof value === 'object' && value !== null)
  return { reason, code, details }
}

/** A text; of an object its own words, of a list those of its items. */
function wordsOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value
  if (Array.isArray(value)) {
    const words = value.map((item: unknown) => wordsOf(item)).filter((item) => item !== undefined)
    return words.length === 0 ? undefined : words.join('; ')
  }
  if (!isRecord(value)) return undefined
  const words = wordsOf(value['message']) ?? wordsOf(value['msg']) ?? wordsOf(value['detail'])
  const { field } = value
  return words !== undefined && typeof field === 'string' ? `${field}: ${words}` : words
}

function isCode(value: unknown): value is string | number {
  return typeof value === 'number' || (typeof value === 'string' && value !== '')
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0]?.slice(0, 200) ?? ''
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
