import type { IncomingHttpHeaders } from 'node:http'
import { request, type Dispatcher } from 'undici'
import type { SynnefoCloud } from '../../../src/testing/cloud/index.js'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The text as JSON; fails if it is none. */
  json(): Json
}

/** Enough of JSON to look into answers without casts. */
export type Json = { readonly [key: string]: Json } & { readonly [index: number]: Json } & Iterable<Json>

export interface CallOptions {
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly json?: unknown
  readonly body?: Dispatcher.DispatchOptions['body']
}

/** One request from outside, over the loopback interface. */
export async function call(method: string, url: string, options: CallOptions = {}): Promise<Answer> {
  const response = await request(url, {
    method,
    headers: {
      ...(options.token === undefined ? {} : { 'x-auth-token': options.token }),
      ...(options.json === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    body: options.json === undefined ? (options.body ?? null) : JSON.stringify(options.json),
  })
  const text = await response.body.text()
  return {
    status: response.statusCode,
    headers: response.headers,
    text,
    json: () => JSON.parse(text) as Json,
  }
}

/** The compute API as one user calls it. */
export function computeCalls(synnefo: SynnefoCloud, token = synnefo.token) {
  const base = `${synnefo.url}/compute/v2.0`
  return {
    get: (path: string) => call('GET', `${base}${path}`, { token }),
    post: (path: string, json: unknown) => call('POST', `${base}${path}`, { token, json }),
    put: (path: string, json?: unknown) =>
      call('PUT', `${base}${path}`, json === undefined ? { token } : { token, json }),
    remove: (path: string) => call('DELETE', `${base}${path}`, { token }),
    act: (id: number, action: unknown) =>
      call('POST', `${base}/servers/${String(id)}/action`, { token, json: action }),
  }
}

/** The text of a value that must be text or a number. */
export function text(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  throw new TypeError('This is neither text nor a number')
}

export function imageNamed(synnefo: SynnefoCloud, start: string): string {
  const image = synnefo.images.find(({ name }) => name.startsWith(start))
  if (image === undefined) throw new Error(`No image is called ${start}`)
  return image.id
}
