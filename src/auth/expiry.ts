import type { Token } from './token.js'

/** What a server said of a token's life. */
export interface LifeSpan {
  /** Instant of the end by the server's clock (a JWT's `exp`, a cookie's `Expires`), in milliseconds since the epoch. */
  readonly absolute?: number | undefined
  /** Life from the answer on, in seconds. */
  readonly expiresIn?: number | undefined
  /** The answer's `Date` header. */
  readonly date?: string | undefined
  /** When the answer arrived by the local clock, in milliseconds since the epoch. */
  readonly receivedAt: number
}

/**
 * When a token ends by the local clock. An absolute instant comes first and is corrected by the difference between the
 * server's clock and ours, as far as the answer's `Date` proves one; else the life counts from receipt. Empty if neither is
 * a number: the token then has no known end.
 */
export function expiry({ absolute, expiresIn, date, receivedAt }: LifeSpan): Pick<Token, 'expiresAt'> {
  if (absolute !== undefined && Number.isFinite(absolute)) {
    return { expiresAt: absolute - clockOffset(date, receivedAt) }
  }
  if (expiresIn !== undefined && Number.isFinite(expiresIn)) {
    return { expiresAt: receivedAt + expiresIn * 1000 }
  }
  return {}
}

/** Milliseconds by which a server's clock is ahead, as far as the `Date` of an answer proves it. `Date` holds whole seconds: what lies within one is no difference. */
export function clockOffset(date: string | undefined, receivedAt: number): number {
  const sentAt = date === undefined ? Number.NaN : Date.parse(date)
  if (Number.isNaN(sentAt)) return 0
  const least = sentAt - receivedAt
  return Math.max(least, Math.min(least + 999, 0))
}

/** When a token is to be renewed, and from when on it is not used any more; milliseconds since the epoch. */
export interface Margins {
  readonly renewAt: number
  readonly unusableAt: number
}

/** So that a token of hardly any life is not renewed in a tight loop. */
const SHORTEST_REST_MS = 1_000

/**
 * Soft margin: 5 minutes or a fifth of the life, less up to a tenth of itself, so that a fleet does not renew at one moment.
 * Hard margin: 10 seconds or a twentieth of the life. Both `Infinity` for a token without end.
 */
export function marginsOf({ obtainedAt, expiresAt }: Token, now: number, random: () => number): Margins {
  if (expiresAt === undefined || !Number.isFinite(expiresAt)) {
    return { renewAt: Number.POSITIVE_INFINITY, unusableAt: Number.POSITIVE_INFINITY }
  }
  const life = Math.max(0, expiresAt - obtainedAt)
  const soft = Math.min(300_000, life * 0.2) * (1 - 0.1 * random())
  const hard = Math.min(10_000, life * 0.05)
  return { renewAt: Math.max(expiresAt - soft, now + SHORTEST_REST_MS), unusableAt: expiresAt - hard }
}
