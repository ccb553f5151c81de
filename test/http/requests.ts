import { firstValueFrom } from 'rxjs'
import type { CloudError } from '../../src/errors.js'
import { toObservable } from '../../src/http/observable.js'
import type {
  HttpRequest,
  HttpResponse,
  Operation,
  RequestParts,
  ResponseHandler,
  Transport,
} from '../../src/http/types.js'

/** An operation whose arguments are the request itself, and whose result is the answer. */
export function operationOf(
  overrides: Partial<Operation<RequestParts, HttpResponse>> = {},
): Operation<RequestParts, HttpResponse> {
  return {
    id: 'test.things.do',
    method: 'GET',
    path: '/things',
    success: [200],
    encode: (parts) => parts,
    decode: (response) => response,
    ...overrides,
  }
}

export function requestOf(overrides: Partial<HttpRequest> = {}): HttpRequest {
  const { method = 'GET' } = overrides
  return {
    cloud: 'synnefo',
    operation: operationOf({ method }),
    method,
    origin: 'http://127.0.0.1:1',
    path: '/things',
    headers: {},
    body: undefined,
    sink: undefined,
    idempotent: method !== 'POST' && method !== 'PATCH',
    options: {},
    secrets: undefined,
    ...overrides,
  }
}

export function responseOf(
  status: number,
  body: string | object = '',
  headers: HttpResponse['headers'] = {},
): HttpResponse {
  return { status, headers, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) }
}

/** The answer as a promise, for tests in real time. */
export function send(transport: Transport, request: HttpRequest): Promise<HttpResponse> {
  return firstValueFrom(toObservable(transport)(request))
}

/** The error in place of the answer. */
export async function failureOf(transport: Transport, request: HttpRequest): Promise<CloudError> {
  const outcome = await send(transport, request).catch((error: unknown) => error as CloudError)
  if (outcome instanceof Error) return outcome
  throw new Error(`expected an error, but status ${String(outcome.status)} came`)
}

export interface Recorder extends ResponseHandler {
  readonly calls: readonly (HttpResponse | CloudError)[]
}

/** A handler that writes down what it is told. */
export function recorder(): Recorder {
  const calls: (HttpResponse | CloudError)[] = []
  return {
    calls,
    next: (response) => {
      calls.push(response)
    },
    error: (error) => {
      calls.push(error)
    },
  }
}

/** Answers at once, one after the other, the last one again and again; remembers requests and how many were cancelled. */
export interface Script extends Transport {
  readonly requests: HttpRequest[]
  readonly cancelled: HttpRequest[]
}

export function script(...answers: readonly (HttpResponse | CloudError | 'never')[]): Script {
  const requests: HttpRequest[] = []
  const cancelled: HttpRequest[] = []
  const transport: Transport = (request, handler) => {
    const answer = answers[Math.min(requests.length, answers.length - 1)] ?? 'never'
    requests.push(request)
    if (answer instanceof Error) handler.error(answer)
    else if (answer !== 'never') handler.next(answer)
    return () => {
      cancelled.push(request)
    }
  }
  return Object.assign(transport, { requests, cancelled })
}
