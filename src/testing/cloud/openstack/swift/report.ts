import { escapeXml, preferredType } from './listing-formats.js'
import { pythonJson } from './python-json.js'
import { HTML } from './reply.js'
import type { SwiftRequest } from './request.js'

/** What was done to many things, and what could not be done: percent-encoded names with their statuses. */
export interface Report {
  readonly status: string
  readonly text: string
  readonly deleted: number
  readonly notFound: number
  readonly errors: readonly (readonly [name: string, status: string])[]
}

const TYPES = ['text/plain', 'application/json', 'application/xml', 'text/xml'] as const
type ReportType = (typeof TYPES)[number]

/** The form that the sender takes; undefined: none that there is. */
export function reportType(request: SwiftRequest): ReportType | undefined {
  return preferredType(request.headers.get('Accept'), TYPES)
}

/** Always 200, whatever has happened: what it was is in the body. */
export function sendReport(request: SwiftRequest, report: Report): void {
  const type = reportType(request)
  const { status, text, deleted, notFound, errors } = report
  if (type === 'application/json') {
    const body = pythonJson({
      'Response Status': status,
      'Response Body': text,
      'Number Deleted': deleted,
      'Number Not Found': notFound,
      Errors: errors,
    })
    sendInChunks(request, 200, type, body)
    return
  }
  if (type === 'application/xml' || type === 'text/xml') {
    const body =
      `<delete>\n<number_deleted>${String(deleted)}</number_deleted>\n` +
      `<number_not_found>${String(notFound)}</number_not_found>\n` +
      `<response_body>${escapeXml(text)}</response_body>\n<response_status>${status}</response_status>\n` +
      `${xmlErrors(errors)}</delete>\n`
    sendInChunks(request, 200, type, body)
    return
  }
  const body =
    `Number Deleted: ${String(deleted)}\nNumber Not Found: ${String(notFound)}\n` +
    `Response Body: ${text}\nResponse Status: ${status}\n${textErrors(errors)}`
  sendInChunks(request, 200, type ?? HTML, body)
}

/** What is wrong with the segments of a manifest. */
export function sendManifestErrors(request: SwiftRequest, errors: Report['errors']): void {
  const type = reportType(request) ?? 'text/plain'
  const body =
    type === 'application/json'
      ? pythonJson({ Errors: errors })
      : type === 'text/plain'
        ? textErrors(errors)
        : `<upload>\n${xmlErrors(errors)}</upload>\n`
  sendInChunks(request, 400, type, body)
}

function textErrors(errors: Report['errors']): string {
  return `Errors:\n${errors.map(([name, status]) => `${name}, ${status}\n`).join('')}`
}

function xmlErrors(errors: Report['errors']): string {
  const objects = errors.map(
    ([name, status]) =>
      `<object><name>${escapeXml(name)}</name><status>${escapeXml(status)}</status></object>\n`,
  )
  return `<errors>\n${objects.join('')}</errors>\n`
}

/** Without a length: the real one is written while the work goes on. */
function sendInChunks(request: SwiftRequest, status: number, type: string, text: string): void {
  request.exchange.send(status, { 'Content-Type': type }, once(Buffer.from(text)))
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
