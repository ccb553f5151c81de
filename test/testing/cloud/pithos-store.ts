import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request as send, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClock } from '../../../src/testing/cloud/clock.js'
import { createFaults } from '../../../src/testing/cloud/faults.js'
import { createRequestLog } from '../../../src/testing/cloud/requests.js'
import { startSite } from '../../../src/testing/cloud/server.js'
import type { User } from '../../../src/testing/cloud/service.js'
import { createPithos, type Pithos, type PithosOptions } from '../../../src/testing/cloud/synnefo/pithos.js'

export const alice: User = { id: '11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa', name: 'alice' }
export const bob: User = { id: '22222222-bbbb-4bbb-8bbb-bbbbbbbbbbbb', name: 'bob' }
export const carol: User = { id: '33333333-cccc-4ccc-8ccc-cccccccccccc', name: 'carol' }

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into many shapes of JSON
  json(): any
}

export interface Ask {
  /** Whose token is sent; `null`: none. Default: alice. */
  readonly as?: User | null
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Uint8Array
  /** Sends the body in these pieces, without a length. */
  readonly chunks?: readonly (string | Uint8Array)[]
}

export interface Store {
  readonly origin: string
  readonly pithos: Pithos
  readonly log: ReturnType<typeof createRequestLog>
  /** Folder for blocks; `undefined` while nobody asked for it. */
  folder(): string | undefined
  /** The cloud's wall clock, in milliseconds; moves only by hand. */
  time: number
  /** `path` is below the version, or the whole path when it starts with a slash. */
  ask(method: string, path: string, options?: Ask): Promise<Answer>
  close(): Promise<void>
}

export const PREFIX = '/pithos/object-store'

/** An object store on a loopback port, with three users whose tokens are their names. */
export async function startStore(options: Partial<PithosOptions> = {}): Promise<Store> {
  const users = [alice, bob, carol]
  const agent = new Agent({ keepAlive: true })
  const log = createRequestLog(1000)
  let folder: Promise<string> | undefined
  let folderPath: string | undefined
  const pithos = createPithos({
    prefix: PREFIX,
    blockSize: 1024,
    clock: createClock({ manual: true }),
    wallNow: () => store.time,
    folder: () =>
      (folder ??= mkdtemp(join(tmpdir(), 'pithos-test-')).then((path) => {
        folderPath = path
        return path
      })),
    users: {
      byToken: (token) => {
        const user = users.find(({ name }) => name === token)
        return user
          ? { user }
          : { refused: token === 'old' ? 'Authentication expired' : 'Invalid X-Auth-Token' }
      },
      byId: (id) => users.find((user) => user.id === id),
    },
    ...options,
  })
  const site = await startSite({
    cloud: 'synnefo',
    services: [pithos, pithos.publicObjects],
    faults: createFaults(),
    log,
    wallNow: () => store.time,
    port: 0,
    jsonType: 'application/json; charset=UTF-8',
    headers: () => ({}),
    unknown: (exchange) => {
      exchange.send(599)
    },
    crashed: (exchange, error) => {
      exchange.send(598, {}, error instanceof Error ? (error.stack ?? '') : String(error))
    },
    revokeTokenOf: () => undefined,
  })
  const store: Store = {
    origin: site.origin,
    pithos,
    log,
    folder: () => folderPath,
    time: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    ask: (method, path, ask = {}) => exchange(agent, site.origin, method, path, ask),
    async close() {
      agent.destroy()
      await site.close()
      if (folder) await rm(await folder, { recursive: true })
    },
  }
  return store
}

function exchange(agent: Agent, origin: string, method: string, path: string, ask: Ask): Promise<Answer> {
  const { as = alice, headers = {}, body, chunks } = ask
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const request = send({
      agent,
      hostname,
      port,
      method,
      path: path.startsWith('/') ? path : `${PREFIX}/v1/${path}`,
      headers: {
        ...(as && { 'X-Auth-Token': as.name }),
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
      response.on('error', reject)
      response.on('end', () => {
        const whole = Buffer.concat(pieces)
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: whole,
          text: whole.toString(),
          json: () => JSON.parse(whole.toString()) as unknown,
        })
      })
    })
    for (const chunk of chunks ?? []) request.write(chunk)
    request.end(body)
  })
}

/** Bytes that repeat only after 251, and are never zero. */
export function pattern(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (index % 251) + 1))
}

/** The error body that the server sends for a status. */
export function fault(answer: Answer): { name: string; code: number; message: string; details: string } {
  const [entry] = Object.entries(
    answer.json() as Record<string, { code: number; message: string; details: string }>,
  )
  const [name, fields] = entry!
  return { name, ...fields }
}

export async function putObject(
  store: Store,
  path: string,
  body: string | Uint8Array,
  options: Omit<Ask, 'body'> = {},
): Promise<Answer> {
  return store.ask('PUT', path, {
    ...options,
    body,
    headers: { 'Content-Type': 'application/octet-stream', ...options.headers },
  })
}
