import { defer, EMPTY, ignoreElements, type Observable, type SchedulerLike } from 'rxjs'
import type { Checkpoint } from '../errors.js'
import type { CheckpointStore } from './checkpoints.js'

const INTERVAL_MS = 1_000

/** Keeps the checkpoint of a transfer, if somebody wants it kept. */
export interface Saving {
  /** Saves it, unless that was done within the last second. */
  ifDue(): Observable<never>
  now(): Observable<never>
}

/** @param checkpoint - the present one */
export function createSaving(
  store: CheckpointStore | undefined,
  scheduler: SchedulerLike,
  checkpoint: () => Checkpoint,
): Saving {
  let due = -Infinity
  const now = (): Observable<never> =>
    store === undefined ? EMPTY : defer(() => store.save(checkpoint())).pipe(ignoreElements())
  return {
    now,
    ifDue: () => {
      if (store === undefined || scheduler.now() < due) return EMPTY
      due = scheduler.now() + INTERVAL_MS
      return now()
    },
  }
}
