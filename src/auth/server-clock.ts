import { header } from '../http/codecs.js'
import type { HttpResponse, Transport } from '../http/types.js'
import type { Runtime } from '../runtime.js'
import { clockOffset } from './expiry.js'

/** How the clock of a server differs from ours, learnt from the `Date` of its answers, errors included. */
export interface ServerClock {
  /** Milliseconds by which it is ahead of ours; 0 before the first answer. */
  offset(): number
  /** Looks at what comes through. */
  watch(transport: Transport): Transport
}

export function serverClock({ scheduler }: Runtime): ServerClock {
  let offset = 0
  const learn = (response: HttpResponse): void => {
    const date = header(response, 'date')
    if (date !== undefined) offset = clockOffset(date, scheduler.now())
  }
  return {
    offset: () => offset,
    watch: (transport) => (request, handler) =>
      transport(request, {
        next: (response) => {
          learn(response)
          handler.next(response)
        },
        error: (error) => {
          handler.error(error)
        },
      }),
  }
}
