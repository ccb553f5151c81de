import { catchError, of, share, tap, throwError, type Observable } from 'rxjs'
import { ResponseFormatError } from '../../errors.js'
import { call, type Api } from '../../http/api.js'
import { fromObservable, toObservable } from '../../http/observable.js'
import type { CallOptions, HttpResponse, Transport } from '../../http/types.js'
import { cimiOperations } from './cimi-operations.js'
import type { CloudEntryPoint } from './cimi-schemas.js'
import type { Dialect } from './dialect.js'

export type EntryPoint = (options?: CallOptions) => Observable<CloudEntryPoint>

/** Asks what there is, once for all who want to know; everybody may read it. */
export function createEntryPoint(open: Api, dialect: Dialect): EntryPoint {
  const { transport, forget } = remembered(open.transport)
  const remembering: Api = { ...open, transport }
  const { entryPoint } = cimiOperations(dialect)
  return (options) =>
    call(remembering, entryPoint, undefined, options).pipe(
      catchError((error: unknown) => {
        // An answer that came, and cannot be read, is not worth keeping.
        if (error instanceof ResponseFormatError) forget()
        return throwError(() => error)
      }),
    )
}

/** One request for all who ask at a time, and none once it was answered. */
function remembered(transport: Transport): { readonly transport: Transport; readonly forget: () => void } {
  let answer: HttpResponse | undefined
  let asking: Observable<HttpResponse> | undefined
  return {
    transport: fromObservable((request) => {
      if (answer !== undefined) return of(answer)
      asking ??= toObservable(transport)({ ...request, options: {} }).pipe(
        tap((response) => {
          answer = response
        }),
        share(),
      )
      return asking
    }),
    forget: () => {
      answer = undefined
    },
  }
}
