import { createHash } from 'node:crypto'
import { defer, from, type Observable } from 'rxjs'
import { openstackErrors } from '../../../src/clients/synnefo/swift/errors.js'
import { createFeatures } from '../../../src/clients/synnefo/swift/features.js'
import { createSwiftLimits } from '../../../src/clients/synnefo/swift/limits.js'
import type { SwiftTransfers } from '../../../src/clients/synnefo/swift/upload/upload.js'
import { NetworkError } from '../../../src/errors.js'
import { createApi, createCore } from '../../../src/http/client.js'
import { fromObservable } from '../../../src/http/observable.js'
import type { BodySink, HttpHeaders, HttpRequest, HttpResponse } from '../../../src/http/types.js'
import { constant } from '../../../src/operators/index.js'
import { createHasher } from '../../../src/streams/hasher.js'

export const hasher = createHasher(2)
export const md5 = (content: string | Uint8Array): string => createHash('md5').update(content).digest('hex')

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly body?: Uint8Array
  /** The connection is cut after so many bytes of the body. */
  readonly cutAfter?: number
}

/** A segment of a static large object as its manifest names it. */
interface Segment {
  readonly path?: string
  readonly etag?: string
  readonly size_bytes?: number
  readonly range?: string
  readonly data?: string
}
interface Stored {
  readonly content: Buffer
  readonly headers: Readonly<Record<string, string>>
  readonly segments?: readonly Segment[]
}

/** What happens in place of the usual: `undefined` for the usual. `turn` counts the requests of the method from 1. */
export type Interference = (
  request: HttpRequest,
  turn: number,
  usual: () => Promise<Answer>,
) => Answer | Promise<Answer> | Observable<HttpResponse> | undefined

export interface SwiftFake {
  readonly transfers: SwiftTransfers
  readonly requests: readonly HttpRequest[]
  /** `METHOD path?query` of each request, of one method or of all. */
  lines(method?: string): readonly string[]
  /** By `container/object`. */
  readonly objects: Map<string, Stored>
  readonly containers: Map<string, Record<string, string>>
  info: Record<string, unknown>
  interfere: Interference
  put(path: string, content: string | Uint8Array, headers?: Record<string, string>): void
  /** Makes a static large object of segments that are put below `parts/`. */
  putSegments(path: string, segments: readonly (string | Uint8Array)[]): void
  /** What the object reads as. */
  read(path: string): string
}

