import { Subscription, type Observable } from 'rxjs'
import { isCloudError, isHttpError, TokenError, type CloudError } from '../errors.js'
import type {
  Cancel,
  HttpRequest,
  HttpResponse,
  Middleware,
  ResponseHandler,
  Transport,
} from '../http/types.js'
import type { Token, TokenSource } from './token.js'

/** Puts a token into a request: its headers, and where a catalogue comes with the token, its address. */
export type Attach<T extends Token = Token> = (token: T, request: HttpRequest) => HttpRequest

/** `Authorization: Bearer …`; an authorization among the call's own headers wins. */
export function bearer({ value }: Token, request: HttpRequest): HttpRequest {
  // The new header first: behind the spread, it takes ten times as long.
  return { ...request, headers: { authorization: `Bearer ${value}`, ...request.headers } }
}

export interface AuthorizeOptions {
  /**
   * Whether an answer other than 401 may mean that the token is refused, of a cloud that says "forbidden" for both. Say no
   * where there is no way to a new token. Default: never.
   */
  readonly mayBeRefusal?: (error: CloudError, request: HttpRequest) => boolean
  /** Milliseconds, by any clock that goes on. Without it, a token that was proven good is never suspected again. */
  readonly now?: () => number
}

/** How long a token is above suspicion that was proven good, in milliseconds. */
const TRUST_MS = 300_000

/**
 * Gives every request the current token, and waits only while there is none.
 *
 * A 401 invalidates the very token that was sent; the request is sent once more with a new one, and a second 401 is final.
 * Any number of 401s at once cost one renewal. If there is no new token, the caller gets the error of the renewal, which
 * says why; a `TokenError` that has no cause of its own gets the 401 as its cause. Cancelling ends the wait or the
 * request, not the acquisition that others share. The token's value is added to `request.secrets`.
 *
 * What `mayBeRefusal` says is tried in the same way, but nothing is lost if it was none: the token stays while it is renewed, and if
 * the renewal fails, or the new token is refused as well, the caller gets the first answer. A token that was new then is not
 * suspected for five minutes.
 */
export function authorize<T extends Token>(
  tokens: TokenSource<T>,
  attach: Attach<T>,
  options: AuthorizeOptions = {},
): Middleware {
  const credentials = new Credentials(tokens, attach, options)
  return (next) => (request, handler) => new Authorized(credentials, next, request, handler).start()
}

/** What all requests of one middleware share. */
class Credentials<T extends Token> {
  readonly tokens: TokenSource<T>
  readonly mayBeRefusal: NonNullable<AuthorizeOptions['mayBeRefusal']>
  readonly #now: () => number
  /** The last token that was refused although it was new: it is not the token's fault. */
  #trusted: { readonly value: string; readonly since: number } | undefined
  readonly #attach: Attach<T>
  #token: T | undefined
  #secrets: readonly string[] = []

  constructor(tokens: TokenSource<T>, attach: Attach<T>, options: AuthorizeOptions) {
    const { mayBeRefusal = () => false, now = () => 0 } = options
    this.tokens = tokens
    this.mayBeRefusal = mayBeRefusal
    this.#now = now
    this.#attach = attach
  }

  trust({ value }: T): void {
    this.#trusted = { value, since: this.#now() }
  }

  isTrusted({ value }: T): boolean {
    return this.#trusted?.value === value && this.#now() - this.#trusted.since < TRUST_MS
  }

  attach(token: T, request: HttpRequest): HttpRequest {
    if (token !== this.#token) {
      this.#token = token
      this.#secrets = [token.value]
    }
    const { secrets } = request
    return this.#attach(token, {
      ...request,
      secrets: secrets === undefined ? this.#secrets : [...secrets, token.value],
    })
  }
}

class Authorized<T extends Token> implements ResponseHandler {
  readonly #credentials: Credentials<T>
  readonly #transport: Transport
  readonly #request: HttpRequest
  readonly #handler: ResponseHandler
  #token: T | undefined
  /** The 401 of the first attempt. */
  #refusal: CloudError | undefined
  /** What may have been a refusal of the first attempt. */
  #suspicion: CloudError | undefined
  #waiting: Subscription | undefined
  #cancelSent: Cancel | undefined
  #sent = 0
  #ended = false

