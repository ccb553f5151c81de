import { Observable, type MonoTypeOperatorFunction, type SchedulerLike, type Subscription } from 'rxjs'

interface Kind {
  readonly kind: string
}

/**
 * Lets `progress` and `hashing` events pass at most once in an interval, the newest each time; all others at once, and after the
 * newest progress before them.
 *
 * ```text
 * source  pppp--p---d|
 * result  p---p---p-d|
 * ```
 *
 * The interval is four frames here. Completion and errors are not delayed; what waits is emitted before them.
 */
export function conflateProgress<E extends Kind>(
  intervalMs: number,
  scheduler: SchedulerLike,
): MonoTypeOperatorFunction<E> {
  return (source) =>
    new Observable<E>((subscriber) => {
      let waiting: E | undefined
      let timer: Subscription | undefined
      let lastKind = ''
      let quietUntil = -Infinity

      const emit = (event: E): void => {
        quietUntil = scheduler.now() + intervalMs
        lastKind = event.kind
        subscriber.next(event)
      }
      const flush = (): void => {
        const event = waiting
        waiting = undefined
        timer?.unsubscribe()
        timer = undefined
        if (event !== undefined) emit(event)
      }
      const receive = (event: E): void => {
        const conflated = event.kind === 'progress' || event.kind === 'hashing'
        if (waiting !== undefined && waiting.kind !== event.kind) flush()
        if (!conflated) subscriber.next(event)
        else if (event.kind !== lastKind || scheduler.now() >= quietUntil) {
          waiting = event
          flush()
        } else {
          waiting = event
          timer ??= scheduler.schedule(flush, quietUntil - scheduler.now())
        }
      }

      subscriber.add(() => timer?.unsubscribe())
      return source.subscribe({
        next: receive,
        error: (error: unknown) => {
          flush()
          subscriber.error(error)
        },
        complete: () => {
          flush()
          subscriber.complete()
        },
      })
    })
}
