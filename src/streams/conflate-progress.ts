import { Observable, type MonoTypeOperatorFunction, type SchedulerLike, type Subscription } from 'rxjs'

interface Kind {
  readonly kind: string
}
const conflated = new Set(['progress', 'hashing'])

/**
 * Lets `progress` and `hashing` events pass, each kind at most once in an interval, the newest each time; all others at once, and
 * after the newest progress before them.
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
      const waiting = new Map<string, E>()
      const quietUntil = new Map<string, number>()
      let timer: Subscription | undefined

      const emit = (event: E): void => {
        quietUntil.set(event.kind, scheduler.now() + intervalMs)
        subscriber.next(event)
      }
      const quietFor = ({ kind }: E): number => (quietUntil.get(kind) ?? -Infinity) - scheduler.now()
      const tell = (events: readonly E[]): void => {
        for (const event of events) {
          waiting.delete(event.kind)
          emit(event)
        }
      }
      const flush = (): void => {
        timer?.unsubscribe()
        timer = undefined
        tell([...waiting.values()])
      }
      const tellDue = (): void => {
        timer = undefined
        tell([...waiting.values()].filter((event) => quietFor(event) <= 0))
        const [next] = waiting.values()
        if (next !== undefined) timer = scheduler.schedule(tellDue, quietFor(next))
      }
      const receive = (event: E): void => {
        if (!conflated.has(event.kind)) {
          flush()
          subscriber.next(event)
          return
        }
        const quiet = quietFor(event)
        if (quiet <= 0 && !waiting.has(event.kind)) emit(event)
        else {
          waiting.set(event.kind, event)
          timer ??= scheduler.schedule(tellDue, quiet)
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
