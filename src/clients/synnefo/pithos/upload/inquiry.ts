import { Observable, type Subscriber } from 'rxjs'

/** Asks the server which blocks it lacks. */
export interface Inquiry {
  /** Emits once, whether the server lacks the block. */
  isMissing(hash: string): Observable<boolean>
}

/**
 * One question at a time; what is to be asked meanwhile is asked together in the next one. So a slow line has large questions,
 * and a fast one short waits.
 *
 * @param ask - emits once, which of the hashes are missing
 */
export function createInquiry(ask: (hashes: readonly string[]) => Observable<readonly string[]>): Inquiry {
  let waiting = new Map<string, Subscriber<boolean>>()
  let asking = false

  const askNext = (): void => {
    if (asking || waiting.size === 0) return
    const asked = waiting
    waiting = new Map()
    asking = true
    let ended = false
    const end = (tell: (subscriber: Subscriber<boolean>, hash: string) => void): void => {
      if (ended) return
      ended = true
      asking = false
      for (const [hash, subscriber] of asked) tell(subscriber, hash)
      askNext()
    }
    const question = ask([...asked.keys()]).subscribe({
      next: (missing) => {
        const lacking = new Set(missing)
        end((subscriber, hash) => {
          subscriber.next(lacking.has(hash))
          subscriber.complete()
        })
      },
      error: (error: unknown) => {
        end((subscriber) => {
          subscriber.error(error)
        })
      },
    })
    // When nobody wants the answer any more, neither do we.
    let left = 0
    for (const subscriber of asked.values()) {
      subscriber.add(() => {
        if ((left += 1) < asked.size) return
        question.unsubscribe()
        end(() => undefined)
      })
    }
  }

  return {
    isMissing: (hash) =>
      new Observable((subscriber) => {
        waiting.set(hash, subscriber)
        subscriber.add(() => {
          if (waiting.get(hash) === subscriber) waiting.delete(hash)
        })
        askNext()
      }),
  }
}
