import { concat, defer, finalize, Observable, type Subscriber } from 'rxjs'

/** Lets so many pass at a time; the others wait, and follow in the order in which they came. */
export interface Gate {
  /** Subscribes to the source when it is its turn; the next one follows when it has ended or is left. */
  pass<T>(source: Observable<T>): Observable<T>
}

export function createGate(width: number): Gate {
  const waiting = new Set<Subscriber<never>>()
  let free = width

  const leave = (): void => {
    free += 1
    const [next] = waiting
    next?.complete()
  }
  const enter = new Observable<never>((subscriber) => {
    waiting.add(subscriber)
    subscriber.add(() => waiting.delete(subscriber))
    if (free > 0) subscriber.complete()
  })

  return {
    pass: (source) =>
      concat(
        enter,
        defer(() => {
          free -= 1
          return source.pipe(finalize(leave))
        }),
      ),
  }
}
