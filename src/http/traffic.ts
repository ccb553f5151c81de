import { Subject, type Observable } from 'rxjs'
import type { TrafficEvent } from './types.js'

/** Where the layers tell what they do. Ask `observed` first: an event that nobody sees is not made. */
export interface Traffic {
  /** Hot: nothing is kept for those who come late. Completes when the client is closed. */
  readonly events: Observable<TrafficEvent>
  readonly observed: boolean
  emit(event: TrafficEvent): void
  close(): void
}

export function createTraffic(): Traffic {
  const subject = new Subject<TrafficEvent>()
  return {
    events: subject.asObservable(),
    get observed() {
      return subject.observed
    },
    emit: (event) => {
      subject.next(event)
    },
    close: () => {
      subject.complete()
    },
  }
}
