import type { OutgoingHttpHeaders } from 'node:http'

/** What a request is refused with: a status, and the fields of an error body (pithos dossier 4.2). */
export class Failure extends Error {
  readonly status: number
  readonly fault: string
  readonly details: string
  readonly headers: OutgoingHttpHeaders

  constructor(
    status: number,
    fault: string,
    message: string,
    extra: { details?: string; headers?: OutgoingHttpHeaders } = {},
  ) {
    super(message)
    this.name = 'Failure'
    this.status = status
    this.fault = fault
    this.details = extra.details ?? ''
    this.headers = extra.headers ?? {}
  }
}

export function badRequest(message: string): Failure {
  return new Failure(400, 'badRequest', message)
}

export function forbidden(message = 'Not allowed'): Failure {
  return new Failure(403, 'forbidden', message)
}

export function notFound(message: string): Failure {
  return new Failure(404, 'itemNotFound', message)
}

export function notAllowed(allowed: string): Failure {
  return new Failure(405, 'notAllowed', 'Method not allowed', { headers: { Allow: allowed } })
}

export function conflict(message: string): Failure {
  return new Failure(409, 'conflict', message)
}

export function lengthRequired(message: string): Failure {
  return new Failure(411, 'lengthRequired', message)
}

export function preconditionFailed(message: string): Failure {
  return new Failure(412, 'preconditionFailed', message)
}

export function tooLarge(message: string): Failure {
  return new Failure(413, 'requestEntityTooLarge', message)
}

export function rangeNotSatisfiable(message: string): Failure {
  return new Failure(416, 'rangeNotSatisfiable', message)
}

export function unprocessable(message: string): Failure {
  return new Failure(422, 'unprocessableEntity', message)
}