/** A store that can be made to misbehave; small enough to be seen through. */
export function createSwiftFake(): SwiftFake {
  const requests: HttpRequest[] = []

  const respond = async (request: HttpRequest): Promise<Answer> => {
    const { method, headers } = request
    const [path = '', query = ''] = request.path.split('?')
    const body = await bodyOf(request)
    if (path === '/{store}/info') return { status: 200, json: fake.info }
    const [container = '', ...rest] = path.split('/').slice(2).map(decodeURIComponent)
    const object = rest.join('/')
    if (container === '') return bulkDelete(String(body))
    if (object === '') return containerAnswer(method, container, new URLSearchParams(query), headers)
    if (!fake.containers.has(container)) return { status: 404 }
    const key = `${container}/${object}`
    const stored = fake.objects.get(key)
    if (method === 'PUT') return put(key, query, headers, body, stored)
    if (stored === undefined) return { status: 404 }
    if (method === 'DELETE') {
      fake.objects.delete(key)
      return { status: 204 }
    }
    return query.includes('multipart-manifest=get') ? manifest(stored, headers) : get(stored, method, headers)
  }

  const containerAnswer = (
    method: string,
    container: string,
    query: URLSearchParams,
    headers: HttpRequest['headers'],
  ): Answer => {
    const there = fake.containers.get(container)
    if (method === 'PUT') {
      fake.containers.set(container, { ...headers })
      return { status: 201 }
    }
    if (there === undefined) return { status: 404 }
    if (method === 'HEAD') return { status: 204, headers: there }
    const prefix = query.get('prefix') ?? ''
    const delimiter = query.get('delimiter')
    const names = [...fake.objects.keys()]
      .filter((key) => key.startsWith(`${container}/${prefix}`))
      .map((key) => key.slice(container.length + 1))
      .sort()
    const json = names
      .filter((name) => delimiter === null || !name.slice(prefix.length).includes(delimiter))
      .map((name) => {
        const stored = fake.objects.get(`${container}/${name}`)
        const bytes = stored?.headers['x-object-manifest'] === undefined ? stored?.content.length : 0
        return { name, bytes, hash: md5(stored?.content ?? ''), content_type: 'text/plain' }
      })
    return { status: 200, json }
  }

  const bulkDelete = (names: string): Answer => {
    for (const name of names.split('\n')) fake.objects.delete(decodeURIComponent(name))
    return { status: 200, json: { Errors: [] } }
  }

  const put = (
    key: string,
    query: string,
    headers: HttpRequest['headers'],
    body: Buffer,
    stored: Stored | undefined,
  ): Answer => {
    if (headers['if-none-match'] === '*' && stored !== undefined) return { status: 412 }
    const length = headers['content-length']
    if (length !== undefined && Number(length) !== body.length) return { status: 400 }
    if (query.includes('multipart-manifest=put')) {
      const segments = JSON.parse(String(body)) as Segment[]
      const errors = segments.flatMap(({ path = '', etag, size_bytes: size }) => {
        const { content } = fake.objects.get(path.slice(1)) ?? {}
        if (content === undefined) return [[path, '404 Not Found']]
        return content.length === size && md5(content) === etag ? [] : [[path, 'Etag Mismatch']]
      })
      if (errors.length > 0) return { status: 400, json: { Errors: errors } }
      fake.objects.set(key, { content: body, headers, segments })
      return { status: 201, headers: { etag: etagOf(fake.objects.get(key)), 'last-modified': 'now' } }
    }
    if (headers['etag'] !== undefined && headers['etag'] !== md5(body)) return { status: 422 }
    fake.objects.set(key, { content: body, headers })
    return { status: 201, headers: { etag: md5(body), 'last-modified': 'now' } }
  }

  const partsOf = ({ content, headers, segments }: Stored): readonly Buffer[] => {
    const dynamic = headers['x-object-manifest']
    if (dynamic !== undefined) {
      const keys = [...fake.objects.keys()].filter((key) => key.startsWith(dynamic)).sort()
      return keys.map((key) => fake.objects.get(key)?.content ?? Buffer.of())
    }
    if (segments === undefined) return [content]
    return segments.map(({ path = '', range, data }) => {
      if (data !== undefined) return Buffer.from(data, 'base64')
      const stored = fake.objects.get(path.slice(1))
      const whole = stored === undefined ? Buffer.of() : Buffer.concat(partsOf(stored))
      const [first = 0, last = whole.length] = (range ?? '').split('-').filter(Boolean).map(Number)
      return whole.subarray(first, range === undefined ? undefined : last + 1)
    })
  }
  const etagOf = (stored: Stored | undefined): string => {
    if (stored === undefined) return ''
    const isLarge = stored.segments !== undefined || stored.headers['x-object-manifest'] !== undefined
    return isLarge ? `"${md5(partsOf(stored).map(md5).join(''))}"` : md5(stored.content)
  }
  const bare = (tag: string | undefined): string | undefined => tag?.replaceAll('"', '')

  const manifest = (stored: Stored, headers: HttpRequest['headers']): Answer => {
    const wanted = headers['if-match']
    if (wanted !== undefined && bare(wanted) !== md5(stored.content)) return { status: 412 }
    const json = stored.segments?.map(({ path, range, data }) => {
      if (data !== undefined) return { data }
      const segment = fake.objects.get(path?.slice(1) ?? '')
      const isLarge = segment?.segments !== undefined
      return {
        name: path,
        bytes: segment === undefined ? 0 : Buffer.concat(partsOf(segment)).length,
        hash: bare(etagOf(segment)),
        ...(range === undefined ? {} : { range }),
        ...(isLarge ? { sub_slo: true } : {}),
      }
    })
    return { status: 200, json }
  }

  const get = (stored: Stored, method: string, headers: HttpRequest['headers']): Answer => {
    const etag = etagOf(stored)
    const { 'if-match': match, 'if-none-match': noneMatch, range } = headers
    if (match !== undefined && bare(match) !== bare(etag)) return { status: 412 }
    if (noneMatch !== undefined && bare(noneMatch) === bare(etag)) return { status: 304 }
    const body = Buffer.concat(partsOf(stored))
    const kept = Object.entries(stored.headers).filter(([name]) => /^(x-object-|content-[ted])/.test(name))
    const described = {
      ...Object.fromEntries(kept),
      etag,
      'content-length': String(body.length),
      ...(stored.segments === undefined
        ? {}
        : { 'x-static-large-object': 'True', 'x-manifest-etag': md5(stored.content) }),
    }
    if (method === 'HEAD') return { status: 200, headers: described }
    if (range === undefined) return { status: 200, headers: described, body }
    const [first = 0, last = 0] = range.replace('bytes=', '').split('-').map(Number)
    const contentRange = `bytes ${first}-${Math.min(last, body.length - 1)}/${body.length}`
    return {
      status: 206,
      headers: { ...described, 'content-range': contentRange },
      body: body.subarray(first, last + 1),
    }
  }

  const transport = fromObservable((request) =>
    defer(() => {
      requests.push(request)
      const turn = requests.filter(({ method }) => method === request.method).length
      const usual = (): Promise<Answer> => respond(request)
      const other = fake.interfere(request, turn, usual) ?? usual()
      if ('subscribe' in other) return other
      return from(deliver(request, other))
    }),
  )
  const core = createCore({ transport, retry: { backoff: constant(1), maxRetries: 2 } })
  const api = createApi(core, { cloud: 'openstack', errors: openstackErrors, endpoint: 'http://127.0.0.1' })
  const fake: SwiftFake = {
    transfers: { api, hasher, limits: createSwiftLimits(createFeatures(api)) },
    requests,
    lines: (method) =>
      requests
        .filter((request) => method === undefined || request.method === method)
        .map((request) => `${request.method} ${request.path.replace('/{account}', '')}`),
    objects: new Map(),
    containers: new Map([['c', { 'x-storage-policy': 'gold' }]]),
    info: { slo: { max_manifest_segments: 1000 }, bulk_delete: {} },
    interfere: () => undefined,
    put: (path, content, headers = {}) => {
      const [container = ''] = path.split('/')
      if (!fake.containers.has(container)) fake.containers.set(container, {})
      fake.objects.set(path, { content: Buffer.from(content), headers })
    },
    putSegments: (path, contents) => {
      const segments = contents.map((content, index) => {
        fake.put(`parts/${path}/${index}`, content)
        return { path: `/parts/${path}/${index}`, etag: md5(content), size_bytes: content.length }
      })
      fake.objects.set(path, { content: Buffer.from(JSON.stringify(segments)), headers: {}, segments })
    },
    read: (path) => {
      const stored = fake.objects.get(path)
      return stored === undefined ? '' : Buffer.concat(partsOf(stored)).toString()
    },
  }
  return fake
}

