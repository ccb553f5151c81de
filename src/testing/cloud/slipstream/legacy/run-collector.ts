import type { Clock } from '../../service.js'
import type { Accounts } from '../tools.js'
import { isFinal, isIn, type Run } from './run-model.js'

/** Ends runs that stay too long in a passing state (slipstream dossier 5, Termination). */
export interface RunCollector {
  watch(run: Run): void
  /** Runs that move and are not over. */
  watched(): Iterable<Run>
}

export interface RunCollectorParts {
  readonly clock: Clock
  readonly accounts: Accounts
  readonly everyMs: number
  readonly machine: {
    raiseAbort(run: Run, scope: string, message: string): unknown
    terminate(run: Run): void
  }
  readonly record: (run: Run, text: string) => void
}

const DEFAULT_TIMEOUT_MINUTES = 30

export function createRunCollector(parts: RunCollectorParts): RunCollector {
  const { clock, everyMs, machine, record } = parts
  const runs = new Set<Run>()
  let armed = false

  const timeoutMs = (owner: string): number => {
    const minutes = Number(parts.accounts.get(owner)?.parameters.get('General.Timeout') ?? NaN)
    return (minutes > 0 ? minutes : DEFAULT_TIMEOUT_MINUTES) * 60_000
  }
  const collect = (run: Run): void => {
    if (run.state === 'Ready' && run.stays) return
    if (clock.now() - run.enteredAt <= timeoutMs(run.owner)) return
    const again = run.overdue
    run.overdue = true
    if (!again) {
      machine.raiseAbort(run, 'ss', 'The run has timed out')
      record(run, 'The Run has timed out')
    }
    if (isIn(run, 'Initializing') || (again && !run.mutable)) {
      machine.terminate(run)
      record(run, 'The Run was terminated')
    }
  }
  const arm = (): void => {
    if (armed || runs.size === 0) return
    armed = true
    // At full multiples of the interval, as a job that runs all the time does.
    clock.after(everyMs - (clock.now() % everyMs), () => {
      armed = false
      for (const run of runs) {
        if (!isFinal(run.state)) collect(run)
        if (isFinal(run.state)) runs.delete(run)
      }
      arm()
    })
  }
  return {
    watch(run) {
      runs.add(run)
      arm()
    },
    watched: () => runs,
  }
}
