import { filter, map, takeLast, throwIfEmpty, type OperatorFunction } from 'rxjs'

interface Done {
  readonly kind: 'done'
  readonly result: unknown
}

/** What the `done` event among these events carries. */
export type ResultOf<E> = E extends { readonly kind: 'done'; readonly result: infer R } ? R : never

/**
 * Only the result of a stream of events: what its last `done` event carries.
 *
 * ```text
 * events  -s-p-p-d|
 * result  --------(r|)
 * ```
 *
 * - First emission and completion: the `result` of the last `done` event, when the events complete.
 * - Error: errors of the source pass; events that complete without a `done` among them are an `EmptyError` of RxJS.
 * - Teardown: unsubscribing unsubscribes from the events.
 *
 * @example
 * lastValueFrom(cloud.servers.build(spec).pipe(result())).then((server) => console.log(server.id))
 */
export function result<E extends { readonly kind: string }>(): OperatorFunction<E, ResultOf<E>> {
  return (events) =>
    events.pipe(
      filter((event): event is E & Done => event.kind === 'done'),
      takeLast(1),
      map((event) => event.result as ResultOf<E>),
      throwIfEmpty(),
    )
}
