import { NetworkError, redactText, redactUrl, type CloudError } from '../errors.js'
import { header } from './codecs.js'
import { Cancellation } from './middleware.js'
import type { HttpRequest, HttpResponse, Middleware, ResponseHandler, Transport } from './types.js'

const MAX_REDIRECTS = 5
const redirecting = new Set([301, 302, 303, 307, 308])
/** What may be told to a stranger: nothing that could hold a credential. */
const harmless = new Set(['accept', 'accept-language', 'range', 'user-agent'])

/**
 * Follows redirects of GET and HEAD. To another origin no credential goes along, nothing but a few plain headers does, and
 * never from https to http. Other methods, and operations that name the status as success, get the redirect itself.
 */
export function followRedirects(): Middleware {
  return (next) => (request, handler) =>
    request.method === 'GET' || request.method === 'HEAD'
      ? new Follower(next, request, handler).send()
      : next(request, handler)
}

class Follower implements ResponseHandler {
  readonly #next: Transport
  readonly #handler: ResponseHandler
  #request: HttpRequest
  #left = MAX_REDIRECTS
  #cancellation: Cancellation | undefined

  constructor(next: Transport, request: HttpRequest, handler: ResponseHandler) {
    this.#next = next
    this.#request = request
    this.#handler = handler
  }

  send(): () => void {
    const cancel = this.#next(this.#request, this)
    return () => {
      cancel()
      this.#cancellation?.cancel()
    }
  }

  next(response: HttpResponse): void {
    const location = redirecting.has(response.status) ? header(response, 'location') : undefined
    if (location === undefined || this.#request.operation.success.includes(response.status)) {
      this.#handler.next(response)
      return
    }
    const target = redirected(this.#request, location)
    if (typeof target === 'string') this.#handler.error(refused(this.#request, location, target))
    else if (this.#left-- === 0) this.#handler.error(refused(this.#request, location, 'too many redirects'))
    else this.#follow(target)
  }

  error(error: CloudError): void {
    this.#handler.error(error)
  }

  #follow(request: HttpRequest): void {
    this.#request = request
    this.#cancellation ??= new Cancellation()
    if (!this.#cancellation.cancelled) this.#cancellation.set(this.#next(request, this))
  }
}

/** The request to send instead, or why not. */
function redirected(request: HttpRequest, location: string): HttpRequest | string {
  if (!URL.canParse(location, request.origin + request.path)) return 'not an address'
  const { origin, pathname, search, protocol } = new URL(location, request.origin + request.path)
  if (protocol !== 'https:' && protocol !== 'http:') return `${protocol} is not http`
  const path = pathname + search
  if (origin === new URL(request.origin).origin) return { ...request, path }
  if (request.origin.startsWith('https:') && protocol === 'http:') return 'from https to http'
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => harmless.has(name)))
  return { ...request, origin, path, headers }
}

function refused(request: HttpRequest, location: string, why: string): NetworkError {
  const { cloud, operation, secrets } = request
  const target = redactText(redactUrl(location), secrets)
  return new NetworkError(`${operation.id}: redirect to ${target} not followed: ${why}`, {
    cloud,
    operation: operation.id,
  })
}
