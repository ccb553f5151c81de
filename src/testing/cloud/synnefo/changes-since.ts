import type { Exchange } from '../service.js'
import { badRequest } from './answers.js'

const POLL_LIMIT_MS = 3_600_000

/** The instant that a list asks for changes since, ms since the epoch (synnefo dossier 6.3). */
export function changedSince(exchange: Exchange, now: number): number | undefined {
  const text = exchange.query.get('changes-since')
  if (text === null || text === '') return undefined
  const zoned = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/.test(text)
  const since = zoned ? Date.parse(text.replace(' ', 'T')) : NaN
  if (Number.isNaN(since)) throw badRequest('Invalid changes-since parameter.')
  if (since > now) throw badRequest('changes-since value set in the future.')
  if (now - since > POLL_LIMIT_MS) throw badRequest('Too old changes-since value.')
  return since
}
