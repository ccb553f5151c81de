import type { OutgoingHttpHeaders } from 'node:http'
import type { Exchange } from '../service.js'

/** An error answer of Synnefo (synnefo dossier 11.1). */
export class ApiFault extends Error {
  readonly code: number
  readonly faultName: string
  readonly details: string
  readonly headers: OutgoingHttpHeaders

  constructor(
    code: number,
    faultName: string,
    message: string,
    details = '',
    headers: OutgoingHttpHeaders = {},
  ) {
    super(message)
    this.code = code
    this.faultName = faultName
    this.details = details
    this.headers = headers
  }
}

export const badRequest = (message: string): ApiFault => new ApiFault(400, 'badRequest', message)
export const forbidden = (message: string): ApiFault => new ApiFault(403, 'forbidden', message)
export const itemNotFound = (message: string): ApiFault => new ApiFault(404, 'itemNotFound', message)
export const conflict = (message: string): ApiFault => new ApiFault(409, 'conflict', message)
export const overLimit = (message: string, details = ''): ApiFault =>
  new ApiFault(413, 'overLimit', message, details)
export const notImplemented = (message: string): ApiFault => new ApiFault(501, 'notImplemented', message)
export const unexpectedError = (details = ''): ApiFault =>
  new ApiFault(500, 'internalServerError', 'Unexpected error', details)
export const endpointNotFound = (): ApiFault => badRequest('API endpoint not found')
export const malformedRequest = (): ApiFault => badRequest('Malformed Request.')
export const methodNotAllowed = (allowed: readonly string[]): ApiFault =>
  new ApiFault(405, 'notAllowed', 'Method not allowed', '', { Allow: allowed.join(',') })

export function faultBody(fault: ApiFault): Readonly<Record<string, unknown>> {
  return { [fault.faultName]: { code: fault.code, message: fault.message, details: fault.details } }
}

function sendFault(exchange: Exchange, fault: ApiFault): void {
  exchange.json(fault.code, faultBody(fault), fault.headers)
}

/** Lets a handler refuse by throwing an `ApiFault`. */
export async function answering(exchange: Exchange, handle: () => void | Promise<void>): Promise<void> {
  try {
    await handle()
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error
    sendFault(exchange, error)
  }
}

export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The request's body as JSON, with the checks of synnefo dossier 3. */
export async function readJson(exchange: Exchange): Promise<unknown> {
  const contentType = exchange.headers['content-type']
  const body = await exchange.body()
  if (contentType === undefined) throw badRequest('Missing Content-Type header field')
  if (!contentType.startsWith('application/json')) {
    throw badRequest(`Unsupported Content-type: '${contentType}'`)
  }
  try {
    return JSON.parse(body.toString('utf8')) as unknown
  } catch {
    throw badRequest('Could not decode request body as JSON')
  }
}

/** The object under this key of the request's body. */
export async function readJsonObject(exchange: Exchange, key: string): Promise<JsonObject> {
  const body = await readJson(exchange)
  const value = isObject(body) ? body[key] : undefined
  if (!isObject(value)) throw malformedRequest()
  return value
}

/** ISO 8601 in UTC, with microseconds unless they are zero (synnefo dossier 3). */
export function isoDate(ms: number): string {
  return `${zonelessDate(ms)}+00:00`
}

export function zonelessDate(ms: number): string {
  const text = new Date(ms).toISOString()
  const fraction = text.slice(20, 23)
  return fraction === '000' ? text.slice(0, 19) : `${text.slice(0, 19)}.${fraction}000`
}
