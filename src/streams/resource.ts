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

/** Something that is open until it is closed. Closing it again does nothing. */
type Closable = Pick<OpenSource, 'close'>

/**
 * Opens a resource, uses it, and closes it whatever happens.
 *
 * Emits what `use` emits. Completion and errors follow only when the resource is closed; unsubscribing closes it in the
 * background, also one that was still being opened. If using and closing both fail, the error is that of using.
 */
export function withResource<R extends Closable, T>(
  open: () => ObservableInput<R>,
  use: (resource: R) => Observable<T>,
): Observable<T> {
  return defer(() => {
    let resource: R | undefined
    let left = false
    // Goes on being opened when the caller leaves, so that it can be closed then.
    const opening = defer(open).pipe(
      tap((opened) => {
        resource = opened
        if (left) closeQuietly(opened)
      }),
      share({ connector: () => new ReplaySubject(1), resetOnRefCountZero: false }),
    )
    const close = (): Observable<never> => defer(() => resource?.close() ?? of()).pipe(ignoreElements())
    return concat(opening.pipe(concatMap(use)), close()).pipe(
      catchError((error: unknown) =>
        concat(
          close().pipe(catchError(() => of())),
          throwError(() => error),
        ),
      ),
      finalize(() => {
        left = true
        if (resource !== undefined) closeQuietly(resource)
      }),
    )
  })
}

/** For when nobody is left who could be told. */
function closeQuietly(resource: Closable): void {
  resource.close().catch(() => undefined)
}
