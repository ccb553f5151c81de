import type { Exchange } from '../../service.js'
import { badRequest } from './failure.js'

/** What counts as true in forms and queries, in any case (slipstream dossier 4.2). */
export function isTruthy(value: string | null | undefined): boolean {
  return /^(true|yes|on|1)$/i.test(value ?? '')
}

/** The body as a form; forms may also come as plain text. */
export async function readForm(exchange: Exchange): Promise<URLSearchParams> {
  return new URLSearchParams((await exchange.body()).toString('utf8'))
}

/** A part of the path as it is meant. */
export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw badRequest('The path is not well encoded')
  }
}

export interface Page {
  readonly offset: number
  readonly limit: number
}

/** Offset and limit of a list: 20 of at most 500 (slipstream dossier 4.2). */
export function readPage(exchange: Exchange): Page {
  const offset = readInteger(exchange.query.get('offset'), 'offset', 0)
  const limit = readInteger(exchange.query.get('limit'), 'limit', 20)
  if (offset < 0) throw badRequest('Query parameter offset should be at least 0')
  if (limit < 1 || limit > 500) throw badRequest('Query parameter limit should be between 1 and 500')
  return { offset, limit }
}

function readInteger(text: string | null, name: string, fallback: number): number {
  if (text === null || text === '') return fallback
  if (!/^-?\d{1,9}$/.test(text)) throw badRequest(`Query parameter ${name} should be an integer`)
  return Number(text)
}
