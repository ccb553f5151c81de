import type { HistoryEntry } from '../errors.js'

/** The most entries that are kept. */
export const HISTORY_LIMIT = 100

/** How a wait began explains as much as how it ended: so many of the first entries are never dropped. */
const KEPT_FROM_START = 10

export interface StateHistory {
  /** The state seen by the poll of this number, so many milliseconds after the wait began. */
  see(state: string, elapsedMs: number, poll: number): void
  entries(): readonly HistoryEntry[]
}

/** The states of a wait in their order: equal ones in a row are one entry; in a very long list the middle is dropped. */
export function stateHistory(): StateHistory {
  const stretches: { state: string; sinceMs: number; polls: number }[] = []
  let lastPoll = 0
  return {
    see(state, elapsedMs, poll) {
      const current = stretches.at(-1)
      if (current?.state !== state) {
        if (stretches.length === HISTORY_LIMIT) stretches.splice(KEPT_FROM_START, 1)
        stretches.push({ state, sinceMs: elapsedMs, polls: 1 })
      } else if (poll !== lastPoll) {
        current.polls += 1
      }
      lastPoll = poll
    },
    entries: () => stretches.map((stretch) => ({ ...stretch })),
  }
}
