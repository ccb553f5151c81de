import {
  catchError,
  concat,
  concatMap,
  defer,
  finalize,
  ignoreElements,
  Observable,
  of,
  ReplaySubject,
  share,
  tap,
  throwError,
  type ObservableInput,
} from 'rxjs'
import type { OpenSource } from './sources.js'

/** Something that is open until it is closed. */
type Closable = Pick<OpenSource, 'close'>

/**
 * Opens a resource, uses it, and closes it once, whatever happens.
 *
 * Emits what `use` emits. Completion and errors follow only when the resource is closed; unsubscribing closes it in the
 * background, also one that was still being opened. If using and closing both fail, the error is that of using.
 */
export function withResource<R extends Closable, T>(
  open: () => ObservableInput<R>,
  use: (resource: R) => Observable<T>,
): Observable<T> {
  return defer(() => {
    let toClose: R | undefined
    let left = false
    const take = (): R | undefined => {
      const resource = toClose
      toClose = undefined
      return resource
    }
    // Goes on being opened when the caller leaves, so that it can be closed then.
    const opening = defer(open).pipe(
      tap((opened) => {
        if (left) closeQuietly(opened)
        else toClose = opened
      }),
      share({ connector: () => new ReplaySubject(1), resetOnRefCountZero: false }),
    )
    const close = defer(() => take()?.close() ?? of()).pipe(ignoreElements())
    const fail = (error: unknown): Observable<never> => {
      const closed = close.pipe(catchError(() => of()))
      return concat(
        closed,
        throwError(() => error),
      )
    }
    return concat(opening.pipe(concatMap(use)), close).pipe(
      catchError(fail),
      finalize(() => {
        left = true
        const resource = take()
        if (resource !== undefined) closeQuietly(resource)
      }),
    )
  })
}

/** For when nobody is left who could be told. */
function closeQuietly(resource: Closable): void {
  resource.close().catch(() => undefined)
}
