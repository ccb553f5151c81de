import type { Run } from './run-model.js'

/** All runs, by id and by the time they were started. */
export interface RunStore {
  get(uuid: string): Run | undefined
  add(run: Run): void
  /** Those that the test wants, newest first: all of them counted, one page of them handed out. */
  page(test: (run: Run) => boolean, offset: number, limit: number): RunPage
  all(): readonly Run[]
}

export interface RunPage {
  readonly runs: readonly Run[]
  readonly total: number
}

export function createRunStore(): RunStore {
  const byId = new Map<string, Run>()
  // Oldest first, so that the usual new run goes to the end.
  const byStart: Run[] = []
  return {
    get: (uuid) => byId.get(uuid),
    add(run) {
      byId.set(run.uuid, run)
      let at = byStart.length
      if ((byStart.at(-1)?.startTime ?? -Infinity) > run.startTime) {
        const found = byStart.findIndex((other) => other.startTime > run.startTime)
        if (found >= 0) at = found
      }
      byStart.splice(at, 0, run)
    },
    page(test, offset, limit) {
      const runs: Run[] = []
      let total = 0
      for (let index = byStart.length - 1; index >= 0; index -= 1) {
        const run = byStart[index]
        if (run === undefined || !test(run)) continue
        if (total >= offset && runs.length < limit) runs.push(run)
        total += 1
      }
      return { runs, total }
    },
    all: () => byStart,
  }
}
