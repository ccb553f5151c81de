import { inspect } from 'node:util'
import {
  AsyncSubject,
  BehaviorSubject,
  defer,
  of,
  Subscription,
  take,
  throwError,
  throwIfEmpty,
  type Observable,
} from 'rxjs'
import {
  isCloudError,
  redactText,
  retryAfterMs,
  TokenError,
  type CloudError,
  type CloudName,
} from '../errors.js'
import type { Traffic } from '../http/traffic.js'
import { exponential, type Backoff } from '../operators/backoff.js'
import { clampDelay, defaultRuntime, type Runtime } from '../runtime.js'
import { marginsOf } from './expiry.js'
import { sealToken, type Token, type TokenSource, type TokenState } from './token.js'

/** Obtains a token; its first value counts. `previous` is the last one there was, for its refresh token; it may be refused or over. */
export type Acquire<T extends Token = Token> = (previous?: T) => Observable<T>

export interface TokenSubjectOptions<T extends Token = Token> {
  readonly acquire: Acquire<T>
  readonly runtime?: Runtime
  /** Named in the errors. */
  readonly cloud?: CloudName
  /** Pause before a failed renewal ahead of time is tried again. Default: from 1 s, doubling, up to 60 s, the upper half random. */
  readonly backoff?: Backoff
  /** A token from an earlier run. If it is over, only its refresh token is of use. */
  readonly initial?: T | undefined
  /** Told of each change of state; unlike a subscription, this does not keep the token fresh. */
  readonly traffic?: Traffic
}

/** One acquisition and those who wait for it. */
interface Flight<T> {
  readonly result: AsyncSubject<T>
  readonly acquisition: Subscription
  /** Whether somebody asked for its token. */
  awaited: boolean
}

/**
 * A token that renews itself, as a `BehaviorSubject` of its state that never dies: a failure is a state.
 *
 * ```text
 * callers      a-b-----c
 * acquisition  ----t
 * tokens       ----(ab)c
 * states       (ir)v
 * ```
 *
 * - Emission: the present state, then every change; a new state comes before the callers that wait for it get their token.
 * - Completion: with `close`. Error: never.
 * - Acquisition: one at a time, whoever asks. Callers who leave do not cancel it; `close` does.
 * - Timing: a token in use, or observed, is renewed ahead of its end on `runtime.background`, which lets the process exit; see
 *   `marginsOf`. While a renewal fails, the old token serves until shortly before its end, and only then do callers get errors.
 * - Teardown: `close` ends the acquisition and the timer; whoever asks from then on gets a `TokenError`.
 */
