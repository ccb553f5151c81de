import type { ErrorDialect, Fault } from '../../../http/status.js'

/**
 * OpenStack's errors: Keystone sends `{"error": {"code", "message", "title"}}`, Swift a small HTML page or a line of text, and a list
 * under `Errors` where one request was about many objects (pithos dossier 14.1, 14.2). What an error is, the status says.
 *
 * 498 is Swift's own way to say 429: nothing was done.
 */
export const openstackErrors: ErrorDialect = {
  cloud: 'openstack',
  readFault,
  requestIdHeaders: ['x-openstack-request-id', 'x-trans-id'],
  unprocessed: [429, 498],
}

const LONGEST_REASON = 200
/** Of many objects, as many as a person reads. */
const MOST_OBJECTS = 3

function readFault(body: unknown): Fault {
  if (typeof body === 'string') return { reason: wordsOf(body) }
  if (!isRecord(body)) return {}
  const { error, Errors: objects } = body
  if (isRecord(error)) {
    const { message, title } = error
    return { reason: [message, title].find(isWord), details: error }
  }
  return Array.isArray(objects) ? { reason: objectsOf(objects), details: objects } : {}
}

/** The texts of a page, one after the other; a text as it is. */
function wordsOf(page: string): string {
  const texts = page
    .replaceAll(/<(style|script|title)\b[\s\S]*?<\/\1>/gi, '')
    .split(/<[^>]*>/)
    .map((text) => text.replaceAll(/\s+/g, ' ').trim())
  return texts.filter(isWord).join(': ').slice(0, LONGEST_REASON)
}

/** `[["/container/object", "404 Not Found"], …]` */
function objectsOf(objects: readonly unknown[]): string {
  const words = objects
    .slice(0, MOST_OBJECTS)
    .map((object) => (Array.isArray(object) ? object.map(String).join(': ') : String(object)))
  const more = objects.length - words.length
  return [...words, ...(more > 0 ? [`${more} more`] : [])].join('; ')
}

function isWord(text: unknown): text is string {
  return typeof text === 'string' && text !== ''
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
