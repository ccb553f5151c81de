import type { OutgoingHttpHeaders } from 'node:http'
import { element, type XmlElement } from './xml-writer.js'

/** An error answer of the legacy side (slipstream dossier 6). */
export class LegacyFault extends Error {
  readonly status: number
  readonly headers: OutgoingHttpHeaders

  constructor(status: number, detail: string, headers: OutgoingHttpHeaders = {}) {
    super(detail)
    this.status = status
    this.headers = headers
  }
}

export const badRequest = (detail: string): LegacyFault => new LegacyFault(400, detail)
export const invalid = (detail: string): LegacyFault => badRequest(`Validation error: ${detail}`)
export const forbidden = (detail: string): LegacyFault => new LegacyFault(403, detail)
export const notFound = (detail: string): LegacyFault => new LegacyFault(404, detail)
export const conflict = (detail: string): LegacyFault => new LegacyFault(409, detail)
export const notYetSet = (key: string): LegacyFault => new LegacyFault(412, `key ${key} not yet set`)
export const wrongMethod = (...allowed: readonly string[]): LegacyFault =>
  new LegacyFault(405, 'The method is not allowed for this resource', { Allow: allowed.join(', ') })

const REASONS: Readonly<Record<number, readonly [reason: string, section: string]>> = {
  400: ['Bad Request', '10.4.1'],
  401: ['Unauthorized', '10.4.2'],
  403: ['Forbidden', '10.4.4'],
  404: ['Not Found', '10.4.5'],
  405: ['Method Not Allowed', '10.4.6'],
  406: ['Not Acceptable', '10.4.7'],
  409: ['Conflict', '10.4.10'],
  412: ['Precondition Failed', '10.4.13'],
  418: ["I'm a teapot", ''],
}

export interface FaultText {
  readonly code: string
  readonly reason: string
  readonly detail: string
  readonly specificationUri: string | undefined
}

export function describeFault(fault: LegacyFault): FaultText {
  const [reason, section] = REASONS[fault.status] ?? ['Error', '']
  return {
    code: String(fault.status),
    reason,
    detail: fault.message,
    specificationUri:
      section === '' ? undefined : `http://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec${section}`,
  }
}

export function faultElement(fault: LegacyFault): XmlElement {
  return element('error', { ...describeFault(fault) }, [`\n${fault.message}\n`])
}
