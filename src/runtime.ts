import { asyncScheduler, Subscription, type SchedulerAction, type SchedulerLike } from 'rxjs'

/** The longest delay that a timer of Node can hold, in milliseconds (24.8 days). */
export const MAX_DELAY_MS = 2 ** 31 - 1

/** The only source of time and chance: everything that waits or draws takes it from here. */
export interface Runtime {
  /** For what somebody waits for: polls, backoff, timeouts. Keeps the process alive. */
  readonly scheduler: SchedulerLike
  /** For what nobody waits for: renewing tokens ahead of time. Lets the process exit. */
  readonly background: SchedulerLike
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** A scheduler whose timers do not keep the process alive, and that can wait longer than `MAX_DELAY_MS`. */
export const backgroundScheduler: SchedulerLike = {
  now: () => Date.now(),
  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
    return new BackgroundAction(work).schedule(state, delay)
  },
}

class BackgroundAction<T> extends Subscription implements SchedulerAction<T> {
  readonly #work: (this: SchedulerAction<T>, state?: T) => void
  #timer: NodeJS.Timeout | undefined

  constructor(work: (this: SchedulerAction<T>, state?: T) => void) {
    super()
    this.#work = work
  }

  schedule(state?: T, delay = 0): Subscription {
    if (this.closed) return this
    clearTimeout(this.#timer)
    const part = Math.min(Math.max(delay, 0), MAX_DELAY_MS)
    this.#timer = setTimeout(() => {
      if (delay > part) this.schedule(state, delay - part)
      else this.#work(state)
    }, part)
    this.#timer.unref()
    return this
  }

  override unsubscribe(): void {
    clearTimeout(this.#timer)
    super.unsubscribe()
  }
}

/** Wall clock, real timers, `Math.random`. */
export const defaultRuntime: Runtime = {
  scheduler: asyncScheduler,
  background: backgroundScheduler,
  random: Math.random,
}

/** A delay that a timer can hold: finite, not negative, at most `MAX_DELAY_MS`. */
export function clampDelay(ms: number): number {
  return ms > 0 ? Math.min(ms, MAX_DELAY_MS) : 0
}
