import { catchError, concat, concatMap, defer, isObservable, map, Observable, of, throwError } from 'rxjs'
import {
  isCloudError,
  isTransient,
  OperationFailedError,
  PollFailedError,
  PollTimeoutError,
  retryAfterMs,
  type CloudError,
  type OperationRef,
} from '../errors.js'
import type { Api } from '../http/api.js'
import type { AnyOperation } from '../http/types.js'
import { abortable, constant, pollUntil, type Backoff } from '../operators/index.js'
import { MAX_DELAY_MS, type Runtime } from '../runtime.js'
import { adaptive } from './adaptive.js'
import type { OperationEvent } from './events.js'

/** What one look at the resource says of the operation. */
export type Verdict<R> = Look &
  (
    | { readonly kind: 'pending' }
    | { readonly kind: 'done'; readonly result: R }
    | { readonly kind: 'failed'; readonly reason: string }
  )

/** How far the operation is. A change of any of these is told. */
interface Look {
  readonly state: string
  readonly percent?: number | undefined
  /** The cloud's own words for what it is doing. */
  readonly message?: string | undefined
  /** What else of the snapshot is worth an event of its own: an address that became known. */
  readonly notable?: string | undefined
}

/** How an operation is watched. */
export interface OperationWatch<S, R = S> {
  readonly ref: OperationRef
  /** One look at the resource; makes its call without retry. */
  readonly poll: () => Observable<S>
  /**
   * Made anew for each subscription, so that a classifier may remember what it saw. One that has to ask more gives its verdict
   * as an observable, which belongs to the poll: also its errors do.
   */
  readonly classifier: () => (snapshot: S) => Verdict<R> | Observable<Verdict<R>>
  /** Whether an error of the poll is itself the end waited for: a 404 after a removal. */
  readonly gone?: (error: CloudError, last: S | undefined) => { readonly result: R } | undefined
  /** Whether a poll that failed with this error may be followed by another one. Default: `isTransient`. */
  readonly tolerates?: (error: CloudError) => boolean
}

/** How a user wants to wait. Times in milliseconds. */
export interface WatchOptions {
  /** Between the end of a poll and the next one. Default: short after a change, longer while nothing moves. */
  readonly interval?: number | Backoff<{ readonly unchanged: number }>
  /** Before the first poll; not waited for if it leaves no room within `timeout`. Default 0. */
  readonly initialDelay?: number
  /** For the whole wait. Default: as long as it takes. */
  readonly timeout?: number
  /** Failing polls in a row of which all but the last are only reported. Default 5. */
  readonly maxConsecutiveErrors?: number
  /** `false` emits a `progress` event for every poll and not only for changes. */
  readonly distinct?: boolean
  readonly signal?: AbortSignal
}

interface Seen<S, R> {
  readonly kind: 'seen'
  readonly verdict: Verdict<R>
  readonly snapshot: S | undefined
  /** Polls since the last change. */
  readonly unchanged: number
}
interface Missed<S> {
  readonly kind: 'missed'
  readonly state: string
  readonly snapshot: S | undefined
  readonly error: CloudError
  readonly attempt: number
  readonly delayMs: number
  readonly unchanged: number
}
type Observation<S, R> = Seen<S, R> | Missed<S>

/**
 * Watches an operation until it is over.
 *
 * ```
 * polls    -(BUILD)-----(BUILD)-----(ACTIVE)
 * events   -p-----------p-----------(pd|)        p = progress, d = done
 * ```
 * The first poll is made at once, or after `initialDelay`; the next ones follow an interval after the answer, never overlapping. Emits a `progress` for
 * each change, `retrying` for a poll that failed and is tolerated, and ends with `done` and completion. Errors with
 * `OperationFailedError` after a last `progress` with the failing snapshot, with `PollTimeoutError` when the time is up, or
 * with the error of a poll that nobody can mend. Unsubscribing closes the poll under way and the timer; the cloud goes on.
 */
