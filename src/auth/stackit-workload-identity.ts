import { catchError, concatMap, defer, from, map, of, take, throwError, throwIfEmpty } from 'rxjs'
import type { Observable, ObservableInput } from 'rxjs'
import { ConfigurationError, isCloudError, TokenError } from '../errors.js'
import { call } from '../http/api.js'
import { fileTrouble } from './file-trouble.js'
import { jwtClaims } from './jwt.js'
import {
  attempt,
  grantByFederatedToken,
  retried,
  type GrantRetry,
  type StackitToken,
} from './stackit-grants.js'
import type { Acquire } from './token-subject.js'

/** Gives the token of another identity provider; asked anew for each exchange. */
export type FederatedTokenSource = () => ObservableInput<string> | string

export interface StackitWorkloadIdentityOptions extends GrantRetry {
  /** Path of the token endpoint, with its query if it has one. `api` reaches it, without authorization. */
  readonly path: string
  /** Mail address of the service account. */
  readonly clientId: string
  readonly federatedToken: FederatedTokenSource
}

/**
 * Acquires tokens for a workload that another identity provider vouches for (stackit dossier 4.4). The federated token is
 * fetched anew each time; servers in trouble and networks are tried up to three times.
 */
export function stackitWorkloadIdentity(options: StackitWorkloadIdentityOptions): Acquire<StackitToken> {
  const { api, path, clientId } = options
  return () =>
    federatedTokenOf(options).pipe(
      concatMap((federatedToken) =>
        call(api, grantByFederatedToken, { path, clientId, federatedToken }, attempt).pipe(
          retried(options, grantByFederatedToken.id),
        ),
      ),
    )
}

function federatedTokenOf({ federatedToken }: StackitWorkloadIdentityOptions): Observable<string> {
  const failure = (message: string, cause?: unknown): TokenError =>
    new TokenError(message, { cloud: 'stackit', cause })
  return defer(() => {
    const given = federatedToken()
    return typeof given === 'string' ? of(given) : from(given)
  }).pipe(
    take(1),
    throwIfEmpty(() => failure('the source of the federated token gave none')),
    map((text: unknown) => {
      const token = typeof text === 'string' ? text.trim() : ''
      if (token === '') throw failure('the source of the federated token gave an empty one')
      return token
    }),
    catchError((error: unknown) =>
      throwError(() =>
        isCloudError(error) ? error : failure('the federated token could not be fetched', error),
      ),
    ),
  )
}

/** Reads a federated token from a file, which whoever runs the workload keeps fresh. It has to be a JWT. */
export function federatedTokenFile(
  path: string,
  readFile: (path: string) => Promise<string>,
): FederatedTokenSource {
  return async () => {
    let text: string
    try {
      text = await readFile(path)
    } catch (error) {
      throw unusable(`federated token file ${path} ${fileTrouble(error)}`)
    }
    if (!isJwt(text)) throw unusable(`federated token file ${path} holds no JWT`)
    return text
  }
}

export function isJwt(text: string): boolean {
  return Object.keys(jwtClaims(text.trim())).length > 0
}

function unusable(message: string): ConfigurationError {
  return new ConfigurationError(message, { cloud: 'stackit' })
}
