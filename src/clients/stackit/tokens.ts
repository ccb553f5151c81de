import { concatMap, defer, from, of, throwError, type Observable, type ObservableInput } from 'rxjs'
import { expiry } from '../../auth/expiry.js'
import { jwtExpiry } from '../../auth/jwt.js'
import { serverClock } from '../../auth/server-clock.js'
import { concealGrant, type StackitToken } from '../../auth/stackit-grants.js'
import { stackitKeyFlow } from '../../auth/stackit-key-flow.js'
import { federatedTokenFile, stackitWorkloadIdentity } from '../../auth/stackit-workload-identity.js'
import { staticToken } from '../../auth/static-token.js'
import { TokenSubject, type Acquire } from '../../auth/token-subject.js'
import { sealToken, type Token } from '../../auth/token.js'
import { ConfigurationError } from '../../errors.js'
import type { Api } from '../../http/api.js'
import { createApi, type ClientCore, type ClientOptions } from '../../http/client.js'
import type { StackitCredentialOptions, StackitCredentials, TokenEndpoint } from './credential-search.js'
import { immediateCredentials, resolveCredentials, type CredentialSources } from './credentials.js'
import { stackitErrors } from './errors.js'

/** What of a client's configuration its tokens depend on. */
export interface StackitTokenOptions extends StackitCredentialOptions, Pick<ClientOptions, 'retry'> {
  /** Sends no token and looks for no credentials. Default false. */
  readonly anonymous?: boolean
  /** Gives another access token, when the one in `token` nears its end or was refused. */
  readonly renew?: () => ObservableInput<string> | string
  /** A token that was kept from an earlier run. */
  readonly initialToken?: StackitToken
}

/**
 * The tokens of a client. Credentials are looked for now if no file is needed for that, else when the first token is.
 *
 * @throws ConfigurationError for what is wrong among options and environment and can be told without reading a file
 */
export function stackitTokens(
  core: ClientCore,
  options: StackitTokenOptions,
  sources: CredentialSources,
): TokenSubject<StackitToken> {
  const { runtime, traffic } = core
  return new TokenSubject<StackitToken>({
    cloud: 'stackit',
    runtime,
    traffic,
    initial: options.initialToken,
    acquire: options.anonymous === true ? refuse : acquireWith(core, options, sources),
  })
}

function refuse(): Observable<never> {
  return throwError(
    () => new ConfigurationError('the client is anonymous: it has no token', { cloud: 'stackit' }),
  )
}

function acquireWith(
  core: ClientCore,
  options: StackitTokenOptions,
  sources: CredentialSources,
): Acquire<StackitToken> {
  const immediate = immediateCredentials(options, sources)
  if (immediate !== undefined) return flowOf(core, options, immediate, sources)
  let flow: Acquire<StackitToken> | undefined
  return (previous) =>
    defer(() => (flow === undefined ? from(resolveCredentials(options, sources)) : of(undefined))).pipe(
      concatMap((found) => {
        if (found !== undefined) flow = flowOf(core, options, found, sources)
        return (flow ?? refuse)(previous)
      }),
    )
}

function flowOf(
  core: ClientCore,
  options: StackitTokenOptions,
  credentials: StackitCredentials,
  { readFile }: CredentialSources,
): Acquire<StackitToken> {
  const { retry } = options
  switch (credentials.kind) {
    case 'token':
      return tokenFlow(core, options, credentials.token)
    case 'workload': {
      const { clientId, federatedToken: given, tokenEndpoint } = credentials
      const federatedToken = typeof given === 'string' ? federatedTokenFile(given, readFile) : given
      const api = tokenApi(core, tokenEndpoint)
      return stackitWorkloadIdentity({ api, path: tokenEndpoint.path, clientId, federatedToken, retry })
    }
    case 'key': {
      const { identity, privateKey, tokenEndpoint } = credentials
      const clock = serverClock(core.runtime)
      const api = tokenApi({ ...core, transport: clock.watch(core.transport) }, tokenEndpoint)
      return stackitKeyFlow({ api, path: tokenEndpoint.path, identity, privateKey, clock, retry })
    }
  }
}

function tokenApi(core: ClientCore, { origin }: TokenEndpoint): Api {
  return createApi(core, {
    cloud: 'stackit',
    errors: stackitErrors,
    endpoint: origin,
    authorize: concealGrant,
  })
}

/** A token says itself when it ends; that is of use only where there is a way to renew it. */
function tokenFlow(
  { runtime }: ClientCore,
  { renew }: StackitTokenOptions,
  value: string,
): Acquire<StackitToken> {
  if (renew === undefined) return staticToken({ value, cloud: 'stackit', runtime })
  return staticToken({
    value,
    renew,
    cloud: 'stackit',
    runtime,
    validate: (text): Observable<Token> => {
      const receivedAt = runtime.scheduler.now()
      return of(
        sealToken({
          value: text,
          obtainedAt: receivedAt,
          ...expiry({ absolute: jwtExpiry(text), receivedAt }),
        }),
      )
    },
  })
}