  constructor(
    credentials: Credentials<T>,
    transport: Transport,
    request: HttpRequest,
    handler: ResponseHandler,
  ) {
    this.#credentials = credentials
    this.#transport = transport
    this.#request = request
    this.#handler = handler
  }

  start(): Cancel {
    const token = this.#credentials.tokens.current()
    if (token === undefined) this.#wait()
    else this.#send(token)
    return () => {
      this.#ended = true
      this.#waiting?.unsubscribe()
      this.#cancelSent?.()
    }
  }

  next(response: HttpResponse): void {
    if (this.#ended) return
    this.#ended = true
    this.#handler.next(response)
  }

  error(error: CloudError): void {
    if (this.#ended) return
    const token = this.#token
    if (token === undefined || this.#refusal !== undefined) this.#fail(error)
    else if (this.#suspicion !== undefined) this.#endSuspicion(this.#suspicion, error, token)
    else if (isHttpError(error, 401)) this.#replaceToken(error, token)
    else if (this.#credentials.mayBeRefusal(error, this.#request)) this.#suspect(error, token)
    else this.#fail(error)
  }

  #replaceToken(refusal: CloudError, token: T): void {
    this.#refusal = refusal
    this.#credentials.tokens.invalidate(token)
    this.#wait()
  }

  #suspect(suspicion: CloudError, token: T): void {
    const { tokens } = this.#credentials
    const current = tokens.current()
    if (current !== undefined && current.value !== token.value) {
      this.#suspicion = suspicion
      this.#send(current)
    } else if (this.#credentials.isTrusted(token)) {
      this.#fail(suspicion)
    } else {
      this.#suspicion = suspicion
      this.#wait(tokens.refresh())
    }
  }

  /** The second answer counts, unless it says the same. */
  #endSuspicion(suspicion: CloudError, error: CloudError, token: T): void {
    const refusedAgain = this.#credentials.mayBeRefusal(error, this.#request)
    if (refusedAgain) this.#credentials.trust(token)
    this.#fail(refusedAgain ? suspicion : error)
  }

  #wait(tokens: Observable<T> = this.#credentials.tokens.token()): void {
    const before = this.#sent
    const waiting = new Subscription()
    this.#cancelSent = undefined
    this.#waiting = waiting
    waiting.add(
      tokens.subscribe({
        next: (token) => {
          if (!this.#ended) this.#send(token)
        },
        error: (error: unknown) => {
          this.#fail(this.#suspicion ?? this.#unobtainable(error))
        },
        complete: () => {
          if (this.#sent === before) this.#fail(this.#suspicion ?? this.#unobtainable(undefined))
        },
      }),
    )
  }

  #send(token: T): void {
    const attempt = ++this.#sent
    this.#token = token
    let request: HttpRequest
    try {
      request = this.#credentials.attach(token, this.#request)
    } catch (error) {
      this.#fail(isCloudError(error) ? error : this.#tokenError('the token could not be attached', error))
      return
    }
    const cancel = this.#transport(request, this)
    // A transport may answer before it returns, and the second attempt then be under way already.
    if (attempt !== this.#sent) return
    if (this.#ended) cancel()
    else this.#cancelSent = cancel
  }

  #fail(error: CloudError): void {
    if (this.#ended) return
    this.#ended = true
    this.#handler.error(error)
  }

  /** Why there is no token; the 401, if that is all that is known. */
  #unobtainable(error: unknown): CloudError {
    const refusal = this.#refusal
    if (!isCloudError(error)) return refusal ?? this.#tokenError('no token came', error)
    if (refusal === undefined || error.code !== 'SKY_TOKEN' || error.cause !== undefined) return error
    return new TokenError(error.message, {
      cloud: error.cloud,
      operation: this.#request.operation.id,
      cause: refusal,
    })
  }

  #tokenError(what: string, cause: unknown): TokenError {
    const { cloud, operation } = this.#request
    return new TokenError(`${operation.id}: ${what}`, { cloud, operation: operation.id, cause })
  }
}
