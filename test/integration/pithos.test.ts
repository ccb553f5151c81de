import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { lastValueFrom, map, tap, toArray, type Observable } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { synnefoErrors } from '../../src/clients/synnefo/errors.js'
import { createSynnefo, type SynnefoClient, type SynnefoConfig } from '../../src/clients/synnefo/index.js'
import type { ObjectInfo } from '../../src/clients/synnefo/storage/schemas.js'
import { createHasher } from '../../src/streams/hasher.js'
import { createPithos } from '../../src/clients/synnefo/pithos.js'
import { isHttpError, NotFoundError, TokenError, TransferError } from '../../src/errors.js'
import { createApi, createCore } from '../../src/http/client.js'
import { fromObservable, toObservable } from '../../src/http/observable.js'
import type { HttpResponse, Middleware } from '../../src/http/types.js'
import { constant } from '../../src/operators/index.js'
import type { TransferEvent } from '../../src/streams/events.js'
import { memorySink } from '../../src/streams/sinks.js'
import {
  startCloud,
  type EmbeddedCloud,
  type Fault,
  type RecordedRequest,
} from '../../src/testing/cloud/index.js'
import { serveHttp, signal } from '../http/loopback.js'
import { openFilesIn, useFolder } from '../streams/folder.js'
import type { TransferPlan } from './transfer-program.js'

const BLOCK = 1024
const path = useFolder()
let cloud: EmbeddedCloud
let client: SynnefoClient
let clients: SynnefoClient[] = []

function connect(config: Partial<SynnefoConfig> = {}): SynnefoClient {
  const { authUrl, token } = cloud.synnefo
  const connected = createSynnefo({ authUrl, token, retry: { backoff: constant(1) }, ...config })
  clients.push(connected)
  return connected
}

async function start(blockSize: number | undefined, config: Partial<SynnefoConfig> = {}): Promise<void> {
  cloud = await startCloud({ clouds: ['synnefo'], synnefo: blockSize === undefined ? {} : { blockSize } })
  client = connect(config)
  await lastValueFrom(client.pithos.containers.create('c'))
}

beforeEach(() => start(BLOCK))
afterEach(async () => {
  for (const one of clients) one.close()
  clients = []
  await cloud.close()
})

/** Bytes of which no two blocks are the same. */
function bytes(length: number, seed = 1): Buffer {
  const content = Buffer.alloc(length)
  let state = seed
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    content[index] = state >>> 24
  }
  return content
}
function file(name: string, content: Uint8Array): string {
  writeFileSync(path(name), content)
  return path(name)
}

type Events = readonly TransferEvent<ObjectInfo>[]
function run(events: Observable<TransferEvent<ObjectInfo>>): Promise<Events> {
  return lastValueFrom(events.pipe(toArray()))
}
async function failureOf(events: Observable<TransferEvent<ObjectInfo>>): Promise<TransferError> {
  const error: unknown = await run(events).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(TransferError)
  return error as TransferError
}
function done(events: Events): Extract<TransferEvent<ObjectInfo>, { kind: 'done' }> {
  const last = events.at(-1)
  if (last?.kind !== 'done') throw new Error(`ended with ${String(last?.kind)}`)
  return last
}
function expectRising(events: Events): void {
  const moved = events.flatMap((event) => (event.kind === 'progress' ? [event.bytes] : []))
  expect(moved).toEqual([...moved].sort((a, b) => a - b))
}

