import type { OutgoingHttpHeaders } from 'node:http'
import type { Exchange } from '../service.js'

/** An answer: JSON unless its type says otherwise, nothing if there is no body. */
export interface Reply {
  readonly status: number
  readonly body?: unknown
  readonly type?: string
  readonly headers?: OutgoingHttpHeaders
}

export function sendReply(
  exchange: Exchange,
  { status, body, type = 'application/json', headers = {} }: Reply,
): void {
  // Some name a type for nothing (stackit dossier 12.5).
  const empty = status < 202 ? { 'Content-Type': type } : {}
  if (body === undefined) exchange.send(status, { ...empty, ...headers })
  else if (type.includes('json')) exchange.json(status, body, { ...headers, 'Content-Type': type })
  else exchange.send(status, { ...headers, 'Content-Type': type }, bytesOf(body))
}

function bytesOf(body: unknown): string | Uint8Array {
  return body instanceof Uint8Array || typeof body === 'string' ? body : JSON.stringify(body)
}
