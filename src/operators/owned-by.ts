import { Observable, type Subscription } from 'rxjs'

/**
 * The source, with every subscription to it ending when `owner` ends: also while the source is still emitting
 * synchronously, when `subscribe` has not returned and there is nothing yet to unsubscribe.
 */
export function ownedBy<T>(source: Observable<T>, owner: Subscription): Observable<T> {
  return new Observable<T>((subscriber) => {
    owner.add(subscriber)
    return source.subscribe(subscriber)
  })
}
