import { isObservable, map, of, throwError, type Observable } from 'rxjs'
import { isCloudError, NetworkError, type CloudError } from '../errors.js'
import { fromObservable } from '../http/observable.js'
import type { HttpRequest, HttpResponse, Transport } from '../http/types.js'

/** An answer as a test writes it. `json` wins over `body`. */
export interface FakeResponse {
  /** Default 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly body?: string | Uint8Array
}

/** An answer at once, an answer in time (a marble), an error, or a function of the request that gives one of these. */
export type FakeAnswer =
  FakeResponse | CloudError | Observable<FakeResponse> | ((request: HttpRequest) => FakeAnswer)

/** A transport that answers from a table, and remembers what it was asked. */
export interface FakeTransport extends Transport {
  /** Every request in the order sent, those without a route included. */
  readonly requests: readonly HttpRequest[]
}

/**
 * A transport for tests: no network, no real time. Give it to a client as `transport`, with a `runtime` of `marbles`, and the
 * whole client runs in virtual time.
 *
 * Routes are `'GET /path'`, with the path as it goes over the wire, without origin; a route without a query matches any, and a
 * `*` at its end any rest. Several answers are given one after the other, the last one again and again. A request
 * without a route fails with an error that lists the routes.
 *
 * ```ts
 * const transport = fakeTransport({ 'GET /compute/v2.0/servers/42': cold('--a|', { a: { json: { server } } }) })
 * ```
 */
export function fakeTransport(
  routes: Readonly<Record<string, FakeAnswer | readonly FakeAnswer[]>>,
): FakeTransport {
  const requests: HttpRequest[] = []
  const used = new Map<string, number>()

  const send = fromObservable((request) => {
    requests.push(request)
    const route = Object.keys(routes).find((candidate) => matches(candidate, request))
    if (route === undefined) return throwError(() => unmatched(request, Object.keys(routes)))
    const turn = used.get(route) ?? 0
    used.set(route, turn + 1)
    return respond(answerOf(routes[route], turn), request)
  })
  return Object.assign(((request, handler) => send(request, handler)) satisfies Transport, { requests })
}

function answerOf(answers: FakeAnswer | readonly FakeAnswer[] | undefined, turn: number): FakeAnswer {
  const list = Array.isArray(answers) ? (answers as readonly FakeAnswer[]) : [answers as FakeAnswer]
  return list[Math.min(turn, list.length - 1)] ?? {}
}

function matches(route: string, { method, path }: HttpRequest): boolean {
  const space = route.indexOf(' ')
  const pattern = route.slice(space + 1)
  if (route.slice(0, space) !== method) return false
  if (pattern.endsWith('*')) return path.startsWith(pattern.slice(0, -1))
  return pattern === path || (!pattern.includes('?') && pattern === path.split('?', 1)[0])
}

function respond(answer: FakeAnswer, request: HttpRequest): Observable<HttpResponse> {
  if (typeof answer === 'function') return respond(answer(request), request)
  if (isCloudError(answer)) return throwError(() => answer)
  const responses = isObservable(answer) ? answer : of(answer)
  return responses.pipe(map((response) => deliver(response, request)))
}

function deliver(
  { status = 200, headers = {}, json, body = '' }: FakeResponse,
  request: HttpRequest,
): HttpResponse {
  const content = Buffer.from(json === undefined ? body : JSON.stringify(json))
  const { sink, operation } = request
  if (sink === undefined || !operation.success.includes(status)) return { status, headers, body: content }
  sink.begin(status, headers)
  if (content.length > 0) sink.write(content, () => undefined)
  return { status, headers, body: new Uint8Array() }
}

function unmatched(request: HttpRequest, routes: readonly string[]): NetworkError {
  const { cloud, operation, method, path } = request
  const known = routes.map((route) => `\n  ${route}`).join('')
  return new NetworkError(
    `${operation.id}: the fake transport has no route for ${method} ${path}; it has:${known}`,
    {
      cloud,
      operation: operation.id,
    },
  )
}
