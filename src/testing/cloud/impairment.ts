import type { OutgoingHttpHeaders } from 'node:http'
import type { FaultKind } from './faults.js'

/** All that is to go wrong with one request, ready for the server to act on. */
export interface Impairment {
  readonly delayMs: number
  readonly holdMs: number
  readonly skewMs: number
  readonly reset: boolean
  readonly revokeToken: boolean
  readonly malformed: boolean
  readonly cutRequestAfterBytes?: number
  readonly cut?: { readonly afterBytes: number; readonly how: 'reset' | 'end' }
  readonly status?: StatusFault
}

type StatusFault = Extract<FaultKind, { kind: 'status' }>

const NOTHING: Impairment = {
  delayMs: 0,
  holdMs: 0,
  skewMs: 0,
  reset: false,
  revokeToken: false,
  malformed: false,
}

export function impair(kinds: readonly FaultKind[]): Impairment {
  return kinds.reduce<Impairment>((all, kind) => ({ ...all, ...oneImpairment(kind) }), NOTHING)
}

function oneImpairment(kind: FaultKind): Partial<Impairment> {
  switch (kind.kind) {
    case 'status':
      return { status: kind }
    case 'delay':
      return { delayMs: kind.ms }
    case 'slow-first-byte':
      return { holdMs: kind.ms }
    case 'reset':
      return { reset: true }
    case 'reset-mid-body':
      return { cut: { afterBytes: kind.afterBytes, how: 'reset' } }
    case 'truncated-body':
      return { cut: { afterBytes: kind.afterBytes, how: 'end' } }
    case 'malformed-body':
      return { malformed: true }
    case 'token-revoked':
      return { revokeToken: true }
    case 'clock-skew':
      return { skewMs: kind.ms }
    case 'cut-request':
      return { cutRequestAfterBytes: kind.afterBytes }
  }
}

export function faultPage(fault: StatusFault): {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: string
} {
  const { status, body, contentType, retryAfter } = fault
  const title = `${String(status)} at the front door`
  const [type, text] =
    body === undefined
      ? ['text/html', `<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`]
      : typeof body === 'string'
        ? ['text/plain; charset=UTF-8', body]
        : ['application/json', JSON.stringify(body)]
  const headers: OutgoingHttpHeaders = { 'Content-Type': contentType ?? type }
  if (retryAfter !== undefined) {
    headers['Retry-After'] = typeof retryAfter === 'number' ? String(retryAfter) : retryAfter.toUTCString()
  }
  return { status, headers, body: text }
}