/** Requests for blocks: those that store them, or those that read them. */
function blockRequests(method: 'POST' | 'GET'): RecordedRequest[] {
  return cloud
    .requests({ method, path: /\/pithos\/object-store\// })
    .filter(({ headers, search }) => (method === 'POST' ? search.startsWith('update') : 'range' in headers))
}
const blocks = { cloud: 'synnefo', path: /\/object-store\/v1\/[^/]+\/c$/, method: 'POST' } as const
/** The first GET of an object is that of its hashes. */
const ranges = { cloud: 'synnefo', path: /\/object-store\/v1\/[^/]+\/c\/.+/, method: 'GET', skip: 1 } as const
const puts = { cloud: 'synnefo', path: /\/object-store\/v1\/[^/]+\/c\/.+/, method: 'PUT' } as const

function fault(where: Omit<Fault, 'fault'>, what: Fault['fault'], times = 1): void {
  cloud.faults.add({ ...where, fault: what, times })
}

describe('there and back', () => {
  it.each([0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 10 * BLOCK, 10 * BLOCK + 7])('%i bytes', async (size) => {
    const content = bytes(size)
    const up = await run(client.pithos.upload(file('in', content), 'c/a'))
    const down = await run(client.pithos.download('c/a', path('out')))
    expect(readFileSync(path('out')).equals(content)).toBe(true)
    expect(done(up)).toMatchObject({ bytes: size, reusedBytes: 0 })
    expect(done(down)).toMatchObject({ bytes: size, reusedBytes: 0, unverifiedBytes: 0 })
    expect(done(down).result).toEqual(done(up).result)
    expect(done(up).result).toMatchObject({
      container: 'c',
      name: 'a',
      bytes: size,
      version: expect.any(Number),
    })
    expectRising(up)
    expectRising(down)
    expect(openFilesIn(path())).toEqual([])
  })

  it.each([
    ['bytes', (content: Buffer) => content],
    ['a Blob', (content: Buffer) => new Blob([content])],
    ['a Readable', (content: Buffer) => Readable.from([content.subarray(0, 3000), content.subarray(3000)])],
    ['a ReadableStream', (content: Buffer) => new Blob([content]).stream()],
  ])('%s', async (_name, source) => {
    const content = bytes(5 * BLOCK + 3)
    await run(client.pithos.upload(source(content), 'c/a'))
    const sink = memorySink()
    await run(client.pithos.download('c/a', sink))
    expect(content.equals(sink.bytes)).toBe(true)
  })

  it('holes, repetitions and zeros', async () => {
    const part = bytes(BLOCK)
    const content = Buffer.concat([
      Buffer.alloc(2 * BLOCK),
      part,
      part,
      Buffer.alloc(BLOCK),
      part,
      Buffer.alloc(100),
    ])
    await run(client.pithos.upload(content, 'c/a'))
    expect(
      blockRequests('POST')
        .map((request) => request.bytes)
        .sort(),
    ).toEqual([1, BLOCK])
    await run(client.pithos.download('c/a', path('out')))
    expect(readFileSync(path('out')).equals(content)).toBe(true)
    expect(blockRequests('GET')).toHaveLength(1)
  })

  it('names, type and metadata of all kinds', async () => {
    const content = Buffer.from('hello')
    const options = { contentType: 'text/plain', metadata: { colour: 'grün & 100%', Größe: 'XL' } }
    for (const object of ['a b', '../x', 'a//b/', '/a', 'grün.xml', "!*'()%{}~", '\u{1F600}']) {
      await run(client.pithos.upload(content, { container: 'c', object }, options))
      const sink = memorySink()
      const events = await run(client.pithos.download({ container: 'c', object }, sink))
      expect(Buffer.from(sink.bytes).toString()).toBe('hello')
      expect(done(events).result).toMatchObject({
        name: object,
        contentType: 'text/plain',
        metadata: { colour: 'grün & 100%', größe: 'XL' },
      })
    }
    const names = await lastValueFrom(
      client.pithos.list('c', { limit: 2 }).pipe(
        map((item) => ('name' in item ? item.name : '')),
        toArray(),
      ),
    )
    expect(names).toHaveLength(7)
    expect(names).toContain('../x')
    await lastValueFrom(client.pithos.remove('c/../x'))
    await expect(lastValueFrom(client.pithos.info('c/../x'))).rejects.toBeInstanceOf(NotFoundError)
  })

  it('another hash', async () => {
    await cloud.close()
    cloud = await startCloud({ clouds: ['synnefo'], synnefo: { blockSize: BLOCK, blockHash: 'sha1' } })
    client = connect()
    await lastValueFrom(client.pithos.containers.create('c'))
    const content = bytes(3 * BLOCK)
    const events = await run(client.pithos.upload(content, 'c/a'))
    expect(done(events).result.hash).toMatch(/^[0-9a-f]{40}$/)
    const sink = memorySink()
    await run(client.pithos.download('c/a', sink))
    expect(content.equals(sink.bytes)).toBe(true)
  })

  it('an old version', async () => {
    const first = await run(client.pithos.upload(bytes(2000, 1), 'c/a'))
    await run(client.pithos.upload(bytes(3000, 2), 'c/a'))
    const { version } = done(first).result
    const sink = memorySink()
    const events = await run(client.pithos.download('c/a', sink, version === undefined ? {} : { version }))
    expect(bytes(2000, 1).equals(sink.bytes)).toBe(true)
    expect(done(events).result.version).toBe(version)
  })
})

describe('upload', () => {
  it('sends no block that is there already', async () => {
    const content = bytes(8 * BLOCK)
    await run(client.pithos.upload(content, 'c/a'))
    expect(blockRequests('POST')).toHaveLength(8)
    const again = await run(client.pithos.upload(content, 'c/b'))
    expect(blockRequests('POST')).toHaveLength(8)
    expect(done(again)).toMatchObject({ bytes: 8 * BLOCK, reusedBytes: 8 * BLOCK })
    content.fill(0xff, 3 * BLOCK, 4 * BLOCK)
    const changed = await run(client.pithos.upload(content, 'c/a'))
    expect(blockRequests('POST')).toHaveLength(9)
    expect(done(changed)).toMatchObject({ reusedBytes: 7 * BLOCK })
  })

  it('goes on with a new token when the old one is refused in the middle', async () => {
    const renewing = connect({ renew: () => cloud.synnefo.renewToken() })
    fault({ ...blocks, skip: 3 }, { kind: 'token-revoked' })
    const events = await run(renewing.pithos.upload(bytes(8 * BLOCK), 'c/a'))
    expect(done(events)).toMatchObject({ bytes: 8 * BLOCK })
    expect(cloud.requests({ method: 'POST' }).filter(({ status }) => status === 401).length).toBeGreaterThan(
      0,
    )
    expectRising(events)
  })

  it('stops when there is no new token, and goes on later', async () => {
    fault({ ...blocks, skip: 3 }, { kind: 'token-revoked' })
    const content = bytes(8 * BLOCK)
    const error = await failureOf(client.pithos.upload(content, 'c/a', { concurrency: 1 }))
    // Others were on their way, and may have been refused first.
    expect(error.part).toBeGreaterThanOrEqual(3)
    expect(error.cause).toBeInstanceOf(TokenError)
    const token = cloud.synnefo.renewToken()
    const events = await run(connect({ token }).pithos.upload(content, 'c/a'))
    expect(done(events)).toMatchObject({ reusedBytes: 3 * BLOCK })
  })

  it('sends blocks again that the server lost', async () => {
    const content = bytes(4 * BLOCK)
    const hash = done(await run(client.pithos.upload(content.subarray(0, BLOCK), 'c/first'))).result.hash
    fault({ ...puts, skip: 1 }, { kind: 'status', status: 409, body: [hash] })
    const before = blockRequests('POST').length
    const events = await run(client.pithos.upload(content, 'c/a'))
    expect(blockRequests('POST').length - before).toBe(4)
    expect(done(events)).toMatchObject({ bytes: 4 * BLOCK })
  })

  it('survives bad gateways, resets and cuts, and tells of each', async () => {
    fault({ ...blocks, skip: 1 }, { kind: 'status', status: 502 })
    fault({ ...blocks, skip: 3 }, { kind: 'reset' })
    fault({ ...blocks, skip: 5 }, { kind: 'cut-request', afterBytes: 100 })
    fault(puts, { kind: 'status', status: 503 })
    const events = await run(client.pithos.upload(bytes(8 * BLOCK), 'c/a'))
    const retries = events.flatMap((event) => (event.kind === 'retrying' ? [event] : []))
    expect(retries).toHaveLength(4)
    expect(retries.filter(({ part }) => part === undefined)).toHaveLength(1)
    expect(done(events)).toMatchObject({ bytes: 8 * BLOCK, reusedBytes: 0 })
    expectRising(events)
  })

  it('finds out that it won although the answer was lost', async () => {
    const content = bytes(BLOCK)
    await run(client.pithos.upload(content, 'c/blocks are there'))
    fault(puts, { kind: 'reset' })
    const events = await run(client.pithos.upload(content, 'c/a', { ifNoneMatch: '*' }))
    expect(done(events)).toMatchObject({ bytes: BLOCK })
    expect(cloud.requests({ method: 'PUT' }).at(-1)?.status).toBe(412)
    const lost: unknown = await run(client.pithos.upload(content, 'c/a', { ifNoneMatch: '*' })).catch(
      (e: unknown) => e,
    )
    expect(isHttpError(lost, 412)).toBe(true)
  })

  it('replaces only what it is told to', async () => {
    const first = done(await run(client.pithos.upload(bytes(10, 1), 'c/a'))).result
    await run(client.pithos.upload(bytes(10, 2), 'c/a', { ifMatch: first.etag ?? '' }))
    const lost: unknown = await run(
      client.pithos.upload(bytes(10, 3), 'c/a', { ifMatch: first.etag ?? '' }),
    ).catch((e: unknown) => e)
    expect(isHttpError(lost, 412)).toBe(true)
  })

  it('plans anew when the block size is not what it was told', async () => {
    let told = false
    const lie: Middleware = (next) =>
      fromObservable((request) =>
        toObservable(next)(request).pipe(
          map((response): HttpResponse => {
            if (told || request.operation.id !== 'synnefo.pithos.containers.get') return response
            told = true
            return { ...response, headers: { ...response.headers, 'x-container-block-size': '4096' } }
          }),
        ),
      )
    const content = bytes(3 * 4096)
    const events = await run(connect({ middleware: [lie] }).pithos.upload(content, 'c/a'))
    expect(events.filter(({ kind }) => kind === 'planned')).toMatchObject([
      { totalParts: 3 },
      { totalParts: 12 },
    ])
    const sink = memorySink()
    await run(client.pithos.download('c/a', sink))
    expect(content.equals(sink.bytes)).toBe(true)
    expectRising(events)
  })

  it('looks at the quota first', async () => {
    await lastValueFrom(client.pithos.containers.create('small', { quota: 2000 }))
    const error = await failureOf(client.pithos.upload(bytes(2001), 'small/a'))
    expect(error.message).toMatch(/2001 bytes do not fit/)
    await run(client.pithos.upload(bytes(2000), 'small/a'))
    expect(cloud.requests({ path: /\/small/ }).filter(({ status }) => status === 413)).toEqual([])
  })

  it('says what is wrong before it begins', async () => {
    await expect(run(client.pithos.upload(bytes(5), 'nothing/a'))).rejects.toBeInstanceOf(NotFoundError)
    mkdirSync(path('folder'))
    expect((await failureOf(client.pithos.upload(path('folder'), 'c/a'))).message).toMatch(
      /folder: it is a directory/,
    )
    expect((await failureOf(client.pithos.upload(path('missing'), 'c/a'))).message).toMatch(
      /missing: there is no such file/,
    )
    expect(cloud.requests({ method: 'PUT', path: /\/c\// })).toEqual([])
  })
})

describe('download', () => {
  it('survives what cuts bodies short or holds them back', async () => {
    const content = bytes(8 * BLOCK)
    await run(client.pithos.upload(content, 'c/a'))
    fault(ranges, { kind: 'reset-mid-body', afterBytes: 100 })
    fault({ ...ranges, skip: 3 }, { kind: 'truncated-body', afterBytes: 500 })
    fault({ ...ranges, skip: 5 }, { kind: 'status', status: 503 })
    const events = await run(client.pithos.download('c/a', path('out')))
    expect(readFileSync(path('out')).equals(content)).toBe(true)
    expect(events.filter(({ kind }) => kind === 'retrying')).toHaveLength(3)
    expect(done(events)).toMatchObject({ reusedBytes: 0 })
    expectRising(events)
  })

  it('begins anew when the object is replaced, and keeps what fits', async () => {
    const first = bytes(8 * BLOCK, 1)
    const second = Buffer.from(first)
    second.fill(0xff, 2 * BLOCK, 3 * BLOCK)
    await run(client.pithos.upload(first, 'c/a'))
    fault({ ...ranges, skip: 3 }, { kind: 'delay', ms: 300 }, 2)
    const other = connect()
    const replaced = signal()
    const events = await run(
      client.pithos.download('c/a', path('out'), { concurrency: 2 }).pipe(
        tap(({ kind }) => {
          if (kind === 'planned')
            run(other.pithos.upload(second, 'c/a')).then(() => replaced.give(), replaced.give)
        }),
      ),
    )
    await replaced.given
    expect(readFileSync(path('out')).equals(second)).toBe(true)
    expect(events.filter(({ kind }) => kind === 'planned')).toHaveLength(2)
    expect(cloud.requests({ method: 'GET' }).some(({ status }) => status === 412)).toBe(true)
    expectRising(events)
  })

  it('writes to a stream in order', async () => {
    const content = bytes(9 * BLOCK + 5)
    await run(client.pithos.upload(content, 'c/a'))
    fault(ranges, { kind: 'slow-first-byte', ms: 50 })
    const chunks: Uint8Array[] = []
    const stream = new WritableStream<Uint8Array>({ write: (chunk) => void chunks.push(chunk) })
    await run(client.pithos.download('c/a', stream))
    expect(Buffer.concat(chunks).equals(content)).toBe(true)
  })

  it('says what is not there', async () => {
    await expect(run(client.pithos.download('c/missing', path('out')))).rejects.toBeInstanceOf(NotFoundError)
    expect(existsSync(path('out.part'))).toBe(false)
  })
})

describe('leaving', () => {
  it('ends a download at once; the part stays for the next one', async () => {
    const content = bytes(8 * BLOCK)
    await run(client.pithos.upload(content, 'c/a'))
    fault({ ...ranges, skip: 4 }, { kind: 'delay', ms: 60_000 }, Infinity)
    const subscription = client.pithos.download('c/a', path('out'), { concurrency: 2 }).subscribe()
    await expect.poll(() => blockRequests('GET').length).toBe(5)
    subscription.unsubscribe()
    await expect.poll(() => openFilesIn(path())).toEqual([])
    expect(existsSync(path('out'))).toBe(false)
    expect(statSync(path('out.part')).size).toBe(8 * BLOCK)
    cloud.faults.clear()
    const before = blockRequests('GET').length
    const events = await run(client.pithos.download('c/a', path('out')))
    expect(readFileSync(path('out')).equals(content)).toBe(true)
    expect(blockRequests('GET').length - before).toBe(5)
    expect(done(events)).toMatchObject({ reusedBytes: 3 * BLOCK })
  })

  it('closes the connections and the file of an upload', async () => {
    const closed: Promise<unknown>[] = []
    const server = await serveHttp((request, response) => {
      request.resume()
      if (request.method === 'HEAD') {
        response
          .writeHead(204, { 'x-container-block-size': '1024', 'x-container-block-hash': 'sha256' })
          .end()
      } else if (request.method === 'PUT') {
        const chunks: Buffer[] = []
        request.on('data', (chunk: Buffer) => chunks.push(chunk))
        request.on('end', () => {
          const { hashes } = JSON.parse(Buffer.concat(chunks).toString()) as { hashes: string[] }
          response.writeHead(409, { 'content-type': 'application/json' }).end(JSON.stringify(hashes))
        })
      } else closed.push(once(response, 'close'))
    })
    const core = createCore({})
    const hasher = createHasher()
    const pithos = createPithos(
      createApi(core, { cloud: 'synnefo', errors: synnefoErrors, endpoint: server.origin }),
      hasher,
    )
    const subscription = pithos.upload(file('in', bytes(8 * BLOCK)), 'c/a', { concurrency: 3 }).subscribe()
    await expect.poll(() => closed.length).toBe(3)
    expect(openFilesIn(path())).toEqual([path('in')])
    subscription.unsubscribe()
    await Promise.all(closed)
    await expect.poll(() => openFilesIn(path())).toEqual([])
    core.close()
    hasher.close()
    await server.close()
  })

  it('by signal ends with its reason', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    fault({ ...blocks, skip: 1 }, { kind: 'delay', ms: 60_000 }, Infinity)
    const options = { signal: controller.signal, concurrency: 1 }
    const failed = run(client.pithos.upload(file('in', bytes(4 * BLOCK)), 'c/a', options))
    const caught = failed.catch((error: unknown) => error)
    await expect.poll(() => blockRequests('POST').length).toBe(2)
    controller.abort(reason)
    expect(await caught).toBe(reason)
    await expect.poll(() => openFilesIn(path())).toEqual([])
  })
})

describe('another process', () => {
  const program = fileURLToPath(new URL('./transfer-program.ts', import.meta.url))
  let children: ChildProcess[] = []

  afterEach(() => {
    for (const child of children) child.kill('SIGKILL')
    children = []
  })

  function launch(plan: Omit<TransferPlan, 'authUrl' | 'token'>): ChildProcess {
    const { authUrl, token } = cloud.synnefo
    const args = ['--import', 'tsx', program, JSON.stringify({ authUrl, token, ...plan })]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    return child
  }
  async function kill(child: ChildProcess): Promise<void> {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }

  it('that is killed in an upload leaves a checkpoint, and the next one sends only what is missing', async () => {
    const content = bytes(40 * BLOCK)
    const checkpoint = path('in.checkpoint')
    fault(blocks, { kind: 'delay', ms: 20 }, Infinity)
    const child = launch({
      direction: 'upload',
      file: file('in', content),
      target: 'c/a',
      concurrency: 1,
      checkpoint,
    })
    await expect.poll(() => blockRequests('POST').length, { timeout: 20_000, interval: 5 }).toBeGreaterThan(5)
    await kill(child)
    cloud.faults.clear()
    const stored = blockRequests('POST').filter(({ status }) => status === 202).length
    const before = blockRequests('POST').length
    expect(stored).toBeLessThan(40)
    expect(statSync(checkpoint).mode & 0o777).toBe(0o600)
    expect(readFileSync(checkpoint, 'utf8')).not.toContain(cloud.synnefo.token)

    const events = await run(client.pithos.upload(path('in'), 'c/a', { checkpoint }))
    const [planned] = events
    expect(planned).toMatchObject({ kind: 'planned', checkpoint: { size: 40 * BLOCK } })
    // What was hashed before is not hashed again.
    expect(planned?.kind === 'planned' && planned.checkpoint?.hashes.length).toBeGreaterThan(0)
    const { reusedBytes } = done(events)
    expect(reusedBytes).toBeGreaterThanOrEqual(stored * BLOCK)
    expect(blockRequests('POST').length - before).toBe(40 - reusedBytes / BLOCK)
    expect(existsSync(checkpoint)).toBe(false)
    const sink = memorySink()
    await run(client.pithos.download('c/a', sink))
    expect(content.equals(sink.bytes)).toBe(true)
  })

  it('that is killed in a download leaves the part, and the next one fetches only what is missing', async () => {
    const content = bytes(40 * BLOCK)
    await run(client.pithos.upload(content, 'c/a'))
    fault(ranges, { kind: 'delay', ms: 20 }, Infinity)
    const child = launch({ direction: 'download', file: path('out'), target: 'c/a', concurrency: 1 })
    await expect.poll(() => blockRequests('GET').length, { timeout: 20_000, interval: 5 }).toBeGreaterThan(5)
    await kill(child)
    cloud.faults.clear()
    expect(existsSync(path('out'))).toBe(false)
    const before = blockRequests('GET').length
    const events = await run(client.pithos.download('c/a', path('out')))
    const { reusedBytes } = done(events)
    expect(reusedBytes).toBeGreaterThanOrEqual(4 * BLOCK)
    expect(blockRequests('GET').length - before).toBe(40 - reusedBytes / BLOCK)
    expect(readFileSync(path('out')).equals(content)).toBe(true)
  })

  it('needs no more memory than its blocks, whatever the size', async () => {
    await cloud.close()
    await start(undefined)
    const size = 256 * 2 ** 20
    const part = bytes(2 ** 20)
    const descriptor = openSync(path('in'), 'w')
    for (let index = 0; index < size / part.length; index += 1) {
      part.writeUInt32LE(index)
      writeSync(descriptor, part)
    }
    closeSync(descriptor)
    for (const direction of ['upload', 'download'] as const) {
      const child = launch({ direction, file: path(direction === 'upload' ? 'in' : 'out'), target: 'c/a' })
      const told = child.stdout === null ? '' : await text(child.stdout)
      const grown = Number(/grown by (\d+) KiB/.exec(told)?.[1]) / 1024
      // None at all, if loading the program needed more.
      expect(grown).toBeGreaterThanOrEqual(0)
      // Four blocks of 4 MiB, their copies on the way, and what the collector leaves for a while: half of the object.
      expect(grown).toBeLessThan(128)
    }
    expect(statSync(path('out')).size).toBe(size)
  }, 120_000)
})
