import { Observable, type MonoTypeOperatorFunction } from 'rxjs'

/**
 * Ends a stream with an error when a signal is aborted.
 *
 * ```text
 * source   -a-b-c-d|
 * request  ^---!
 * abort    ----x
 * result   -a-b#
 * ```
 *
 * - First emission, completion and errors: those of the source, until the signal is aborted.
 * - Error: `signal.reason`, at once when the signal is aborted; a signal that is aborted already errors without
 *   the source being subscribed to.
 * - Teardown: the source is unsubscribed from, and the signal's listener removed, however the stream ends.
 *
 * @example
 * const controller = new AbortController()
 * cloud.servers.build(spec).pipe(abortable(controller.signal)).subscribe(observer)
 * controller.abort()
 */
export function abortable<T>(signal: AbortSignal): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable<T>((subscriber) => {
      const abort = (): void => {
        subscriber.error(signal.reason)
      }
      if (signal.aborted) {
        abort()
        return
      }
      signal.addEventListener('abort', abort, { once: true })
      subscriber.add(() => {
        signal.removeEventListener('abort', abort)
      })
      source.subscribe(subscriber)
    })
}
