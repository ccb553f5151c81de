import { Observable } from 'rxjs'
import { ownedBy } from './owned-by.js'

/**
 * The items of all pages, each page requested only when it is needed.
 *
 * ```text
 * page 1     -----p|
 * request 1  ^-----!
 * page 2           -----(q|)
 * request 2        ^----!
 * result     -----(ab)--(cd|)
 * ```
 *
 * - First emission: `first` is subscribed to at once; the items of a page are emitted as soon as it is there.
 * - Completion: with the page for which `next` returns `undefined`, or with one that completes without a value.
 * - Error: errors of a page pass, and so does what `next` or `items` throws.
 * - Timing: the next page is requested when the one before has completed and its items are delivered - so
 *   `take(n)` requests exactly the pages that hold the first `n` items. Pages never overlap.
 * - Teardown: unsubscribing cancels the page under way.
 *
 * A slow `for await` body does not hold pages back; `take` and `break` do.
 *
 * @param first - emits the first page
 * @param next - the request of the page after this one, or `undefined` after the last
 * @param items - what is on a page
 * @example
 * paginate(
 *   list(),
 *   (page) => (page.next === undefined ? undefined : list(page.next)),
 *   (page) => page.items,
 * ).pipe(take(3))
 */
export function paginate<P, T>(
  first: Observable<P>,
  next: (page: P) => Observable<P> | undefined,
  items: (page: P) => Iterable<T>,
): Observable<T> {
  return new Observable<T>((subscriber) => {
    let following: Observable<P> | undefined = first
    let requesting = false

    const deliver = (page: P): void => {
      for (const item of items(page)) {
        subscriber.next(item)
        if (subscriber.closed) return
      }
      following = next(page)
    }

    const request = (pages: Observable<P>): void => {
      subscriber.add(
        ownedBy(pages, subscriber).subscribe({
          next: (page) => {
            try {
              deliver(page)
            } catch (thrown) {
              subscriber.error(thrown)
            }
          },
          error: (error: unknown) => subscriber.error(error),
          complete: () => {
            if (following === undefined) subscriber.complete()
            else requestAll()
          },
        }),
      )
    }

    // A loop, so that pages that answer synchronously do not grow the stack.
    const requestAll = (): void => {
      if (requesting) return
      requesting = true
      while (following !== undefined && !subscriber.closed) {
        const pages = following
        following = undefined
        request(pages)
      }
      requesting = false
    }

    requestAll()
  })
}
