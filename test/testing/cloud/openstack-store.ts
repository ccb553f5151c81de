import { createHash } from 'node:crypto'
import { Agent, request as send, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import type { Json } from './calls.js'
import { startCloud, type CloudOptions } from '../../../src/testing/cloud/index.js'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
  json(): Json
}

export interface Ask {
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Uint8Array
  /** Sends the body in these pieces, without a length. */
  readonly chunks?: readonly (string | Uint8Array)[]
}

/** Ends with the connection, not with the length that was promised. */
export class Cut extends Error {}

export interface Caller {
  /** `path` as it goes over the wire, dot segments and all. */
  ask(method: string, path: string, ask?: Ask): Promise<Answer>
  close(): void
}

export function createCaller(origin: string): Caller {
  const agent = new Agent({ keepAlive: true })
  const { hostname, port } = new URL(origin)
  return {
    ask: (method, path, { headers = {}, body, chunks } = {}) =>
      new Promise((resolve, reject) => {
        const request = send({
          agent: method === 'HEAD' ? false : agent,
          hostname,
          port,
          method,
          path,
          headers: {
            ...(body !== undefined && { 'Content-Length': Buffer.byteLength(body) }),
            ...(chunks && { 'Transfer-Encoding': 'chunked' }),
            ...headers,
          },
        })
        // Node would give every PUT and POST without a body a length of its own.
        if (body === undefined && !chunks) request.useChunkedEncodingByDefault = false
        request.on('error', reject)
        request.on('response', (response) => {
          const pieces: Buffer[] = []
          response.on('data', (piece: Buffer) => pieces.push(piece))
          response.on('error', (error) => {
            reject(new Cut(error.message))
          })
          const finish = (): void => {
            const whole = Buffer.concat(pieces)
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: whole,
              text: whole.toString(),
              json: () => JSON.parse(whole.toString()) as Json,
            })
          }
          // A real Swift ends some answers to HEAD as if they had a body: nobody waits for that.
          if (method === 'HEAD') finish()
          response.on('end', finish)
        })
        for (const chunk of chunks ?? []) request.write(chunk)
        request.end(body)
      }),
    close() {
      agent.destroy()
    },
  }
}

export interface SwiftAccount {
  readonly user: string
  readonly key: string
  readonly token: string
  /** `/v1/AUTH_test` */
  readonly root: string
  readonly account: string
}

export interface Store {
  readonly origin: string
  readonly caller: Caller
  readonly first: SwiftAccount
  readonly second: SwiftAccount
  /** As the first account; `path` is below it. */
  ask(method: string, path: string, ask?: Ask): Promise<Answer>
  /** As the second account, or as nobody, in the first one. */
  askAs(who: 'second' | 'nobody', method: string, path: string, ask?: Ask): Promise<Answer>
  /** Makes a container with a name of its own and returns its path: `/c-…`. */
  container(headers?: OutgoingHttpHeaders): Promise<string>
  close(): Promise<void>
}

/**
 * A Swift with two accounts: an embedded one, or the one whose `/auth/v1.0` is in `SKYSTREAM_TEST_SWIFT` (with the
 * users `test:tester` and `test2:tester2`, as the embedded one has).
 */
export async function connectStore(options: CloudOptions['openstack'] = {}): Promise<Store> {
  const real = process.env['SKYSTREAM_TEST_SWIFT']
  const cloud =
    real === undefined ? await startCloud({ clouds: ['openstack'], openstack: options }) : undefined
  const authUrl = new URL(real ?? cloud?.openstack.tempAuth.authUrl ?? '')
  const caller = createCaller(authUrl.origin)
  const signIn = async (user: string, key: string): Promise<SwiftAccount> => {
    const headers = { 'X-Auth-User': user, 'X-Auth-Key': key }
    const answer = await caller.ask('GET', authUrl.pathname, { headers })
    const root = new URL(String(answer.headers['x-storage-url'])).pathname
    return {
      user,
      key,
      token: String(answer.headers['x-auth-token']),
      root,
      account: root.slice('/v1/'.length),
    }
  }
  const first = await signIn('test:tester', 'testing')
  const second = await signIn('test2:tester2', 'testing2')
  let made = 0
  const start = `c-${Date.now().toString(36)}-${process.pid.toString(36)}`
  const askWith = (token: string | undefined, method: string, path: string, ask: Ask): Promise<Answer> =>
    caller.ask(method, `${first.root}${path}`, {
      ...ask,
      headers: { ...(token !== undefined && { 'X-Auth-Token': token }), ...ask.headers },
    })
  const store: Store = {
    origin: authUrl.origin,
    caller,
    first,
    second,
    ask: (method, path, ask = {}) => askWith(first.token, method, path, ask),
    askAs: (who, method, path, ask = {}) =>
      askWith(who === 'second' ? second.token : undefined, method, path, ask),
    async container(headers = {}) {
      made += 1
      const path = `/${start}-${String(made)}`
      const { status } = await store.ask('PUT', path, { headers })
      if (status !== 201) throw new Error(`The container was not made: ${String(status)}`)
      return path
    },
    async close() {
      caller.close()
      await cloud?.close()
    },
  }
  return store
}

export async function put(store: Store, path: string, body: string | Uint8Array = ''): Promise<Answer> {
  const answer = await store.ask('PUT', path, { body })
  if (answer.status !== 201) throw new Error(`PUT ${path}: ${String(answer.status)} ${answer.text}`)
  return answer
}

export function md5(data: string | Uint8Array): string {
  return createHash('md5').update(data).digest('hex')
}

/** The names in a listing as text. */
export async function names(store: Store, path: string): Promise<string[]> {
  const { text } = await store.ask('GET', path)
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}
