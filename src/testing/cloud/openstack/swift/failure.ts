import type { OutgoingHttpHeaders } from 'node:http'

/** A refusal; thrown, and answered in one place. */
export class SwiftFailure extends Error {
  override readonly name = 'SwiftFailure'
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  /** The body; without one there is the page of the status. */
  readonly text: string | undefined

  constructor(status: number, text?: string, headers: OutgoingHttpHeaders = {}) {
    super(`${String(status)} ${text ?? ''}`)
    this.status = status
    this.text = text
    this.headers = headers
  }
}

/** A refusal of what the storage nodes check, which comes as plain text. */
export function refused(status: number, text: string): SwiftFailure {
  return new SwiftFailure(status, text, { 'Content-Type': 'text/plain' })
}

export function notFound(headers?: OutgoingHttpHeaders): SwiftFailure {
  return new SwiftFailure(404, undefined, headers)
}

const PAGES: Readonly<Record<number, readonly [title: string, text: string]>> = {
  202: ['Accepted', 'The request is accepted for processing.'],
  400: [
    'Bad Request',
    'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  ],
  401: [
    'Unauthorized',
    'This server could not verify that you are authorized to access the document you requested.',
  ],
  403: ['Forbidden', 'Access was denied to this resource.'],
  404: ['Not Found', 'The resource could not be found.'],
  405: ['Method Not Allowed', 'The method is not allowed for this resource.'],
  406: ['Not Acceptable', 'The resource is not available in a format acceptable to your browser.'],
  409: ['Conflict', 'There was a conflict when trying to complete your request.'],
  411: ['Length Required', 'Content-Length header required.'],
  412: ['Precondition Failed', 'A precondition for this request was not met.'],
  413: ['Request Entity Too Large', 'The body of your request was too large for this server.'],
  416: ['Requested Range Not Satisfiable', 'The Range requested is not available.'],
  422: ['Unprocessable Entity', 'Unable to process the contained instructions'],
}

/** `404 Not Found`, as reports write it. */
export function statusLine(status: number): string {
  const title = status === 200 ? 'OK' : PAGES[status]?.[0]
  return title === undefined ? String(status) : `${String(status)} ${title}`
}

/** The little page of HTML that Swift sends where it has no words of its own. */
export function page(status: number): string {
  const [title, text] = PAGES[status] ?? [String(status), '']
  return `<html><h1>${title}</h1><p>${text}</p></html>`
}