async function bodyOf({ body }: HttpRequest): Promise<Buffer> {
  if (body === undefined) return Buffer.of()
  if (typeof body !== 'function') return Buffer.from(body)
  const pieces: Buffer[] = []
  for await (const piece of body()) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

/** In small chunks, and only as fast as they are taken, as a network would. */
const CHUNK = 60_000

async function deliver(
  { sink, operation }: HttpRequest,
  answering: Answer | Promise<Answer>,
): Promise<HttpResponse> {
  const { status, headers = {}, json, body, cutAfter } = await answering
  const content = body ?? Buffer.from(json === undefined ? '' : JSON.stringify(json))
  if (sink === undefined || !operation.success.includes(status)) return { status, headers, body: content }
  await pour(sink, status, headers, content.subarray(0, cutAfter))
  if (cutAfter !== undefined) throw new NetworkError('cut', { retryable: true })
  return { status, headers, body: Buffer.of() }
}

async function pour(
  sink: BodySink,
  status: number,
  headers: HttpHeaders,
  content: Uint8Array,
): Promise<void> {
  sink.begin(status, headers)
  for (let start = 0; start < content.length; start += CHUNK) {
    await new Promise<void>((resolve) => {
      // A copy, of which nothing may be kept.
      const chunk = new Uint8Array(content.subarray(start, start + CHUNK))
      const wantsMore = sink.write(chunk, resolve)
      chunk.fill(0)
      if (wantsMore) resolve()
    })
  }
}
