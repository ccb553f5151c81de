import type { SchedulerAction, SchedulerLike, Subscription } from 'rxjs'

/** Sets the alarm to ring once, `delayMs` from now; an earlier setting that has not rung is forgotten. */
export type SetAlarm = (delayMs: number) => void

/** One timer for the whole life of `owner`: a single scheduler action that is set again and again. */
export function alarm(scheduler: SchedulerLike, owner: Subscription, ring: () => void): SetAlarm {
  let action: SchedulerAction<void> | undefined
  return (delayMs) => {
    const last = action
    // Schedulers return the action that they made, only typed as the subscription that it also is.
    const next = (last?.schedule(undefined, delayMs) ??
      scheduler.schedule(ring, delayMs)) as SchedulerAction<void>
    if (next === last) return
    // In virtual time an action that is pending or running is not set again but begets another one.
    last?.remove(next)
    last?.unsubscribe()
    owner.add(next)
    action = next
  }
}
