import { concat, concatMap, defer, EMPTY, map, of, tap, type Observable } from 'rxjs'
import { compareUtf8 } from './utf8-order.js'

/**
 * A sequence that is made only as far as it is asked for. Each call emits one batch, which may be empty, and completes; at the
 * end it completes without a batch. It is not called again before.
 */
export type Feed<T> = () => Observable<readonly T[]>

/** A feed that something has to be known for, or opened, before it begins. */
export function feedAfter<T>(open: () => Observable<Feed<T>>): Feed<T> {
  let opened: Feed<T> | undefined
  return () => {
    if (opened !== undefined) return opened()
    return open().pipe(
      tap((feed) => {
        opened = feed
      }),
      concatMap((feed) => feed()),
    )
  }
}

/** What becomes `undefined` is left out. */
export function mapFeed<T, U>(feed: Feed<T>, change: (item: T) => U | undefined): Feed<U> {
  return () => feed().pipe(map((items) => items.map(change).filter((item) => item !== undefined)))
}

interface Named {
  readonly path: string
}
/** What two feeds have under one path; one of the two is there. */
export interface Pair<L, R> {
  readonly left: L | undefined
  readonly right: R | undefined
}

/** Two feeds side by side. Both are in the order of `compareUtf8`; no more than a batch of each is held. */
export function mergeFeeds<L extends Named, R extends Named>(
  left: Feed<L>,
  right: Feed<R>,
): Feed<Pair<L, R>> {
  const lefts = cursorOf(left)
  const rights = cursorOf(right)
  const drained = defer(() => {
    const pairs = [...drain(lefts, rights)]
    return pairs.length === 0 ? EMPTY : of(pairs)
  })
  return () => concat(lefts.fill, rights.fill, drained)
}

function* drain<L extends Named, R extends Named>(
  lefts: Cursor<L>,
  rights: Cursor<R>,
): Generator<Pair<L, R>, void> {
  for (;;) {
    const left = lefts.head()
    const right = rights.head()
    if (left === undefined && right === undefined) return
    // What the other one has next is not known yet.
    if ((left === undefined && !lefts.ended()) || (right === undefined && !rights.ended())) return
    const order =
      left === undefined
        ? 1
        : right === undefined
          ? -1
          : left.path === right.path
            ? 0
            : compareUtf8(left.path, right.path)
    if (order <= 0) lefts.advance()
    if (order >= 0) rights.advance()
    yield { left: order <= 0 ? left : undefined, right: order >= 0 ? right : undefined }
  }
}

interface Cursor<T> {
  /** Fetches the next batch if there is nothing left of the one before. */
  readonly fill: Observable<never>
  head(): T | undefined
  advance(): void
  ended(): boolean
}

function cursorOf<T>(feed: Feed<T>): Cursor<T> {
  let batch: readonly T[] = []
  let index = 0
  let ended = false
  const take = (items: readonly T[]): Observable<never> => {
    batch = items
    index = 0
    ended = false
    return EMPTY
  }
  const fetch: Observable<never> = defer(() => {
    ended = true
    const again = defer(() => (ended || batch.length > 0 ? EMPTY : fetch))
    return concat(feed().pipe(concatMap(take)), again)
  })
  return {
    fill: defer(() => (ended || index < batch.length ? EMPTY : fetch)),
    head: () => batch[index],
    advance: () => {
      index += 1
    },
    ended: () => ended,
  }
}
