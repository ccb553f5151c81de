import { defer, from, map, of, type Observable } from 'rxjs'
import { synnefoErrors } from '../../../src/clients/synnefo/errors.js'
import { createPithos, type Pithos } from '../../../src/clients/synnefo/pithos.js'
import { createApi, createCore } from '../../../src/http/client.js'
import { fromObservable } from '../../../src/http/observable.js'
import type { HttpRequest, HttpResponse } from '../../../src/http/types.js'
import { constant } from '../../../src/operators/index.js'
import { createHasher } from '../../../src/streams/hasher.js'
import { hashBlock, merkleRoot } from '../../../src/streams/hashing.js'

export const hasher = createHasher(2)

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly body?: Uint8Array
}

/** What happens in place of the usual: `undefined` for the usual. `turn` counts the requests of the method from 1. */
export type Interference = (request: HttpRequest, turn: number) => Answer | Observable<Answer> | undefined

export interface Stored {
  readonly bytes: number
  readonly hashes: readonly string[]
  readonly version: number
}

export interface PithosFake {
  readonly pithos: Pithos
  readonly requests: readonly HttpRequest[]
  /** `METHOD path?query` of each request, of one method or of all. */
  lines(method?: string): readonly string[]
  /** Bodies of the blocks in the order in which they were sent. */
  readonly posted: readonly Buffer[]
  readonly blocks: Map<string, Buffer>
  readonly objects: Map<string, Stored>
  blockSize: number
  blockHash: string
  containerHeaders: Record<string, string>
  interfere: Interference
  /** Puts an object there without a request. */
  put(path: string, content: Uint8Array): Promise<Stored>
}

/** A store of one container that can be made to misbehave; small enough to be seen through. */
export function createPithosFake(blockSize = 4): PithosFake {
  const requests: HttpRequest[] = []
  const posted: Buffer[] = []
  let version = 0

  const respond = async (request: HttpRequest): Promise<Answer> => {
    const [path = '', query = ''] = request.path.split('?')
    const name = path.split('/').slice(3).join('/')
    if (request.method === 'POST') return postBlock(Buffer.from(request.body as Uint8Array))
    if (name === '') return { status: 204, headers: containerHeaders() }
    if (request.method === 'PUT') return putObject(name, JSON.parse(String(request.body)) as Stored)
    const stored = fake.objects.get(name)
    if (stored === undefined) return { status: 404, json: { itemNotFound: { message: 'no such object' } } }
    const tag = tagOf(stored)
    const wanted = request.headers['if-match']
    if (wanted !== undefined && wanted !== `"${tag}"`) return { status: 412, json: {} }
    const headers = objectHeaders(stored)
    if (request.method === 'HEAD') return { status: 200, headers }
    if (query.includes('hashmap')) {
      const { bytes, hashes } = stored
      const json = { block_size: fake.blockSize, block_hash: fake.blockHash, bytes, hashes }
      return {
        status: 200,
        headers,
        json: bytes === 0 ? { ...json, hashes: [await hashBlock(hasher, 'sha256', Buffer.of())] } : json,
      }
    }
    return range(stored, request.headers['range'] ?? '', headers)
  }

  const containerHeaders = (): Record<string, string> => ({
    'x-container-block-size': String(fake.blockSize),
    'x-container-block-hash': fake.blockHash,
    ...fake.containerHeaders,
  })
  const tagOf = ({ hashes }: Stored): string => merkleRoot(fake.blockHash, hashes)
  const objectHeaders = (stored: Stored): Record<string, string> => ({
    'content-length': String(stored.bytes),
    'content-type': 'text/plain',
    etag: tagOf(stored),
    'x-object-hash': tagOf(stored),
    'x-object-version': String(stored.version),
  })
  const postBlock = async (body: Buffer): Promise<Answer> => {
    posted.push(body)
    const hash = await hashBlock(hasher, fake.blockHash, body)
    fake.blocks.set(hash, body)
    return { status: 202, json: [hash] }
  }
  const putObject = (name: string, { bytes, hashes }: Stored): Answer => {
    const missing = [...new Set(hashes)].filter((hash) => !fake.blocks.has(hash))
    if (missing.length > 0) return { status: 409, json: missing }
    if (hashes.length !== Math.ceil(bytes / fake.blockSize)) {
      return { status: 400, json: { badRequest: { message: 'size does not match' } } }
    }
    const stored = { bytes, hashes, version: (version += 1) }
    fake.objects.set(name, stored)
    return { status: 201, headers: { etag: tagOf(stored), 'x-object-version': String(stored.version) } }
  }
  const contentOf = (stored: Stored): Buffer => {
    const whole = Buffer.alloc(stored.hashes.length * fake.blockSize)
    stored.hashes.forEach((hash, index) => fake.blocks.get(hash)?.copy(whole, index * fake.blockSize))
    return whole.subarray(0, stored.bytes)
  }
  const range = (stored: Stored, header: string, headers: Record<string, string>): Answer => {
    const [first = 0, last = 0] = header.replace('bytes=', '').split('-').map(Number)
    if (last >= stored.bytes) return { status: 416, json: {} }
    const contentRange = `bytes ${String(first)}-${String(last)}/${String(stored.bytes)}`
    return {
      status: 206,
      headers: { ...headers, 'content-range': contentRange },
      body: contentOf(stored).subarray(first, last + 1),
    }
  }

  const transport = fromObservable((request) =>
    defer(() => {
      requests.push(request)
      const turn = requests.filter(({ method }) => method === request.method).length
      const other = fake.interfere(request, turn)
      if (other === undefined) return from(respond(request))
      return 'status' in other ? of(other) : other
    }).pipe(map((answer) => deliver(request, answer))),
  )
  const core = createCore({ transport, retry: { backoff: constant(1), maxRetries: 2 } })
  const fake: PithosFake = {
    pithos: createPithos(
      createApi(core, { cloud: 'synnefo', errors: synnefoErrors, endpoint: 'http://127.0.0.1' }),
      hasher,
    ),
    requests,
    lines: (method) =>
      requests.filter((request) => method === undefined || request.method === method).map(lineOf),
    posted,
    blocks: new Map(),
    objects: new Map(),
    blockSize,
    blockHash: 'sha256',
    containerHeaders: {},
    interfere: () => undefined,
    put: async (path, content) => {
      const hashes: string[] = []
      for (let offset = 0; offset < content.length; offset += fake.blockSize) {
        const block = Buffer.from(content.subarray(offset, offset + fake.blockSize))
        const hash = await hashBlock(hasher, fake.blockHash, block)
        hashes.push(hash)
        fake.blocks.set(hash, block)
      }
      const stored = { bytes: content.length, hashes, version: (version += 1) }
      fake.objects.set(path, stored)
      return stored
    },
  }
  return fake
}

function lineOf({ method, path }: HttpRequest): string {
  return `${method} ${path}`
}

function deliver(
  { sink, operation }: HttpRequest,
  { status, headers = {}, json, body }: Answer,
): HttpResponse {
  const content = body ?? Buffer.from(json === undefined ? '' : JSON.stringify(json))
  if (sink === undefined || !operation.success.includes(status)) return { status, headers, body: content }
  sink.begin(status, headers)
  // In two pieces, as a network would.
  const half = Math.floor(content.length / 2)
  for (const piece of [content.subarray(0, half), content.subarray(half)]) sink.write(piece, () => undefined)
  return { status, headers, body: Buffer.of() }
}