export function watchOperation<S, R>(
  watch: OperationWatch<S, R>,
  options: WatchOptions,
  runtime: Runtime,
): Observable<OperationEvent<S, R>> {
  checkWatchOptions(options)
  const { timeout, signal, initialDelay } = options
  const interval = intervalOf(options.interval)
  const events = defer(() => {
    const startedAt = runtime.scheduler.now()
    const observer = new Observer(watch, options, interval, runtime, startedAt)
    return defer(watch.poll).pipe(
      concatMap((snapshot) => observer.see(snapshot)),
      catchError((error: unknown) => observer.miss(error)),
      pollUntil<Observation<S, R>>({
        until: (seen) => seen.kind === 'seen' && seen.verdict.kind === 'done',
        failWhen: (seen) => seen.kind === 'seen' && seen.verdict.kind === 'failed',
        interval: (step) => (step.input.kind === 'missed' ? step.input.delayMs : interval(step)),
        stateOf: (seen) => (seen.kind === 'seen' ? seen.verdict.state : seen.state),
        scheduler: runtime.scheduler,
        random: runtime.random,
        timeout,
        initialDelay,
      }),
      concatMap((seen) => observer.events(seen)),
      catchError((error: unknown) => throwError(() => explained(error, watch.ref))),
    )
  })
  return signal === undefined ? events : events.pipe(abortable(signal))
}

/**
 * Submits an operation and watches it: `submitted`, then what `watch` tells. If submitting fails, its error is the
 * stream's, and nothing was watched.
 */
export function submitAndWatch<A, S, R>(
  submit: Observable<A>,
  watch: (accepted: A) => { readonly ref: OperationRef; readonly events: Observable<OperationEvent<S, R>> },
  signal?: AbortSignal,
): Observable<OperationEvent<S, R>> {
  const events = submit.pipe(
    map(watch),
    concatMap(({ ref, events }) => concat(of({ kind: 'submitted', ref } as const), events)),
  )
  return signal === undefined ? events : events.pipe(abortable(signal))
}

/** A reference to what was submitted, or is attached to, now: plain JSON, by which a later program goes on. */
export function refer(
  { cloud, runtime }: Pick<Api, 'cloud' | 'runtime'>,
  operation: AnyOperation | string,
  args: OperationRef['args'],
): OperationRef {
  return {
    cloud,
    operation: typeof operation === 'string' ? operation : operation.id,
    args,
    since: new Date(runtime.scheduler.now()).toISOString(),
  }
}

/**
 * To be called before anything is submitted.
 *
 * @throws TypeError naming the option that is wrong
 */
export function checkWatchOptions(options: WatchOptions): void {
  const { interval, initialDelay, timeout, maxConsecutiveErrors } = options
  intervalOf(interval)
  if (initialDelay !== undefined && !(initialDelay >= 0 && initialDelay <= MAX_DELAY_MS)) {
    throw new TypeError('initialDelay: expected a number of milliseconds')
  }
  if (timeout !== undefined && !(timeout >= 1)) {
    throw new TypeError('timeout: expected a positive number of milliseconds')
  }
  if (
    maxConsecutiveErrors !== undefined &&
    !(maxConsecutiveErrors >= 1 && Number.isInteger(Math.min(maxConsecutiveErrors, Number.MAX_SAFE_INTEGER)))
  ) {
    throw new TypeError('maxConsecutiveErrors: expected a whole number of at least 1, or Infinity')
  }
}

export function intervalOf(interval: WatchOptions['interval']): Backoff<{ readonly unchanged: number }> {
  if (interval === undefined) return adaptive()
  if (typeof interval === 'function') return interval
  if (!(interval > 0)) throw new TypeError('interval: expected a positive number of milliseconds')
  return constant(interval)
}

/** What one subscription remembers. */
class Observer<S, R> {
  readonly #watch: OperationWatch<S, R>
  readonly #options: WatchOptions
  readonly #interval: Backoff<{ readonly unchanged: number }>
  readonly #runtime: Runtime
  readonly #startedAt: number
  readonly #classify: (snapshot: S) => Verdict<R> | Observable<Verdict<R>>
  #polls = 0
  #misses = 0
  #unchanged = 0
  #state = 'unknown'
  #percent: number | undefined
  #look = ''
  #snapshot: S | undefined
  #shown = ''

  constructor(
    watch: OperationWatch<S, R>,
    options: WatchOptions,
    interval: Backoff<{ readonly unchanged: number }>,
    runtime: Runtime,
    startedAt: number,
  ) {
    this.#watch = watch
    this.#options = options
    this.#interval = interval
    this.#runtime = runtime
    this.#startedAt = startedAt
    this.#classify = watch.classifier()
  }

