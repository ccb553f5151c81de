import type { ErrorDialect, Fault } from '../../http/status.js'

/**
 * Synnefo's errors: one object under the fault's name, `{"itemNotFound": {"code", "message", "details"}}`. The name is for
 * people; what an error is, the status says (synnefo-compute dossier 4.4, 11.1).
 */
export const synnefoErrors: ErrorDialect = {
  cloud: 'synnefo',
  readFault,
}

function readFault(body: unknown): Fault {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return {}
  const [name, fault] = (Object.entries(body) as [string, unknown][])[0] ?? []
  if (name === undefined || typeof fault !== 'object' || fault === null) return {}
  const { message, details } = fault as { readonly message?: unknown; readonly details?: unknown }
  const words = [message, details].filter((text): text is string => typeof text === 'string' && text !== '')
  return { reason: [name, ...words].join(': '), details: fault }
}