export class TokenSubject<T extends Token = Token>
  extends BehaviorSubject<TokenState<T>>
  implements TokenSource<T>
{
  readonly #acquire: Acquire<T>
  readonly #runtime: Runtime
  readonly #cloud: CloudName | undefined
  readonly #backoff: Backoff
  readonly #traffic: Traffic | undefined

  #current: T | undefined
  /** The last token there was; it outlives its refusal, because its refresh token may still be good. */
  #previous: T | undefined
  #unusableAt = 0
  #renewAt = Number.POSITIVE_INFINITY
  #used = false
  #timer: Subscription | undefined
  #flight: Flight<T> | undefined
  #failures = 0
  #failingSince = 0
  #disposed = false

  readonly #steps: (() => void)[] = []
  #stepping = false

  constructor(options: TokenSubjectOptions<T>) {
    super({ kind: 'idle' })
    this.#acquire = options.acquire
    this.#runtime = options.runtime ?? defaultRuntime
    this.#cloud = options.cloud
    this.#backoff = options.backoff ?? exponential({ base: 1_000, max: 60_000, jitter: 'equal' })
    this.#traffic = options.traffic
    if (options.initial !== undefined) this.#restore(options.initial)
  }

  current(): T | undefined {
    const token = this.#current
    if (token === undefined) return undefined
    const now = this.#runtime.scheduler.now()
    if (now >= this.#unusableAt) return undefined
    this.#used = true
    // Timers stand still while a machine sleeps: what is due is found here at the latest.
    if (now >= this.#renewAt) this.#start()
    return token
  }

  token(): Observable<T> {
    return defer(() => {
      const token = this.current()
      return token === undefined ? this.#join() : of(token)
    })
  }

  refresh(): Observable<T> {
    return defer(() => this.#join())
  }

  invalidate(rejected: T): void {
    if (this.#current === undefined || this.#current.value !== rejected.value) return
    this.#drop()
    this.#emit({ kind: this.#flight === undefined ? 'idle' : 'refreshing' })
  }

  close(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#drop()
    const flight = this.#takeFlight()
    flight?.acquisition.unsubscribe()
    super.complete()
    flight?.result.error(this.#closedError())
  }

  /** Puts a state in from outside: a token obtained elsewhere overtakes an acquisition under way; `refreshing` starts one. */
  override next(state: TokenState<T>): void {
    if (this.#disposed) return
    switch (state.kind) {
      case 'valid': {
        const flight = this.#takeFlight()
        flight?.acquisition.unsubscribe()
        this.#hold(state.token, flight)
        return
      }
      case 'failed':
        this.error(state.error)
        return
      case 'refreshing':
        if (this.#flight === undefined) this.#start()
        return
      case 'idle':
        if (this.#current !== undefined) this.invalidate(this.#current)
    }
  }

  /** Becomes a `failed` state: the subject lives on. */
  override error(error: unknown): void {
    if (!this.#disposed) this.#emitFailure(this.#asCloudError(error))
  }

  /** The same as `close`. */
  override complete(): void {
    this.close()
  }

  /** The same as `close`. */
  override unsubscribe(): void {
    this.close()
  }

  toJSON(): TokenState<T> {
    return this.value
  }

  [inspect.custom](): string {
    return `TokenSubject ${inspect(this.value)}`
  }

  // --- acquisitions -----------------------------------------------------------------------------------------

  #join(): Observable<T> {
    if (this.#disposed) return throwError(() => this.#closedError())
    const flight = this.#flight ?? this.#start(true)
    flight.awaited = true
    return flight.result
  }

  #start(awaited = false): Flight<T> {
    const flight: Flight<T> = {
      result: new AsyncSubject<T>(),
      acquisition: new Subscription(),
      awaited,
    }
    this.#flight = flight
    this.#rest()
    this.#emit({ kind: 'refreshing', ...this.#usable() })
    this.#inTurn(() => {
      if (this.#flight === flight) this.#launch(flight)
    })
    return flight
  }

  #launch(flight: Flight<T>): void {
    flight.acquisition.add(
      defer(() => this.#acquire(this.#previous))
        .pipe(
          take(1),
          throwIfEmpty(() => this.#tokenError('the acquisition completed without a token')),
        )
        .subscribe({
          next: (token) => {
            this.#succeed(flight, token)
          },
          error: (error: unknown) => {
            this.#fail(flight, error)
          },
        }),
    )
  }

  #succeed(flight: Flight<T>, token: T): void {
    if (this.#flight !== flight) return
    if (!isToken(token)) {
      this.#fail(flight, this.#tokenError('the acquisition gave no token'))
      return
    }
    this.#flight = undefined
    this.#hold(token, flight)
  }

  #fail(flight: Flight<T>, reason: unknown): void {
    if (this.#flight !== flight) return
    this.#flight = undefined
    const error = this.#asCloudError(reason)
    this.#retryLater(error)
    this.#emitFailure(error)
    this.#inTurn(() => {
      flight.result.error(error)
    })
  }

  /** While the old token is good, nobody is bothered: its renewal is tried again after a pause. */
  #retryLater(error: CloudError): void {
    const now = this.#runtime.scheduler.now()
    if (this.#failures++ === 0) this.#failingSince = now
    if (this.#current === undefined) return
    const pause = this.#backoff({
      attempt: this.#failures,
      elapsedMs: now - this.#failingSince,
      input: error,
      random: this.#runtime.random,
    })
    const renewAt = now + Math.max(clampDelay(pause), retryAfterMs(error) ?? 0)
    if (renewAt < this.#unusableAt) this.#renewFrom(renewAt)
  }

  #takeFlight(): Flight<T> | undefined {
    const flight = this.#flight
    this.#flight = undefined
    return flight
  }

  // --- the token at hand ------------------------------------------------------------------------------------

  #restore(initial: T): void {
    const token = this.#adopt(initial)
    if (this.#usable().token === undefined) this.#drop()
    else super.next({ kind: 'valid', token })
  }

  #hold(token: T, flight: Flight<T> | undefined): void {
    const held = this.#adopt(token)
    this.#used = flight?.awaited ?? false
    this.#emit({ kind: 'valid', token: held })
    if (flight === undefined) return
    this.#inTurn(() => {
      flight.result.next(held)
      flight.result.complete()
    })
  }

  #adopt(token: T): T {
    const { scheduler, random } = this.#runtime
    const sealed = Object.prototype.propertyIsEnumerable.call(token, 'value') ? sealToken(token) : token
    const { renewAt, unusableAt } = marginsOf(sealed, scheduler.now(), random)
    this.#current = sealed
    this.#previous = sealed
    this.#failures = 0
    this.#unusableAt = unusableAt
    this.#renewFrom(renewAt)
    return sealed
  }

  #drop(): void {
    this.#current = undefined
    this.#unusableAt = 0
    this.#rest()
  }

  #usable(): { readonly token?: T } {
    const token = this.#current
    return token !== undefined && this.#runtime.scheduler.now() < this.#unusableAt ? { token } : {}
  }

  // --- renewal ahead of time --------------------------------------------------------------------------------

  #rest(): void {
    this.#renewAt = Number.POSITIVE_INFINITY
    this.#timer?.unsubscribe()
  }

  #renewFrom(instant: number): void {
    this.#rest()
    this.#renewAt = instant
    if (instant !== Number.POSITIVE_INFINITY) this.#wait()
  }

  #wait(): void {
    const { scheduler, background } = this.#runtime
    const delay = clampDelay(this.#renewAt - scheduler.now())
    this.#timer = background.schedule(() => {
      // A wait longer than a timer holds comes in pieces, and a clock may be set back.
      if (scheduler.now() < this.#renewAt) this.#wait()
      else if (this.#used || this.observed) this.#start()
    }, delay)
  }

  // --- telling ----------------------------------------------------------------------------------------------

  #emitFailure(error: CloudError): void {
    this.#emit({ kind: 'failed', error, ...this.#usable() })
  }

  #emit(state: TokenState<T>): void {
    this.#inTurn(() => {
      if (this.#disposed) return
      super.next(state)
      if (this.#traffic?.observed === true) this.#traffic.emit(eventOf(state))
    })
  }

  /** Observers may call back into the subject: what follows from that waits, so that all see all states in one order. */
  #inTurn(step: () => void): void {
    this.#steps.push(step)
    if (this.#stepping) return
    this.#stepping = true
    try {
      for (let next = this.#steps.shift(); next !== undefined; next = this.#steps.shift()) next()
    } finally {
      this.#stepping = false
    }
  }

  // --- errors -----------------------------------------------------------------------------------------------

  #asCloudError(error: unknown): CloudError {
    if (isCloudError(error)) return error
    const cause = error instanceof Error ? withoutSecrets(error, this.#previous) : undefined
    return this.#tokenError('the acquisition failed', cause)
  }

  #tokenError(what: string, cause?: Error): TokenError {
    const whose = this.#cloud === undefined ? '' : ` for ${this.#cloud}`
    return new TokenError(`no token${whose}: ${what}`, { cloud: this.#cloud, cause })
  }

  #closedError(): TokenError {
    return this.#tokenError('the client is closed')
  }
}

function isToken(token: unknown): token is Token {
  return (
    typeof token === 'object' &&
    token !== null &&
    'value' in token &&
    typeof token.value === 'string' &&
    token.value !== ''
  )
}

/** The error itself, unless its words hold a secret. */
function withoutSecrets(error: Error, token: Token | undefined): Error {
  const secrets = [token?.value, token?.refreshToken].filter((secret) => secret !== undefined)
  const message = redactText(error.message, secrets)
  if (message === error.message) return error
  const clean = new Error(message)
  clean.name = error.name
  return clean
}

function eventOf(state: TokenState): {
  readonly kind: 'token'
  readonly state: string
  readonly expiresAt?: number
} {
  const expiresAt = 'token' in state ? state.token.expiresAt : undefined
  return { kind: 'token', state: state.kind, ...(expiresAt === undefined ? {} : { expiresAt }) }
}
