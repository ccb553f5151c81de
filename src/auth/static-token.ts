import { catchError, concatMap, defer, from, map, of, take, throwError, throwIfEmpty } from 'rxjs'
import type { Observable, ObservableInput } from 'rxjs'
import { ConfigurationError, isHttpError, TokenError, type CloudName, type HttpError } from '../errors.js'
import { defaultRuntime, type Runtime } from '../runtime.js'
import type { Acquire } from './token-subject.js'
import { sealToken, type Token } from './token.js'

export interface StaticTokenOptions {
  /** The token the user has. White space around it is dropped. */
  readonly value: string
  /** Fetches another one: from a vault, a file, a browser. Used before the end of the token and after a 401. */
  readonly renew?: (() => ObservableInput<string> | string) | undefined
  /** Named in the errors. */
  readonly cloud?: CloudName
  readonly runtime?: Runtime
}

/** Asks the cloud about a value: its end, and whatever else belongs to the token. */
export type Validate<T extends Token> = (value: string) => Observable<T>

/**
 * Acquires a token that the user already has. Without `renew`, a token that is refused or over is a `TokenError`; so is a
 * renewal that gives the very token that was refused. Neither is tried again before somebody asks.
 *
 * @throws ConfigurationError if the value cannot be a token
 */
export function staticToken<T extends Token>(
  options: StaticTokenOptions & { readonly validate: Validate<T> },
): Acquire<T>
export function staticToken(options: StaticTokenOptions): Acquire
export function staticToken(options: StaticTokenOptions & { readonly validate?: Validate<Token> }): Acquire {
  const { cloud, runtime = defaultRuntime } = options
  const asGiven: Validate<Token> = (value) => of(sealToken({ value, obtainedAt: runtime.scheduler.now() }))
  const validate = options.validate ?? asGiven
  const given = tokenValue(options.value)
  if (given === undefined) {
    throw new ConfigurationError('token: expected visible ASCII characters without spaces between them', {
      cloud,
    })
  }
  const validateRenewed: Validate<Token> = (value) =>
    validate(value).pipe(
      catchError((error: unknown) =>
        throwError(() =>
          isHttpError(error, 401)
            ? new TokenError('the renewed token is refused, too', { cloud, cause: error })
            : error,
        ),
      ),
    )
  const renewal = (old: string, refusal?: HttpError): Observable<Token> =>
    renewedValue(options, old, refusal).pipe(concatMap(validateRenewed))

  return (previous) =>
    previous !== undefined
      ? renewal(previous.value)
      : validate(given).pipe(
          catchError((error: unknown) =>
            isHttpError(error, 401) ? renewal(given, error) : throwError(() => error),
          ),
        )
}

/** Another value than the old one, from the user's `renew`; else a `TokenError` with the refusal, if there was one. */
function renewedValue(
  { renew, cloud }: StaticTokenOptions,
  old: string,
  cause: HttpError | undefined,
): Observable<string> {
  const failure = (message: string): TokenError => new TokenError(message, { cloud, cause })
  if (renew === undefined) {
    return throwError(() =>
      failure('the token is refused or over, and the client was given no way to renew it'),
    )
  }
  return defer(() => {
    const renewed = renew()
    return typeof renewed === 'string' ? of(renewed) : from(renewed)
  }).pipe(
    take(1),
    throwIfEmpty(() => failure('the renewal gave no token')),
    map((text) => {
      const value = tokenValue(text)
      if (value === undefined) throw failure('the renewal gave something that cannot be a token')
      if (value === old) throw failure('the renewal gave the same token again, which is refused or over')
      return value
    }),
  )
}

/** The text as it can stand in a header, if it can. */
function tokenValue(text: unknown): string | undefined {
  const value = typeof text === 'string' ? text.trim() : ''
  return /^[\x21-\x7e]+$/.test(value) ? value : undefined
}
