import type { ErrorDialect, Fault } from '../../http/status.js'
import type { Dialect } from './dialect.js'

const LONGEST_REASON = 300

/**
 * The errors of both sides: CIMI sends `{"status", "message", "resource-id"}` (slipstream dossier 3.5), the legacy side an `<error>`
 * with its words in `detail`, the same as JSON, or as two lines of text, as `Accept` wants it (6). A page of HTML comes from a
 * proxy, and says nothing.
 */
export function errorsOf({ cloud }: Pick<Dialect, 'cloud'>): ErrorDialect {
  return {
    cloud,
    readFault,
    // Too many requests, and maintenance: nothing was done.
    unprocessed: [429, 503],
  }
}

function readFault(body: unknown): Fault {
  if (typeof body === 'string') return { reason: reasonIn(body.trim()) }
  if (!isRecord(body)) return {}
  const { message, error } = body
  if (isRecord(error)) return { reason: legacyReason(error), details: error }
  return { reason: typeof message === 'string' ? message : undefined, details: body }
}

function legacyReason({ code, reason, detail }: Readonly<Record<string, unknown>>): string | undefined {
  if (isText(detail)) return detail
  const words = [code, reason].filter(isText)
  return words.length === 0 ? undefined : words.join(' - ')
}

/** Of the text as far as it was kept: an end may be missing. */
function reasonIn(body: string): string | undefined {
  const [element] = /<error(?=[\s>])[^>]*/i.exec(body) ?? []
  if (element !== undefined) return detailOf(element)
  if (body.startsWith('<')) return undefined
  return body.replace(/^\d{3} - .*\r?\n/, '').slice(0, LONGEST_REASON)
}

function detailOf(element: string): string | undefined {
  const groups = /\sdetail\s*=\s*(?:"(?<double>[^"]*)|'(?<single>[^']*))/.exec(element)?.groups
  const value = groups?.['double'] ?? groups?.['single']
  return value === undefined ? undefined : unescaped(value)
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescaped(text: string): string {
  return text.replaceAll(
    /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w+));/gi,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return entities[name] ?? whole
      const point = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
      return point <= 0x10ffff ? String.fromCodePoint(point) : whole
    },
  )
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
