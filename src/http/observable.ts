import { Observable, take } from 'rxjs'
import { isCloudError, NetworkError, type CloudError } from '../errors.js'
import type { HttpRequest, HttpResponse, Transport } from './types.js'

/** A transport written as an Observable: one response, then completion; or an error. */
export type ObservableTransport = (request: HttpRequest) => Observable<HttpResponse>

/** Shows a transport as a function that returns a cold Observable; unsubscribing cancels. */
export function toObservable(transport: Transport): ObservableTransport {
  return (request) =>
    new Observable((subscriber) =>
      transport(request, {
        next: (response) => {
          subscriber.next(response)
          subscriber.complete()
        },
        error: (error) => {
          subscriber.error(error)
        },
      }),
    )
}

/**
 * Makes a transport of a function that returns an Observable, so that middleware can be written with operators:
 * `next => fromObservable(request => toObservable(next)(request).pipe(delay(100)))`. Its first value is the response, and
 * ends it.
 */
export function fromObservable(send: ObservableTransport): Transport {
  return (request, handler) => {
    let settled = false
    const fail = (error: unknown): void => {
      if (settled) return
      settled = true
      handler.error(asCloudError(error, request))
    }
    const subscription = send(request)
      .pipe(take(1))
      .subscribe({
        next: (response) => {
          settled = true
          handler.next(response)
        },
        error: fail,
        complete: () => {
          fail(
            new NetworkError(`${request.operation.id}: the transport completed without a response`, {
              cloud: request.cloud,
              operation: request.operation.id,
            }),
          )
        },
      })
    return () => {
      settled = true
      subscription.unsubscribe()
    }
  }
}

function asCloudError(error: unknown, request: HttpRequest): CloudError {
  if (isCloudError(error)) return error
  const message = `${request.operation.id}: the transport failed`
  return new NetworkError(message, {
    cloud: request.cloud,
    operation: request.operation.id,
    cause: error,
    retryable: request.idempotent,
  })
}
