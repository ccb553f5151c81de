import type { CloudName } from '../errors.js'
import { resolveRetryPolicy, RetryBudget, type RetryPolicyOptions } from '../operators/index.js'
import { defaultRuntime, type Runtime } from '../runtime.js'
import { endpointOf, type Api } from './api.js'
import { compose, hooks, observe, requireSecure, type Hooks } from './middleware.js'
import { followRedirects } from './redirects.js'
import { retry } from './retry.js'
import { readErrors, type ErrorDialect } from './status.js'
import { createTraffic, type Traffic } from './traffic.js'
import type { Middleware, Transport } from './types.js'
import { undiciTransport, type ConnectionOptions } from './undici-transport.js'

/** How failed requests are sent again; `budget` is shared by all requests of a client. */
export interface ClientRetryOptions extends RetryPolicyOptions {
  readonly budget?: RetryBudget
}

/** What every client's factory takes beside its own configuration. */
export interface ClientOptions {
  /** How connections are made; ignored with a `transport` of your own. */
  readonly connection?: ConnectionOptions
  /** Sends the requests instead of undici: a fake in tests, or connections that several clients share. */
  readonly transport?: Transport
  /** Retries of single requests; `false` for none, but for calls that ask for them. */
  readonly retry?: ClientRetryOptions | false
  readonly hooks?: Hooks
  /** Middleware of your own, around retries and authorization; the first one outermost. */
  readonly middleware?: readonly Middleware[]
  readonly runtime?: Runtime
  /** Makes an answer that differs from its description an error, and not only an event. Default false. */
  readonly strict?: boolean
  /** Allows plain http to other machines. Default false. */
  readonly allowInsecure?: boolean
}

/** What the APIs of one client share: time, connections, traffic, the budget of retries. */
export interface ClientCore {
  readonly runtime: Runtime
  readonly traffic: Traffic
  readonly strict: boolean
  /** Around authorization. */
  readonly outer: readonly Middleware[]
  /** Between errors by status and the wire. */
  readonly inner: readonly Middleware[]
  readonly transport: Transport
  close(): void
}

export function createCore(options: ClientOptions): ClientCore {
  const { runtime = defaultRuntime, strict = false } = options
  const traffic = createTraffic()
  const connection =
    options.transport === undefined
      ? undiciTransport(options.connection)
      : { transport: options.transport, close: nothingToClose }
  return {
    runtime,
    traffic,
    strict,
    outer: [
      ...(options.hooks === undefined ? [] : [hooks(options.hooks)]),
      ...(options.middleware ?? []),
      retryOf(options.retry, runtime, traffic),
    ],
    inner: [
      followRedirects(),
      ...(options.allowInsecure === true ? [] : [requireSecure()]),
      observe(traffic, runtime),
    ],
    transport: connection.transport,
    close: () => {
      traffic.close()
      connection.close()
    },
  }
}

function retryOf(given: ClientOptions['retry'], runtime: Runtime, traffic: Traffic): Middleware {
  const options: ClientRetryOptions = given === false || given === undefined ? {} : given
  const policy = resolveRetryPolicy({ random: runtime.random, ...options })
  const { budget = new RetryBudget() } = options
  return retry({ policy, byDefault: given !== false, budget, runtime, traffic })
}

function nothingToClose(): void {
  return
}

/** What one API of a client adds to the core. */
export interface ApiInit {
  readonly cloud: CloudName
  readonly errors: ErrorDialect
  /** Address in front of every path; absent where a token's catalogue says it. */
  readonly endpoint?: string
  readonly authorize?: Middleware
}

/**
 * Puts the chain of one API together. From outside in: hooks, the user's middleware, retry, authorize, errors by status,
 * redirects, the rule of plain http, traffic, transport. So every retry asks for a token that is good then, and the
 * replay after a 401 costs no retry.
 */
export function createApi(core: ClientCore, { cloud, errors, endpoint, authorize }: ApiInit): Api {
  const { runtime, traffic, strict, outer, inner, transport } = core
  const authorized = authorize === undefined ? [] : [authorize]
  return {
    cloud,
    transport: compose(
      transport,
      ...outer,
      ...authorized,
      readErrors(errors, () => runtime.scheduler.now()),
      ...inner,
    ),
    endpoint: endpoint === undefined ? undefined : endpointOf(endpoint, 'endpoint'),
    runtime,
    traffic,
    strict,
  }
}