  see(snapshot: S): Observable<Seen<S, R>> {
    const verdict = this.#classify(snapshot)
    return isObservable(verdict)
      ? verdict.pipe(map((found) => this.#seen(found, snapshot)))
      : of(this.#seen(verdict, snapshot))
  }

  #seen(verdict: Verdict<R>, snapshot: S | undefined): Seen<S, R> {
    const percent =
      verdict.percent === undefined ? this.#percent : Math.max(this.#percent ?? 0, verdict.percent)
    const look = JSON.stringify([verdict.state, percent, verdict.message, verdict.notable])
    const changed = look !== this.#look
    this.#look = look
    this.#polls += 1
    this.#misses = 0
    this.#unchanged = changed ? 0 : this.#unchanged + 1
    this.#state = verdict.state
    this.#percent = percent
    this.#snapshot = snapshot
    return { kind: 'seen', verdict, snapshot, unchanged: this.#unchanged }
  }

  miss(error: unknown): Observable<Observation<S, R>> {
    if (!isCloudError(error)) return throwError(() => error)
    const gone = this.#watch.gone?.(error, this.#snapshot)
    if (gone !== undefined) {
      return of(this.#seen({ kind: 'done', state: 'gone', percent: 100, result: gone.result }, undefined))
    }
    const { maxConsecutiveErrors = 5 } = this.#options
    const { tolerates = isTransient } = this.#watch
    this.#misses += 1
    this.#polls += 1
    if (!tolerates(error) || this.#misses >= maxConsecutiveErrors) return throwError(() => error)
    const step = {
      attempt: this.#polls,
      elapsedMs: this.#elapsedMs(),
      input: { unchanged: this.#unchanged },
      random: this.#runtime.random,
    }
    return of({
      kind: 'missed',
      state: this.#state,
      snapshot: this.#snapshot,
      error,
      attempt: this.#misses,
      delayMs: Math.ceil(Math.max(this.#interval(step), retryAfterMs(error) ?? 0)),
      unchanged: this.#unchanged,
    } as const)
  }

  *events(seen: Observation<S, R>): Generator<OperationEvent<S, R>> {
    const { ref } = this.#watch
    const elapsedMs = this.#elapsedMs()
    const polls = this.#polls
    if (seen.kind === 'missed') {
      yield { kind: 'retrying', ref, attempt: seen.attempt, delayMs: seen.delayMs, error: seen.error }
      return
    }
    const { verdict, snapshot } = seen
    const { state, message } = verdict
    const percent = this.#percent
    const wanted = this.#look !== this.#shown || verdict.kind === 'failed' || this.#options.distinct === false
    if (snapshot !== undefined && wanted) {
      this.#shown = this.#look
      yield {
        kind: 'progress',
        ref,
        state,
        ...(percent === undefined ? {} : { percent }),
        ...(message === undefined ? {} : { message }),
        snapshot,
        polls,
        elapsedMs,
      }
    }
    if (verdict.kind === 'done') yield { kind: 'done', ref, result: verdict.result, polls, elapsedMs }
  }

  #elapsedMs(): number {
    return Math.max(0, this.#runtime.scheduler.now() - this.#startedAt)
  }
}

/** Errors of the poll in the words of the operation. */
function explained(error: unknown, ref: OperationRef): unknown {
  const { cloud, operation } = ref
  if (error instanceof PollTimeoutError) {
    const { polls, elapsedMs, history } = error
    const last = (error as PollTimeoutError<Observation<unknown, unknown>>).last?.snapshot
    const state = history.at(-1)?.state ?? 'unknown'
    const message = `${operation}: not over after ${String(elapsedMs)} ms and ${String(polls)} polls; last state ${state}`
    return new PollTimeoutError(message, { cloud, operation, last, polls, elapsedMs, history, ref })
  }
  if (error instanceof PollFailedError) {
    const { value, history } = error as PollFailedError<Observation<unknown, unknown>>
    if (value.kind !== 'seen' || value.verdict.kind !== 'failed') return error
    const { state, reason } = value.verdict
    return new OperationFailedError(`${operation}: ${reason}`, {
      ref,
      state,
      snapshot: value.snapshot,
      history,
    })
  }
  return error
}
